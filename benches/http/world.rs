//! Who takes turns: the real server on a copy of a store, and the yardsticks.

use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::bare::{Constant, Headers};
use crate::client::Client;
use crate::report::{Bound, Case, RATE};
use crate::seed::{CALLERS, Seed};
use crate::server::{Result, Server};
use crate::turns::{Beside, Contestant, Plan, take_turns};
use crate::wrk::{Load, request};

pub(crate) const SMALL: Seed = Seed {
    users: 10_000,
    crowded_names: 0,
    passwords: true,
    lists: true,
    hubs: false,
};

pub(crate) const LARGE: Seed = Seed {
    users: 10_000_000,
    passwords: false,
    ..SMALL
};

/// How long a server has for what it does once after its start.
const SETTLED: Duration = Duration::from_secs(30);

/// The real server, on a copy of a store.
pub(crate) struct World {
    pub(crate) data: PathBuf,
    pub(crate) server: Server,
}

/// The real program as it is measured: everything switched on, and limits that nobody reaches.
pub(crate) fn saryno(data: &PathBuf) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saryno"));
    command
        .args(["serve", "--port", "0", "--data"])
        .arg(data)
        .envs([
            ("SARYNO_LIMITS__REQUESTS_PER_SECOND", "1000000"),
            ("SARYNO_LIMITS__BURST", "1000000"),
            ("SARYNO_LIMITS__RENAMES_PER_HOUR", "1000000"),
            ("SARYNO_LIMITS__NEW_CHANNELS_PER_10_MINUTES", "1000000"),
            ("SARYNO_LIMITS__PASSWORD_CHECKS_PER_MINUTE", "1000000000"),
            ("SARYNO_METRICS__TOKEN", "for-the-benchmark-alone"),
            ("SARYNO_LOG__LEVEL", "warn"),
            ("SARYNO_LOG__FORMAT", "json"),
            // It would begin with one right at the start.
            ("SARYNO_BACKUP__EVERY", "off"),
        ]);
    command
}

impl World {
    pub(crate) fn new(plan: &Plan, name: &str, seed: &Seed) -> Result<Self> {
        Self::of(plan, name, seed, CALLERS, |mut command| {
            Server::start(&mut command)
        })
    }

    /// The same, where so many accounts have been here within the hour, started in this way.
    pub(crate) fn of(
        plan: &Plan,
        name: &str,
        seed: &Seed,
        present: usize,
        start: impl FnOnce(Command) -> Result<Server>,
    ) -> Result<Self> {
        let data = plan.file(name);
        if data.exists() {
            std::fs::remove_dir_all(&data)?;
        }
        seed.copy_to(&data)?;
        Seed::note_use(&data, seed.spread(present))?;
        let server = start(saryno(&data))?;
        settle(&server)?;
        Ok(Self { data, server })
    }
}

/// Waits until the look at the whole of the data that follows each start is over, which takes a part of a core for as long; not for
/// minutes, which it takes where there are millions of users.
fn settle(server: &Server) -> Result<()> {
    let mut client = Client::connect(&server.url)?;
    let end = Instant::now() + SETTLED;
    while Instant::now() < end {
        let ready = client.ask(&request("GET", "/ready", None, ""))?;
        let ready: Value = serde_json::from_slice(&ready.body)?;
        if !ready["check"].is_null() {
            break;
        }
        thread::sleep(Duration::from_millis(250));
    }
    Ok(())
}

/// The measured server and the yardsticks, which answer as it does.
pub(crate) struct Yardsticks {
    pub(crate) bytes: usize,
    pub(crate) bare: Server,
    pub(crate) dressed: Server,
    six: Option<Server>,
}

impl Yardsticks {
    pub(crate) fn of(plan: &Plan, server: &Server, request: &str) -> Result<Self> {
        let constant = Constant::of(&server.url, request)?;
        let serve = |headers| constant.serve(headers, &plan.directory);
        Ok(Self {
            bytes: constant.len(),
            bare: serve(Headers::None)?,
            dressed: serve(Headers::All)?,
            six: plan.six.then(|| serve(Headers::Six)).transpose()?,
        })
    }

    /// All that take turns under this load, the real server last.
    pub(crate) fn contest<'a>(&'a self, server: &'a Server, load: Load) -> Vec<Contestant<'a>> {
        let yardsticks = [
            ("bare", Some(&self.bare)),
            ("six headers", self.six.as_ref()),
            ("dressed", Some(&self.dressed)),
        ];
        let mut all = Vec::new();
        for (name, server) in yardsticks {
            all.extend(server.map(|server| Contestant {
                name,
                server,
                load: load.again(),
                beside: Beside::Nothing,
            }));
        }
        all.push(Contestant {
            name: "saryno",
            server,
            load,
            beside: Beside::Nothing,
        });
        all
    }
}

/// On this server against the yardsticks.
pub(crate) fn measure(
    plan: &Plan,
    title: &str,
    world: &World,
    sample: &str,
    load: Load,
) -> Result<Case> {
    let yardsticks = Yardsticks::of(plan, &world.server, sample)?;
    let standings = take_turns(plan, &yardsticks.contest(&world.server, load))?;
    Ok(Case::new(title, yardsticks.bytes, standings))
}

pub(crate) fn against(case: Case, bare: Bound, dressed: Bound) -> Case {
    case.hold("saryno", "bare", RATE, bare)
        .hold("saryno", "dressed", RATE, dressed)
        .hold("saryno", "six headers", RATE, Bound::None)
        .hold("six headers", "bare", RATE, Bound::None)
        .hold("dressed", "bare", RATE, Bound::None)
}
