//! Durable writes on the store itself, without HTTP: new DMs and renames of 10,000 accounts, by 64 who each wait for an answer:
//!
//! ```sh
//! cargo bench --bench writes
//! ```
//!
//! measures a batch bound of 1 and the usual one in turns, because the machine may have other things to do; what counts is the
//! ratio. `-- dms 60` or `-- renames 60` behind it watches one of the two for a minute, second by second, while others read: what a
//! checkpoint costs shows as the longest time that anybody waited, and as the size of the log.

// A benchmark that can't go on says where; what it counts is far from 2^52.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::cast_precision_loss)]

use std::env;
use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use saryno::channels::{Channels, DmPair};
use saryno::clock::Timestamp;
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::idempotency::Terms;
use saryno::limits::{Allowance, Bucket};
use saryno::store::Store;
use saryno::store::sqlite::{Options, Sqlite};
use saryno::users::{Change, Users};
use tempfile::TempDir;

const USERS: i64 = 10_000;

const CLIENTS: u64 = 64;

/// Those who read while somebody watches.
const READERS: u64 = 4;

/// Milliseconds after the ids' epoch; the users' ids lie a millisecond apart from there on.
const FIRST: i64 = 100_000_000_000;

/// How often each of the two is measured, and for how long.
const PAIRS: usize = 5;
const TURN: Duration = Duration::from_secs(4);

const OPTIONS: Options = Options {
    readers: 4,
    queue: 4096,
    batch: 256,
    cache: 0,
};

#[derive(Clone, Copy)]
enum Case {
    Dms,
    Renames,
}

impl Case {
    const ALL: [(&'static str, Self); 2] = [("dms", Self::Dms), ("renames", Self::Renames)];
}

fn main() {
    let mut arguments = env::args().skip(1).filter(|argument| argument != "--bench");
    let (case, seconds) = (arguments.next(), arguments.next());
    let batch = arguments.next().map(|batch| batch.parse().unwrap());
    let case = case.map(|name| {
        *Case::ALL
            .iter()
            .find(|case| case.0 == name)
            .expect("dms or renames")
    });
    match case {
        None => compare(),
        Some((_, case)) => {
            let seconds = seconds.map_or(60, |seconds| seconds.parse().unwrap());
            watch(case, seconds, batch.unwrap_or(OPTIONS.batch));
        }
    }
}

fn compare() {
    println!(
        "{:<10} {:>6} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "", "bound", "a second", "a commit", "writer us", "all us", "p50 ms", "p99 ms", "max ms"
    );
    for (name, case) in Case::ALL {
        let bounds = [OPTIONS.batch, 1];
        let places = bounds.map(|batch| Place::new(Options { batch, ..OPTIONS }));
        let mut turns = [Vec::new(), Vec::new()];
        for _ in 0..PAIRS {
            for (place, turns) in places.iter().zip(&mut turns) {
                turns.push(place.drive(case, TURN));
            }
        }
        for (bound, turns) in bounds.into_iter().zip(&mut turns) {
            turns.sort_by(|one, other| one.rate.total_cmp(&other.rate));
            println!("{name:<10} {bound:>6} {}", turns[PAIRS / 2]);
        }
        println!(
            "{name:<10} ratio  {:>10.2}",
            turns[0][PAIRS / 2].rate / turns[1][PAIRS / 2].rate
        );
    }
}

fn watch(case: Case, seconds: u64, batch: usize) {
    let place = Place::new(Options { batch, ..OPTIONS });
    let over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..READERS)
        .map(|seed| {
            place
                .runtime
                .spawn(read(Arc::clone(&place.store), Arc::clone(&over), seed))
        })
        .collect();
    println!(
        "{:>6} {:>10} {:>10} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}",
        "second",
        "a second",
        "a commit",
        "writer us",
        "all us",
        "p50 ms",
        "p99 ms",
        "max ms",
        "log MiB",
        "file MiB"
    );
    let mut all = Histogram::new(3).unwrap();
    for second in 1..=seconds {
        let turn = place.drive(case, Duration::from_secs(1));
        let (log, file) = (place.size("-wal"), place.size(""));
        println!("{second:>6} {turn} {log:>8.1} {file:>8.1}");
        all.add(&turn.times).unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let reads = readers
        .into_iter()
        .map(|reader| place.runtime.block_on(reader).unwrap());
    let [p50, p99, most] = percentiles(&all);
    println!(
        "{} writes a second, p50 {p50:.2} ms, p99 {p99:.2} ms, max {most:.2} ms; {} reads a second",
        all.len() / seconds,
        reads.sum::<u64>() / seconds
    );
}

async fn read(store: Arc<Sqlite>, over: Arc<AtomicBool>, seed: u64) -> u64 {
    let (mut random, mut reads) = (SmallRng::seed_from_u64(1_000 + seed), 0);
    while !over.load(Ordering::Relaxed) {
        store.user(user(&mut random)).await.unwrap();
        reads += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    reads
}

/// A store of its own.
struct Place {
    directory: TempDir,
    store: Arc<Sqlite>,
    ids: Arc<Generator>,
    runtime: tokio::runtime::Runtime,
}

/// What a while came to.
struct Turn {
    rate: f64,
    /// Writes a commit.
    mean: f64,
    /// The processor's microseconds a write: the writer's, and all of them.
    work: [f64; 2],
    /// In microseconds.
    times: Histogram<u64>,
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [writer, all] = self.work;
        write!(
            f,
            "{:>10.0} {:>10.1} {writer:>8.1} {all:>8.1}",
            self.rate, self.mean
        )?;
        for time in percentiles(&self.times) {
            write!(f, " {time:>8.2}")?;
        }
        Ok(())
    }
}

/// The median, the 99th percentile and the longest, in milliseconds.
fn percentiles(times: &Histogram<u64>) -> [f64; 3] {
    [0.5, 0.99, 1.0].map(|quantile| times.value_at_quantile(quantile) as f64 / 1e3)
}

impl Place {
    fn new(options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("saryno.db");
        drop(Sqlite::open(&path, options).unwrap());
        fill(&path);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let store = Sqlite::open(&path, options).unwrap();
        let highest = runtime.block_on(store.highest_id()).unwrap();
        Self {
            directory,
            store: Arc::new(store),
            ids: Arc::new(Generator::new(0, highest)),
            runtime,
        }
    }

    fn size(&self, end: &str) -> f64 {
        let path: PathBuf = self.directory.path().join(format!("saryno.db{end}"));
        fs::metadata(path).map_or(0.0, |file| file.len() as f64 / f64::from(1 << 20))
    }

    fn drive(&self, case: Case, time: Duration) -> Turn {
        let (before, worked_before) = (self.store.work(), worked());
        let end = Instant::now() + time;
        let begun = Instant::now();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                self.runtime.spawn(write(
                    Arc::clone(&self.store),
                    Arc::clone(&self.ids),
                    case,
                    end,
                ))
            })
            .collect();
        let mut times = Histogram::new(3).unwrap();
        for client in clients {
            times.add(self.runtime.block_on(client).unwrap()).unwrap();
        }
        let after = self.store.work();
        let commits: u64 = after.batches.iter().sum::<u64>() - before.batches.iter().sum::<u64>();
        let worked_now = worked();
        Turn {
            work: [0, 1]
                .map(|which| (worked_now[which] - worked_before[which]) / times.len() as f64),
            rate: times.len() as f64 / begun.elapsed().as_secs_f64(),
            mean: (after.writes - before.writes) as f64 / commits as f64,
            times,
        }
    }
}

/// How long the writers have been on a processor, and all threads of this process, in microseconds.
fn worked() -> [f64; 2] {
    let mut worked = [0.0; 2];
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let thread = thread.unwrap().path();
        let name = fs::read_to_string(thread.join("comm")).unwrap();
        let times = fs::read_to_string(thread.join("schedstat")).unwrap();
        let time: u64 = times.split(' ').next().unwrap().parse().unwrap();
        worked[1] += time as f64 / 1e3;
        if name.trim() == "writer" {
            worked[0] += time as f64 / 1e3;
        }
    }
    worked
}

async fn write(
    store: Arc<Sqlite>,
    ids: Arc<Generator>,
    case: Case,
    end: Instant,
) -> Histogram<u64> {
    let mut random = SmallRng::from_rng(&mut rand::rng());
    let mut times = Histogram::new(3).unwrap();
    while Instant::now() < end {
        let begun = Instant::now();
        match case {
            Case::Dms => open_dm(&store, &ids, &mut random).await,
            Case::Renames => rename(&store, &mut random).await,
        }
        let time = u64::try_from(begun.elapsed().as_micros()).unwrap();
        times.record(time).unwrap();
    }
    times
}

async fn open_dm(store: &Sqlite, ids: &Generator, random: &mut SmallRng) {
    let requester = user(random);
    let Ok(pair) = DmPair::new(requester, user(random)) else {
        return;
    };
    let terms = Terms {
        once: None,
        allowance: Some(allowance(Bucket::NewChannels, 600)),
    };
    store
        .open_dm(requester, pair, ids.next().unwrap(), terms)
        .await
        .unwrap();
}

async fn rename(store: &Sqlite, random: &mut SmallRng) {
    let change = Change {
        username: Some(
            format!("Name {}", random.random_range(0..100_000_000))
                .parse()
                .unwrap(),
        ),
        discriminator: None,
        avatar: None,
    };
    let allowance = allowance(Bucket::Renames, 3_600);
    store
        .modify_user(
            user(random),
            change,
            Precondition::Any,
            random.random(),
            Some(allowance),
        )
        .await
        .unwrap();
}

/// Set high, not off.
fn allowance(bucket: Bucket, seconds: u64) -> Allowance {
    Allowance {
        bucket,
        most: NonZeroU32::new(1_000_000_000).unwrap(),
        within: Duration::from_secs(seconds),
        now: Timestamp::now(),
    }
}

fn user(random: &mut SmallRng) -> Id {
    Id::from_bits((FIRST + random.random_range(1..=USERS)) << 22).unwrap()
}

fn fill(path: &Path) {
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "BEGIN;
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {USERS})
        INSERT INTO users (id, username, username_key, discriminator)
        SELECT ({FIRST} + n) << 22, 'Name ' || n, 'name ' || n, 1 + n % 9999 FROM n;
        COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE);"
    );
    connection.execute_batch(&sql).unwrap();
}
