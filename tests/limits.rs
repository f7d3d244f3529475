//! How often anybody may ask, and what they are told of it (contract, section 1, "Rate limits").

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::future::join_all;
use rocket::http::Method::{self, Get, Patch, Post};
use saryno::config::Config;
use serde_json::{Value, json};

use crate::account_desk::{headers, session};
use crate::channels::people;
use crate::communities::{community, invite};
use crate::desk::send_from;
use crate::operate::Operate;
use crate::support::{Account, Server, failure};
use crate::tally::{countable, counted, from, limits, refused, standing, who};

const HERE: &str = "192.0.2.1";

/// What anybody may ask as often as they like.
const UNCOUNTED: [&str; 5] = [
    "/health",
    "/ready",
    "/openapi.json",
    "/avatars/<id>/<file>",
    "/icons/<id>/<file>",
];

fn epoch() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_tells_how_its_sender_stands() {
    let server = Server::start_with(&limits(|limits| limits.requests_per_second = 1)).await;
    let [a] = people(&server).await;
    let before = epoch();
    let first = counted(&who(HERE, &server, &a).await);
    let after = epoch();
    assert_eq!((first.limit, first.remaining), (100, 99));
    // One is missing, and one comes back a second.
    assert!((first.reset_after - 1.0).abs() < 0.001, "{first:?}");
    let now = first.reset - first.reset_after;
    assert!((before - 0.01..=after + 0.01).contains(&now), "{first:?}");
    let answers = join_all((0..50).map(|_| who(HERE, &server, &a))).await;
    let last = answers.iter().map(|answer| counted(answer).remaining).min();
    let back = u32::try_from(Duration::from_secs_f64(epoch() - before).as_secs()).unwrap() + 1;
    assert!((49..=49 + back).contains(&last.unwrap()), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_what_was_counted_tell_it_too() {
    let server = Server::start_with(&countable()).await;
    let [a, b, disabled] = people(&server).await;
    server
        .store
        .set_disabled(disabled.user.id, true)
        .await
        .unwrap();
    let place = community(&server, &b).await;
    let code = invite(&server, &b, &place, &json!({})).await;
    let none = Value::Null;
    let (name, taken) = (&a.user.username, b.user.discriminator.unwrap().to_string());
    let tag = json!({"username": name, "discriminator": taken});
    let large = json!({"name": "x".repeat(70_000)});
    let cases: [(&Account, Method, String, &Value, u16); 8] = [
        (&a, Get, "/users/x".into(), &none, 400),
        (&a, Post, "/communities".into(), &json!({"nam": 1}), 400),
        (&disabled, Get, "/users/@me".into(), &none, 403),
        (&a, Get, "/users/1".into(), &none, 404),
        (&a, Get, place, &none, 404),
        (&a, Patch, "/users/@me".into(), &tag, 409),
        (&b, Post, code, &none, 409),
        (&a, Patch, "/channels/1".into(), &large, 413),
    ];
    for (by, method, path, body, status) in &cases {
        let answer = from(HERE, &server, *method, path, Some(&by.token), body).await;
        answer.error();
        assert_eq!(answer.status, *status, "{method} {path}");
        counted(&answer);
    }
    let form = [
        ("Authorization", format!("Bearer {}", a.token)),
        ("Content-Type", "text/plain".to_owned()),
    ];
    let answer = send_from(HERE, &server, Post, "/communities", &form, Some("x")).await;
    assert_eq!(answer.fails(), failure(415, "unsupported_media_type"));
    counted(&answer);
    for token in [None, Some("srn_unknown")] {
        let answer = from(HERE, &server, Get, "/users/@me", token, &none).await;
        assert_eq!(answer.fails(), failure(401, "unauthorized"));
        counted(&answer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_counts_its_requests_once_but_for_those_that_are_named_here() {
    let server = Server::start_with(&Config::default()).await;
    let routes: Vec<_> = server
        .client
        .rocket()
        .routes()
        .filter(|route| ["/", "/v1", "/account/api"].contains(&route.uri.base()))
        .map(|route| (route.method, route.uri.path().to_owned()))
        .collect();
    assert!(routes.len() > 100, "{}", routes.len());
    let mut left_out = Vec::new();
    for (number, (method, pattern)) in routes.iter().enumerate() {
        let fill = |segment: &str| {
            if segment.starts_with('<') {
                "1".into()
            } else {
                segment.to_owned()
            }
        };
        let path: Vec<_> = pattern.split('/').map(fill).collect();
        let path = path.join("/");
        let of_page = path.starts_with("/account/api");
        // Nobody has asked yet, neither from there nor with that account.
        for guest in [true, false] {
            let address = format!("10.{}.0.{number}", u8::from(guest));
            let account = server.account("Person").await;
            let mut sent = if of_page { headers(None) } else { Vec::new() };
            if !guest && of_page {
                let cookie = session(&server, &account).await;
                sent.push(("Cookie", format!("saryno_account={cookie}")));
            } else if !guest {
                sent.push(("Authorization", format!("Bearer {}", account.token)));
            }
            let body = (*method != Get).then_some("{}");
            let answer = send_from(&address, &server, *method, &path, &sent, body).await;
            assert_ne!(answer.status, 405, "{method} {pattern}");
            match standing(&answer) {
                None => left_out.push(pattern.trim_start_matches("/v1").to_owned()),
                Some(told) => {
                    let told = (told.bucket.as_str(), told.limit, told.remaining);
                    assert_eq!(told, ("requests", 100, 99), "{method} {pattern} {guest}");
                }
            }
        }
    }
    left_out.sort();
    left_out.dedup();
    let mut named = UNCOUNTED;
    named.sort_unstable();
    assert_eq!(left_out, named);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_pictures_and_the_files_of_the_pages_are_for_anybody_as_often_as_they_like() {
    let server = Server::start_with(&limits(|limits| limits.burst = 1)).await;
    let [a] = people(&server).await;
    let default = format!("/avatars/{}/default.png", a.id());
    for path in [
        "/health",
        "/ready",
        "/openapi.json",
        &default,
        "/account",
        "/account/",
        "/admin/",
        "/docs/",
        "/icons/1/x.png",
    ] {
        for _ in 0..5 {
            let answer = from(HERE, &server, Get, path, Some(&a.token), &Value::Null).await;
            assert_eq!(standing(&answer), None, "{path}");
            assert!(
                [200, 303, 308, 404].contains(&answer.status),
                "{path}: {}",
                answer.status
            );
        }
    }
    // And none of it is on anybody's account.
    assert_eq!(who(HERE, &server, &a).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_are_let_through_and_who_asks_on_is_told_when_to_come_back() {
    let server = Server::start_with(&limits(|limits| limits.requests_per_second = 1)).await;
    let [a] = people(&server).await;
    let began = Instant::now();
    let answers = join_all((0..400).map(|_| who(HERE, &server, &a))).await;
    // One a second comes back meanwhile.
    let back = began.elapsed().as_secs() + 1;
    let (through, rest): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    let most = 100 + usize::try_from(back).unwrap();
    assert!((100..=most).contains(&through.len()), "{}", through.len());
    assert!(!rest.is_empty());
    for answer in rest {
        refused(answer, "requests", 100, Duration::from_secs(1));
    }
}
