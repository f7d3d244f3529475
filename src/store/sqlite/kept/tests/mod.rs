//! Rows in memory: whoever reads between a write and its answer, or while another process writes, sees what is.

mod lists;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use futures::FutureExt;
use tempfile::TempDir;

use super::super::{Options, accounts, channels, communities, groups, users as table};
use super::*;
use crate::accounts::Accounts;
use crate::channels::{ChannelChange, NewGroup};
use crate::clock::Timestamp;
use crate::communities::NewCommunity;
use crate::etag::Precondition;
use crate::page::Cursor;
use crate::store::Store;
use crate::tokens::{Label, NewToken, Secret};
use crate::users::{Change, Flags, NewUser, User, Users};

fn id(number: i64) -> Id {
    Id::from_bits(number).unwrap()
}

/// A store with an account of this name, which has a token.
struct Bench {
    _directory: TempDir,
    path: PathBuf,
    store: Arc<Sqlite>,
    token: SecretHash,
}

const ME: i64 = 7;
const TOKEN_ID: i64 = 8;

impl Bench {
    async fn of(name: &str) -> Self {
        Self::with(name, 1 << 20).await
    }

    async fn with(name: &str, cache: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("saryno.db");
        let options = Options {
            readers: 2,
            queue: 64,
            batch: 64,
            cache,
        };
        let store = Sqlite::open(&path, options).unwrap();
        let token = Secret::token().hash();
        let username: crate::names::Username = name.parse().unwrap();
        let create = move |connection: &Connection| {
            let new = NewUser {
                id: id(ME),
                username: username.clone(),
                discriminator: None,
                random: 0,
                flags: Flags::default(),
                password: None,
                token: Some(NewToken {
                    id: id(TOKEN_ID),
                    hash: token,
                    label: Label::command_line(),
                    login: None,
                }),
            };
            table::create(connection, &new)
        };
        store.write(create).await.unwrap();
        Self {
            _directory: directory,
            path,
            store: Arc::new(store),
            token,
        }
    }

    /// What the account is called, from memory or not.
    async fn name(&self) -> String {
        self.store.user(id(ME)).await.unwrap().username
    }

    /// The same, and in memory from now on.
    async fn hot_name(&self) -> String {
        let begun = Instant::now();
        loop {
            let name = self.name().await;
            if self.store.cached.accounts.get(&id(ME)).is_some() {
                return name;
            }
            // A busy machine may have kept the writer from looking abroad.
            assert!(begun.elapsed() < Duration::from_secs(30), "never kept");
            tokio::task::yield_now().await;
        }
    }

    async fn rename(&self, name: &str) {
        self.store
            .modify_user(id(ME), to(name), Precondition::Any, 0, None)
            .await
            .unwrap();
    }

    async fn admits(&self) -> bool {
        match self.store.caller(self.token, Timestamp::now()).await {
            Ok(_) => true,
            Err(Error::Unauthorized) => false,
            Err(error) => panic!("{error}"),
        }
    }

    async fn revoke(&self) {
        self.store.revoke(id(ME), id(TOKEN_ID)).await.unwrap();
    }

    /// The writer at a standstill.
    fn hold(&self) -> Sender<()> {
        let (enter, entered) = channel();
        let (release, released) = channel::<()>();
        self.store.writer.run_unanswered(move |_| {
            enter.send(()).unwrap();
            // A gate whose keeper has gone is open.
            let _ = released.recv();
            Ok(())
        });
        entered.recv().unwrap();
        release
    }

    /// All that is queued now is committed, or failed.
    async fn settle(&self) {
        self.store.write(|_| Ok(())).await.unwrap();
    }
}

fn rename(connection: &Connection) -> Result<User> {
    let old = table::find(connection, id(ME))?;
    table::modify(connection, &old, &to("new"), 0)
}

fn to(name: &str) -> Change {
    Change {
        username: Some(name.parse().unwrap()),
        discriminator: None,
        avatar: None,
    }
}

#[tokio::test]
async fn who_read_the_old_row_before_a_write_was_answered_does_not_put_it_back_after_it() {
    let bench = Bench::of("old").await;
    let store = &bench.store;
    let slow = async {
        let old = store
            .read_at_once(|connection| account_or_tombstone(connection, id(ME)))
            .await;
        bench.rename("new").await;
        old
    };
    let slow = store
        .cached
        .accounts
        .keeping(id(ME), Subject::Row(id(ME)), slow)
        .await;
    assert_eq!(slow.unwrap().user.username, "old");
    assert_eq!(bench.name().await, "new");
}

#[tokio::test]
async fn who_read_a_token_before_it_was_revoked_does_not_bring_it_back_to_life() {
    let bench = Bench::of("Ada").await;
    let (store, hash) = (&bench.store, bench.token);
    let slow = async {
        let token = store
            .read_at_once(move |connection| token(connection, hash))
            .await;
        bench.revoke().await;
        token
    };
    let slow = store
        .cached
        .tokens
        .keeping(hash, Subject::Row(id(TOKEN_ID)), slow)
        .await;
    assert_eq!(slow.unwrap().user, id(ME));
    assert!(!bench.admits().await);
}

#[tokio::test]
async fn a_use_is_noted_once_however_many_requests_come_before_the_commit() {
    let bench = Bench::of("Ada").await;
    let held = bench.hold();
    for _ in 0..100 {
        assert!(bench.admits().await);
    }
    assert_eq!(bench.store.work().waiting, 1);
    drop(held);
    bench.settle().await;
    assert!(bench.admits().await);
    let token = bench.store.token(bench.token).await.unwrap();
    assert!(token.last_used.is_some());
}

#[tokio::test]
async fn a_hot_row_is_read_from_memory_and_anew_after_each_write() {
    let bench = Bench::of("0").await;
    for number in 1..100 {
        assert_eq!(bench.hot_name().await, (number - 1).to_string());
        assert!(bench.admits().await);
        bench.rename(&number.to_string()).await;
    }
    bench.revoke().await;
    assert!(!bench.admits().await);
}

#[tokio::test]
async fn a_write_whose_requester_went_away_before_its_commit_is_seen_after_it() {
    let bench = Bench::of("old").await;
    let release = bench.hold();
    // Asked once, so that it is queued, and dropped.
    assert!(
        bench
            .store
            .modify_user(id(ME), to("new"), Precondition::Any, 0, None)
            .now_or_never()
            .is_none()
    );
    assert_eq!(bench.name().await, "old");
    drop(release);
    bench.settle().await;
    assert_eq!(bench.name().await, "new");
}

#[tokio::test]
async fn what_is_kept_while_a_write_is_queued_is_not_shown_after_it() {
    let bench = Bench::of("Ada").await;
    let release = bench.hold();
    let mut revoking = bench.store.revoke(id(ME), id(TOKEN_ID));
    assert!((&mut revoking).now_or_never().is_none());
    assert!(bench.admits().await && bench.admits().await);
    drop(release);
    revoking.await.unwrap();
    assert!(!bench.admits().await);
}

#[tokio::test]
async fn a_write_that_fails_and_a_commit_that_fails_leave_the_row_that_is() {
    let bench = Bench::of("old").await;
    assert_eq!(bench.hot_name().await, "old");
    let failing = move |connection: &Connection| -> Result<()> {
        rename(connection)?;
        Err(Error::NotOwner)
    };
    assert_eq!(bench.store.write(failing).await, Err(Error::NotOwner));
    assert_eq!(bench.hot_name().await, "old");
    let dangling = move |connection: &Connection| {
        rename(connection)?;
        connection.pragma_update(None, "defer_foreign_keys", true)?;
        let token = NewToken {
            id: id(TOKEN_ID + 1),
            hash: Secret::token().hash(),
            label: Label::command_line(),
            login: None,
        };
        accounts::insert_token(connection, id(ME + 1), &token)
    };
    assert!(bench.store.write(dangling).await.is_err());
    assert_eq!(bench.hot_name().await, "old");
    // Nor is what was taken back, or failed, told with the next commit, or kept from it.
    bench.rename("newer").await;
    assert_eq!(bench.hot_name().await, "newer");
}

#[tokio::test]
async fn during_a_commit_nobody_finds_the_old_row_or_keeps_it() {
    let bench = Bench::of("old").await;
    assert_eq!(bench.hot_name().await, "old");
    let store = Arc::downgrade(&bench.store);
    let (tell, told) = channel();
    let look = move || {
        // SQLite is about to commit; others are shown the old row until it has.
        let Some(store) = store.upgrade() else {
            return false;
        };
        let accounts = &store.cached.accounts;
        let found = accounts.get(&id(ME));
        let connection = store.readers.pool().get().unwrap();
        let read = account_or_tombstone(&connection, id(ME));
        let read = accounts.keeping(id(ME), Subject::Row(id(ME)), async { read });
        let read = read.now_or_never().unwrap().unwrap();
        tell.send((found, read.user.username, accounts.get(&id(ME))))
            .unwrap();
        false
    };
    let look = std::sync::Mutex::new(Some(look));
    let watch = move |connection: &Connection| {
        connection.commit_hook(look.lock().unwrap().take())?;
        rename(connection)
    };
    bench.store.write(watch).await.unwrap();
    assert_eq!(told.recv().unwrap(), (None, "old".into(), None));
    let unwatch = |connection: &Connection| Ok(connection.commit_hook(None::<fn() -> bool>)?);
    bench.store.write(unwatch).await.unwrap();
    assert_eq!(bench.hot_name().await, "new");
}

#[tokio::test]
async fn without_room_each_row_is_read_and_right() {
    let bench = Bench::with("0", 0).await;
    for number in 1..10 {
        assert_eq!(bench.name().await, (number - 1).to_string());
        assert!(bench.admits().await);
        bench.rename(&number.to_string()).await;
    }
    let kept = bench.store.kept();
    assert_eq!(kept.asked, kept.read);
}

/// Another process, as SQLite sees it.
fn abroad(bench: &Bench) -> Connection {
    let connection = Connection::open(&bench.path).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection
}

const RENAME: &str = "UPDATE users SET username = 'new' WHERE id = 7";

/// The contract (section 5) allows a second: whoever asks after it is shown what is.
async fn is_seen_within_a_second(bench: &Bench) {
    let changed = Instant::now();
    loop {
        let is_late = changed.elapsed() >= Duration::from_secs(1);
        if bench.name().await == "new" {
            return;
        }
        assert!(!is_late, "not seen within a second");
    }
}

#[tokio::test]
async fn what_another_process_changes_is_seen_within_a_second() {
    let bench = Bench::of("old").await;
    assert_eq!(bench.hot_name().await, "old");
    abroad(&bench).execute(RENAME, []).unwrap();
    is_seen_within_a_second(&bench).await;
}

#[tokio::test]
async fn what_another_process_changes_is_seen_within_a_second_while_the_writer_can_not_look() {
    let bench = Bench::of("old").await;
    assert_eq!(bench.hot_name().await, "old");
    let process = abroad(&bench);
    // The writer waits for this process, for seconds.
    process.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = bench.store.write(|_| Ok(()));
    tokio::pin!(waiting);
    assert!((&mut waiting).now_or_never().is_none());
    process.execute(RENAME, []).unwrap();
    process.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();
    is_seen_within_a_second(&bench).await;
    process.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap();
    assert_eq!(bench.hot_name().await, "new");
}
