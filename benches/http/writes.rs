//! The cases that write.

use std::time::Duration;

use serde_json::json;

use crate::bare::Constant;
use crate::draws::{DRAWS, by_callers, get, mix, new_dms, open_dm, rename_to, renames};
use crate::report::{Bound, Case, P99, RATE};
use crate::seed::{self, CALLERS, Seed};
use crate::server::{Result, Server};
use crate::turns::{Beside, Contestant, Plan, take_turns};
use crate::world::{SMALL, World, Yardsticks, against, measure};
use crate::wrk::{Load, request};

pub(crate) fn standing_dm(plan: &Plan) -> Result<Case> {
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
pub(crate) const DURABLE: u64 = 50_000;

pub(crate) fn new_dm(plan: &Plan) -> Result<Case> {
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

pub(crate) fn rename(plan: &Plan) -> Result<Case> {
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
pub(crate) fn crowded_name(plan: &Plan) -> Result<Case> {
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

pub(crate) fn mixed(plan: &Plan) -> Result<Case> {
    let world = World::new(plan, "small", &SMALL)?;
    let yardsticks = Yardsticks::of(plan, &world.server, &get("/users/@me")(&seed::token(0)))?;
    // The mix goes on for three seconds more than its turn.
    let draws = plan.enough(150_000);
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
