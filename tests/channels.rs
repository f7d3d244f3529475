//! DMs and groups over HTTP (contract, sections 2 to 4).

use futures::future::join_all;
use serde_json::{Value, json};

use crate::groups::ask_group;
use crate::operate::Operate;
use crate::support::{Account, Answer, Server, failure};

pub(crate) const CHANNELS: &str = "/users/@me/channels";

/// Accounts with ascending ids.
pub(crate) async fn people<const N: usize>(server: &Server) -> [Account; N] {
    let mut made = Vec::new();
    for _ in 0..N {
        made.push(server.account("Person").await);
    }
    <[Account; N]>::try_from(made).ok().unwrap()
}

pub(crate) fn ids(list: &Value) -> Vec<String> {
    let id = |entry: &Value| entry["id"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(id).collect()
}

pub(crate) fn id(object: &Value) -> String {
    object["id"].as_str().unwrap().to_owned()
}

/// The path of the next page, if one is announced.
pub(crate) fn next(answer: &Answer) -> Option<String> {
    let link = answer.header("Link")?.strip_prefix('<').unwrap();
    Some(link.strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// The ids on every page from this one to the end.
pub(crate) async fn pages(server: &Server, by: &Account, path: &str) -> Vec<Vec<String>> {
    let (mut found, mut path) = (Vec::new(), Some(path.to_owned()));
    while let Some(page) = path {
        let answer = server.get(&page, by).await;
        found.push(ids(&answer.expect(200)));
        path = next(&answer);
        assert!(found.len() < 100, "no end");
    }
    found
}

pub(crate) async fn ask(server: &Server, by: &Account, with: &Account) -> Answer {
    let body = json!({"recipient_id": with.id(), "type": 2});
    server.post(CHANNELS, by, &body).await
}

pub(crate) async fn dm(server: &Server, by: &Account, with: &Account) -> String {
    id(&ask(server, by, with).await.expect(200))
}

/// A group's path.
pub(crate) async fn group(server: &Server, by: &Account, with: &[&Account]) -> String {
    let group = ask_group(server, by, with).await.expect(200);
    format!("/channels/{}", id(&group))
}

pub(crate) async fn shown(server: &Server, to: &Account) -> Vec<String> {
    ids(&server.get(CHANNELS, to).await.expect(200))
}

pub(crate) fn count(server: &Server, sql: &str) -> i64 {
    server
        .database()
        .query_row(sql, [], |row| row.get(0))
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_is_the_same_one_whoever_asks_and_however_often() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let channel = dm(&server, &a, &b).await;
    for (by, with) in [(&b, &a), (&a, &b), (&b, &a)] {
        let seen = ask(&server, by, with).await;
        let shape = json!({"id": channel, "type": 2, "recipient_ids": [with.id()], "recipients": [with.user]});
        assert_eq!(seen.expect(200), shape);
        assert_eq!(seen.text(), shape.to_string(), "the order of the fields");
        let path = format!("/channels/{channel}");
        assert_eq!(server.get(&path, by).await.text(), shape.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_is_with_somebody_else_who_exists() {
    let server = Server::start().await;
    let [a, gone] = people(&server).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    for (to, code) in [
        (a.id(), "self"),
        ("1".into(), "unknown_user"),
        (gone.id(), "unknown_user"),
    ] {
        let body = json!({"recipient_id": to, "type": 2});
        let answer = server.post(CHANNELS, &a, &body).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"));
        assert_eq!(
            answer.faults(),
            [("recipient_id".to_owned(), code.to_owned())]
        );
    }
    assert_eq!(count(&server, "SELECT count(*) FROM channels"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_that_stands_survives_the_other_ones_account() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let channel = dm(&server, &a, &b).await;
    server.store.delete_user(b.user.id).await.unwrap();
    let tombstone = json!([{"id": b.id(), "username": "Deleted User", "discriminator": "0000", "avatar": null, "flags": []}]);
    let path = format!("/channels/{channel}");
    let now = server.get(&path, &a).await.expect(200);
    assert_eq!(now["recipients"], tombstone);
    let now = server.get(CHANNELS, &a).await.expect(200);
    assert_eq!(now[0]["recipients"], tombstone);
    server.delete(&path, &a).await.expect(204);
    assert_eq!(dm(&server, &a, &b).await, channel);
    assert_eq!(shown(&server, &a).await, [channel]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_can_be_written_to() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    server.store.set_disabled(b.user.id, true).await.unwrap();
    let channel = ask(&server, &a, &b).await.expect(200);
    assert_eq!(channel["recipient_ids"], json!([b.id()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_dm_hides_it_from_the_requester_alone() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let channel = dm(&server, &a, &b).await;
    let path = format!("/channels/{channel}");
    for _ in 0..2 {
        assert!(server.delete(&path, &a).await.expect(204).is_null());
        assert!(shown(&server, &a).await.is_empty());
        assert_eq!(shown(&server, &b).await, std::slice::from_ref(&channel));
        assert_eq!(id(&server.get(&path, &a).await.expect(200)), channel);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn either_side_brings_a_hidden_dm_back_for_both() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let channel = dm(&server, &a, &b).await;
    let path = format!("/channels/{channel}");
    for (by, with) in [(&a, &b), (&b, &a)] {
        server.delete(&path, &a).await.expect(204);
        server.delete(&path, &b).await.expect(204);
        assert_eq!(dm(&server, by, with).await, channel);
        assert_eq!(shown(&server, &a).await, std::slice::from_ref(&channel));
        assert_eq!(shown(&server, &b).await, std::slice::from_ref(&channel));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_number_of_simultaneous_requests_leave_one_dm() {
    let server = Server::start().await;
    for pair in 1..=20 {
        let [a, b] = people(&server).await;
        let requests = (0..64).map(|turn| match turn % 2 {
            0 => ask(&server, &a, &b),
            _ => ask(&server, &b, &a),
        });
        let answers = join_all(requests).await;
        let channel = dm(&server, &a, &b).await;
        for answer in answers {
            assert_eq!(id(&answer.expect(200)), channel);
        }
        assert_eq!(count(&server, "SELECT count(*) FROM channels"), pair);
        let sql = format!("SELECT count(*) FROM participants WHERE channel_id = {channel}");
        assert_eq!(count(&server, &sql), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_newest_first_and_every_page_leads_to_the_next() {
    let server = Server::start().await;
    let [a, b, c, d, e] = people(&server).await;
    let mut made = Vec::new();
    for with in [&b, &c, &d, &e] {
        made.insert(0, dm(&server, &a, with).await);
        let group = ask_group(
            &server,
            with,
            &[&a, if with.id() == b.id() { &c } else { &b }],
        )
        .await;
        made.insert(0, id(&group.expect(200)));
    }
    assert_eq!(pages(&server, &a, CHANNELS).await, [made.clone()]);
    for (limit, count) in [(3, 3), (4, 2), (8, 1), (1, 8)] {
        let found = pages(&server, &a, &format!("{CHANNELS}?limit={limit}")).await;
        assert_eq!((found.len(), found.concat()), (count, made.clone()));
    }
    let pinned = server.get(&format!("/v1{CHANNELS}?limit=3"), &a).await;
    assert!(
        next(&pinned)
            .unwrap()
            .starts_with("/v1/users/@me/channels?")
    );
    let found = pages(&server, &a, &format!("/v1{CHANNELS}?limit=3")).await;
    assert_eq!(found.concat(), made);
    let before = pages(
        &server,
        &a,
        &format!("{CHANNELS}?limit=2&before={}", made[3]),
    )
    .await;
    assert_eq!(before, [&made[4..6], &made[6..]]);
    let after = pages(
        &server,
        &a,
        &format!("{CHANNELS}?limit=2&after={}", made[3]),
    )
    .await;
    assert_eq!(after, [&made[1..3], &made[..1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_out_of_range_is_refused() {
    let server = Server::start().await;
    let a = server.account("Person").await;
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=-1",
        "before=1&after=2",
        "before=01",
        "after=x",
    ] {
        let answer = server.get(&format!("{CHANNELS}?{query}"), &a).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"), "{query}");
    }
    server
        .get(&format!("{CHANNELS}?limit=1000"), &a)
        .await
        .expect(200);
}
