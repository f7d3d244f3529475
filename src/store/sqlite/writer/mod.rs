//! The one writing connection: a bounded queue in front of it, many operations a commit behind it.
//!
//! What waits is taken, up to a bound, into one transaction; it is committed once, and only then are all of them answered. So one
//! fsync serves a batch, and still no answer precedes its durability. An operation that fails or panics is rolled back alone: where
//! one has, and had written before, the batch is run again with each operation under its own savepoint. (Savepoints all the time
//! would take a fifth of the writer's time, because SQLite keeps a copy of each page that an operation changes.)

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::changes::{Changes, LOOK};
use super::checkpoints::Checkpoints;
use crate::error::{Error, Result};
use crate::store::Work;

/// How many commits' sizes are kept.
const BATCHES_KEPT: usize = 100;

/// The queue's end that operations are put into, and the thread at its other end.
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Operation>>>,
    thread: Option<JoinHandle<()>>,
    load: Arc<Load>,
}

/// What the writer has done, and has to do.
#[derive(Default)]
struct Load {
    waiting: AtomicUsize,
    writes: AtomicU64,
    /// See [`Work::batches`].
    batches: [AtomicU64; 10],
    /// How many operations shared each of the last commits.
    last: Mutex<VecDeque<usize>>,
    trouble: Trouble,
}

impl Load {
    fn committed(&self, operations: usize) {
        let operations_wide = u64::try_from(operations).unwrap_or(u64::MAX);
        self.writes.fetch_add(operations_wide, Ordering::Relaxed);
        let power = operations.max(1).next_power_of_two().trailing_zeros();
        let batch = usize::try_from(power)
            .unwrap_or(usize::MAX)
            .min(self.batches.len() - 1);
        if let Some(batch) = self.batches.get(batch) {
            batch.fetch_add(1, Ordering::Relaxed);
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == BATCHES_KEPT {
            last.pop_front();
        }
        last.push_back(operations);
    }
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
    pub(super) fn start(
        connection: Connection,
        changes: Changes,
        checkpoints: Checkpoints,
        queue: usize,
        batch: usize,
    ) -> Result<Self> {
        let (sender, receiver) = sync_channel(queue);
        let load = Arc::new(Load::default());
        let done = Arc::clone(&load);
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || serve(&connection, changes, checkpoints, &receiver, batch, &done))
            .map_err(|error| Error::Internal(format!("the writer's thread: {error}")))?;
        Ok(Self {
            queue: Some(sender),
            thread: Some(thread),
            load,
        })
    }

    /// How many operations shared each of the last commits, the oldest first.
    pub(super) fn batches(&self) -> Vec<usize> {
        let last = self.load.last.lock();
        let last = last.unwrap_or_else(PoisonError::into_inner);
        last.iter().copied().collect()
    }

    /// How busy it is.
    pub(super) fn work(&self) -> Work {
        Work {
            waiting: self.load.waiting.load(Ordering::Relaxed),
            writes: self.load.writes.load(Ordering::Relaxed),
            batches: self
                .load
                .batches
                .each_ref()
                .map(|batch| batch.load(Ordering::Relaxed)),
        }
    }

    /// Whether the last write could not be made, for a reason that may stand against the next one.
    pub(super) fn is_hindered(&self) -> bool {
        self.load.trouble.0.load(Ordering::Relaxed)
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

    /// Queues an operation that nobody waits for and that may be dropped; tells whether it was queued.
    pub(super) fn run_unanswered<F>(&self, work: F) -> bool
    where
        F: Fn(&Connection) -> Result<()> + Send + 'static,
    {
        let (answer, _) = oneshot::channel();
        self.queue(work, answer).is_ok()
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
        self.load.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(operation).map_err(|error| {
            self.load.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => Error::Busy,
                TrySendError::Disconnected(_) => Error::ShuttingDown,
            }
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

fn serve(
    connection: &Connection,
    mut changes: Changes,
    checkpoints: Checkpoints,
    queue: &Receiver<Box<dyn Operation>>,
    most: usize,
    load: &Load,
) {
    let mut guarded = false;
    loop {
        changes.look_abroad(connection);
        let first = match queue.recv_timeout(LOOK) {
            Ok(first) => first,
            Err(RecvTimeoutError::Timeout) => continue,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        let mut batch = vec![first];
        batch.extend(queue.try_iter().take(most.saturating_sub(1)));
        load.waiting.fetch_sub(batch.len(), Ordering::Relaxed);
        let before = connection.total_changes();
        commit(connection, &changes, &mut batch, &mut guarded);
        let wrote = connection.total_changes() > before;
        load.trouble.tell(&batch, wrote);
        load.committed(batch.len());
        for operation in batch {
            operation.answer();
        }
        checkpoints.look(connection);
    }
    drop(checkpoints);
    // SQLite folds the WAL in when the last connection closes, but not through one that has never looked at the WAL.
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the WAL stays beside the database; the next start reads it");
    }
}

/// Whether writes fail for what nobody asked for, but for what the file lies on: for the log, a line when it begins and a line when
/// it is over, and for whoever asks whether the store is ready.
#[derive(Default)]
struct Trouble(AtomicBool);

impl Trouble {
    /// Looks at a batch that was run. That a rule refused an operation is none; only what was written shows that it is over.
    fn tell(&self, batch: &[Box<dyn Operation>], wrote: bool) {
        let is_trouble =
            |error: &&Error| matches!(error, Error::Busy | Error::StorageFull | Error::Internal(_));
        let trouble = batch
            .iter()
            .find_map(|operation| operation.error().filter(is_trouble));
        match (trouble, self.0.load(Ordering::Relaxed)) {
            (Some(error), false) => {
                tracing::error!(detail = %error, "writes fail");
                self.0.store(true, Ordering::Relaxed);
            }
            (None, true) if wrote => {
                tracing::info!("writes succeed again");
                self.0.store(false, Ordering::Relaxed);
            }
            _ => {}
        }
    }
}

/// Runs a batch in one transaction. Each operation ends with its own outcome; one whose work is not in the file ends with an
/// error. `guarded` says whether operations run under savepoints, and becomes whether those of the next batch had better: where
/// somebody keeps failing, no batch runs twice for it.
fn commit(
    connection: &Connection,
    changes: &Changes,
    batch: &mut [Box<dyn Operation>],
    guarded: &mut bool,
) {
    // Operations that made SQLite end the transaction: their error is final, all the others start again without them.
    let mut out = vec![false; batch.len()];
    loop {
        match attempt(connection, changes, batch, &mut out, *guarded) {
            Ok(Attempt::Committed { mended }) => {
                *guarded = mended;
                return;
            }
            Ok(Attempt::Ended) => {}
            Ok(Attempt::Spoilt) => *guarded = true,
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
    /// What succeeded is in the file. `mended` where something that failed had been written before and was taken back.
    Committed { mended: bool },
    /// SQLite ended the transaction in the middle of an operation, which is out now.
    Ended,
    /// An operation that had no savepoint has written and failed: nothing is in the file.
    Spoilt,
}

fn attempt(
    connection: &Connection,
    changes: &Changes,
    batch: &mut [Box<dyn Operation>],
    out: &mut [bool],
    guarded: bool,
) -> rusqlite::Result<Attempt> {
    let statement = |sql| connection.prepare_cached(sql)?.execute([]);
    let mut mended = false;
    changes.forget();
    statement("BEGIN IMMEDIATE")?;
    for (operation, out) in batch.iter_mut().zip(out).filter(|(_, out)| !**out) {
        if guarded {
            statement("SAVEPOINT operation")?;
        }
        let before = connection.total_changes();
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
        if operation.error().is_some() && connection.total_changes() != before {
            if !guarded {
                statement("ROLLBACK")?;
                return Ok(Attempt::Spoilt);
            }
            statement("ROLLBACK TO operation")?;
            mended = true;
        }
        if guarded {
            statement("RELEASE operation")?;
        }
    }
    changes.during(|| statement("COMMIT"))?;
    Ok(Attempt::Committed { mended })
}

#[cfg(test)]
mod tests;
