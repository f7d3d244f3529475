//! What the settings do to the limits (contract, sections 1 and 5).

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::Duration;

use futures::future::join_all;
use rocket::http::Method::{Get, Post};
use saryno::accounts::Policy;
use saryno::config::{Config, Limits};
use serde_json::{Value, json};

use crate::account_desk::resident;
use crate::admin_session::OTHER;
use crate::channels::people;
use crate::desk::PASSWORD;
use crate::executable::{run_json, saryno};
use crate::groups::ask_group;
use crate::operate::Operate;
use crate::races;
use crate::support::{Account, Answer, Server};
use crate::tally::{counted, from, limits, refused, standing, who};

const HERE: &str = "192.0.2.1";

/// By default, what refuses somebody who does everything too often, and how often is often enough.
const DEFAULTS: [(&str, u32); 7] = [
    ("new-channels", 10),
    ("password-checks", 5),
    ("password-checks", 20),
    ("registrations", 3),
    ("renames", 2),
    ("requests", 100),
    ("username-checks", 30),
];

/// Does everything more often than anybody may by default.
async fn everything_too_often(config: &Config) -> Vec<Answer> {
    let mut config = config.clone();
    // However slow the machine is, more are asked than come back meanwhile.
    config.limits.requests_per_second = config.limits.requests_per_second.min(1);
    let server = Server::start_with(&config).await;
    server.store.set_registration(Policy::Open).await.unwrap();
    let [me, a, b, busy]: [Account; 4] = people(&server).await;
    resident(&server, "Ada", 1).await;
    let mut answers = Vec::new();
    for number in 0..3 {
        let body = json!({"username": format!("Name {number}")});
        answers.push(server.patch("/users/@me", &me, &body).await);
    }
    for _ in 0..11 {
        answers.push(ask_group(&server, &me, &[&a, &b]).await);
    }
    let enter = async |address: &str, path: &str, body: &Value| {
        from(address, &server, Post, path, None, body).await
    };
    for number in 0..6 {
        let body = json!({"tag": format!("Nobody#000{}", number + 1), "password": OTHER});
        answers.push(enter(HERE, "/auth/login", &body).await);
    }
    for number in 0..21 {
        let body = json!({"tag": "Ada#0001", "password": OTHER});
        answers.push(enter(&format!("10.0.0.{number}"), "/auth/login", &body).await);
    }
    for number in 0..4 {
        let body = json!({"username": format!("New {number}"), "password": PASSWORD});
        answers.push(enter(HERE, "/auth/register", &body).await);
    }
    let look = "/usernames/check?username=x";
    let nobody = Value::Null;
    // By accounts, so that it is not the requests of the address that are too many.
    for token in [&a.token, &b.token] {
        let looks = (0..75).map(|_| from(HERE, &server, Get, look, Some(token), &nobody));
        answers.extend(join_all(looks).await);
    }
    answers.extend(join_all((0..400).map(|_| who(HERE, &server, &busy))).await);
    answers
}

/// What refused something of it.
fn refusing(answers: &[Answer]) -> BTreeSet<(String, u32)> {
    let limited = answers.iter().filter(|answer| answer.status == 429);
    let told = limited.map(|answer| standing(answer).unwrap());
    told.map(|told| (told.bucket, told.limit)).collect()
}

fn due<'a>(buckets: impl IntoIterator<Item = &'a (&'a str, u32)>) -> BTreeSet<(String, u32)> {
    let own = |(bucket, limit): &(&str, u32)| ((*bucket).to_owned(), *limit);
    buckets.into_iter().map(own).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_every_limit_holds() {
    let answers = everything_too_often(&Config::default()).await;
    assert_eq!(refusing(&answers), due(&DEFAULTS));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_setting_that_is_0_turns_its_limit_off_and_no_other() {
    type Off = fn(&mut Limits);
    let cases: [(&str, Off); 6] = [
        ("requests", |limits| limits.requests_per_second = 0),
        ("requests", |limits| limits.burst = 0),
        ("renames", |limits| limits.renames_per_hour = 0),
        ("new-channels", |limits| {
            limits.new_channels_per_10_minutes = 0;
        }),
        // With an address's, an account's.
        ("password-checks", |limits| {
            limits.password_checks_per_minute = 0;
        }),
        ("registrations", |limits| limits.registrations_per_hour = 0),
    ];
    for (off, change) in cases {
        let answers = everything_too_often(&limits(change)).await;
        let left = DEFAULTS.iter().filter(|(bucket, _)| *bucket != off);
        assert_eq!(refusing(&answers), due(left), "{off}");
        // Of requests that are not counted, nothing is told.
        let told = answers
            .iter()
            .filter(|answer| answer.status == 200)
            .any(|answer| standing(answer).is_some());
        assert_eq!(told, off != "requests", "{off}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_limits_nothing_is_refused_and_nothing_is_told() {
    let answers = everything_too_often(&limits(|limits| limits.enabled = false)).await;
    for answer in &answers {
        assert_ne!(answer.status, 429);
        assert_eq!(standing(answer), None);
        assert_eq!(answer.header("Retry-After"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_numbers_are_held_as_well() {
    let config = limits(|limits| {
        limits.renames_per_hour = 1;
        limits.new_channels_per_10_minutes = 3;
        limits.password_checks_per_minute = 2;
        limits.registrations_per_hour = 1;
    });
    let answers = everything_too_often(&config).await;
    let others = [
        ("new-channels", 3),
        ("password-checks", 2),
        ("password-checks", 20),
        ("registrations", 1),
        ("renames", 1),
        ("requests", 100),
        ("username-checks", 30),
    ];
    assert_eq!(refusing(&answers), due(&others));
    for (bucket, limit, wait) in [
        ("password-checks", 2, 30),
        ("registrations", 1, 3_600),
        ("renames", 1, 3_600),
        ("new-channels", 3, 600),
    ] {
        let is_it =
            |answer: &&Answer| answer.status == 429 && standing(answer).unwrap().limit == limit;
        let mut found = answers
            .iter()
            .filter(is_it)
            .filter(|answer| standing(answer).unwrap().bucket == bucket);
        refused(
            found.next().unwrap(),
            bucket,
            limit,
            Duration::from_secs(wait),
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_come_back_at_the_pace_that_is_set() {
    let usual = Config::default().limits;
    assert_eq!((usual.requests_per_second, usual.burst), (50, 100));
    for (pace, burst) in [(50, 100), (10, 7), (1, 1), (1_000_000, 3), (4, u32::MAX)] {
        let config = limits(|limits| {
            limits.requests_per_second = pace;
            limits.burst = burst;
        });
        let server = Server::start_with(&config).await;
        let [a] = people(&server).await;
        let told = counted(&who(HERE, &server, &a).await);
        assert_eq!((told.limit, told.remaining), (burst, burst - 1));
        assert!(
            (told.reset_after - 1.0 / f64::from(pace)).abs() < 0.001,
            "{told:?}"
        );
    }
}

#[test]
fn a_limit_that_is_none_stops_the_start_with_a_sentence_that_names_it() {
    let (_directory, data) = races::directory();
    for (variable, value) in [
        ("SARYNO_LIMITS__BURST", "-1"),
        ("SARYNO_LIMITS__RENAMES_PER_HOUR", "-1"),
        ("SARYNO_LIMITS__NEW_CHANNELS_PER_10_MINUTES", "1.5"),
        ("SARYNO_LIMITS__PASSWORD_CHECKS_PER_MINUTE", "many"),
        ("SARYNO_LIMITS__REGISTRATIONS_PER_HOUR", "4294967296"),
        ("SARYNO_LIMITS__REQUESTS_PER_SECOND", "1000001"),
        ("SARYNO_LIMITS__ENABLED", "perhaps"),
        ("SARYNO_LIMITS__RENAMES", "2"),
    ] {
        let (_, key) = variable.split_once("__").unwrap();
        let mut child = saryno(&data, &["serve", "--port", "0"])
            .env(variable, value)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // One that did start would say so and go on for ever: it is ended before anything is asserted.
        let mut line = String::new();
        let listening = BufReader::new(child.stdout.take().unwrap()).read_line(&mut line);
        if listening.unwrap() > 0 {
            child.kill().unwrap();
        }
        let status = child.wait().unwrap();
        let mut said = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut said)
            .unwrap();
        assert_eq!(
            (status.code(), line.as_str()),
            (Some(1), ""),
            "{variable}={value}"
        );
        assert!(
            said.to_lowercase().contains(&key.to_lowercase()),
            "{variable}={value}: {said}"
        );
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    }
    assert!(!data.exists(), "it was refused before anything was made");
}

#[test]
fn what_the_file_says_of_limits_is_read_and_what_it_says_of_none_stops_the_start() {
    let (directory, data) = races::directory();
    let file = directory.path().join("saryno.toml");
    let write = |text: &str| std::fs::write(&file, text).unwrap();
    write("[limits]\nenabled = false\nburst = 0\nrenames_per_hour = 4294967295\n");
    assert_eq!(run_json(&data, &["config", "check"])["ok"], true);
    for (text, key) in [
        ("[limits]\nburst = -1", "limits.burst"),
        ("[limits]\nburst = \"5\"", "limits.burst"),
        ("[limits]\nrename_per_hour = 2", "rename_per_hour"),
        ("limits = false", "limits"),
    ] {
        write(text);
        let output = saryno(&data, &["config", "check"]).output().unwrap();
        assert!(!output.status.success(), "{text}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(key), "{text}: {said}");
    }
}
