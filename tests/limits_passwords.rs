//! How often a password is checked (contract, section 1, "Rate limits").

use std::time::Duration;

use rocket::http::Method::{self, Delete, Post};
use saryno::accounts::RESET_END;
use saryno::config::Config;
use serde_json::{Value, json};

use crate::account_desk::{reset_code, resident, session};
use crate::admin_session::OTHER;
use crate::desk::{PASSWORD, rows, send_from};
use crate::operate::Operate;
use crate::support::{Account, Answer, Server, failure, now};
use crate::tally::{from, from_page, refused, standing, who};

pub(crate) const HERE: &str = "192.0.2.1";
pub(crate) const THERE: &str = "198.51.100.1";

/// Until an address may have a password checked again, and an account, at most.
const OF_ADDRESS: Duration = Duration::from_secs(12);
const OF_ACCOUNT: Duration = Duration::from_mins(3);

pub(crate) async fn start() -> Server {
    Server::start_with(&Config::default()).await
}

pub(crate) async fn log_in(address: &str, server: &Server, tag: &str, password: &str) -> Answer {
    let body = json!({"tag": tag, "password": password});
    from(address, server, Post, "/auth/login", None, &body).await
}

/// Everything that checks a password or a code of this account's, as wrong as can be: at the REST API by a token, on the account
/// page by a cookie.
fn checks(account: &Account, cookie: &str) -> Vec<(Method, String, Option<String>, Value)> {
    let log_in = json!({"tag": "Ada#0001", "password": OTHER});
    let change = json!({"current": OTHER, "new": PASSWORD});
    let reset = json!({"code": "wrong", "new": PASSWORD});
    let farewell = json!({"password": OTHER});
    let mut all = Vec::new();
    for (method, path, needs_account, body) in [
        (Post, "/auth/login", false, &log_in),
        (Post, "/auth/password", true, &change),
        (Delete, "/users/@me", true, &farewell),
        (Post, "/auth/reset", false, &reset),
    ] {
        let on_page = path
            .replace("/auth/login", "/login")
            .replace("/auth/reset", "/reset");
        let token = needs_account.then(|| account.token.clone());
        let cookie = needs_account.then(|| cookie.to_owned());
        for base in ["", "/v1"] {
            all.push((method, format!("{base}{path}"), token.clone(), body.clone()));
        }
        all.push((
            method,
            format!("/account/api{on_page}"),
            cookie,
            body.clone(),
        ));
    }
    all
}

async fn check(
    address: &str,
    server: &Server,
    (method, path, pass, body): &(Method, String, Option<String>, Value),
) -> Answer {
    let pass = pass.as_deref();
    match path.strip_prefix("/account/api") {
        Some(path) => from_page(address, server, *method, path, pass, body).await,
        None => from(address, server, *method, path, pass, body).await,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_passwords_a_minute_are_checked_for_an_address_whatever_they_are_for() {
    let server = start().await;
    let ada = resident(&server, "Ada", 1).await;
    let cookie = session(&server, &ada).await;
    let checks = checks(&ada, &cookie);
    let before = rows(&server.database());
    // Each of them counts ...
    for (number, one) in checks.iter().enumerate() {
        let address = format!("192.0.2.{}", 100 + number);
        let nobody = format!("Nobody {number}#0001");
        for _ in 0..4 {
            assert_eq!(log_in(&address, &server, &nobody, OTHER).await.status, 401);
        }
        let answer = check(&address, &server, one).await;
        assert!(
            [401, 404].contains(&answer.status),
            "{one:?}: {}",
            answer.text()
        );
        let next = log_in(&address, &server, &nobody, OTHER).await;
        refused(&next, "password-checks", 5, OF_ADDRESS);
    }
    // ... and is counted.
    for number in 0..5 {
        let tag = format!("Nobody#000{}", number + 3);
        assert_eq!(log_in(HERE, &server, &tag, OTHER).await.status, 401);
    }
    for one in &checks {
        refused(
            &check(HERE, &server, one).await,
            "password-checks",
            5,
            OF_ADDRESS,
        );
    }
    assert_eq!(rows(&server.database()), before);
    // Who has no password checked is let be.
    who(HERE, &server, &ada).await.expect(200);
    log_in(THERE, &server, "Ada#0001", PASSWORD)
        .await
        .expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_password_counts_like_a_wrong_one_and_what_is_none_does_not() {
    let server = start().await;
    resident(&server, "Ada", 1).await;
    for body in [
        json!({}),
        json!({"tag": "Ada", "password": PASSWORD}),
        json!({"tag": "Ada#0001"}),
    ] {
        for _ in 0..3 {
            let answer = from(HERE, &server, Post, "/auth/login", None, &body).await;
            assert_eq!(answer.fails(), failure(400, "invalid_request"));
        }
    }
    for _ in 0..5 {
        let answer = log_in(HERE, &server, "Ada#0001", PASSWORD).await;
        assert_eq!(standing(&answer).unwrap().bucket, "requests");
        answer.expect(200);
    }
    refused(
        &log_in(HERE, &server, "Ada#0001", PASSWORD).await,
        "password-checks",
        5,
        OF_ADDRESS,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_passwords_an_hour_are_checked_for_an_account_wherever_they_come_from() {
    let server = start().await;
    let ada = resident(&server, "Ada", 1).await;
    let bob = resident(&server, "Bob", 1).await;
    let cookie = session(&server, &ada).await;
    let of_account: Vec<_> = checks(&ada, &cookie)
        .into_iter()
        .filter(|(_, path, ..)| !path.ends_with("/reset"))
        .collect();
    for number in 0..20 {
        let address = format!("192.0.2.{number}");
        let one = &of_account[number % of_account.len()];
        assert_eq!(
            check(&address, &server, one).await.status,
            401,
            "{number} {one:?}"
        );
    }
    for (number, one) in of_account.iter().enumerate() {
        let address = format!("198.51.100.{number}");
        let wait = refused(
            &check(&address, &server, one).await,
            "password-checks",
            20,
            OF_ACCOUNT,
        );
        assert!(wait > OF_ACCOUNT / 2, "{wait:?}");
    }
    // Whoever knows the password waits, too: else a guess would be told from the answer.
    let right = log_in("198.51.100.99", &server, "ADA#0001", PASSWORD).await;
    refused(&right, "password-checks", 20, OF_ACCOUNT);
    // Who is in stays in, and others come in, from those addresses too.
    who(HERE, &server, &ada).await.expect(200);
    log_in("192.0.2.3", &server, "Bob#0001", PASSWORD)
        .await
        .expect(200);
    let change = json!({"current": PASSWORD, "new": OTHER});
    let changed = from(
        "192.0.2.4",
        &server,
        Post,
        "/auth/password",
        Some(&bob.token),
        &change,
    )
    .await;
    changed.expect(204);
    // A link of an admin's is another way in.
    let code = reset_code(&server, &ada, now().after(RESET_END)).await;
    let body = json!({"code": code, "new": OTHER});
    from(THERE, &server, Post, "/auth/reset", None, &body)
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limit_of_a_tag_does_not_tell_whether_anybody_has_it() {
    let server = start().await;
    resident(&server, "Ada", 1).await;
    server.account_of("Cy", 1).await;
    let gone = resident(&server, "Dora", 1).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    let disabled = resident(&server, "Eve", 1).await;
    server
        .store
        .set_disabled(disabled.user.id, true)
        .await
        .unwrap();
    let mut told = Vec::new();
    // One with a password, one without, one deleted, one disabled, and nobody.
    for (number, name) in ["ada", "cy", "dora", "eve", "nobody"]
        .into_iter()
        .enumerate()
    {
        let mut answers = Vec::new();
        for attempt in 0..24 {
            let address = format!("10.0.{number}.{attempt}");
            // However it is written, it is the same tag.
            let name = if attempt % 2 == 0 {
                name.to_owned()
            } else {
                name.to_uppercase()
            };
            let answer = log_in(&address, &server, &format!("{name}#0001"), OTHER).await;
            let mut names: Vec<_> = answer
                .headers
                .iter()
                .map(|(name, _)| name.clone())
                .collect();
            names.sort();
            let standing = standing(&answer).unwrap();
            let standing = (standing.bucket, standing.limit, standing.remaining);
            let wait = answer.json()["retry_after"]
                .as_f64()
                .map(|wait| wait > 100.0);
            answers.push((answer.fails(), names, standing, wait));
        }
        told.push(answers);
    }
    assert_eq!(
        told[0].iter().filter(|answer| answer.0.0 == 401).count(),
        20
    );
    for other in &told[1..] {
        assert_eq!(*other, told[0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_attempts_at_once_as_many_are_checked_as_the_address_has_left() {
    let server = start().await;
    resident(&server, "Ada", 1).await;
    let attempts = (0..40).map(|_| log_in(HERE, &server, "Ada#0001", OTHER));
    let answers = futures::future::join_all(attempts).await;
    let checked = answers.iter().filter(|answer| answer.status == 401).count();
    let limited = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((checked, limited), (5, 35));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_of_writing_a_log_in_passes_by_its_limit() {
    let server = start().await;
    resident(&server, "Ada", 1).await;
    let paths = [
        "/auth/login",
        "/v1/auth/login",
        "/auth/%6cogin",
        "//auth//login",
        "/account/api/login",
    ];
    let tags = [
        "Ada#0001",
        "ADA#0001",
        " ada #0001",
        "Ａda#0001",
        "Nobody#0001",
    ];
    let mut checked = 0;
    for number in 0..50 {
        let path = paths[number % paths.len()];
        let body = json!({"tag": tags[number / 5 % tags.len()], "password": OTHER}).to_string();
        let forged = format!("203.0.113.{number}");
        let headers = [
            ("Content-Type", "application/json"),
            ("Sec-Fetch-Site", "same-origin"),
            ("X-Forwarded-For", &forged),
            ("X-Real-IP", &forged),
            ("Forwarded", &forged),
            ("True-Client-IP", &forged),
        ];
        let headers = headers.map(|(name, value)| (name, value.to_owned()));
        let answer = send_from(HERE, &server, Post, path, &headers, Some(&body)).await;
        match answer.status {
            401 => checked += 1,
            status => assert_eq!(status, 429, "{path}: {}", answer.text()),
        }
    }
    // Five, and what was given back meanwhile: one in twelve seconds.
    assert!((5..15).contains(&checked), "{checked}");
}
