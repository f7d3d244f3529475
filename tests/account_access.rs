//! Who may what of the account page's API: every endpoint for everybody who may not; and its session everywhere else.

use std::collections::BTreeSet;

use rocket::http::Method::Get;
use saryno::tokens::{Secret, UNUSED_END};
use serde_json::{Value, json};

use crate::account_desk::{
    CHANGES, ENDS, ENTRANCES, Home, READS, VISITS, World, begun, headers, session, state,
};
use crate::desk::{self, Pass, admin, send};
use crate::endpoint_tables;
use crate::operate::Operate;
use crate::support::{Second, failure, now};

/// A cookie or a token as it is sent.
type Credential = (&'static str, String);

fn cookie(value: &str) -> Credential {
    ("Cookie", format!("saryno_account={value}"))
}

fn bearer(token: &str) -> Credential {
    ("Authorization", format!("Bearer {token}"))
}

impl World {
    /// Sends every endpoint's request with these credentials and expects that none lets them in, and that nothing has changed.
    async fn refused(&self, credentials: &[Credential], status: u16, code: &str) {
        let before = self.home.rows();
        let mut headers = headers(None);
        headers.extend_from_slice(credentials);
        for asked in self.shut() {
            let answer = self.send(&asked, &headers).await;
            let (method, path, _) = &asked;
            assert_eq!(answer.fails(), failure(status, code), "{method} {path}");
            assert!(answer.header("Set-Cookie").is_none(), "{method} {path}");
        }
        assert_eq!(self.home.rows(), before);
        let state = send(&self.home.server, Get, "/account/api/state", &headers, None);
        let state = state.await.expect(200);
        let nobody = (&Value::Null, &Value::Null, &json!("open"));
        let told = (&state["user"], &state["session"], &state["registration"]);
        assert_eq!(told, nobody);
        assert_eq!(state["disabled"].is_string(), code == "account_disabled");
    }

    async fn unauthorized(&self, credentials: &[Credential]) {
        self.refused(credentials, 401, "unauthorized").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_stands_in_the_tables_of_these_tests() {
    let home = Home::open().await;
    let routes = home.server.client.rocket().routes();
    let mounted = routes.filter(|route| route.uri.base() == "/account/api");
    let path = |route: &rocket::Route| route.uri.path()["/account/api".len()..].to_owned();
    let there: BTreeSet<_> = mounted
        .map(|route| (route.method.as_str(), path(route)))
        .collect();
    let changes = CHANGES.iter().chain(&ENDS).chain(&ENTRANCES);
    let known = READS
        .into_iter()
        .chain(VISITS)
        .chain(changes.map(|(method, path, ..)| (*method, *path)))
        .map(|(method, path)| (method.as_str(), path.split('?').next().unwrap().to_owned()));
    assert_eq!(there, known.collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_opens_every_endpoint() {
    let world = World::new().await;
    let blocked = world.fill("/users/@me/blocks/<id>");
    let put = world
        .home
        .call(rocket::http::Method::Put, &blocked, &Value::Null);
    put.await.expect(204);
    for (_, path) in READS.iter().chain(&VISITS) {
        let answer = world.home.get(&world.fill(path)).await;
        assert!(
            matches!(answer.status, 200 | 204),
            "{path}: {}",
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_session_every_endpoint_is_shut() {
    World::new().await.unauthorized(&[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_cookie_that_nobody_was_given_every_endpoint_is_shut() {
    let world = World::new().await;
    for value in ["", "x", Secret::session().reveal(), Secret::code().reveal()] {
        world.unauthorized(&[cookie(value)]).await;
    }
    let other_name = ("Cookie", format!("saryno={}", world.home.cookie));
    world.unauthorized(&[other_name]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_session_that_was_revoked_every_endpoint_is_shut() {
    let world = World::new().await;
    let other = session(&world.home.server, &world.home.me).await;
    let id = state(&world.home.server, Some(&other)).await["session"].clone();
    let path = format!("/auth/tokens/{}", id.as_str().unwrap());
    world.home.delete(&path).await.expect(204);
    world.unauthorized(&[cookie(&other)]).await;
    assert_eq!(world.home.who(&world.home.cookie).await["username"], "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_session_that_was_logged_out_every_endpoint_is_shut() {
    let world = World::new().await;
    world.home.post("/logout", &Value::Null).await.expect(204);
    world.unauthorized(&[cookie(&world.home.cookie)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_session_of_90_days_without_use_every_endpoint_is_shut() {
    let world = World::new().await;
    let server = &world.home.server;
    let idle = |milliseconds: i64| {
        let last_used = now().before(UNUSED_END).0 - milliseconds;
        let sql = "UPDATE tokens SET last_used = ?1 WHERE login = 1";
        assert_eq!(server.database().execute(sql, [last_used]), Ok(1));
    };
    // As another process's, each is seen within a second. This order, since a session that is shut notes no use.
    for (milliseconds, admitted) in [(0, false), (-60_000, true)] {
        let mut second = Second::begins();
        loop {
            // A use that was noted is written behind its answer; what is written after it comes after it.
            saryno::store::Store::ping(&*server.store).await.unwrap();
            idle(milliseconds);
            if admitted != world.home.who(&world.home.cookie).await.is_null() {
                break;
            }
            second.goes_on();
        }
        if !admitted {
            world.unauthorized(&[cookie(&world.home.cookie)]).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_session_of_a_deleted_account_every_endpoint_is_shut() {
    let world = World::new().await;
    let me = world.home.me.user.id;
    world.home.server.store.delete_user(me).await.unwrap();
    world.unauthorized(&[cookie(&world.home.cookie)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_an_admins_session_and_token_every_endpoint_is_shut() {
    let world = World::new().await;
    let root = admin(&world.home.server, "root").await;
    let Pass::Cookie(value) = desk::session(&world.home.server, &root).await else {
        panic!("no session")
    };
    let of_admin = ("Cookie", format!("saryno_admin={value}"));
    for credential in [of_admin.clone(), cookie(&value), bearer(&value)] {
        world.unauthorized(&[credential]).await;
    }
    let token = Secret::admin_token();
    world.unauthorized(&[bearer(token.reveal())]).await;
    // Nor does one page's cookie hold for the other's where it goes by its name.
    let own = ("Cookie", format!("saryno_admin={}", world.home.cookie));
    world.unauthorized(&[own, cookie(&value)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_accounts_own_token_every_endpoint_is_shut_wherever_it_is_put() {
    let world = World::new().await;
    let token = world.home.me.token.clone();
    world.unauthorized(&[bearer(&token)]).await;
    world.unauthorized(&[cookie(&token)]).await;
    // Without what every token begins with, it could be a session's.
    let bits = token.strip_prefix("srn_").unwrap();
    world.unauthorized(&[cookie(bits)]).await;
    world.unauthorized(&[bearer(&token), cookie(&token)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sessions_secret_opens_nothing_as_a_bearer_token() {
    let world = World::new().await;
    world.unauthorized(&[bearer(&world.home.cookie)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_session_of_a_disabled_account_everything_is_shut_and_the_state_is_a_strangers() {
    let world = World::new().await;
    let (store, me) = (&world.home.server.store, world.home.me.user.id);
    store.set_disabled(me, true).await.unwrap();
    let own = [cookie(&world.home.cookie)];
    world.refused(&own, 403, "account_disabled").await;
    store.set_disabled(me, false).await.unwrap();
    assert_eq!(world.home.who(&world.home.cookie).await["username"], "Ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_api_never_accepts_a_session() {
    let world = endpoint_tables::World::new().await;
    let server = &world.desk.server;
    let secret = session(server, &world.member).await;
    assert_eq!(
        state(server, Some(&secret)).await["user"],
        json!(world.member.user)
    );
    let before = world.rows();
    for credentials in [
        vec![cookie(&secret)],
        vec![bearer(&secret)],
        vec![bearer(&format!("srn_{secret}"))],
        vec![("Authorization", format!("Bot {secret}"))],
        vec![cookie(&secret), bearer(&secret)],
    ] {
        let mut headers = headers(None);
        headers.extend(credentials);
        for (method, path) in world.of_rest() {
            for base in ["", "/v1"] {
                let path = format!("{base}{path}");
                let answer = send(server, method, &path, &headers, Some("{}")).await;
                assert_eq!(
                    answer.fails(),
                    failure(401, "unauthorized"),
                    "{method} {path}"
                );
            }
        }
    }
    assert_eq!(world.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rest_log_in_sets_no_cookie_and_its_token_is_no_session() {
    let home = Home::open().await;
    let body = json!({"tag": "Ada#0001", "password": desk::PASSWORD}).to_string();
    let answer = send(
        &home.server,
        rocket::http::Method::Post,
        "/auth/login",
        &headers(None),
        Some(&body),
    )
    .await;
    let token = answer.expect(200)["token"].clone();
    assert!(answer.header("Set-Cookie").is_none());
    assert_eq!(home.who(token.as_str().unwrap()).await, Value::Null);
    let body = serde_json::from_str(&body).unwrap();
    let entered = crate::account_desk::enter(&home.server, "/login", &body).await;
    // And the page's log-in hands out no token: the body is the user alone.
    assert_eq!(entered.expect(200), json!(home.me.user));
    assert_eq!(begun(&entered).len(), 43, "256 random bits");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_never_accepts_a_session() {
    let world = endpoint_tables::World::new().await;
    let secret = session(&world.desk.server, &world.member).await;
    world.shut(&Pass::Token(secret.clone())).await;
    world.shut(&Pass::Cookie(secret.clone())).await;
    let mut headers = headers(Some(&secret));
    headers.push(("Cookie", format!("saryno_admin={secret}")));
    let before = world.rows();
    let reads = endpoint_tables::READS.iter();
    let reads = reads.filter(|(_, path)| *path != "/state");
    let reads = reads.map(|(method, path)| (*method, world.fill(path), None));
    for (method, path, body) in reads.chain(world.changes(false)) {
        let answer = world
            .desk
            .send(method, &path, &headers, body.as_deref())
            .await;
        assert_eq!(
            answer.fails(),
            failure(401, "unauthorized"),
            "{method} {path}"
        );
    }
    assert_eq!(world.rows(), before);
}
