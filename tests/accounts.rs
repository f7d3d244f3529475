//! Accounts over HTTP: how somebody proves that it is them, and is let out again.

use std::time::Duration;

use rocket::http::Method;
use saryno::accounts::{Label, NewToken, RESET_END, Secret};
use saryno::clock::Timestamp;
use saryno::passwords::Hasher;
use saryno::tokens::UNUSED_END;
use saryno::users::Flag;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::operate::Operate;
use crate::support::{Account, Answer, Second, Server, failure, now};

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

pub(crate) async fn post(server: &Server, path: &str, body: Value) -> Answer {
    let body = body.to_string();
    server.call(Method::Post, path, None, Some(&body)).await
}

async fn log_in(server: &Server, tag: &str, password: &str) -> Answer {
    let body = json!({"tag": tag, "password": password});
    post(server, "/auth/login", body).await
}

async fn reset(server: &Server, code: &str, new: &str) -> Answer {
    let body = json!({"code": code, "new": new});
    post(server, "/auth/reset", body).await
}

async fn start() -> (Server, Account) {
    let server = Server::start().await;
    let me = server.account("me").await;
    (server, me)
}

async fn start_with_password() -> (Server, Account) {
    let server = Server::start().await;
    let password = PASSWORD.parse().unwrap();
    let hash = Hasher::new(1).unwrap().hash(password).await.unwrap();
    let me = server.account_with_password("me", hash).await;
    (server, me)
}

async fn session(server: &Server, of: &Account) -> Account {
    let secret = Secret::token();
    let token = NewToken {
        id: server.ids.next().unwrap(),
        hash: secret.hash(),
        label: Label::of_client(Some("phone")),
        login: None,
    };
    let user = server.store.issue_token(of.user.id, token).await.unwrap();
    let token = secret.reveal().to_owned();
    Account { user, token }
}

async fn reset_code(server: &Server, account: &Account, end: Timestamp) -> String {
    let code = Secret::code();
    let (id, hash) = (account.user.id, code.hash());
    server.store.issue_reset(id, hash, end).await.unwrap();
    code.reveal().to_owned()
}

async fn admitted(server: &Server, account: &Account) -> u16 {
    server.get("/users/@me", account).await.status
}

pub(crate) async fn assert_admits(server: &Server, body: &Value) {
    let keys: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["user", "token"]);
    let token = body["token"].as_str();
    let me = server.call(Method::Get, "/users/@me", token, None).await;
    assert_eq!(me.expect(200), body["user"]);
}

async fn with_headers(server: &Server, values: &[&str]) -> Answer {
    let header = |value: &&str| ("Authorization".to_owned(), (*value).to_owned());
    let headers: Vec<_> = values.iter().map(header).collect();
    server.send(Method::Get, "/users/@me", &headers, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_gives_the_user_and_a_token_that_works() {
    let (server, me) = start_with_password().await;
    let tag = me.user.to_string().to_uppercase();
    let body = log_in(&server, &tag, PASSWORD).await.expect(200);
    assert_ne!(body["token"], me.token.as_str());
    assert_admits(&server, &body).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_tag_are_answered_alike() {
    let (server, me) = start_with_password().await;
    let me = me.user.to_string();
    let without = server.account("without").await.user.to_string();
    let mut seen = Vec::new();
    for tag in ["nobody#0001", &me, &without] {
        let mut answer = log_in(&server, tag, "wrong password").await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
        let headers = &mut answer.headers;
        headers.retain(|(name, _)| !name.eq_ignore_ascii_case("x-request-id"));
        headers.sort();
        seen.push((answer.headers, answer.bytes));
    }
    assert!(seen.iter().all(|answer| *answer == seen[0]), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_tag_is_named() {
    let server = Server::start().await;
    for tag in ["me", "me#1", "me#0000", "#0001"] {
        let answer = log_in(&server, tag, PASSWORD).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"), "{tag}");
        assert_eq!(answer.faults()[0].0, "tag");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_knows_the_password_learns_that_the_account_is_disabled() {
    let (server, me) = start_with_password().await;
    server.store.set_disabled(me.user.id, true).await.unwrap();
    let tag = me.user.to_string();
    let right = log_in(&server, &tag, PASSWORD).await;
    assert_eq!(right.fails(), failure(403, "account_disabled"));
    let wrong = log_in(&server, &tag, "wrong password").await;
    assert_eq!(wrong.fails(), failure(401, "invalid_credentials"));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_token_only_its_sha_256_is_stored() {
    let (server, me) = start().await;
    let hash: Vec<u8> = Sha256::digest(me.token.as_bytes()).to_vec();
    let sql = "SELECT count(*) FROM tokens WHERE hash = ?1";
    let database = server.database();
    let found = database.query_row(sql, [&hash], |row| row.get::<_, u32>(0));
    assert_eq!(found.unwrap(), 1);
    for file in std::fs::read_dir(server.directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let bits = &me.token.as_bytes()["srn_".len()..];
        assert!(!bytes.windows(bits.len()).any(|window| window == bits));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_exactly_one_good_token_nobody_is_admitted() {
    let (server, Account { token, .. }) = start().await;
    let good = format!("Bearer {token}");
    let unknown = format!("Bearer {}", Secret::token().reveal());
    let (basic, bot) = (format!("Basic {token}"), format!("Bot {token}"));
    let (long, bare) = (format!("{good}x"), good.replace("srn_", ""));
    for value in ["", "Bearer", &token, &unknown, &basic, &bot, &long, &bare] {
        let answer = with_headers(&server, &[value]).await;
        assert_eq!(answer.fails(), failure(401, "unauthorized"), "{value}");
    }
    let pair = [good.as_str(), &good];
    for values in [&pair[..0], &pair] {
        let answer = with_headers(&server, values).await;
        assert_eq!(answer.fails(), failure(401, "unauthorized"), "{values:?}");
    }
    for value in [&good, &good.replace("Bearer", "bearer")] {
        with_headers(&server, &[value]).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_may_call_itself_bot_or_bearer() {
    let server = Server::start().await;
    let bot = server.account_flagged("bot", &[Flag::Bot]).await;
    for scheme in ["Bot", "bot", "Bearer"] {
        let value = format!("{scheme} {}", bot.token);
        with_headers(&server, &[&value]).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_revokes_this_token_only() {
    let (server, me) = start().await;
    let other = session(&server, &me).await;
    let done = server.post("/auth/logout", &me, &json!({})).await;
    assert_eq!(done.status, 204);
    assert_eq!(admitted(&server, &me).await, 401);
    assert_eq!(admitted(&server, &other).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_are_the_accounts_own_page_by_page() {
    let (server, me) = start().await;
    server.account("other").await;
    session(&server, &me).await;
    session(&server, &me).await;
    let first = server.get("/v1/auth/tokens?limit=2", &me).await;
    let mut all = first.expect(200).as_array().unwrap().clone();
    let link = first.header("Link").unwrap().strip_prefix('<').unwrap();
    let (next, relation) = link.split_once('>').unwrap();
    assert!(next.starts_with("/v1/auth/tokens?"), "{next}");
    assert_eq!((all.len(), relation), (2, "; rel=\"next\""));
    let second = server.get(next, &me).await;
    all.extend(second.expect(200).as_array().unwrap().clone());
    assert_eq!(second.header("Link"), None);
    let names: Vec<_> = all.iter().map(|session| &session["name"]).collect();
    assert_eq!(names, ["command line", "phone", "phone"]);
    for session in &all {
        let keys: Vec<_> = session.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "name", "last_used"]);
    }
    assert!(all[1]["id"].is_string() && all[1]["last_used"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_ended_by_its_own_account_alone() {
    let server = Server::start().await;
    let (me, other) = (server.account("me").await, server.account("other").await);
    let sessions = server.get("/auth/tokens", &me).await.expect(200);
    let path = format!("/auth/tokens/{}", sessions[0]["id"].as_str().unwrap());
    let refused = server.delete(&path, &other).await;
    assert_eq!(refused.fails(), failure(404, "not_found"));
    assert_eq!(admitted(&server, &me).await, 200);
    server.delete(&path, &me).await.expect(204);
    assert_eq!(admitted(&server, &me).await, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_demands_the_current_one_and_ends_the_other_sessions() {
    let (server, me) = start_with_password().await;
    let other = session(&server, &me).await;
    let mut body = json!({"current": "wrong password", "new": "battery staple"});
    let wrong = server.post("/auth/password", &me, &body).await;
    assert_eq!(wrong.fails(), failure(401, "invalid_credentials"));
    assert_eq!(admitted(&server, &other).await, 200);
    body["current"] = json!(PASSWORD);
    let right = server.post("/auth/password", &me, &body).await;
    right.expect(204);
    assert_eq!(admitted(&server, &me).await, 200);
    assert_eq!(admitted(&server, &other).await, 401);
    let tag = me.user.to_string();
    assert_eq!(log_in(&server, &tag, PASSWORD).await.status, 401);
    log_in(&server, &tag, "battery staple").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_code_unless_expired_or_replaced_sets_a_password_once_and_ends_every_session() {
    let (server, me) = start().await;
    let replaced = reset_code(&server, &me, now().after(RESET_END)).await;
    let expired = reset_code(&server, &me, now().before(MINUTE)).await;
    for code in [replaced, expired] {
        let answer = reset(&server, &code, PASSWORD).await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    }
    assert_eq!(admitted(&server, &me).await, 200);
    let code = reset_code(&server, &me, now().after(RESET_END)).await;
    reset(&server, &code, PASSWORD).await.expect(204);
    assert_eq!(admitted(&server, &me).await, 401);
    assert_eq!(reset(&server, &code, PASSWORD).await.status, 401);
    let tag = me.user.to_string();
    log_in(&server, &tag, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_voids_a_reset_code() {
    let (server, me) = start_with_password().await;
    let code = reset_code(&server, &me, now().after(RESET_END)).await;
    let body = json!({"current": PASSWORD, "new": "another horse"});
    server.post("/auth/password", &me, &body).await.expect(204);
    let answer = reset(&server, &code, PASSWORD).await;
    assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_ins_token_ends_after_90_days_without_use_and_one_handed_out_does_not() {
    let (server, me) = start_with_password().await;
    let body = log_in(&server, &me.user.to_string(), PASSWORD).await.json();
    let token = body["token"].as_str();
    // This order, since the use that an admitted request notes would come after the next update.
    for (unused, status) in [
        (UNUSED_END + MINUTE, 401),
        (UNUSED_END.saturating_sub(MINUTE), 200),
    ] {
        let since = now().before(unused).0;
        let sql = "UPDATE tokens SET last_used = ?1";
        server.database().execute(sql, [since]).unwrap();
        assert_eq!(admitted(&server, &me).await, 200);
        // As another process's: within a second.
        let mut second = Second::begins();
        while server
            .call(Method::Get, "/users/@me", token, None)
            .await
            .status
            != status
        {
            second.goes_on();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_stops_tokens_until_it_is_undone_and_deleting_for_good() {
    let (server, me) = start().await;
    assert_eq!(admitted(&server, &me).await, 200);
    server.store.set_disabled(me.user.id, true).await.unwrap();
    let stopped = server.get("/users/@me", &me).await;
    assert_eq!(stopped.fails(), failure(403, "account_disabled"));
    server.store.set_disabled(me.user.id, false).await.unwrap();
    assert_eq!(admitted(&server, &me).await, 200);
    server.store.delete_user(me.user.id).await.unwrap();
    let stopped = server.get("/users/@me", &me).await;
    assert_eq!(stopped.fails(), failure(401, "unauthorized"));
}
