//! What pages of other origins may read (`cors.origins`), and which methods a path has.

use rocket::http::Method;
use saryno::config::Config;

use crate::support::{Answer, Server, failure, unlimited};

const PAGE: &str = "https://chat.example";

async fn server(origins: &[&str]) -> Server {
    let mut config: Config = unlimited();
    config.cors.origins = origins.iter().map(|origin| (*origin).to_owned()).collect();
    Server::start_with(&config).await
}

async fn ask(server: &Server, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    server.send(method, path, &headers, None).await
}

/// The names of all headers that have to do with other origins.
fn told(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.iter().map(|(name, _)| name.as_str());
    names
        .filter(|name| name.starts_with("Access-Control-") || *name == "Vary")
        .collect()
}

#[tokio::test]
async fn unless_the_settings_name_origins_nothing_is_said_of_them() {
    let server = server(&[]).await;
    for method in [Method::Get, Method::Options] {
        let headers = [("Origin", PAGE), ("Access-Control-Request-Method", "GET")];
        let answer = ask(&server, method, "/users/@me", &headers).await;
        assert_eq!(told(&answer), Vec::<&str>::new());
    }
}

#[tokio::test]
async fn a_page_of_an_origin_that_is_named_may_read_every_answer_and_no_other_page_any() {
    let server = server(&["http://localhost:5173", PAGE]).await;
    let account = server.account("Ada").await;
    let token = format!("Bearer {}", account.token);
    for (path, status) in [("/users/@me", 200), ("/v1/users/1", 404), ("/nowhere", 404)] {
        let headers = [("Authorization", token.as_str()), ("Origin", PAGE)];
        let answer = ask(&server, Method::Get, path, &headers).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(
            answer.header("Access-Control-Allow-Origin"),
            Some(PAGE),
            "{path}"
        );
        assert_eq!(answer.header("Vary"), Some("Origin"));
        let exposed = answer.header("Access-Control-Expose-Headers").unwrap();
        for name in [
            "ETag",
            "Link",
            "Retry-After",
            "X-Request-Id",
            "X-RateLimit-Remaining",
        ] {
            assert!(exposed.contains(name), "{name}");
        }
        assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
        for other in [
            "https://evil.example",
            "https://chat.example.evil",
            "null",
            "https://Chat.example",
        ] {
            let headers = [("Authorization", token.as_str()), ("Origin", other)];
            let answer = ask(&server, Method::Get, path, &headers).await;
            assert_eq!(told(&answer), ["Vary"], "{other}");
        }
    }
    let refused = ask(&server, Method::Get, "/users/@me", &[("Origin", PAGE)]).await;
    assert_eq!(refused.fails(), failure(401, "unauthorized"));
    assert_eq!(refused.header("Access-Control-Allow-Origin"), Some(PAGE));
}

#[tokio::test]
async fn a_browser_is_told_before_what_such_a_page_may_send() {
    let server = server(&[PAGE]).await;
    let headers = [
        ("Origin", PAGE),
        ("Access-Control-Request-Method", "PATCH"),
        (
            "Access-Control-Request-Headers",
            "authorization,content-type",
        ),
    ];
    let answer = ask(&server, Method::Options, "/v1/users/@me", &headers).await;
    answer.expect(204);
    let methods = answer.header("Access-Control-Allow-Methods");
    assert_eq!(methods, Some("DELETE, GET, HEAD, OPTIONS, PATCH"));
    let headers = answer.header("Access-Control-Allow-Headers").unwrap();
    for name in [
        "Authorization",
        "Content-Type",
        "Idempotency-Key",
        "If-Match",
        "If-None-Match",
    ] {
        assert!(headers.contains(name), "{name}");
    }
    assert!(answer.header("Access-Control-Max-Age").is_some());
}

#[tokio::test]
async fn all_origins_may_be_named_at_once() {
    let server = server(&["*"]).await;
    let answer = ask(
        &server,
        Method::Get,
        "/health",
        &[("Origin", "https://any.example")],
    )
    .await;
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(answer.header("Vary"), None);
    assert_eq!(
        told(&ask(&server, Method::Get, "/health", &[]).await),
        Vec::<&str>::new()
    );
}

#[tokio::test]
async fn no_page_of_another_origin_reads_what_the_pages_read() {
    let server = server(&["*"]).await;
    for path in [
        "/admin/",
        "/admin/api/state",
        "/account/",
        "/account/api/state",
        "/account/api/users/@me",
        "//admin/api/state",
    ] {
        for method in [Method::Get, Method::Options] {
            let headers = [("Origin", PAGE), ("Access-Control-Request-Method", "GET")];
            let answer = ask(&server, method, path, &headers).await;
            assert_eq!(answer.header("Access-Control-Allow-Origin"), None, "{path}");
        }
    }
}

#[tokio::test]
async fn options_tells_the_methods_of_a_path_and_a_wrong_one_is_told_the_same() {
    let server = server(&[]).await;
    for (path, methods, wrong) in [
        (
            "/users/@me",
            "DELETE, GET, HEAD, OPTIONS, PATCH",
            Method::Put,
        ),
        (
            "/v1/users/@me/channels",
            "GET, HEAD, OPTIONS, POST",
            Method::Delete,
        ),
        ("/auth/login", "OPTIONS, POST", Method::Get),
    ] {
        let answer = ask(&server, Method::Options, path, &[]).await;
        answer.expect(204);
        assert_eq!(answer.header("Allow"), Some(methods), "{path}");
        assert!(answer.header("X-Request-Id").is_some());
        let refused = ask(&server, wrong, path, &[]).await;
        assert_eq!(refused.fails(), failure(405, "method_not_allowed"));
        assert_eq!(refused.header("Allow"), Some(methods), "{path}");
    }
    let nowhere = ask(&server, Method::Options, "/nowhere", &[]).await;
    assert_eq!(nowhere.fails(), failure(404, "not_found"));
}
