//! What counts only once it has succeeded: renames and new channels, in the store (contract, section 1, "Rate limits").

use std::time::Duration;

use futures::future::join_all;
use rocket::http::Method::Patch;
use saryno::config::Config;
use serde_json::{Value, json};

use crate::account_desk::Home;
use crate::avatars::wear;
use crate::channels::{CHANNELS, ask, count, dm, people};
use crate::desk::{Desk, rows};
use crate::executable::{Binary, agent, http};
use crate::groups::ask_group;
use crate::operate::Operate;
use crate::painting::picture;
use crate::races;
use crate::support::{Account, Answer, Server, failure};
use crate::tally::refused;

const HOUR: Duration = Duration::from_hours(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const MINUTE: Duration = Duration::from_mins(1);

async fn start() -> Server {
    Server::start_with(&Config::default()).await
}

async fn change(server: &Server, by: &Account, body: Value) -> Answer {
    server.patch("/users/@me", by, &body).await
}

/// Refused with nothing done; who waits as long as this comes in again, and not much earlier.
#[track_caller]
fn waits(answer: &Answer, bucket: &str, limit: u32, wait: Duration) {
    let told = refused(answer, bucket, limit, wait);
    assert!(told + MINUTE > wait, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_changes_twice_an_hour_and_what_else_a_third_change_says_does_not_happen_either() {
    let home = Home::over(start().await).await;
    let (server, me) = (&home.server, &home.me);
    let other = server.account("Other").await;
    change(server, me, json!({"username": "Bob"}))
        .await
        .expect(200);
    let body = json!({"discriminator": "0042"});
    home.call(Patch, "/users/@me", &body).await.expect(200);
    let before = rows(&server.database());
    for body in [
        json!({"username": "Cy"}),
        json!({"discriminator": "0043"}),
        json!({"username": "Cy", "discriminator": "0043", "avatar": picture(1)}),
    ] {
        waits(&change(server, me, body.clone()).await, "renames", 2, HOUR);
        waits(
            &home.call(Patch, "/users/@me", &body).await,
            "renames",
            2,
            HOUR,
        );
        assert_eq!(rows(&server.database()), before, "{body}");
    }
    // The rest of what they may change, they may; and so may others.
    wear(server, me, &json!(picture(1))).await.expect(200);
    change(server, &other, json!({"username": "Cy"}))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_no_tag_costs_no_change() {
    let server = start().await;
    let me = server.account_of("Ada", 1).await;
    server.account_of("Bob", 2).await;
    for _ in 0..3 {
        for (body, status) in [
            (json!({"username": "Ada"}), 200),
            (json!({"username": " Ada ", "discriminator": "0001"}), 200),
            (json!({"discriminator": "0001", "avatar": picture(1)}), 200),
            (json!({"avatar": null}), 200),
            (json!({}), 200),
            (json!({"username": "bob", "discriminator": "0002"}), 409),
            (json!({"username": ""}), 400),
            (json!({"username": "Cy", "flags": []}), 400),
        ] {
            let answer = change(&server, &me, body.clone()).await;
            assert_eq!(answer.status, status, "{body}: {}", answer.text());
        }
    }
    assert_eq!(count(&server, "SELECT count(*) FROM counted"), 0);
    // A name in other letters is another one.
    change(&server, &me, json!({"username": "ADA"}))
        .await
        .expect(200);
    change(&server, &me, json!({"username": "Ada"}))
        .await
        .expect(200);
    waits(
        &change(&server, &me, json!({"username": "ADA"})).await,
        "renames",
        2,
        HOUR,
    );
    change(&server, &me, json!({"username": "Ada"}))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_renames_at_once_two_succeed() {
    let server = start().await;
    let [me] = people(&server).await;
    let rename = async |number: u32| {
        change(&server, &me, json!({"username": format!("Name {number}")})).await
    };
    let answers = join_all((0..20).map(rename)).await;
    let done = answers.iter().filter(|answer| answer.status == 200).count();
    let limited = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((done, limited), (2, 18));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_renames_are_not_limited_and_not_counted() {
    let desk = Desk::over(start().await).await;
    let [me] = people(&desk.server).await;
    let path = format!("/users/{}", me.id());
    for name in ["Ada", "Bob", "Cy"] {
        desk.patch(&path, &json!({"username": name}))
            .await
            .expect(200);
    }
    for name in ["Dora", "Eve"] {
        change(&desk.server, &me, json!({"username": name}))
            .await
            .expect(200);
    }
    waits(
        &change(&desk.server, &me, json!({"username": "Fay"})).await,
        "renames",
        2,
        HOUR,
    );
    desk.patch(&path, &json!({"username": "Fay"}))
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_channels_are_opened_in_ten_minutes_dms_and_groups_together() {
    let server = start().await;
    let all: [Account; 14] = people(&server).await;
    let (me, others) = all.split_first().unwrap();
    for other in &others[..6] {
        ask(&server, me, other).await.expect(200);
    }
    for _ in 0..4 {
        ask_group(&server, me, &[&others[0], &others[1]])
            .await
            .expect(200);
    }
    let before = rows(&server.database());
    waits(
        &ask(&server, me, &others[6]).await,
        "new-channels",
        10,
        TEN_MINUTES,
    );
    let group = ask_group(&server, me, &[&others[0], &others[1]]).await;
    waits(&group, "new-channels", 10, TEN_MINUTES);
    assert_eq!(rows(&server.database()), before);
    // One that stands is opened again, by either; hidden, it is shown again.
    let standing = dm(&server, me, &others[0]).await;
    assert_eq!(dm(&server, &others[0], me).await, standing);
    server
        .delete(&format!("/channels/{standing}"), me)
        .await
        .expect(204);
    assert_eq!(dm(&server, me, &others[0]).await, standing);
    // Others open theirs, with whom they like.
    ask(&server, &others[6], me).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_stood_or_was_refused_costs_none() {
    let server = start().await;
    let [me, a, b, blocker] = people(&server).await;
    server
        .put(&format!("/users/@me/blocks/{}", me.id()), &blocker)
        .await
        .expect(204);
    let standing = dm(&server, &a, &me).await;
    for _ in 0..4 {
        assert_eq!(dm(&server, &me, &a).await, standing);
        server
            .delete(&format!("/channels/{standing}"), &me)
            .await
            .expect(204);
        assert_eq!(dm(&server, &me, &a).await, standing);
        let blocked = failure(403, "blocked");
        assert_eq!(ask(&server, &me, &blocker).await.fails(), blocked);
        assert_eq!(
            ask_group(&server, &me, &[&a, &blocker]).await.fails(),
            blocked
        );
        let invalid = failure(400, "invalid_request");
        for body in [
            json!({"type": 2, "recipient_id": "1"}),
            json!({"type": 2, "recipient_id": me.id()}),
            json!({"type": 3, "recipient_ids": [a.id(), "1"]}),
            json!({"type": 3, "recipient_ids": [a.id()]}),
        ] {
            assert_eq!(server.post(CHANNELS, &me, &body).await.fails(), invalid);
        }
    }
    let mine = format!("SELECT count(*) FROM counted WHERE user_id = {}", me.id());
    assert_eq!(count(&server, &mine), 0);
    for _ in 0..10 {
        ask_group(&server, &me, &[&a, &b]).await.expect(200);
    }
    let group = ask_group(&server, &me, &[&a, &b]).await;
    waits(&group, "new-channels", 10, TEN_MINUTES);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_channels_asked_for_at_once_as_many_are_made_as_are_left() {
    let server = start().await;
    let [me, a, b] = people(&server).await;
    let others = [&a, &b];
    let answers = join_all((0..40).map(|_| ask_group(&server, &me, &others))).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 10);
    assert_eq!(count(&server, "SELECT count(*) FROM channels"), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_account_goes_what_it_was_counted_for() {
    let server = start().await;
    let [me, other] = people(&server).await;
    for by in [&me, &other] {
        change(&server, by, json!({"username": "Ada"}))
            .await
            .expect(200);
    }
    dm(&server, &me, &other).await;
    server.store.delete_user(me.user.id).await.unwrap();
    let left = "SELECT count(*) FROM counted";
    assert_eq!(count(&server, left), 1);
    let left = format!("{left} WHERE user_id = {}", other.id());
    assert_eq!(count(&server, &left), 1);
}

#[test]
fn a_restart_forgets_neither_renames_nor_channels() {
    let (_directory, data) = races::directory();
    let people = races::people(&data, 12);
    let (me, others) = people.split_first().unwrap();
    let start = || Binary::start_with(&data, &[], &[("SARYNO_LIMITS__ENABLED", "true")]);
    let ask = |server: &Binary, method: &str, path: &str, body: &Value| {
        let url = format!("{}{path}", server.url);
        http(&agent(), method, &url, &me.token, &body.to_string()).unwrap()
    };
    let open = |server: &Binary, other: usize| {
        let body = json!({"type": 2, "recipient_id": others[other].id});
        ask(server, "POST", CHANNELS, &body)
    };
    let rename = |server: &Binary, name: &str| {
        ask(server, "PATCH", "/users/@me", &json!({"username": name}))
    };
    let server = start();
    assert_eq!(rename(&server, "Ada").0, 200);
    for other in 0..5 {
        assert_eq!(open(&server, other).0, 200);
    }
    server.kill();
    let server = start();
    assert_eq!(rename(&server, "Bob").0, 200);
    for other in 5..10 {
        assert_eq!(open(&server, other).0, 200);
    }
    assert!(server.terminate().success());
    let server = start();
    for ((status, body), least) in [(rename(&server, "Cy"), 3_000.0), (open(&server, 10), 300.0)] {
        assert_eq!(
            (status, body["code"].as_str()),
            (429, Some("rate_limited")),
            "{body}"
        );
        assert!(body["retry_after"].as_f64().unwrap() > least, "{body}");
        assert_eq!(body["global"], false);
    }
    assert_eq!(open(&server, 0).0, 200);
}
