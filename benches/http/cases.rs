//! What is measured.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::bare::{Constant, Headers};
use crate::footprint;
use crate::pictures;
use crate::report::{Bound, Case, P99, RATE};
use crate::seed::{self, CALLERS, Seed};
use crate::server::{Result, Server};
use crate::turns::{Beside, Contestant, Plan, Standing, take_turns};
use crate::wrk::{Load, request};

/// A case's name, as it is asked for, and what measures it.
pub(crate) type Named = (&'static str, fn(&Plan) -> Result<Case>);

pub(crate) const CASES: [Named; 18] = [
    ("me", me),
    ("user", user),
    ("user-ten-million", user_of_ten_million),
    ("channels", channels),
    ("many-channels", many_channels),
    ("communities", communities),
    ("dm", standing_dm),
    ("new-dm", new_dm),
    ("rename", rename),
    ("crowded-name", crowded_name),
    ("mixed", mixed),
    ("log-in", log_in),
    ("backup", backup),
    ("footprint", footprint::footprint),
    ("me-logged", me_logged),
    ("avatar-scaled", pictures::scaled),
    ("avatar-whole", pictures::whole),
    ("avatar-drawn", pictures::drawn),
];

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
        Ok(Self {
            server: start(saryno(&data))?,
            data,
        })
    }
}

/// The measured server and the yardsticks, which answer as it does.
pub(crate) struct Yardsticks {
    pub(crate) bytes: usize,
    pub(crate) bare: Server,
    dressed: Server,
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
    fn contest<'a>(&'a self, server: &'a Server, load: Load) -> Vec<Contestant<'a>> {
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

/// How many draws from few accounts are enough to spread them evenly.
pub(crate) const DRAWS: usize = 50_000;

/// Requests, each by any of the callers.
pub(crate) fn by_callers(
    seed: &Seed,
    draws: usize,
    request: impl Fn(&str) -> String,
) -> impl Iterator<Item = String> {
    let tokens: Vec<_> = seed.callers().map(seed::token).collect();
    (0..draws).map(move |_| request(&tokens[rand::random_range(0..tokens.len())]))
}

pub(crate) fn get(path: &str) -> impl Fn(&str) -> String {
    move |token| request("GET", path, Some(token), "")
}

fn open_dm(one: usize, other: usize) -> String {
    let body = json!({"recipient_id": seed::id(other).to_string(), "type": 2}).to_string();
    request(
        "POST",
        "/users/@me/channels",
        Some(&seed::token(one)),
        &body,
    )
}

fn rename_to(account: usize, name: &str) -> String {
    let body = json!({"username": name}).to_string();
    request("PATCH", "/users/@me", Some(&seed::token(account)), &body)
}

/// A path that every caller reads, on a small store.
fn read(plan: &Plan, title: &str, path: &str) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let load = Load::new(
        &plan.file("requests"),
        32,
        by_callers(&SMALL, DRAWS, get(path)),
    )?;
    measure(plan, title, &world, &get(path)(&seed::token(0)), load)
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

fn against(case: Case, bare: Bound, dressed: Bound) -> Case {
    case.hold("saryno", "bare", RATE, bare)
        .hold("saryno", "dressed", RATE, dressed)
        .hold("saryno", "six headers", RATE, Bound::None)
        .hold("six headers", "bare", RATE, Bound::None)
        .hold("dressed", "bare", RATE, Bound::None)
}

fn me(plan: &Plan) -> Result<Case> {
    let case = read(plan, "GET /users/@me, 10,000 accounts", "/users/@me")?;
    Ok(against(case, Bound::AtLeast(0.80), Bound::AtLeast(0.93)))
}

/// With a line a request in a file: what it is without saying otherwise.
fn me_logged(plan: &Plan) -> Result<Case> {
    let log = File::create(plan.file("log"))?;
    let world = World::of(plan, "small", &SMALL, CALLERS, |mut command| {
        Server::start_logging(command.env("SARYNO_LOG__LEVEL", "info"), log)
    })?;
    let path = "/users/@me";
    let load = Load::new(
        &plan.file("requests"),
        32,
        by_callers(&SMALL, DRAWS, get(path)),
    )?;
    let title = "GET /users/@me, a line of the log each";
    let case = measure(plan, title, &world, &get(path)(&seed::token(0)), load)?;
    Ok(against(case, Bound::None, Bound::None))
}

/// Reads of users, drawn by a rule.
pub(crate) fn users(
    plan: &Plan,
    seed: &Seed,
    file: &str,
    draws: usize,
    draw: impl Fn() -> usize,
) -> Result<Load> {
    let requests = by_callers(seed, draws, |token| {
        request(
            "GET",
            &format!("/users/{}", seed::id(draw())),
            Some(token),
            "",
        )
    });
    Load::new(&plan.file(file), 32, requests)
}

fn user(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let draw = || rand::random_range(0..SMALL.users);
    let load = users(plan, &SMALL, "requests", DRAWS, draw)?;
    let sample = get(&format!("/users/{}", seed::id(0)))(&seed::token(0));
    let title = "GET /users/{id}, 10,000 ids";
    let case = measure(plan, title, &world, &sample, load)?;
    Ok(against(case, Bound::AtLeast(0.80), Bound::AtLeast(0.93)))
}

fn user_of_ten_million(plan: &Plan) -> Result<Case> {
    let small = World::new(plan, "small", &SMALL)?;
    let large = World::new(plan, "large", &LARGE)?;
    let anybody = || rand::random_range(0..LARGE.users);
    let hundredth = || 100 * rand::random_range(0..LARGE.users / 100);
    let few = || {
        if rand::random_ratio(99, 100) {
            hundredth()
        } else {
            anybody()
        }
    };
    let draws = plan.enough(30_000);
    let evenly = users(plan, &LARGE, "evenly", draws, anybody)?;
    let mostly_few = users(plan, &LARGE, "few", draws, few)?;
    let here = || rand::random_range(0..SMALL.users);
    let of_small = users(plan, &SMALL, "small-requests", DRAWS, here)?;
    // Whoever is asked for often was asked for before.
    let all = (0..LARGE.users).step_by(100);
    let token = seed::token(0);
    let once = all.map(|user| get(&format!("/users/{}", seed::id(user)))(&token));
    let warm = Load::new(&plan.file("warm"), 32, once)?;
    warm.drive(&large.server.url, Duration::from_secs(8))?;
    let sample = get(&format!("/users/{}", seed::id(0)))(&seed::token(0));
    let yardsticks = Yardsticks::of(plan, &small.server, &sample)?;
    let contestant = |name, server, load| Contestant {
        name,
        server,
        load,
        beside: Beside::Nothing,
    };
    let contestants = [
        contestant("bare", &yardsticks.bare, of_small.again()),
        contestant("10,000 users", &small.server, of_small),
        contestant("99 % from 1 %", &large.server, mostly_few),
        contestant("evenly", &large.server, evenly),
    ];
    let standings = take_turns(plan, &contestants)?;
    let case = Case::new(
        "GET /users/{id}, 10 million users",
        yardsticks.bytes,
        standings,
    );
    Ok(case
        .hold("evenly", "bare", RATE, Bound::AtLeast(0.50))
        .hold("99 % from 1 %", "10,000 users", RATE, Bound::AtLeast(0.9)))
}

fn channels(plan: &Plan) -> Result<Case> {
    let title = "GET /users/@me/channels, 20 each";
    let case = read(plan, title, "/users/@me/channels")?;
    Ok(against(case, Bound::AtLeast(0.50), Bound::None))
}

fn communities(plan: &Plan) -> Result<Case> {
    let title = "GET /users/@me/communities, 20 each";
    let case = read(plan, title, "/users/@me/communities")?;
    Ok(against(case, Bound::AtLeast(0.60), Bound::None))
}

fn many_channels(plan: &Plan) -> Result<Case> {
    let seed = Seed {
        users: seed::HUBS + seed::CHANNELS_OF_HUBS[0],
        hubs: true,
        ..Seed::default()
    };
    let world = World::new(plan, "hubs", &seed)?;
    Seed::note_use(&world.data, 0..seed::HUBS)?;
    let path = "/users/@me/channels";
    let of = |first: usize, file: &str| {
        let hubs = (first..seed::HUBS).step_by(2);
        let requests = hubs.map(|hub| get(path)(&seed::token(hub)));
        Load::new(&plan.file(file), 32, requests)
    };
    let constant = Constant::of(&world.server.url, &get(path)(&seed::token(0)))?;
    let contestant = |name, load| Contestant {
        name,
        server: &world.server,
        load,
        beside: Beside::Nothing,
    };
    let contestants = [
        contestant("of 200 channels", of(1, "fewer")?),
        contestant("of 100,000 channels", of(0, "many")?),
    ];
    let standings = take_turns(plan, &contestants)?;
    let title = "GET /users/@me/channels, the first page of 200";
    let case = Case::new(title, constant.len(), standings);
    // As fast, as far as that can be told.
    Ok(case.hold(
        "of 100,000 channels",
        "of 200 channels",
        RATE,
        Bound::AtLeast(0.95),
    ))
}

fn standing_dm(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let mut pairs = seed::standing_pairs(SMALL.users).take(DRAWS);
    let sample = pairs.next().map(|(one, other)| open_dm(one, other));
    let requests = pairs.map(|(one, other)| open_dm(one, other));
    let load = Load::new(&plan.file("requests"), 32, requests)?;
    let sample = sample.ok_or("no pairs")?;
    let title = "POST of a DM that stands";
    let case = measure(plan, title, &world, &sample, load)?;
    Ok(against(case, Bound::AtLeast(0.75), Bound::None))
}

/// Answers a second that no durable write comes near.
const DURABLE: u64 = 25_000;

fn new_dm(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let single = World::of(plan, "single", &SMALL, CALLERS, |mut command| {
        Server::start(command.env("SARYNO_STORE__BATCH", "1"))
    })?;
    let sample = new_dms(&SMALL).next().ok_or("no pairs")?;
    let draws = plan.enough(DURABLE);
    let load = Load::new(
        &plan.file("requests"),
        64,
        new_dms(&SMALL).skip(1).take(draws),
    )?;
    let yardsticks = Yardsticks::of(plan, &world.server, &sample)?;
    let alone = load.again().once();
    let mut contestants = yardsticks.contest(&world.server, load.once());
    contestants.push(Contestant {
        name: "batch of 1",
        server: &single.server,
        load: alone,
        beside: Beside::Nothing,
    });
    let standings = take_turns(plan, &contestants)?;
    let case = Case::new("POST of a new DM, durable", yardsticks.bytes, standings);
    let case = against(case, Bound::AtLeast(0.35), Bound::None);
    Ok(case.hold("saryno", "batch of 1", RATE, Bound::AtLeast(5.0)))
}

/// Renames of one caller after the other, each to a name that nobody has.
pub(crate) fn renames(seed: &Seed) -> impl Iterator<Item = String> {
    let callers: Vec<_> = seed.callers().collect();
    let rename = move |number: usize| {
        let account = callers[number * 7_919 % callers.len()];
        rename_to(account, &format!("Renamed {number}"))
    };
    (0..).map(rename)
}

/// DMs of two callers that have none yet.
pub(crate) fn new_dms(seed: &Seed) -> impl Iterator<Item = String> {
    let callers: Vec<_> = seed.callers().collect();
    let pairs = seed::new_pairs(callers.len());
    pairs.map(move |(one, other)| open_dm(callers[one], callers[other]))
}

fn rename(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let sample = renames(&SMALL).next().ok_or("no names")?;
    let draws = plan.enough(DURABLE);
    let load = Load::new(
        &plan.file("requests"),
        64,
        renames(&SMALL).skip(1).take(draws),
    )?;
    let title = "PATCH of a username";
    let case = measure(plan, title, &world, &sample, load.once())?;
    Ok(against(case, Bound::AtLeast(0.30), Bound::None))
}

/// Each connection has an account and a name of its own, so that all of them are taken and given back without a refusal.
fn crowded_name(plan: &Plan) -> Result<Case> {
    const CONNECTIONS: usize = 16;
    let seed = Seed {
        users: 10_000,
        crowded_names: CONNECTIONS,
        ..Seed::default()
    };
    let world = World::new(plan, "crowded", &seed)?;
    let alternate = |file: &str, name: fn(usize) -> String| {
        let requests = (0..CONNECTIONS).flat_map(move |number| {
            // Spread over the store.
            let account = number * (10_000 / CONNECTIONS);
            // Who comes back with a discriminator that is held has another drawn.
            let back = json!({"username": format!("Quaint {number}"), "discriminator": "0001"});
            let token = seed::token(account);
            let back = request("PATCH", "/users/@me", Some(&token), &back.to_string());
            [rename_to(account, &name(number)), back]
        });
        Ok::<_, Box<dyn std::error::Error>>(
            Load::new(&plan.file(file), CONNECTIONS, requests)?.in_order(),
        )
    };
    let rare = alternate("rare", |number| format!("Rare {number}"))?;
    let crowded = alternate("full", seed::crowded_name)?;
    let sample = rename_to(0, "Rare 0");
    let bytes = Constant::of(&world.server.url, &sample)?.len();
    let contestant = |name, load| Contestant {
        name,
        server: &world.server,
        load,
        beside: Beside::Nothing,
    };
    let contestants = [
        contestant("a rare name", rare),
        contestant("of 9,998 holders", crowded),
    ];
    let standings = take_turns(plan, &contestants)?;
    let title = "PATCH to a name with 9,998 holders, and back";
    let case = Case::new(title, bytes, standings);
    Ok(case.hold("of 9,998 holders", "a rare name", RATE, Bound::AtLeast(0.5)))
}

/// A write among ten requests: a new DM and a rename in turns.
pub(crate) fn mix(seed: &Seed) -> impl Iterator<Item = String> {
    let dms = new_dms(seed);
    let mut writes = dms.zip(renames(seed)).flat_map(|(dm, rename)| [dm, rename]);
    let reads = by_callers(seed, usize::MAX, get("/users/@me"));
    reads.map(move |read| {
        let write = rand::random_ratio(1, 10).then(|| writes.next()).flatten();
        write.unwrap_or(read)
    })
}

fn mixed(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let yardsticks = Yardsticks::of(plan, &world.server, &get("/users/@me")(&seed::token(0)))?;
    let draws = plan.enough(50_000);
    let mixed = Load::new(&plan.file("mix"), 64, mix(&SMALL).take(draws))?;
    let reads = by_callers(&SMALL, DRAWS, get("/users/@me"));
    // `wrk` tells no reads from writes. So the times are those of a few more that read now and then.
    let reads = Load::new(&plan.file("reads"), 8, reads)?.with_pauses(Duration::from_millis(10));
    let (to_bare, to_dressed, to_saryno) = (mixed.again(), mixed.again(), mixed.once());
    let contestant = |name, server, mix| Contestant {
        name,
        server,
        load: reads.again(),
        beside: Beside::Mix(mix),
    };
    let contestants = [
        contestant("bare", &yardsticks.bare, &to_bare),
        contestant("dressed", &yardsticks.dressed, &to_dressed),
        contestant("saryno", &world.server, &to_saryno),
    ];
    let standings = take_turns(plan, &contestants)?;
    let title = "90 % reads, 10 % durable writes (times of the reads)";
    let case = Case::new(title, yardsticks.bytes, standings);
    Ok(against(case, Bound::AtLeast(0.55), Bound::None).hold(
        "saryno",
        "bare",
        P99,
        Bound::AtMost(3.0),
    ))
}

fn log_in(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let path = "/users/@me";
    let reads = by_callers(&SMALL, DRAWS, get(path));
    let reads = Load::new(&plan.file("reads"), 32, reads)?;
    let log_ins = (0..SMALL.users).map(|number| {
        let (name, discriminator) = SMALL.tag(number * 7_919 % SMALL.users);
        let tag = format!("{name}#{discriminator:04}");
        let body = json!({"tag": tag, "password": seed::PASSWORD}).to_string();
        request("POST", "/auth/login", None, &body)
    });
    let log_ins = Load::new(&plan.file("log-ins"), 64, log_ins)?;
    let bytes = Constant::of(&world.server.url, &get(path)(&seed::token(0)))?.len();
    let contestant = |name, beside| Contestant {
        name,
        server: &world.server,
        load: reads.again(),
        beside,
    };
    let contestants = [
        contestant("reads alone", Beside::Nothing),
        contestant("while 64 log in", Beside::Crowd(&log_ins)),
    ];
    let standings = take_turns(plan, &contestants)?;
    let case = Case::new("GET /users/@me while 64 clients log in", bytes, standings);
    let (of, to) = ("while 64 log in", "reads alone");
    Ok(case
        .hold(of, to, P99, Bound::AtMost(5.0))
        .hold(of, to, RATE, Bound::None))
}

fn backup(plan: &Plan) -> Result<Case> {
    let seed = Seed {
        users: 4_000_000,
        lists: true,
        ..Seed::default()
    };
    let world = World::new(plan, "gigabyte", &seed)?;
    let path = "/users/@me";
    let reads = by_callers(&seed, DRAWS, get(path));
    let reads = Load::new(&plan.file("reads"), 32, reads)?;
    let bytes = Constant::of(&world.server.url, &get(path)(&seed::token(0)))?.len();
    let (file, made) = (plan.file("backup.db"), AtomicUsize::new(0));
    let back_up = |over: &AtomicBool| {
        while !over.load(Ordering::Relaxed) {
            let mut command = Command::new(env!("CARGO_BIN_EXE_saryno"));
            command
                .arg("backup")
                .arg(&file)
                .arg("--data")
                .arg(&world.data);
            let output = command.output().map_err(|error| error.to_string())?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            made.fetch_add(1, Ordering::Relaxed);
            std::fs::remove_file(&file).map_err(|error| error.to_string())?;
        }
        Ok(())
    };
    let contestant = |name, beside| Contestant {
        name,
        server: &world.server,
        load: reads.again(),
        beside,
    };
    let contestants = [
        contestant("reads alone", Beside::Nothing),
        contestant("while backing up", Beside::Work(&back_up)),
    ];
    // Longer than a backup takes, so that all of it is under way within a turn.
    let longer = Plan {
        seconds: plan.seconds.max(10),
        directory: plan.directory.clone(),
        ..*plan
    };
    let standings: Vec<Standing> = take_turns(&longer, &contestants)?;
    let gigabytes = std::fs::metadata(world.data.join("saryno.db"))?.len() / 10_000_000;
    let title = format!(
        "GET /users/@me while a backup of {}.{:02} GB runs ({} made)",
        gigabytes / 100,
        gigabytes % 100,
        made.load(Ordering::Relaxed)
    );
    let case = Case::new(title, bytes, standings);
    Ok(case.hold(
        "while backing up",
        "reads alone",
        RATE,
        Bound::AtLeast(0.70),
    ))
}
