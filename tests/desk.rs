//! The admin's desk: a browser with a session, and a script with a token, on a server in process.

use rocket::http::{Header, Method};
use rusqlite::types::Value as Cell;
use saryno::actions::Action;
use saryno::admins::{Admin, Admins, NewAdmin, NewSession, WayIn};
use saryno::audit::{Author, Who};
use saryno::clock::Timestamp;
use saryno::passwords::{Hasher, PasswordHash};
use saryno::tokens::Secret;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::channels::next;
use crate::operate::perform;
use crate::support::{Account, Answer, Server};

/// The password of every admin in these tests.
pub(crate) const PASSWORD: &str = "a horse, a staple";

/// Where the requests come from.
pub(crate) const ADDRESS: &str = "192.0.2.7";

/// The hash of it, computed once: most tests are about something else.
pub(crate) async fn password() -> PasswordHash {
    static HASH: OnceCell<PasswordHash> = OnceCell::const_new();
    let hash = async || {
        let hasher = Hasher::new(1).unwrap();
        hasher.hash(PASSWORD.parse().unwrap()).await.unwrap()
    };
    HASH.get_or_init(hash).await.clone()
}

/// What a request shows to be let in.
#[derive(Clone)]
pub(crate) enum Pass {
    Nothing,
    Cookie(String),
    Token(String),
}

impl Pass {
    /// The header that carries it.
    pub(crate) fn header(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Nothing => None,
            Self::Cookie(cookie) => Some(("Cookie", format!("saryno_admin={cookie}"))),
            Self::Token(token) => Some(("Authorization", format!("Bearer {token}"))),
        }
    }
}

/// A server, and an admin called root who is logged in.
pub(crate) struct Desk {
    pub(crate) server: Server,
    pub(crate) root: Admin,
    pub(crate) pass: Pass,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        Self::over(Server::start().await).await
    }

    pub(crate) async fn over(server: Server) -> Self {
        let root = admin(&server, "root").await;
        let pass = session(&server, &root).await;
        Self { server, root, pass }
    }

    /// One request to the API, at this path below it: of a browser on the page itself, or of a script.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        pass: &Pass,
        body: Option<&str>,
    ) -> Answer {
        let mut headers = Vec::new();
        if !matches!(pass, Pass::Token(_)) {
            headers.push(("Sec-Fetch-Site", "same-origin".to_owned()));
            if method != Method::Get {
                headers.push(("Content-Type", "application/json".to_owned()));
            }
        }
        headers.extend(pass.header());
        self.send(method, path, &headers, body).await
    }

    /// One request with these headers and no others.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, String)],
        body: Option<&str>,
    ) -> Answer {
        let path = format!("/admin/api{path}");
        send(&self.server, method, &path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::Get, path, &self.pass, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Method::Post, path, &self.pass, Some(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Method::Put, path, &self.pass, Some(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.call(Method::Patch, path, &self.pass, Some(&body))
            .await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::Delete, path, &self.pass, None).await
    }

    /// The lists on every page from this one to the end.
    pub(crate) async fn pages(&self, path: &str) -> Vec<Vec<Value>> {
        let (mut found, mut path) = (Vec::new(), Some(path.to_owned()));
        while let Some(page) = path {
            let answer = self.get(&page).await;
            let list = answer.expect(200).as_array().cloned().unwrap();
            found.push(list);
            path = next(&answer).map(|next| next.strip_prefix("/admin/api").unwrap().to_owned());
            assert!(found.len() < 100, "no end");
        }
        found
    }

    /// A token of root's.
    pub(crate) async fn token(&self) -> Pass {
        let made = self.post("/tokens", &json!({"name": "nightly"})).await;
        Pass::Token(made.expect(201)["token"].as_str().unwrap().to_owned())
    }

    /// Whether the REST API lets this account in.
    pub(crate) async fn admits(&self, account: &Account) -> u16 {
        self.server.get("/users/@me", account).await.status
    }
}

/// One request of a browser's, at any path.
pub(crate) async fn send(
    server: &Server,
    method: Method,
    path: &str,
    headers: &[(&'static str, String)],
    body: Option<&str>,
) -> Answer {
    send_from(ADDRESS, server, method, path, headers, body).await
}

/// The same from another address.
pub(crate) async fn send_from(
    address: &str,
    server: &Server,
    method: Method,
    path: &str,
    headers: &[(&'static str, String)],
    body: Option<&str>,
) -> Answer {
    let mut request = server.client.req(method, path);
    request.set_remote((address.parse::<std::net::IpAddr>().unwrap(), 50_000).into());
    for (name, value) in headers {
        // A request in process has a jar, and does not read it from a header.
        match value.split_once('=') {
            Some((cookie, value)) if *name == "Cookie" => {
                request = request.cookie((cookie.to_owned(), value.to_owned()));
            }
            _ => request.add_header(Header::new(*name, value.clone())),
        }
    }
    if let Some(body) = body {
        request = request.body(body);
    }
    Answer::to(request).await
}

/// One more admin, with the password of all.
pub(crate) async fn admin(server: &Server, name: &str) -> Admin {
    let new = NewAdmin {
        id: server.ids.next().unwrap(),
        name: name.parse().unwrap(),
        way: WayIn::Password(password().await),
    };
    let (id, name) = (new.id, new.name.to_string());
    perform(&server.store, Action::CreateAdmin(new))
        .await
        .unwrap();
    Admin { id, name }
}

/// A session of an admin's, as the log-in begins it.
pub(crate) async fn session(server: &Server, admin: &Admin) -> Pass {
    let cookie = Secret::session();
    let id = || server.ids.next().unwrap();
    let session = NewSession {
        id: id(),
        hash: cookie.hash(),
        begun: Timestamp::now(),
    };
    let author = Author {
        who: Who::Newcomer {
            id: admin.id,
            name: admin.name.clone(),
            via: "page",
        },
        address: None,
    };
    let begun = server
        .store
        .log_in_admin(password().await, session, author, id());
    begun.await.unwrap();
    Pass::Cookie(cookie.reveal().to_owned())
}

/// Every row of every table, but for when something was last used, which reading changes.
pub(crate) fn rows(database: &rusqlite::Connection) -> Vec<String> {
    let strings = |sql: &str| -> Vec<String> {
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let tables = strings(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    );
    assert!(tables.len() > 15, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let columns = strings(&format!(
            "SELECT name FROM pragma_table_info('{table}') WHERE name <> 'last_used'"
        ));
        let sql = format!("SELECT {} FROM {table} ORDER BY 1, 2", columns.join(", "));
        let mut statement = database.prepare(&sql).unwrap();
        let cells = |row: &rusqlite::Row<'_>| {
            (0..columns.len())
                .map(|column| row.get(column))
                .collect::<rusqlite::Result<Vec<Cell>>>()
        };
        let rows = statement.query_map([], cells).unwrap();
        found.extend(rows.map(|row| format!("{table}: {:?}", row.unwrap())));
    }
    found
}
