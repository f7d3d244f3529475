//! `GET /usernames/check`: whether a name is allowed, which rule forbids it, and which discriminators are taken, for who may know.

use rocket::http::Method::Get;
use saryno::accounts::Policy;
use saryno::config::Config;
use serde_json::{Value, json};

use crate::account_desk::{Home, headers, instance_invite};
use crate::admin_accounts::fault;
use crate::admin_session::assert_limited;
use crate::admin_users::encoded;
use crate::admin_views::taken;
use crate::desk::{send, send_from};
use crate::operate::Operate;
use crate::support::{Answer, Server, failure, now};
use crate::users::hold;

/// Where the check is answered, by the same rules.
const BASES: [&str; 3] = ["", "/v1", "/account/api"];

fn path(name: &str) -> String {
    format!("/usernames/check?username={}", encoded(name))
}

/// What a newcomer is told, at every base the same.
async fn ask(server: &Server, path: &str) -> Value {
    let mut told = Vec::new();
    for base in BASES {
        let path = format!("{base}{path}");
        let answer = server.send(Get, &path, &[], None).await;
        told.push(answer.expect(200));
    }
    assert!(told.iter().all(|answer| *answer == told[0]), "{told:?}");
    told.remove(0)
}

/// One at the page from this address.
async fn from(address: &str, server: &Server, base: &str) -> Answer {
    let path = format!("{base}{}", path("Ada"));
    send_from(address, server, Get, &path, &headers(None), None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_allowed_is_told_with_the_rule_that_forbids_it() {
    let server = Server::start().await;
    server.store.set_registration(Policy::Open).await.unwrap();
    for (name, code) in [
        ("", "too_short"),
        ("  \u{3000}", "too_short"),
        (&*"é".repeat(31), "too_long"),
        ("a@b", "forbidden_character"),
        ("a#b", "forbidden_character"),
        ("a:b", "forbidden_character"),
        ("a```b", "forbidden_character"),
        ("a\nb", "forbidden_character"),
        ("a\u{200B}b", "forbidden_character"),
        ("a\u{202E}b", "forbidden_character"),
        ("\u{3164}", "forbidden_character"),
        ("\u{2800}", "forbidden_character"),
        ("\u{E000}", "forbidden_character"),
        ("a\u{200D}b", "forbidden_character"),
        (
            "e\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
            "forbidden_character",
        ),
        ("everyone", "reserved"),
        ("ＨＥＲＥ", "reserved"),
        ("deleted user", "reserved"),
    ] {
        let told = ask(&server, &path(name)).await;
        let [error] = &told["errors"].as_array().unwrap()[..] else {
            panic!("{name:?}: {told}")
        };
        assert_eq!(
            (&error["field"], &error["code"]),
            (&json!("username"), &json!(code)),
            "{name:?}"
        );
        assert!(error["message"].as_str().unwrap().ends_with('.'), "{told}");
        let mut rest = told.clone();
        rest["errors"] = json!([]);
        let expected = json!({"username": null, "allowed": false, "errors": [], "holders": null, "free": null, "taken": null});
        assert_eq!(rest.to_string(), expected.to_string(), "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_allowed_is_told_as_it_would_be_shown() {
    let server = Server::start().await;
    for (name, shown) in [
        ("Ada", "Ada"),
        (" \u{3000}Zoe\u{308}  B\u{A0}", "Zoë B"),
        ("x", "x"),
        (&*"é".repeat(30), &*"é".repeat(30)),
        ("🚀", "🚀"),
        ("👩\u{200D}👩\u{200D}👦", "👩\u{200D}👩\u{200D}👦"),
        ("❤\u{FE0F}", "❤\u{FE0F}"),
        ("漢字", "漢字"),
        ("<b>\"&'", "<b>\"&'"),
    ] {
        let told = ask(&server, &path(name)).await;
        let expected = json!({"username": shown, "allowed": true, "errors": [], "holders": null, "free": null, "taken": null});
        assert_eq!(told.to_string(), expected.to_string(), "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bit_n_is_set_where_somebody_has_discriminator_n_of_that_name_in_any_case() {
    let home = Home::open().await;
    let numbers = [2, 7, 8, 64, 4_321, 9_999];
    for number in numbers {
        home.server.account_of("ADA", number).await;
    }
    home.server.account_of("Adam", 3).await;
    let told = home.get(&path("ada")).await.expect(200);
    assert_eq!(taken(&told), [&[1], &numbers[..]].concat());
    assert_eq!(
        (&told["holders"], &told["free"]),
        (&json!(7), &json!(9_992))
    );
    let nobody = home.get(&path("Nobody")).await.expect(200);
    assert_eq!(taken(&nobody), Vec::<u16>::new());
    assert_eq!(
        (&nobody["holders"], &nobody["free"]),
        (&json!(0), &json!(9_999))
    );
    hold(&home.server, "Full", 9_999, None);
    let full = home.get(&path("Full")).await.expect(200);
    assert_eq!(
        (&full["allowed"], &full["holders"], &full["free"]),
        (&json!(true), &json!(9_999), &json!(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_told_the_same_by_its_session_and_by_its_token_under_every_policy() {
    let home = Home::open().await;
    for policy in [Policy::Closed, Policy::Invite, Policy::Open] {
        home.server.store.set_registration(policy).await.unwrap();
        let by_session = home.get(&path("Ada")).await.expect(200);
        let by_token = home.server.get(&path("Ada"), &home.me).await.expect(200);
        assert_eq!(by_session, by_token);
        assert_eq!(taken(&by_session), [1], "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_rest_api_a_session_is_a_newcomers_and_at_the_page_a_token_is() {
    let home = Home::open().await;
    let own = headers(Some(&home.cookie));
    for base in &BASES[..2] {
        let path = format!("{base}{}", path("Ada"));
        let answer = send(&home.server, Get, &path, &own, None).await;
        assert_eq!(answer.expect(200)["taken"], Value::Null, "{base}");
    }
    let path = format!("/account/api{}", path("Ada"));
    let answer = home.server.get(&path, &home.me).await;
    assert_eq!(answer.expect(200)["taken"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_is_told_what_is_taken_where_they_could_register() {
    let home = Home::open().await;
    let server = &home.server;
    let minute = std::time::Duration::from_mins(1);
    let fine = instance_invite(server, 1, 0, None).await;
    let used_up = instance_invite(server, 1, 1, None).await;
    let expired = instance_invite(server, 1, 0, Some(now().before(minute))).await;
    let by = |invite: &str| format!("{}&invite={invite}", path("Ada"));
    for (policy, query, told) in [
        (Policy::Closed, path("Ada"), false),
        (Policy::Closed, by(&fine), false),
        (Policy::Invite, path("Ada"), false),
        (Policy::Invite, by(&used_up), false),
        (Policy::Invite, by(&expired), false),
        (Policy::Invite, by("nonsense"), false),
        (Policy::Invite, by(""), false),
        (Policy::Invite, by(&fine), true),
        (Policy::Open, path("Ada"), true),
        (Policy::Open, by("nonsense"), true),
    ] {
        server.store.set_registration(policy).await.unwrap();
        let answer = ask(server, &query).await;
        assert_eq!(answer["allowed"], true);
        if told {
            assert_eq!(
                (taken(&answer), &answer["holders"]),
                (vec![1], &json!(1)),
                "{policy} {query}"
            );
        } else {
            let hidden = ["holders", "free", "taken"].map(|field| answer[field].is_null());
            assert_eq!(hidden, [true; 3], "{policy} {query}");
        }
    }
    // Asking uses nothing up.
    let body = json!({"username": "New", "password": crate::desk::PASSWORD, "invite": fine});
    server.store.set_registration(Policy::Invite).await.unwrap();
    crate::account_desk::enter(server, "/register", &body)
        .await
        .expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_disabled_or_logged_out_is_a_newcomer() {
    let home = Home::open().await;
    let told = async || home.get(&path("Ada")).await.expect(200)["taken"].clone();
    assert!(told().await.is_string());
    home.server
        .store
        .set_disabled(home.me.user.id, true)
        .await
        .unwrap();
    assert_eq!(told().await, Value::Null);
    home.server
        .store
        .set_disabled(home.me.user.id, false)
        .await
        .unwrap();
    home.post("/logout", &Value::Null).await.expect(204);
    assert_eq!(told().await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_without_a_name_is_no_check() {
    let server = Server::start().await;
    for (query, code) in [
        ("", "required"),
        ("?invite=x", "required"),
        ("?username=a&username=b", "duplicate"),
    ] {
        for base in BASES {
            let path = format!("{base}/usernames/check{query}");
            let answer = server.send(Get, &path, &[], None).await;
            assert_eq!(answer.fails(), failure(400, "invalid_request"));
            assert_eq!(answer.faults(), [fault("username", code)], "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_often_is_slowed_down_at_the_page_and_at_the_rest_api_together() {
    let server = Server::start_with(&Config::default()).await;
    let ask = async |number: usize| from("192.0.2.1", &server, BASES[number % 3]).await;
    let mut answers = Vec::new();
    // 30 at once and two a second: the tests are not so slow that all of these are let through.
    for number in 0..200 {
        answers.push(ask(number).await);
        if answers.last().unwrap().status == 429 {
            break;
        }
    }
    let limited = answers.pop().unwrap();
    assert_limited(&limited);
    assert!(answers.len() >= 30, "{}", answers.len());
    assert!(answers.iter().all(|answer| answer.status == 200));
    from("198.51.100.1", &server, BASES[2]).await.expect(200);
}
