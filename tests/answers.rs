//! What every answer has, whatever it answers: its headers, its methods, and paths that lead to it.

use std::collections::HashSet;

use rocket::http::Method;
use rocket::local::asynchronous::Client;
use saryno::config::Config;
use saryno::id::{Generator, Id};

use crate::support::{Account, Answer, Server, failure, keeper, store};
use crate::users::start;

#[track_caller]
fn assert_dressed(answer: &Answer) -> String {
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"));
    let policy = answer.header("Content-Security-Policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
    let id = answer.header("X-Request-Id").unwrap();
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    assert!(id.len() == 16 && id.bytes().all(is_hex), "{id}");
    id.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_exists_at_the_root_and_under_v1() {
    let server = Server::start().await;
    let routes = server.client.rocket().routes();
    // The pages are no part of the REST API.
    let page = |base: &str| {
        ["/admin", "/account", "/docs"]
            .iter()
            .any(|page| base.starts_with(page))
    };
    let routes = routes.filter(|route| !page(route.uri.base()));
    let (pinned, plain): (Vec<_>, Vec<_>) = routes.partition(|route| route.uri.base() == "/v1");
    assert!(plain.len() > 20 && plain.len() == pinned.len());
    for route in plain {
        let path = route.uri.path().replace(['<', '>'], "");
        let pinned = format!("/v1{path}");
        let plain = server.call(route.method, &path, None, None).await;
        let pinned = server.call(route.method, &pinned, None, None).await;
        assert!([200, 400, 401, 404].contains(&plain.status), "{path}");
        assert_eq!((plain.status, plain.text()), (pinned.status, pinned.text()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_wears_the_headers_and_an_id_of_its_own() {
    let (server, me) = start().await;
    let mut ids = HashSet::new();
    for (method, path, status) in [
        (Method::Get, "/users/@me", 200),
        (Method::Get, "/nowhere", 404),
        (Method::Post, "/users/@me", 405),
        (Method::Post, "/auth/logout", 204),
        (Method::Get, "/users/@me", 401),
    ] {
        let answer = server.call(method, path, Some(&me.token), None).await;
        assert_eq!(answer.status, status, "{method} {path}");
        ids.insert(assert_dressed(&answer));
    }
    assert_eq!(ids.len(), 5);
}

#[rocket::get("/boom")]
fn boom() -> &'static str {
    panic!("a detail of the house")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_handler_is_an_internal_error_without_detail() {
    let (directory, store) = store();
    let ids = Generator::new(0, Id::MIN);
    let keeper = keeper(directory.path());
    let rocket = saryno::server(&Config::default(), store.clone(), ids, keeper)
        .unwrap()
        .mount("/", rocket::routes![boom]);
    let server = Server {
        client: Client::untracked(rocket).await.unwrap(),
        store,
        ids: Generator::new(1, Id::MIN),
        directory,
    };
    let answer = server.call(Method::Get, "/boom", None, None).await;
    assert_eq!(answer.fails(), failure(500, "internal"));
    assert!(!answer.text().contains("detail of the house"));
    assert_dressed(&answer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start().await;
    for (method, path, allowed) in [
        (Method::Get, "/auth/login", &["POST"][..]),
        (Method::Delete, "/users/1", &["GET", "HEAD"]),
        (Method::Post, "/users/@me", &["GET", "HEAD", "PATCH"]),
    ] {
        let answer = server.call(method, path, None, None).await;
        assert_eq!(answer.fails(), failure(405, "method_not_allowed"), "{path}");
        let allow: Vec<_> = answer.header("Allow").unwrap().split(", ").collect();
        let told = allowed.iter().all(|method| allow.contains(method));
        assert!(told && !allow.contains(&method.as_str()), "{allow:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_is_get_without_the_body() {
    let (server, Account { token, .. }) = start().await;
    let answer = server
        .call(Method::Head, "/users/@me", Some(&token), None)
        .await;
    assert_eq!((answer.status, answer.text()), (200, String::new()));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_written_otherwise_is_the_same_path_and_an_unknown_one_not_found() {
    let (server, me) = start().await;
    let expected = server.get("/users/@me", &me).await.expect(200);
    for path in ["//users//@me", "/users/%40me"] {
        assert_eq!(server.get(path, &me).await.expect(200), expected, "{path}");
    }
    for path in ["/", "/nowhere", "/v1", "/v2/users/@me"] {
        let answer = server.get(path, &me).await;
        assert_eq!(answer.fails(), failure(404, "not_found"), "{path}");
    }
}
