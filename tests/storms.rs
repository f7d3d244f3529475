//! Storms of requests, from many addresses and with the limits in force: memory is bounded, and others are served.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use base64ct::Encoding;
use image::{ImageFormat, RgbImage};
use rand::RngExt;
use serde_json::json;

use crate::executable::{Binary, agent, run_json};
use crate::painting::{encode, uri};
use crate::races::{Person, directory, people};

const CLIENTS: usize = 64;

/// One request of a storm: method, path, what it is authorized with, its body.
type Shot<'a> = (&'a str, &'a str, Option<String>, String);

/// What such a storm was answered with, by status, and the most memory that it took, in MiB.
struct Weather {
    statuses: BTreeMap<u16, usize>,
    peak: u64,
}

fn address() -> String {
    let [a, b, c]: [u8; 3] = rand::rng().random();
    format!("11.{a}.{b}.{c}")
}

fn send(agent: &ureq::Agent, url: &str, shot: &Shot<'_>, address: &str) -> u16 {
    let (method, path, token, body) = shot;
    let mut request = ureq::http::Request::builder()
        .method(*method)
        .uri(format!("{url}{path}"))
        .header("X-Forwarded-For", address)
        .header("Content-Type", "application/json");
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let response = agent.run(request.body(body.as_str()).unwrap());
    let mut response = response.unwrap();
    let status = response.status().as_u16();
    response.body_mut().read_to_vec().unwrap();
    status
}

/// A storm from so many clients, each of which sends so many of these; meanwhile somebody asks, and is answered. `shot` is told how
/// many there were before.
fn storm(
    clients: usize,
    each: usize,
    shot: impl Fn(usize, &[Person]) -> Shot<'static> + Sync,
) -> Weather {
    let (_directory, data) = directory();
    let people = people(&data, CLIENTS + 1);
    run_json(&data, &["registration", "open"]);
    let limits = [
        ("SARYNO_LIMITS__ENABLED", "true"),
        ("SARYNO_TRUSTED_PROXIES", "[\"127.0.0.1/32\"]"),
    ];
    let server = Binary::start_with(&data, &[], &limits);
    let over = AtomicBool::new(false);
    let mut statuses = BTreeMap::new();
    let served = thread::scope(|scope| {
        let (server, people, shot, over) = (&server, &people, &shot, &over);
        let other = scope.spawn(move || {
            let (agent, mut served) = (agent(), 0);
            let token = Some(people[CLIENTS].token.clone());
            let who = ("GET", "/users/@me", token, String::new());
            while !over.load(Ordering::Relaxed) {
                // As often as its limit lets it.
                thread::sleep(std::time::Duration::from_millis(25));
                assert_eq!(send(&agent, &server.url, &who, "10.0.0.1"), 200);
                served += 1;
            }
            served
        });
        let storming: Vec<_> = (0..clients)
            .map(|client| {
                scope.spawn(move || {
                    let agent = agent();
                    let send = |turn| {
                        let shot = shot(client * each + turn, people);
                        send(&agent, &server.url, &shot, &address())
                    };
                    (0..each).map(send).collect::<Vec<_>>()
                })
            })
            .collect();
        for status in storming
            .into_iter()
            .flat_map(|client| client.join().unwrap())
        {
            *statuses.entry(status).or_default() += 1;
        }
        over.store(true, Ordering::Relaxed);
        other.join().unwrap()
    });
    assert!(served > 0);
    Weather {
        statuses,
        peak: server.peak_memory(),
    }
}

impl Weather {
    /// Holds it against the statuses that are due, the first of which at least came, and a bound in MiB.
    #[track_caller]
    fn was(&self, statuses: &[u16], most: u64) {
        let only = self.statuses.keys().all(|status| statuses.contains(status));
        assert!(
            only && self.statuses.contains_key(&statuses[0]),
            "{:?}",
            self.statuses
        );
        assert!(self.peak < most, "{} MiB", self.peak);
    }
}

#[test]
fn of_log_ins() {
    let weather = storm(CLIENTS, 2, |number, _| {
        let body =
            json!({"tag": format!("Person {}#0001", number % 9), "password": "a horse, a staple"});
        ("POST", "/auth/login", None, body.to_string())
    });
    weather.was(&[401, 429, 503], 160);
}

#[test]
fn of_registrations() {
    let weather = storm(CLIENTS, 1, |number, _| {
        let body = json!({"username": format!("New {number}"), "password": "a horse, a staple"});
        ("POST", "/auth/register", None, body.to_string())
    });
    weather.was(&[201, 503], 160);
}

#[test]
fn of_tokens_that_are_none() {
    let weather = storm(CLIENTS, 100, |_, _| {
        let bytes: [u8; 32] = rand::rng().random();
        let token = base64ct::Base64UrlUnpadded::encode_string(&bytes);
        (
            "GET",
            "/users/@me",
            Some(format!("srn_{token}")),
            String::new(),
        )
    });
    weather.was(&[401], 128);
}

#[test]
fn of_bodies_as_large_as_any_or_larger() {
    let weather = storm(CLIENTS, 30, |number, people| {
        let person = &people[number % CLIENTS];
        let filler = "a".repeat(64 * 1024 - 30 + number % 3 * 30);
        let body = json!({"type": 2, "recipient": filler}).to_string();
        (
            "POST",
            "/users/@me/channels",
            Some(person.token.clone()),
            body,
        )
    });
    weather.was(&[400, 413], 128);
}

#[test]
fn of_avatars() {
    // A large one that is flat but for some noise, which no compression makes smaller: 1.1 MiB, in base64 nearly 1.5 MiB.
    let noise = RgbImage::from_fn(1_024, 1_024, |_, y| match y {
        0..252 => image::Rgb(rand::rng().random()),
        _ => image::Rgb([0; 3]),
    });
    let picture = uri(&encode(noise.into(), ImageFormat::Png));
    let whole = json!({"avatar": picture}).to_string();
    let size = whole.len();
    assert!((1_400_000..1_572_864).contains(&size), "{size}");
    // Most are damaged somewhere, which costs no core half a second.
    let mut damaged = whole.clone();
    damaged.replace_range(size / 2..size / 2 + 8, "AAAAAAAA");
    let weather = storm(24, 1, |number, people| {
        let token = people[number].token.clone();
        let body = if number % 8 == 0 { &whole } else { &damaged };
        ("PATCH", "/users/@me", Some(token), body.clone())
    });
    weather.was(&[200, 400, 503], 384);
}
