//! The data directory: made with mode 0700, served by one server at a time, worked on by one command at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::actions::{Action, Deed, Outcome};
use crate::admins::Admins;
use crate::audit::Author;
use crate::backups::with_end;
use crate::disk::{self, Trust};
use crate::error::{Error, Result};
use crate::id::{COMMAND_LINE_WORKER, Generator, Id};
use crate::store::Store;
use crate::store::sqlite::{DatabaseFile, Options, Sqlite};

/// The file whose lock is the server's claim.
const SERVED: &str = "serve.lock";

/// The file whose lock is the turn of a command that writes.
const COMMANDED: &str = "command.lock";

/// A data directory that exists.
pub(super) struct DataDirectory(PathBuf);

/// The claim of a server on its directory: a lock, on a file that tells commands where it listens.
pub(super) struct Claim(File);

impl Claim {
    /// Writes down how the server is reached, where its metrics are, and how people reach it. A command that can't read it has the
    /// settings to go by.
    pub(super) fn note(&self, url: &str, metrics: Option<SocketAddr>, public: Option<&str>) {
        let mut file = &self.0;
        let metrics = metrics.map_or_else(String::new, |at| at.port().to_string());
        let public = public.unwrap_or_default();
        let written = file
            .set_len(0)
            .and_then(|()| file.write_all(format!("{url}\n{metrics}\n{public}\n").as_bytes()));
        if let Err(error) = written {
            tracing::warn!(%error, "where the server listens can't be written down");
        }
    }
}

/// The server that runs on a directory.
pub(super) struct Running {
    /// How it is reached.
    pub(super) url: String,
    /// The port in it.
    pub(super) port: Option<u16>,
    /// The port of its metrics, where they have a listener of their own.
    pub(super) metrics: Option<u16>,
    /// How people reach it, where its settings say so.
    pub(super) public_url: Option<String>,
}

/// A store opened for one command.
pub(super) struct Opened {
    pub(super) store: Sqlite,
    /// The command line's own ids, above everything in the store.
    pub(super) ids: Generator,
    _lock: Option<File>,
}

impl DataDirectory {
    /// The directory, made if it is missing.
    pub(super) fn at(path: &Path) -> Result<Self> {
        disk::make_directory(path).map_err(|error| {
            Error::Internal(format!(
                "the data directory {} can't be made: {error}; choose another with --data, or make it for the user that runs saryno",
                path.display()
            ))
        })?;
        let this = Self(path.to_path_buf());
        this.require_own()?;
        Ok(this)
    }

    /// Refuses root in another user's directory: what root makes there, that user's server can't open.
    fn require_own(&self) -> Result<()> {
        let owner = fs::metadata(&self.0).map_or(0, |directory| directory.uid());
        if owner == 0 || !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        Err(Error::Internal(format!(
            "the data directory {} is the user's with the number {owner}, whose server could not open what root makes there; \
            run this as them: `setpriv --reuid {owner} --regid {owner} --clear-groups saryno ...`, or by their name `runuser -u NAME -- saryno ...`",
            self.0.display()
        )))
    }

    /// The directory, which need not be there, for a look at what is.
    pub(super) fn unmade(path: &Path) -> Self {
        Self(path.to_path_buf())
    }

    /// Refuses a directory on another machine; a warning where it may be on one.
    pub(super) fn require_local(&self) -> Result<Option<String>> {
        let Some(kind) = disk::kind_of(&self.0) else {
            return Ok(None);
        };
        match disk::trust(&kind) {
            Trust::Full => Ok(None),
            Trust::Doubtful => Ok(Some(format!(
                "{} is on a file system ({kind}) that may be another machine's or shared with one; \
                a database there can be damaged, unless all that open it run on this machine and locks and syncs hold",
                self.0.display()
            ))),
            Trust::None => Err(Error::Internal(format!(
                "{} is on a network file system ({kind}), where a database's locks and its write-ahead log don't hold and data get lost; \
                choose a directory on a local disk with --data, and have the backups carried there instead (`backup.dir`)",
                self.0.display()
            ))),
        }
    }

    /// Whether a look at it sees all that was written, where no server writes it.
    pub(super) fn require_whole_unless_served(&self) -> Result<()> {
        // Where nothing can be locked, nothing can be written.
        let turn = self.take_turn();
        if turn.is_ok() && self.claim().is_err() {
            return Ok(());
        }
        self.require_whole()
    }

    /// Whether what is in it may be opened: not where that would lose something. Nobody else may write it meanwhile.
    pub(super) fn require_whole(&self) -> Result<()> {
        let database = self.database();
        let length = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
        // A server wrote down where it listened, or something that was answered is in the log: here was a database.
        let left = [self.0.join(SERVED), with_end(&database, "-wal")];
        if length(&database) == 0 && left.iter().any(|file| length(file) > 0) {
            return Err(Error::Internal(format!(
                "{} is missing or empty, and data were served from there; put it back, restore a backup (`saryno restore FILE`), \
                or choose an empty directory with --data to begin anew",
                database.display()
            )));
        }
        self.database_file().require_whole_wal()
    }

    /// The directory, which must have a database in it already.
    pub(super) fn existing(path: &Path) -> Result<Self> {
        let this = Self(path.to_path_buf());
        match std::fs::metadata(this.database()) {
            Ok(_) => Ok(this),
            Err(error) => Err(Error::Internal(format!(
                "there are no data at {}: {error}; choose the data directory with --data",
                this.database().display()
            ))),
        }
    }

    /// The database in it, to read beside whoever serves it.
    pub(super) fn database_file(&self) -> DatabaseFile {
        DatabaseFile::at(&self.database())
    }

    /// The database in it.
    pub(super) fn database(&self) -> PathBuf {
        self.0.join("saryno.db")
    }

    /// What a server opens in it, of which not all need be there.
    pub(super) fn files(&self) -> [PathBuf; 5] {
        let database = self.database();
        let (wal, index) = (with_end(&database, "-wal"), with_end(&database, "-shm"));
        [
            database,
            wal,
            index,
            self.0.join(SERVED),
            self.0.join(COMMANDED),
        ]
    }

    /// The server that runs on the directory at this path, if there is one and it listens already. Makes nothing.
    pub(super) fn running(path: &Path) -> Option<Running> {
        let mut file = File::open(path.join(SERVED)).ok()?;
        let Err(TryLockError::WouldBlock) = file.try_lock_shared() else {
            return None;
        };
        let mut noted = String::new();
        file.read_to_string(&mut noted).ok()?;
        let mut lines = noted.lines();
        let url = lines.next()?.to_owned();
        Some(Running {
            port: url.rsplit(':').next().and_then(|port| port.parse().ok()),
            metrics: lines.next().and_then(|port| port.parse().ok()),
            public_url: lines
                .next()
                .filter(|url| !url.is_empty())
                .map(str::to_owned),
            url,
        })
    }

    /// Claims the directory for a server, and makes sure that it may open what is there.
    pub(super) fn claim_to_serve(&self) -> Result<Claim> {
        // Commands look whether there is a server, too.
        let _turn = self.take_turn()?;
        let claim = self.claim()?;
        self.require_whole()?;
        Ok(claim)
    }

    /// Claims the directory from all servers, for as long as the claim lives. For whose turn among the commands it is.
    pub(super) fn claim(&self) -> Result<Claim> {
        let (path, file) = self.lock_file(SERVED)?;
        match file.try_lock() {
            Ok(()) => Ok(Claim(file)),
            Err(TryLockError::WouldBlock) => Err(Error::Internal(format!(
                "{} is served by another saryno already; stop that one, or choose another directory with --data",
                self.0.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Error::Internal(format!(
                "{} can't be locked: {error}",
                path.display()
            ))),
        }
    }

    /// Opens the store for a command. Waits for its turn: two commands at once would mint the same ids.
    pub(super) async fn open_for_command(&self) -> Result<Opened> {
        self.require_local()?;
        let lock = self.take_turn()?;
        // A server that runs has looked, and writes now.
        if let Ok(_claim) = self.claim() {
            self.require_whole()?;
        }
        Opened::of(&self.database(), Some(lock), Id::MIN).await
    }

    /// Waits until no other command works on the directory.
    fn take_turn(&self) -> Result<File> {
        let (path, lock) = self.lock_file(COMMANDED)?;
        lock.lock().map_err(|error| {
            Error::Internal(format!("{} can't be locked: {error}", path.display()))
        })?;
        Ok(lock)
    }

    /// Claims the directory from all commands that write, for as long as the claim lives.
    pub(super) fn claim_from_commands(&self) -> Result<File> {
        let (path, lock) = self.lock_file(COMMANDED)?;
        match lock.try_lock() {
            Ok(()) => Ok(lock),
            Err(TryLockError::WouldBlock) => Err(Error::Internal(format!(
                "another command works on {} at this moment; wait until it has ended",
                self.0.display()
            ))),
            Err(TryLockError::Error(error)) => Err(Error::Internal(format!(
                "{} can't be locked: {error}",
                path.display()
            ))),
        }
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File)> {
        let path = self.0.join(name);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        match file {
            Ok(file) => Ok((path, file)),
            Err(error) => Err(disk::refusal(&path, &error)),
        }
    }
}

impl Opened {
    /// Opens the store in this file; its ids are above everything in it, and above `above`.
    pub(super) async fn of(database: &Path, lock: Option<File>, above: Id) -> Result<Self> {
        let options = Options {
            readers: 1,
            queue: 16,
            batch: 1,
            // A command asks once.
            cache: 0,
        };
        let store = Sqlite::open(database, options)?;
        let highest = store.highest_id().await?.max(above);
        Ok(Self {
            store,
            ids: Generator::new(COMMAND_LINE_WORKER, highest),
            _lock: lock,
        })
    }

    /// Does something in the command line's name, and writes it into the audit log.
    pub(super) async fn perform(&self, action: Action) -> Result<Outcome> {
        let entry = self.ids.next()?;
        self.store
            .perform_one(Author::command_line(), Deed { entry, action })
            .await
    }
}
