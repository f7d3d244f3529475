//! Requests that are done once, and somebody who sends them.

use rocket::http::Method::{self, Post};
use serde_json::{Value, json};

use crate::channels::{CHANNELS, count, people};
use crate::communities::{community, invite};
use crate::desk::rows;
use crate::support::{Account, Answer, Server};

/// A request that makes something.
#[derive(Clone)]
pub(crate) struct Making {
    pub(crate) path: String,
    pub(crate) body: Value,
    /// Where what it makes is a row more.
    pub(crate) table: &'static str,
    pub(crate) status: u16,
}

/// Somebody who makes things, and others with whom.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) me: Account,
    pub(crate) others: [Account; 4],
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::over(Server::start().await).await
    }

    pub(crate) async fn over(server: Server) -> Self {
        let [me] = people(&server).await;
        let others = people(&server).await;
        Self { server, me, others }
    }

    /// The five requests: a DM, a group, a community, an invite to one, and a member of one.
    pub(crate) async fn makings(&self) -> [Making; 5] {
        let [a, b, ..] = &self.others;
        let own = community(&self.server, &self.me).await;
        let other = community(&self.server, a).await;
        let code = invite(&self.server, a, &other, &json!({})).await;
        let dm = json!({"type": 2, "recipient_id": a.id()});
        let group = json!({"type": 3, "recipient_ids": [a.id(), b.id()]});
        [
            (CHANNELS.to_owned(), dm, "channels", 200),
            (CHANNELS.to_owned(), group, "channels", 200),
            (
                "/communities".into(),
                json!({"name": "Garden"}),
                "communities",
                201,
            ),
            (format!("{own}/invites"), json!({}), "invites", 201),
            (code, Value::Null, "members", 200),
        ]
        .map(|(path, body, table, status)| Making {
            path,
            body,
            table,
            status,
        })
    }

    pub(crate) async fn send(
        &self,
        by: &Account,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        self.send_with(by, method, path, &[key], body).await
    }

    pub(crate) async fn send_with(
        &self,
        by: &Account,
        method: Method,
        path: &str,
        keys: &[&str],
        body: &Value,
    ) -> Answer {
        let mut headers = vec![("Authorization".to_owned(), format!("Bearer {}", by.token))];
        headers.extend(
            keys.iter()
                .map(|key| ("Idempotency-Key".to_owned(), (*key).to_owned())),
        );
        let body = (!body.is_null()).then(|| body.to_string());
        let body = body.as_deref().map(str::as_bytes);
        self.server.send(method, path, &headers, body).await
    }

    /// One of the five, done by me.
    pub(crate) async fn make(&self, making: &Making, key: &str) -> Answer {
        self.send(&self.me, Post, &making.path, key, &making.body)
            .await
    }

    pub(crate) fn rows(&self) -> Vec<String> {
        rows(&self.server.database())
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        count(&self.server, &format!("SELECT count(*) FROM {table}"))
    }
}

pub(crate) fn is_replayed(answer: &Answer) -> bool {
    let header = answer.header("Idempotency-Replayed");
    assert!([None, Some("true")].contains(&header), "{header:?}");
    header.is_some()
}

/// The first answer, again.
#[track_caller]
pub(crate) fn replays(answer: &Answer, first: &Answer) {
    assert_eq!((answer.status, answer.text()), (first.status, first.text()));
    assert!(is_replayed(answer));
    assert_eq!(answer.header("Content-Type"), first.header("Content-Type"));
}
