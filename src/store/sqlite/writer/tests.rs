//! Batches: what they hold, what fails in them, and who is answered when.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

use oneshot::error::TryRecvError;
use tempfile::TempDir;

use super::super::migrate;
use super::*;
use crate::store::cached::Cached;

const SCHEMA: &str = "
    PRAGMA foreign_keys = ON;
    CREATE TABLE parents (id INTEGER PRIMARY KEY);
    CREATE TABLE entries (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parents (id), filler BLOB);";

/// A writer over a file, and its first operation, which holds it up so that all that follow share a batch.
struct Bench {
    directory: TempDir,
    writer: Writer,
}

impl Bench {
    fn new(set_up: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let connection = Connection::open(directory.path().join("bench.db")).unwrap();
        migrate::migrate(&connection).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection.execute_batch(set_up).unwrap();
        let changes = Changes::watch(&connection, Cached::new(0).stamps.clone()).unwrap();
        let file = Arc::new(std::fs::File::open(directory.path().join("bench.db")).unwrap());
        let checkpoints = Checkpoints::start(&connection, file).unwrap();
        let writer = Writer::start(connection, changes, checkpoints, 64, 64).unwrap();
        Self { directory, writer }
    }

    fn queue<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T> + Send + 'static,
    ) -> oneshot::Receiver<Result<T>> {
        let (answer, answered) = oneshot::channel();
        self.writer.queue(work, answer).unwrap();
        answered
    }

    /// Queues an operation that runs until it is released, and comes back when `entered` is due to be read.
    fn gate(&self) -> (Receiver<()>, Sender<()>) {
        let (enter, entered) = channel();
        let (release, released) = channel::<()>();
        let _answer = self.queue(move |_| {
            enter.send(()).unwrap();
            // A gate whose keeper has gone is open.
            let _ = released.recv();
            Ok(())
        });
        (entered, release)
    }

    /// The writer at a standstill.
    fn hold(&self) -> Sender<()> {
        let (entered, release) = self.gate();
        entered.recv().unwrap();
        release
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("bench.db")
    }

    fn written(&self) -> Vec<i64> {
        written(&self.path())
    }
}

fn written(path: &std::path::Path) -> Vec<i64> {
    let connection = Connection::open(path).unwrap();
    let mut statement = connection
        .prepare("SELECT id FROM entries ORDER BY id")
        .unwrap();
    let ids = statement.query_map([], |row| row.get(0)).unwrap();
    ids.map(|id| id.unwrap()).collect()
}

fn insert(id: i64) -> impl Fn(&Connection) -> Result<()> + Send {
    move |connection| {
        connection.execute("INSERT INTO entries (id) VALUES (?1)", [id])?;
        Ok(())
    }
}

fn insert_much(id: i64) -> impl Fn(&Connection) -> Result<()> + Send {
    move |connection| {
        let sql = "INSERT INTO entries (id, filler) VALUES (?1, randomblob(400000))";
        connection.execute(sql, [id])?;
        Ok(())
    }
}

#[test]
fn an_operation_that_panics_is_internal_and_the_others_of_its_batch_are_committed() {
    let bench = Bench::new("");
    let held = bench.hold();
    let first = bench.queue(insert(1));
    let panicking = bench.queue(|connection| -> Result<()> {
        insert(2)(connection)?;
        panic!("as the test wants it")
    });
    let last = bench.queue(insert(3));
    drop(held);
    assert_eq!(first.blocking_recv().unwrap(), Ok(()));
    assert!(matches!(
        panicking.blocking_recv().unwrap(),
        Err(Error::Internal(_))
    ));
    assert_eq!(last.blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [1, 3]);
}

#[test]
fn an_operation_that_fails_is_rolled_back_alone() {
    let bench = Bench::new("");
    let held = bench.hold();
    let first = bench.queue(insert(1));
    let failing = bench.queue(|connection| -> Result<()> {
        insert(2)(connection)?;
        Err(Error::NotOwner)
    });
    let conflicting = bench.queue(|connection| {
        insert(4)(connection)?;
        insert(1)(connection)
    });
    let last = bench.queue(insert(3));
    drop(held);
    assert_eq!(first.blocking_recv().unwrap(), Ok(()));
    assert_eq!(failing.blocking_recv().unwrap(), Err(Error::NotOwner));
    assert!(matches!(
        conflicting.blocking_recv().unwrap(),
        Err(Error::Internal(_))
    ));
    assert_eq!(last.blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [1, 3]);
}

/// An insertion, and how often it was run.
fn insert_counted(id: i64) -> (Arc<AtomicUsize>, impl Fn(&Connection) -> Result<()> + Send) {
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let insert = insert(id);
    let work = move |connection: &Connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        insert(connection)
    };
    (runs, work)
}

fn write_and_fail(connection: &Connection) -> Result<()> {
    insert(99)(connection)?;
    Err(Error::NotOwner)
}

#[test]
fn what_fails_before_it_has_written_makes_nobody_run_twice() {
    let bench = Bench::new("");
    let held = bench.hold();
    let (runs, work) = insert_counted(1);
    let first = bench.queue(work);
    let refused = bench.queue(|_| -> Result<()> { Err(Error::NotOwner) });
    let conflicting = bench.queue(insert(1));
    drop(held);
    assert_eq!(first.blocking_recv().unwrap(), Ok(()));
    assert_eq!(refused.blocking_recv().unwrap(), Err(Error::NotOwner));
    assert!(conflicting.blocking_recv().unwrap().is_err());
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(bench.written(), [1]);
}

#[test]
fn what_fails_after_it_has_written_makes_its_batch_run_twice_and_not_the_next_one() {
    let bench = Bench::new("");
    let mut held = bench.hold();
    for (id, expected) in [(1, 2), (2, 1), (3, 1)] {
        let (runs, work) = insert_counted(id);
        let first = bench.queue(work);
        let failing = [write_and_fail, write_and_fail].map(|failing| bench.queue(failing));
        // The last of its batch, so that what is queued meanwhile is the next one.
        let (entered, release) = bench.gate();
        drop(held);
        entered.recv().unwrap();
        assert_eq!(runs.load(Ordering::SeqCst), expected, "{id}");
        held = release;
        drop((first, failing));
    }
    drop(held);
    bench.queue(|_| Ok(())).blocking_recv().unwrap().unwrap();
    assert_eq!(bench.written(), [1, 2, 3]);
}

#[test]
fn where_the_transaction_ends_midway_the_others_run_again_and_that_one_fails() {
    let bench = Bench::new("");
    let held = bench.hold();
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&runs);
    let first = bench.queue(move |connection| {
        counted.fetch_add(1, Ordering::SeqCst);
        insert(1)(connection)
    });
    let ending = bench.queue(|connection| {
        insert(2)(connection)?;
        Ok(connection.execute_batch("ROLLBACK")?)
    });
    let ending_with_its_own_error = bench.queue(|connection| -> Result<()> {
        connection.execute_batch("ROLLBACK")?;
        Err(Error::StorageFull)
    });
    let last = bench.queue(insert(3));
    drop(held);
    assert_eq!(first.blocking_recv().unwrap(), Ok(()));
    assert!(matches!(
        ending.blocking_recv().unwrap(),
        Err(Error::Internal(_))
    ));
    assert_eq!(
        ending_with_its_own_error.blocking_recv().unwrap(),
        Err(Error::StorageFull)
    );
    assert_eq!(last.blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [1, 3]);
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[test]
fn a_commit_that_fails_fails_its_whole_batch_and_writes_nothing() {
    let bench = Bench::new("");
    let held = bench.hold();
    let first = bench.queue(insert(1));
    let dangling = bench.queue(|connection| {
        connection.execute_batch(
            "PRAGMA defer_foreign_keys = ON; INSERT INTO entries (id, parent) VALUES (2, 99)",
        )?;
        Ok(())
    });
    let refused = bench.queue(|_| -> Result<()> { Err(Error::NotOwner) });
    drop(held);
    for answer in [first, dangling, refused] {
        assert!(answer.blocking_recv().unwrap().is_err());
    }
    assert_eq!(bench.written(), [] as [i64; 0]);
    assert_eq!(bench.queue(insert(3)).blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [3]);
}

#[test]
fn no_answer_precedes_the_commit() {
    let bench = Bench::new("");
    let held = bench.hold();
    let mut first = bench.queue(insert(1));
    let (entered, release) = bench.gate();
    drop(held);
    entered.recv().unwrap();
    // It has run by now: the gate stands behind it in the same batch.
    assert_eq!(first.try_recv(), Err(TryRecvError::Empty));
    assert_eq!(bench.written(), [] as [i64; 0]);
    drop(release);
    assert_eq!(first.blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [1]);
}

#[test]
fn dropping_the_writer_finishes_the_queue() {
    let bench = Bench::new("");
    let held = bench.hold();
    let answers: Vec<_> = (0..50).map(|id| bench.queue(insert(id))).collect();
    let path = bench.path();
    let Bench { directory, writer } = bench;
    let dropping = std::thread::spawn(move || drop(writer));
    drop(held);
    dropping.join().unwrap();
    assert_eq!(written(&path), (0..50).collect::<Vec<_>>());
    for answer in answers {
        assert_eq!(answer.blocking_recv().unwrap(), Ok(()));
    }
    drop(directory);
}

#[test]
fn a_full_queue_is_busy_and_loses_nothing_that_it_took() {
    let bench = Bench::new("");
    let held = bench.hold();
    let answers: Vec<_> = (0..64).map(|id| bench.queue(insert(id))).collect();
    let (answer, _) = oneshot::channel();
    assert_eq!(bench.writer.queue(insert(64), answer), Err(Error::Busy));
    drop(held);
    for answer in answers {
        assert_eq!(answer.blocking_recv().unwrap(), Ok(()));
    }
    assert_eq!(bench.written().len(), 64);
}

#[test]
fn what_finds_the_disk_full_leaves_nothing_and_the_others_go_on() {
    let bench = Bench::new("PRAGMA max_page_count = 10");
    let held = bench.hold();
    let first = bench.queue(insert(1));
    let too_much = bench.queue(|connection| {
        insert(2)(connection)?;
        insert_much(4)(connection)
    });
    let last = bench.queue(insert(3));
    drop(held);
    assert_eq!(first.blocking_recv().unwrap(), Ok(()));
    assert_eq!(too_much.blocking_recv().unwrap(), Err(Error::StorageFull));
    assert_eq!(last.blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [1, 3]);
    let room = bench.queue(|connection| {
        Ok(connection.query_row("PRAGMA max_page_count = 100000", [], |_| Ok(()))?)
    });
    assert_eq!(room.blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.queue(insert_much(4)).blocking_recv().unwrap(), Ok(()));
    assert_eq!(bench.written(), [1, 3, 4]);
}
