//! Every list of the three APIs: no page is larger than it may be, whatever is asked for (contract, section 1, "lists").

use std::collections::BTreeSet;

use rocket::http::Method::Get;
use serde_json::json;

use crate::account_desk::{headers, resident, session};
use crate::channels::{dm, group, people};
use crate::communities::community_of;
use crate::desk::{Desk, send};
use crate::support::{Account, Answer};

/// Every list, and how many entries a page of it holds at most.
const LISTS: [(&str, u32); 17] = [
    ("/users/@me/communities", 200),
    ("/users/@me/channels", 1_000),
    ("/users/@me/blocks", 1_000),
    ("/auth/tokens", 200),
    ("/communities/<id>/members", 1_000),
    ("/communities/<id>/invites", 200),
    ("/account/api/users/@me/communities", 200),
    ("/account/api/users/@me/blocks", 1_000),
    ("/account/api/auth/tokens", 200),
    ("/admin/api/users", 200),
    ("/admin/api/users/<id>/communities", 200),
    ("/admin/api/users/<id>/channels", 1_000),
    ("/admin/api/users/<id>/sessions", 200),
    ("/admin/api/communities", 200),
    ("/admin/api/communities/<id>/members", 200),
    ("/admin/api/communities/<id>/invites", 200),
    ("/admin/api/audit", 200),
];

/// What is read and is no list that goes on: one thing, a file, or what only admins make more of.
const OTHERS: [&str; 40] = [
    "/users",
    "/users/@me",
    "/users/@me/export",
    "/users/@me/blocks/<id>",
    "/users/<id>",
    "/usernames/check",
    "/channels/<id>",
    "/communities/<id>",
    "/invites/<code>",
    "/avatars/<id>/<file>",
    "/icons/<id>/<file>",
    "/health",
    "/ready",
    "/openapi.json",
    "/docs/guides",
    "/docs/licences",
    "/docs/<path..>",
    "/account/<path..>",
    "/account/api/state",
    "/account/api/users",
    "/account/api/users/@me",
    "/account/api/users/@me/export",
    "/account/api/users/@me/blocks/<id>",
    "/account/api/users/<id>",
    "/account/api/usernames/check",
    "/account/api/invites/<code>",
    "/account/api/instance-invites/<code>",
    "/admin/<path..>",
    "/admin/api/state",
    "/admin/api/overview",
    "/admin/api/live",
    "/admin/api/users/<id>",
    "/admin/api/names",
    "/admin/api/names/fullest",
    "/admin/api/channels/<id>",
    "/admin/api/communities/<id>",
    "/admin/api/registration",
    "/admin/api/admins",
    "/admin/api/tokens",
    "/admin/api/backups",
];

/// A desk, somebody who has three of everything, and a session of theirs.
struct World {
    desk: Desk,
    me: Account,
    cookie: String,
    community: String,
}

impl World {
    async fn new() -> Self {
        let desk = Desk::open().await;
        let server = &desk.server;
        let me = resident(server, "Ada", 1).await;
        let cookie = session(server, &me).await;
        let [a, b, c] = people(server).await;
        let mut community = String::new();
        for _ in 0..3 {
            community = community_of(server, &me, &[&a, &b]).await;
            let path = format!("{community}/invites");
            server.post(&path, &me, &json!({})).await.expect(201);
            server.post(&path, &me, &json!({})).await.expect(201);
            group(server, &me, &[&a, &b]).await;
            session(server, &me).await;
        }
        for other in [&a, &b, &c] {
            dm(server, &me, other).await;
            let path = format!("/users/@me/blocks/{}", other.id());
            server.put(&path, &me).await.expect(204);
            desk.token().await;
        }
        Self {
            desk,
            me,
            cookie,
            community,
        }
    }

    /// A list with this query.
    async fn ask(&self, list: &str, query: &str) -> Answer {
        let path = list
            .replace("/communities/<id>", &self.community)
            .replace("<id>", &self.me.id());
        let path = format!("{path}?{query}");
        let server = &self.desk.server;
        let mut all = Vec::new();
        if list.starts_with("/account") {
            all = headers(Some(&self.cookie));
        } else if list.starts_with("/admin") {
            all.extend(self.desk.pass.header());
        } else {
            all.push(("Authorization", format!("Bearer {}", self.me.token)));
        }
        send(server, Get, &path, &all, None).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_reads_stands_in_the_tables_of_these_tests() {
    let world = World::new().await;
    let routes = world.desk.server.client.rocket().routes();
    let reads = routes.filter(|route| route.method == Get);
    let there: BTreeSet<_> = reads
        .map(|route| route.uri.path().trim_start_matches("/v1").to_owned())
        .collect();
    let listed = LISTS.into_iter().map(|(path, _)| path);
    let known = listed.chain(OTHERS).chain(["/admin/api/backups/<name>"]);
    assert_eq!(there, known.map(ToOwned::to_owned).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_of_one_entry_at_least_and_of_so_many_at_most_and_never_clamped() {
    let world = World::new().await;
    for (list, most) in LISTS {
        let more = (most + 1).to_string();
        for limit in [
            "0",
            "00",
            "-1",
            "-0",
            "+5",
            "1.0",
            "1e3",
            "1e0",
            "0x1",
            "%31%30e1",
            "",
            "%20",
            "1%20",
            "true",
            "null",
            "NaN",
            "%EF%BC%91",
            "65536",
            "65537",
            "4294967297",
            "18446744073709551617",
            "99999999999999999999999999",
            "1&limit=2",
            "1&limit=",
            "2&limit=2",
            &more,
        ] {
            let answer = world.ask(list, &format!("limit={limit}")).await;
            assert_eq!(answer.status, 400, "{list} {limit}: {}", answer.text());
            let faults = answer.faults();
            assert!(
                faults.iter().all(|(field, _)| field == "limit"),
                "{faults:?}"
            );
        }
        for bounds in [
            "before=1&after=1",
            "before=-1",
            "after=1&after=2",
            "before=",
        ] {
            let answer = world.ask(list, bounds).await;
            assert_eq!(answer.status, 400, "{list} {bounds}");
            assert!(!answer.faults().is_empty());
        }
        let page = world.ask(list, &format!("limit={most}")).await.expect(200);
        assert!(page.as_array().unwrap().len() >= 3, "{list}");
        let all = world.ask(list, "limit=1").await;
        assert_eq!(all.expect(200).as_array().unwrap().len(), 1, "{list}");
        assert!(
            all.header("Link")
                .is_some_and(|link| link.contains("limit=1&")),
            "{list}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_a_page_is_no_larger_than_the_largest() {
    let world = World::new().await;
    let database = world.desk.server.database();
    let me = world.me.id();
    let community = world.community.strip_prefix("/communities/").unwrap();
    // 1,100 of everything.
    let numbers =
        "WITH RECURSIVE n (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM n WHERE n < 2099)";
    for rows in [
        "INSERT INTO users (id, username, username_key, discriminator) SELECT n, 'Many', 'many', n FROM n".to_owned(),
        format!("INSERT INTO tokens (id, user_id, hash, name, login) SELECT n, {me}, randomblob(32), 'x', 0 FROM n"),
        format!("INSERT INTO blocks (user_id, blocked_id) SELECT {me}, n FROM n"),
        format!("INSERT INTO communities (id, name, name_key, owner_id) SELECT n, 'x', 'x', {me} FROM n"),
        format!("INSERT INTO members (user_id, community_id, since) SELECT {me}, n, n FROM n"),
        format!("INSERT INTO members (user_id, community_id, since) SELECT n, {community}, n FROM n"),
        format!("INSERT INTO invites (id, code, community_id) SELECT n, 'code ' || n, {community} FROM n"),
        format!("INSERT INTO channels (id, type, owner_id) SELECT n, 3, {me} FROM n"),
        format!("INSERT INTO participants (channel_id, user_id, since) SELECT n, {me}, n FROM n"),
        "INSERT INTO audit (id, via, admin_name, admin_key, action) SELECT 1000000 + n, 'page', 'x', 'x', 'x' FROM n".to_owned(),
    ] {
        database.execute(&format!("{numbers} {rows}"), []).unwrap_or_else(|error| panic!("{rows}: {error}"));
    }
    for (list, most) in LISTS {
        for query in [String::new(), format!("limit={most}")] {
            let answer = world.ask(list, &query).await;
            let found = answer.expect(200).as_array().unwrap().len();
            let most = usize::try_from(most).unwrap();
            assert!(
                found <= most && (query.is_empty() || found == most),
                "{list}?{query}: {found}"
            );
            assert!(answer.header("Link").is_some(), "{list}?{query}");
        }
    }
}
