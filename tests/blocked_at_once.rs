//! A block and what it forbids, asked for at the same moment over real sockets: one comes first, and nothing lies between.

use serde_json::{Value, json};

use crate::executable::{Binary, agent, http};
use crate::races::{Person, at_once, database, directory, number, people};

/// A server, and for each of 50 races three people: who blocks, who is blocked, and somebody else.
fn races(race: impl Fn(&Binary, usize, &[Person])) -> rusqlite::Connection {
    let (_directory, data) = directory();
    let people = people(&data, 150);
    let server = Binary::start(&data);
    for (round, people) in people.chunks_exact(3).enumerate() {
        race(&server, round, people);
    }
    assert!(server.terminate().success());
    let database = database(&data);
    assert_eq!(number(&database, "SELECT count(*) FROM blocks"), 50);
    database
}

type Asked = (&'static str, String, Value);

fn block(whom: &Person) -> Asked {
    let path = format!("/users/@me/blocks/{}", whom.id);
    ("PUT", path, json!({}))
}

fn open(body: Value) -> Asked {
    ("POST", "/users/@me/channels".to_owned(), body)
}

fn ask(server: &Binary, by: &Person, (method, path, body): Asked) -> (u16, Value) {
    let url = format!("{}{path}", server.url);
    http(&agent(), method, &url, &by.token, &body.to_string()).unwrap()
}

fn shown(server: &Binary, to: &Person) -> Vec<Value> {
    let (status, list) = ask(
        server,
        to,
        ("GET", "/users/@me/channels".to_owned(), json!({})),
    );
    assert_eq!(status, 200, "{list}");
    list.as_array().unwrap().clone()
}

/// Who blocks and who is blocked: the first two, in turn.
fn roles(round: usize, people: &[Person]) -> (&Person, &Person) {
    (&people[round % 2], &people[1 - round % 2])
}

/// What is answered to what a block forbids, asked for at once with it.
fn race(server: &Binary, round: usize, people: &[Person], forbidden: &Asked) -> (u16, Value) {
    let (blocker, blocked) = (round % 2, 1 - round % 2);
    let mut answers = at_once(&server.url, &people[..2], |place, _| {
        if place == blocker {
            block(&people[blocked])
        } else {
            forbidden.clone()
        }
    });
    assert_eq!(answers[blocker].0, 204, "{:?}", answers[blocker]);
    answers.remove(blocked)
}

/// Either what was opened stands, or it was refused and there is none; and from now on it is as it was decided.
fn assert_decided(server: &Binary, blocker: &Person, answer: &(u16, Value)) -> bool {
    let there = shown(server, blocker);
    match answer.0 {
        200 | 204 => assert_eq!(there.len(), 1, "{there:?}"),
        403 => assert_eq!((&answer.1["code"], there.len()), (&json!("blocked"), 0)),
        other => panic!("{other} {}", answer.1),
    }
    answer.0 != 403
}

#[test]
fn of_a_block_and_a_dm_at_once_the_dm_is_refused_or_stands() {
    let database = races(|server, round, people| {
        let (blocker, blocked) = roles(round, people);
        let dm = open(json!({"type": 2, "recipient_id": blocker.id}));
        let answer = race(server, round, people, &dm);
        let stands = assert_decided(server, blocker, &answer);
        // The block was answered: what is not there by now does not come, and what is stays.
        let again = ask(server, blocked, dm);
        assert_eq!(assert_decided(server, blocker, &again), stands);
    });
    let halves = "SELECT count(*) FROM (SELECT channel_id FROM participants GROUP BY channel_id HAVING count(*) <> 2)";
    assert_eq!(number(&database, halves), 0);
    let empty =
        "SELECT count(*) FROM channels WHERE id NOT IN (SELECT channel_id FROM participants)";
    assert_eq!(number(&database, empty), 0);
}

#[test]
fn of_a_block_and_a_group_at_once_the_group_is_refused_or_stands() {
    let database = races(|server, round, people| {
        let (blocker, blocked) = roles(round, people);
        let group = open(json!({"type": 3, "recipient_ids": [blocker.id, people[2].id]}));
        let answer = race(server, round, people, &group);
        assert_decided(server, blocker, &answer);
        // A group is a new one each time, so the next one is refused in any case.
        let again = ask(server, blocked, group);
        assert_eq!((again.0, &again.1["code"]), (403, &json!("blocked")));
        assert_decided(server, blocker, &answer);
    });
    let others = "SELECT count(*) FROM (SELECT channel_id FROM participants GROUP BY channel_id HAVING count(*) <> 3)";
    assert_eq!(number(&database, others), 0);
}

#[test]
fn of_a_block_and_an_addition_to_a_group_at_once_the_addition_is_refused_or_stands() {
    let database = races(|server, round, people| {
        let (blocker, blocked) = roles(round, people);
        let us = json!({"type": 3, "recipient_ids": [blocker.id, people[2].id]});
        let (status, group) = ask(server, blocked, open(us));
        assert_eq!(status, 200, "{group}");
        let channel = format!("/channels/{}", group["id"].as_str().unwrap());
        let left = ask(server, blocker, ("DELETE", channel.clone(), json!({})));
        assert_eq!(left.0, 204);
        let recipient = format!("{channel}/recipients/{}", blocker.id);
        let add: Asked = ("PUT", recipient, json!({}));
        let answer = race(server, round, people, &add);
        let stands = assert_decided(server, blocker, &answer);
        // Who is in already is no addition; who is not, or leaves, is not brought in any more.
        let again = ask(server, blocked, add.clone());
        assert_eq!(assert_decided(server, blocker, &again), stands);
        if stands {
            let left = ask(server, blocker, ("DELETE", channel, json!({})));
            assert_eq!(left.0, 204);
        }
        assert_eq!(ask(server, blocked, add).0, 403);
    });
    let people = "SELECT count(*) FROM (SELECT channel_id FROM participants GROUP BY channel_id HAVING count(*) <> 2)";
    assert_eq!(number(&database, people), 0);
}
