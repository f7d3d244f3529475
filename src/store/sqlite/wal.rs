//! Whether the write-ahead log that a server left is one that a crash can have left.
//!
//! SQLite reads a log up to the first frame whose checksum is wrong and forgets the rest: behind a power cut that is a transaction
//! that was never answered. Each commit is synced before the next begins, so a crash leaves one such transaction at most. Where
//! there are more, the log was damaged later, and transactions that were answered would be forgotten with it.
//!
//! Nor does it ask whether the log is of this very database: whoever puts another file in its place, and leaves the log, gets the
//! pages of both. Both tell how many pages there are, which is how most of such are found out.
//! <https://www.sqlite.org/fileformat2.html#walformat>

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::Path;

use crate::backups::with_end;
use crate::error::{Error, Result};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// How often a log is read anew that somebody writes meanwhile.
const LOOKS: u32 = 3;

/// Holds the log beside a database, if there is one, against what a crash can leave. Nobody else may write it meanwhile.
///
/// # Errors
/// `Damaged` with a sentence that says what to do; `Internal` where it can't be read.
pub(super) fn require_whole(database: &Path) -> Result<()> {
    let path = with_end(database, "-wal");
    let unreadable = |error: io::Error| crate::disk::refusal(&path, &error);
    for _ in 0..LOOKS {
        let before = header(&path).map_err(unreadable)?;
        let Some(seen) = &before else { return Ok(()) };
        let found = look(&path, seen).map_err(unreadable)?;
        let fault = if found.lost > 1 {
            "is damaged: it holds changes that were answered and can't be read any more"
        } else if found.sizes_differ(database).map_err(unreadable)? {
            "is not the log of the database that it is beside"
        } else {
            return Ok(());
        };
        // Somebody may have begun it anew.
        if before == header(&path).map_err(unreadable)? {
            return Err(Error::Damaged(format!(
                "{} {fault}; restore a backup that was verified (`saryno restore FILE`), which keeps these data aside",
                path.display()
            )));
        }
    }
    Ok(())
}

/// What a look at a log comes to.
#[derive(Default)]
struct Found {
    /// How many commits of this very log stand at or behind the first place that SQLite would not read.
    lost: u64,
    /// How many pages the database has after the last commit that can be read; 0 without one.
    pages: u32,
    /// What the first page says of that, if it is in the log.
    told: Option<u32>,
}

impl Found {
    /// Whether the database says that it has another number of pages than the log knows of.
    fn sizes_differ(&self, database: &Path) -> io::Result<bool> {
        let told = if let Some(told) = self.told {
            told
        } else {
            let mut first = [0; 100];
            File::open(database)?.read_exact(&mut first)?;
            // Else it was written last by a program that did not keep count.
            if first.get(24..28) != first.get(92..96) {
                return Ok(false);
            }
            big_endian(&first, 28)
        };
        Ok(self.pages != 0 && told != self.pages)
    }
}

/// The log's header, if it has one.
fn header(path: &Path) -> io::Result<Option<[u8; HEADER]>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut header = [0; HEADER];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        // A power cut before the first sync.
        read => read.map(|()| header.iter().any(|byte| *byte != 0).then_some(header)),
    }
}

fn look(path: &Path, header: &[u8; HEADER]) -> io::Result<Found> {
    let word = |at| big_endian(header, at);
    let page = usize::try_from(word(8)).unwrap_or(usize::MAX);
    // Not a size that a page has: nothing of it can be read.
    if !(512..=65_536).contains(&page) || !page.is_power_of_two() {
        return Ok(Found {
            lost: u64::MAX,
            ..Found::default()
        });
    }
    let mut sum = Sum {
        little_endian: word(0) & 1 == 0,
        parts: [0, 0],
    };
    sum.add(header.get(..24).unwrap_or_default());
    let mut readable = sum.parts == [word(24), word(28)];
    sum.parts = [word(24), word(28)];
    let salts = header.get(16..24);

    let mut log = BufReader::with_capacity(1 << 20, File::open(path)?);
    io::copy(&mut log.by_ref().take(HEADER as u64), &mut io::sink())?;
    let (mut frame, mut found) = (vec![0; FRAME_HEADER + page], Found::default());
    let (is_known, mut told) = (readable, None);
    while log
        .read_exact(&mut frame)
        .map_or_else(ended, |()| Ok(true))?
    {
        if !is_known {
            // The header is written as a whole, and synced before anything that comes behind it.
            found.lost = u64::MAX;
            break;
        }
        let is_of_this_log = frame.get(8..16) == salts;
        if readable {
            sum.add(frame.get(..8).unwrap_or_default());
            sum.add(frame.get(FRAME_HEADER..).unwrap_or_default());
            let recorded = [big_endian(&frame, 16), big_endian(&frame, 20)];
            readable = is_of_this_log && sum.parts == recorded;
        }
        let pages = big_endian(&frame, 4);
        if readable && big_endian(&frame, 0) == 1 {
            told = Some(big_endian(&frame, FRAME_HEADER + 28));
        }
        match (pages, readable) {
            (0, _) => {}
            (_, true) => (found.pages, found.told) = (pages, told),
            (_, false) => found.lost += u64::from(is_of_this_log),
        }
    }
    Ok(found)
}

fn ended(error: io::Error) -> io::Result<bool> {
    match error.kind() {
        ErrorKind::UnexpectedEof => Ok(false),
        _ => Err(error),
    }
}

fn big_endian(bytes: &[u8], at: usize) -> u32 {
    let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
    u32::from_be_bytes(word.unwrap_or_default())
}

/// The checksum of a log, which goes on from frame to frame.
struct Sum {
    little_endian: bool,
    parts: [u32; 2],
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.parts;
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        for [one, two] in pairs {
            let [one, two] = if self.little_endian {
                [u32::from_le_bytes(*one), u32::from_le_bytes(*two)]
            } else {
                [u32::from_be_bytes(*one), u32::from_be_bytes(*two)]
            };
            first = first.wrapping_add(one).wrapping_add(second);
            second = second.wrapping_add(two).wrapping_add(first);
        }
        self.parts = [first, second];
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::*;

    /// A log of ten commits, as a server that was killed leaves it.
    fn left_behind() -> (TempDir, PathBuf, Vec<u8>) {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("saryno.db");
        let connection = Connection::open(&database).unwrap();
        let set_up = "PRAGMA journal_mode = WAL; CREATE TABLE entries (id INTEGER PRIMARY KEY, filler BLOB);
            INSERT INTO entries (filler) VALUES (randomblob(9000)); PRAGMA wal_checkpoint(TRUNCATE)";
        connection.execute_batch(set_up).unwrap();
        for _ in 0..10 {
            let sql = "INSERT INTO entries (filler) VALUES (randomblob(9000))";
            connection.execute(sql, []).unwrap();
        }
        let log = std::fs::read(with_end(&database, "-wal")).unwrap();
        drop(connection);
        (directory, database, log)
    }

    #[track_caller]
    fn is_whole(database: &Path, log: &[u8]) -> bool {
        std::fs::write(with_end(database, "-wal"), log).unwrap();
        match require_whole(database) {
            Ok(()) => true,
            Err(Error::Damaged(message)) => {
                assert!(message.contains("saryno restore"), "{message}");
                false
            }
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn a_log_that_ends_anywhere_is_one_that_a_crash_left() {
        let (_directory, database, log) = left_behind();
        require_whole(&database).unwrap();
        for length in (0..=log.len()).step_by(499) {
            assert!(is_whole(&database, &log[..length]), "{length}");
        }
    }

    #[test]
    fn a_log_whose_last_transaction_came_to_the_disk_in_part_is_one_that_a_crash_left() {
        let (_directory, database, mut log) = left_behind();
        let last = log.len() - 2 * (FRAME_HEADER + 4096);
        log[last..last + 512].fill(0);
        assert!(is_whole(&database, &log));
        assert!(is_whole(&database, &vec![0; 40_000]));
    }

    #[test]
    fn a_flipped_byte_before_that_is_damage() {
        let (_directory, database, log) = left_behind();
        let last = log.len() - 8 * (FRAME_HEADER + 4096);
        for at in (0..HEADER).chain((HEADER..last).step_by(997)) {
            let mut flipped = log.clone();
            flipped[at] ^= 0x10;
            assert!(!is_whole(&database, &flipped), "{at}");
        }
    }

    #[test]
    fn frames_of_an_earlier_log_in_the_same_file_are_none_of_this_one() {
        let (_directory, database, _) = left_behind();
        let connection = Connection::open(&database).unwrap();
        let sql = "INSERT INTO entries (filler) VALUES (randomblob(90000)); INSERT INTO entries (filler) VALUES (randomblob(9000));
            PRAGMA wal_checkpoint(RESTART); INSERT INTO entries (filler) VALUES (randomblob(100))";
        connection.execute_batch(sql).unwrap();
        let log = std::fs::read(with_end(&database, "-wal")).unwrap();
        assert!(log.len() > 20 * 4096);
        drop(connection);
        assert!(is_whole(&database, &log));
    }
}
