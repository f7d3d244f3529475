//! `saryno import`

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::data::DataDirectory;
use super::export::told;
use super::progress::Progress;
use super::{Place, Print};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{COMMAND_LINE_WORKER, Generator};
use crate::portable::{Lines, Tally};
use crate::store::sqlite::{Loaded, Loading, load};

/// Bytes that are read at once.
const AT_ONCE: usize = 1 << 18;

/// Bad lines that are named where one of them is enough to stop it all.
const MOST_NAMED: u64 = 20;

/// How far ids may be ahead of the clock before that is worth a word.
const AHEAD: Duration = Duration::from_mins(1);

/// Take users, or a whole export, out of a file of lines of JSON (NDJSON), in addition to what is here; the server must be stopped.
/// Either every line is good and all of it is here, or nothing is.
#[derive(Args)]
pub(super) struct Import {
    /// The file; `-` is standard input. A line is a user object, or what `saryno export` writes.
    file: PathBuf,
    /// Take the good lines and leave out the bad ones, and what refers to them; all of them are named.
    #[arg(long)]
    skip_bad: bool,
    #[command(flatten)]
    print: Print,
}

#[derive(Serialize)]
struct Outcome<'a> {
    file: &'a Path,
    imported: Tally,
    bad_lines: u64,
    without_picture: u64,
    unused_pictures: u64,
    registration: String,
    seconds: f64,
}

impl Import {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        let begun = Instant::now();
        // Before a data directory is made for it.
        let (text, size) = self.open().map_err(|error| self.refuse(&error))?;
        let data = DataDirectory::at(&place.data)?;
        data.require_local()?;
        let _commands = data.claim_from_commands()?;
        let _server = data.claim()?;
        data.require_whole()?;
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let loading = Loading {
            name: &name,
            skip_bad: self.skip_bad,
            mint: &|above| Generator::new(COMMAND_LINE_WORKER, above).next(),
        };
        let most = if self.skip_bad { u64::MAX } else { MOST_NAMED };
        let mut progress = Progress::of_bytes(size).naming(most);
        let loaded = load(
            &data.database(),
            &mut Lines::of(text),
            &loading,
            &mut progress,
        );
        drop(progress);
        let loaded = loaded.map_err(|error| self.refuse(&error))?;
        self.judge(&loaded)?;
        let ahead = loaded.highest_id.time() > Timestamp::now().after(AHEAD);
        let outcome = Outcome {
            file: &self.file,
            imported: loaded.imported,
            bad_lines: loaded.bad,
            without_picture: loaded.without_picture,
            unused_pictures: loaded.unused_pictures,
            registration: loaded.registration.to_string(),
            seconds: begun.elapsed().as_secs_f64(),
        };
        self.print.result(&outcome, || {
            let mut text = outcome.describe();
            if ahead {
                text = format!(
                    "{text}\nIds in it are ahead of this machine's clock ({}); new ones go on above them.",
                    loaded.highest_id.time()
                );
            }
            text
        })
    }

    /// The text, and how long it is where that is known.
    fn open(&self) -> io::Result<(Box<dyn BufRead>, Option<u64>)> {
        let (text, size): (Box<dyn Read>, _) = if self.file == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let metadata = fs::metadata(&self.file)?;
            if metadata.is_dir() {
                return Err(io::Error::other("it is a directory"));
            }
            let size = metadata.is_file().then_some(metadata.len());
            (Box::new(File::open(&self.file)?), size)
        };
        Ok((Box::new(BufReader::with_capacity(AT_ONCE, text)), size))
    }

    fn refuse(&self, error: &dyn std::fmt::Display) -> Error {
        let file = self.file.display();
        Error::Internal(format!(
            "{file} can't be imported: {error}; nothing was imported"
        ))
    }

    /// Whether anything stays.
    fn judge(&self, loaded: &Loaded) -> Result<()> {
        let bad = loaded.bad;
        if bad == 0 {
            return Ok(());
        }
        let (lines, them) = if bad == 1 {
            ("line is", "it")
        } else {
            ("lines are", "them")
        };
        if !self.skip_bad {
            let more = match bad.saturating_sub(MOST_NAMED) {
                0 => String::new(),
                more => format!(" ({more} more than are named above)"),
            };
            return Err(self.refuse(&format!(
                "{bad} {lines} bad{more}; mend {them}, or take the others with --skip-bad"
            )));
        }
        if loaded.lines() == 0 {
            return Err(self.refuse(&format!("{bad} {lines} bad, and none is good")));
        }
        Ok(())
    }
}

impl Outcome<'_> {
    fn describe(&self) -> String {
        let mut lines = vec![format!(
            "{} is imported, in {:.1} seconds ({})",
            self.file.display(),
            self.seconds,
            told(&self.imported)
        )];
        if self.bad_lines > 0 {
            lines.push(format!("Bad lines that were left out: {}", self.bad_lines));
        }
        if self.without_picture > 0 {
            lines.push(format!(
                "Users and communities without a picture, because theirs was not in the file: {}",
                self.without_picture
            ));
        }
        if self.unused_pictures > 0 {
            lines.push(format!(
                "Pictures that were left out because nobody has them: {}",
                self.unused_pictures
            ));
        }
        lines.push(format!("Who may register: {}", self.registration));
        lines.join("\n")
    }
}
