//! Discriminators: the number behind a name, how one is drawn, and which of a name are taken (contract, section 4).

use std::fmt;
use std::str::FromStr;

use base16ct::lower::encode_string;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::error::{Problem, Result};

/// The number behind the name, 1 to 9999; four digits wherever it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9]{4}$", example = "0001")]
pub struct Discriminator(u16);

impl Discriminator {
    /// How many there are for a name.
    pub const COUNT: u16 = 9_999;

    /// `None` outside 1 to 9999.
    #[must_use]
    pub fn new(number: u16) -> Option<Self> {
        (1..=Self::COUNT).contains(&number).then_some(Self(number))
    }

    /// 1 to 9999.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// Draws one of the free ones, each as likely as any other: the random number picks a rank among them. `None` when all are
    /// taken. (Taking the next free one after a random start would favour those behind long taken runs.)
    #[must_use]
    pub fn draw(taken: &Taken, random: u64) -> Option<Self> {
        let free = u64::from(Self::COUNT - taken.count);
        // A 64-bit number times the count of the free: its upper half is a rank, and even to one part in 10^15.
        let mut rank = u32::try_from((u128::from(random) * u128::from(free)) >> 64).ok()?;
        for (word, taken) in (0_u16..).zip(taken.bits) {
            let mut free = !taken;
            if rank < free.count_ones() {
                for _ in 0..rank {
                    free &= free - 1; // clears the lowest bit
                }
                return Self::new(word * 64 + u16::try_from(free.trailing_zeros()).ok()?);
            }
            rank -= free.count_ones();
        }
        None
    }
}

impl fmt::Display for Discriminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl FromStr for Discriminator {
    type Err = Problem;

    /// Exactly four digits, `0001` to `9999`.
    fn from_str(text: &str) -> Result<Self, Problem> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Problem::forbidden_character(
                "A discriminator is four digits and nothing else.",
            ));
        }
        match text.len() {
            0..4 => Err(Problem::too_short(
                "A discriminator has four digits; put zeros in front.",
            )),
            4 => text
                .parse()
                .ok()
                .and_then(Self::new)
                .ok_or_else(|| Problem::out_of_range("A discriminator is 0001 to 9999.")),
            _ => Err(Problem::too_long("A discriminator has four digits.")),
        }
    }
}

impl Serialize for Discriminator {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// As bits, what is no discriminator: 0 and from 10,000 on.
const NO_DISCRIMINATORS: [u64; 157] = {
    let mut bits = [0; 157];
    bits[0] = 1;
    bits[156] = u64::MAX << 16;
    bits
};

/// The discriminators of one name that are taken.
#[derive(Clone)]
pub struct Taken {
    /// Bit n of the whole stands for n. What is no discriminator, 0 and from 10,000 on, counts as taken here, not in `count`.
    bits: [u64; 157],
    count: u16,
}

impl Taken {
    /// How many.
    #[must_use]
    pub fn count(&self) -> u16 {
        self.count
    }

    /// As a bit set of 10,000 bits in 1,250 bytes, the lowest bit of a byte first; bit 0, which is no discriminator, is clear.
    pub fn bytes(&self) -> impl Iterator<Item = u8> {
        let bytes = self.bits.into_iter().flat_map(u64::to_le_bytes);
        bytes
            .take(1_250)
            .enumerate()
            .map(|(index, byte)| if index == 0 { byte & !1 } else { byte })
    }
}

impl Serialize for Taken {
    /// The bytes of [`Taken::bytes`] as 2,500 hex digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<_> = self.bytes().collect();
        serializer.serialize_str(&encode_string(&bytes))
    }
}

impl FromIterator<(usize, u64)> for Taken {
    /// Out of words of 64 bits: bit n of word w stands for 64 w + n. A word may come in parts.
    fn from_iter<I: IntoIterator<Item = (usize, u64)>>(words: I) -> Self {
        let mut taken = Self {
            bits: NO_DISCRIMINATORS,
            count: 0,
        };
        for (word, part) in words {
            if let Some(bits) = taken.bits.get_mut(word) {
                *bits |= part;
            }
        }
        for (bits, no) in taken.bits.iter().zip(NO_DISCRIMINATORS) {
            taken.count += u16::try_from((bits & !no).count_ones()).unwrap_or(64);
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    fn discriminator(number: u16) -> Discriminator {
        Discriminator::new(number).unwrap()
    }

    fn taken(numbers: impl Iterator<Item = u16>) -> Taken {
        let bit = |number: u16| (usize::from(number / 64), 1 << (number % 64));
        numbers.map(bit).collect()
    }

    #[test]
    fn a_discriminator_is_four_digits_from_0001_to_9999() {
        assert_eq!("0001".parse(), Ok(discriminator(1)));
        assert_eq!("9999".parse::<Discriminator>().unwrap().to_string(), "9999");
        let cases = [
            ("", "too_short"),
            ("1", "too_short"),
            ("00001", "too_long"),
            ("0000", "out_of_range"),
            ("+001", "forbidden_character"),
            ("１２３４", "forbidden_character"),
        ];
        for (text, code) in cases {
            assert_eq!(
                text.parse::<Discriminator>().unwrap_err().code,
                code,
                "{text}"
            );
        }
    }

    #[test]
    fn the_draw_gives_each_free_one_by_its_rank() {
        let taken = taken((1..=9_999).filter(|number| ![7, 500, 9_999].contains(number)));
        let third = u64::MAX / 3;
        assert_eq!(Discriminator::draw(&taken, 0), Some(discriminator(7)));
        assert_eq!(
            Discriminator::draw(&taken, third - 1),
            Some(discriminator(7))
        );
        assert_eq!(
            Discriminator::draw(&taken, third + 2),
            Some(discriminator(500))
        );
        assert_eq!(
            Discriminator::draw(&taken, u64::MAX),
            Some(discriminator(9_999))
        );
    }

    #[test]
    fn the_last_free_one_is_drawn_and_then_none() {
        let all_but_one = taken(2..=9_999);
        assert_eq!(
            Discriminator::draw(&all_but_one, u64::MAX),
            Some(discriminator(1))
        );
        let all = taken(1..=9_999);
        assert_eq!(Discriminator::draw(&all, 0), None);
        assert_eq!(Discriminator::draw(&all, u64::MAX), None);
    }

    #[test]
    fn what_is_no_discriminator_is_neither_counted_nor_shown() {
        let all: Taken = (0..200).map(|word| (word, u64::MAX)).collect();
        let none: Taken = std::iter::empty().collect();
        assert_eq!((all.count(), none.count()), (9_999, 0));
        assert_eq!(all.bytes().map(u8::count_ones).sum::<u32>(), 9_999);
        assert_eq!(none.bytes().map(u8::count_ones).sum::<u32>(), 0);
    }

    #[test]
    fn the_draw_is_even_over_what_is_free() {
        // A long taken run in the middle: 'the next free one after a random start' would give 8001 a hundred times its share.
        let taken = taken((101..=8_000).chain(8_101..=9_999));
        let mut random = SmallRng::seed_from_u64(20_200_925);
        let mut drawn = vec![0_u32; 10_000];
        for _ in 0..200_000 {
            drawn[usize::from(
                Discriminator::draw(&taken, random.next_u64())
                    .unwrap()
                    .number(),
            )] += 1;
        }
        let chi_squared: f64 = (1..=100)
            .chain(8_001..=8_100)
            .map(|number: usize| (f64::from(drawn[number]) - 1_000.0).powi(2) / 1_000.0)
            .sum();
        // 199 degrees of freedom: 99.9 % of fair draws stay below 267.5 and 99.9 % above 141.
        assert!((141.0..267.5).contains(&chi_squared), "{chi_squared}");
        assert_eq!(drawn.iter().sum::<u32>(), 200_000);
    }
}
