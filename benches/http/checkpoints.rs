//! A minute of durable writes with reads beside, second by second: a checkpoint that keeps anybody waiting shows as a second whose
//! slowest answers are slower than other seconds'. The bare program does the same, to tell what is the machine's.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::draws::{DRAWS, by_callers, get, new_dms};
use crate::server::Result;
use crate::turns::{Plan, median};
use crate::world::{SMALL, World, Yardsticks};

/// Connections of those who write, and of those who read.
const WRITERS: usize = 32;
const READERS: usize = 8;

/// Answers a second of one writer's connection that none comes near.
const MOST_WRITES: u64 = 1_000;

/// How long those of one kind waited.
#[derive(Deserialize, Serialize)]
pub(crate) struct Waited {
    pub(crate) what: String,
    pub(crate) answers: u64,
    /// Milliseconds of the 50th, 99th and 99.9th percentile, and of the slowest.
    pub(crate) all: [f64; 4],
    /// The 99th percentile and the slowest of each second, in milliseconds.
    seconds: Vec<[f64; 2]>,
}

/// Runs each for so many seconds, and prints what came of it.
pub(crate) fn checkpoints(plan: &Plan, seconds: u64) -> Result<Vec<Waited>> {
    let world = World::new(plan, "small", &SMALL)?;
    let sample = new_dms(&SMALL).next().ok_or("no pairs")?;
    let yardsticks = Yardsticks::of(plan, &world.server, &sample)?;
    let mut all = Vec::new();
    for (name, url) in [
        ("bare", &yardsticks.bare.url),
        ("saryno", &world.server.url),
    ] {
        all.extend(watch(name, url, seconds)?);
    }
    let wal = fs::metadata(world.data.join("saryno.db-wal"))?.len() >> 20;
    println!(
        "{:<16} {:>10} {:>8} {:>8} {:>8} {:>8}   p99 of a second: {:>8} {:>8}",
        "ms", "answers", "p50", "p99", "p99.9", "most", "median", "worst"
    );
    for waited in &all {
        let [p50, p99, p999, most] = waited.all;
        let (middle, worst) = (waited.middle(), waited.worst());
        println!(
            "{:<16} {:>10} {p50:>8.2} {p99:>8.2} {p999:>8.2} {most:>8.2}   {:16} {middle:>8.2} {worst:>8.2}",
            waited.what, waited.answers, ""
        );
    }
    println!("the WAL at the end: {wal} MiB");
    for waited in &all {
        println!("{}: each second's p99 and slowest, in ms", waited.what);
        for second in waited.seconds.chunks(10) {
            let second = second
                .iter()
                .map(|[p99, most]| format!("{p99:.1}/{most:.1}"));
            println!("    {}", second.collect::<Vec<_>>().join("  "));
        }
    }
    Ok(all)
}

impl Waited {
    /// The 99th percentile of the second in the middle.
    pub(crate) fn middle(&self) -> f64 {
        median(self.seconds.iter().map(|[p99, _]| *p99))
    }

    /// That of the worst second.
    pub(crate) fn worst(&self) -> f64 {
        self.seconds.iter().map(|[p99, _]| *p99).fold(0.0, f64::max)
    }

    fn of(what: String, times: &[(usize, u64)], seconds: u64) -> Result<Self> {
        let mut all = Histogram::<u64>::new(3)?;
        let mut each = vec![Histogram::<u64>::new(3)?; usize::try_from(seconds)?];
        for (second, microseconds) in times {
            all.record(*microseconds)?;
            if let Some(second) = each.get_mut(*second) {
                second.record(*microseconds)?;
            }
        }
        let at = |of: &Histogram<u64>, quantile| milliseconds(of.value_at_quantile(quantile));
        Ok(Self {
            what,
            answers: all.len(),
            all: [0.5, 0.99, 0.999, 1.0].map(|quantile| at(&all, quantile)),
            seconds: each
                .iter()
                .map(|second| [at(second, 0.99), at(second, 1.0)])
                .collect(),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a minute")]
fn milliseconds(microseconds: u64) -> f64 {
    microseconds as f64 / 1e3
}

/// How long those waited who read and who write.
fn watch(name: &str, url: &str, seconds: u64) -> Result<[Waited; 2]> {
    let share = usize::try_from(seconds * MOST_WRITES)?;
    let mut dms = new_dms(&SMALL).skip(1);
    // The one that was a sample is not new any more.
    let writers: Vec<Vec<_>> = (0..WRITERS)
        .map(|_| dms.by_ref().take(share).collect())
        .collect();
    let readers = (0..READERS).map(|_| {
        let requests = by_callers(&SMALL, DRAWS, get("/users/@me"));
        requests.collect()
    });
    let readers: Vec<Vec<_>> = readers.collect();
    let begun = Instant::now();
    let time = Duration::from_secs(seconds);
    let client = |requests: &[String]| {
        let mut client = Client::connect(url)?;
        let mut times = Vec::new();
        for request in requests.iter().cycle() {
            let sent = begun.elapsed();
            if sent >= time {
                break;
            }
            client.ask(request)?;
            let took = begun.elapsed().saturating_sub(sent).as_micros();
            times.push((usize::try_from(sent.as_secs())?, u64::try_from(took)?));
        }
        Ok::<_, Box<dyn std::error::Error>>(times)
    };
    let all = |clients: &[Vec<String>]| {
        thread::scope(|scope| {
            let clients: Vec<_> = clients
                .iter()
                .map(|requests| scope.spawn(|| client(requests).map_err(|error| error.to_string())))
                .collect();
            let mut times = Vec::new();
            for client in clients {
                times.extend(client.join().map_err(|_| "a panic")??);
            }
            Ok::<_, Box<dyn std::error::Error>>(times)
        })
    };
    thread::scope(|scope| {
        let reads = scope.spawn(|| all(&readers).map_err(|error| error.to_string()));
        let wrote = all(&writers)?;
        let reads = reads.join().map_err(|_| "a panic")??;
        Ok([
            Waited::of(format!("{name}, reads"), &reads, seconds)?,
            Waited::of(format!("{name}, writes"), &wrote, seconds)?,
        ])
    })
}
