//! What an admin does to an account, and that it holds at the account's next request.

use rocket::http::Method::{Get, Post};
use serde_json::{Value, json};

use crate::channels::{count, id, people};
use crate::desk::{Desk, PASSWORD, rows};
use crate::support::{Account, Answer, failure};

fn path(account: &Account) -> String {
    format!("/users/{}", account.id())
}

pub(crate) fn fault(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

/// A request of somebody who has no token.
async fn post(desk: &Desk, path: &str, body: Value) -> Answer {
    let body = body.to_string();
    desk.server.call(Post, path, None, Some(&body)).await
}

/// What an account is told at the REST API, by its token.
async fn told(desk: &Desk, account: &Account) -> Answer {
    desk.server.get("/users/@me", account).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_with_all_that_is_asked_for() {
    let desk = Desk::open().await;
    let body = json!({"username": "Ada", "discriminator": "0042", "flags": [10, 1], "password": PASSWORD, "token": true});
    let made = desk.post("/users", &body).await.expect(201);
    let user = &made["account"]["user"];
    let shape = json!({"id": id(user), "username": "Ada", "discriminator": "0042", "avatar": null, "flags": [1, 10]});
    let account = json!({"user": shape, "disabled": false, "reason": null});
    assert_eq!(made, json!({"account": account, "token": made["token"]}));
    let token = made["token"].as_str();
    let me = desk.server.call(Get, "/users/@me", token, None).await;
    assert_eq!(me.expect(200), shape);
    let body = json!({"tag": "ada#0042", "password": PASSWORD});
    let logged_in = post(&desk, "/auth/login", body).await.expect(200);
    assert_eq!(logged_in["user"], shape);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_with_a_name_alone_and_then_nobody_can_log_in() {
    let desk = Desk::open().await;
    for flags in [json!({}), json!({"flags": []}), json!({"token": false})] {
        let mut body = json!({"username": "Ada"});
        body.as_object_mut()
            .unwrap()
            .extend(flags.as_object().unwrap().clone());
        let made = desk.post("/users", &body).await.expect(201);
        assert_eq!(
            (&made["token"], &made["account"]["user"]["flags"]),
            (&json!(null), &json!([]))
        );
        let tag = format!(
            "Ada#{}",
            made["account"]["user"]["discriminator"].as_str().unwrap()
        );
        let answer = post(
            &desk,
            "/auth/login",
            json!({"tag": tag, "password": PASSWORD}),
        )
        .await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    }
    assert_eq!(count(&desk.server, "SELECT count(*) FROM tokens"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_an_account_to_be_made_is_named_at_once_and_nothing_is_made() {
    let desk = Desk::open().await;
    desk.server.account_of("Ada", 1).await;
    let before = rows(&desk.server.database());
    let body = json!({"username": "a@b", "discriminator": "0000", "flags": [1, 2, "10"], "password": "short", "token": 1, "x": 1});
    let faults = desk.post("/users", &body).await.faults();
    let expected = [
        fault("username", "forbidden_character"),
        fault("discriminator", "out_of_range"),
        fault("flags[1]", "out_of_range"),
        fault("flags[2]", "wrong_type"),
        fault("password", "too_short"),
        fault("token", "wrong_type"),
        fault("x", "unknown_field"),
    ];
    assert_eq!(faults, expected);
    let missing = desk.post("/users", &json!({})).await;
    assert_eq!(missing.faults(), [fault("username", "required")]);
    let body = json!({"username": "ADA", "discriminator": "0001", "token": true});
    let taken = desk.post("/users", &body).await;
    assert_eq!(taken.fails(), failure(409, "tag_taken"));
    assert_eq!(taken.faults(), [fault("discriminator", "taken")]);
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rename_keeps_the_discriminator_where_it_is_free_and_draws_another_where_it_is_not() {
    let desk = Desk::open().await;
    let a = desk.server.account_of("Ada", 7).await;
    desk.server.account_of("Cy", 7).await;
    let renamed = desk
        .patch(&path(&a), &json!({"username": "Bob"}))
        .await
        .expect(200);
    assert_eq!(
        (
            &renamed["user"]["username"],
            &renamed["user"]["discriminator"]
        ),
        (&json!("Bob"), &json!("0007"))
    );
    assert_eq!(told(&desk, &a).await.expect(200), renamed["user"]);
    let drawn = desk
        .patch(&path(&a), &json!({"username": "Cy"}))
        .await
        .expect(200);
    assert_eq!(drawn["user"]["username"], "Cy");
    assert_ne!(drawn["user"]["discriminator"], "0007");
    let taken = desk
        .patch(&path(&a), &json!({"discriminator": "0007"}))
        .await;
    assert_eq!(taken.fails(), failure(409, "tag_taken"));
    let numbered = desk
        .patch(&path(&a), &json!({"discriminator": "0008"}))
        .await
        .expect(200);
    assert_eq!(numbered["user"]["discriminator"], "0008");
    let both = json!({"username": "Dora", "discriminator": "0009"});
    let both = desk.patch(&path(&a), &both).await.expect(200);
    assert_eq!(told(&desk, &a).await.expect(200), both["user"]);
    let faults = desk
        .patch(
            &path(&a),
            &json!({"username": "", "discriminator": "9", "flags": [1]}),
        )
        .await
        .faults();
    assert_eq!(
        faults,
        [
            fault("username", "too_short"),
            fault("discriminator", "too_short"),
            fault("flags", "not_allowed")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn flags_are_set_and_cleared_one_by_one() {
    let desk = Desk::open().await;
    let a = desk.server.account("Ada").await;
    let flag = |flag: &str| format!("{}/flags/{flag}", path(&a));
    for (name, expected) in [
        ("bot", json!([10])),
        ("developer", json!([1, 10])),
        ("developer", json!([1, 10])),
        ("system", json!([1, 10, 11])),
    ] {
        let set = desk.put(&flag(name), &json!({})).await.expect(200);
        assert_eq!(set["user"]["flags"], expected);
        assert_eq!(told(&desk, &a).await.expect(200)["flags"], expected);
    }
    let cleared = desk.delete(&flag("bot")).await.expect(200);
    assert_eq!(cleared["user"]["flags"], json!([1, 11]));
    let answer = desk.put(&flag("rich"), &json!({})).await;
    assert_eq!(answer.faults(), [fault("flag", "out_of_range")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_is_told_why_at_its_next_request_until_it_is_enabled_again() {
    let desk = Desk::open().await;
    let a = desk.server.account("Ada").await;
    let disabled = format!("{}/disabled", path(&a));
    let shut = desk
        .put(&disabled, &json!({"reason": "Spam, twice"}))
        .await
        .expect(200);
    assert_eq!(
        (&shut["disabled"], &shut["reason"]),
        (&json!(true), &json!("Spam, twice"))
    );
    let answer = told(&desk, &a).await;
    assert_eq!(answer.fails(), failure(403, "account_disabled"));
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .ends_with("The reason given: Spam, twice")
    );
    for body in [json!({}), json!({"reason": null})] {
        let shut = desk.put(&disabled, &body).await.expect(200);
        assert_eq!(
            (&shut["disabled"], &shut["reason"]),
            (&json!(true), &json!(null))
        );
        assert_eq!(
            told(&desk, &a).await.fails(),
            failure(403, "account_disabled")
        );
    }
    for (reason, code) in [
        (String::new(), "too_short"),
        ("x".repeat(201), "too_long"),
        ("\u{202e}".into(), "forbidden_character"),
    ] {
        let answer = desk.put(&disabled, &json!({"reason": reason})).await;
        assert_eq!(answer.faults(), [fault("reason", code)]);
    }
    let open = desk.delete(&disabled).await.expect(200);
    assert_eq!(
        (&open["disabled"], &open["reason"]),
        (&json!(false), &json!(null))
    );
    assert_eq!(desk.admits(&a).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_a_tombstone_whose_tag_is_free_and_whom_nothing_can_be_done_to() {
    let desk = Desk::open().await;
    let a = desk.server.account_of("Ada", 1).await;
    desk.delete(&path(&a)).await.expect(204);
    assert_eq!(desk.admits(&a).await, 401);
    desk.post(
        "/users",
        &json!({"username": "Ada", "discriminator": "0001"}),
    )
    .await
    .expect(201);
    let before = rows(&desk.server.database());
    let at = |end: &str| format!("{}{end}", path(&a));
    for answer in [
        desk.delete(&path(&a)).await,
        desk.patch(&path(&a), &json!({"username": "Bob"})).await,
        desk.put(&at("/flags/bot"), &json!({})).await,
        desk.put(&at("/disabled"), &json!({})).await,
        desk.delete(&at("/disabled")).await,
        desk.post(&at("/tokens"), &json!({})).await,
        desk.post(&at("/reset-link"), &json!({})).await,
        desk.delete(&at("/sessions")).await,
        desk.delete(&at("/sessions/1")).await,
    ] {
        assert_eq!(answer.fails(), failure(404, "unknown_user"));
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_issued_that_admits_and_stands_under_its_name_among_the_sessions() {
    let desk = Desk::open().await;
    let a = desk.server.account("Ada").await;
    let tokens = format!("{}/tokens", path(&a));
    for (body, name) in [
        (json!({"name": "deploy"}), "deploy"),
        (json!({}), "admin page"),
    ] {
        let issued = desk.post(&tokens, &body).await.expect(201);
        assert_eq!(issued["user"], json!(a.user));
        let token = issued["token"].as_str();
        assert!(token.unwrap().starts_with("srn_"));
        desk.server
            .call(Get, "/users/@me", token, None)
            .await
            .expect(200);
        let sessions = desk
            .get(&format!("{}/sessions", path(&a)))
            .await
            .expect(200);
        let last = sessions.as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["name"], name);
    }
    for (name, code) in [("", "too_short"), (&*"x".repeat(101), "too_long")] {
        let answer = desk.post(&tokens, &json!({"name": name})).await;
        assert_eq!(answer.faults(), [fault("name", code)]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_is_ended_or_all_and_at_once() {
    let desk = Desk::open().await;
    let [a, other] = people(&desk.server).await;
    let sessions = format!("{}/sessions", path(&a));
    let token = |name: &str| json!({"name": name});
    let mut tokens = vec![a.clone()];
    for name in ["phone", "laptop"] {
        let issued = desk
            .post(&format!("{}/tokens", path(&a)), &token(name))
            .await
            .expect(201);
        tokens.push(Account {
            user: a.user.clone(),
            token: issued["token"].as_str().unwrap().to_owned(),
        });
    }
    let list = desk.get(&sessions).await.expect(200);
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|session| session["name"].clone())
        .collect();
    assert_eq!(names[1..], [json!("phone"), json!("laptop")]);
    let paged = desk.pages(&format!("{sessions}?limit=1")).await;
    assert_eq!(json!(paged.concat()), list);
    let phone = format!("{sessions}/{}", id(&list[1]));
    desk.delete(&phone).await.expect(204);
    assert_eq!(desk.delete(&phone).await.fails(), failure(404, "not_found"));
    let others = format!("/users/{}/sessions/{}", other.id(), id(&list[0]));
    assert_eq!(
        desk.delete(&others).await.fails(),
        failure(404, "not_found")
    );
    let mut admitted = Vec::new();
    for account in &tokens {
        admitted.push(desk.admits(account).await);
    }
    assert_eq!(admitted, [200, 401, 200]);
    desk.delete(&sessions).await.expect(204);
    for account in &tokens {
        assert_eq!(desk.admits(account).await, 401);
    }
    assert_eq!(desk.get(&sessions).await.expect(200), json!([]));
    assert_eq!(desk.admits(&other).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_sets_a_password_once_and_voids_an_older_one() {
    let desk = Desk::open().await;
    let a = desk.server.account_of("Ada", 1).await;
    let link = format!("{}/reset-link", path(&a));
    let older = desk.post(&link, &json!({})).await.expect(201);
    let newer = desk.post(&link, &json!({})).await.expect(201);
    assert_eq!(newer["user"], json!(a.user));
    let code = newer["code"].as_str().unwrap();
    assert_eq!(
        newer["link"],
        format!("http://localhost/account#/reset/{code}")
    );
    let reset = async |code: &Value| {
        let body = json!({"code": code, "new": PASSWORD});
        post(&desk, "/auth/reset", body).await
    };
    assert_eq!(
        reset(&older["code"]).await.fails(),
        failure(401, "invalid_credentials")
    );
    reset(&newer["code"]).await.expect(204);
    assert_eq!(
        reset(&newer["code"]).await.fails(),
        failure(401, "invalid_credentials")
    );
    assert_eq!(desk.admits(&a).await, 401);
    let body = json!({"tag": "Ada#0001", "password": PASSWORD});
    post(&desk, "/auth/login", body).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_nobody_is_not_found_rather_than_empty() {
    let desk = Desk::open().await;
    for list in ["communities", "channels", "sessions"] {
        let answer = desk.get(&format!("/users/1/{list}")).await;
        assert_eq!(answer.fails(), failure(404, "unknown_user"), "{list}");
    }
}
