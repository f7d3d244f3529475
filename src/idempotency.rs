//! Idempotency keys: a request that is sent again gets the answer of the first time, and does nothing again (contract, section 1,
//! "Idempotency"). So a client that lost an answer may simply ask once more.

use std::str::FromStr;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, Problem, Result};
use crate::limits::Allowance;

/// A key is remembered for so long.
pub const KEY_END: Duration = Duration::from_hours(24);

/// What a client calls a request of its own: 1 to 255 visible ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Key {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text.len() {
            0 => Err(Problem::too_short("A key has 1 character at least.")),
            1..=255 if text.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(text.into())),
            1..=255 => Err(Problem::forbidden_character(
                "A key consists of visible ASCII characters.",
            )),
            _ => Err(Problem::too_long("A key has 255 characters at most.")),
        }
    }
}

/// A request that is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    /// Its key, one of its account's.
    pub key: Key,
    /// SHA-256 of method, path and body: what the key stands for.
    pub request: [u8; 32],
    /// The moment it came.
    pub now: Timestamp,
}

/// On what terms something is made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Terms {
    /// Only if the same request did not make it before.
    pub once: Option<Once>,
    /// Only so often.
    pub allowance: Option<Allowance>,
}

/// What a request is answered with that may be done once.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer<T> {
    /// It was done now.
    First(T),
    /// It was done before: the answer of then, as JSON.
    Again(String),
}

impl<T> Answer<T> {
    /// The answer to a request without a key.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was of a request with one that was done before.
    pub fn first(self) -> Result<T> {
        match self {
            Self::First(first) => Ok(first),
            Self::Again(_) => Err(Error::Internal("a request without a key was known".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_1_to_255_visible_ascii_characters() {
        let code = |text: &str| {
            text.parse::<Key>()
                .map(drop)
                .map_err(|problem| problem.code)
        };
        assert_eq!(code("8e03978e-40d5-43e8-bc93-6894a57f9324"), Ok(()));
        assert_eq!(code(&"x".repeat(255)), Ok(()));
        assert_eq!(code(&"x".repeat(256)), Err("too_long"));
        assert_eq!(code(""), Err("too_short"));
        for text in ["a b", "é", "\u{7f}", "a\n"] {
            assert_eq!(code(text), Err("forbidden_character"), "{text:?}");
        }
    }
}
