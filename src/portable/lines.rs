//! Reading lines, one at a time and none longer than a bound, so that no file takes more memory than another.

use std::io::{self, BufRead, Read};

use crate::error::{Error, Result};

/// The longest line in bytes. The longest that is ever written holds a picture, and is a third as long.
pub const MOST_BYTES: usize = 4 << 20;

/// The mark that some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The lines of a text that are not blank.
pub struct Lines<R> {
    text: R,
    line: Vec<u8>,
    number: u64,
    bytes: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of this text.
    pub fn of(text: R) -> Self {
        Self {
            text,
            line: Vec::new(),
            number: 0,
            bytes: 0,
        }
    }

    /// The number of the last line, blank ones counted; the first is 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How many bytes were read.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The next line that is not blank, without its end, or what is wrong with it as a line; `None` after the last.
    ///
    /// # Errors
    /// Whatever stands against reading the text.
    #[allow(clippy::should_implement_trait)] // an iterator could not lend what it reads
    pub fn next(&mut self) -> io::Result<Option<Result<&[u8]>>> {
        loop {
            if !self.read()? {
                return Ok(None);
            }
            self.number += 1;
            let whole = self.line.last() == Some(&b'\n');
            if self.line.len() > MOST_BYTES && !whole {
                while self.read()? && self.line.last() != Some(&b'\n') {}
                self.line.clear();
                return Ok(Some(Err(Error::Malformed(format!(
                    "It is longer than {MOST_BYTES} bytes; each line is one JSON object."
                )))));
            }
            if self.number == 1 && self.line.starts_with(BYTE_ORDER_MARK) {
                self.line.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some(Ok(self.line.trim_ascii())));
            }
        }
    }

    /// Reads up to the end of the line, or past what one may have. Whether there was anything.
    fn read(&mut self) -> io::Result<bool> {
        self.line.clear();
        let most = u64::try_from(MOST_BYTES).unwrap_or(u64::MAX) + 1;
        let read = self
            .text
            .by_ref()
            .take(most)
            .read_until(b'\n', &mut self.line)?;
        self.bytes += u64::try_from(read).unwrap_or(u64::MAX);
        Ok(read > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<(u64, Option<String>)> {
        let (mut lines, mut found) = (Lines::of(text), Vec::new());
        loop {
            let line = match lines.next().unwrap() {
                None => break,
                Some(line) => line
                    .ok()
                    .map(|line| String::from_utf8_lossy(line).into_owned()),
            };
            found.push((lines.number(), line));
        }
        assert_eq!(lines.bytes(), u64::try_from(text.len()).unwrap());
        found
    }

    #[test]
    fn lines_end_as_every_system_ends_them_and_blank_ones_count() {
        let text = b"\xEF\xBB\xBFa\r\n\n \t\r\nb\nc";
        let expected = [(1, "a"), (4, "b"), (5, "c")];
        assert_eq!(
            read(text),
            expected.map(|(number, line)| (number, Some(line.to_owned())))
        );
        assert_eq!(read(b""), []);
        assert_eq!(read(b"\n\n"), []);
    }

    #[test]
    fn a_line_that_is_too_long_is_one_bad_line_and_the_next_is_read() {
        let longest = "x".repeat(MOST_BYTES);
        for (length, good) in [(MOST_BYTES, true), (MOST_BYTES + 1, false)] {
            let text = format!("{}\nb\n", "x".repeat(length));
            let first = good.then(|| longest.clone());
            let expected = [(1, first), (2, Some("b".to_owned()))];
            assert!(read(text.as_bytes()) == expected, "{length}");
        }
        let text = format!("{}\nb", "x".repeat(3 * MOST_BYTES));
        assert!(read(text.as_bytes()) == [(1, None), (2, Some("b".to_owned()))]);
    }
}
