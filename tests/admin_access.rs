//! Who may what of the admin API: every endpoint for everybody who may not.

use std::collections::BTreeSet;

use rocket::http::Method::{Delete, Get};
use saryno::actions::{Action, AdminAction, Deed, UserAction};
use saryno::admins::{Admins, Credential};
use saryno::audit::{Author, Who};
use saryno::error::Error;
use saryno::store::Store;
use saryno::tokens::{Secret, SecretHash};
use serde_json::{Value, json};

use crate::desk::{Desk, Pass, admin, send, session};
use crate::endpoint_tables::{
    BY_TOKEN, CHANGES, IN_PERSON, JSON, OPEN, OWN, OWN_PAGE, READS, World,
};
use crate::operate::perform;
use crate::support::{failure, now};

impl World {
    /// Sends every endpoint's request with this pass and expects that none lets it in, and that nothing has changed.
    pub(crate) async fn shut(&self, pass: &Pass) {
        let before = self.rows();
        let reads = READS.iter().chain(&IN_PERSON);
        let reads = reads.filter(|(_, path)| *path != "/state");
        let reads = reads.map(|(method, path)| (*method, self.fill(path), None));
        for (method, path, body) in reads.chain(self.changes(false)) {
            let answer = self.desk.call(method, &path, pass, body.as_deref()).await;
            assert_eq!(
                answer.fails(),
                failure(401, "unauthorized"),
                "{method} {path}"
            );
        }
        assert_eq!(self.rows(), before);
        let state = self.desk.call(Get, "/state", pass, None).await;
        let nobody = json!({"set_up": true, "admin": null, "version": null});
        assert_eq!(state.expect(200), nobody);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_stands_in_the_tables_of_these_tests() {
    let desk = Desk::open().await;
    let routes = desk.server.client.rocket().routes();
    let mounted = routes.filter(|route| route.uri.base() == "/admin/api");
    let path = |route: &rocket::Route| route.uri.path()["/admin/api".len()..].to_owned();
    let there: BTreeSet<_> = mounted
        .map(|route| (route.method.as_str(), path(route)))
        .collect();
    let changes = CHANGES.iter().chain(&OWN);
    let known = READS
        .into_iter()
        .chain(changes.map(|(method, path, ..)| (*method, *path)))
        .chain(OPEN.map(|(method, path, _)| (method, path)))
        .chain(IN_PERSON.map(|(method, _)| (method, "/backups/<name>")))
        .map(|(method, path)| (method.as_str(), path.to_owned()));
    assert_eq!(there, known.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_every_endpoint_is_shut() {
    World::new().await.shut(&Pass::Nothing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_cookie_that_nobody_was_given_every_endpoint_is_shut() {
    let world = World::new().await;
    for cookie in ["", "x", Secret::session().reveal()] {
        world.shut(&Pass::Cookie(cookie.to_owned())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_session_that_was_idle_for_twelve_hours_every_endpoint_is_shut() {
    let world = World::new().await;
    let idle = |milliseconds: i64| {
        let sql = "UPDATE admin_sessions SET last_used = ?1";
        let last_used = now().0 - milliseconds;
        let touched = world.desk.server.database().execute(sql, [last_used]);
        assert_eq!(touched, Ok(1));
    };
    let twelve_hours = 12 * 3_600_000;
    idle(twelve_hours - 60_000);
    world.desk.get("/overview").await.expect(200);
    // That use is noted without anybody waiting for it; what is written after it comes after it.
    world.desk.server.store.ping().await.unwrap();
    idle(twelve_hours);
    world.shut(&world.desk.pass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_session_that_was_logged_out_every_endpoint_is_shut() {
    let world = World::new().await;
    world.desk.post("/logout", &json!({})).await.expect(204);
    world.shut(&world.desk.pass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_session_of_a_removed_admin_every_endpoint_is_shut() {
    let world = World::new().await;
    let gone = admin(&world.desk.server, "gone").await;
    let pass = session(&world.desk.server, &gone).await;
    let answer = world.desk.call(Get, "/overview", &pass, None).await;
    answer.expect(200);
    let path = format!("/admins/{}", gone.id);
    world.desk.delete(&path).await.expect(204);
    world.shut(&pass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_users_token_every_endpoint_is_shut() {
    let world = World::new().await;
    world.shut(&Pass::Token(world.member.token.clone())).await;
    world.shut(&Pass::Cookie(world.member.token.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_an_admins_token_in_the_cookie_every_endpoint_is_shut() {
    let world = World::new().await;
    let Pass::Token(token) = &world.token else {
        panic!("no token")
    };
    world.shut(&Pass::Cookie(token.clone())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_token_beside_a_good_cookie_shuts_every_endpoint() {
    let world = World::new().await;
    let before = world.rows();
    let mut headers: Vec<_> = world.desk.pass.header().into_iter().collect();
    headers.push(("Authorization", "Bearer sra_x".to_owned()));
    headers.extend([JSON, OWN_PAGE].map(|(name, value)| (name, value.to_owned())));
    for (method, path, body) in world.changes(false) {
        let answer = world.desk.send(method, &path, &headers, body.as_deref());
        assert_eq!(answer.await.fails(), failure(401, "unauthorized"), "{path}");
    }
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_reads_everything_and_changes_users_and_communities_without_a_browsers_headers() {
    let world = World::new().await;
    // That one never ends.
    for (method, path) in READS.into_iter().filter(|(_, path)| *path != "/live") {
        let answer = world
            .desk
            .call(method, &world.fill(path), &world.token, None)
            .await;
        answer.expect(200);
    }
    let header: Vec<_> = world.token.header().into_iter().collect();
    world.accepted(&CHANGES[..BY_TOKEN], &header).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_makes_no_admins_and_no_tokens_and_is_no_session() {
    let world = World::new().await;
    let before = world.rows();
    for (method, path, body, _) in CHANGES[BY_TOKEN..].iter().chain(&OWN) {
        let (path, body) = (world.fill(path), world.fill(body));
        let answer = world
            .desk
            .call(*method, &path, &world.token, Some(&body))
            .await;
        assert_eq!(answer.fails(), failure(403, "forbidden"), "{method} {path}");
    }
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_ends_at_once() {
    let world = World::new().await;
    let path = world.fill("/tokens/<id>");
    world.desk.delete(&path).await.expect(204);
    world.shut(&world.token).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tokens_of_a_removed_admin_end_at_once() {
    let world = World::new().await;
    let second = admin(&world.desk.server, "another").await;
    let pass = session(&world.desk.server, &second).await;
    let path = format!("/admins/{}", world.desk.root.id);
    let removed = world.desk.call(Delete, &path, &pass, None).await;
    removed.expect(204);
    world.shut(&world.token).await;
    world.shut(&world.desk.pass).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_admins_is_accepted_by_the_rest_api() {
    let world = World::new().await;
    let before = world.rows();
    for pass in [&world.token, &world.desk.pass] {
        let mut headers: Vec<_> = pass.header().into_iter().collect();
        headers.extend([JSON, OWN_PAGE].map(|(name, value)| (name, value.to_owned())));
        for (method, path) in world.of_rest() {
            let answer = send(&world.desk.server, method, &path, &headers, Some("{}")).await;
            assert_eq!(
                answer.fails(),
                failure(401, "unauthorized"),
                "{method} {path}"
            );
        }
    }
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_removes_themself() {
    let world = World::new().await;
    let before = world.rows();
    let path = format!("/admins/{}", world.desk.root.id);
    let answer = world.desk.delete(&path).await;
    assert_eq!(answer.fails(), failure(403, "forbidden"));
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_of_an_admin_who_was_removed_since_they_were_admitted_is_not_done() {
    let world = World::new().await;
    let store = &world.desk.server.store;
    let gone = admin(&world.desk.server, "gone").await;
    let Pass::Cookie(cookie) = session(&world.desk.server, &gone).await else {
        panic!("no session")
    };
    let credential = Credential::Session(SecretHash::of_session(&cookie).unwrap());
    let operator = store.operator(credential, now(), false).await.unwrap();
    perform(store, Action::Admin(gone.id, AdminAction::Remove))
        .await
        .unwrap();
    let before = world.rows();
    let author = Author {
        who: Who::Operator(operator),
        address: None,
    };
    let deed = Deed {
        entry: world.desk.server.ids.next().unwrap(),
        action: Action::User(world.member.user.id, UserAction::Delete),
    };
    assert_eq!(
        store.perform_one(author, deed).await,
        Err(Error::Unauthorized)
    );
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_of_admins_and_tokens_show_no_secret() {
    let world = World::new().await;
    let admins = world.desk.get("/admins").await.expect(200);
    let root = &admins[0];
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(root), ["id", "name", "last_login", "has_password"]);
    assert_eq!(
        (&root["name"], &root["has_password"]),
        (&json!("root"), &json!(true))
    );
    assert!(root["last_login"].is_string() && admins[1]["last_login"].is_null());
    let tokens = world.desk.get("/tokens").await.expect(200);
    assert_eq!(keys(&tokens[0]), ["id", "name", "admin", "last_used"]);
    assert_eq!(tokens[0]["name"], "nightly");
    assert_eq!(tokens[0]["admin"], "root");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_token_is_noted_to_the_hour() {
    let world = World::new().await;
    let last_used = async || {
        // Behind whatever the writer has been given so far.
        world.desk.server.store.ping().await.unwrap();
        world.desk.get("/tokens").await.expect(200)[0]["last_used"].clone()
    };
    assert_eq!(last_used().await, Value::Null);
    let used = async || world.desk.call(Get, "/users", &world.token, None).await;
    used().await.expect(200);
    let first = last_used().await;
    assert!(first.is_string());
    used().await.expect(200);
    assert_eq!(last_used().await, first);
}
