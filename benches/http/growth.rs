//! The same reads with ever more users.

use crate::draws::{by_callers, get, users};
use crate::report::{Bound, Case, RATE};
use crate::seed::{self, Seed};
use crate::server::{Result, Server};
use crate::turns::{Beside, Contestant, Plan, take_turns};
use crate::world::{World, Yardsticks};
use crate::wrk::Load;

/// How many users there are, and what that is called.
pub(crate) const SIZES: [(usize, &str); 4] = [
    (10_000, "10,000"),
    (100_000, "100,000"),
    (1_000_000, "1,000,000"),
    (10_000_000, "10,000,000"),
];

/// How many requests a second are drawn for: none comes twice by going round.
const RATE_OF_READS: u64 = 40_000;

/// How many accounts are here at most.
const PRESENT: usize = 1_000_000;

/// What is read: its title, a sample's path, and the load.
type Read = (
    &'static str,
    &'static str,
    fn(&Plan, &Seed, &str) -> Result<Load>,
);

const READS: [Read; 4] = [
    (
        "GET /users/@me, up to a million accounts",
        "/users/@me",
        |plan, seed, file| {
            let present: Vec<_> = seed.spread(PRESENT).collect();
            let draws =
                (0..plan.enough(RATE_OF_READS)).map(|_| rand::random_range(0..present.len()));
            let requests = draws.map(|draw| get("/users/@me")(&seed::token(present[draw])));
            Load::new(&plan.file(file), 32, requests)
        },
    ),
    (
        "GET /users/{id}, every id",
        "/users/@me",
        |plan, seed, file| {
            let anybody = || rand::random_range(0..seed.users);
            users(plan, seed, file, plan.enough(RATE_OF_READS), anybody)
        },
    ),
    (
        "GET /users/@me/channels, 20 each",
        "/users/@me/channels",
        |plan, seed, file| {
            let path = get("/users/@me/channels");
            Load::new(
                &plan.file(file),
                32,
                by_callers(seed, plan.enough(RATE_OF_READS), path),
            )
        },
    ),
    (
        "GET /users/@me/communities, 20 each",
        "/users/@me/communities",
        |plan, seed, file| {
            let path = get("/users/@me/communities");
            Load::new(
                &plan.file(file),
                32,
                by_callers(seed, plan.enough(RATE_OF_READS), path),
            )
        },
    ),
];

pub(crate) fn growth(plan: &Plan) -> Result<Vec<Case>> {
    let seeds = SIZES.map(|(users, name)| {
        let seed = Seed {
            users,
            lists: true,
            ..Seed::default()
        };
        (name, seed)
    });
    let worlds = seeds.iter().map(|(name, seed)| {
        World::of(plan, name, seed, PRESENT, |mut command| {
            Server::start(&mut command)
        })
    });
    let worlds = worlds.collect::<Result<Vec<_>>>()?;
    let mut cases = Vec::new();
    for (title, path, load) in READS {
        let sample = get(path)(&seed::token(0));
        let yardsticks = Yardsticks::of(plan, &worlds[0].server, &sample)?;
        let mut contestants = Vec::new();
        for ((name, seed), world) in seeds.iter().zip(&worlds) {
            contestants.push(Contestant {
                name,
                server: &world.server,
                load: load(plan, seed, &format!("requests-{name}"))?,
                beside: Beside::Nothing,
            });
        }
        contestants.push(Contestant {
            name: "bare",
            server: &yardsticks.bare,
            load: contestants[0].load.again(),
            beside: Beside::Nothing,
        });
        let standings = take_turns(plan, &contestants)?;
        let mut case = Case::new(title, yardsticks.bytes, standings);
        for (_, name) in SIZES {
            case = case.hold(name, "bare", RATE, Bound::None);
        }
        for (_, name) in &SIZES[1..] {
            case = case.hold(name, SIZES[0].1, RATE, Bound::None);
        }
        case.print();
        cases.push(case);
    }
    Ok(cases)
}
