//! The one writing connection: a bounded queue in front of it, many operations a commit behind it.
//!
//! What waits is taken, up to a bound, into one transaction, each operation under its own savepoint; it is committed once, and
//! only then are all of them answered. So one fsync serves a batch, and still no answer precedes its durability. An operation
//! that fails or panics is rolled back alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// The queue's end that operations are put into, and the thread at its other end.
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
}

/// One operation as the writer sees it, whatever it results in.
trait Operation: Send {
    /// Runs it, for the first time or again, and keeps what came of it.
    fn run(&mut self, connection: &Connection);
    /// What went wrong in its last run, if anything.
    fn error(&self) -> Option<&Error>;
    /// Replaces what came of it.
    fn fail(&mut self, error: Error);
    /// Tells whoever waits.
    fn answer(self: Box<Self>);
}

struct Waiting<T, F> {
    work: F,
    outcome: Result<T>,
    answer: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&Connection) -> Result<T> + Send> Operation for Waiting<T, F> {
    fn run(&mut self, connection: &Connection) {
        // The connection is whole after a panic: its statements are reset as they are dropped, its changes rolled back.
        self.outcome = catch_unwind(AssertUnwindSafe(|| (self.work)(connection)))
            .unwrap_or_else(|_| Err(Error::Internal("an operation of the store panicked".into())));
    }

    fn error(&self) -> Option<&Error> {
        self.outcome.as_ref().err()
    }

    fn fail(&mut self, error: Error) {
        self.outcome = Err(error);
    }

    fn answer(self: Box<Self>) {
        // Whoever waited may have gone; what was committed stays.
        let _ = self.answer.send(self.outcome);
    }
}

impl Writer {
    /// Starts the thread. `queue` operations may wait, `batch` share a commit at most.
    pub(super) fn start(connection: Connection, queue: usize, batch: usize) -> Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || serve(&connection, &receiver, batch))
            .map_err(|error| Error::Internal(format!("the writer's thread: {error}")))?;
        Ok(Self {
            queue: Some(sender),
            thread: Some(thread),
        })
    }

    /// Queues an operation and waits for its commit.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.queue(work, answer)?;
        answered.await.unwrap_or(Err(Error::ShuttingDown))
    }

    /// Queues an operation that nobody waits for and that may be dropped.
    pub(super) fn run_unanswered<F>(&self, work: F)
    where
        F: Fn(&Connection) -> Result<()> + Send + 'static,
    {
        let (answer, _) = oneshot::channel();
        let _ = self.queue(work, answer);
    }

    fn queue<T, F>(&self, work: F, answer: oneshot::Sender<Result<T>>) -> Result<()>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T> + Send + 'static,
    {
        let operation = Box::new(Waiting {
            work,
            outcome: Err(Error::ShuttingDown),
            answer,
        });
        let queue = self.queue.as_ref().ok_or(Error::ShuttingDown)?;
        queue.try_send(operation).map_err(|error| match error {
            TrySendError::Full(_) => Error::Busy,
            TrySendError::Disconnected(_) => Error::ShuttingDown,
        })
    }
}

impl Drop for Writer {
    /// Finishes what is queued and closes the connection, which folds the WAL in if no other is open.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(connection: &Connection, queue: &Receiver<Box<dyn Operation>>, most: usize) {
    while let Ok(first) = queue.recv() {
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(most.saturating_sub(1)));
        commit(connection, &mut batch);
        for operation in batch {
            operation.answer();
        }
    }
}

/// Runs a batch in one transaction. Each operation ends with its own outcome; one whose work is not in the file ends with an
/// error.
fn commit(connection: &Connection, batch: &mut [Box<dyn Operation>]) {
    // Operations that made SQLite end the transaction: their error is final, all the others start again without them.
    let mut out = vec![false; batch.len()];
    loop {
        match attempt(connection, batch, &mut out) {
            Ok(Attempt::Committed) => return,
            Ok(Attempt::Ended) => {}
            Err(error) => {
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("ROLLBACK");
                }
                let error = Error::from(error);
                for (operation, _) in batch.iter_mut().zip(&out).filter(|(_, out)| !**out) {
                    operation.fail(error.clone());
                }
                return;
            }
        }
    }
}

enum Attempt {
    /// What succeeded is in the file.
    Committed,
    /// SQLite ended the transaction in the middle of an operation, which is out now.
    Ended,
}

fn attempt(
    connection: &Connection,
    batch: &mut [Box<dyn Operation>],
    out: &mut [bool],
) -> rusqlite::Result<Attempt> {
    let statement = |sql| connection.prepare_cached(sql)?.execute([]);
    statement("BEGIN IMMEDIATE")?;
    for (operation, out) in batch.iter_mut().zip(out).filter(|(_, out)| !**out) {
        statement("SAVEPOINT operation")?;
        operation.run(connection);
        // After SQLITE_FULL, IOERR or NOMEM the whole transaction may be gone, and the batch's earlier work with it.
        if connection.is_autocommit() {
            if operation.error().is_none() {
                operation.fail(Error::Internal(
                    "an operation ended the transaction it ran in".into(),
                ));
            }
            *out = true;
            return Ok(Attempt::Ended);
        }
        if operation.error().is_some() {
            statement("ROLLBACK TO operation")?;
        }
        statement("RELEASE operation")?;
    }
    statement("COMMIT")?;
    Ok(Attempt::Committed)
}
