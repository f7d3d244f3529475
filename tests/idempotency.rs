//! A request with an `Idempotency-Key` is done once (contract, section 1, "Idempotency").

use rocket::http::Method::Post;
use serde_json::{Value, json};

use crate::channels::{CHANNELS, id};
use crate::communities::{community, invite};
use crate::once::{World, is_replayed, replays};
use crate::support::{Server, failure};
use crate::tally::limits;

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_with_the_same_key_gets_the_first_answer_and_makes_nothing_again() {
    let world = World::new().await;
    for (number, making) in world.makings().await.iter().enumerate() {
        let key = format!("key-{number}");
        let there = world.count(making.table);
        let first = world.make(making, &key).await;
        first.expect(making.status);
        assert!(!is_replayed(&first));
        assert_eq!(world.count(making.table), there + 1, "{}", making.path);
        let before = world.rows();
        for _ in 0..3 {
            replays(&world.make(making, &key).await, &first);
            assert_eq!(world.rows(), before, "{}", making.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_or_with_another_it_is_another_request() {
    let world = World::new().await;
    let [_, group, community, invite, _] = world.makings().await;
    for making in [group, community, invite] {
        let key = |word: &str| format!("{word} of {}", making.path).replace(' ', "-");
        let first = world.make(&making, &key("one")).await;
        let first = first.expect(making.status);
        let second = world.make(&making, &key("two")).await;
        assert!(!is_replayed(&second));
        assert_ne!(second.expect(making.status), first);
        let third = world
            .server
            .post(&making.path, &world.me, &making.body)
            .await;
        assert!(!is_replayed(&third));
        assert_ne!(third.expect(making.status), first);
        // A key is as it is written.
        let fourth = world.make(&making, &key("ONE")).await;
        assert!(!is_replayed(&fourth));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_another_body_or_at_another_path_is_a_conflict_and_makes_nothing() {
    let world = World::new().await;
    let makings = world.makings().await;
    let conflict = failure(409, "idempotency_conflict");
    for (number, making) in makings.iter().enumerate() {
        let key = format!("key-{number}");
        let first = world.make(making, &key).await;
        first.expect(making.status);
        let before = world.rows();
        let others = makings
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number);
        for (_, other) in others {
            assert_eq!(
                world.make(other, &key).await.fails(),
                conflict,
                "{} {}",
                making.path,
                other.path
            );
        }
        // The same for a machine that reads JSON is not the same bytes.
        let spaced = format!(" {}", making.body);
        let headers = [
            ("Authorization", format!("Bearer {}", world.me.token)),
            ("Idempotency-Key", key.clone()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value));
        if making.table != "members" {
            let answer = world
                .server
                .send(Post, &making.path, &headers, Some(spaced.as_bytes()))
                .await;
            assert_eq!(answer.fails(), conflict, "{}", making.path);
        }
        assert_eq!(world.rows(), before);
        replays(&world.make(making, &key).await, &first);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_body_at_another_path_is_another_request() {
    let world = World::new().await;
    let (server, me, owner) = (&world.server, &world.me, &world.others[0]);
    let mut paths = Vec::new();
    for _ in 0..2 {
        paths.push(format!("{}/invites", community(server, me).await));
        let place = community(server, owner).await;
        paths.push(invite(server, owner, &place, &json!({})).await);
    }
    let [make, join, make_there, join_there] = <[String; 4]>::try_from(paths).unwrap();
    for (key, here, there, body) in [
        ("make", make, make_there, json!({})),
        ("join", join, join_there, Value::Null),
    ] {
        let first = world.send(me, Post, &here, key, &body).await;
        assert!([200, 201].contains(&first.status), "{}", first.text());
        let before = world.rows();
        let other = world.send(me, Post, &there, key, &body).await;
        assert_eq!(other.fails(), failure(409, "idempotency_conflict"));
        assert_eq!(world.rows(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_of_another_account_is_its_own() {
    let world = World::new().await;
    let [a, b, c, d] = &world.others;
    let place = community(&world.server, d).await;
    let code = invite(&world.server, d, &place, &json!({})).await;
    for (path, body) in [
        (CHANNELS, json!({"type": 2, "recipient_id": d.id()})),
        (
            CHANNELS,
            json!({"type": 3, "recipient_ids": [c.id(), d.id()]}),
        ),
        ("/communities", json!({"name": "Garden"})),
        (&code, Value::Null),
    ] {
        let key = format!("{path}{}", body["type"]);
        let mut made = Vec::new();
        for by in [a, b] {
            let first = world.send(by, Post, path, &key, &body).await;
            assert!(!is_replayed(&first), "{path}");
            assert!([200, 201].contains(&first.status), "{path}");
            replays(&world.send(by, Post, path, &key, &body).await, &first);
            made.push(id(&first.json()));
        }
        // Of a community that both join there is one.
        assert_eq!(made[0] == made[1], path == code, "{path}");
    }
    assert_eq!(world.count("members"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_failed_keeps_no_key_and_may_succeed_later() {
    let world = World::new().await;
    let [a, b, ..] = &world.others;
    let [dm, group, garden, _, join] = world.makings().await;
    let blocks = format!("/users/@me/blocks/{}", world.me.id());
    world.server.put(&blocks, a).await.expect(204);
    for making in [&dm, &group] {
        assert_eq!(
            world
                .make(making, making.body["type"].to_string().as_str())
                .await
                .fails(),
            failure(403, "blocked")
        );
    }
    world.server.delete(&blocks, a).await.expect(204);
    for making in [&dm, &group] {
        let answer = world
            .make(making, making.body["type"].to_string().as_str())
            .await;
        assert!(!is_replayed(&answer));
        answer.expect(200);
    }
    let wrong = world
        .send(
            &world.me,
            Post,
            "/communities",
            "garden",
            &json!({"name": ""}),
        )
        .await;
    assert_eq!(wrong.fails(), failure(400, "invalid_request"));
    world.make(&garden, "garden").await.expect(201);

    world
        .server
        .post(&join.path, &world.me, &json!({}))
        .await
        .expect(200);
    assert_eq!(
        world.make(&join, "join").await.fails(),
        failure(409, "already_member")
    );
    let mine = world
        .server
        .get("/users/@me/communities?limit=200", &world.me)
        .await
        .expect(200);
    let other = mine
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["owner_id"] == a.id())
        .unwrap();
    world
        .server
        .delete(&format!("/users/@me/communities/{}", id(other)), &world.me)
        .await
        .expect(204);
    world.make(&join, "join").await.expect(200);

    let place = community(&world.server, b).await;
    let path = format!("{place}/invites");
    let stranger = world
        .send(&world.me, Post, &path, "invite", &json!({}))
        .await;
    assert_eq!(stranger.fails(), failure(404, "unknown_community"));
    let code = invite(&world.server, b, &place, &json!({})).await;
    world
        .server
        .post(&code, &world.me, &json!({}))
        .await
        .expect(200);
    world
        .server
        .patch(&place, b, &json!({"owner_id": world.me.id()}))
        .await
        .expect(200);
    world
        .send(&world.me, Post, &path, "invite", &json!({}))
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_costs_no_new_channel_and_a_refused_channel_no_key() {
    let one = limits(|limits| limits.new_channels_per_10_minutes = 1);
    let world = World::over(Server::start_with(&one).await).await;
    let [dm, group, ..] = world.makings().await;
    let first = world.make(&group, "group").await;
    first.expect(200);
    for _ in 0..3 {
        replays(&world.make(&group, "group").await, &first);
    }
    let before = world.rows();
    assert_eq!(
        world.make(&dm, "dm").await.fails(),
        failure(429, "rate_limited")
    );
    assert_eq!(world.rows(), before);
    assert_eq!(world.count("idempotency_keys"), 1);
    replays(&world.make(&group, "group").await, &first);
}
