//! How an admin gets in and out: log-in, the cookie, one-time links, the password.

use rocket::http::Method::{Get, Post};
use saryno::admins::Admin;
use saryno::config::Config;
use saryno::store::Store;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::desk::{Desk, PASSWORD, Pass, admin, send, session};
use crate::support::{Answer, Server, failure, now};

pub(crate) const OTHER: &str = "another horse";

fn credentials(name: &str, password: &str) -> Value {
    json!({"name": name, "password": password})
}

pub(crate) async fn log_in(desk: &Desk, name: &str, password: &str) -> Answer {
    let body = credentials(name, password).to_string();
    desk.call(Post, "/login", &Pass::Nothing, Some(&body)).await
}

pub(crate) async fn use_link(desk: &Desk, code: &str, password: &str) -> Answer {
    let body = json!({"code": code, "password": password}).to_string();
    desk.call(Post, "/password-link", &Pass::Nothing, Some(&body))
        .await
}

/// The session that an answer begins.
#[track_caller]
pub(crate) fn begun(answer: &Answer) -> Pass {
    let cookie = answer.header("Set-Cookie").unwrap();
    let (value, _) = cookie.split_once(';').unwrap();
    Pass::Cookie(value.strip_prefix("saryno_admin=").unwrap().to_owned())
}

/// Who the browser with this pass is logged in as.
pub(crate) async fn who(desk: &Desk, pass: &Pass) -> Value {
    let state = desk.call(Get, "/state", pass, None).await.expect(200);
    state["admin"].clone()
}

pub(crate) fn shown(admin: &Admin) -> Value {
    json!({"id": admin.id, "name": admin.name})
}

pub(crate) async fn new_admin(desk: &Desk, name: &str) -> Value {
    let made = desk.post("/admins", &json!({"name": name})).await;
    made.expect(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_any_case_and_its_password_begin_a_session() {
    let desk = Desk::open().await;
    for name in ["root", "ROOT", "  Root "] {
        let answer = log_in(&desk, name, PASSWORD).await;
        assert_eq!(answer.expect(200), shown(&desk.root), "{name}");
        let pass = begun(&answer);
        assert_eq!(who(&desk, &pass).await, shown(&desk.root));
        desk.call(Get, "/overview", &pass, None).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_name_are_told_the_same() {
    let desk = Desk::open().await;
    new_admin(&desk, "fresh").await;
    let mut told = Vec::new();
    for (name, password) in [("root", OTHER), ("nobody", PASSWORD), ("fresh", PASSWORD)] {
        let answer = log_in(&desk, name, password).await;
        assert_eq!(
            answer.fails(),
            failure(401, "invalid_credentials"),
            "{name}"
        );
        assert!(answer.header("Set-Cookie").is_none());
        told.push(answer.text());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_names_every_field_at_fault() {
    let desk = Desk::open().await;
    let answer = desk.call(
        Post,
        "/login",
        &Pass::Nothing,
        Some(r#"{"name": "", "x": 1}"#),
    );
    let expected = [
        ("name", "too_short"),
        ("password", "required"),
        ("x", "unknown_field"),
    ];
    let expected = expected.map(|(field, code)| (field.to_owned(), code.to_owned()));
    assert_eq!(answer.await.faults(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_for_this_page_alone_and_out_of_a_scripts_reach() {
    let desk = Desk::open().await;
    let answer = log_in(&desk, "root", PASSWORD).await;
    let cookie = answer.header("Set-Cookie").unwrap();
    let mut parts: Vec<_> = cookie.split("; ").skip(1).collect();
    parts.sort_unstable();
    assert_eq!(parts, ["HttpOnly", "Path=/admin", "SameSite=Strict"]);
    let Pass::Cookie(value) = begun(&answer) else {
        panic!("no cookie")
    };
    assert_eq!(value.len(), 43, "256 random bits");
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_never_crosses_plain_http() {
    let desk = Desk::open().await;
    let mut headers = vec![
        ("Sec-Fetch-Site", "same-origin".to_owned()),
        ("Content-Type", "application/json".to_owned()),
    ];
    let body = credentials("root", PASSWORD).to_string();
    for (scheme, secure) in [("http", false), ("https", true)] {
        headers.push(("X-Forwarded-Proto", scheme.to_owned()));
        let answer = desk.send(Post, "/login", &headers, Some(&body)).await;
        headers.pop();
        let cookie = answer.header("Set-Cookie").unwrap();
        assert_eq!(cookie.contains("; Secure"), secure, "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_url_of_https_makes_the_cookie_secure_the_links_its_own_and_its_origin_the_pages()
{
    let server = Server::start_with(&Config {
        public_url: Some("https://chat.example".into()),
        ..Config::default()
    })
    .await;
    let desk = Desk::over(server).await;
    let headers = [
        ("Origin", "https://chat.example"),
        ("Content-Type", "application/json"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let body = credentials("root", PASSWORD).to_string();
    let answer = desk.send(Post, "/login", &headers, Some(&body)).await;
    answer.expect(200);
    assert!(answer.header("Set-Cookie").unwrap().contains("; Secure"));
    let link = new_admin(&desk, "second").await["link"].to_string();
    assert!(
        link.starts_with("\"https://chat.example/admin/#/password/"),
        "{link}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_hash_of_a_cookie_is_stored() {
    let desk = Desk::open().await;
    let Pass::Cookie(cookie) = begun(&log_in(&desk, "root", PASSWORD).await) else {
        panic!("no cookie")
    };
    let sql = "SELECT hash FROM admin_sessions ORDER BY id DESC LIMIT 1";
    let database = desk.server.database();
    let hash: Vec<u8> = database.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(hash, Sha256::digest(&cookie).to_vec());
    for file in ["saryno.db", "saryno.db-wal"] {
        let bytes = std::fs::read(desk.server.directory.path().join(file)).unwrap();
        let found = bytes
            .windows(cookie.len())
            .any(|part| part == cookie.as_bytes());
        assert!(!found, "{file}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_ends_this_session_and_takes_its_cookie_back() {
    let desk = Desk::open().await;
    let other = session(&desk.server, &desk.root).await;
    let answer = desk.post("/logout", &json!({})).await;
    answer.expect(204);
    let cookie = answer.header("Set-Cookie").unwrap();
    for part in ["saryno_admin=;", "Max-Age=0", "Path=/admin"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(who(&desk, &desk.pass).await, json!(null));
    assert_eq!(who(&desk, &other).await, shown(&desk.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_change_ends_every_other_session_of_the_admin_and_the_old_password() {
    let desk = Desk::open().await;
    let second = admin(&desk.server, "second").await;
    let [other, of_second] = [&desk.root, &second].map(|admin| session(&desk.server, admin));
    let (other, of_second) = (other.await, of_second.await);
    let body = json!({"current": PASSWORD, "new": OTHER});
    desk.post("/password", &body).await.expect(204);
    assert_eq!(who(&desk, &desk.pass).await, shown(&desk.root));
    assert_eq!(who(&desk, &other).await, json!(null));
    assert_eq!(who(&desk, &of_second).await, shown(&second));
    let old = log_in(&desk, "root", PASSWORD).await;
    assert_eq!(old.fails(), failure(401, "invalid_credentials"));
    log_in(&desk, "root", OTHER).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_who_knows_it_only() {
    let desk = Desk::open().await;
    let other = session(&desk.server, &desk.root).await;
    let wrong = desk
        .post("/password", &json!({"current": OTHER, "new": OTHER}))
        .await;
    assert_eq!(wrong.fails(), failure(401, "invalid_credentials"));
    let short = desk
        .post("/password", &json!({"current": PASSWORD, "new": "short"}))
        .await;
    assert_eq!(short.faults(), [("new".to_owned(), "too_short".to_owned())]);
    assert_eq!(who(&desk, &other).await, shown(&desk.root));
    log_in(&desk, "root", PASSWORD).await.expect(200);
}

/// Holds an answer against the contract's "Rate limits".
#[track_caller]
pub(crate) fn assert_limited(answer: &Answer) {
    assert_eq!(answer.fails(), failure(429, "rate_limited"));
    let wait = answer.json()["retry_after"].as_f64().unwrap();
    assert!(wait > 0.0 && wait <= 12.0, "{wait}");
    let told: f64 = answer.header("Retry-After").unwrap().parse().unwrap();
    assert!((wait..wait + 1.0).contains(&told), "{told} {wait}");
    assert!(answer.header("Via").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_under_a_name_slow_down_wherever_they_come_from() {
    let desk = Desk::open().await;
    admin(&desk.server, "second").await;
    let headers = [
        ("Sec-Fetch-Site", "same-origin"),
        ("Content-Type", "application/json"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    let attempt = async |name: &str, password: &str| {
        // Without an address, so that the name alone counts.
        let mut request = desk.server.client.post("/admin/api/login");
        for (name, value) in &headers {
            request.add_header(rocket::http::Header::new(*name, value.clone()));
        }
        Answer::to(request.body(credentials(name, password).to_string())).await
    };
    for name in ["root", "ROOT"].iter().cycle().take(100) {
        assert_eq!(
            attempt(name, "x").await.fails(),
            failure(401, "invalid_credentials")
        );
    }
    // Some seconds have gone by, in which one or another is let through again.
    let mut limited = attempt("root", "x").await;
    for _ in 0..50 {
        if limited.status == 401 {
            limited = attempt("root", "x").await;
        }
    }
    assert_limited(&limited);
    assert_limited(&attempt("Root", PASSWORD).await);
    attempt("second", PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_from_an_address_slow_down_whatever_the_name_and_one_time_links_with_them() {
    let desk = Desk::open().await;
    for number in 0..5 {
        let name = format!("name {number}");
        let answer = log_in(&desk, &name, "x").await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
        let answer = use_link(&desk, "x", PASSWORD).await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    }
    assert_limited(&log_in(&desk, "root", PASSWORD).await);
    assert_limited(&use_link(&desk, "x", PASSWORD).await);
    // Who is in already is not slowed down.
    assert_eq!(who(&desk, &desk.pass).await, shown(&desk.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_session_keeps_it_and_following_the_live_figures_is_no_use() {
    let desk = Desk::open().await;
    let database = desk.server.database();
    let eleven_hours_ago = now().0 - 11 * 3_600_000;
    let set = "UPDATE admin_sessions SET last_used = ?1";
    let last_used = async || -> i64 {
        // Behind whatever the writer has been given so far.
        desk.server.store.ping().await.unwrap();
        let sql = "SELECT last_used FROM admin_sessions";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    database.execute(set, [eleven_hours_ago]).unwrap();
    let Some((_, cookie)) = desk.pass.header() else {
        panic!("no cookie")
    };
    let (name, value) = cookie.split_once('=').unwrap();
    let live = desk.server.client.get("/admin/api/live");
    let live = live
        .cookie((name.to_owned(), value.to_owned()))
        .dispatch()
        .await;
    assert_eq!(live.status().code, 200);
    assert_eq!(last_used().await, eleven_hours_ago);
    desk.get("/state").await.expect(200);
    assert!(last_used().await > now().0 - 60_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_clears_away_the_sessions_of_the_admin_that_have_ended() {
    let desk = Desk::open().await;
    let second = admin(&desk.server, "second").await;
    let other = session(&desk.server, &second).await;
    session(&desk.server, &desk.root).await;
    let database = desk.server.database();
    let age = "UPDATE admin_sessions SET last_used = 0 WHERE id IN (SELECT min(id) FROM admin_sessions GROUP BY admin_id)";
    assert_eq!(database.execute(age, []), Ok(2));
    log_in(&desk, "root", PASSWORD).await.expect(200);
    let left = |admin: &Admin| -> i64 {
        let sql = "SELECT count(*) FROM admin_sessions WHERE admin_id = ?1";
        database
            .query_row(sql, [admin.id.bits()], |row| row.get(0))
            .unwrap()
    };
    assert_eq!((left(&desk.root), left(&second)), (2, 1));
    assert_eq!(who(&desk, &other).await, json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_tells_a_stranger_only_whether_there_is_an_admin() {
    let server = Server::start().await;
    let nobody = json!({"set_up": false, "admin": null, "version": null});
    let state = send(&server, Get, "/admin/api/state", &[], None).await;
    assert_eq!(state.expect(200), nobody);
    let desk = Desk::over(server).await;
    let stranger = desk.call(Get, "/state", &Pass::Nothing, None).await;
    assert_eq!(
        stranger.expect(200),
        json!({"set_up": true, "admin": null, "version": null})
    );
    let known =
        json!({"set_up": true, "admin": shown(&desk.root), "version": env!("CARGO_PKG_VERSION")});
    assert_eq!(desk.get("/state").await.expect(200), known);
}
