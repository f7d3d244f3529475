//! Ids in paths and parameters in query strings that are none.

use rocket::http::Method;

use crate::endpoints::{NO_IDS, World, at_fault};
use crate::support::{Server, failure};

#[tokio::test(flavor = "multi_thread")]
async fn a_path_names_the_id_that_is_none_and_0_is_nobodys() {
    let world = World::new().await;
    let before = world.dump();
    let (group, home) = (&world.group, &world.home);
    let (recipients, members) = (
        format!("/channels/{group}/recipients/?"),
        format!("/communities/{home}/members/?"),
    );
    let paths = [
        ("GET", "/users/?", "user.id"),
        ("GET PATCH DELETE", "/channels/?", "channel.id"),
        ("PUT DELETE", "/channels/?/recipients/1", "channel.id"),
        ("PUT DELETE", recipients.as_str(), "user.id"),
        ("DELETE", "/users/@me/communities/?", "community.id"),
        ("GET PATCH DELETE", "/communities/?", "community.id"),
        ("GET", "/communities/?/members", "community.id"),
        ("DELETE", "/communities/?/members/1", "community.id"),
        ("DELETE", members.as_str(), "user.id"),
        ("GET POST", "/communities/?/invites", "community.id"),
        ("DELETE", "/auth/tokens/?", "token.id"),
    ];
    for (methods, path, field) in paths {
        for method in methods
            .split(' ')
            .map(|method| method.parse::<Method>().unwrap())
        {
            let body = matches!(method, Method::Patch | Method::Post).then_some("{}");
            for id in NO_IDS
                .iter()
                .filter(|id| !id.is_empty())
                .chain(&["%00", "%FF"])
            {
                let path = path.replace('?', &id.replace(' ', "%20").replace('１', "%EF%BC%91"));
                let answer = world
                    .server
                    .call(method, &path, Some(&world.ada.token), body)
                    .await;
                at_fault(&answer, &path, field, "");
            }
            let answer = world
                .server
                .call(
                    method,
                    &path.replace('?', "0"),
                    Some(&world.ada.token),
                    body,
                )
                .await;
            answer.error();
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    world.unchanged(&before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_out_of_range_or_malformed_is_refused_and_never_clamped() {
    let world = World::new().await;
    let (members, invites) = (
        format!("/communities/{}/members", world.home),
        format!("/communities/{}/invites", world.home),
    );
    let lists = [
        ("/users/@me/communities", 201),
        ("/users/@me/channels", 1_001),
        (members.as_str(), 1_001),
        (invites.as_str(), 201),
        ("/auth/tokens", 201),
    ];
    for (path, beyond) in lists {
        for limit in [
            "0",
            "x",
            "",
            "-1",
            "+5",
            "1.5",
            "99999999999999999999",
            "%FF",
            "1&limit=2",
            &beyond.to_string(),
        ] {
            let answer = world
                .server
                .get(&format!("{path}?limit={limit}"), &world.ada)
                .await;
            at_fault(&answer, limit, "limit", "");
        }
        for bound in ["before", "after"] {
            for id in [
                "",
                "-1",
                "01",
                "9223372036854775808",
                "x",
                "1&limit=1&BOUND=2",
            ] {
                let query = format!("{bound}={}", id.replace("BOUND", bound));
                at_fault(
                    &world
                        .server
                        .get(&format!("{path}?{query}"), &world.ada)
                        .await,
                    &query,
                    bound,
                    "",
                );
            }
        }
        let both = world
            .server
            .get(&format!("{path}?before=2&after=1"), &world.ada)
            .await;
        assert_eq!(both.fails(), failure(400, "invalid_request"));
        let most = world
            .server
            .get(&format!("{path}?limit={}", beyond - 1), &world.ada)
            .await;
        assert_eq!(most.status, 200, "{path}");
    }
    for query in [
        "",
        "?tag=",
        "?tag=Ada",
        "?tag=Ada%230",
        "?tag=Ada%230000",
        "?tag=Ada%230001&tag=Ada%230001",
    ] {
        at_fault(
            &world
                .server
                .get(&format!("/users{query}"), &world.ada)
                .await,
            query,
            "tag",
            "",
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_failure_is_told_without_the_databases_own_words() {
    let server = Server::start().await;
    let account = server.account("a").await;
    server
        .database()
        .execute_batch("ALTER TABLE communities RENAME TO elsewhere")
        .unwrap();
    let answer = server.get("/communities/1", &account).await;
    assert_eq!(answer.fails(), failure(500, "internal"));
    for word in ["database", "table", "communities", "SQL"] {
        assert!(!answer.text().contains(word), "{}", answer.text());
    }
}
