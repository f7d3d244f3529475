//! What ends a session ends it everywhere, and nobody brings a session along (contract, section 3).

use std::io::{BufRead, BufReader};

use rocket::http::Method::{Delete, Get, Post, Put};
use saryno::accounts::{RESET_END, Secret};
use serde_json::{Value, json};

use crate::account_desk::{self, begun, call, enter, reset_code, resident, session};
use crate::admin_live::{get, sample, set_up};
use crate::admin_session::{self, OTHER, log_in, shown, use_link, who};
use crate::desk::{Desk, PASSWORD, Pass, admin, send};
use crate::executable::run;
use crate::support::{Account, failure, now};

/// Somebody with a way in of every kind, and an admin.
struct World {
    desk: Desk,
    me: Account,
    /// Of a log-in, of the command line, made on the page.
    tokens: [String; 3],
    cookies: [String; 2],
}

impl World {
    async fn new() -> Self {
        let desk = Desk::open().await;
        let server = &desk.server;
        let me = resident(server, "Ada", 1).await;
        let body = json!({"tag": "Ada#0001", "password": PASSWORD}).to_string();
        let admitted = server.call(Post, "/auth/login", None, Some(&body)).await;
        let token = |answer: Value| answer["token"].as_str().unwrap().to_owned();
        let cookies = [session(server, &me).await, session(server, &me).await];
        let made = call(server, Post, "/tokens", Some(&cookies[0]), &json!({})).await;
        let tokens = [
            token(admitted.expect(200)),
            me.token.clone(),
            token(made.expect(201)),
        ];
        Self {
            desk,
            me,
            tokens,
            cookies,
        }
    }

    /// Which of the ways in still lead in.
    async fn open(&self) -> Vec<&str> {
        let mut open = Vec::new();
        for token in &self.tokens {
            let answer = self
                .desk
                .server
                .call(Get, "/users/@me", Some(token), None)
                .await;
            assert!([200, 401, 403].contains(&answer.status));
            open.extend((answer.status == 200).then_some(token.as_str()));
        }
        for cookie in &self.cookies {
            let answer = call(
                &self.desk.server,
                Get,
                "/users/@me",
                Some(cookie),
                &Value::Null,
            )
            .await;
            assert!([200, 401, 403].contains(&answer.status));
            open.extend((answer.status == 200).then_some(cookie.as_str()));
        }
        open
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_ends_every_other_way_in_wherever_it_is_made() {
    let body = json!({"current": PASSWORD, "new": OTHER});
    let world = World::new().await;
    assert_eq!(world.open().await.len(), 5);
    let [token, ..] = &world.tokens;
    let server = &world.desk.server;
    let text = body.to_string();
    server
        .call(Post, "/auth/password", Some(token), Some(&text))
        .await
        .expect(204);
    assert_eq!(world.open().await, [token]);

    let world = World::new().await;
    let [_, cookie] = &world.cookies;
    call(
        &world.desk.server,
        Post,
        "/auth/password",
        Some(cookie),
        &body,
    )
    .await
    .expect(204);
    assert_eq!(world.open().await, [cookie]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_a_deletion_and_logging_out_everywhere_end_every_way_in() {
    let farewell = json!({"password": PASSWORD});
    for ending in 0..8 {
        let world = World::new().await;
        let server = &world.desk.server;
        let (token, cookie) = (&world.tokens[0], Some(world.cookies[0].as_str()));
        let id = world.me.id();
        let rest = async |method, path: &str, body: &Value| {
            server
                .call(method, path, Some(token), Some(&body.to_string()))
                .await
        };
        let code = reset_code(server, &world.me, now().after(RESET_END)).await;
        let reset = json!({"code": code, "new": OTHER});
        let ended = match ending {
            0 => rest(Post, "/auth/reset", &reset).await,
            1 => enter(server, "/reset", &reset).await,
            2 => rest(Delete, "/auth/tokens", &json!({})).await,
            3 => call(server, Delete, "/auth/tokens", cookie, &Value::Null).await,
            4 => rest(Delete, "/users/@me", &farewell).await,
            5 => call(server, Delete, "/users/@me", cookie, &farewell).await,
            6 => world.desk.delete(&format!("/users/{id}/sessions")).await,
            _ => world.desk.delete(&format!("/users/{id}")).await,
        };
        assert!(ended.status < 300, "{ending}: {}", ended.text());
        assert_eq!(world.open().await, Vec::<&str>::new(), "{ending}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_an_account_is_disabled_no_way_leads_in_and_none_is_made() {
    let world = World::new().await;
    let server = &world.desk.server;
    let path = format!("/users/{}/disabled", world.me.id());
    world
        .desk
        .call(Put, &path, &world.desk.pass, Some("{}"))
        .await
        .expect(200);
    assert_eq!(world.open().await, Vec::<&str>::new());
    let right = json!({"tag": "Ada#0001", "password": PASSWORD});
    let answer = server
        .call(Post, "/auth/login", None, Some(&right.to_string()))
        .await;
    assert_eq!(answer.fails(), failure(403, "account_disabled"));
    let answer = enter(server, "/login", &right).await;
    assert_eq!(answer.fails(), failure(403, "account_disabled"));
    assert!(answer.header("Set-Cookie").is_none());
    // It is the account that was disabled, and not its ways in that were ended.
    world.desk.delete(&path).await.expect(200);
    assert_eq!(world.open().await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_of_an_admins_ends_their_other_sessions_and_their_tokens() {
    let desk = Desk::open().await;
    let second = admin(&desk.server, "second").await;
    let of_second = session_and_token(&desk, &second).await;
    let other = admin_session_of(&desk).await;
    let token = desk.token().await;
    let read = async |pass: &Pass| desk.call(Get, "/overview", pass, None).await.status;
    let body = json!({"current": PASSWORD, "new": OTHER});
    desk.post("/password", &body).await.expect(204);
    for (pass, status) in [(&desk.pass, 200), (&other, 401), (&token, 401)] {
        assert_eq!(read(pass).await, status);
    }
    // By a link, none of them is kept; and another admin's are their own.
    let token = desk.token().await;
    let path = format!("/admins/{}/reset-link", desk.root.id);
    let link = desk.post(&path, &json!({})).await.expect(201);
    let code = link["link"].as_str().unwrap().rsplit('/').next().unwrap();
    let used = use_link(&desk, code, PASSWORD).await;
    used.expect(200);
    for (pass, status) in [
        (&admin_session::begun(&used), 200),
        (&desk.pass, 401),
        (&token, 401),
        (&of_second[0], 200),
        (&of_second[1], 200),
    ] {
        assert_eq!(read(pass).await, status);
    }
}

async fn admin_session_of(desk: &Desk) -> Pass {
    crate::desk::session(&desk.server, &desk.root).await
}

async fn session_and_token(desk: &Desk, of: &saryno::admins::Admin) -> [Pass; 2] {
    let session = crate::desk::session(&desk.server, of).await;
    let body = Some(r#"{"name": "nightly"}"#);
    let made = desk.call(Post, "/tokens", &session, body).await.expect(201);
    let token = Pass::Token(made["token"].as_str().unwrap().to_owned());
    [session, token]
}

#[test]
fn a_stream_ends_when_its_admin_is_removed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let (server, cookie) = set_up(&data);
    assert!(run(&data, &["admin", "create", "second"]).status.success());
    let stream = get(&server, "/admin/api/live", &cookie);
    let mut lines = BufReader::new(stream.into_body().into_reader()).lines();
    sample(&mut lines);
    let removed = run(&data, &["admin", "remove", "root"]);
    assert!(removed.status.success(), "{removed:?}");
    // One may have been on its way.
    let more = lines.filter(|line| line.as_ref().unwrap().starts_with("data:"));
    assert!(more.count() <= 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_somebody_brings_along_is_none_before_the_log_in_and_after_it() {
    let world = World::new().await;
    let server = &world.desk.server;
    let right = json!({"tag": "Ada#0001", "password": PASSWORD});
    let known = world.cookies[0].clone();
    for brought in [
        "x".to_owned(),
        "A".repeat(43),
        Secret::session().reveal().to_owned(),
        known,
    ] {
        let answer = call(server, Post, "/login", Some(&brought), &right).await;
        answer.expect(200);
        let given = begun(&answer);
        assert!(given != brought && given.len() == 43);
        let state = account_desk::state(server, Some(&given)).await;
        assert_eq!(state["user"], json!(world.me.user));
        let old = account_desk::state(server, Some(&brought)).await;
        // What was a session of its own before is that still.
        let was_one = brought == world.cookies[0];
        assert_eq!(old["user"].is_null(), !was_one, "{brought}");
        assert_ne!(state["session"], old["session"]);
    }
    // Whoever logs in as somebody else is that one from then on.
    let other = resident(server, "Bea", 1).await;
    let body = json!({"tag": "Bea#0001", "password": PASSWORD});
    let answer = call(server, Post, "/login", Some(&world.cookies[0]), &body).await;
    assert_eq!(answer.expect(200), json!(other.user));
    let state = account_desk::state(server, Some(&begun(&answer))).await;
    assert_eq!(state["user"], json!(other.user));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_session_is_none_that_a_browser_brings_along() {
    let desk = Desk::open().await;
    for brought in [
        "x".to_owned(),
        "A".repeat(43),
        Secret::session().reveal().to_owned(),
    ] {
        let pass = Pass::Cookie(brought);
        let body = json!({"name": "root", "password": PASSWORD}).to_string();
        let answer = desk.call(Post, "/login", &pass, Some(&body)).await;
        answer.expect(200);
        assert_eq!(who(&desk, &pass).await, Value::Null);
        assert_eq!(
            who(&desk, &admin_session::begun(&answer)).await,
            shown(&desk.root)
        );
    }
    // Each log-in begins a session of its own.
    let [one, other] = [
        log_in(&desk, "root", PASSWORD).await,
        log_in(&desk, "root", PASSWORD).await,
    ];
    assert_ne!(one.header("Set-Cookie"), other.header("Set-Cookie"));
    // What is no log-in sets no cookie, whatever comes along.
    for path in [
        "/admin/",
        "/admin/api/state",
        "/account/",
        "/account/api/state",
        "/users/@me",
    ] {
        let cookies = [
            ("Cookie", "saryno_admin=chosen".to_owned()),
            ("Cookie", "saryno_account=chosen".to_owned()),
        ];
        let answer = send(&desk.server, Get, path, &cookies, None).await;
        assert!(answer.header("Set-Cookie").is_none(), "{path}");
    }
}
