//! Which pages may ask for a change: the admin page itself, and no other; and scripts, which no page can make send a token.

use rocket::http::Method::Post;

use crate::endpoint_tables::{BY_TOKEN, CHANGES, JSON, OWN, OWN_PAGE, World};
use crate::support::failure;

/// What a browser says of who asks, unless it is the page.
pub(crate) const SITES: [&str; 5] = ["cross-site", "same-site", "none", "", "Same-Origin"];

/// Origins that are not that of a page at `chat.example`.
pub(crate) const ORIGINS: [&str; 7] = [
    "https://evil.example",
    "https://chat.example.evil.example",
    "https://evil.example/chat.example",
    "https://chat.example:8443",
    "null",
    "chat.example",
    "",
];

/// What a form can send, and what is next to it.
pub(crate) const FORMS: [&str; 6] = [
    "application/x-www-form-urlencoded",
    "application/x-www-form-urlencoded; charset=utf-8",
    "multipart/form-data; boundary=x",
    "text/plain",
    "text/plain; application/json",
    "",
];

impl World {
    /// Sends every change with the session and these headers and expects this error, and that nothing has changed.
    async fn refused(&self, headers: &[(&'static str, &str)], status: u16, code: &str) {
        let before = self.rows();
        let mut all: Vec<_> = self.desk.pass.header().into_iter().collect();
        all.extend(
            headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        for (method, path, body) in self.changes(true) {
            let answer = self.desk.send(method, &path, &all, body.as_deref()).await;
            let told = format!("{method} {path} {headers:?}");
            assert_eq!(answer.fails(), failure(status, code), "{told}");
            assert!(answer.header("Set-Cookie").is_none(), "{told}");
        }
        assert_eq!(self.rows(), before, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_for_another_site() {
    let world = World::new().await;
    for site in SITES {
        let headers = [("Sec-Fetch-Site", site), JSON];
        world.refused(&headers, 403, "forbidden").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_where_the_browser_does_not_say_who_asks() {
    let world = World::new().await;
    world.refused(&[JSON], 403, "forbidden").await;
    let host = ("Host", "chat.example");
    world.refused(&[JSON, host], 403, "forbidden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_for_another_origin() {
    let world = World::new().await;
    let host = ("Host", "chat.example");
    for origin in ORIGINS {
        let headers = [host, ("Origin", origin), JSON];
        world.refused(&headers, 403, "forbidden").await;
    }
    let both = [
        host,
        ("Origin", "https://chat.example"),
        ("Sec-Fetch-Site", "cross-site"),
        JSON,
    ];
    world.refused(&both, 403, "forbidden").await;
    let without_host = [("Origin", "https://chat.example"), JSON];
    world.refused(&without_host, 403, "forbidden").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_by_what_a_form_can_send() {
    let world = World::new().await;
    for kind in FORMS {
        let headers = [OWN_PAGE, ("Content-Type", kind)];
        world.refused(&headers, 415, "unsupported_media_type").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_is_made_by_a_session_that_does_not_say_json() {
    let world = World::new().await;
    world
        .refused(&[OWN_PAGE], 415, "unsupported_media_type")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_never_passes_for_another_method() {
    let world = World::new().await;
    let before = world.rows();
    let (name, cookie) = world.desk.pass.header().unwrap();
    let form = "application/x-www-form-urlencoded";
    for (_, path, _) in world.changes(false) {
        for site in ["same-origin", "cross-site"] {
            let headers = [
                (name, cookie.as_str()),
                ("Sec-Fetch-Site", site),
                ("Content-Type", form),
            ]
            .map(|(name, value)| (name, value.to_owned()));
            for body in ["_method=delete", "_method=put", "_method=patch&username=x"] {
                let answer = world.desk.send(Post, &path, &headers, Some(body)).await;
                let known = [
                    (415, "unsupported_media_type"),
                    (403, "forbidden"),
                    (405, "method_not_allowed"),
                ]
                .map(|(status, code)| failure(status, code));
                assert!(
                    known.contains(&answer.fails()),
                    "{path} {body}: {}",
                    answer.text()
                );
            }
        }
    }
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_own_requests_make_every_change() {
    let world = World::new().await;
    let mut headers: Vec<_> = world.desk.pass.header().into_iter().collect();
    headers.extend([JSON, OWN_PAGE].map(|(name, value)| (name, value.to_owned())));
    world.accepted(&CHANGES, &headers).await;
    world.accepted(&OWN, &headers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_own_origin_makes_every_change_where_the_browser_does_not_name_the_site() {
    let world = World::new().await;
    let mut headers: Vec<_> = world.desk.pass.header().into_iter().collect();
    let origin = [
        ("Host", "chat.example"),
        ("Origin", "http://chat.example"),
        JSON,
    ];
    headers.extend(origin.map(|(name, value)| (name, value.to_owned())));
    world.accepted(&CHANGES, &headers).await;
    world.accepted(&OWN, &headers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_with_a_token_makes_no_change_either() {
    let world = World::new().await;
    let before = world.rows();
    let mut headers: Vec<_> = world.token.header().into_iter().collect();
    headers.push((
        "Content-Type",
        "application/x-www-form-urlencoded".to_owned(),
    ));
    for (method, path, body, _) in &CHANGES[..BY_TOKEN] {
        let (path, body) = (world.fill(path), world.fill(body));
        let answer = world.desk.send(*method, &path, &headers, Some(&body)).await;
        assert_eq!(
            answer.fails(),
            failure(415, "unsupported_media_type"),
            "{path}"
        );
    }
    assert_eq!(world.rows(), before);
}
