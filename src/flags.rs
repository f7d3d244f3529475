//! Flags: what an admin says an account is (contract, section 2).

use std::str::FromStr;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::error::{Problem, Result};

/// One of the three flags there are (contract, section 2; the seed's table).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flag {
    /// A developer's account.
    Developer = 1,
    /// A bot's account.
    Bot = 10,
    /// An account managed by Saryno.
    System = 11,
}

impl Flag {
    /// All of them, ascending.
    pub const ALL: [Self; 3] = [Self::Developer, Self::Bot, Self::System];

    /// The flag of this number, if there is one.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|flag| i64::from(*flag as u8) == number)
    }

    fn bit(self) -> u16 {
        1 << self as u8
    }
}

impl FromStr for Flag {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "developer" => Ok(Self::Developer),
            "bot" => Ok(Self::Bot),
            "system" => Ok(Self::System),
            _ => Err(Problem::out_of_range(
                "The flags are developer, bot and system.",
            )),
        }
    }
}

/// A set of flags: bit n stands for the flag of number n. Holds none but the three known ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ToSchema)]
#[schema(
    description = "1 developer, 10 bot, 11 managed by the server.",
    value_type = Vec<u8>,
    example = json!([1, 10])
)]
pub struct Flags(u16);

impl Flags {
    /// The bit set as it is stored; `None` if it has an unknown bit.
    #[must_use]
    pub fn from_bits(bits: u16) -> Option<Self> {
        let known = Flag::ALL.into_iter().collect::<Self>().0;
        (bits & !known == 0).then_some(Self(bits))
    }

    /// The bit set as it is stored.
    #[must_use]
    pub fn bits(self) -> u16 {
        self.0
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn contains(self, flag: Flag) -> bool {
        self.0 & flag.bit() != 0
    }
}

impl FromIterator<Flag> for Flags {
    fn from_iter<I: IntoIterator<Item = Flag>>(flags: I) -> Self {
        Self(flags.into_iter().fold(0, |bits, flag| bits | flag.bit()))
    }
}

impl Serialize for Flags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            Flag::ALL
                .into_iter()
                .filter(|flag| self.contains(*flag))
                .map(|flag| flag as u8),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_ascending_numbers_and_an_unknown_one_never_gets_in() {
        let flags: Flags = [Flag::System, Flag::Developer, Flag::System]
            .into_iter()
            .collect();
        assert_eq!(serde_json::to_string(&flags).unwrap(), "[1,11]");
        assert_eq!(Flags::from_bits(flags.bits()), Some(flags));
        for bit in 0..16 {
            assert_eq!(
                Flags::from_bits(1 << bit).is_some(),
                [1, 10, 11].contains(&bit),
                "{bit}"
            );
        }
    }
}
