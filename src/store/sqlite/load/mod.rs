//! Lines into rows, in one transaction: what `saryno import` does to the data. Either all that was good is there in the end, and
//! keeps every rule of the house, or nothing is.

mod loader;
mod people;
mod places;

use std::io::BufRead;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde_json::json;

use super::audit::{Trace, write};
use super::{HIGHEST_ID, open_to_write, registration, verify};
use crate::accounts::Policy;
use crate::audit::{Author, Target};
use crate::backups::Pace;
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::portable::{FORMAT, Header, Line, Lines, Onlooker, Tally};
use loader::Loader;

/// What the cache of pages may take, in KiB. An index over a million names, in which every new one has its place somewhere, is
/// read and written over and over where it does not fit.
const CACHE: i64 = 64 * 1024;

/// Lines between two looks of the onlooker.
const LINES_A_LOOK: u64 = 1_000;

/// How an import is done.
pub struct Loading<'a> {
    /// What the audit log calls what is imported.
    pub name: &'a str,
    /// Whether the good lines stay where others are bad.
    pub skip_bad: bool,
    /// Mints an id above another: that of the log's entry, above which all later ones are.
    pub mint: &'a dyn Fn(Id) -> Result<Id>,
}

/// What an import came to.
#[derive(Debug)]
pub struct Loaded {
    /// How many lines of each kind are data now; none of them where `bad` isn't zero and bad lines were not to be skipped.
    pub imported: Tally,
    /// How many lines are not.
    pub bad: u64,
    /// How many users and communities have no picture now, because theirs is not among the pictures.
    pub without_picture: u64,
    /// How many pictures were left out because nobody has them.
    pub unused_pictures: u64,
    /// Who may register now.
    pub registration: Policy,
    /// The id above which all later ones are.
    pub highest_id: Id,
}

impl Loaded {
    /// How many lines are data now.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.imported.values().sum()
    }
}

/// Imports lines into the database at `path`, which nobody serves; it is made if it is missing. Blocks until then.
///
/// # Errors
/// `Busy` where somebody else writes to it; `StorageFull`; `Internal` with a sentence for all else. Nothing was imported then.
pub fn load<R: BufRead>(
    path: &Path,
    lines: &mut Lines<R>,
    loading: &Loading<'_>,
    onlooker: &mut dyn Onlooker,
) -> Result<Loaded> {
    let (_file, connection) = open_to_write(path)?;
    connection.pragma_update(None, "cache_size", -CACHE)?;
    let transaction = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate)?;
    let before: Id = transaction.query_row(HIGHEST_ID, [], |row| row.get(0))?;
    let mut load = Load {
        loader: Loader::new(&transaction, before == Id::MIN),
        header: None,
        lines: 0,
        imported: Tally::new(),
        bad: 0,
    };
    load.all(lines, onlooker)?;
    onlooker.verifying();
    let stays = load.bad == 0 || loading.skip_bad && !load.imported.is_empty();
    let loaded = load.finish(&transaction, loading)?;
    if stays {
        require_rules(&transaction)?;
        transaction.commit()?;
        // The last connection folds the WAL in as it closes, but not one that has never looked at it.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(loaded)
}

/// The import in its course.
struct Load<'a> {
    loader: Loader<'a>,
    header: Option<Header>,
    /// How many lines there were that are not blank.
    lines: u64,
    imported: Tally,
    bad: u64,
}

impl Load<'_> {
    fn all<R: BufRead>(&mut self, lines: &mut Lines<R>, onlooker: &mut dyn Onlooker) -> Result<()> {
        let unreadable =
            |error: std::io::Error| Error::Internal(format!("it can't be read: {error}"));
        while let Some(line) = lines.next().map_err(unreadable)? {
            let taken = line.and_then(Line::parse).and_then(|line| self.take(line));
            self.lines += 1;
            match taken {
                Ok(()) => {}
                Err(error @ (Error::Invalid(_) | Error::Malformed(_))) => {
                    self.bad += 1;
                    onlooker.bad(lines.number(), &error);
                }
                Err(error) => return Err(error),
            }
            if self.lines.is_multiple_of(LINES_A_LOOK) {
                onlooker.done(lines.bytes());
            }
        }
        if self.lines == 0 {
            return Err(Error::Internal("there is no line in it".into()));
        }
        let followed = self.lines - 1;
        if let Some(header) = self.header.take_if(|header| header.lines != followed) {
            let message = format!(
                "The export had {} lines after this one and {followed} are here: it was cut short or changed. Export again, or take this line away to import those that are here.",
                header.lines
            );
            self.bad += 1;
            onlooker.bad(1, &Error::field("lines", Problem::out_of_range(message)));
        }
        Ok(())
    }

    fn take(&mut self, line: Line) -> Result<()> {
        let kind = line.kind();
        if let Line::Export(header) = line {
            return self.begin(header);
        }
        if self.loader.take(line)? {
            *self.imported.entry(kind).or_default() += 1;
        }
        Ok(())
    }

    fn begin(&mut self, header: Header) -> Result<()> {
        if header.format > FORMAT {
            // What its lines mean is not known, so none of them is good or bad.
            return Err(Error::Internal(format!(
                "it is an export of format {}, of a newer saryno, and this one knows format {FORMAT}; import it with a newer one",
                header.format
            )));
        }
        if self.lines > 0 {
            let problem = Problem::not_allowed("An export's header is its first line.");
            return Err(Error::field("kind", problem));
        }
        self.loader.note(header.highest_id);
        self.header = Some(header);
        Ok(())
    }

    /// Drops pictures that nobody has, and writes the import into the audit log.
    fn finish(mut self, connection: &Connection, loading: &Loading<'_>) -> Result<Loaded> {
        let unused_pictures = self.loader.drop_unused_pictures()?;
        if let Some(images) = self.imported.get_mut("image") {
            *images = images.saturating_sub(unused_pictures);
        }
        let recorded = connection.query_row(HIGHEST_ID, [], |row| row.get(0))?;
        let highest_id = (loading.mint)(self.loader.highest_id().max(recorded))?;
        let trace = Trace {
            target: Some(Target::new("export", None, loading.name)),
            before: None,
            after: Some(json!({ "imported": self.imported, "bad": self.bad })),
        };
        let author = Author::command_line();
        write(connection, &author, highest_id, "instance.import", &trace)?;
        Ok(Loaded {
            imported: self.imported,
            bad: self.bad,
            without_picture: self.loader.without_picture,
            unused_pictures,
            registration: registration::policy(connection)?,
            highest_id,
        })
    }
}

/// Holds the whole against what `saryno verify` does, as it would be after the commit.
fn require_rules(connection: &Connection) -> Result<()> {
    let verification = verify::verify(connection, &Pace::full())?;
    match verification.worst() {
        Some(worst) if !verification.holds() => Err(Error::Internal(format!(
            "the data would not be as they should: {worst}; nothing was imported. `saryno verify` says whether they were before"
        ))),
        _ => Ok(()),
    }
}
