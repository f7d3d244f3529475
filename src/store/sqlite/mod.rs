//! The SQLite adapter: one file, a pool of reading connections, one writing connection behind a queue.
//!
//! WAL, so that readers and the writer don't wait for each other; `synchronous=FULL`, so that an answered write survives a power
//! cut. `rusqlite` and `r2d2` appear in this folder and nowhere else.

mod access;
mod accounts;
mod actions;
mod admins;
mod audit;
mod blocks;
mod changes;
mod channels;
mod checkpoints;
mod communities;
mod directory;
mod file;
mod groups;
mod images;
mod invites;
mod kept;
mod load;
mod migrate;
mod readers;
mod registration;
mod restored;
mod rows;
mod rules;
mod terms;
mod unload;
mod users;
mod verify;
mod views;
mod wal;
mod writer;

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use crate::backups::with_end;
use crate::clock::Timestamp;
use crate::disk;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::Page;
use crate::store::cached::Cached;
use crate::store::{Kept, Store, Work};
use changes::Changes;
use checkpoints::Checkpoints;
pub use file::{DatabaseFile, require_no_wal, verify_copy};
pub use load::{Loaded, Loading, load};
use readers::Readers;
use writer::Writer;

/// How long a connection waits for another process's write before it is `Busy`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept on each connection; more than there are different ones.
const STATEMENTS: usize = 128;

/// Rows that a query may give to be a short one.
const SHORT: u16 = 200;

/// Pages that each reading connection keeps, in KiB. With SQLite's own 2 MiB, lists were read a twelfth more slowly
/// (`cargo bench --bench http -- communities`, 10,000 users).
const PAGES_KEPT: i64 = 8 * 1024;

const HIGHEST_ID: &str = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence";

/// How a store is opened (contract, section 5, `store.*`).
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Connections that read, 1 at least.
    pub readers: u32,
    /// Writes that may wait; one more is `Busy`.
    pub queue: usize,
    /// Writes that share a commit at most.
    pub batch: usize,
    /// Bytes of memory for rows and lists that are asked for often.
    pub cache: u64,
}

/// A store in one SQLite file. Dropping it finishes what is queued and folds the WAL into the file.
pub struct Sqlite {
    // The order matters: the last connection to close folds the WAL in, and one that reads can't.
    readers: Readers,
    writer: Writer,
    cached: Cached,
    path: PathBuf,
    /// What was met that is damaged, first of all.
    damage: OnceLock<Error>,
    /// Closed behind all connections: see [`open_to_write`].
    _file: Arc<File>,
}

impl Sqlite {
    /// Opens the file, made with mode 0600 if it is missing, and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Internal`] with a sentence for the operator: not a database, another program's, a newer version's, unreadable.
    pub fn open(path: &Path, options: Options) -> Result<Self> {
        let (file, writing) = open_to_write(path)?;
        let file = Arc::new(file);
        let readers =
            Readers::open(path, options.readers).map_err(|error| cannot_open(path, &error))?;
        let cached = Cached::new(options.cache);
        let changes = Changes::watch(&writing, cached.stamps.clone())?;
        let checkpoints = Checkpoints::start(&writing, Arc::clone(&file))
            .map_err(|error| cannot_open(path, &error))?;
        let writer = Writer::start(writing, changes, checkpoints, options.queue, options.batch)?;
        Ok(Self {
            readers,
            writer,
            cached,
            path: path.to_path_buf(),
            damage: OnceLock::new(),
            _file: file,
        })
    }

    /// Runs one short query on this very worker, for it takes less than the way to another thread and back; on another thread where
    /// all connections are taken, by queries that are not short.
    async fn read_at_once<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        match self.readers.pool().try_get() {
            Some(connection) => self.notice(query(&connection)),
            None => self.read(query).await,
        }
    }

    /// Runs one query for a page of a list: at once, unless the page is a long one.
    async fn read_page<T, F>(&self, page: Page, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        if page.limit <= SHORT {
            self.read_at_once(query).await
        } else {
            self.read(query).await
        }
    }

    /// Runs an operation that only reads, in one transaction on a reading connection, off the async workers.
    async fn read<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let pool = self.readers.pool();
        let work = move || {
            let connection = pool.get().map_err(|_| Error::Busy)?;
            let transaction = connection.unchecked_transaction()?;
            operation(&transaction)
        };
        let outcome = tokio::task::spawn_blocking(work)
            .await
            .map_err(|error| Error::Internal(format!("a read: {error}")))?;
        self.notice(outcome)
    }

    /// Runs an operation on the writer: in one commit with others, answered after it, and taken back alone if it fails. It may be
    /// run more than once and only its last run counts.
    async fn write<T, F>(&self, operation: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T> + Send + 'static,
    {
        self.notice(self.writer.run(operation).await)
    }

    /// Remembers that something was met that is damaged: whoever asks whether the store is whole is told.
    fn notice<T>(&self, outcome: Result<T>) -> Result<T> {
        if let Err(error @ Error::Damaged(_)) = &outcome {
            // The first is kept.
            let _ = self.damage.set(error.clone());
        }
        outcome
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn highest_id(&self) -> Result<Id> {
        self.read(|connection| Ok(connection.query_row(HIGHEST_ID, [], |row| row.get(0))?))
            .await
    }

    async fn sweep(&self, now: Timestamp) -> Result<bool> {
        self.write(move |connection| terms::sweep(connection, now))
            .await
    }

    fn work(&self) -> Work {
        self.writer.work()
    }

    fn kept(&self) -> Kept {
        self.cached.kept()
    }

    async fn ping(&self) -> Result<()> {
        let probe = |connection: &Connection| {
            Ok(connection.query_row("SELECT one FROM instance", [], |_| Ok(()))?)
        };
        self.read(probe).await?;
        if let Some(damage) = self.damage.get() {
            return Err(damage.clone());
        }
        if !self.writer.is_hindered() {
            return self.write(probe).await;
        }
        // The last write found no room, or worse: whether the next one would is only told by writing.
        let path = with_end(&self.path, "-probe");
        tokio::task::spawn_blocking(move || find_room(&path))
            .await
            .map_err(|error| Error::Internal(format!("a probe: {error}")))??;
        let write = |connection: &Connection| {
            connection.execute("UPDATE instance SET registration = registration", [])?;
            Ok(())
        };
        self.write(write).await
    }
}

/// A connection that writes: to the file, made with mode 0600 if it is missing, with the current schema. The file itself is to be
/// closed behind it: that ends all locks that this process has on it.
fn open_to_write(path: &Path) -> Result<(File, Connection)> {
    let file = create(path).map_err(|error| disk::refusal(path, &error))?;
    let writing = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let writing = writing.map_err(|error| cannot_open(path, &Error::from(error)))?;
    migrate::migrate(&writing).map_err(|error| cannot_open(path, &error))?;
    make_private(path).map_err(|error| disk::refusal(path, &error))?;
    Ok((file, writing))
}

fn cannot_open(path: &Path, error: &dyn Display) -> Error {
    Error::Internal(format!("{} can't be opened: {error}", path.display()))
}

/// Makes the file with the contract's mode before SQLite does with another; the WAL inherits it.
fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

/// Room for what a few writes take. The log has room for a small one where there is none for the next.
static ROOM: [u8; 1 << 18] = [0; 1 << 18];

/// Whether there is some room on the disk: takes it, and gives it back.
fn find_room(probe: &Path) -> Result<()> {
    let found = fs::write(probe, ROOM);
    // What there was no room for is there in part.
    let _ = fs::remove_file(probe);
    found.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::StorageFull,
        _ => disk::refusal(probe, &error),
    })
}

/// Takes a file that turned out to be ours away from everybody else, should it have been copied here with another mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o077 != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    configure(&connection)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Else each `LIMIT :limit` is looked at by the planner, and the statement is prepared anew whenever it is bound: that was more
    // than half of the instructions of a page (callgrind). It also holds each plan to what the tests explain.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "synchronous", "FULL")
}

impl From<rusqlite::Error> for Error {
    /// What the database says, by what the caller can do about it. Its own words go to the log only.
    fn from(error: rusqlite::Error) -> Self {
        // The log's index, which is shared in memory and lies beside the log: it only fails to grow where there is no room.
        let extended = error.sqlite_error().map(|error| error.extended_code);
        if extended == Some(ffi::SQLITE_IOERR_SHMSIZE) {
            return Self::StorageFull;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::StorageFull,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(format!(
                "The data are damaged ({error}); `saryno verify` tells more, and `saryno restore FILE` puts a backup that was verified in their place and keeps them aside."
            )),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly) => Self::Internal(format!(
                "database: {error}; see that the user that runs saryno may write the data directory and all that is in it, and that its file system can be written"
            )),
            _ => Self::Internal(format!("database: {error}")),
        }
    }
}

#[cfg(test)]
mod plans {
    use rusqlite::Connection;

    use super::{
        access, accounts, audit, blocks, channels, communities, directory, images, kept, migrate,
        registration, terms, users, views,
    };
    use crate::audit::Filter;
    use crate::directory::UserFilter;
    use crate::id::Id;

    /// What SQLite is going to do, step by step.
    fn plan(sql: &str) -> Vec<String> {
        let connection = Connection::open_in_memory().unwrap();
        migrate::migrate(&connection).unwrap();
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get(3).unwrap());
        }
        steps
    }

    /// Every step goes straight to what it needs, and what comes is in order already.
    #[track_caller]
    fn is_direct(sql: &str) {
        let steps = plan(sql);
        assert!(!steps.is_empty(), "{sql}");
        for step in &steps {
            assert!(
                !step.starts_with("SCAN") && !step.contains("TEMP B-TREE"),
                "{sql}\n{steps:#?}"
            );
        }
    }

    #[track_caller]
    fn uses(sql: &str, index: &str) {
        is_direct(sql);
        let steps = plan(sql);
        assert!(
            steps.iter().any(|step| step.contains(index)),
            "{sql}\n{steps:#?}"
        );
    }

    #[test]
    fn a_user_is_found_by_id_and_by_tag() {
        is_direct("SELECT username FROM users WHERE id = :id");
        uses(
            "SELECT id FROM users WHERE username_key = :key AND discriminator = :discriminator",
            "INDEX users_by_tag (username_key=? AND discriminator=?)",
        );
    }

    #[test]
    fn the_discriminators_taken_of_a_name_are_its_words_or_one_range_of_one_index() {
        is_direct(users::TAKEN);
        for step in [
            "SEARCH taken USING PRIMARY KEY (username_key=?)",
            "SEARCH users USING COVERING INDEX users_by_tag (username_key=?)",
        ] {
            assert!(
                plan(users::TAKEN).contains(&step.to_owned()),
                "{:#?}",
                plan(users::TAKEN)
            );
        }
    }

    #[test]
    fn a_caller_is_found_by_the_tokens_hash() {
        uses(kept::TOKEN, "(hash=?)");
        is_direct(kept::ACCOUNT);
        is_direct(kept::COMMUNITY);
    }

    #[test]
    fn a_dm_is_found_by_its_pair() {
        uses(
            channels::DM_BY_PAIR,
            "INDEX dms_by_pair (lower_id=? AND higher_id=?)",
        );
    }

    #[test]
    fn a_channel_and_its_recipients_are_found_by_their_keys() {
        is_direct(channels::CHANNEL);
        is_direct(channels::PARTICIPANT);
        is_direct(channels::GROUP_AND_RECIPIENTS);
        is_direct(channels::RECIPIENTS);
    }

    #[test]
    fn a_page_of_channels_is_one_range_of_one_index_in_both_directions() {
        for sql in channels::CHANNELS {
            uses(
                sql,
                "COVERING INDEX participants_shown (user_id=? AND channel_id>? AND channel_id<?)",
            );
        }
    }

    #[test]
    fn a_page_of_communities_is_one_range_of_the_key_in_both_directions() {
        is_direct(communities::COMMUNITY);
        for sql in [communities::COMMUNITY_IDS, communities::COMMUNITIES].concat() {
            uses(sql, "(user_id=? AND community_id>? AND community_id<?)");
        }
    }

    #[test]
    fn a_picture_is_found_by_its_owner_and_its_hash() {
        for (sql, owner) in [
            (images::AVATAR, "users_by_avatar (avatar=? AND rowid=?)"),
            (images::ICON, "communities_by_icon (icon=? AND rowid=?)"),
        ] {
            uses(sql, "sqlite_autoindex_images_1 (hash=?)");
            uses(sql, owner);
        }
    }

    #[test]
    fn whether_anybody_has_an_image_still_is_one_look_into_an_index() {
        for (table, column) in [("users", "avatar"), ("communities", "icon")] {
            let sql = format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE {column} = :hash)");
            let index =
                format!("SEARCH {table} USING COVERING INDEX {table}_by_{column} ({column}=?)");
            assert!(plan(&sql).contains(&index), "{:#?}", plan(&sql));
        }
    }

    #[test]
    fn the_account_of_a_reset_code_and_an_instance_invite_are_found_by_their_keys() {
        uses(accounts::RESET, "(hash=?)");
        uses(registration::GOOD_INVITE, "PRIMARY KEY (code=?)");
    }

    #[test]
    fn what_is_counted_and_what_is_done_once_is_found_and_swept_by_indexes() {
        uses(
            terms::COUNTED,
            "INDEX counted_by_user (user_id=? AND bucket=? AND at>? AND at<?)",
        );
        uses(terms::KNOWN, "(user_id=? AND key=?)");
        for (sql, index) in terms::SWEEP
            .into_iter()
            .zip(["counted_by_age", "idempotency_keys_by_age"])
        {
            for range in ["(at<?)", "(at>?)"] {
                uses(sql, &format!("INDEX {index} {range}"));
            }
        }
    }

    #[test]
    fn a_block_is_found_by_its_key_and_a_page_of_blocks_is_one_range_of_it() {
        let key = "SEARCH blocks USING PRIMARY KEY (user_id=? AND blocked_id=?)";
        assert!(plan(blocks::BLOCKED).contains(&key.to_owned()));
        for sql in blocks::BLOCKS {
            uses(sql, "(user_id=? AND blocked_id>? AND blocked_id<?)");
        }
        for sql in blocks::FORGET {
            is_direct(sql);
        }
    }

    #[test]
    fn a_page_of_members_is_one_range_of_one_index_in_both_directions() {
        for sql in communities::MEMBERS {
            uses(
                sql,
                "INDEX members_by_community (community_id=? AND user_id>? AND user_id<?)",
            );
        }
    }

    #[test]
    fn an_admin_is_found_by_the_hash_of_a_cookie_or_a_token() {
        for sql in [access::BY_SESSION, access::BY_TOKEN] {
            uses(sql, "(hash=?)");
        }
        uses(access::USE_LINK, "(hash=?)");
    }

    #[test]
    fn a_page_of_accounts_by_id_is_one_range_of_the_filters_index_in_both_directions() {
        for filter in UserFilter::ALL {
            for ascending in [true, false] {
                let sql = directory::users_by_id(filter, ascending);
                let steps = plan(&sql);
                let [step] = steps.as_slice() else {
                    panic!("{sql}\n{steps:#?}")
                };
                assert!(step.starts_with("SEARCH u USING INDEX users_"), "{step}");
                assert!(step.ends_with("(id>? AND id<?)"), "{step}");
            }
        }
    }

    #[test]
    fn a_page_of_accounts_by_name_is_one_range_of_the_filters_index() {
        // Tombstones are not looked for by name.
        let named = |filter: &UserFilter| *filter != UserFilter::Deleted;
        for filter in UserFilter::ALL.into_iter().filter(named) {
            let sql = directory::users_by_name(filter);
            let steps = plan(&sql);
            let [step] = steps.as_slice() else {
                panic!("{sql}\n{steps:#?}")
            };
            let range =
                "((username_key,discriminator)>(?,?) AND (username_key,discriminator)<(?,?))";
            assert!(step.starts_with("SEARCH u USING INDEX users_"), "{step}");
            assert!(step.contains("by_tag") && step.ends_with(range), "{step}");
        }
    }

    #[test]
    fn a_page_of_all_communities_is_a_range_by_id_and_two_merged_by_name() {
        for sql in directory::COMMUNITIES_BY_ID {
            uses(sql, "INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
        }
        // What has the name that the page before ended in, and what comes behind: merged in order.
        for range in ["(name_key=? AND id>?)", "(name_key>? AND name_key<?)"] {
            let range = format!("INDEX communities_by_name {range}");
            uses(directory::COMMUNITIES_BY_NAME, &range);
        }
    }

    #[test]
    fn an_admins_page_of_members_is_one_range_of_one_index_in_both_directions() {
        for sql in views::MEMBERS {
            uses(
                sql,
                "INDEX members_by_community (community_id=? AND user_id>? AND user_id<?)",
            );
        }
    }

    #[test]
    fn an_admins_page_of_channels_is_a_range_of_each_of_two_indexes_merged_in_order() {
        for sql in views::CHANNELS_OF {
            for index in ["participants_shown", "participants_hidden"] {
                let range = "(user_id=? AND channel_id>? AND channel_id<?)";
                uses(sql, &format!("INDEX {index} {range}"));
            }
        }
        is_direct(views::PARTICIPANTS);
    }

    #[test]
    fn the_fullest_names_are_the_first_of_an_index_and_each_is_read_straight() {
        // Its first 50 entries: all that the limit lets it read.
        let steps = plan(views::FULLEST_NAMES);
        let (first, rest) = steps.split_first().unwrap();
        assert_eq!(first, "SCAN s USING COVERING INDEX shared_names_by_holders");
        for step in rest {
            let known = step.starts_with("SEARCH users USING INDEX users_by_tag (username_key=?)")
                || step.starts_with("CORRELATED SCALAR SUBQUERY");
            assert!(known, "{steps:#?}");
        }
    }

    #[test]
    fn a_page_of_the_audit_log_is_one_range_of_one_index_whatever_the_filter() {
        let some = |wanted: bool, text: &str| wanted.then(|| text.to_owned());
        for (target, admin, action, index) in [
            (
                false,
                false,
                false,
                "INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
            ),
            (
                false,
                false,
                true,
                "INDEX audit_by_action (action=? AND id>? AND id<?)",
            ),
            (
                false,
                true,
                false,
                "INDEX audit_by_admin (admin_key=? AND id>? AND id<?)",
            ),
            (
                false,
                true,
                true,
                "INDEX audit_by_admin_and_action (admin_key=? AND action=? AND id>? AND id<?)",
            ),
            (
                true,
                false,
                false,
                "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
            ),
            (
                true,
                false,
                true,
                "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
            ),
            (
                true,
                true,
                false,
                "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
            ),
            (
                true,
                true,
                true,
                "INDEX audit_by_target (target_id=? AND id>? AND id<?)",
            ),
        ] {
            let filter = Filter {
                admin: some(admin, "root"),
                action: some(action, "user.flags"),
                target: target.then_some(Id::MAX),
            };
            for ascending in [true, false] {
                uses(&audit::select(&filter, ascending), index);
            }
        }
    }
}

#[cfg(test)]
mod pulse {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::{Options, Sqlite};
    use crate::systemd::Pulse;

    fn store() -> (TempDir, Sqlite) {
        let directory = tempfile::tempdir().unwrap();
        let options = Options {
            readers: 1,
            queue: 1,
            batch: 1,
            cache: 0,
        };
        let store = Sqlite::open(&directory.path().join("saryno.db"), options).unwrap();
        (directory, store)
    }

    #[tokio::test]
    async fn it_beats_while_the_store_reads_and_writes() {
        let (_directory, store) = store();
        let mut pulse = Pulse::default();
        assert!(pulse.beats(&store).await);
        assert!(pulse.beats(&store).await);
    }

    #[tokio::test]
    async fn it_does_not_where_all_readers_hang_whatever_is_written() {
        let (_directory, store) = store();
        let hangs = store.readers.pool().get().unwrap();
        assert!(!Pulse::default().beats(&store).await);
        drop(hangs);
    }

    #[tokio::test]
    async fn it_does_not_where_the_writer_hangs_with_a_full_queue_or_an_empty_one() {
        let (_directory, store) = store();
        let (enter, entered) = channel();
        let (release, released) = channel::<()>();
        store.writer.run_unanswered(move |_| {
            enter.send(()).unwrap();
            // Until the end of the test.
            let _ = released.recv();
            Ok(())
        });
        entered.recv().unwrap();
        let mut pulse = Pulse::default();
        let waiting = tokio::time::timeout(Duration::from_millis(200), pulse.beats(&store));
        assert!(waiting.await.is_err(), "it came back");
        // What it left in the queue fills it.
        assert!(!pulse.beats(&store).await);
        drop(release);
    }
}
