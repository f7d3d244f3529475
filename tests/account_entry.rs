//! How somebody gets an account on the account page, and back into it: registration, invites to this server, an admin's link.

use std::time::Duration;

use futures::future::join_all;
use rocket::http::Method::Get;
use saryno::accounts::{Policy, RESET_END};
use saryno::actions::{Action, UserAction};
use saryno::clock::Timestamp;
use serde_json::{Value, json};

use crate::account_desk::{Home, begun, call, enter, instance_invite, reset_code, session, state};
use crate::admin_accounts::fault;
use crate::admin_session::OTHER;
use crate::channels::count;
use crate::desk::{Desk, PASSWORD, rows};
use crate::operate::{Operate, perform};
use crate::support::{Answer, Server, failure, now};
use crate::users::hold;

const MINUTE: Duration = Duration::from_mins(1);

async fn under(policy: Policy) -> Server {
    let server = Server::start().await;
    server.store.set_registration(policy).await.unwrap();
    server
}

async fn register(server: &Server, name: &str, more: &Value) -> Answer {
    let mut body = json!({"username": name, "password": PASSWORD});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    enter(server, "/register", &body).await
}

/// Whether an instance invite is good, as the page is told before anybody has thought of a name.
async fn good(server: &Server, code: &str) -> bool {
    let path = format!("/instance-invites/{code}");
    let answer = call(server, Get, &path, None, &Value::Null).await;
    if answer.status == 204 {
        return true;
    }
    assert_eq!(answer.fails(), failure(404, "unknown_invite"));
    false
}

async fn reset(server: &Server, code: &str, new: &str) -> Answer {
    enter(server, "/reset", &json!({"code": code, "new": new})).await
}

async fn look(server: &Server, code: &str) -> Answer {
    enter(server, "/reset/look", &json!({"code": code})).await
}

async fn log_in(server: &Server, password: &str) -> u16 {
    let body = json!({"tag": "Ada#0001", "password": password});
    enter(server, "/login", &body).await.status
}

fn soon() -> Timestamp {
    now().after(RESET_END)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_server_takes_anybody_and_logs_them_in() {
    let server = under(Policy::Open).await;
    let answer = register(&server, " New  One ", &json!({"discriminator": "0042"})).await;
    let user = answer.expect(201);
    let shape = json!({"id": user["id"], "username": "New One", "discriminator": "0042", "avatar": null, "flags": []});
    assert_eq!(answer.text(), shape.to_string());
    let state = state(&server, Some(&begun(&answer))).await;
    assert_eq!(
        (&state["user"], &state["registration"]),
        (&user, &json!("open"))
    );
    let drawn = register(&server, "New One", &json!({})).await.expect(201);
    assert_ne!(drawn["discriminator"], "0042");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_server_takes_nobody_whatever_they_have() {
    let server = under(Policy::Closed).await;
    let code = instance_invite(&server, 9, 0, None).await;
    let before = rows(&server.database());
    for more in [json!({}), json!({"invite": code})] {
        let answer = register(&server, "New", &more).await;
        assert_eq!(answer.fails(), failure(403, "registration_closed"));
    }
    assert_eq!(rows(&server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_invite_admits_as_many_as_it_is_for() {
    let server = under(Policy::Invite).await;
    let code = instance_invite(&server, 2, 0, Some(now().after(MINUTE))).await;
    for name in ["First", "Second"] {
        assert!(good(&server, &code).await, "{name}");
        let answer = register(&server, name, &json!({"invite": code})).await;
        answer.expect(201);
        begun(&answer);
    }
    assert!(!good(&server, &code).await);
    let third = register(&server, "Third", &json!({"invite": code})).await;
    assert_eq!(third.fails(), failure(403, "registration_closed"));
    assert_eq!(count(&server, "SELECT count(*) FROM users"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_that_many_use_at_once_admits_as_many_as_it_is_for() {
    let server = under(Policy::Invite).await;
    let invite = json!({"invite": instance_invite(&server, 2, 0, None).await});
    let names: Vec<_> = (0..8).map(|number| format!("New {number}")).collect();
    let attempts = names.iter().map(|name| register(&server, name, &invite));
    let answers = join_all(attempts).await;
    let refused = answers.iter().filter(|answer| answer.status != 201);
    let refused: Vec<_> = refused.map(Answer::fails).collect();
    assert_eq!(refused, vec![failure(403, "registration_closed"); 6]);
    for table in ["users", "tokens"] {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(count(&server, &sql), 2, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_that_is_used_up_expired_withdrawn_or_wrong_admits_nobody() {
    let desk = Desk::open().await;
    let server = &desk.server;
    server.store.set_registration(Policy::Invite).await.unwrap();
    let withdrawn = instance_invite(server, 1, 0, None).await;
    desk.delete(&format!("/invites/{withdrawn}"))
        .await
        .expect(204);
    let used_up = instance_invite(server, 3, 3, None).await;
    let expired = instance_invite(server, 1, 0, Some(now().before(MINUTE))).await;
    let fine = instance_invite(server, 1, 0, None).await;
    let before = rows(&server.database());
    for code in [
        &withdrawn,
        &used_up,
        &expired,
        &fine.to_lowercase(),
        "nonsense",
    ] {
        assert!(!good(server, code).await, "{code}");
        let answer = register(server, "New", &json!({"invite": code})).await;
        assert_eq!(
            answer.fails(),
            failure(403, "registration_closed"),
            "{code}"
        );
    }
    let without = register(server, "New", &json!({})).await;
    assert_eq!(without.fails(), failure(403, "registration_closed"));
    assert_eq!(rows(&server.database()), before);
    register(server, "New", &json!({"invite": fine}))
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_registration_is_named_and_uses_no_invite_up() {
    let server = under(Policy::Invite).await;
    server.account_of("Held", 1).await;
    hold(&server, "Full", 9_999, None);
    let invite = json!(instance_invite(&server, 1, 0, None).await);
    let before = rows(&server.database());
    let everything =
        json!({"username": "a@b", "password": "short", "discriminator": "0", "flags": [1], "x": 1});
    let answer = enter(&server, "/register", &everything).await;
    let expected = [
        fault("username", "forbidden_character"),
        fault("password", "too_short"),
        fault("discriminator", "too_short"),
        fault("flags", "not_allowed"),
        fault("x", "unknown_field"),
    ];
    assert_eq!(answer.faults(), expected);
    let nothing = enter(&server, "/register", &json!({})).await;
    let expected = [fault("username", "required"), fault("password", "required")];
    assert_eq!(nothing.faults(), expected);
    let taken = json!({"invite": invite, "discriminator": "0001"});
    let answer = register(&server, "HELD", &taken).await;
    assert_eq!(answer.fails(), failure(409, "tag_taken"));
    assert_eq!(answer.faults(), [fault("discriminator", "taken")]);
    let answer = register(&server, "full", &json!({"invite": invite})).await;
    assert_eq!(answer.fails(), failure(409, "username_full"));
    assert_eq!(answer.faults()[0].0, "username");
    assert_eq!(rows(&server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_link_shows_whose_it_is_sets_the_password_once_and_logs_in() {
    let desk = Desk::open().await;
    let me = crate::account_desk::resident(&desk.server, "Ada", 1).await;
    let path = format!("/users/{}/reset-link", me.id());
    let link = desk.post(&path, &json!({})).await.expect(201)["link"].clone();
    let link = link.as_str().unwrap();
    let (page, code) = link.split_once("#/reset/").unwrap();
    assert!(
        page.ends_with("/account") || page.ends_with("/account/"),
        "{link}"
    );
    for _ in 0..2 {
        // Looking uses nothing up.
        assert_eq!(look(&desk.server, code).await.expect(200), json!(me.user));
    }
    let answer = reset(&desk.server, code, OTHER).await;
    assert_eq!(answer.expect(200), json!(me.user));
    let seen = state(&desk.server, Some(&begun(&answer))).await;
    assert_eq!(seen["user"], json!(me.user));
    let before = rows(&desk.server.database());
    for answer in [
        reset(&desk.server, code, PASSWORD).await,
        look(&desk.server, code).await,
    ] {
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    }
    assert_eq!(rows(&desk.server.database()), before);
    assert_eq!(log_in(&desk.server, PASSWORD).await, 401);
    assert_eq!(log_in(&desk.server, OTHER).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_use_a_link_at_once_one_sets_the_password() {
    let home = Home::open().await;
    let code = reset_code(&home.server, &home.me, soon()).await;
    let passwords: Vec<_> = (0..6).map(|number| format!("password {number}")).collect();
    let attempts = passwords.iter().map(|new| reset(&home.server, &code, new));
    let answers = join_all(attempts).await;
    let refused = answers.iter().filter(|answer| answer.status != 200);
    let refused: Vec<_> = refused.map(Answer::fails).collect();
    assert_eq!(refused, vec![failure(401, "invalid_credentials"); 5]);
    let winner = answers.iter().position(|answer| answer.status == 200);
    let winner = winner.unwrap();
    assert_eq!(log_in(&home.server, &passwords[winner]).await, 200);
    let cookie = begun(&answers[winner]);
    assert_eq!(home.who(&cookie).await, json!(home.me.user));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_every_other_session_and_token_of_the_account_and_nobody_elses() {
    let home = Home::open().await;
    let bob = home.server.account("Bob").await;
    let other = session(&home.server, &home.me).await;
    let code = reset_code(&home.server, &home.me, soon()).await;
    let answer = reset(&home.server, &code, OTHER).await;
    answer.expect(200);
    for cookie in [&home.cookie, &other] {
        assert_eq!(home.who(cookie).await, Value::Null);
    }
    assert_eq!(home.server.get("/users/@me", &home.me).await.status, 401);
    assert_eq!(home.server.get("/users/@me", &bob).await.status, 200);
    assert_eq!(home.who(&begun(&answer)).await, json!(home.me.user));
    let mine = format!(
        "SELECT count(*) FROM tokens WHERE user_id = {}",
        home.me.id()
    );
    assert_eq!(count(&home.server, &mine), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_has_ended_or_was_replaced_or_is_none_does_nothing() {
    let home = Home::open().await;
    let server = &home.server;
    let replaced = reset_code(server, &home.me, soon()).await;
    let expired = reset_code(server, &home.me, now().before(MINUTE)).await;
    let before = home.rows();
    for code in [
        &replaced,
        &expired,
        "nonsense",
        "",
        &home.cookie,
        &home.me.token,
    ] {
        for answer in [look(server, code).await, reset(server, code, OTHER).await] {
            assert_eq!(
                answer.fails(),
                failure(401, "invalid_credentials"),
                "{code}"
            );
        }
    }
    assert_eq!(home.rows(), before);
    assert_eq!(home.who(&home.cookie).await, json!(home.me.user));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_not_allowed_leaves_the_link_good() {
    let home = Home::open().await;
    let code = reset_code(&home.server, &home.me, soon()).await;
    let before = home.rows();
    for (new, problem) in [
        ("short".to_owned(), "too_short"),
        ("x".repeat(129), "too_long"),
    ] {
        let answer = reset(&home.server, &code, &new).await;
        assert_eq!(answer.faults(), [fault("new", problem)]);
    }
    let nothing = enter(&home.server, "/reset", &json!({"password": OTHER})).await;
    let expected = [
        ("code", "required"),
        ("new", "required"),
        ("password", "unknown_field"),
    ];
    assert_eq!(
        nothing.faults(),
        expected.map(|(field, code)| fault(field, code))
    );
    let nothing = enter(&home.server, "/reset/look", &json!({"code": 7})).await;
    assert_eq!(nothing.faults(), [fault("code", "wrong_type")]);
    assert_eq!(home.rows(), before);
    reset(&home.server, &code, OTHER).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_disabled_account_does_nothing_and_stays_good() {
    let home = Home::open().await;
    let (server, me) = (&home.server, home.me.user.id);
    let code = reset_code(server, &home.me, soon()).await;
    server.store.set_disabled(me, true).await.unwrap();
    let before = home.rows();
    let answer = reset(server, &code, OTHER).await;
    assert_eq!(answer.fails(), failure(403, "account_disabled"));
    assert_eq!(home.rows(), before);
    let enable = Action::User(me, UserAction::Enable);
    perform(&server.store, enable).await.unwrap();
    assert_eq!(home.who(&home.cookie).await, json!(home.me.user));
    assert_eq!(log_in(server, PASSWORD).await, 200);
    reset(server, &code, OTHER).await.expect(200);
    assert_eq!(log_in(server, OTHER).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_a_deleted_account_is_none() {
    let home = Home::open().await;
    let code = reset_code(&home.server, &home.me, soon()).await;
    home.server
        .store
        .delete_user(home.me.user.id)
        .await
        .unwrap();
    for answer in [
        look(&home.server, &code).await,
        reset(&home.server, &code, OTHER).await,
    ] {
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    }
}
