//! What stands in the fields of a line, where that is not what a client may send.

use std::str::FromStr;

use serde::de::IgnoredAny;

use super::kinds::finish;
use super::line::Participant;
use crate::error::Problem;
use crate::fields::{Faulty, Fields, FromValue, Number, Truth, Value};
use crate::id::Id;
use crate::tokens::Code;
use crate::users::Flag;

/// The longest code of an invite.
const LONGEST_CODE: usize = 64;

/// An id that a row may have.
pub(super) struct Key(pub(super) Id);

impl Key {
    /// Holds an id against what a row may have: above all of them there must be room for the ids to come, so the upper half of
    /// the ids is theirs.
    pub(super) fn check(id: Id) -> Result<Self, Problem> {
        const LAST: i64 = (1 << 62) - 1;
        match id.bits() {
            0 => Err(Problem::out_of_range("An id is 1 at least.")),
            1..=LAST => Ok(Self(id)),
            _ => Err(Problem::out_of_range(
                "An id that is imported is at most 4611686018427387903 (the year 2055), so that there is room for new ones above it.",
            )),
        }
    }
}

impl FromStr for Key {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Self::check(text.parse()?)
    }
}

pub(super) fn key(fields: &mut Fields, name: &str) -> Result<Id, Faulty> {
    fields.required::<Key>(name).map(|Key(id)| id)
}

/// A field that may be left out or be null.
pub(super) fn perhaps<T: FromValue>(fields: &mut Fields, name: &str) -> Result<Option<T>, Faulty> {
    fields.nullable(name).map(Option::flatten)
}

/// A flag by its number.
pub(super) struct Numbered(pub(super) Flag);

impl FromValue for Numbered {
    fn from_value(value: Value) -> Result<Self, Problem> {
        let Number(number) = Number::from_value(value)?;
        let unknown = || Problem::out_of_range("The flags are 1, 10 and 11.");
        Flag::from_number(number).map(Self).ok_or_else(unknown)
    }
}

/// How often, or of how many.
pub(super) struct Amount(pub(super) u32);

impl FromValue for Amount {
    fn from_value(value: Value) -> Result<Self, Problem> {
        let Number(number) = Number::from_value(value)?;
        let outside = |_| Problem::out_of_range("This must be a number from 0 to 4294967295.");
        u32::try_from(number).map(Self).map_err(outside)
    }
}

/// The code of an invite.
pub(super) struct Letters(pub(super) Code);

impl FromStr for Letters {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let sound = (1..=LONGEST_CODE).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let wrong = || Problem::out_of_range("A code is 1 to 64 letters and digits.");
        sound.then(|| Self(Code(text.to_owned()))).ok_or_else(wrong)
    }
}

/// JSON in a string.
pub(super) struct Embedded(pub(super) String);

impl FromStr for Embedded {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match serde_json::from_str::<IgnoredAny>(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(_) => Err(Problem::wrong_type("This must be JSON in a string.")),
        }
    }
}

impl FromValue for Participant {
    fn from_value(value: Value) -> Result<Self, Problem> {
        let Value::Object(members) = value else {
            return Err(value.is_not("an object"));
        };
        let mut fields = Fields::of(members);
        let user_id = key(&mut fields, "user_id");
        let since = key(&mut fields, "since");
        let hidden = fields.optional::<Truth>("hidden");
        let read = finish(fields).and_then(|()| {
            Ok(Self {
                user_id: user_id?,
                since: since?,
                hidden: hidden?.is_some_and(|Truth(hidden)| hidden),
            })
        });
        read.map_err(|error| Problem::wrong_type(error.to_string()))
    }
}
