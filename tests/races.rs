//! What is decided between clients that ask at the same moment, over real sockets.

use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Barrier;

use saryno::accounts::{Label, NewToken, Secret};
use saryno::id::{Generator, Id};
use saryno::names::Username;
use saryno::store::sqlite::Sqlite;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::executable::{Binary, agent, http, saryno};
use crate::operate::Operate;
use crate::support::{OPTIONS, new_user};

/// Where a server's data go, and what removes them in the end.
pub(crate) fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    (directory, data)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// An account in the file: its id as the API shows it, and a token.
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
}

/// Makes accounts straight in the file, before a server opens it.
pub(crate) fn people(data: &Path, count: usize) -> Vec<Person> {
    std::fs::create_dir_all(data).unwrap();
    let store = Sqlite::open(&data.join("saryno.db"), OPTIONS).unwrap();
    let ids = Generator::new(1, Id::MIN);
    let make = |number: usize| {
        let secret = Secret::token();
        let mut new = new_user(ids.next().unwrap(), &format!("Person {number}"));
        new.token = Some(NewToken {
            id: ids.next().unwrap(),
            hash: secret.hash(),
            label: Label::command_line(),
            login: None,
        });
        let store = &store;
        async move {
            let user = store.create_user(new).await.unwrap();
            Person {
                id: user.id.to_string(),
                token: secret.reveal().to_owned(),
            }
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let made = runtime.block_on(futures::future::join_all((0..count).map(make)));
    // The runtime holds the last reads; then the store lets go of the file.
    drop(runtime);
    made
}

/// Sends one request for each of these people at once, each from a connection that stands already.
pub(crate) fn at_once(
    url: &str,
    people: &[Person],
    request: impl Fn(usize, &Person) -> (&'static str, String, Value) + Sync,
) -> Vec<(u16, Value)> {
    let start = Barrier::new(people.len());
    std::thread::scope(|scope| {
        let clients: Vec<_> = people
            .iter()
            .enumerate()
            .map(|(number, person)| {
                let (start, request) = (&start, &request);
                scope.spawn(move || {
                    let agent = agent();
                    let opened = http(&agent, "GET", &format!("{url}/health"), "", "");
                    assert_eq!(opened.unwrap().0, 200);
                    let (method, path, body) = request(number, person);
                    start.wait();
                    http(
                        &agent,
                        method,
                        &format!("{url}{path}"),
                        &person.token,
                        &body.to_string(),
                    )
                    .unwrap()
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    })
}

fn count(answers: &[(u16, Value)], status: u16, code: &str) -> usize {
    answers
        .iter()
        .filter(|(got, body)| *got == status && body["code"].as_str().unwrap_or_default() == code)
        .count()
}

pub(crate) fn number(database: &rusqlite::Connection, sql: &str) -> i64 {
    database.query_row(sql, [], |row| row.get(0)).unwrap()
}

pub(crate) fn database(data: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(data.join("saryno.db")).unwrap()
}

#[test]
fn sixty_four_clients_opening_one_dm_from_both_sides_leave_one_channel_for_each_of_200_pairs() {
    const CLIENTS: usize = 64;
    let (_directory, data) = directory();
    let people = people(&data, 400);
    let pairs: Vec<_> = people.chunks_exact(2).collect();
    let server = Binary::start(&data);
    let start = Barrier::new(CLIENTS);

    let opened: Vec<Vec<String>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (start, pairs, url) =
                    (&start, &pairs, format!("{}/users/@me/channels", server.url));
                scope.spawn(move || {
                    let agent = agent();
                    let open = |pair: &&[Person]| {
                        let (me, other) = (&pair[client % 2], &pair[1 - client % 2]);
                        let body = json!({"type": 2, "recipient_id": other.id}).to_string();
                        start.wait();
                        let answer = http(&agent, "POST", &url, &me.token, &body);
                        // Judged after the last barrier: a client that panics here would leave the others waiting.
                        (other.id.clone(), answer)
                    };
                    let answers: Vec<_> = pairs.iter().map(open).collect();
                    answers
                        .into_iter()
                        .map(|(other, answer)| {
                            let (status, channel) = answer.unwrap();
                            assert_eq!(status, 200, "{channel}");
                            assert_eq!(channel["type"], 2);
                            assert_eq!(channel["recipient_ids"], json!([other]));
                            channel["id"].as_str().unwrap().to_owned()
                        })
                        .collect()
                })
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });

    assert!(opened.iter().all(|ids| *ids == opened[0]));
    let different: HashSet<_> = opened[0].iter().collect();
    assert_eq!(different.len(), 200);
    assert!(server.terminate().success());
    let database = database(&data);
    let rows: HashSet<String> = database
        .prepare("SELECT CAST(id AS TEXT) FROM channels")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.iter().collect::<HashSet<_>>(), different);
    let participants = "SELECT count(*) FROM participants";
    assert_eq!(number(&database, participants), 400);
}

#[test]
fn of_200_clients_that_take_one_tag_at_once_one_gets_it() {
    let (_directory, data) = directory();
    let people = people(&data, 200);
    let server = Binary::start(&data);
    let answers = at_once(&server.url, &people, |_, _| {
        let body = json!({"username": "Coveted", "discriminator": "0001"});
        ("PATCH", "/users/@me".to_owned(), body)
    });
    assert_eq!(count(&answers, 200, ""), 1, "{answers:?}");
    assert_eq!(count(&answers, 409, "tag_taken"), 199, "{answers:?}");
    let winner = answers.iter().position(|answer| answer.0 == 200).unwrap();
    let (status, found) = http(
        &agent(),
        "GET",
        &format!("{}/users?tag=coveted%230001", server.url),
        &people[0].token,
        "",
    )
    .unwrap();
    assert_eq!((status, &found), (200, &answers[winner].1));
    assert_eq!(found["id"], people[winner].id);
}

#[test]
fn of_100_who_rename_themselves_at_once_to_a_name_with_50_free_discriminators_50_get_one() {
    let (_directory, data) = directory();
    let people = people(&data, 100);
    let name: Username = "Crowd".parse().unwrap();
    let crowd = database(&data);
    // Every 199th of the 9,999 stays free: 50 of them.
    let sql = "WITH RECURSIVE n(d) AS (SELECT 1 UNION ALL SELECT d + 1 FROM n WHERE d < 9999)
        INSERT INTO users (id, username, username_key, discriminator) SELECT d, ?1, ?2, d FROM n WHERE d % 199 <> 0";
    assert_eq!(
        crowd.execute(sql, [name.as_str(), name.key()]).unwrap(),
        9_949
    );
    drop(crowd);
    let server = Binary::start(&data);
    let answers = at_once(&server.url, &people, |_, _| {
        let body = json!({"username": "Crowd"});
        ("PATCH", "/users/@me".to_owned(), body)
    });
    assert_eq!(count(&answers, 200, ""), 50, "{answers:?}");
    assert_eq!(count(&answers, 409, "username_full"), 50, "{answers:?}");
    let given: HashSet<u16> = answers
        .iter()
        .filter(|answer| answer.0 == 200)
        .map(|(_, user)| user["discriminator"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(
        given,
        (1..=9_999).filter(|number| number % 199 == 0).collect()
    );
    assert!(server.terminate().success());
    let tags = "SELECT count(DISTINCT discriminator) FROM users WHERE username_key = 'crowd'";
    assert_eq!(number(&database(&data), tags), 9_999);
}

#[test]
fn of_50_additions_to_a_group_at_once_as_many_succeed_as_there_is_room() {
    let (_directory, data) = directory();
    let people = people(&data, 53);
    let server = Binary::start(&data);
    let (inside, outside) = people.split_at(3);
    let body = json!({"type": 3, "recipient_ids": [inside[1].id, inside[2].id]});
    let (status, group) = http(
        &agent(),
        "POST",
        &format!("{}/users/@me/channels", server.url),
        &inside[0].token,
        &body.to_string(),
    )
    .unwrap();
    assert_eq!(status, 200, "{group}");
    let group = group["id"].as_str().unwrap();
    let asking: Vec<Person> = (0..50)
        .map(|number| Person {
            id: inside[number % 3].id.clone(),
            token: inside[number % 3].token.clone(),
        })
        .collect();
    let answers = at_once(&server.url, &asking, |number, _| {
        let added = &outside[number].id;
        let path = format!("/channels/{group}/recipients/{added}");
        ("PUT", path, json!({}))
    });
    let added = answers.iter().filter(|answer| answer.0 == 204).count();
    assert_eq!(added, 7, "{answers:?}");
    assert_eq!(count(&answers, 400, "invalid_request"), 43, "{answers:?}");
    assert!(server.terminate().success());
    let people = format!("SELECT count(*) FROM participants WHERE channel_id = {group}");
    assert_eq!(number(&database(&data), &people), 10);
}

#[test]
fn a_second_server_on_a_served_directory_says_that_there_is_one_and_leaves_it_alone() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let log = data.with_extension("second");
    let errors = std::fs::File::create(&log).unwrap();
    let mut second = saryno(&data, &["serve", "--port", "0"])
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .unwrap();
    // A second one that did start would say so and go on for ever: it is ended before anything is asserted.
    let mut line = String::new();
    let listening = BufReader::new(second.stdout.take().unwrap()).read_line(&mut line);
    if listening.unwrap() > 0 {
        second.kill().unwrap();
    }
    let status = second.wait().unwrap();
    assert_eq!((status.code(), line.as_str()), (Some(1), ""));
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("already"), "{said}");
    let ready = http(&agent(), "GET", &format!("{}/ready", server.url), "", "");
    assert_eq!(ready.unwrap().0, 200);
}

#[test]
fn a_signal_that_comes_as_soon_as_a_server_says_where_it_listens_ends_it_in_order() {
    let (_directory, data) = directory();
    for _ in 0..40 {
        let ended = Binary::start(&data).terminate();
        assert_eq!(ended.code(), Some(0), "{ended}");
        assert!(!data.join("saryno.db-wal").exists());
    }
}
