//! Backups on a schedule: when one is due, how many are kept, and what is told of them.
//!
//! What there is, is what the directory says, so that it survives a restart.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Serialize;

use super::health::Health;
use super::name::made_at;
use super::partial::with_place;
use super::shelf::{Kept, Shelf, soon};
use super::{Made, Pace, Severity, Source, Verification, make};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// When a backup that failed is tried again, if the next is not due before.
const RETRY: Duration = Duration::from_hours(1);

/// How often the whole of what is served is looked at.
const CHECK_EVERY: Duration = Duration::from_hours(24);

/// How long the schedule sleeps at most: a wall clock that jumped is noticed by then.
const NAP: Duration = Duration::from_secs(30);

/// When backups are made, where, and how many are kept.
#[derive(Debug, Clone)]
pub struct Plan {
    /// How long after one the next is due; `None`: none is made by itself.
    pub every: Option<Duration>,
    /// So many of those that it made are kept, 1 at least.
    pub keep: usize,
    /// Where they go; made with mode 0700 if it is missing.
    pub directory: PathBuf,
}

/// A backup that could not be made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Why, in a sentence.
    pub message: String,
}

impl Failure {
    /// One of this moment.
    fn of(error: &Error) -> Self {
        Self {
            at: Timestamp::now(),
            message: error.to_string(),
        }
    }
}

/// What there is to say of backups.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What is in the directory, the newest first.
    pub backups: Vec<Kept>,
    /// Whether one is being made at this moment.
    pub making: bool,
    /// Why the last try failed, unless one succeeded since.
    pub last_failure: Option<Failure>,
    /// When the next is made by itself, if any is.
    pub next_due: Option<Timestamp>,
}

/// Makes backups, keeps the newest, looks at the whole of what is served once a day, and tells of it.
pub struct Keeper {
    source: Box<dyn Source>,
    plan: Plan,
    shelf: Shelf,
    since: Timestamp,
    /// Whether somebody makes one.
    making: AtomicBool,
    known: Mutex<Known>,
    /// Wakes the schedule up to end it.
    wake: Condvar,
    end: Arc<AtomicBool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is told without a look at the disk.
#[derive(Default)]
struct Known {
    /// The newest verified backup that is not of the future.
    last: Option<Kept>,
    last_failure: Option<Failure>,
    /// When the whole was last looked at, and what came of it.
    checked: Option<(Timestamp, Result<Verification>)>,
}

impl Keeper {
    /// One that has not begun, and knows of the backups that there are.
    #[must_use]
    pub fn new(source: Box<dyn Source>, plan: Plan) -> Self {
        let keeper = Self {
            source,
            shelf: Shelf(plan.directory.clone()),
            plan,
            since: Timestamp::now(),
            making: AtomicBool::new(false),
            known: Mutex::default(),
            wake: Condvar::new(),
            end: Arc::default(),
            thread: Mutex::default(),
        };
        keeper.remember();
        keeper
    }

    /// Has a thread of its own do what is due, from now on until [`Keeper::end`].
    pub fn start(self: &Arc<Self>) {
        let keeper = self.clone();
        let thread = std::thread::Builder::new()
            .name("backups".into())
            .spawn(move || keeper.run());
        match thread {
            Ok(thread) => *self.thread() = Some(thread),
            Err(error) => {
                tracing::error!(%error, "no backups are made: there is no thread for them");
            }
        }
    }

    /// Does what is due, and waits for what is due next.
    fn run(&self) {
        let mut told = None;
        while !self.end.load(Ordering::Relaxed) {
            let now = Timestamp::now();
            let checked = self.known().checked.as_ref().map(|(at, _)| *at);
            if is_due(checked, CHECK_EVERY, now) {
                self.check(now);
            }
            self.remember();
            if self.next_due().is_some_and(|due| due <= now) {
                // It is in the log and in the report.
                let _ = self.make();
            }
            let due = self.next_due();
            if told.replace(due) != Some(due) {
                if let Some(due) = due {
                    tracing::info!(at = %due, "the next backup is due");
                } else {
                    tracing::info!("no backup is made by itself: backup.every is off");
                }
            }
            let known = self.known();
            if !self.end.load(Ordering::Relaxed) {
                let nap = self.plan.every.map_or(NAP, |every| every.min(NAP));
                let _ = self.wake.wait_timeout(known, nap);
            }
        }
    }

    /// Ends what is being made or looked at, and the schedule; without waiting for that.
    pub fn end(&self) {
        // Whoever is about to wait has not looked yet, or is woken.
        let _known = self.known();
        self.end.store(true, Ordering::Relaxed);
        self.wake.notify_all();
    }

    /// The same, and waits until nothing has the store's file open any more.
    pub fn stop(&self) {
        self.end();
        let thread = self.thread().take();
        // What it panicked of is in the log.
        let _ = thread.map(JoinHandle::join);
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes one now, and drops those that are more than the plan keeps. Blocks until then.
    ///
    /// # Errors
    /// `Busy` while another is made; `ShuttingDown`; `StorageFull`; `Internal` with a sentence.
    pub fn make(&self) -> Result<Kept> {
        let _turn = Turn::take(&self.making).ok_or(Error::Busy)?;
        let file = self.shelf.place(Timestamp::now());
        let pace = Pace::gentle(self.end.clone());
        let outcome = file.and_then(|file| make(self.source.as_ref(), &file, &pace));
        match &outcome {
            Ok(Made {
                file, bytes, took, ..
            }) => {
                tracing::info!(file = %file.display(), bytes, seconds = took.as_secs_f64(), "a backup was made and verified");
                self.known().last_failure = None;
                self.shelf.keep(self.plan.keep, file);
            }
            Err(Error::ShuttingDown) => {}
            Err(error) => {
                let told = with_place("backup", &self.plan.directory, error.clone());
                tracing::error!(detail = %told, "no backup was made");
                self.known().last_failure = Some(Failure::of(&told));
            }
        }
        self.remember();
        let made = outcome?;
        let name = made.file.file_name().unwrap_or_default();
        Ok(Kept {
            name: name.to_string_lossy().into_owned(),
            size: made.bytes,
            made_at: made_at(&name.to_string_lossy()).unwrap_or_else(Timestamp::now),
            verified: true,
            sha256: Some(made.sha256),
        })
    }

    /// Everything there is to say. Where the directory can't be read, that is the failure.
    pub fn report(&self) -> Report {
        // Within the report below, its lock would be held while the next line takes it again.
        let last_failure = self.known().last_failure.clone();
        let (backups, unread) = match self.shelf.list() {
            Ok(backups) => (backups, None),
            Err(error) => (Vec::new(), Some(Failure::of(&error))),
        };
        Report {
            backups,
            making: self.making.load(Ordering::Relaxed),
            last_failure: last_failure.or(unread),
            next_due: self.next_due(),
        }
    }

    /// The newest verified backup, without a look at the disk: for metrics.
    #[must_use]
    pub fn last(&self) -> Option<Kept> {
        self.known().last.clone()
    }

    /// The file of the backup with this name.
    ///
    /// # Errors
    /// `NotFound` where it is no backup's name, or there is none of it.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        self.shelf.path(name)
    }

    /// How sure one can be of the data, without a look at the disk.
    #[must_use]
    pub fn health(&self) -> Health {
        let mut health = Health::default();
        let known = self.known();
        health.backup = known.last.as_ref().map(|last| last.made_at);
        if let Some((at, checked)) = &known.checked {
            health.look(*at, checked);
        }
        if let Some(Failure { at, .. }) = &known.last_failure {
            let warning = format!("The backup at {at} failed; the log and the admin page say why.");
            health.warnings.push(warning);
        }
        if let Some(every) = self.plan.every {
            let last = health.backup;
            if last.unwrap_or(self.since()).after(every.saturating_mul(2)) < Timestamp::now() {
                let what = last.map_or_else(
                    || "There is no verified backup".to_owned(),
                    |last| format!("The last verified backup is of {last}"),
                );
                let every = humantime::format_duration(every);
                health
                    .warnings
                    .push(format!("{what}; one is due every {every}."));
            }
        }
        health
    }

    /// Looks which backup is the last. One of the future is of a clock that was wrong: it puts off none.
    fn remember(&self) {
        let now = Timestamp::now();
        match self.shelf.list() {
            Ok(all) => {
                let mut good = all.into_iter().filter(|kept| kept.verified);
                self.known().last = good.find(|kept| kept.made_at <= soon(now));
            }
            Err(error) => tracing::warn!(detail = %error, "the backups can't be listed"),
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let every = self.plan.every?;
        let (since, now) = (self.since(), Timestamp::now());
        let known = self.known();
        let last = known.last.as_ref().map(|last| last.made_at.after(every));
        let failed = known.last_failure.as_ref().map(|failure| failure.at);
        // Under a clock that was wrong: it puts off nothing, either.
        let failed = failed.filter(|failed| *failed <= now);
        let retry = failed.map(|failed| failed.after(RETRY.min(every)));
        Some(last.unwrap_or(since).max(retry.unwrap_or(since)))
    }

    /// Since when there could have been one; a clock that was ahead then is no reason to wait for it.
    fn since(&self) -> Timestamp {
        self.since.min(Timestamp::now())
    }

    fn check(&self, now: Timestamp) {
        let checked = self.source.verify(&Pace::gentle(self.end.clone()));
        match &checked {
            Err(Error::ShuttingDown) => return,
            Err(error) => tracing::error!(detail = %error, "the data can't be looked at"),
            Ok(verification) if verification.findings.is_empty() => {
                tracing::info!(checks = verification.checks.len(), "the data are whole");
            }
            Ok(verification) => {
                for finding in &verification.findings {
                    if finding.severity == Severity::Warning {
                        tracing::warn!("a look at the data found a {finding}");
                    } else {
                        tracing::error!("the data are not as they should be: {finding}");
                    }
                }
            }
        }
        self.known().checked = Some((now, checked));
    }

    /// What a thread that panicked left behind is whole: each change is one assignment.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of the one who makes a backup.
struct Turn<'a>(&'a AtomicBool);

impl<'a> Turn<'a> {
    fn take(making: &'a AtomicBool) -> Option<Self> {
        (!making.swap(true, Ordering::Acquire)).then_some(Self(making))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Whether it is time again for what was last done then. One that was done in the future was done under a clock that was wrong.
fn is_due(last: Option<Timestamp>, every: Duration, now: Timestamp) -> bool {
    last.is_none_or(|last| last.after(every) <= now || last > now)
}
