//! Whatever is refused leaves everything that is stored as it was, byte for byte: nothing is written before the last check.

use rocket::http::Method;
use saryno::accounts::{Policy, RESET_END};
use saryno::config::Config;
use saryno::store::Store;
use serde_json::json;

use crate::account_desk::{instance_invite, reset_code, resident};
use crate::admin_session::OTHER;
use crate::channels::{CHANNELS, dm, group, people};
use crate::communities::{community_of, invite};
use crate::desk::{Desk, PASSWORD, Pass, admin, rows};
use crate::operate::Operate;
use crate::support::{Account, Answer, Server, now};

/// Everything that is stored, after all that was on its way.
async fn settled(server: &Server) -> Vec<String> {
    server.store.ping().await.unwrap();
    let database = server.database();
    let mut all = rows(&database);
    // What that leaves out, and what SQLite keeps of the highest ids.
    for sql in [
        "SELECT 'token ' || id || ' ' || coalesce(last_used, '') FROM tokens ORDER BY id",
        "SELECT 'highest ' || name || ' ' || seq FROM sqlite_sequence ORDER BY name",
    ] {
        let mut statement = database.prepare(sql).unwrap();
        let found = statement.query_map([], |row| row.get(0)).unwrap();
        all.extend(found.map(Result::unwrap));
    }
    all
}

/// Sends what stands in each line of a table, and expects the error that stands behind it and that nothing has changed:
///
/// who METHOD /path {body} = status code
///
/// `names` are what stands in there for an id or a code.
async fn refused(
    server: &Server,
    names: &[(&str, String)],
    table: &str,
    send: impl AsyncFn(usize, &str, Method, &str, Option<&str>) -> Answer,
) {
    let fill = |text: &str| {
        let fill = |text: String, (name, thing): &(&str, String)| {
            text.replace(&format!("<{name}>"), thing)
        };
        names.iter().fold(text.to_owned(), fill)
    };
    let before = settled(server).await;
    let lines = table.lines().map(str::trim).filter(|line| !line.is_empty());
    for (index, line) in lines.enumerate() {
        let (asked, error) = line.split_once(" = ").unwrap();
        let mut words = asked.splitn(4, ' ');
        let mut word = || words.next();
        let (who, method, path) = (word().unwrap(), word().unwrap(), word().unwrap());
        let body = word().map(fill);
        let answer = send(
            index,
            who,
            method.parse().unwrap(),
            &fill(path),
            body.as_deref(),
        )
        .await;
        let (status, code) = answer.fails();
        assert_eq!(
            format!("{status} {code}"),
            error,
            "{line}: {}",
            answer.text()
        );
        assert_eq!(settled(server).await, before, "{line}");
    }
}

/// The same of the REST API, by these people, each request with an idempotency key of its own.
async fn refused_at_rest(
    server: &Server,
    people: &[(&str, &Account)],
    names: &[(&str, String)],
    table: &str,
) {
    let mut names = names.to_vec();
    for (name, person) in people {
        names.push((name, person.id()));
        // What a token was used for last is noted behind an answer; from then on it is for an hour.
        server.get("/users/@me", person).await;
    }
    refused(
        server,
        &names,
        table,
        async |index, who, method, path, body| {
            let mut headers = vec![("Idempotency-Key".to_owned(), format!("key-{index}"))];
            let by = people.iter().find(|(name, _)| *name == who);
            assert!(by.is_some() || who == "nobody");
            headers.extend(
                by.map(|(_, by)| ("Authorization".to_owned(), format!("Bearer {}", by.token))),
            );
            server
                .send(method, path, &headers, body.map(str::as_bytes))
                .await
        },
    )
    .await;
}

/// Nothing but what the store counts is limited.
fn counting() -> Config {
    let mut config = Config::default();
    config.limits.requests_per_second = 0;
    config.limits.burst = 0;
    config.limits.password_checks_per_minute = 0;
    config.limits.registrations_per_hour = 0;
    config.limits.renames_per_hour = 1;
    config.limits.new_channels_per_10_minutes = 2;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_or_an_account_that_is_refused_changes_nothing() {
    let server = Server::start_with(&counting()).await;
    let ada = resident(&server, "Ada", 1).await;
    let bea = server.account_of("Bea", 7).await;
    let renamed = server.account("Cy").await;
    let off = resident(&server, "Off", 1).await;
    let other = json!({"username": "Di"});
    server
        .patch("/users/@me", &renamed, &other)
        .await
        .expect(200);
    let full = "
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
        INSERT INTO users (id, username, username_key, discriminator) SELECT n, 'Full', 'full', n FROM n";
    server.database().execute(full, []).unwrap();
    let hour = now().after(RESET_END);
    let names = [
        ("expired", reset_code(&server, &bea, now()).await),
        ("of-disabled", reset_code(&server, &off, hour).await),
        ("used", instance_invite(&server, 1, 1, None).await),
        ("good", instance_invite(&server, 1, 0, None).await),
        ("password", PASSWORD.to_owned()),
        ("other", OTHER.to_owned()),
    ];
    server.store.set_disabled(off.user.id, true).await.unwrap();
    server.store.set_registration(Policy::Invite).await.unwrap();
    let people = [("ada", &ada), ("renamed", &renamed), ("off", &off)];
    let table = r#"
        ada PATCH /users/@me {"username": "BEA", "discriminator": "0007"} = 409 tag_taken
        ada PATCH /v1/users/@me {"username": "Full", "avatar": null} = 409 username_full
        ada PATCH /users/@me {"username": "Ok", "discriminator": "0000"} = 400 invalid_request
        ada PATCH /users/@me {"username": "Ok", "flags": [1]} = 400 invalid_request
        ada PATCH /users/@me {"username": "Ok", "avatar": "data:;base64,AAAA"} = 400 invalid_request
        renamed PATCH /users/@me {"username": "Ed"} = 429 rate_limited
        renamed PATCH /v1/users/@me {"discriminator": "0099", "avatar": null} = 429 rate_limited
        off PATCH /users/@me {"username": "Ok"} = 403 account_disabled
        ada DELETE /users/@me {"password": "<other>"} = 401 invalid_credentials
        renamed DELETE /users/@me {"password": "<other>"} = 403 forbidden
        nobody POST /auth/register {"username": "Bea", "password": "<password>", "discriminator": "0007", "invite": "<good>"} = 409 tag_taken
        nobody POST /auth/register {"username": "Full", "password": "<password>", "invite": "<good>"} = 409 username_full
        nobody POST /auth/register {"username": "New", "password": "<password>", "invite": "<used>"} = 403 registration_closed
        nobody POST /v1/auth/register {"username": "New", "password": "<password>"} = 403 registration_closed
        nobody POST /auth/register {"username": "here", "password": "<password>", "invite": "<good>"} = 400 invalid_request
        nobody POST /auth/login {"tag": "Ada#0001", "password": "<other>"} = 401 invalid_credentials
        nobody POST /auth/login {"tag": "Bea#0007", "password": "<password>"} = 401 invalid_credentials
        nobody POST /auth/login {"tag": "Nobody#0001", "password": "<password>"} = 401 invalid_credentials
        nobody POST /auth/login {"tag": "Off#0001", "password": "<password>"} = 403 account_disabled
        ada POST /auth/password {"current": "<other>", "new": "<password>"} = 401 invalid_credentials
        ada POST /auth/password {"current": "<password>", "new": "short"} = 400 invalid_request
        nobody POST /auth/reset {"code": "x", "new": "<password>"} = 401 invalid_credentials
        nobody POST /auth/reset {"code": "<expired>", "new": "<password>"} = 401 invalid_credentials
        nobody POST /auth/reset {"code": "<of-disabled>", "new": "<password>"} = 403 account_disabled
        nobody POST /auth/reset {"code": "<of-disabled>", "new": "short"} = 400 invalid_request
        ada DELETE /auth/tokens/1 = 404 not_found
        ada PUT /users/@me/blocks/<ada> = 400 invalid_request
        ada PUT /users/@me/blocks/0 = 404 unknown_user"#;
    refused_at_rest(&server, &people, &names, table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_that_is_refused_is_not_there_and_one_that_stands_does_not_change() {
    let server = Server::start_with(&counting()).await;
    let everybody: [Account; 12] = people(&server).await;
    let [a, b, c, blocker, gone, stranger, spent, .., spare, _] = &everybody;
    let nine = everybody[1..].iter();
    let nine: Vec<_> = nine
        .filter(|person| ![gone.id(), spare.id()].contains(&person.id()))
        .collect();
    let names = [
        ("dm", format!("/channels/{}", dm(&server, a, b).await)),
        ("full", group(&server, a, &nine).await),
        ("small", group(&server, c, &[a, b]).await),
    ];
    for other in [a, b] {
        dm(&server, spent, other).await;
    }
    for blocked in [stranger, c] {
        let path = format!("/users/@me/blocks/{}", blocked.id());
        server.put(&path, blocker).await.expect(204);
    }
    server.store.delete_user(gone.user.id).await.unwrap();
    // A key that stands for another request.
    let to_a = json!({"type": 2, "recipient_id": a.id()}).to_string();
    let key = [
        ("Idempotency-Key".to_owned(), "key-11".to_owned()),
        ("Authorization".to_owned(), format!("Bearer {}", b.token)),
    ];
    let first = server
        .send(Method::Post, CHANNELS, &key, Some(to_a.as_bytes()))
        .await;
    first.expect(200);
    let people = [
        ("a", a),
        ("b", b),
        ("c", c),
        ("stranger", stranger),
        ("spent", spent),
        ("spare", spare),
    ];
    let others = [("blocker", blocker.id()), ("gone", gone.id())];
    let table = r#"
        stranger POST /users/@me/channels {"type": 2, "recipient_id": "1"} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 2, "recipient_id": "<gone>"} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 2, "recipient_id": "<stranger>"} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 2, "recipient_id": "<blocker>"} = 403 blocked
        spent POST /users/@me/channels {"type": 2, "recipient_id": "<c>"} = 429 rate_limited
        stranger POST /users/@me/channels {"type": 3, "recipient_ids": ["<a>", "1"], "name": "Tea"} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 3, "recipient_ids": ["<a>", "<gone>"]} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 3, "recipient_ids": ["<a>", "<a>"]} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 3, "recipient_ids": ["<a>"]} = 400 invalid_request
        stranger POST /users/@me/channels {"type": 3, "recipient_ids": ["<a>", "<blocker>"]} = 403 blocked
        spent POST /v1/users/@me/channels {"type": 3, "recipient_ids": ["<a>", "<b>"]} = 429 rate_limited
        b POST /users/@me/channels {"type": 2, "recipient_id": "<c>"} = 409 idempotency_conflict
        c PATCH <small> {"name": "Tea", "owner_id": "<spare>"} = 400 invalid_request
        c PATCH <small> {"name": "", "owner_id": "<a>"} = 400 invalid_request
        a PATCH <small> {"name": "Tea", "owner_id": "<a>"} = 403 not_owner
        stranger PATCH <small> {"name": "Tea"} = 404 unknown_channel
        a PATCH <dm> {"name": "Tea"} = 403 forbidden
        b PUT <full>/recipients/<spare> = 400 invalid_request
        c PUT <small>/recipients/<blocker> = 403 blocked
        c PUT <small>/recipients/<gone> = 404 unknown_user
        stranger PUT <small>/recipients/<stranger> = 404 unknown_channel
        a PUT <dm>/recipients/<c> = 403 forbidden
        c DELETE <small>/recipients/<spare> = 404 unknown_user
        a DELETE <small>/recipients/<c> = 403 not_owner
        a DELETE <dm>/recipients/<b> = 403 forbidden
        stranger DELETE <small> = 404 unknown_channel"#;
    refused_at_rest(&server, &people, &[&names[..], &others[..]].concat(), table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_or_an_invite_that_is_refused_changes_nothing() {
    let server = Server::start_with(&counting()).await;
    let [owner, member, stranger] = people(&server).await;
    let home = community_of(&server, &owner, &[&member]).await;
    let make = async |body| invite(&server, &owner, &home, &body).await;
    let names = [
        ("good", make(json!({})).await),
        ("used", make(json!({"max_uses": 1})).await),
        ("late", make(json!({})).await),
        ("home", home.clone()),
    ];
    let spend = "UPDATE invites SET uses = max_uses WHERE max_uses = 1;
        UPDATE invites SET expires_at = 1 WHERE id = (SELECT max(id) FROM invites)";
    server.database().execute_batch(spend).unwrap();
    let people = [
        ("owner", &owner),
        ("member", &member),
        ("stranger", &stranger),
    ];
    let table = r#"
        owner POST /communities {"name": ""} = 400 invalid_request
        owner POST /communities {"name": "x", "icon": "data:;base64,AAAA"} = 400 invalid_request
        owner PATCH <home> {"name": "Tea", "icon": null, "owner_id": "<stranger>"} = 400 invalid_request
        owner PATCH <home> {"name": "Tea", "owner_id": 7} = 400 invalid_request
        member PATCH <home> {"name": "Tea", "owner_id": "<member>"} = 403 not_owner
        stranger PATCH <home> {"name": "Tea"} = 404 unknown_community
        member DELETE <home> = 403 not_owner
        owner DELETE /users/@me<home> = 409 owner_cannot_leave
        owner DELETE <home>/members/<owner> = 409 owner_cannot_leave
        owner DELETE <home>/members/<stranger> = 404 unknown_user
        member DELETE <home>/members/<owner> = 403 not_owner
        member POST <home>/invites {} = 403 not_owner
        owner POST <home>/invites {"max_uses": 0} = 400 invalid_request
        owner POST <home>/invites {"expires_at": "2001-01-01T00:00:00Z"} = 400 invalid_request
        member POST <good> = 409 already_member
        stranger POST <used> = 404 unknown_invite
        stranger POST <late> = 404 unknown_invite
        stranger POST /v1/invites/nothing = 404 unknown_invite
        stranger DELETE <good> = 403 not_owner
        owner DELETE <late> = 404 unknown_invite"#;
    refused_at_rest(&server, &people, &names, table).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_is_refused_changes_nothing_and_stands_in_no_log() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let [user, gone, owner] = people(server).await;
    server.account_of("Bea", 7).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    admin(server, "second").await;
    let names = [
        ("home", community_of(server, &owner, &[&user]).await),
        ("user", user.id()),
        ("owner", owner.id()),
        ("gone", gone.id()),
        ("root", desk.root.id.to_string()),
        ("password", PASSWORD.to_owned()),
        ("other", OTHER.to_owned()),
    ];
    let table = r#"
        root POST /users {"username": "bea", "discriminator": "0007", "token": true} = 409 tag_taken
        root POST /users {"username": "Ok", "flags": [2]} = 400 invalid_request
        root PATCH /users/<user> {"username": "bea", "discriminator": "0007"} = 409 tag_taken
        root PATCH /users/<gone> {"username": "Ok"} = 404 unknown_user
        root PUT /users/<user>/flags/king = 400 invalid_request
        root PUT /users/1/flags/bot = 404 unknown_user
        root PUT /users/<user>/disabled {"reason": ""} = 400 invalid_request
        root PUT /users/<gone>/disabled {} = 404 unknown_user
        root POST /users/bulk {"ids": ["<user>", "<gone>"], "action": "disable"} = 400 invalid_request
        root POST /users/bulk {"ids": ["<user>", "1"], "action": "delete"} = 400 invalid_request
        root POST /users/bulk {"ids": ["<user>", "<user>"], "action": "delete"} = 400 invalid_request
        root DELETE /users/<gone> = 404 unknown_user
        root DELETE /users/<user>/sessions/1 = 404 not_found
        root POST /users/<user>/tokens {"name": ""} = 400 invalid_request
        root POST /users/<gone>/reset-link = 404 unknown_user
        root POST /communities {"name": "x", "owner_id": "<gone>"} = 400 invalid_request
        root PATCH <home> {"name": "x", "owner_id": "<gone>"} = 400 invalid_request
        root PUT <home>/members/<user> = 409 already_member
        root DELETE <home>/members/<owner> = 409 owner_cannot_leave
        root DELETE <home>/invites/x = 404 unknown_invite
        root PUT /registration {"registration": "ajar"} = 400 invalid_request
        root POST /invites {"max_uses": 0} = 400 invalid_request
        root DELETE /invites/x = 404 unknown_invite
        root POST /admins {"name": "SECOND"} = 400 invalid_request
        root DELETE /admins/<root> = 403 forbidden
        root POST /admins/1/reset-link = 404 not_found
        root POST /tokens {"name": ""} = 400 invalid_request
        root DELETE /tokens/1 = 404 not_found
        root POST /password {"current": "<other>", "new": "<password>"} = 401 invalid_credentials
        nobody POST /login {"name": "root", "password": "<other>"} = 401 invalid_credentials
        nobody POST /login {"name": "nobody", "password": "<password>"} = 401 invalid_credentials
        nobody POST /setup {"code": "x", "name": "x", "password": "<password>"} = 403 forbidden
        nobody POST /password-link {"code": "x", "password": "<password>"} = 401 invalid_credentials"#;
    refused(server, &names, table, async |_, who, method, path, body| {
        let pass = if who == "root" {
            &desk.pass
        } else {
            &Pass::Nothing
        };
        desk.call(method, path, pass, body).await
    })
    .await;
}
