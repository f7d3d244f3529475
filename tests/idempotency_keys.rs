//! What is a key, whose it is, and what else it meets: many at once, things that changed since, accounts that are gone (contract,
//! section 1, "Idempotency").

use futures::future::join_all;
use rocket::http::Method::{Delete, Get, Patch, Post, Put};
use serde_json::{Value, json};

use crate::account_desk::{headers, resident, session};
use crate::channels::id;
use crate::desk::{PASSWORD, send};
use crate::once::{World, is_replayed, replays};
use crate::operate::Operate;
use crate::support::failure;

const KEY: &str = "8e03978e-40d5-43e8-bc93-6894a57f9324";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_refused_with_a_sentence_and_makes_nothing() {
    let world = World::new().await;
    let makings = world.makings().await;
    let before = world.rows();
    let long = "x".repeat(256);
    for keys in [
        &[""][..],
        &[&long],
        &["a b"],
        &["é"],
        &["a\tb"],
        &["\u{7f}"],
        &["one", "two"],
        &["one", "one"],
        &["", "one"],
    ] {
        for making in &makings {
            let answer = world
                .send_with(&world.me, Post, &making.path, keys, &making.body)
                .await;
            assert_eq!(
                answer.fails(),
                failure(400, "invalid_request"),
                "{keys:?} {}",
                making.path
            );
            let message = answer.json()["message"].as_str().unwrap().to_owned();
            assert!(message.contains("Idempotency-Key"), "{message}");
        }
    }
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_up_to_255_visible_ascii_characters_whichever() {
    let world = World::new().await;
    let body = json!({"name": "Garden"});
    let all: String = (0x21..=0x7e_u8).map(char::from).collect();
    for key in [
        &all,
        &"x".repeat(255),
        "x",
        "'; DROP TABLE users; --",
        "{\"a\":1}",
    ] {
        let key = key.replace(' ', "_");
        let first = world
            .send(&world.me, Post, "/communities", &key, &body)
            .await;
        first.expect(201);
        replays(
            &world
                .send(&world.me, Post, "/communities", &key, &body)
                .await,
            &first,
        );
    }
    assert_eq!(world.count("communities"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_32_at_once_with_one_key_one_makes_something_and_all_get_its_answer() {
    let world = World::new().await;
    for (number, making) in world.makings().await.iter().enumerate() {
        let key = format!("key-{number}");
        let there = world.count(making.table);
        let answers = join_all((0..32).map(|_| world.make(making, &key))).await;
        let first: Vec<_> = answers
            .iter()
            .filter(|answer| !is_replayed(answer))
            .collect();
        assert_eq!(first.len(), 1, "{}", making.path);
        first[0].expect(making.status);
        for answer in answers.iter().filter(|answer| is_replayed(answer)) {
            replays(answer, first[0]);
        }
        assert_eq!(world.count(making.table), there + 1);
    }
    assert_eq!(world.count("idempotency_keys"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_of_the_thing_since_changes_nothing_of_a_replay() {
    let world = World::new().await;
    let (server, me) = (&world.server, &world.me);
    let makings = world.makings().await;
    let mut firsts = Vec::new();
    for (number, making) in makings.iter().enumerate() {
        firsts.push(world.make(making, &format!("key-{number}")).await);
    }
    let [dm, group, garden, code, joined] =
        [0, 1, 2, 3, 4].map(|number: usize| firsts[number].json());
    server
        .delete(&format!("/channels/{}", id(&dm)), me)
        .await
        .expect(204);
    server
        .patch(
            &format!("/channels/{}", id(&group)),
            me,
            &json!({"name": "Tea"}),
        )
        .await
        .expect(200);
    server
        .delete(&format!("/communities/{}", id(&garden)), me)
        .await
        .expect(204);
    server
        .delete(&format!("/invites/{}", code["code"].as_str().unwrap()), me)
        .await
        .expect(204);
    server
        .delete(&format!("/users/@me/communities/{}", id(&joined)), me)
        .await
        .expect(204);
    server
        .patch(
            "/users/@me",
            &world.others[0],
            &json!({"username": "Renamed"}),
        )
        .await
        .expect(200);
    let before = world.rows();
    for (number, (making, first)) in makings.iter().zip(&firsts).enumerate() {
        replays(&world.make(making, &format!("key-{number}")).await, first);
    }
    // The DM stays hidden, and who left is out.
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_and_paths_know_no_key() {
    let world = World::new().await;
    let (server, me) = (&world.server, &world.me);
    let ada = resident(server, "Ada", 1).await;
    let long = "x".repeat(256);
    let log_in = json!({"tag": "Ada#0001", "password": PASSWORD});
    let name = |name: &str| json!({"username": name});
    for key in [KEY, &long, ""] {
        let mut tokens = Vec::new();
        for turn in ["One", "Two"] {
            let answer = world.send(me, Patch, "/users/@me", key, &name(turn)).await;
            assert_eq!(answer.expect(200)["username"], *turn);
            let block = format!("/users/@me/blocks/{}", ada.id());
            world
                .send(me, Put, &block, key, &Value::Null)
                .await
                .expect(204);
            world
                .send(me, Get, &block, key, &Value::Null)
                .await
                .expect(204);
            world
                .send(me, Delete, &block, key, &Value::Null)
                .await
                .expect(204);
            let entered = world.send(me, Post, "/auth/login", key, &log_in).await;
            assert!(!is_replayed(&entered));
            tokens.push(entered.expect(200)["token"].clone());
        }
        assert_ne!(tokens[0], tokens[1]);
    }
    assert_eq!(world.count("idempotency_keys"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_account_page_a_join_is_done_once_too() {
    let world = World::new().await;
    let [.., join] = world.makings().await;
    let cookie = session(&world.server, &world.me).await;
    let mut headers = headers(Some(&cookie));
    headers.push(("Idempotency-Key", KEY.to_owned()));
    let path = format!("/account/api{}", join.path);
    let first = send(&world.server, Post, &path, &headers, None).await;
    first.expect(200);
    assert!(!is_replayed(&first));
    replays(
        &send(&world.server, Post, &path, &headers, None).await,
        &first,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_leaves_no_key_behind_and_a_disabled_one_gets_no_replay() {
    let world = World::new().await;
    let body = json!({"name": "Garden"});
    let [a, b, ..] = &world.others;
    for by in [a, b, &world.me] {
        world
            .send(by, Post, "/communities", KEY, &body)
            .await
            .expect(201);
    }
    world.server.store.delete_user(a.user.id).await.unwrap();
    assert_eq!(world.count("idempotency_keys"), 2);
    let again = world.send(a, Post, "/communities", KEY, &body).await;
    assert_eq!(again.fails(), failure(401, "unauthorized"));
    world
        .server
        .store
        .set_disabled(b.user.id, true)
        .await
        .unwrap();
    let again = world.send(b, Post, "/communities", KEY, &body).await;
    assert_eq!(again.fails(), failure(403, "account_disabled"));
    let revoked = world
        .server
        .post("/auth/logout", &world.me, &json!({}))
        .await;
    revoked.expect(204);
    let again = world
        .send(&world.me, Post, "/communities", KEY, &body)
        .await;
    assert_eq!(again.fails(), failure(401, "unauthorized"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_that_stood_already_is_asked_for_once_too() {
    let world = World::new().await;
    let [dm, ..] = world.makings().await;
    let standing = world.server.post(&dm.path, &world.me, &dm.body).await;
    let first = world.make(&dm, KEY).await;
    assert!(!is_replayed(&first));
    assert_eq!(first.expect(200), standing.expect(200));
    let path = format!("/channels/{}", id(&standing.json()));
    world.server.delete(&path, &world.me).await.expect(204);
    let before = world.rows();
    replays(&world.make(&dm, KEY).await, &first);
    assert_eq!(world.rows(), before, "it is shown again");
}
