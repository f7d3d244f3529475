//! Every endpoint with a body, what each of its fields takes, and how to spoil it.

use rocket::http::Method;
use rusqlite::types::Value as Cell;
use saryno::accounts::Policy;
use saryno::store::Store;
use serde_json::{Value, json};

use crate::operate::Operate;
use crate::support::{Account, Answer, Server, failure};

/// What isn't canonical decimal of 63 bits.
pub(crate) const NO_IDS: [&str; 12] = [
    "",
    "-1",
    "+1",
    "01",
    "9223372036854775808",
    "99999999999999999999",
    " 1",
    "1 ",
    "１",
    "1.0",
    "0x1",
    "ada",
];

/// What a field takes.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Username,
    Name,
    Discriminator,
    Password,
    Text,
    Tag,
    Id,
    Ids,
    Uses,
    Time,
    Type,
}

impl Kind {
    /// Values that are wrong, and the code where the contract leaves no choice.
    pub(crate) fn faults(self) -> Vec<(String, &'static str)> {
        let text = |text: &str, code| (json!(text).to_string(), code);
        let long = |count| json!("a".repeat(count)).to_string();
        let mut faults = match self {
            Self::Username => vec![
                text("", "too_short"),
                (long(31), "too_long"),
                text("a#b", "forbidden_character"),
                text("Everyone", "reserved"),
            ],
            Self::Name => vec![
                text(" ", "too_short"),
                (long(101), "too_long"),
                text("a\u{0}b", "forbidden_character"),
            ],
            Self::Discriminator => vec![
                text("", "too_short"),
                text("1", "too_short"),
                text("00001", "too_long"),
                text("0000", "out_of_range"),
                text("-001", "forbidden_character"),
            ],
            Self::Password => vec![(long(7), "too_short"), (long(129), "too_long")],
            Self::Tag => vec![text("ada", "wrong_type"), text("ada#1", "too_short")],
            Self::Id => NO_IDS.map(|id| text(id, "")).into(),
            Self::Ids => vec![
                ("[]".into(), "too_short"),
                (r#"["1"]"#.into(), "too_short"),
                (
                    json!((1..=10).map(|id| id.to_string()).collect::<Vec<_>>()).to_string(),
                    "too_long",
                ),
            ],
            Self::Uses | Self::Type => ["0", "-1", "4294967296"]
                .map(|number| (number.to_owned(), "out_of_range"))
                .into(),
            Self::Time => vec![
                text("tomorrow", "wrong_type"),
                text("2001-01-01T00:00:00Z", "out_of_range"),
            ],
            Self::Text => Vec::new(),
        };
        let due = match self {
            Self::Uses | Self::Type => "7",
            Self::Ids => "[]",
            _ => "\"\"",
        };
        let types = ["7", "true", "[]", "{}", "\"\""].into_iter();
        faults.extend(
            types
                .filter(|other| *other != due)
                .map(|other| (other.to_owned(), "wrong_type")),
        );
        faults
    }
}

pub(crate) struct Field(
    pub(crate) &'static str,
    pub(crate) Kind,
    pub(crate) Presence,
);

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Presence {
    Required,
    Optional,
    Nullable,
}

use Presence::{Nullable, Optional, Required};

/// An endpoint with a body, a good one, and what its success, or its refusal for another reason, is.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) open: bool,
    pub(crate) good: Value,
    pub(crate) status: u16,
    pub(crate) fields: Vec<Field>,
}

impl Endpoint {
    /// How many bytes its body may have: more where it may hold an image.
    pub(crate) fn most(&self) -> usize {
        let change = self.method == Method::Patch && !self.path.starts_with("/channels");
        if change || (self.method == Method::Post && self.path == "/communities") {
            1536 * 1024
        } else {
            64 * 1024
        }
    }
}

pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) ada: Account,
    pub(crate) group: String,
    pub(crate) home: String,
    pub(crate) endpoints: Vec<Endpoint>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = Server::start().await;
        server.store.set_registration(Policy::Open).await.unwrap();
        let (ada, bob, cy) = (
            server.account("Ada").await,
            server.account("Bob").await,
            server.account("Cy").await,
        );
        let new = json!({"type": 3, "recipient_ids": [bob.id(), cy.id()]});
        let id = |answer: Value| answer["id"].as_str().unwrap().to_owned();
        let group = id(server
            .post("/users/@me/channels", &ada, &new)
            .await
            .expect(200));
        let home = id(server
            .post("/communities", &ada, &json!({"name": "Home"}))
            .await
            .expect(201));
        let endpoint = |method, path: &str, status, good, fields| Endpoint {
            method,
            path: path.to_owned(),
            open: path.starts_with("/auth") && path != "/auth/password",
            good,
            status,
            fields,
        };
        let password = "long enough";
        let endpoints = vec![
            endpoint(
                Method::Patch,
                "/users/@me",
                200,
                json!({"username": "Ada", "discriminator": "0042"}),
                vec![
                    Field("username", Kind::Username, Optional),
                    Field("discriminator", Kind::Discriminator, Optional),
                ],
            ),
            endpoint(
                Method::Post,
                "/users/@me/channels",
                200,
                json!({"type": 2, "recipient_id": bob.id()}),
                vec![
                    Field("type", Kind::Type, Required),
                    Field("recipient_id", Kind::Id, Required),
                ],
            ),
            endpoint(
                Method::Post,
                "/users/@me/channels",
                200,
                json!({"type": 3, "recipient_ids": [bob.id(), cy.id()], "name": "Us"}),
                vec![
                    Field("type", Kind::Type, Required),
                    Field("recipient_ids", Kind::Ids, Required),
                    Field("name", Kind::Name, Nullable),
                ],
            ),
            endpoint(
                Method::Post,
                "/auth/register",
                201,
                json!({"username": "Di", "password": password, "discriminator": "0042", "invite": "x"}),
                vec![
                    Field("username", Kind::Username, Required),
                    Field("password", Kind::Password, Required),
                    Field("discriminator", Kind::Discriminator, Optional),
                    Field("invite", Kind::Text, Optional),
                ],
            ),
            endpoint(
                Method::Post,
                "/auth/login",
                401,
                json!({"tag": "Nobody#0001", "password": password}),
                vec![
                    Field("tag", Kind::Tag, Required),
                    Field("password", Kind::Text, Required),
                ],
            ),
            endpoint(
                Method::Post,
                "/auth/password",
                403,
                json!({"current": password, "new": password}),
                vec![
                    Field("current", Kind::Text, Required),
                    Field("new", Kind::Password, Required),
                ],
            ),
            endpoint(
                Method::Post,
                "/auth/reset",
                401,
                json!({"code": "x", "new": password}),
                vec![
                    Field("code", Kind::Text, Required),
                    Field("new", Kind::Password, Required),
                ],
            ),
            endpoint(
                Method::Patch,
                &format!("/channels/{group}"),
                200,
                json!({"name": "Us", "owner_id": ada.id()}),
                vec![
                    Field("name", Kind::Name, Nullable),
                    Field("owner_id", Kind::Id, Optional),
                ],
            ),
            endpoint(
                Method::Post,
                "/communities",
                201,
                json!({"name": "Home"}),
                vec![Field("name", Kind::Name, Required)],
            ),
            endpoint(
                Method::Patch,
                &format!("/communities/{home}"),
                200,
                json!({"name": "Home", "owner_id": ada.id()}),
                vec![
                    Field("name", Kind::Name, Optional),
                    Field("owner_id", Kind::Id, Optional),
                ],
            ),
            endpoint(
                Method::Post,
                &format!("/communities/{home}/invites"),
                201,
                json!({"max_uses": 1, "expires_at": "2999-01-01T00:00:00Z"}),
                vec![
                    Field("max_uses", Kind::Uses, Nullable),
                    Field("expires_at", Kind::Time, Nullable),
                ],
            ),
        ];
        // The first use of a token is noted behind the answer; after the probe it is.
        server.store.ping().await.unwrap();
        Self {
            server,
            ada,
            group,
            home,
            endpoints,
        }
    }

    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Answer {
        let mut headers: Vec<_> = content_type
            .iter()
            .map(|kind| ("Content-Type".to_owned(), (*kind).to_owned()))
            .collect();
        if !endpoint.open {
            headers.push((
                "Authorization".to_owned(),
                format!("Bearer {}", self.ada.token),
            ));
        }
        self.server
            .send(endpoint.method, &endpoint.path, &headers, Some(body))
            .await
    }

    pub(crate) async fn json(&self, endpoint: &Endpoint, body: &str) -> Answer {
        self.send(endpoint, Some("application/json"), body.as_bytes())
            .await
    }

    /// Everything that is stored.
    pub(crate) fn dump(&self) -> Vec<Vec<Cell>> {
        let database = self.server.database();
        let rows = |sql: &str| -> Vec<Vec<Cell>> {
            let mut statement = database.prepare(sql).unwrap();
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| {
                (0..columns).map(|column| row.get(column)).collect()
            });
            rows.unwrap().map(Result::unwrap).collect()
        };
        let tables = rows("SELECT name FROM sqlite_schema WHERE type = 'table'");
        assert!(tables.len() > 10);
        let name = |table: &Vec<Cell>| match &table[0] {
            Cell::Text(name) => name.clone(),
            other => panic!("{other:?}"),
        };
        tables
            .iter()
            .flat_map(|table| rows(&format!("SELECT * FROM {}", name(table))))
            .collect()
    }

    pub(crate) async fn unchanged(&self, before: &[Vec<Cell>]) {
        self.server.store.ping().await.unwrap();
        assert!(self.dump() == before, "something was written");
    }
}

/// The good body with one member's value replaced by this text, which need not be JSON.
pub(crate) fn with(good: &Value, field: &str, raw: &str) -> String {
    let mut members: Vec<_> = good
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != field)
        .map(|(name, value)| format!("{}:{value}", json!(name)))
        .collect();
    members.push(format!("{}:{raw}", json!(field)));
    format!("{{{}}}", members.join(","))
}

#[track_caller]
pub(crate) fn at_fault(answer: &Answer, what: &str, field: &str, code: &str) {
    assert_eq!(answer.fails(), failure(400, "invalid_request"), "{what}");
    let faults = answer.faults();
    let fits = faults.iter().all(|(name, found)| {
        (name == field || name.starts_with(&format!("{field}[")))
            && (code.is_empty() || found == code || name != field)
    });
    assert!(fits && !faults.is_empty(), "{what}: {faults:?}");
}
