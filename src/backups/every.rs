//! How often a backup is made by itself, as a setting.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How long after a backup the next is due: `24h`, `7d`; `None`, written `off` or 0, for never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every(pub Option<Duration>);

impl FromStr for Every {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if ["off", "0"].contains(&text) {
            return Ok(Self(None));
        }
        let every = humantime::parse_duration(text).map_err(|error| {
            format!("\"{text}\" is no duration like 24h or 7d, and not off: {error}")
        })?;
        match every.as_secs() {
            0 if every.is_zero() => Ok(Self(None)),
            0 => Err("backups are a second apart at least".into()),
            _ => Ok(Self(Some(every))),
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(every) => humantime::format_duration(every).fmt(f),
            None => f.write_str("off"),
        }
    }
}

impl Serialize for Every {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EveryVisitor)
    }
}

/// A number is what a variable's 0 is read as.
struct EveryVisitor;

impl Visitor<'_> for EveryVisitor {
    type Value = Every;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration like \"24h\", or \"off\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Every, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Every, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Every, E> {
        self.visit_str(&number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_or_never() {
        for (text, every) in [
            ("24h", Some(Duration::from_hours(24))),
            ("1day", Some(Duration::from_hours(24))),
            ("90s", Some(Duration::from_secs(90))),
            ("off", None),
            ("0", None),
            ("0s", None),
        ] {
            assert_eq!(text.parse(), Ok(Every(every)), "{text}");
        }
        for text in ["", "24", "-1h", "1ms", "never", "on"] {
            assert!(text.parse::<Every>().is_err(), "{text}");
        }
    }
}
