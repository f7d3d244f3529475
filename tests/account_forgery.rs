//! Which pages may ask for a change on the account page: that page itself, and no other; and the cookie that the browser keeps.

use rocket::http::Method::Post;
use saryno::accounts::Policy;
use saryno::config::Config;
use serde_json::{Value, json};

use crate::account_desk::{Asked, Home, World, begun, enter, headers, reset_code, resident};
use crate::desk::{PASSWORD, send};
use crate::endpoint_tables::{JSON, OWN_PAGE};
use crate::forgery::{FORMS, ORIGINS, SITES};
use crate::operate::Operate;
use crate::support::{Answer, Server, failure, now, unlimited};

const HOST: (&str, &str) = ("Host", "chat.example");

impl World {
    /// Sends every change with the session and these headers and expects this error, and that nothing has changed.
    async fn forged(&self, more: &[(&'static str, &str)], status: u16, code: &str) {
        let before = self.home.rows();
        let cookie = ("Cookie", format!("saryno_account={}", self.home.cookie));
        let more = more
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        let headers: Vec<_> = [cookie].into_iter().chain(more).collect();
        for asked in self.changes() {
            let answer = self.send(&asked, &headers).await;
            let told = format!("{asked:?} {headers:?}");
            assert_eq!(answer.fails(), failure(status, code), "{told}");
            assert!(answer.header("Set-Cookie").is_none(), "{told}");
        }
        assert_eq!(self.home.rows(), before, "{headers:?}");
    }
}

fn owned(headers: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let owned = |(name, value): &(&'static str, &str)| (*name, (*value).to_owned());
    headers.iter().map(owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_for_another_site() {
    let world = World::new().await;
    for site in SITES {
        let headers = [("Sec-Fetch-Site", site), JSON];
        world.forged(&headers, 403, "forbidden").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_where_the_browser_does_not_say_who_asks() {
    let world = World::new().await;
    world.forged(&[JSON], 403, "forbidden").await;
    world.forged(&[JSON, HOST], 403, "forbidden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_for_another_origin() {
    let world = World::new().await;
    for origin in ORIGINS {
        let headers = [HOST, ("Origin", origin), JSON];
        world.forged(&headers, 403, "forbidden").await;
    }
    let own = ("Origin", "https://chat.example");
    let both = [HOST, own, ("Sec-Fetch-Site", "cross-site"), JSON];
    world.forged(&both, 403, "forbidden").await;
    world.forged(&[own, JSON], 403, "forbidden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_by_what_does_not_say_json() {
    let world = World::new().await;
    let (status, code) = (415, "unsupported_media_type");
    for kind in FORMS {
        let headers = [OWN_PAGE, ("Content-Type", kind)];
        world.forged(&headers, status, code).await;
    }
    world.forged(&[OWN_PAGE], status, code).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_never_passes_for_another_method() {
    let world = World::new().await;
    let before = world.home.rows();
    let mut headers = headers(Some(&world.home.cookie));
    headers[0] = ("Content-Type", FORMS[0].to_owned());
    for (_, path, _) in world.changes() {
        for body in ["_method=delete", "_method=put", "_method=patch&username=x"] {
            let asked: Asked = (Post, path.clone(), Some(body.to_owned()));
            let answer = world.send(&asked, &headers).await;
            let known = [
                failure(415, "unsupported_media_type"),
                failure(405, "method_not_allowed"),
            ];
            assert!(known.contains(&answer.fails()), "{asked:?}");
        }
    }
    assert_eq!(world.home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_own_requests_make_every_change() {
    let world = World::new().await;
    world.accepted(&owned(&[JSON, OWN_PAGE])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_own_origin_makes_every_change_where_the_browser_does_not_name_the_site() {
    let world = World::new().await;
    let origin = ("Origin", "http://chat.example");
    world.accepted(&owned(&[HOST, origin, JSON])).await;
}

/// What a `Set-Cookie` says behind the value, in order.
#[track_caller]
fn attributes(answer: &Answer) -> Vec<String> {
    let cookie = answer.header("Set-Cookie").unwrap();
    let mut parts: Vec<_> = cookie.split("; ").skip(1).map(str::to_owned).collect();
    parts.sort_unstable();
    parts
}

/// What each way in answers, with these headers besides the page's own.
async fn entered(server: &Server, more: &[(&'static str, &str)]) -> Vec<Answer> {
    server.store.set_registration(Policy::Open).await.unwrap();
    let name = format!("Ada {}", server.ids.next().unwrap());
    let me = resident(server, &name, 1).await;
    let code = reset_code(server, &me, now().after(saryno::accounts::RESET_END)).await;
    let mut headers = owned(&[JSON, OWN_PAGE]);
    headers.extend(owned(more));
    let mut answers = Vec::new();
    for (path, body, status) in [
        (
            "register",
            json!({"username": "New", "password": PASSWORD}),
            201,
        ),
        (
            "login",
            json!({"tag": me.user.to_string(), "password": PASSWORD}),
            200,
        ),
        ("reset", json!({"code": code, "new": PASSWORD}), 200),
    ] {
        let path = format!("/account/api/{path}");
        let answer = send(server, Post, &path, &headers, Some(&body.to_string())).await;
        answer.expect(status);
        answers.push(answer);
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_is_for_this_page_alone_and_out_of_a_scripts_reach() {
    let server = Server::start().await;
    for answer in entered(&server, &[]).await {
        let expected = ["HttpOnly", "Path=/account", "SameSite=Strict"];
        assert_eq!(attributes(&answer), expected);
        assert_eq!(begun(&answer).len(), 43, "256 random bits");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_tls_the_cookie_never_crosses_plain_http() {
    let server = Server::start().await;
    for (scheme, secure) in [("http", false), ("https", true)] {
        let forwarded = ("X-Forwarded-Proto", scheme);
        for answer in entered(&server, &[forwarded]).await {
            let has = attributes(&answer).contains(&"Secure".to_owned());
            assert_eq!(has, secure, "{scheme}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_url_says_whether_the_cookie_is_secure_and_which_origin_is_the_pages() {
    for (url, secure) in [
        ("https://chat.example", true),
        ("http://chat.example", false),
    ] {
        let config = Config {
            public_url: Some(url.into()),
            ..unlimited()
        };
        let server = Server::start_with(&config).await;
        for answer in entered(&server, &[]).await {
            let has = attributes(&answer).contains(&"Secure".to_owned());
            assert_eq!(has, secure, "{url}");
        }
        resident(&server, "Ada", 1).await;
        let body = json!({"tag": "Ada#0001", "password": PASSWORD}).to_string();
        let headers = owned(&[JSON, ("Host", "127.0.0.1:8000"), ("Origin", url)]);
        let answer = send(&server, Post, "/account/api/login", &headers, Some(&body)).await;
        answer.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_out_takes_the_cookie_back() {
    let home = Home::open().await;
    let answer = home.post("/logout", &Value::Null).await;
    answer.expect(204);
    assert_eq!(begun(&answer), "");
    let parts = attributes(&answer);
    for part in ["Max-Age=0", "Path=/account"] {
        assert!(parts.contains(&part.to_owned()), "{parts:?}");
    }
    assert_eq!(home.who(&home.cookie).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entrance_that_is_refused_sets_no_cookie() {
    let home = Home::open().await;
    for (path, body) in [
        (
            "/register",
            json!({"username": "New", "password": PASSWORD}),
        ),
        (
            "/login",
            json!({"tag": "Ada#0001", "password": "another horse"}),
        ),
        ("/reset", json!({"code": "x", "new": PASSWORD})),
        ("/reset/look", json!({"code": "x"})),
    ] {
        let answer = enter(&home.server, path, &body).await;
        assert!(answer.status >= 400, "{path}");
        assert!(answer.header("Set-Cookie").is_none(), "{path}");
    }
}
