//! The account page's API: somebody who is logged in there, every endpoint, and one of everything that they are about.

use rocket::http::Method::{self, Delete, Get, Patch, Post, Put};
use saryno::accounts::{Code, InstanceInvite, Label, Policy, Secret};
use saryno::clock::Timestamp;
use saryno::users::Discriminator;
use serde_json::{Value, json};

use crate::channels::{ids, people};
use crate::communities::{community, invite};
use crate::desk::{PASSWORD, password, rows, send};
use crate::endpoint_tables::{JSON, OWN_PAGE};
use crate::operate::Operate;
use crate::support::{Account, Answer, Server, new_user, now};

/// What a session may read.
pub(crate) const READS: [(Method, &str); 9] = [
    (Get, "/users/@me"),
    (Get, "/users/@me/export"),
    (Get, "/users/@me/communities"),
    (Get, "/users/@me/blocks"),
    (Get, "/users/<id>"),
    (Get, "/users?tag=Ada%230001"),
    (Get, "/auth/tokens"),
    (Get, "/invites/<code>"),
    // 404 until somebody is blocked.
    (Get, "/users/@me/blocks/<id>"),
];

/// What a session may change, with a body and the status of success; in an order in which each finds its thing.
pub(crate) const CHANGES: [(Method, &str, &str, u16); 8] = [
    (Patch, "/users/@me", r#"{"username": "Other"}"#, 200),
    (Put, "/users/@me/blocks/<id>", "", 204),
    (Delete, "/users/@me/blocks/<id>", "", 204),
    (Post, "/invites/<code>", "", 200),
    (Delete, "/users/@me/communities/<id>", "", 204),
    (Post, "/tokens", "{}", 201),
    (Delete, "/auth/tokens/<id>", "", 204),
    (
        Post,
        "/auth/password",
        r#"{"current": "<password>", "new": "<password>"}"#,
        204,
    ),
];

/// What ends the session with which it is done.
pub(crate) const ENDS: [(Method, &str, &str, u16); 3] = [
    (Post, "/logout", "", 204),
    (Delete, "/auth/tokens", "", 204),
    (Delete, "/users/@me", r#"{"password": "<password>"}"#, 204),
];

/// What anybody may ask to be done.
pub(crate) const ENTRANCES: [(Method, &str, &str, u16); 4] = [
    (
        Post,
        "/register",
        r#"{"username": "New", "password": "<password>"}"#,
        201,
    ),
    (
        Post,
        "/login",
        r#"{"tag": "Ada#0001", "password": "<password>"}"#,
        200,
    ),
    (Post, "/reset/look", r#"{"code": "<reset>"}"#, 200),
    (
        Post,
        "/reset",
        r#"{"code": "<reset>", "new": "<password>"}"#,
        200,
    ),
];

/// What anybody may ask.
pub(crate) const VISITS: [(Method, &str); 3] = [
    (Get, "/state"),
    (Get, "/instance-invites/<code>"),
    (Get, "/usernames/check?username=x"),
];

/// The headers of a request of the page's own, with this session's cookie.
pub(crate) fn headers(cookie: Option<&str>) -> Vec<(&'static str, String)> {
    let own = [JSON, OWN_PAGE].map(|(name, value)| (name, value.to_owned()));
    let cookie = cookie.map(|cookie| ("Cookie", format!("saryno_account={cookie}")));
    own.into_iter().chain(cookie).collect()
}

/// One request of the page's own, with a session or without.
pub(crate) async fn call(
    server: &Server,
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: &Value,
) -> Answer {
    let body = (!body.is_null()).then(|| body.to_string());
    let path = format!("/account/api{path}");
    send(server, method, &path, &headers(cookie), body.as_deref()).await
}

/// A request without a session.
pub(crate) async fn enter(server: &Server, path: &str, body: &Value) -> Answer {
    call(server, Post, path, None, body).await
}

/// The session that an answer begins.
#[track_caller]
pub(crate) fn begun(answer: &Answer) -> String {
    let cookie = answer.header("Set-Cookie").unwrap();
    let (value, _) = cookie.split_once(';').unwrap();
    value.strip_prefix("saryno_account=").unwrap().to_owned()
}

/// What the page is told of a session.
pub(crate) async fn state(server: &Server, cookie: Option<&str>) -> Value {
    let state = call(server, Get, "/state", cookie, &Value::Null).await;
    state.expect(200)
}

/// An account with the password of all.
pub(crate) async fn resident(server: &Server, name: &str, discriminator: u16) -> Account {
    let mut new = new_user(server.ids.next().unwrap(), name);
    new.discriminator = Discriminator::new(discriminator);
    new.password = Some(password().await);
    server.account_with(new).await
}

/// A session on the page, as a log-in begins it.
pub(crate) async fn session(server: &Server, of: &Account) -> String {
    let cookie = Secret::session();
    let sql = "INSERT INTO tokens (id, user_id, hash, name, login, last_used) VALUES (?1, ?2, ?3, ?4, 1, ?5)";
    let label = Label::of_browser(Some("Mozilla/5.0 (X11) Firefox/150.0"));
    let id = server.ids.next().unwrap();
    let row = (
        id.bits(),
        of.user.id.bits(),
        cookie.hash().0,
        label.0,
        now().0,
    );
    server.database().execute(sql, row).unwrap();
    cookie.reveal().to_owned()
}

/// An instance invite.
pub(crate) async fn instance_invite(
    server: &Server,
    max_uses: u32,
    uses: u32,
    expires_at: Option<Timestamp>,
) -> String {
    let code = Code::mint();
    let invite = InstanceInvite {
        code: code.clone(),
        max_uses,
        uses,
        expires_at,
    };
    server.store.create_instance_invite(invite).await.unwrap();
    code.0
}

/// The code of an admin's link, good until then.
pub(crate) async fn reset_code(server: &Server, of: &Account, end: Timestamp) -> String {
    let code = Secret::code();
    let issued = server.store.issue_reset(of.user.id, code.hash(), end);
    issued.await.unwrap();
    code.reveal().to_owned()
}

/// Ada#0001, who is logged in on the page.
pub(crate) struct Home {
    pub(crate) server: Server,
    pub(crate) me: Account,
    pub(crate) cookie: String,
}

impl Home {
    pub(crate) async fn open() -> Self {
        let server = Server::start().await;
        let me = resident(&server, "Ada", 1).await;
        let cookie = session(&server, &me).await;
        Self { server, me, cookie }
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: &Value) -> Answer {
        call(&self.server, method, path, Some(&self.cookie), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Get, path, &Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call(Post, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Delete, path, &Value::Null).await
    }

    /// Who this cookie is a session of; null where it is of none.
    pub(crate) async fn who(&self, cookie: &str) -> Value {
        state(&self.server, Some(cookie)).await["user"].clone()
    }

    pub(crate) fn rows(&self) -> Vec<String> {
        rows(&self.server.database())
    }
}

/// One of everything that an endpoint is about.
pub(crate) struct World {
    pub(crate) home: Home,
    /// Whatever stands in the paths and bodies above.
    names: Vec<(&'static str, String)>,
}

/// A request of the tables: its method, its path and its body.
pub(crate) type Asked = (Method, String, Option<String>);

impl World {
    pub(crate) async fn new() -> Self {
        let home = Home::open().await;
        let server = &home.server;
        server.store.set_registration(Policy::Open).await.unwrap();
        let [other] = people(server).await;
        let place = community(server, &other).await;
        let invitation = invite(server, &other, &place, &json!({})).await;
        let to_server = instance_invite(server, 1, 0, None).await;
        let end = now().after(saryno::accounts::RESET_END);
        let reset = reset_code(server, &other, end).await;
        let tokens = home.get("/auth/tokens").await.expect(200);
        let names = vec![
            ("/communities/<id>", place),
            ("/invites/<code>", invitation),
            (
                "/instance-invites/<code>",
                format!("/instance-invites/{to_server}"),
            ),
            ("/tokens/<id>", format!("/tokens/{}", ids(&tokens)[0])),
            ("<id>", other.id()),
            ("<reset>", reset),
            ("<password>", PASSWORD.to_owned()),
        ];
        Self { home, names }
    }

    /// A path or a body of the tables, with things in it that exist.
    pub(crate) fn fill(&self, pattern: &str) -> String {
        let fill = |text: String, (name, thing): &(&str, String)| text.replace(name, thing);
        self.names.iter().fold(pattern.to_owned(), fill)
    }

    fn asked(&self, method: Method, path: &str, body: &str) -> Asked {
        let body = Some(self.fill(body)).filter(|body| !body.is_empty());
        (method, self.fill(path), body)
    }

    /// Every request that only a session may send.
    pub(crate) fn shut(&self) -> Vec<Asked> {
        let reads = READS.iter().map(|(method, path)| (*method, *path, ""));
        let changes = CHANGES.iter().chain(&ENDS);
        let changes = changes.map(|(method, path, body, _)| (*method, *path, *body));
        reads
            .chain(changes)
            .map(|(method, path, body)| self.asked(method, path, body))
            .collect()
    }

    /// Every request that changes something.
    pub(crate) fn changes(&self) -> Vec<Asked> {
        let all = CHANGES.iter().chain(&ENDS).chain(&ENTRANCES);
        all.map(|(method, path, body, _)| self.asked(*method, path, body))
            .collect()
    }

    /// One of these requests with these headers and no others.
    pub(crate) async fn send(
        &self,
        (method, path, body): &Asked,
        headers: &[(&'static str, String)],
    ) -> Answer {
        let path = format!("/account/api{path}");
        send(&self.home.server, *method, &path, headers, body.as_deref()).await
    }

    /// Sends every change with these headers and a session, and expects that each succeeds.
    pub(crate) async fn accepted(&self, headers: &[(&'static str, String)]) {
        for (method, path, body, status) in ENTRANCES.iter().chain(&CHANGES).chain(&ENDS) {
            let cookie = session(&self.home.server, &self.home.me).await;
            let mut all = headers.to_vec();
            all.push(("Cookie", format!("saryno_account={cookie}")));
            let asked = self.asked(*method, path, body);
            let answer = self.send(&asked, &all).await;
            assert_eq!(answer.status, *status, "{method} {path}: {}", answer.text());
        }
    }
}
