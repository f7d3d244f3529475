//! A JSON body, read field by field, so that a client learns of every fault at once (contract, section 1, "JSON").
//!
//! `serde`'s derive stops at the first error and `serde_json::Value` hides duplicate keys; so the body becomes a [`Value`]
//! that keeps them, and a topic's `parse` takes its fields out of it by name:
//!
//! ```
//! use saryno::fields::Fields;
//! use saryno::id::Id;
//!
//! let mut fields = Fields::parse(br#"{"recipient_id": "42388375784780768"}"#)?;
//! let recipient = fields.required::<Id>("recipient_id");
//! fields.finish()?; // an unknown field is an error by now, and so is every fault above
//! let recipient = recipient?;
//! # Ok::<(), saryno::error::Error>(())
//! ```

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, FieldError, MOST_FAULTS, Problem, Result};

/// A JSON value that keeps duplicate keys. Has no `Debug`: it may hold a password.
pub enum Value {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number; `None` where it is no whole number that 64 signed bits hold.
    Number(Option<i64>),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, its members in order, duplicates kept.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Which JSON type it has, as a sentence calls it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// What is wrong with it where something else is due.
    #[must_use]
    pub fn is_not(&self, due: &str) -> Problem {
        Problem::wrong_type(format!("This must be {due}; it is {}.", self.kind()))
    }
}

/// What a field's value can become.
pub trait FromValue: Sized {
    /// The value, or what is wrong with it.
    ///
    /// # Errors
    /// `wrong_type` for another JSON type, else what the type's own rules say.
    fn from_value(value: Value) -> Result<Self, Problem>;
}

/// Whatever has a text form is a string in JSON; ids above all.
impl<T: FromStr<Err = Problem>> FromValue for T {
    fn from_value(value: Value) -> Result<Self, Problem> {
        match value {
            Value::String(text) => text.parse(),
            other => Err(other.is_not("a string")),
        }
    }
}

/// A whole number.
pub struct Number(pub i64);

impl FromValue for Number {
    fn from_value(value: Value) -> Result<Self, Problem> {
        match value {
            Value::Number(Some(number)) => Ok(Self(number)),
            Value::Number(None) => Err(Problem::wrong_type(
                "This must be a whole number of at most 63 bits.",
            )),
            other => Err(other.is_not("a number")),
        }
    }
}

/// `true` or `false`.
pub struct Truth(pub bool);

impl FromValue for Truth {
    fn from_value(value: Value) -> Result<Self, Problem> {
        match value {
            Value::Bool(truth) => Ok(Self(truth)),
            other => Err(other.is_not("a boolean")),
        }
    }
}

/// The mark of a field whose fault stands in the list already: [`Fields::finish`] reports it.
#[derive(Debug, Clone, Copy)]
pub struct Faulty;

impl From<Faulty> for Error {
    fn from(_: Faulty) -> Self {
        Self::Internal("a faulty field was read although the body was refused".into())
    }
}

/// The fields of a body that nobody has taken yet, and the faults of those taken.
pub struct Fields {
    rest: Vec<(String, Value)>,
    faults: Vec<FieldError>,
}

impl Fields {
    /// Reads a body. Nesting deeper than 128 is a syntax error.
    ///
    /// # Errors
    /// [`Error::Malformed`] for what isn't JSON, with line and column, or isn't an object.
    pub fn parse(body: &[u8]) -> Result<Self> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(Error::Malformed(
                "The body is empty; send a JSON object.".into(),
            ));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self::of(members)),
            Ok(other) => Err(Error::Malformed(format!(
                "The body must be a JSON object; it is {}.",
                other.kind()
            ))),
            Err(error) => Err(Error::Malformed(format!(
                "The body is not valid JSON: {error}."
            ))),
        }
    }

    /// The parameters of a query string, each a string.
    #[must_use]
    pub fn query(parameters: impl Iterator<Item = (String, String)>) -> Self {
        Self::of(
            parameters
                .map(|(name, value)| (name, Value::String(value)))
                .collect(),
        )
    }

    /// The members of an object that was read already.
    #[must_use]
    pub fn of(mut members: Vec<(String, Value)>) -> Self {
        // In the order of their names, those of one name stand together: a body can hold thousands, so they are not searched one by one.
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut repeated = Vec::new();
        members.dedup_by(|(name, _), (first, _)| {
            let is_repeated = name == first;
            if is_repeated && repeated.last() != Some(first) {
                repeated.push(std::mem::take(name));
            }
            is_repeated
        });
        let mut fields = Self {
            rest: members,
            faults: Vec::new(),
        };
        for name in repeated {
            let problem = Problem::duplicate("This field stands here more than once.");
            fields.fault(&name, problem);
        }
        fields
    }

    /// Puts a fault on the list. A body can hold a hundred thousand of them: an answer that named all would be many times its size.
    pub fn fault(&mut self, field: &str, problem: Problem) -> Faulty {
        if self.faults.len() >= MOST_FAULTS {
            return Faulty;
        }
        // A client's own field name comes back in the answer; it need not be as long as the body was.
        let name: String = field.chars().take(64).collect();
        if !self
            .faults
            .iter()
            .any(|fault| fault.field == name && fault.code == problem.code)
        {
            self.faults.push(FieldError::new(name, problem));
        }
        Faulty
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.rest.iter().position(|(known, _)| known == name)?;
        Some(self.rest.swap_remove(index).1)
    }

    fn convert<T: FromValue>(&mut self, name: &str, value: Value) -> Result<T, Faulty> {
        T::from_value(value).map_err(|problem| self.fault(name, problem))
    }

    /// A field that must be there.
    ///
    /// # Errors
    /// [`Faulty`]; the fault is on the list.
    pub fn required<T: FromValue>(&mut self, name: &str) -> Result<T, Faulty> {
        match self.take(name) {
            Some(value) => self.convert(name, value),
            None => Err(self.fault(name, Problem::required("This field is missing."))),
        }
    }

    /// A field that may be left out; `null` is a wrong type.
    ///
    /// # Errors
    /// [`Faulty`]; the fault is on the list.
    pub fn optional<T: FromValue>(&mut self, name: &str) -> Result<Option<T>, Faulty> {
        self.take(name)
            .map(|value| self.convert(name, value))
            .transpose()
    }

    /// A field that may be left out (`None`) or be `null` (`Some(None)`).
    ///
    /// # Errors
    /// [`Faulty`]; the fault is on the list.
    pub fn nullable<T: FromValue>(&mut self, name: &str) -> Result<Option<Option<T>>, Faulty> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => self.convert(name, value).map(|value| Some(Some(value))),
        }
    }

    /// An array that must be there; faults of its elements are listed as `name[index]`.
    ///
    /// # Errors
    /// [`Faulty`]; the faults are on the list.
    pub fn list<T: FromValue>(&mut self, name: &str) -> Result<Vec<T>, Faulty> {
        let elements = match self.take(name) {
            Some(Value::Array(elements)) => elements,
            Some(other) => return Err(self.fault(name, other.is_not("an array"))),
            None => return Err(self.fault(name, Problem::required("This field is missing."))),
        };
        let mut list = Ok(Vec::with_capacity(elements.len()));
        for (index, element) in elements.into_iter().enumerate() {
            match (
                self.convert(&format!("{name}[{index}]"), element),
                &mut list,
            ) {
                (Ok(element), Ok(list)) => list.push(element),
                (Err(faulty), _) => list = Err(faulty),
                (Ok(_), Err(_)) => {}
            }
        }
        list
    }

    /// The same for an array that may be left out.
    ///
    /// # Errors
    /// [`Faulty`]; the faults are on the list.
    pub fn optional_list<T: FromValue>(&mut self, name: &str) -> Result<Option<Vec<T>>, Faulty> {
        if self.rest.iter().any(|(known, _)| known == name) {
            self.list(name).map(Some)
        } else {
            Ok(None)
        }
    }

    /// A field that exists, but not for this requester or not here; its presence is a fault.
    pub fn refuse(&mut self, name: &str, why: &'static str) {
        if self.take(name).is_some() {
            self.fault(name, Problem::not_allowed(why));
        }
    }

    /// A field that isn't looked at, because another one decides what it would mean.
    pub fn ignore(&mut self, name: &str) {
        self.take(name);
    }

    /// Ends the reading: what nobody took is unknown.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault of the body.
    pub fn finish(self) -> Result<()> {
        self.finish_saying("This path knows no such field.")
    }

    /// The same, with another sentence for what is unknown.
    ///
    /// # Errors
    /// As `finish`.
    pub fn finish_saying(mut self, unknown: &'static str) -> Result<()> {
        for (name, _) in std::mem::take(&mut self.rest) {
            self.fault(&name, Problem::unknown_field(unknown));
        }
        self.finish_known()
    }

    /// Ends the reading of a query string, where what nobody took is nobody's business.
    ///
    /// # Errors
    /// [`Error::Invalid`] with every fault found.
    pub fn finish_known(self) -> Result<()> {
        if self.faults.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.faults))
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(Some(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(i64::try_from(number).ok()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Number(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = access.next_element()? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = access.next_entry()? {
            members.push(member);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests;
