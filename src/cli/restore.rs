//! `saryno restore`

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::data::{DataDirectory, Opened};
use super::{Place, Print};
use crate::actions::{Action, Restored};
use crate::backups::{Pace, checksum, in_a_name, with_end};
use crate::clock::Timestamp;
use crate::disk::sync;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::store::sqlite::{require_no_wal, update_copy, verify_copy};

/// Put a backup in the place of the data, which are kept aside; the server must be stopped.
#[derive(Args)]
pub(super) struct Restore {
    /// The backup. What stands in FILE.sha256, where there is one, must be its SHA-256.
    file: PathBuf,
    /// Let the sessions, tokens, reset codes and links that were good when the backup was made be good again.
    #[arg(long)]
    keep_sessions: bool,
    #[command(flatten)]
    print: Print,
}

#[derive(Serialize)]
struct Outcome {
    restored: PathBuf,
    /// Where the old data are, if there were any.
    aside: Option<PathBuf>,
    sessions_kept: bool,
}

impl Restore {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        let file = &self.file;
        let refuse = |error: io::Error| {
            Error::Internal(format!("{} can't be restored: {error}", file.display()))
        };
        if !fs::metadata(file).map_err(refuse)?.is_file() {
            return Err(refuse(io::Error::other("it is no file")));
        }
        let data = DataDirectory::at(&place.data)?;
        data.require_local()?;
        let _commands = data.claim_from_commands()?;
        let _server = data.claim()?;
        let database = data.database();
        if same(file, &database) {
            return Err(refuse(io::Error::other(
                "these are the data themselves; name a backup",
            )));
        }
        let coming = Coming::copy(file, &database)?;
        coming.verify(file)?;
        let old = match fs::symlink_metadata(&database) {
            Ok(_) => Some(data.database_file()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(refuse(error)),
        };
        // Data that are too damaged to tell had ids from before now; so has what comes next, but from now on.
        let highest = old.as_ref().and_then(|old| old.highest_id().ok());
        let restored = Restored {
            file: file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
            keep_sessions: self.keep_sessions,
        };
        coming.settle_in(highest.unwrap_or(Id::MIN), restored)?;
        let aside = match old {
            Some(old) => {
                let folded = match old.fold() {
                    Ok(()) => true,
                    Err(Error::Busy) => {
                        return Err(Error::Internal(format!(
                            "another program has {} open; end it first",
                            database.display()
                        )));
                    }
                    // Too damaged for that: the WAL goes along as it is.
                    Err(_) => false,
                };
                Some(set_aside(&database, folded).map_err(refuse)?)
            }
            None => None,
        };
        fs::rename(&coming.0, &database).map_err(refuse)?;
        sync(&place.data).map_err(refuse)?;
        let outcome = Outcome {
            restored: file.clone(),
            aside,
            sessions_kept: self.keep_sessions,
        };
        self.print.result(&outcome, || outcome.describe())
    }
}

impl Outcome {
    fn describe(&self) -> String {
        let mut text = format!("{} is restored.", self.restored.display());
        if let Some(aside) = &self.aside {
            text = format!(
                "{text}\nThe old data are kept as {}; delete them when nobody misses them.",
                aside.display()
            );
        }
        let sessions = if self.sessions_kept {
            "Whoever was logged in when the backup was made is so again."
        } else {
            "Everybody is logged out: all sessions, tokens, reset codes and links of users and admins have ended."
        };
        format!("{text}\n{sessions}")
    }
}

/// What SQLite keeps beside a file. What it finds there of another, it takes for this one's.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The new data beside the old, before they take their place; without it, they go when this is dropped.
struct Coming(PathBuf);

impl Coming {
    /// Copies the backup into the data directory: so that what is verified is what is used, and a rename can put it in its place.
    fn copy(file: &Path, database: &Path) -> Result<Self> {
        let coming = Self(with_end(database, ".restoring"));
        // What a restore left that was ended midway.
        coming.remove();
        let copy = || {
            let mut to = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&coming.0)?;
            io::copy(&mut File::open(file)?, &mut to)?;
            to.sync_all()
        };
        copy().map_err(|error| {
            Error::Internal(format!(
                "{} can't be copied to {}: {error}; nothing was changed",
                file.display(),
                coming.0.display()
            ))
        })?;
        Ok(coming)
    }

    fn verify(&self, file: &Path) -> Result<()> {
        let refuse = |why: String| {
            Error::Internal(format!(
                "{} can't be restored: {why}; nothing was changed",
                file.display()
            ))
        };
        require_no_wal(file)?;
        let pace = Pace::full();
        let sum = checksum::read(file)?;
        if sum.is_some() && sum != Some(checksum::of(&self.0, &pace)?) {
            return Err(refuse(format!(
                "its SHA-256 is not the one in {}, so one of the two was changed or not copied to its end",
                checksum::beside(file).display()
            )));
        }
        // What an older version made is held against the rules of this one.
        update_copy(&self.0)?;
        let verification = verify_copy(&self.0, &pace)?;
        match verification.worst() {
            Some(worst) if !verification.holds() => Err(refuse(worst.to_string())),
            _ => Ok(()),
        }
    }

    /// Ends what is to end, and writes the restore into the audit log under an id that is above all of the old data's, too: all
    /// that are minted later are above that one.
    fn settle_in(&self, above: Id, restored: Restored) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Error::Internal(format!("the runtime: {error}")))?;
        runtime.block_on(async {
            let opened = Opened::of(&self.0, None, above).await?;
            opened.perform(Action::Restore(restored)).await
        })?;
        // Dropping the store has folded its WAL in; else the rename would leave that behind.
        require_no_wal(&self.0)?;
        let synced = File::open(&self.0).and_then(|file| file.sync_all());
        synced.map_err(|error| Error::Internal(format!("{}: {error}", self.0.display())))
    }

    fn remove(&self) {
        remove_with_wal(&self.0);
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Gives the old data a second name, so that at no moment there are none; what was written and could not be folded in, too.
fn set_aside(database: &Path, folded: bool) -> io::Result<PathBuf> {
    let mut moment = Timestamp::now();
    let aside = loop {
        let aside = with_end(database, &format!(".before-restore-{}", in_a_name(moment)));
        match fs::hard_link(database, &aside) {
            // Of two in one second, the later one is called after the next.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                moment = moment.after(Duration::from_secs(1));
            }
            linked => break linked.map(|()| aside)?,
        }
    };
    if !folded {
        for end in BESIDE {
            match fs::hard_link(with_end(database, end), with_end(&aside, end)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    if let Some(directory) = database.parent() {
        sync(directory)?;
    }
    // What stayed would be read into the new data. Only data too damaged to be folded still have some: should this end right
    // here, they lack it in their place, and have it aside.
    for end in BESIDE {
        match fs::remove_file(with_end(database, end)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

fn remove_with_wal(path: &Path) {
    for end in BESIDE.into_iter().chain([""]) {
        // Most of them never were.
        let _ = fs::remove_file(with_end(path, end));
    }
}

fn same(a: &Path, b: &Path) -> bool {
    match (fs::canonicalize(a), fs::canonicalize(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}
