//! Logging in on the account page and out, the sessions, and the tokens that somebody makes for themself.

use futures::future::join;
use rocket::http::Method::{Delete, Get, Patch, Post};
use saryno::accounts::{Accounts, Label, NewToken, Secret, SecretHash};
use saryno::actions::{Action, UserAction};
use saryno::config::Config;
use saryno::error::Error;
use saryno::names::Reason;
use saryno::tokens::UNUSED_END;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::account_desk::{Home, begun, call, enter, headers, resident, session, state};
use crate::admin_accounts::fault;
use crate::admin_session::{OTHER, assert_limited};
use crate::channels::{count, ids};
use crate::desk::{PASSWORD, send, send_from};
use crate::operate::perform;
use crate::support::{Account, Answer, Server, failure, now};

async fn log_in(home: &Home, tag: &str, password: &str) -> Answer {
    let body = json!({"tag": tag, "password": password});
    enter(&home.server, "/login", &body).await
}

/// Whether the REST API lets in by this token.
async fn admits(home: &Home, token: &str) -> u16 {
    let me = home.server.call(Get, "/users/@me", Some(token), None);
    me.await.status
}

/// The entry with this id in the list of my sessions and tokens.
async fn listed(home: &Home, id: &Value) -> Value {
    let list = home.get("/auth/tokens").await.expect(200);
    let mut list = list.as_array().unwrap().iter();
    list.find(|entry| entry["id"] == *id).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_in_any_case_and_its_password_begin_a_session() {
    let home = Home::open().await;
    for tag in ["Ada#0001", "ADA#0001", " ada #0001"] {
        let answer = log_in(&home, tag, PASSWORD).await;
        assert_eq!(answer.expect(200), json!(home.me.user), "{tag}");
        assert_eq!(home.who(&begun(&answer)).await, json!(home.me.user));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_tag_are_told_the_same_and_nothing_is_stored() {
    let home = Home::open().await;
    let without = home.server.account_of("Without", 1).await;
    let before = home.rows();
    let mut told = Vec::new();
    for (tag, password) in [
        ("Ada#0001", OTHER),
        ("Ada#0002", PASSWORD),
        (&without.user.to_string(), PASSWORD),
    ] {
        let answer = log_in(&home, tag, password).await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"), "{tag}");
        told.push(answer.text());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_names_every_field_at_fault() {
    let home = Home::open().await;
    let answer = enter(&home.server, "/login", &json!({"tag": "Ada", "x": 1})).await;
    let expected = [
        fault("tag", "wrong_type"),
        fault("password", "required"),
        fault("x", "unknown_field"),
    ];
    assert_eq!(answer.faults(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_learns_why_from_who_knows_its_password_alone() {
    let home = Home::open().await;
    let reason: Reason = "Sends spam".parse().unwrap();
    let disable = Action::User(home.me.user.id, UserAction::Disable(Some(reason)));
    perform(&home.server.store, disable).await.unwrap();
    let before = home.rows();
    let right = log_in(&home, "Ada#0001", PASSWORD).await;
    assert_eq!(right.fails(), failure(403, "account_disabled"));
    assert!(right.text().contains("Sends spam"), "{}", right.text());
    let wrong = log_in(&home, "Ada#0001", OTHER).await;
    assert_eq!(wrong.fails(), failure(401, "invalid_credentials"));
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_slow_down_by_address_and_keep_the_owner_of_the_tag_out_from_nowhere_else() {
    let home = Home::over(Server::start_with(&Config::default()).await).await;
    for _ in 0..5 {
        let wrong = log_in(&home, "Ada#0001", OTHER).await;
        assert_eq!(wrong.fails(), failure(401, "invalid_credentials"));
    }
    let before = home.rows();
    assert_limited(&log_in(&home, "Ada#0001", PASSWORD).await);
    assert_limited(&log_in(&home, "Somebody#0001", PASSWORD).await);
    assert_limited(&enter(&home.server, "/reset", &json!({"code": "x", "new": OTHER})).await);
    assert_eq!(home.rows(), before);
    // Who is in already is not slowed down.
    assert_eq!(home.who(&home.cookie).await, json!(home.me.user));
    let right = json!({"tag": "Ada#0001", "password": PASSWORD}).to_string();
    let (path, own) = ("/account/api/login", headers(None));
    let elsewhere = send_from("198.51.100.1", &home.server, Post, path, &own, Some(&right));
    elsewhere.await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_named_after_the_page_and_the_browser() {
    let home = Home::open().await;
    let body = json!({"tag": "Ada#0001", "password": PASSWORD}).to_string();
    for (browser, shown) in [
        (
            Some("Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0"),
            "Chrome on Linux",
        ),
        (Some("Lynx/2.9"), "Lynx/2.9"),
        (Some(&*"x".repeat(2_000)), "xxxx"),
        (None, ""),
    ] {
        let mut headers = headers(None);
        headers.extend(browser.map(|browser| ("User-Agent", browser.to_owned())));
        let path = "/account/api/login";
        let answer = send(&home.server, Post, path, &headers, Some(&body)).await;
        answer.expect(200);
        let begun = state(&home.server, Some(&begun(&answer))).await;
        let entry = listed(&home, &begun["session"]).await;
        let name = entry["name"].as_str().unwrap();
        let page = name.to_lowercase().starts_with("account page");
        assert!(page && name.contains(shown), "{name}");
        assert!(
            name.chars().count() <= 200 && !name.contains("Mozilla"),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_tells_which_of_the_sessions_is_this_one() {
    let home = Home::open().await;
    let other = session(&home.server, &home.me).await;
    let list = home.get("/auth/tokens").await.expect(200);
    for (cookie, place) in [(&home.cookie, 1), (&other, 2)] {
        let expected = json!({"user": home.me.user, "session": ids(&list)[place], "registration": "closed", "disabled": null});
        assert_eq!(state(&home.server, Some(cookie)).await, expected);
    }
    let nobody = json!({"user": null, "session": null, "registration": "closed", "disabled": null});
    assert_eq!(state(&home.server, None).await, nobody);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_hash_of_a_cookie_is_stored() {
    let home = Home::open().await;
    let cookie = begun(&log_in(&home, "Ada#0001", PASSWORD).await);
    let sql = "SELECT count(*) FROM tokens WHERE hash = ?1 AND login = 1";
    let hash = Sha256::digest(&cookie).to_vec();
    let database = home.server.database();
    let found = database.query_row(sql, [hash], |row| row.get(0));
    assert_eq!(found, Ok(1));
    for file in ["saryno.db", "saryno.db-wal"] {
        let bytes = std::fs::read(home.server.directory.path().join(file)).unwrap();
        let mut parts = bytes.windows(cookie.len());
        assert!(!parts.any(|part| part == cookie.as_bytes()), "{file}");
    }
    let list = home.get("/auth/tokens").await.text();
    assert!(!list.contains(&cookie), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_ends_this_session_and_no_other() {
    let home = Home::open().await;
    let other = session(&home.server, &home.me).await;
    home.post("/logout", &Value::Null).await.expect(204);
    assert_eq!(home.who(&home.cookie).await, Value::Null);
    assert_eq!(home.who(&other).await, json!(home.me.user));
    assert_eq!(admits(&home, &home.me.token).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_ends_the_session_of_somebody_else() {
    let home = Home::open().await;
    let bob = resident(&home.server, "Bob", 1).await;
    let of_bob = session(&home.server, &bob).await;
    let id = state(&home.server, Some(&of_bob)).await["session"].clone();
    let before = home.rows();
    let answer = home
        .delete(&format!("/auth/tokens/{}", id.as_str().unwrap()))
        .await;
    assert_eq!(answer.fails(), failure(404, "not_found"));
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_everywhere_ends_every_session_and_token_of_the_account_and_nobody_elses() {
    let home = Home::open().await;
    let other = session(&home.server, &home.me).await;
    let token = home.post("/tokens", &json!({})).await.expect(201)["token"].clone();
    let bob = resident(&home.server, "Bob", 1).await;
    let of_bob = session(&home.server, &bob).await;
    home.delete("/auth/tokens").await.expect(204);
    for cookie in [&home.cookie, &other] {
        assert_eq!(home.who(cookie).await, Value::Null);
    }
    for token in [token.as_str().unwrap(), &home.me.token] {
        assert_eq!(admits(&home, token).await, 401);
    }
    assert_eq!(home.who(&of_bob).await, json!(bob.user));
    assert_eq!(admits(&home, &bob.token).await, 200);
    log_in(&home, "Ada#0001", PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_ends_every_other_session_and_token() {
    let home = Home::open().await;
    let other = session(&home.server, &home.me).await;
    let before = home.rows();
    let wrong = json!({"current": OTHER, "new": OTHER});
    let refused = home.post("/auth/password", &wrong).await;
    assert_eq!(refused.fails(), failure(401, "invalid_credentials"));
    let short = json!({"current": PASSWORD, "new": "short"});
    let refused = home.post("/auth/password", &short).await;
    assert_eq!(refused.faults(), [fault("new", "too_short")]);
    assert_eq!(home.rows(), before);

    let right = json!({"current": PASSWORD, "new": OTHER});
    home.post("/auth/password", &right).await.expect(204);
    assert_eq!(home.who(&home.cookie).await, json!(home.me.user));
    assert_eq!(home.who(&other).await, Value::Null);
    assert_eq!(admits(&home, &home.me.token).await, 401);
    assert_eq!(log_in(&home, "Ada#0001", PASSWORD).await.status, 401);
    log_in(&home, "Ada#0001", OTHER).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_at_the_rest_api_is_shown_once_and_never_ends_by_itself() {
    let home = Home::open().await;
    let made = home
        .post("/tokens", &json!({"name": "  nightly   job "}))
        .await;
    let made = made.expect(201);
    let keys: Vec<_> = made.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "name", "token"]);
    assert_eq!(made["name"], "nightly job");
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("srn_") && token.len() == 47, "{token}");
    assert_eq!(admits(&home, token).await, 200);

    let entry = listed(&home, &made["id"]).await;
    assert_eq!(entry["name"], made["name"]);
    assert!(!entry.to_string().contains(token));
    // Whenever it was used last.
    let hash = SecretHash::of_token(token).unwrap();
    let later = now().after(UNUSED_END * 2);
    home.server.store.caller(hash, later).await.unwrap();

    let id = made["id"].as_str().unwrap();
    let path = format!("/auth/tokens/{id}");
    home.delete(&path).await.expect(204);
    assert_eq!(admits(&home, token).await, 401);
    assert_eq!(home.delete(&path).await.fails(), failure(404, "not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_without_a_name_is_named_after_the_page_and_a_bad_name_makes_none() {
    let home = Home::open().await;
    let made = home.post("/tokens", &json!({})).await.expect(201);
    assert_eq!(made["name"], "account page");
    let before = home.rows();
    for (name, code) in [
        (json!(""), "too_short"),
        (json!("x".repeat(101)), "too_long"),
        (json!("a\nb"), "forbidden_character"),
        (json!(7), "wrong_type"),
        (json!(null), "wrong_type"),
    ] {
        let answer = home.post("/tokens", &json!({"name": name})).await;
        assert_eq!(answer.faults(), [fault("name", code)], "{name}");
    }
    let answer = home.post("/tokens", &json!({"login": 1})).await;
    assert_eq!(answer.faults(), [fault("login", "unknown_field")]);
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_are_the_accounts_own_page_by_page() {
    let home = Home::open().await;
    let bob: Account = resident(&home.server, "Bob", 1).await;
    session(&home.server, &bob).await;
    session(&home.server, &home.me).await;
    let first = home.get("/auth/tokens?limit=2").await;
    let link = first.header("Link").unwrap();
    let next = link.strip_prefix("</account/api").unwrap();
    let next = next.strip_suffix(">; rel=\"next\"").unwrap();
    let second = home.get(next).await;
    let found = [ids(&first.expect(200)), ids(&second.expect(200))];
    assert_eq!(found.each_ref().map(Vec::len), [2, 1]);
    assert!(found.concat().is_sorted());
    let mine = format!(
        "SELECT count(*) FROM tokens WHERE user_id = {}",
        home.me.id()
    );
    assert_eq!(count(&home.server, &mine), 3);
    let answer = call(
        &home.server,
        Get,
        "/auth/tokens?limit=0",
        Some(&home.cookie),
        &Value::Null,
    );
    assert_eq!(answer.await.fails(), failure(400, "invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_ended_since_it_was_admitted_makes_no_token() {
    let home = Home::open().await;
    let (store, me) = (&home.server.store, home.me.user.id);
    let hash = SecretHash::of_session(&home.cookie).unwrap();
    let caller = store.caller(hash, now()).await.unwrap();
    store.revoke_all(me).await.unwrap();
    let token = NewToken {
        id: home.server.ids.next().unwrap(),
        hash: Secret::token().hash(),
        label: Label::account_page(),
        login: None,
    };
    let made = store.add_token(me, caller.token, token).await;
    assert_eq!(made, Err(Error::Unauthorized));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_token_made_and_a_log_out_everywhere_at_once_no_token_is_left() {
    let home = Home::open().await;
    for _ in 0..50 {
        let one = session(&home.server, &home.me).await;
        let other = session(&home.server, &home.me).await;
        let body = json!({});
        let make = call(&home.server, Post, "/tokens", Some(&one), &body);
        let end = call(
            &home.server,
            Delete,
            "/auth/tokens",
            Some(&other),
            &Value::Null,
        );
        let (_made, ended) = Box::pin(join(make, end)).await;
        ended.expect(204);
        let left = count(&home.server, "SELECT count(*) FROM tokens");
        assert_eq!(left, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_was_drawn_for_somebody_else_does_and_reads_nothing() {
    let home = Home::open().await;
    let other = resident(&home.server, "Bob", 2).await;
    let as_user = async |method, path: &str, id: &str| {
        let mut own = headers(Some(&home.cookie));
        own.push(("X-Saryno-User", id.to_owned()));
        send(&home.server, method, path, &own, Some("{}")).await
    };
    let (me, stranger) = (home.me.id(), other.id());
    let before = home.rows();
    for (method, path) in [
        (Get, "/account/api/users/@me"),
        (Patch, "/account/api/users/@me"),
        (Post, "/account/api/tokens"),
        (Delete, "/account/api/auth/tokens"),
    ] {
        let answer = as_user(method, path, &stranger).await;
        assert_eq!(answer.fails(), failure(401, "unauthorized"), "{path}");
    }
    assert_eq!(home.rows(), before);
    as_user(Get, "/account/api/users/@me", &me)
        .await
        .expect(200);
    // A link has no headers.
    let export = async |id: &str| home.get(&format!("/users/@me/export?as={id}")).await.status;
    assert_eq!((export(&stranger).await, export(&me).await), (401, 200));
}
