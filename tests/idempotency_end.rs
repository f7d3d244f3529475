//! How long a key lasts, and what takes it away; and that it outlives the server (contract, section 1, "Idempotency").

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use saryno::channels::{Channels, DmPair};
use saryno::clock::Timestamp;
use saryno::communities::{Communities, NewCommunity};
use saryno::error::Error;
use saryno::id::{Generator, Id};
use saryno::idempotency::{Answer, KEY_END, Once, Terms};
use saryno::store::Store;
use saryno::store::sqlite::Sqlite;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::channels::CHANNELS;
use crate::desk::rows;
use crate::executable::{Binary, agent, http};
use crate::operate::Operate;
use crate::races::{self, Person, database, number, people, text};
use crate::support::{new_user, now, store};
use crate::tally::{connect, raw, raw_header, raw_status};

/// When the tests of a day begin.
const NOON: Timestamp = Timestamp(1_800_000_000_000);

const MILLISECOND: Duration = Duration::from_millis(1);

struct Bench {
    directory: TempDir,
    store: Arc<Sqlite>,
    ids: Generator,
    me: Id,
    other: Id,
}

impl Bench {
    async fn new() -> Self {
        let (directory, store) = store();
        let ids = Generator::new(0, Id::MIN);
        let [me, other] = [ids.next().unwrap(), ids.next().unwrap()];
        for id in [me, other] {
            store.create_user(new_user(id, "Person")).await.unwrap();
        }
        Self {
            directory,
            store,
            ids,
            me,
            other,
        }
    }

    fn database(&self) -> Connection {
        Connection::open(self.directory.path().join("saryno.db")).unwrap()
    }

    /// Makes a community by a request with a key, at this moment; its id if it was made now, else what was answered then.
    async fn make(&self, request: u8, now: Timestamp) -> Result<Id, String> {
        let new = NewCommunity {
            name: "Garden".parse().unwrap(),
            icon: None,
        };
        let once = once(request, now);
        let id = self.ids.next().unwrap();
        match self
            .store
            .create_community(self.me, new, id, Some(once))
            .await
            .unwrap()
        {
            Answer::First(made) => Ok(made.id),
            Answer::Again(answer) => Err(answer),
        }
    }

    fn fill(&self, table: &str, count: usize, at: Timestamp) {
        let mut database = self.database();
        let transaction = database.transaction().unwrap();
        for number in 0..count {
            let sql = match table {
                "counted" => {
                    "INSERT INTO counted (user_id, bucket, at) VALUES (?1, iif(?2 % 2, 'renames', 'new-channels'), ?3)"
                }
                _ => {
                    "INSERT INTO idempotency_keys (user_id, key, request, answer, at)
                    VALUES (?1, 'key-' || ?3 || '-' || ?2, zeroblob(32), '{}', ?3)"
                }
            };
            let row = (self.me.bits(), i64::try_from(number).unwrap(), at.0);
            transaction.execute(sql, row).unwrap();
        }
        transaction.commit().unwrap();
    }

    fn counts(&self) -> [i64; 2] {
        let database = self.database();
        ["counted", "idempotency_keys"]
            .map(|table| number(&database, &format!("SELECT count(*) FROM {table}")))
    }
}

fn once(request: u8, now: Timestamp) -> Once {
    Once {
        key: "key".parse().unwrap(),
        request: [request; 32],
        now,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lasts_a_day_from_the_first_request_and_then_may_be_taken_anew() {
    assert_eq!(KEY_END, Duration::from_hours(24));
    let bench = Bench::new().await;
    let first = bench.make(1, NOON).await.unwrap();
    let again = bench.make(1, NOON).await.unwrap_err();
    let end = NOON.after(KEY_END);
    // Replays in between do not prolong it.
    for moment in [NOON.after(KEY_END / 2), end.before(MILLISECOND)] {
        assert_eq!(bench.make(1, moment).await.unwrap_err(), again);
    }
    assert_eq!(
        serde_json::from_str::<Value>(&again).unwrap()["id"],
        first.to_string()
    );
    let second = bench.make(1, end).await.unwrap();
    assert_ne!(second, first);
    // Now it stands for that, for another day.
    let last = end.after(KEY_END).before(MILLISECOND);
    let again = bench.make(1, last).await.unwrap_err();
    assert_eq!(
        serde_json::from_str::<Value>(&again).unwrap()["id"],
        second.to_string()
    );
    // And after it for another request.
    bench.make(2, end.after(KEY_END)).await.unwrap();
    assert_eq!(bench.counts(), [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_request_is_a_conflict_until_the_key_has_ended() {
    let bench = Bench::new().await;
    bench.make(1, NOON).await.unwrap();
    let pair = DmPair::new(bench.me, bench.other).unwrap();
    let open = async |now: Timestamp| {
        let terms = Terms {
            once: Some(once(2, now)),
            allowance: None,
        };
        let id = bench.ids.next().unwrap();
        bench
            .store
            .open_dm(bench.me, pair, id, terms)
            .await
            .map(|answer| matches!(answer, Answer::First(_)))
    };
    let end = NOON.after(KEY_END);
    assert_eq!(
        open(end.before(MILLISECOND)).await,
        Err(Error::IdempotencyConflict)
    );
    assert_eq!(
        number(&bench.database(), "SELECT count(*) FROM channels"),
        0
    );
    assert_eq!(open(end).await, Ok(true));
    assert_eq!(open(end).await, Ok(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_clock_that_was_a_year_ahead_lasts_no_longer_than_a_day() {
    let bench = Bench::new().await;
    let year = Duration::from_hours(365 * 24);
    let first = bench.make(1, NOON.after(year)).await.unwrap();
    let later = bench.make(1, NOON.after(KEY_END).after(MILLISECOND)).await;
    assert!(later.is_ok_and(|second| second != first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_takes_away_what_has_ended_in_small_pieces_and_nothing_else() {
    let bench = Bench::new().await;
    bench.make(1, NOON).await.unwrap();
    let end = NOON.before(KEY_END);
    for table in ["counted", "idempotency_keys"] {
        bench.fill(table, 10, end.after(MILLISECOND));
        bench.fill(table, 10, NOON.after(KEY_END));
    }
    let before = rows(&bench.database());
    assert_eq!(bench.store.sweep(NOON).await, Ok(false));
    assert_eq!(rows(&bench.database()), before);

    bench.fill("counted", 700, end);
    bench.fill("idempotency_keys", 1_300, end.before(KEY_END));
    let [mut counted, mut keys] = bench.counts();
    let mut sweeps = 0;
    loop {
        let more = bench.store.sweep(NOON).await.unwrap();
        let [counted_left, keys_left] = bench.counts();
        assert!(counted - counted_left <= 500 && keys - keys_left <= 500);
        (counted, keys, sweeps) = (counted_left, keys_left, sweeps + 1);
        if !more {
            break;
        }
    }
    assert_eq!(sweeps, 3);
    assert_eq!(rows(&bench.database()), before);
}

/// Waits until something is in the file; it is looked at so often that a server can be ended right then.
fn until(database: &Connection, sql: &str, due: i64) {
    let began = Instant::now();
    while number(database, sql) != due {
        assert!(began.elapsed() < Duration::from_secs(30), "{sql}");
        std::thread::yield_now();
    }
}

#[test]
fn a_server_takes_away_what_has_ended_by_itself() {
    let (_directory, data) = races::directory();
    let person = people(&data, 1).remove(0);
    let file = database(&data);
    let day = now().before(KEY_END);
    for (number, at) in [day.before(MILLISECOND), day.after(Duration::from_hours(1))]
        .into_iter()
        .enumerate()
    {
        let sql = "INSERT INTO idempotency_keys (user_id, key, request, answer, at) VALUES (?1, ?2, zeroblob(32), '{}', ?3)";
        file.execute(sql, (&person.id, number.to_string(), at.0))
            .unwrap();
        let sql = "INSERT INTO counted (user_id, bucket, at) VALUES (?1, 'renames', ?2)";
        file.execute(sql, (&person.id, at.0)).unwrap();
    }
    let server = Binary::start_with(&data, &[], &[("SARYNO_LIMITS__ENABLED", "true")]);
    until(
        &file,
        "SELECT (SELECT count(*) FROM counted) * 10 + (SELECT count(*) FROM idempotency_keys)",
        11,
    );
    assert_eq!(
        number(&file, "SELECT CAST(key AS INTEGER) FROM idempotency_keys"),
        1
    );
    assert!(server.terminate().success());
}

/// A request on the wire, with a key.
fn request(path: &str, person: &Person, key: &[u8], body: &str) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {}\r\n",
        person.token
    );
    let rest = format!(
        "\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    [head.as_bytes(), b"Idempotency-Key: ", key, rest.as_bytes()].concat()
}

fn start(data: &Path) -> Binary {
    Binary::start_with(data, &[], &[("SARYNO_LIMITS__ENABLED", "true")])
}

/// A request that makes something, and how many of it there are.
type Making = (String, String, String);

/// Of the five requests that make something the one whose turn it is.
fn making(turn: usize, all: &[Person], place: &str, code: &str) -> Making {
    let other = |next: usize| &all[(turn + next) % all.len()].id;
    let (path, body, table) = match turn % 5 {
        0 => (
            "/communities".to_owned(),
            json!({"name": "Garden"}),
            "communities",
        ),
        1 => (
            CHANNELS.to_owned(),
            json!({"type": 2, "recipient_id": other(1)}),
            "channels",
        ),
        2 => (
            CHANNELS.to_owned(),
            json!({"type": 3, "recipient_ids": [other(1), other(2)]}),
            "channels",
        ),
        // Only its owner makes invites to it.
        3 => (
            format!("/communities/{place}/invites"),
            json!({}),
            "invites",
        ),
        _ => (format!("/invites/{code}"), json!({}), "members"),
    };
    (
        path,
        body.to_string(),
        format!("SELECT count(*) FROM {table}"),
    )
}

/// Sends requests whose answers are lost with the server, and again to the next one.
fn lose_answers(rounds: usize, wait: bool) {
    let (_directory, data) = races::directory();
    let all = people(&data, rounds + 3);
    let owner = &all[rounds];
    let server = start(&data);
    let made = |path: &str, body: &Value| {
        let url = format!("{}{path}", server.url);
        let (status, made) = http(&agent(), "POST", &url, &owner.token, &body.to_string()).unwrap();
        assert_eq!(status, 201, "{made}");
        made
    };
    let place = made("/communities", &json!({"name": "Place"}));
    let place = text(&place["id"]);
    let code = made(&format!("/communities/{place}/invites"), &json!({}));
    let code = text(&code["code"]);
    assert!(server.terminate().success());

    for round in 0..rounds {
        let (path, body, rows) = making(round, &all, place, code);
        let by = if path.ends_with("/invites") {
            owner
        } else {
            &all[round]
        };
        let request = request(&path, by, format!("round-{round}").as_bytes(), &body);
        let file = database(&data);
        let there = number(&file, &rows);
        let server = start(&data);
        let mut stream = connect(&server);
        stream.write_all(&request).unwrap();
        if wait {
            until(&file, &rows, there + 1);
        }
        server.kill();
        drop(stream);

        let server = start(&data);
        let done = number(&file, &rows) - there;
        let sql = "SELECT answer FROM idempotency_keys WHERE key = ?1";
        let kept: Option<String> = file
            .query_row(sql, [format!("round-{round}")], |row| row.get(0))
            .ok();
        // Both or neither.
        assert_eq!(done == 1, kept.is_some(), "{path}");
        assert!(!wait || done == 1, "{path}");
        let answers: Vec<_> = (0..2).map(|_| raw(&server, &request)).collect();
        for (number, answer) in answers.iter().enumerate() {
            assert!([200, 201].contains(&raw_status(answer)), "{answer}");
            let replayed = raw_header(answer, "Idempotency-Replayed").is_some();
            assert_eq!(replayed, done == 1 || number == 1, "{path}");
        }
        let bodies: Vec<_> = answers
            .iter()
            .map(|answer| answer.split_once("\r\n\r\n").unwrap().1)
            .collect();
        assert_eq!(bodies[0], bodies[1]);
        assert!(kept.is_none_or(|kept| kept == bodies[0]), "{path}");
        assert_eq!(number(&file, &rows), there + 1, "{path}");
        server.kill();
    }
}

#[test]
fn an_answer_that_was_lost_with_the_server_after_the_commit_is_what_a_retry_gets() {
    lose_answers(20, true);
}

#[test]
fn a_request_that_a_server_took_with_it_is_done_once_by_a_retry_whether_it_was_done_or_not() {
    lose_answers(20, false);
}
