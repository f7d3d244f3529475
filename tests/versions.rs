//! Versions: `ETag`, and requests on the condition of one (RFC 9110, section 13).

use futures::future::join_all;
use rocket::http::Method;
use serde_json::{Value, json};

use crate::channels::{group, people};
use crate::communities::community;
use crate::support::{Account, Answer, Server, failure};

/// A request with one more header.
async fn with(
    server: &Server,
    method: Method,
    path: &str,
    by: &Account,
    header: (&str, &str),
    body: Option<&Value>,
) -> Answer {
    let mut headers = vec![
        ("Authorization".to_owned(), format!("Bearer {}", by.token)),
        (header.0.to_owned(), header.1.to_owned()),
    ];
    if body.is_some() {
        headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
    }
    let body = body.map(Value::to_string);
    server
        .send(method, path, &headers, body.as_deref().map(str::as_bytes))
        .await
}

async fn read(server: &Server, path: &str, by: &Account, known: &str) -> Answer {
    with(
        server,
        Method::Get,
        path,
        by,
        ("If-None-Match", known),
        None,
    )
    .await
}

async fn change(server: &Server, path: &str, by: &Account, meant: &str, body: &Value) -> Answer {
    with(
        server,
        Method::Patch,
        path,
        by,
        ("If-Match", meant),
        Some(body),
    )
    .await
}

fn tag(answer: &Answer) -> String {
    answer.header("ETag").unwrap().to_owned()
}

/// Everything with a version: its path, and a change of it by Ada.
async fn things(server: &Server, ada: &Account, others: &[&Account; 2]) -> [(String, Value); 3] {
    let tea = group(server, ada, others).await;
    let rowers = community(server, ada).await;
    [
        ("/users/@me".into(), json!({ "username": "Grace" })),
        (tea, json!({ "name": "Tea" })),
        (rowers, json!({ "name": "Sailors" })),
    ]
}

#[tokio::test]
async fn who_has_the_current_version_is_told_so_without_a_body_until_it_changes() {
    let server = Server::start().await;
    let [ada, bob, eve] = people(&server).await;
    for (path, body) in things(&server, &ada, &[&bob, &eve]).await {
        let first = server.get(&path, &ada).await;
        first.expect(200);
        let first = tag(&first);
        for known in [
            first.clone(),
            format!("W/{first}"),
            format!("\"x\", {first}"),
            "*".into(),
        ] {
            let known = read(&server, &path, &ada, &known).await;
            assert_eq!((known.status, tag(&known)), (304, first.clone()), "{path}");
            assert_eq!(known.header("Cache-Control"), Some("no-store"));
            assert!(known.bytes.is_empty());
        }
        read(&server, &path, &ada, "\"x\"").await.expect(200);
        let changed = server.patch(&path, &ada, &body).await;
        let object = changed.expect(200);
        let now = read(&server, &path, &ada, &first).await;
        assert_eq!(now.expect(200), object);
        assert_eq!(tag(&now), tag(&changed), "{path}");
        assert_ne!(tag(&now), first, "{path}");
    }
}

#[tokio::test]
async fn a_change_of_a_version_that_is_no_longer_the_current_one_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    let [ada, bob, eve] = people(&server).await;
    for (path, body) in things(&server, &ada, &[&bob, &eve]).await {
        let first = tag(&server.get(&path, &ada).await);
        let changed = change(&server, &path, &ada, &first, &body).await;
        let now = changed.expect(200);
        let other = match path.as_str() {
            "/users/@me" => json!({ "username": "Late" }),
            _ => json!({ "name": "Late" }),
        };
        for late in [
            first.clone(),
            "\"x\"".into(),
            format!("W/{}", tag(&changed)),
        ] {
            let refused = change(&server, &path, &ada, &late, &other).await;
            assert_eq!(
                refused.fails(),
                failure(412, "precondition_failed"),
                "{path}"
            );
        }
        assert_eq!(server.get(&path, &ada).await.expect(200), now);
        let any = format!("\"x\", {}", tag(&changed));
        change(&server, &path, &ada, &any, &other).await.expect(200);
        change(&server, &path, &ada, "*", &body).await.expect(200);
    }
}

#[tokio::test]
async fn of_a_hundred_who_change_the_same_version_at_once_one_does() {
    let server = Server::start().await;
    let [ada, bob, eve] = people(&server).await;
    let path = group(&server, &ada, &[&bob, &eve]).await;
    // What the three are shown of it differs, and so do the tags.
    let mut tags = Vec::new();
    for person in [&ada, &bob, &eve] {
        tags.push((person, tag(&server.get(&path, person).await)));
    }
    let changes = (0..100).map(|number| {
        let ((person, tag), path) = (&tags[number % 3], &path);
        let body = json!({ "name": format!("Tea {number}") });
        let server = &server;
        async move {
            (
                body["name"].clone(),
                change(server, path, person, tag, &body).await,
            )
        }
    });
    let (done, refused): (Vec<_>, Vec<_>) = join_all(changes)
        .await
        .into_iter()
        .partition(|(_, answer)| answer.status == 200);
    assert_eq!((done.len(), refused.len()), (1, 99));
    for (_, answer) in refused {
        assert_eq!(answer.fails(), failure(412, "precondition_failed"));
    }
    assert_eq!(server.get(&path, &ada).await.expect(200)["name"], done[0].0);
}

#[tokio::test]
async fn what_would_fail_anyway_fails_for_its_own_reason() {
    let server = Server::start().await;
    let [ada, bob, eve] = people(&server).await;
    let path = community(&server, &ada).await;
    let before = server.get(&path, &ada).await.expect(200);
    let name = json!({ "name": "Late" });
    let stranger = change(&server, &path, &bob, "\"x\"", &name).await;
    assert_eq!(stranger.fails(), failure(404, "unknown_community"));
    let empty = change(&server, &path, &ada, "\"x\"", &json!({ "name": "" })).await;
    assert_eq!(empty.fails(), failure(400, "invalid_request"));
    let missing = json!({ "owner_id": eve.id() });
    let missing = change(&server, &path, &ada, "\"x\"", &missing).await;
    assert_eq!(missing.fails(), failure(400, "invalid_request"));
    for unreadable in ["x", "\"x", "\"a\" \"b\"", ""] {
        let answer = change(&server, &path, &ada, unreadable, &name).await;
        assert_eq!(
            answer.fails(),
            failure(400, "invalid_request"),
            "{unreadable}"
        );
    }
    assert_eq!(server.get(&path, &ada).await.expect(200), before);
}

#[tokio::test]
async fn a_deletion_may_be_meant_for_one_version_too() {
    let server = Server::start().await;
    let [ada, bob, eve] = people(&server).await;
    for (path, body) in things(&server, &ada, &[&bob, &eve]).await {
        if path == "/users/@me" {
            continue;
        }
        let first = tag(&server.get(&path, &ada).await);
        let changed = server.patch(&path, &ada, &body).await;
        let delete = |meant: String| {
            let (server, path, ada) = (&server, &path, &ada);
            async move {
                with(
                    server,
                    Method::Delete,
                    path,
                    ada,
                    ("If-Match", &meant),
                    None,
                )
                .await
            }
        };
        assert_eq!(
            delete(first).await.fails(),
            failure(412, "precondition_failed")
        );
        server.get(&path, &ada).await.expect(200);
        delete(tag(&changed)).await.expect(204);
        assert_eq!(server.get(&path, &ada).await.status, 404);
    }
}

#[tokio::test]
async fn a_version_has_the_same_tag_whoever_asks_and_in_every_server_on_these_data() {
    let server = Server::start().await;
    let [ada, bob, _] = people(&server).await;
    let path = format!("/users/{}", ada.id());
    let first = tag(&server.get(&path, &bob).await);
    assert_eq!(first, tag(&server.get("/users/@me", &ada).await));
    let Server {
        directory, store, ..
    } = server;
    let again = Server::over(directory, store).await;
    assert_eq!(first, tag(&again.get(&path, &bob).await));
}
