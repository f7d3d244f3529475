//! The audit log tells an hour of admin work completely, once, in order, and without a secret.

use std::collections::BTreeSet;

use rocket::http::Method::{Get, Post, Put};
use rusqlite::types::Value as Cell;
use serde_json::{Value, json};

use crate::admin_session::{OTHER, begun, log_in, use_link};
use crate::channels::id;
use crate::desk::{PASSWORD, Pass};
use crate::hour::{Hour, target, user};
use crate::races::text;

/// Every action that an admin can do once there is one.
const ACTIONS: [&str; 28] = [
    "user.create",
    "user.rename",
    "user.flags",
    "user.disable",
    "user.enable",
    "user.delete",
    "user.token",
    "user.session_end",
    "user.sessions_end",
    "user.reset_link",
    "community.create",
    "community.change",
    "community.delete",
    "community.member_add",
    "community.member_remove",
    "community.invite",
    "community.invite_withdraw",
    "registration.set",
    "invite.create",
    "invite.remove",
    "admin.log_in",
    "admin.log_out",
    "admin.password",
    "admin.create",
    "admin.reset_link",
    "admin.remove",
    "token.create",
    "token.revoke",
];

impl Hour {
    /// Another admin from their making to their end, and what root does to themself.
    async fn with_admins(&mut self) {
        let made = self
            .desk
            .post("/admins", &json!({"name": "second"}))
            .await
            .expect(201);
        let second = target("admin", &made["admin"]["id"], "second");
        self.tells("admin.create", second.clone(), json!(null), json!(null));
        self.desk
            .post("/admins", &json!({"name": "Second"}))
            .await
            .fails();
        let links = format!("/admins/{}/reset-link", id(&made["admin"]));
        let link = self.desk.post(&links, &json!({})).await.expect(201);
        self.tells(
            "admin.reset_link",
            second.clone(),
            json!(null),
            json!({"expires_at": link["expires_at"]}),
        );
        for link in [&made["link"], &link["link"]] {
            self.secrets
                .push(text(link).rsplit('/').next().unwrap().to_owned());
        }

        let root = std::mem::replace(
            &mut self.author,
            (made["admin"].clone(), "one-time link".into()),
        );
        let [old, code] =
            [self.secrets.len() - 2, self.secrets.len() - 1].map(|at| self.secrets[at].clone());
        use_link(&self.desk, &old, PASSWORD).await.fails();
        use_link(&self.desk, &code, PASSWORD).await.expect(200);
        self.tells("admin.password", second.clone(), json!(null), json!(null));
        self.author.1 = "page".into();
        log_in(&self.desk, "second", OTHER).await.fails();
        let answer = log_in(&self.desk, "second", PASSWORD).await;
        self.tells("admin.log_in", second.clone(), json!(null), json!(null));
        let session = begun(&answer);
        self.desk
            .call(Post, "/logout", &session, None)
            .await
            .expect(204);
        self.tells("admin.log_out", json!(null), json!(null), json!(null));
        self.desk
            .call(Post, "/logout", &session, None)
            .await
            .fails();
        self.author = root;

        let body = json!({"current": PASSWORD, "new": OTHER});
        self.desk.post("/password", &body).await.expect(204);
        let myself = target("admin", &json!(self.desk.root.id), "root");
        self.tells("admin.password", myself, json!(null), json!(null));
        self.desk.post("/password", &body).await.fails();
        let path = format!("/admins/{}", id(&made["admin"]));
        self.desk.delete(&path).await.expect(204);
        self.tells("admin.remove", second, json!(null), json!(null));
        self.desk.delete(&path).await.fails();
    }

    /// A script's work on this account.
    async fn with_a_token(&mut self, of: &Value) {
        let Pass::Token(token) = self.desk.token().await else {
            panic!("no token")
        };
        self.secrets.push(token.clone());
        let tokens = self.desk.get("/tokens").await.expect(200);
        let nightly = target("token", &tokens[0]["id"], "nightly");
        self.tells("token.create", nightly.clone(), json!(null), json!(null));
        let token = Pass::Token(token);
        let flag = format!("/users/{}/flags/system", id(of));
        self.desk.call(Put, &flag, &token, None).await.expect(200);
        self.author.1 = "token nightly".into();
        self.tells(
            "user.flags",
            user(of),
            json!({"flags": [10]}),
            json!({"flags": [10, 11]}),
        );
        self.author.1 = "page".into();
        self.desk
            .call(Post, "/tokens", &token, Some(r#"{"name": "x"}"#))
            .await
            .fails();
        let path = format!("/tokens/{}", id(&tokens[0]));
        self.desk.delete(&path).await.expect(204);
        self.tells("token.revoke", nightly, json!(null), json!(null));
        self.desk.call(Put, &flag, &token, None).await.fails();
    }

    /// The log from the hour's beginning on, the oldest first, without what no test can know.
    async fn log(&self, before: &[Value]) -> Vec<Value> {
        let mut log = self.desk.pages("/audit?limit=7").await.concat();
        let at = |entry: &Value| text(&entry["id"]).parse::<saryno::id::Id>().unwrap();
        assert!(log.is_sorted_by(|newer, older| at(newer) > at(older)));
        assert!(
            log.iter()
                .all(|entry| text(&entry["at"]) == at(entry).time().to_string())
        );
        log.retain(|entry| !before.contains(entry));
        log.reverse();
        for entry in &mut log {
            entry
                .as_object_mut()
                .unwrap()
                .retain(|key, _| key != "id" && key != "at");
        }
        log
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_admin_work_is_told_completely_and_without_a_secret() {
    let mut hour = Hour::begin().await;
    let before = hour.desk.pages("/audit").await.concat();
    let user = hour.with_accounts().await;
    hour.with_a_community(&user).await;
    hour.with_registration().await;
    hour.with_admins().await;
    hour.with_a_token(&user).await;
    for path in [
        "/overview",
        "/users?search=a",
        "/communities",
        "/names/fullest",
        "/registration",
        "/admins",
        "/audit",
    ] {
        hour.desk.get(path).await.expect(200);
        hour.desk
            .call(Get, path, &Pass::Nothing, None)
            .await
            .fails();
    }
    let log = hour.log(&before).await;
    for (told, expected) in log.iter().zip(&hour.expected) {
        assert_eq!(told, expected);
    }
    assert_eq!(log.len(), hour.expected.len());
    let told: BTreeSet<_> = log.iter().map(|entry| text(&entry["action"])).collect();
    assert_eq!(told, ACTIONS.into_iter().collect());

    let database = hour.desk.server.database();
    let Pass::Cookie(cookie) = &hour.desk.pass else {
        panic!("no cookie")
    };
    hour.secrets.push(cookie.clone());
    let mut statement = database
        .prepare("SELECT password FROM users WHERE password IS NOT NULL UNION ALL SELECT password FROM admins")
        .unwrap();
    let hashes = statement.query_map([], |row| row.get(0)).unwrap();
    hour.secrets.extend(hashes.map(Result::unwrap));
    assert!(hour.secrets.len() >= 11, "{}", hour.secrets.len());
    let mut statement = database.prepare("SELECT * FROM audit").unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
    let rows = statement.query_map([], row).unwrap();
    for row in rows {
        let row: Vec<Cell> = row.unwrap();
        let text = format!("{row:?}");
        for secret in &hour.secrets {
            assert!(!text.contains(secret.as_str()), "{secret}: {text}");
        }
    }
}
