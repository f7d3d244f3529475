//! How fast the real server is over HTTP, against Rocket with routes that answer a constant of the same size:
//!
//! ```sh
//! cargo bench --bench http                          # every case
//! cargo bench --bench http -- dm                    # the one of this name, or those with it in their names
//! cargo bench --bench http -- --rounds 3 --seconds 2
//! cargo bench --bench http -- --growth              # the reads with 10 thousand to 10 million users
//! cargo bench --bench http -- --checkpoints         # a minute of writes, second by second
//! cargo bench --bench http -- --results             # what of it was measured last, into benches/RESULTS.md
//! cargo bench --bench http -- --seed 1000000 DIR    # a store of a million users in a new directory, and no more
//! ```
//!
//! `bare` is such a program without a fairing, `dressed` one whose answers bear the same headers as constants, and `six headers`
//! (with `--six`) one with the request's id and the five of the limits alone. All are driven with `wrk` (Debian's package of that
//! name), in turns, with the same bytes. It fails where a bound is not met.

mod bare;
mod cases;
mod checkpoints;
mod client;
mod draws;
mod footprint;
mod growth;
mod pictures;
#[path = "../process.rs"]
#[expect(dead_code, reason = "others use the rest")]
mod process;
mod reads;
mod report;
mod results;
mod seed;
#[path = "../server.rs"]
mod server;
mod turns;
mod world;
mod writes;
#[path = "../wrk.rs"]
mod wrk;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use seed::Seed;
use server::Result;
use turns::Plan;

#[derive(Parser)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
struct Arguments {
    /// The case of this name, or those with it in their names.
    filter: Option<String>,
    /// How often each has its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a turn is.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// A third yardstick, with six of the headers.
    #[arg(long)]
    six: bool,
    /// The same reads with 10 thousand to 10 million users.
    #[arg(long)]
    growth: bool,
    /// Writes for so many seconds, one by one.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "60")]
    checkpoints: Option<u64>,
    /// Writes what was measured last into `benches/RESULTS.md`, with its plot.
    #[arg(long)]
    results: bool,
    /// Makes a store of so many users in a new directory, and no more.
    #[arg(long, num_args = 2, value_names = ["USERS", "DIR"])]
    seed: Option<Vec<String>>,
    /// Answers what is in this file until it is killed.
    #[arg(long, hide = true)]
    bare: Option<PathBuf>,
    /// What Cargo says to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.bare {
        bare::serve(file)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some([users, data]) = arguments.seed.as_deref() {
        let seed = Seed {
            users: users.parse()?,
            ..world::LARGE
        };
        seed.make(&PathBuf::from(data))?;
        return Ok(ExitCode::SUCCESS);
    }
    // On the disk that the data will be on, and not on one that is memory.
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let plan = Plan {
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        six: arguments.six,
        directory: directory.path().to_owned(),
    };
    if arguments.results {
        results::write()?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.growth {
        report::write("growth", &growth::growth(&plan)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(seconds) = arguments.checkpoints {
        report::write("checkpoints", &checkpoints::checkpoints(&plan, seconds)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    measure(&plan, arguments.filter.as_deref().unwrap_or_default())
}

fn measure(plan: &Plan, filter: &str) -> Result<ExitCode> {
    let mut done = Vec::new();
    let exactly = cases::CASES.iter().any(|(name, _)| *name == filter);
    let asked = |name: &str| name == filter || !exactly && name.contains(filter);
    for (_, case) in cases::CASES.iter().filter(|(name, _)| asked(name)) {
        let case = case(plan)?;
        case.print();
        done.push(case);
        // After each: whoever ends it before the last has what was measured until then.
        report::write("http-part", &done)?;
    }
    if done.len() == cases::CASES.len() {
        report::rename("http", "http-before")?;
        report::rename("http-part", "http")?;
    }
    let met = done
        .iter()
        .all(|case| case.verdicts.iter().all(|verdict| verdict.met));
    Ok(if met {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
