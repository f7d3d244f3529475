//! Who may what: every endpoint for everybody who may not (contract, sections 1 and 3).

use std::collections::BTreeSet;

use rocket::http::Method::{self, Delete, Get, Patch, Post, Put};
use serde_json::{Value, json};

use crate::channels::{dm, group, ids, people};
use crate::communities::{community_of, invite};
use crate::desk::rows;
use crate::operate::Operate;
use crate::support::{Account, Server, failure};

/// Every endpoint that needs a token.
pub(crate) const ENDPOINTS: [(Method, &str); 35] = [
    (Get, "/users"),
    (Get, "/users/@me"),
    (Patch, "/users/@me"),
    (Delete, "/users/@me"),
    (Get, "/users/@me/export"),
    (Get, "/users/@me/blocks"),
    (Get, "/users/@me/blocks/<id>"),
    (Put, "/users/@me/blocks/<id>"),
    (Delete, "/users/@me/blocks/<id>"),
    (Get, "/users/<id>"),
    (Get, "/users/@me/communities"),
    (Delete, "/users/@me/communities/<id>"),
    (Get, "/users/@me/channels"),
    (Post, "/users/@me/channels"),
    (Post, "/auth/logout"),
    (Get, "/auth/tokens"),
    (Delete, "/auth/tokens"),
    (Delete, "/auth/tokens/<id>"),
    (Post, "/auth/password"),
    (Get, "/channels/<id>"),
    (Patch, "/channels/<id>"),
    (Delete, "/channels/<id>"),
    (Put, "/channels/<id>/recipients/<user>"),
    (Delete, "/channels/<id>/recipients/<user>"),
    (Post, "/communities"),
    (Get, "/communities/<id>"),
    (Patch, "/communities/<id>"),
    (Delete, "/communities/<id>"),
    (Get, "/communities/<id>/members"),
    (Delete, "/communities/<id>/members/<user>"),
    (Post, "/communities/<id>/invites"),
    (Get, "/communities/<id>/invites"),
    (Get, "/invites/<code>"),
    (Post, "/invites/<code>"),
    (Delete, "/invites/<code>"),
];

/// Every endpoint for those who have none yet.
pub(crate) const OPEN: [(Method, &str); 9] = [
    (Post, "/auth/register"),
    (Post, "/auth/login"),
    (Post, "/auth/reset"),
    (Get, "/usernames/check"),
    (Get, "/avatars/<id>/<file>"),
    (Get, "/icons/<id>/<file>"),
    (Get, "/health"),
    (Get, "/ready"),
    (Get, "/openapi.json"),
];

/// A request, and the error that it ends in.
pub(crate) type Refusal = (Method, String, Option<Value>, u16, &'static str);

/// A community, a group and a DM of these people, and an account outside.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) owner: Account,
    pub(crate) member: Account,
    pub(crate) third: Account,
    pub(crate) stranger: Account,
    pub(crate) community: String,
    pub(crate) invite: String,
    pub(crate) group: String,
    pub(crate) dm: String,
    token: String,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = Server::start().await;
        let [owner, member, third, stranger] = people(&server).await;
        let community = community_of(&server, &owner, &[&member, &third]).await;
        let invite = invite(&server, &owner, &community, &json!({})).await;
        let group = group(&server, &owner, &[&member, &third]).await;
        let dm = format!("/channels/{}", dm(&server, &owner, &member).await);
        let tokens = server.get("/auth/tokens", &owner).await.expect(200);
        let token = format!("/auth/tokens/{}", ids(&tokens)[0]);
        Self {
            server,
            owner,
            member,
            third,
            stranger,
            community,
            invite,
            group,
            dm,
            token,
        }
    }

    /// An endpoint's path with things in it that exist.
    fn path(&self, endpoint: &str) -> String {
        endpoint
            .replace("/communities/<id>", &self.community)
            .replace("/channels/<id>", &self.group)
            .replace("/auth/tokens/<id>", &self.token)
            .replace("/users/<id>", &format!("/users/{}", self.third.id()))
            .replace("/blocks/<id>", &format!("/blocks/{}", self.third.id()))
            .replace("<user>", &self.third.id())
            .replace("/invites/<code>", &self.invite)
    }

    fn rows(&self) -> Vec<String> {
        rows(&self.server.database())
    }

    /// Sends each request and expects its error, and that nothing has changed.
    pub(crate) async fn refused(&self, by: &Account, cases: Vec<Refusal>) {
        let before = self.rows();
        for (method, path, body, status, code) in cases {
            let body = body.map(|body| body.to_string());
            let answer = self
                .server
                .call(method, &path, Some(&by.token), body.as_deref())
                .await;
            assert_eq!(
                answer.fails(),
                failure(status, code),
                "{method} {path} {body:?}"
            );
            assert_eq!(self.rows(), before, "{method} {path} {body:?}");
        }
    }

    /// Sends a request to every endpoint and expects this error, and that nothing has changed.
    async fn shut(&self, token: Option<&str>, status: u16, code: &str) {
        let before = self.rows();
        for (method, endpoint) in ENDPOINTS {
            for base in ["", "/v1"] {
                let path = format!("{base}{}", self.path(endpoint));
                let body = matches!(method, Post | Patch).then_some("{}");
                let answer = self.server.call(method, &path, token, body).await;
                assert_eq!(answer.fails(), failure(status, code), "{method} {path}");
            }
        }
        assert_eq!(self.rows(), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_stands_in_the_tables_of_these_tests() {
    let server = Server::start().await;
    for base in ["/", "/v1"] {
        let routes = server.client.rocket().routes();
        let mounted = routes.filter(|route| route.uri.base() == base);
        let there: BTreeSet<_> = mounted
            .map(|route| {
                (
                    route.method.as_str(),
                    route.uri.path().trim_start_matches("/v1").to_owned(),
                )
            })
            .collect();
        let listed = ENDPOINTS.iter().chain(&OPEN);
        let known = listed.map(|(method, path)| (method.as_str(), (*path).to_owned()));
        assert_eq!(there, known.collect());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_every_endpoint_is_shut() {
    World::new().await.shut(None, 401, "unauthorized").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_revoked_token_every_endpoint_is_shut() {
    let world = World::new().await;
    world
        .server
        .post("/auth/logout", &world.owner, &json!({}))
        .await
        .expect(204);
    world
        .shut(Some(&world.owner.token), 401, "unauthorized")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_deleted_account_every_endpoint_is_shut() {
    let world = World::new().await;
    world
        .server
        .store
        .delete_user(world.owner.user.id)
        .await
        .unwrap();
    world
        .shut(Some(&world.owner.token), 401, "unauthorized")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_disabled_account_every_endpoint_is_shut() {
    let world = World::new().await;
    world
        .server
        .store
        .set_disabled(world.owner.user.id, true)
        .await
        .unwrap();
    world
        .shut(Some(&world.owner.token), 403, "account_disabled")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_knows_nothing_of_a_channel_and_changes_nothing() {
    let world = World::new().await;
    let mut cases = Vec::new();
    for channel in [&world.group, &world.dm] {
        let mut case = |method, path: String, body| {
            cases.push((method, path, body, 404, "unknown_channel"));
        };
        case(Get, channel.clone(), None);
        case(Patch, channel.clone(), Some(json!({"name": "Mine"})));
        case(
            Patch,
            channel.clone(),
            Some(json!({"owner_id": world.stranger.id()})),
        );
        case(Delete, channel.clone(), None);
        for user in [&world.stranger, &world.owner, &world.third] {
            let path = format!("{channel}/recipients/{}", user.id());
            case(Put, path.clone(), None);
            case(Delete, path, None);
        }
    }
    world.refused(&world.stranger, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_knows_nothing_of_a_community_and_changes_nothing() {
    let world = World::new().await;
    let community = &world.community;
    let mut cases = Vec::new();
    let mut case = |method, path: String, body| {
        cases.push((method, path, body, 404, "unknown_community"));
    };
    case(Get, community.clone(), None);
    case(Patch, community.clone(), Some(json!({"name": "Mine"})));
    case(
        Patch,
        community.clone(),
        Some(json!({"owner_id": world.stranger.id()})),
    );
    case(Delete, community.clone(), None);
    case(Delete, format!("/users/@me{community}"), None);
    case(Get, format!("{community}/members"), None);
    case(Get, format!("{community}/invites"), None);
    case(Post, format!("{community}/invites"), Some(json!({})));
    for user in [&world.stranger, &world.owner, &world.third] {
        case(Delete, format!("{community}/members/{}", user.id()), None);
    }
    world.refused(&world.stranger, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_withdraws_no_invite_and_revokes_no_token() {
    let world = World::new().await;
    let cases = vec![
        (Delete, world.invite.clone(), None, 403, "not_owner"),
        (Delete, world.token.clone(), None, 404, "not_found"),
    ];
    world.refused(&world.stranger, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_does_nothing_that_is_the_owners() {
    let world = World::new().await;
    let (community, group) = (&world.community, &world.group);
    let mut cases = Vec::new();
    let mut case = |method, path: String, body| cases.push((method, path, body, 403, "not_owner"));
    case(Patch, community.clone(), Some(json!({"name": "Mine"})));
    case(Delete, community.clone(), None);
    case(Get, format!("{community}/invites"), None);
    case(Post, format!("{community}/invites"), Some(json!({})));
    case(Delete, world.invite.clone(), None);
    for user in [&world.member, &world.owner, &world.third, &world.stranger] {
        let handed = json!({"name": "Mine", "owner_id": user.id()});
        case(Patch, community.clone(), Some(handed.clone()));
        case(Patch, group.clone(), Some(handed));
    }
    for user in [&world.owner, &world.third, &world.stranger] {
        case(Delete, format!("{community}/members/{}", user.id()), None);
        case(Delete, format!("{group}/recipients/{}", user.id()), None);
    }
    world.refused(&world.member, cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_never_passes_for_another_method() {
    let world = World::new().await;
    let before = world.rows();
    let headers = |kind: &str| {
        [
            ("Authorization", format!("Bearer {}", world.owner.token)),
            ("Content-Type", kind.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    };
    for path in [
        &world.community,
        &world.group,
        &world.dm,
        &world.invite,
        &world.token,
    ] {
        for kind in [
            "application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded; charset=utf-8",
        ] {
            for body in ["_method=delete", "_method=DELETE", "_method=patch&name=x"] {
                let sent = world
                    .server
                    .send(Post, path, &headers(kind), Some(body.as_bytes()))
                    .await;
                let refusal = sent.fails();
                let known = [
                    failure(415, "unsupported_media_type"),
                    failure(405, "method_not_allowed"),
                ];
                assert!(
                    known.contains(&refusal),
                    "{path} {kind} {body}: {refusal:?}"
                );
                assert_eq!(world.rows(), before, "{path} {kind} {body}");
            }
        }
    }
    world
        .server
        .get(&world.community, &world.owner)
        .await
        .expect(200);
}
