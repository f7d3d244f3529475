//! The store's file: whose it is, which one is taken for ours; and the queue in front of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures::FutureExt;
use rusqlite::Connection;
use saryno::communities::{Communities, NewCommunity};
use saryno::error::{Error, Result};
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::store::Store;
use saryno::store::sqlite::{Options, Sqlite};
use saryno::users::Users;
use tempfile::TempDir;

use crate::operate::Operate;
use crate::support::{OPTIONS, new_user, store};

fn reopen(directory: &TempDir) -> Result<Sqlite> {
    Sqlite::open(&directory.path().join("saryno.db"), OPTIONS)
}

/// An id an hour from now, as if the clock had been ahead once.
fn future_id() -> Id {
    let hour = 60 * 60 * 1000;
    let now = Generator::new(0, Id::MIN).next().unwrap();
    Id::from_bits(now.bits() + (hour << 22)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_mints_above_everything_even_where_the_clock_stepped_back() {
    let (directory, store) = store();
    let id = Generator::new(0, Id::MIN).next().unwrap();
    let ada = store.create_user(new_user(id, "Ada")).await.unwrap().id;
    let ahead = future_id();
    let new = NewCommunity {
        name: "Home".parse().unwrap(),
        icon: None,
    };
    store.create_community(ada, new, ahead, None).await.unwrap();
    store
        .delete_community(ada, ahead, Precondition::Any)
        .await
        .unwrap();
    drop(store);
    let store = reopen(&directory).unwrap();
    let ids = Generator::new(0, store.highest_id().await.unwrap());
    let mut last = ahead;
    for _ in 0..5_000 {
        let next = ids.next().unwrap();
        assert!(next > last, "{next} after {last}");
        last = next;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_another_connection_is_seen() {
    let (directory, store) = store();
    let id = Generator::new(0, Id::MIN).next().unwrap();
    store.create_user(new_user(id, "Ada")).await.unwrap();
    let other = Connection::open(directory.path().join("saryno.db")).unwrap();
    other
        .execute("UPDATE users SET flags = 2, disabled = 1", [])
        .unwrap();
    let account = store.account(id).await.unwrap();
    assert!(account.disabled);
    assert_eq!(account.user.flags.bits(), 2);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_their_owners_alone() {
    let (directory, store) = store();
    let id = Generator::new(0, Id::MIN).next().unwrap();
    store.create_user(new_user(id, "Ada")).await.unwrap();
    let files: Vec<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(files.len() >= 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    let path = directory.path().join("saryno.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(reopen(&directory).unwrap());
    assert_eq!(mode(&path), 0o600);
}

/// The file is refused with these words and left as it was.
#[track_caller]
fn is_refused(directory: &TempDir, words: &str) {
    let path = directory.path().join("saryno.db");
    let before = fs::read(&path).unwrap();
    let Err(error) = reopen(directory) else {
        panic!("opened")
    };
    let error = error.to_string();
    assert!(
        error.contains(words) && error.contains(&*path.to_string_lossy()),
        "{error}"
    );
    assert!(before == fs::read(&path).unwrap(), "the file was changed");
    let files = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, 1, "something was left beside the file");
}

#[test]
fn a_text_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let text = "Dear diary, ".repeat(1_000);
    fs::write(directory.path().join("saryno.db"), text).unwrap();
    is_refused(&directory, "not a database");
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    for sql in [
        "CREATE TABLE recipes (id INTEGER)",
        "CREATE TABLE users (id INTEGER); PRAGMA user_version = 1",
        "PRAGMA application_id = 7; CREATE TABLE users (id INTEGER); PRAGMA user_version = 1",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 3",
    ] {
        let directory = tempfile::tempdir().unwrap();
        let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        is_refused(&directory, "another program");
    }
}

#[test]
fn a_file_of_a_newer_version_is_refused_and_left_alone() {
    let (directory, store) = store();
    drop(store);
    let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
    connection.pragma_update(None, "user_version", 2).unwrap();
    drop(connection);
    is_refused(
        &directory,
        "it has schema version 2 and this program knows 1",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_busy_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("saryno.db");
    let options = Options {
        readers: 1,
        queue: 1,
        batch: 1,
        cache: 0,
    };
    let store = Sqlite::open(&path, options).unwrap();
    let ids = Generator::new(0, Id::MIN);
    let lock = Connection::open(&path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    // The first poll queues an operation or is told at once that there is no room; one more may be with the writer already.
    let outcomes: Vec<_> = ["Ada", "Bob", "Cy"]
        .map(|name| {
            let new = new_user(ids.next().unwrap(), name);
            store.create_user(new).now_or_never()
        })
        .into();
    let taken = outcomes.iter().filter(|outcome| outcome.is_none()).count();
    let busy = outcomes
        .iter()
        .filter(|outcome| **outcome == Some(Err(Error::Busy)))
        .count();
    assert!(busy >= 1 && taken >= 1 && busy + taken == 3, "{outcomes:?}");
    drop(lock);
    drop(store);
    let connection = Connection::open(&path).unwrap();
    let made: i64 = connection
        .query_row("SELECT count(*) FROM users", [], |row| row.get(0))
        .unwrap();
    assert_eq!(usize::try_from(made), Ok(taken));
}
