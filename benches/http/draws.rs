//! Requests, drawn for many accounts.

use serde_json::json;

use crate::seed::{self, Seed};
use crate::server::Result;
use crate::turns::Plan;
use crate::wrk::{Load, request};

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

pub(crate) fn open_dm(one: usize, other: usize) -> String {
    let body = json!({"recipient_id": seed::id(other).to_string(), "type": 2}).to_string();
    request(
        "POST",
        "/users/@me/channels",
        Some(&seed::token(one)),
        &body,
    )
}

/// DMs of two callers that have none yet.
pub(crate) fn new_dms(seed: &Seed) -> impl Iterator<Item = String> {
    let callers: Vec<_> = seed.callers().collect();
    let pairs = seed::new_pairs(callers.len());
    pairs.map(move |(one, other)| open_dm(callers[one], callers[other]))
}

pub(crate) fn rename_to(account: usize, name: &str) -> String {
    let body = json!({"username": name}).to_string();
    request("PATCH", "/users/@me", Some(&seed::token(account)), &body)
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
