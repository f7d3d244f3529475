//! The cases that read.

use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;

use crate::bare::Constant;
use crate::draws::{DRAWS, by_callers, get, users};
use crate::report::{Bound, Case, P99, RATE};
use crate::seed::{self, CALLERS, Seed};
use crate::server::{Result, Server};
use crate::turns::{Beside, Contestant, Plan, Standing, take_turns};
use crate::world::{LARGE, SMALL, World, Yardsticks, against, measure};
use crate::wrk::{Load, request};

/// A path that every caller reads, on a small store.
pub(crate) fn read(plan: &Plan, title: &str, path: &str) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let load = Load::new(
        &plan.file("requests"),
        32,
        by_callers(&SMALL, DRAWS, get(path)),
    )?;
    measure(plan, title, &world, &get(path)(&seed::token(0)), load)
}

pub(crate) fn me(plan: &Plan) -> Result<Case> {
    let case = read(plan, "GET /users/@me, 10,000 accounts", "/users/@me")?;
    Ok(against(case, Bound::AtLeast(0.80), Bound::AtLeast(0.93)))
}

/// With a line a request in a file: what it is without saying otherwise.
pub(crate) fn me_logged(plan: &Plan) -> Result<Case> {
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

pub(crate) fn user(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let draw = || rand::random_range(0..SMALL.users);
    let load = users(plan, &SMALL, "requests", DRAWS, draw)?;
    let sample = get(&format!("/users/{}", seed::id(0)))(&seed::token(0));
    let title = "GET /users/{id}, 10,000 ids";
    let case = measure(plan, title, &world, &sample, load)?;
    Ok(against(case, Bound::AtLeast(0.80), Bound::AtLeast(0.93)))
}

pub(crate) fn user_of_ten_million(plan: &Plan) -> Result<Case> {
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

pub(crate) fn channels(plan: &Plan) -> Result<Case> {
    let title = "GET /users/@me/channels, 20 each";
    let case = read(plan, title, "/users/@me/channels")?;
    Ok(against(case, Bound::AtLeast(0.50), Bound::None))
}

pub(crate) fn many_channels(plan: &Plan) -> Result<Case> {
    let seed = Seed {
        users: seed::HUBS + seed::CHANNELS_OF_HUBS[0],
        hubs: true,
        ..Seed::default()
    };
    // From the database: out of memory, a page is a page.
    let world = World::of(plan, "hubs", &seed, CALLERS, |mut command| {
        Server::start(command.env("SARYNO_STORE__CACHE_MIB", "0"))
    })?;
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
    let title = "GET /users/@me/channels, the first page of 200, nothing in memory";
    let case = Case::new(title, constant.len(), standings);
    // As fast, as far as that can be told.
    Ok(case.hold(
        "of 100,000 channels",
        "of 200 channels",
        RATE,
        Bound::AtLeast(0.9),
    ))
}

pub(crate) fn communities(plan: &Plan) -> Result<Case> {
    let title = "GET /users/@me/communities, 20 each";
    let case = read(plan, title, "/users/@me/communities")?;
    Ok(against(case, Bound::AtLeast(0.60), Bound::None))
}

pub(crate) fn log_in(plan: &Plan) -> Result<Case> {
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

pub(crate) fn backup(plan: &Plan) -> Result<Case> {
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
