//! Servers against each other in turns, because a machine that others use is now fast and now slow: what counts is how one did
//! against the other within a round, and the median of that over the rounds.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::process;
use crate::server::{Result, Server};
use crate::wrk::{Driven, Load};

/// How everything is measured.
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
    /// Whether a third yardstick bears the contract's six headers alone.
    pub(crate) six: bool,
    /// What is made for one run lies here.
    pub(crate) directory: PathBuf,
}

impl Plan {
    /// Enough requests that are sent once, for a server that answers so many a second.
    pub(crate) fn enough(&self, rate: u64) -> usize {
        let seconds = (u64::try_from(self.rounds).unwrap_or(0) + 1) * self.seconds + WARM.as_secs();
        usize::try_from(seconds * rate).unwrap_or(usize::MAX)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

/// How long each is warmed.
const WARM: Duration = Duration::from_secs(2);

/// What happens meanwhile.
#[derive(Clone, Copy)]
pub(crate) enum Beside<'a> {
    Nothing,
    /// Requests whose rate counts, while the others' times do.
    Mix(&'a Load),
    /// Requests that are in the way.
    Crowd(&'a Load),
    /// Work that is in the way, until it is over.
    Work(&'a (dyn Fn(&AtomicBool) -> std::result::Result<(), String> + Sync)),
}

/// One of those that take turns.
pub(crate) struct Contestant<'a> {
    pub(crate) name: &'static str,
    pub(crate) server: &'a Server,
    pub(crate) load: Load,
    pub(crate) beside: Beside<'a>,
}

/// How one did, in the medians of its rounds.
#[derive(Deserialize, Serialize)]
pub(crate) struct Standing {
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) rate: f64,
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// Resident memory after the last round.
    pub(crate) mib: u64,
    /// Of what was sent beside: answers a second.
    pub(crate) beside: Option<f64>,
    pub(crate) rounds: Vec<Driven>,
}

/// Lets all of them have their turns.
pub(crate) fn take_turns(plan: &Plan, contestants: &[Contestant<'_>]) -> Result<Vec<Standing>> {
    let mut rounds: Vec<Vec<(Driven, Option<Driven>)>> = vec![Vec::new(); contestants.len()];
    for contestant in contestants {
        contestant.drive(WARM)?;
    }
    for _ in 0..plan.rounds {
        for (contestant, turns) in contestants.iter().zip(&mut rounds) {
            turns.push(contestant.drive(Duration::from_secs(plan.seconds))?);
        }
    }
    let standing = |(contestant, turns): (&Contestant<'_>, Vec<(Driven, Option<Driven>)>)| {
        let (rounds, others): (Vec<_>, Vec<_>) = turns.into_iter().unzip();
        let others: Vec<_> = others.into_iter().flatten().collect();
        let connections = match contestant.beside {
            Beside::Mix(load) => load.connections(),
            _ => contestant.load.connections(),
        };
        Ok(Standing {
            name: contestant.name.to_owned(),
            connections,
            rate: median(rounds.iter().map(|driven| driven.rate)),
            p50: median(rounds.iter().map(|driven| driven.p50)),
            p99: median(rounds.iter().map(|driven| driven.p99)),
            mib: process::memory(contestant.server.process.id())? / 1024,
            beside: (!others.is_empty()).then(|| median(others.iter().map(|driven| driven.rate))),
            rounds,
        })
    };
    contestants.iter().zip(rounds).map(standing).collect()
}

/// The median of how one did against the other in each round.
pub(crate) fn ratio(of: &Standing, to: &Standing, measure: impl Fn(&Driven) -> f64) -> f64 {
    let pairs = of.rounds.iter().zip(&to.rounds);
    median(pairs.map(|(of, to)| measure(of) / measure(to)))
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[half],
        _ => f64::midpoint(values[half - 1], values[half]),
    }
}

impl Contestant<'_> {
    /// One turn; and how what was sent beside did.
    fn drive(&self, time: Duration) -> Result<(Driven, Option<Driven>)> {
        let measure = || self.load.drive(&self.server.url, time);
        match self.beside {
            Beside::Nothing => Ok((measure()?, None)),
            Beside::Mix(mix) => {
                // Before it begins and after it has ended, too; `wrk` takes a second or two to read what it is to send.
                let longer = time + Duration::from_secs(3);
                let (driven, mix) = self.both(mix, longer, Duration::from_secs(2), measure)?;
                let rate = mix.rate;
                Ok((Driven { rate, ..driven }, None))
            }
            Beside::Crowd(crowd) => {
                // Before it begins and after it has ended, too.
                let longer = time + Duration::from_secs(2);
                let (driven, crowd) = self.both(crowd, longer, Duration::from_secs(1), measure)?;
                // What was asked for last is still at work, and no part of the next turn.
                thread::sleep(Duration::from_secs(3));
                Ok((driven, Some(crowd)))
            }
            Beside::Work(work) => {
                let over = AtomicBool::new(false);
                thread::scope(|scope| {
                    let work = scope.spawn(|| work(&over));
                    thread::sleep(Duration::from_millis(500));
                    let driven = measure();
                    over.store(true, Ordering::Relaxed);
                    work.join().map_err(|_| "a panic")??;
                    Ok((driven?, None))
                })
            }
        }
    }

    /// Two loads at once, the measured one so much later.
    fn both(
        &self,
        beside: &Load,
        time: Duration,
        later: Duration,
        measure: impl FnOnce() -> Result<Driven>,
    ) -> Result<(Driven, Driven)> {
        let url = &self.server.url;
        thread::scope(|scope| {
            let beside =
                scope.spawn(move || beside.drive(url, time).map_err(|error| error.to_string()));
            thread::sleep(later);
            let driven = measure();
            let beside = beside.join().map_err(|_| "a panic")?;
            Ok((driven?, beside?))
        })
    }
}
