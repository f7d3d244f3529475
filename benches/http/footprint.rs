//! What the program takes of the machine: memory, and time to start.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::Client;
use crate::draws::{mix, users};
use crate::process;
use crate::report::{Bound, Case, Verdict};
use crate::server::{Result, Server};
use crate::turns::{Plan, median};
use crate::world::{LARGE, World, saryno};
use crate::wrk::{Load, request};

/// How long the load lasts.
const LOADED: Duration = Duration::from_secs(20);

/// How often each is started.
const STARTS: usize = 11;

pub(crate) fn footprint(plan: &Plan) -> Result<Case> {
    let mut verdicts = Vec::new();
    let mut tell = |what: &str, value, bound| verdicts.push(Verdict::new(what, value, bound));

    let binary = mebibytes(fs::metadata(env!("CARGO_BIN_EXE_saryno"))?.len());
    tell("the stripped binary, MiB", binary, Bound::AtMost(15.0));

    let empty = plan.file("empty");
    start(&empty)?;
    let server = Server::start(&mut saryno(&empty))?;
    // Whatever a start has to do is done, and the allocator has given back what that took, which it does after ten seconds.
    thread::sleep(Duration::from_secs(15));
    let idle = mebibytes(process::memory(server.process.id())? << 10);
    drop(server);
    tell("resident idle, MiB", idle, Bound::AtMost(30.0));

    let large = World::new(plan, "large", &LARGE)?;
    let draws = 20_000 * usize::try_from(LOADED.as_secs())?;
    let anybody = || rand::random_range(0..LARGE.users);
    let reads = users(plan, &LARGE, "evenly", draws, anybody)?;
    let lists = Load::new(&plan.file("lists"), 32, lists())?;
    let mixed = Load::new(&plan.file("mix"), 32, mix(&LARGE).take(draws))?;
    let url = &large.server.url;
    for load in [&reads, &lists, &mixed] {
        load.drive(url, LOADED / 2)?;
    }
    thread::scope(|scope| {
        let loads = [reads, lists, mixed].map(|load| {
            scope.spawn(move || load.drive(url, LOADED).map_err(|error| error.to_string()))
        });
        loads
            .into_iter()
            .try_for_each(|load| load.join().map_err(|_| "a panic")?.map(drop))
    })?;
    let process = large.server.process.id();
    let (peak, now) = (process::peak(process)?, process::memory(process)?);
    let data = large.data.clone();
    drop(large);
    let users = "with 10 million users";
    tell(
        &format!("resident at most under load {users}, MiB"),
        mebibytes(peak << 10),
        Bound::AtMost(200.0),
    );
    tell(
        &format!("resident after it {users}, MiB"),
        mebibytes(now << 10),
        Bound::None,
    );

    // What is left of the load is folded in.
    start(&data)?;
    let mut starts = [Vec::new(), Vec::new()];
    for _ in 0..STARTS {
        starts[0].push(start(&empty)?.as_secs_f64() * 1e3);
        starts[1].push(start(&data)?.as_secs_f64() * 1e3);
    }
    let [few, many] = starts;
    let ratio = median(few.iter().zip(&many).map(|(few, many)| many / few));
    tell(
        "to the first answer without users, ms",
        median(few.into_iter()),
        Bound::None,
    );
    tell(
        &format!("to the first answer {users}, ms"),
        median(many.into_iter()),
        Bound::None,
    );
    tell(
        "to the first answer, 10 million users : none",
        ratio,
        Bound::AtMost(1.5),
    );

    let mut case = Case::new("Memory and start", 0, Vec::new());
    case.verdicts = verdicts;
    Ok(case)
}

fn lists() -> impl Iterator<Item = String> {
    let callers = LARGE.callers().map(crate::seed::token);
    callers.flat_map(|token| {
        let paths = ["/users/@me/channels", "/users/@me/communities"];
        paths.map(|path| request("GET", path, Some(&token), ""))
    })
}

/// How long a start takes to the first answer. It ends as it should, so that the next finds no WAL.
fn start(data: &PathBuf) -> Result<Duration> {
    let begun = Instant::now();
    let mut server = Server::start(&mut saryno(data))?;
    Client::connect(&server.url)?.ask(&request("GET", "/health", None, ""))?;
    let took = begun.elapsed();
    let process = i32::try_from(server.process.id())?;
    let process = Pid::from_raw(process).ok_or("no process")?;
    kill_process(process, Signal::TERM)?;
    server.process.wait()?;
    Ok(took)
}

#[expect(clippy::cast_precision_loss, reason = "MiB")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
