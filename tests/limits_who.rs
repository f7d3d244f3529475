//! Whose requests are counted together, whatever they look like and wherever they seem to come from (contract, section 1, "Rate
//! limits").

use futures::future::join_all;
use rocket::http::Method::{Delete, Get, Head, Post, Put};
use serde_json::{Value, json};

use crate::account_desk::session;
use crate::channels::{count, people};
use crate::desk::send_from;
use crate::executable::Binary;
use crate::races;
use crate::support::{Server, failure};
use crate::tally::{
    MANY, Tally, countable, counted, from, from_page, limits, raw, raw_header, raw_status, who,
};

const HERE: &str = "192.0.2.1";
const THERE: &str = "198.51.100.1";
const ELSEWHERE: &str = "203.0.113.1";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_one_wherever_it_asks_from_and_whichever_of_its_tokens_it_uses() {
    let server = Server::start_with(&countable()).await;
    let [a] = people(&server).await;
    let cookie = session(&server, &a).await;
    let none = Value::Null;
    let mut tally = Tally::begin();
    let body = json!({"name": "second"});
    let made = from_page(HERE, &server, Post, "/tokens", Some(&cookie), &body).await;
    tally.count(&made);
    let second = made.expect(201)["token"].as_str().unwrap().to_owned();
    for address in [HERE, THERE, "2001:db8::1"] {
        for token in [&a.token, &second] {
            for path in ["/users/@me", "/v1/users/@me", "/users/@me/export"] {
                tally.count(&from(address, &server, Get, path, Some(token), &none).await);
            }
        }
        for path in ["/state", "/users/@me", "/auth/tokens"] {
            tally.count(&from_page(address, &server, Get, path, Some(&cookie), &none).await);
        }
        let path = "/usernames/check?username=x";
        tally.count(&from(address, &server, Get, path, Some(&second), &none).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_nobody_yet_is_counted_by_address_whatever_they_ask() {
    let server = Server::start_with(&countable()).await;
    let [a, revoked] = people(&server).await;
    server
        .post("/auth/logout", &revoked, &json!({}))
        .await
        .expect(204);
    let mut tally = Tally::begin();
    for authorization in [
        None,
        Some("Bearer srn_x".to_owned()),
        Some("Bearer".to_owned()),
        Some("Basic YTpi".to_owned()),
        Some(format!("Bearer {}", revoked.token)),
        // A token, but no bot's.
        Some(format!("Bot {}", a.token)),
    ] {
        let headers: Vec<_> = authorization
            .map(|value| ("Authorization", value))
            .into_iter()
            .collect();
        for (method, path) in [
            (Get, "/users/@me"),
            (Post, "/communities"),
            (Delete, "/v1/users/@me"),
        ] {
            let answer = send_from(HERE, &server, method, path, &headers, None).await;
            assert_eq!(answer.fails(), failure(401, "unauthorized"));
            tally.count(&answer);
        }
    }
    for cookie in [None, Some("unknown")] {
        let answer = from_page(HERE, &server, Get, "/state", cookie, &Value::Null).await;
        tally.count(&answer);
        answer.expect(200);
    }
    for (method, path) in [
        (Post, "/auth/login"),
        (Post, "/auth/register"),
        (Post, "/v1/auth/reset"),
        (Get, "/usernames/check?username=x"),
    ] {
        tally.count(&from(HERE, &server, method, path, None, &json!({})).await);
    }
    // Of all of that nothing is on the account's.
    assert_eq!(counted(&who(HERE, &server, &a).await).remaining, MANY - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_takes_nothing_from_others_at_the_same_address() {
    let server = Server::start_with(&limits(|limits| {
        limits.requests_per_second = 1;
        limits.burst = 5;
    }))
    .await;
    let [a, b] = people(&server).await;
    let answers = join_all((0..50).map(|_| who(HERE, &server, &a))).await;
    assert!(answers.iter().any(|answer| answer.status == 429));
    assert_eq!(counted(&who(HERE, &server, &b).await).remaining, 4);
    let stranger = async |address: &str| {
        from(
            address,
            &server,
            Put,
            "/users/@me/blocks/1",
            None,
            &Value::Null,
        )
        .await
    };
    assert_eq!(counted(&stranger(HERE).await).remaining, 4);
    let strangers = join_all((0..50).map(|_| stranger(HERE))).await;
    assert!(strangers.iter().any(|answer| answer.status == 429));
    assert_eq!(counted(&stranger(THERE).await).remaining, 4);
    assert_eq!(who(HERE, &server, &b).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_too_often_is_not_done() {
    let server = Server::start_with(&limits(|limits| {
        limits.requests_per_second = 1;
        limits.burst = 3;
    }))
    .await;
    let [a] = people(&server).await;
    let body = json!({"name": "Garden"});
    let make = async || from(HERE, &server, Post, "/communities", Some(&a.token), &body).await;
    let answers = join_all((0..40).map(|_| make())).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert!(made < 40);
    let sql = "SELECT count(*) FROM communities";
    let rows = count(&server, sql);
    assert_eq!(usize::try_from(rows).unwrap(), made);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stranger_says_of_its_address_changes_nothing() {
    let server = Server::start_with(&countable()).await;
    let mut tally = Tally::begin();
    for number in 0..20 {
        let forged = [
            ("X-Forwarded-For", format!("203.0.113.{number}")),
            ("X-Real-IP", format!("203.0.113.{number}")),
            ("Forwarded", format!("for=203.0.113.{number}")),
            ("True-Client-IP", format!("203.0.113.{number}")),
            ("CF-Connecting-IP", format!("203.0.113.{number}")),
            ("X-Client-IP", format!("203.0.113.{number}")),
        ];
        tally.count(&send_from(HERE, &server, Get, "/users/@me", &forged, None).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_the_right_most_address_that_is_none_counts() {
    let mut config = countable();
    config.trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
    let server = Server::start_with(&config).await;
    let mut tally = Tally::begin();
    for number in 0..20 {
        let proxy = format!("10.0.0.{number}");
        let hops = format!("203.0.113.{number}, {THERE}, 10.1.2.{number}");
        let told = [("X-Forwarded-For", hops)];
        tally.count(&send_from(&proxy, &server, Get, "/users/@me", &told, None).await);
        // What the client wrote stands in a header of its own.
        let told = [
            ("X-Forwarded-For", format!("203.0.113.{number}")),
            ("X-Forwarded-For", THERE.to_owned()),
        ];
        tally.count(&send_from(&proxy, &server, Get, "/users/@me", &told, None).await);
    }
    tally.count(&from(THERE, &server, Get, "/users/@me", None, &Value::Null).await);
    // Others behind the same proxy are others; and who is no proxy is believed nothing.
    let told = [("X-Forwarded-For", ELSEWHERE.to_owned())];
    let other = send_from("10.0.0.1", &server, Get, "/users/@me", &told, None).await;
    assert_eq!(counted(&other).remaining, MANY - 1);
    let told = [("X-Forwarded-For", THERE.to_owned())];
    let stranger = send_from(HERE, &server, Get, "/users/@me", &told, None).await;
    assert_eq!(counted(&stranger).remaining, MANY - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ipv6_client_is_its_network_of_64_bits_and_a_mapped_ipv4_address_is_itself() {
    let server = Server::start_with(&countable()).await;
    let ask =
        async |address: &str| from(address, &server, Get, "/users/@me", None, &Value::Null).await;
    let mut tally = Tally::begin();
    for host in 1..=20 {
        tally.count(&ask(&format!("2001:db8:0:1:{host:x}:{host:x}::{host:x}")).await);
    }
    for other in [
        "2001:db8:0:2::1",
        "2001:db8::1",
        "::ffff:192.0.2.8",
        "::ffff:192.0.2.9",
    ] {
        assert_eq!(counted(&ask(other).await).remaining, MANY - 1, "{other}");
    }
    let mut tally = Tally::begin();
    for _ in 0..10 {
        tally.count(&ask(ELSEWHERE).await);
        tally.count(&ask(&format!("::ffff:{ELSEWHERE}")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_counts_like_a_get() {
    let server = Server::start_with(&countable()).await;
    let [a] = people(&server).await;
    let mut tally = Tally::begin();
    for _ in 0..10 {
        let answer = from(
            HERE,
            &server,
            Head,
            "/users/@me",
            Some(&a.token),
            &Value::Null,
        )
        .await;
        assert_eq!(answer.status, 200);
        tally.count(&answer);
    }
}

#[test]
fn no_way_of_writing_a_request_passes_by_the_limit() {
    let (_directory, data) = races::directory();
    let person = races::people(&data, 1).remove(0);
    let many = MANY.to_string();
    let variables = [
        ("SARYNO_LIMITS__ENABLED", "true"),
        ("SARYNO_LIMITS__REQUESTS_PER_SECOND", "1"),
        ("SARYNO_LIMITS__BURST", &many),
    ];
    let server = Binary::start_with(&data, &[], &variables);
    let mut tally = Tally::begin();
    let mut reached = Vec::new();
    for target in [
        "/users/@me",
        "/v1/users/@me",
        "//users/@me",
        "/users//@me",
        "/v1//users/@me",
        "/users/@me/",
        "/users/%40me",
        "/v1/users/%40me",
        "/%75sers/@me",
        "/users/@me?",
        "/users/@me?x=1",
        "/USERS/@me",
        "/v1/../users/@me",
        "/./users/@me",
        "/users/@ME",
        "/users/@me;x",
        "/users;x/@me",
        "/users/./@me",
        "/v1/./users/@me",
        "/v1/v1/users/@me",
        "/V1/users/@me",
        "/users/@me%2f",
        "/users%2f@me",
        "/users/@me/?",
        "/users/@me%20",
        "http://localhost/users/@me",
    ] {
        for authorization in [
            "Authorization: Bearer ",
            "authorization: bearer ",
            "AUTHORIZATION:BEARER  ",
            "Authorization:\tBeArEr ",
        ] {
            let request = format!(
                "GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{authorization}{}\r\n\r\n",
                person.token
            );
            let answer = raw(&server, request.as_bytes());
            // Whoever is let in by it is on the account; and who is not is nobody there.
            let status = raw_status(&answer);
            let remaining = raw_header(&answer, "X-RateLimit-Remaining");
            match remaining {
                Some(remaining) if status != 401 => tally.add(remaining.parse().unwrap()),
                _ => assert!([400, 401, 404].contains(&status), "not counted: {answer}"),
            }
            if status == 200 {
                assert!(answer.contains("\"Person 0\""), "{answer}");
                reached.push(target);
            }
        }
    }
    reached.dedup();
    assert!(
        reached.starts_with(&["/users/@me", "/v1/users/@me"]),
        "{reached:?}"
    );
    assert!(reached.contains(&"/users/%40me"), "{reached:?}");
}
