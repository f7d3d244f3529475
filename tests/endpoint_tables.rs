//! Every endpoint of the admin API, and a desk with one of everything that they are about.

use rocket::http::Method::{self, Delete, Get, Patch, Post, Put};
use serde_json::json;

use crate::access::ENDPOINTS;
use crate::channels::{group, ids, people};
use crate::communities::{community_of, invite};
use crate::desk::{Desk, PASSWORD, Pass, admin, rows};
use crate::support::Account;

/// What a session and a token may read.
pub(crate) const READS: [(Method, &str); 20] = [
    (Get, "/overview"),
    (Get, "/live"),
    (Get, "/users"),
    (Get, "/users/<id>"),
    (Get, "/users/<id>/communities"),
    (Get, "/users/<id>/channels"),
    (Get, "/users/<id>/sessions"),
    (Get, "/names"),
    (Get, "/names/fullest"),
    (Get, "/channels/<id>"),
    (Get, "/communities"),
    (Get, "/communities/<id>"),
    (Get, "/communities/<id>/members"),
    (Get, "/communities/<id>/invites"),
    (Get, "/registration"),
    (Get, "/audit"),
    (Get, "/backups"),
    (Get, "/admins"),
    (Get, "/tokens"),
    (Get, "/state"),
];

/// What a session and a token may change, with a body and the status of success; in an order in which each finds its thing.
pub(crate) const CHANGES: [(Method, &str, &str, u16); 28] = [
    (Post, "/users", r#"{"username": "New"}"#, 201),
    (
        Post,
        "/users/bulk",
        r#"{"ids": ["<id>"], "action": "disable"}"#,
        200,
    ),
    (Delete, "/users/<id>/disabled", "", 200),
    (Put, "/users/<id>/disabled", "{}", 200),
    (Patch, "/users/<id>", r#"{"username": "Other"}"#, 200),
    (Put, "/users/<id>/flags/<flag>", "", 200),
    (Delete, "/users/<id>/flags/<flag>", "", 200),
    (Delete, "/users/<id>/sessions/<session>", "", 204),
    (Post, "/users/<id>/tokens", "{}", 201),
    (Delete, "/users/<id>/sessions", "", 204),
    (Post, "/users/<id>/reset-link", "", 201),
    (Delete, "/users/<id>", "", 204),
    (
        Post,
        "/communities",
        r#"{"name": "New", "owner_id": "<user>"}"#,
        201,
    ),
    (Patch, "/communities/<id>", r#"{"name": "Other"}"#, 200),
    (Delete, "/communities/<id>/members/<user>", "", 204),
    (Put, "/communities/<id>/members/<user>", "", 204),
    (Post, "/communities/<id>/invites", "{}", 201),
    (Delete, "/communities/<id>/invites/<code>", "", 204),
    (Delete, "/communities/<id>", "", 204),
    (Put, "/registration", r#"{"registration": "open"}"#, 200),
    (Post, "/invites", "{}", 201),
    (Delete, "/invites/<code>", "", 204),
    (Post, "/backups", "", 201),
    // What only a session may.
    (Post, "/admins", r#"{"name": "third"}"#, 201),
    (Post, "/admins/<id>/reset-link", "", 201),
    (Delete, "/tokens/<id>", "", 204),
    (Post, "/tokens", r#"{"name": "x"}"#, 201),
    (Delete, "/admins/<id>", "", 204),
];

/// What only a session may read.
pub(crate) const IN_PERSON: [(Method, &str); 1] =
    [(Get, "/backups/saryno-2026-11-23T15-04-05Z.db")];

/// How many of those a token may.
pub(crate) const BY_TOKEN: usize = 23;

/// What a session does to itself.
pub(crate) const OWN: [(Method, &str, &str, u16); 2] = [
    (
        Post,
        "/password",
        r#"{"current": "<password>", "new": "another horse"}"#,
        204,
    ),
    (Post, "/logout", "", 204),
];

/// What anybody may ask for; with what is right but for the code.
pub(crate) const OPEN: [(Method, &str, &str); 3] = [
    (
        Post,
        "/setup",
        r#"{"code": "x", "name": "first", "password": "<password>"}"#,
    ),
    (
        Post,
        "/login",
        r#"{"name": "root", "password": "<password>"}"#,
    ),
    (
        Post,
        "/password-link",
        r#"{"code": "x", "password": "<password>"}"#,
    ),
];

/// A desk with one of everything that an endpoint is about.
pub(crate) struct World {
    pub(crate) desk: Desk,
    pub(crate) token: Pass,
    pub(crate) member: Account,
    /// Whatever stands in the paths and bodies above.
    names: Vec<(&'static str, String)>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let desk = Desk::open().await;
        let [owner, member, outsider] = people(&desk.server).await;
        let community = community_of(&desk.server, &owner, &[&outsider]).await;
        let group = group(&desk.server, &owner, &[&member, &outsider]).await;
        let invite = invite(&desk.server, &owner, &community, &json!({})).await;
        let sessions = desk.get(&format!("/users/{}/sessions", member.id())).await;
        let second = admin(&desk.server, "second").await;
        let token = desk.token().await;
        let tokens = desk.get("/tokens").await.expect(200);
        let instance = desk.post("/invites", &json!({})).await.expect(201);
        let code = |code: &str| format!("/invites/{code}");
        let names = vec![
            ("/users/<id>", format!("/users/{}", member.id())),
            ("[\"<id>\"]", format!("[\"{}\"]", member.id())),
            ("/channels/<id>", group),
            (
                "/communities/<id>/invites/<code>",
                format!("{community}{invite}"),
            ),
            ("/communities/<id>", community),
            ("/invites/<code>", code(instance["code"].as_str().unwrap())),
            ("/admins/<id>", format!("/admins/{}", second.id)),
            ("/tokens/<id>", format!("/tokens/{}", ids(&tokens)[0])),
            ("<user>", outsider.id()),
            ("<flag>", "bot".to_owned()),
            ("<session>", ids(&sessions.expect(200))[0].clone()),
            ("<password>", PASSWORD.to_owned()),
            ("/names", "/names?username=x".to_owned()),
            ("/names?username=x/fullest", "/names/fullest".to_owned()),
        ];
        Self {
            desk,
            token,
            member,
            names,
        }
    }

    /// A path or a body of the tables, with things in it that exist.
    pub(crate) fn fill(&self, pattern: &str) -> String {
        let fill = |text: String, (name, thing): &(&str, String)| text.replace(name, thing);
        self.names.iter().fold(pattern.to_owned(), fill)
    }

    /// Every request of the tables that changes something; also what anybody may ask for, if that is wanted.
    pub(crate) fn changes(&self, open: bool) -> Vec<(Method, String, Option<String>)> {
        let shut = CHANGES.iter().chain(&OWN);
        let all = shut.map(|(method, path, body, _)| (*method, *path, *body));
        all.chain(OPEN.into_iter().filter(|_| open))
            .map(|(method, path, body)| {
                let body = self.fill(body);
                (
                    method,
                    self.fill(path),
                    Some(body).filter(|body| !body.is_empty()),
                )
            })
            .collect()
    }

    /// Every endpoint of the REST API that needs a token, with things in its path that exist.
    pub(crate) fn of_rest(&self) -> Vec<(Method, String)> {
        let fill = |endpoint: &str| {
            let own = endpoint.replace("/tokens/<id>", "/tokens/1");
            self.fill(&own.replace("/blocks/<id>", "/blocks/1"))
        };
        let endpoints = ENDPOINTS.iter();
        endpoints
            .map(|(method, endpoint)| (*method, fill(endpoint)))
            .collect()
    }

    pub(crate) fn rows(&self) -> Vec<String> {
        rows(&self.desk.server.database())
    }

    /// Sends these changes and expects that each succeeds.
    pub(crate) async fn accepted(
        &self,
        changes: &[(Method, &str, &str, u16)],
        headers: &[(&'static str, String)],
    ) {
        for (method, path, body, status) in changes {
            let (path, body) = (self.fill(path), self.fill(body));
            let body = Some(body.as_str()).filter(|body| !body.is_empty());
            let answer = self.desk.send(*method, &path, headers, body).await;
            assert_eq!(answer.status, *status, "{method} {path}: {}", answer.text());
        }
    }
}

pub(crate) const JSON: (&str, &str) = ("Content-Type", "application/json");
pub(crate) const OWN_PAGE: (&str, &str) = ("Sec-Fetch-Site", "same-origin");
