//! The audit log: who did what to whom, when, from where, and what was before and after.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::admins::{Means, Operator};
use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::fields::Fields;
use crate::id::Id;
use crate::names::search_key;

/// What the log calls the command line; no admin is called so.
pub const COMMAND_LINE: &str = "command line";

/// Who does something, from where and by what means.
#[derive(Debug, Clone, PartialEq)]
pub struct Author {
    /// Who.
    pub who: Who,
    /// The address that the request came from; `None` for the command line.
    pub address: Option<String>,
}

/// Who does something.
#[derive(Debug, Clone, PartialEq)]
pub enum Who {
    /// An admin who was admitted; the store looks again whether they still are.
    Operator(Operator),
    /// An admin who is about to be: who sets the instance up, logs in, or uses a link.
    Newcomer {
        /// Their id.
        id: Id,
        /// Their name.
        name: String,
        /// `page`, `set-up link` or `one-time link`.
        via: &'static str,
    },
    /// Whoever may write the data directory.
    CommandLine,
}

impl Author {
    /// The command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self {
            who: Who::CommandLine,
            address: None,
        }
    }

    /// The admin's id, where there is one.
    #[must_use]
    pub fn id(&self) -> Option<Id> {
        match &self.who {
            Who::Operator(operator) => Some(operator.admin.id),
            Who::Newcomer { id, .. } => Some(*id),
            Who::CommandLine => None,
        }
    }

    /// The admin's session, where there is one.
    #[must_use]
    pub fn session(&self) -> Option<Id> {
        match &self.who {
            Who::Operator(operator) => match operator.means {
                Means::Session(session) => Some(session),
                Means::Token(..) => None,
            },
            Who::Newcomer { .. } | Who::CommandLine => None,
        }
    }

    /// What the log calls them.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.who {
            Who::Operator(operator) => &operator.admin.name,
            Who::Newcomer { name, .. } => name,
            Who::CommandLine => COMMAND_LINE,
        }
    }

    /// By what means.
    #[must_use]
    pub fn via(&self) -> String {
        match &self.who {
            Who::Operator(operator) => match &operator.means {
                Means::Session(_) => "page".into(),
                Means::Token(_, name) => format!("token {name}"),
            },
            Who::Newcomer { via, .. } => (*via).into(),
            Who::CommandLine => COMMAND_LINE.into(),
        }
    }
}

/// An entry of the log as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Tells when, and orders the log.
    pub id: Id,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub admin: Named,
    /// `page`, `token NAME`, `set-up link`, `one-time link` or `command line`.
    pub via: String,
    /// From where.
    pub address: Option<String>,
    /// What, like `user.rename`.
    pub action: String,
    /// To whom.
    pub target: Option<Target>,
    /// What changed, as it was.
    pub before: Option<Object>,
    /// And as it was then.
    pub after: Option<Object>,
}

/// Who did it, as they were called then.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Named {
    /// `None`: the command line.
    pub id: Option<Id>,
    /// The name.
    pub name: String,
}

/// To whom something was done, as they were called then.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// `user`, `community`, `registration`, `invite`, `admin`, `token` or `backup`.
    pub kind: String,
    /// Its id, if it has one.
    pub id: Option<Id>,
    /// Its tag or name.
    pub name: String,
}

impl Target {
    /// A target of this kind.
    #[must_use]
    pub fn new(kind: &str, id: Option<Id>, name: &(impl ToString + ?Sized)) -> Self {
        Self {
            kind: kind.into(),
            id,
            name: name.to_string(),
        }
    }
}

/// An object as JSON text, the way it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(pub String);

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value: Value = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        value.serialize(serializer)
    }
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// The key of the admin's name.
    pub admin: Option<String>,
    /// The action.
    pub action: Option<String>,
    /// The target's id.
    pub target: Option<Id>,
}

impl Filter {
    /// Takes `admin`, `action` and `target` out of a query string.
    ///
    /// # Errors
    /// `Invalid` for what is malformed.
    pub fn parse(query: &mut Fields) -> Result<Self, crate::fields::Faulty> {
        let text = |text: Option<Text>| text.map(|Text(text)| text);
        let admin = query.optional("admin").map(text);
        let action = query.optional("action").map(text);
        let target = query.optional("target");
        Ok(Self {
            admin: admin?.map(|name| search_key(&name)),
            action: action?,
            target: target?,
        })
    }
}

/// Any text.
pub(crate) struct Text(pub(crate) String);

impl std::str::FromStr for Text {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_owned()))
    }
}
