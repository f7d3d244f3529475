//! Communities and their invites over HTTP (contract, sections 2 and 3).

use futures::future::join_all;
use saryno::clock::Timestamp;
use serde_json::{Value, json};

use crate::channels::{count, id, ids, pages, people};
use crate::operate::Operate;
use crate::support::{Account, Answer, Server, failure};

const MINE: &str = "/users/@me/communities";

/// A community's path.
pub(crate) async fn community(server: &Server, owner: &Account) -> String {
    let made = server
        .post("/communities", owner, &json!({"name": "Garden"}))
        .await;
    format!("/communities/{}", id(&made.expect(201)))
}

/// An invite's path.
pub(crate) async fn invite(server: &Server, owner: &Account, to: &str, body: &Value) -> String {
    let made = server
        .post(&format!("{to}/invites"), owner, body)
        .await
        .expect(201);
    format!("/invites/{}", made["code"].as_str().unwrap())
}

async fn join(server: &Server, by: &Account, invite: &str) -> Answer {
    server.post(invite, by, &json!({})).await
}

/// A community's path; these others joined in this order.
pub(crate) async fn community_of(server: &Server, owner: &Account, others: &[&Account]) -> String {
    let community = community(server, owner).await;
    let invite = invite(server, owner, &community, &json!({})).await;
    for other in others {
        join(server, other, &invite).await.expect(200);
    }
    community
}

async fn members(server: &Server, by: &Account, community: &str) -> Vec<String> {
    ids(&server
        .get(&format!("{community}/members"), by)
        .await
        .expect(200))
}

fn mine(community: &str) -> String {
    format!("/users/@me{community}")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_a_community_owns_it_and_is_its_first_member() {
    let server = Server::start().await;
    let [a] = people(&server).await;
    let garden = json!({"name": "Garden"});
    let made = server.post("/communities", &a, &garden).await;
    let community = id(&made.expect(201));
    let shape = json!({"id": community, "name": "Garden", "icon": null, "owner_id": a.id()});
    assert_eq!(made.text(), shape.to_string());
    let path = format!("/communities/{community}");
    assert_eq!(server.get(&path, &a).await.text(), shape.to_string());
    assert_eq!(server.get(MINE, &a).await.expect(200), json!([shape]));
    let members = server.get(&format!("{path}/members"), &a).await;
    assert_eq!(members.expect(200), json!([a.user]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_ascending_and_every_page_leads_to_the_next() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let mut made = Vec::new();
    for owner in [&a, &b, &a, &b, &a] {
        let path = community_of(
            &server,
            owner,
            &[if owner.id() == a.id() { &b } else { &a }],
        )
        .await;
        made.push(path.trim_start_matches("/communities/").to_owned());
    }
    assert_eq!(pages(&server, &a, MINE).await, [made.clone()]);
    let found = pages(&server, &a, &format!("{MINE}?limit=2")).await;
    assert_eq!(found, [&made[..2], &made[2..4], &made[4..]]);
    let found = pages(&server, &a, &format!("{MINE}?limit=2&after={}", made[1])).await;
    assert_eq!(found, [&made[2..4], &made[4..]]);
    let found = pages(&server, &a, &format!("{MINE}?limit=2&before={}", made[3])).await;
    assert_eq!(found, [&made[1..3], &made[..1]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_out_of_range_is_refused() {
    let server = Server::start().await;
    let a = server.account("Person").await;
    for query in ["limit=0", "limit=201", "limit=x", "before=1&after=2"] {
        let answer = server.get(&format!("{MINE}?{query}"), &a).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_a_community_and_strangers_do_not() {
    let server = Server::start().await;
    let [a, b, stranger] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let seen = server.get(&community, &b).await.expect(200);
    assert_eq!(seen["owner_id"], a.id());
    let answer = server.get(&community, &stranger).await;
    assert_eq!(answer.fails(), failure(404, "unknown_community"));
    assert_eq!(server.get(MINE, &stranger).await.expect(200), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_changes_a_community() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    for body in [json!({"name": "Mine"}), json!({"owner_id": b.id()})] {
        let answer = server.patch(&community, &b, &body).await;
        assert_eq!(answer.fails(), failure(403, "not_owner"));
    }
    let park = json!({"name": "Park"});
    let changed = server.patch(&community, &a, &park).await.expect(200);
    assert_eq!(changed["name"], json!("Park"));
    assert_eq!(changed["owner_id"], a.id());
    assert_eq!(server.get(&community, &b).await.expect(200), changed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_handed_over_to_a_member_and_the_old_owner_may_leave() {
    let server = Server::start().await;
    let [a, b, stranger] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let body = json!({"name": "x", "owner_id": stranger.id()});
    let outside = server.patch(&community, &a, &body).await;
    assert_eq!(outside.fails(), failure(400, "invalid_request"));
    assert_eq!(outside.faults()[0].0, "owner_id");
    let now = server.get(&community, &a).await.expect(200);
    assert_eq!(now["name"], "Garden");
    let body = json!({"owner_id": b.id()});
    let handed = server.patch(&community, &a, &body).await;
    assert_eq!(handed.expect(200)["owner_id"], b.id());
    server.delete(&mine(&community), &a).await.expect(204);
    assert_eq!(members(&server, &b, &community).await, [b.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_leave_once_and_the_owner_not_at_all() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let path = mine(&community);
    let refusal = server.delete(&path, &a).await;
    assert_eq!(refusal.fails(), failure(409, "owner_cannot_leave"));
    assert!(server.delete(&path, &b).await.expect(204).is_null());
    let refusal = server.delete(&path, &b).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_community"));
    assert_eq!(members(&server, &a, &community).await, [a.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_a_community_takes_members_and_invites_with_it() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let invite = invite(&server, &a, &community, &json!({})).await;
    let refusal = server.delete(&community, &b).await;
    assert_eq!(refusal.fails(), failure(403, "not_owner"));
    assert!(server.delete(&community, &a).await.expect(204).is_null());
    for path in ["", "/members", "/invites"] {
        let answer = server.get(&format!("{community}{path}"), &a).await;
        assert_eq!(answer.fails(), failure(404, "unknown_community"), "{path}");
    }
    let refusal = server.get(&invite, &b).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_invite"));
    assert_eq!(server.get(MINE, &b).await.expect(200), json!([]));
    let sql = "SELECT (SELECT count(*) FROM members) + (SELECT count(*) FROM invites)";
    assert_eq!(count(&server, sql), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_listed_ascending_page_by_page_for_members_only() {
    let server = Server::start().await;
    let [a, b, c, d, stranger] = people(&server).await;
    let community = community_of(&server, &c, &[&d, &b, &a]).await;
    let path = format!("{community}/members");
    let everybody = [&a, &b, &c, &d].map(Account::id);
    let now = server.get(&path, &b).await.expect(200);
    assert_eq!(now, json!([a.user, b.user, c.user, d.user]));
    let found = pages(&server, &b, &format!("{path}?limit=3")).await;
    assert_eq!(found, [&everybody[..3], &everybody[3..]]);
    let found = pages(&server, &b, &format!("/v1{path}?limit=2&after={}", a.id())).await;
    assert_eq!(found, [&everybody[1..3], &everybody[3..]]);
    let refusal = server.get(&path, &stranger).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_community"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_removes_members_but_not_themself() {
    let server = Server::start().await;
    let [a, b, c, stranger] = people(&server).await;
    let community = community_of(&server, &a, &[&b, &c]).await;
    let path = |of: &Account| format!("{community}/members/{}", of.id());
    let refusal = server.delete(&path(&c), &b).await;
    assert_eq!(refusal.fails(), failure(403, "not_owner"));
    let refusal = server.delete(&path(&stranger), &a).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_user"));
    let refusal = server.delete(&path(&a), &a).await;
    assert_eq!(refusal.fails(), failure(409, "owner_cannot_leave"));
    let there = members(&server, &a, &community).await;
    assert_eq!(there, [&a, &b, &c].map(Account::id));
    assert!(server.delete(&path(&c), &a).await.expect(204).is_null());
    let there = members(&server, &a, &community).await;
    assert_eq!(there, [&a, &b].map(Account::id));
    let refusal = server.get(&community, &c).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_community"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_makes_and_lists_invites() {
    let server = Server::start().await;
    let [a, b, stranger] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let path = format!("{community}/invites");
    let made = server.post(&path, &a, &json!({})).await;
    let code = made.expect(201)["code"].clone();
    let shape = json!({"code": code, "max_uses": null, "expires_at": null, "uses": 0});
    assert_eq!(made.text(), shape.to_string());
    let limited = json!({"max_uses": 4_294_967_295_u32, "expires_at": "2999-01-31T12:00:00+01:00"});
    let limited = server.post(&path, &a, &limited).await.expect(201);
    assert_eq!(limited["max_uses"], 4_294_967_295_u32);
    let end = limited["expires_at"].as_str().unwrap();
    assert!(end.ends_with('Z'), "{end}");
    assert_eq!(end.parse::<Timestamp>(), "2999-01-31T11:00:00Z".parse());
    // The first one brought the member in.
    let listed = server.get(&path, &a).await.expect(200);
    assert_eq!(listed[0]["uses"], 1);
    assert_eq!(listed.as_array().unwrap()[1..], [shape, limited]);
    for (by, expected) in [
        (&b, failure(403, "not_owner")),
        (&stranger, failure(404, "unknown_community")),
    ] {
        assert_eq!(server.post(&path, by, &json!({})).await.fails(), expected);
        assert_eq!(server.get(&path, by).await.fails(), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_is_for_a_positive_number_of_uses_and_a_time_to_come() {
    let server = Server::start().await;
    let a = server.account("Person").await;
    let path = format!("{}/invites", community(&server, &a).await);
    for (field, value, code) in [
        ("max_uses", json!(0), "out_of_range"),
        ("max_uses", json!(-1), "out_of_range"),
        ("max_uses", json!(4_294_967_296_u64), "out_of_range"),
        ("max_uses", json!("1"), "wrong_type"),
        ("max_uses", json!(1.5), "wrong_type"),
        ("expires_at", json!("2020-01-01T00:00:00Z"), "out_of_range"),
        ("expires_at", json!("tomorrow"), "wrong_type"),
        ("expires_at", json!(4_102_444_800_000_u64), "wrong_type"),
    ] {
        let answer = server.post(&path, &a, &json!({field: value})).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"));
        assert_eq!(answer.faults(), [(field.to_owned(), code.to_owned())]);
    }
    assert_eq!(count(&server, "SELECT count(*) FROM invites"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_shows_where_it_leads_and_lets_in() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let community = community(&server, &a).await;
    let invite = invite(&server, &a, &community, &json!({"max_uses": 2})).await;
    let whole = server.get(&community, &a).await.expect(200);
    let seen = server.get(&invite, &b).await.expect(200);
    assert_eq!((&seen["community"], &seen["uses"]), (&whole, &json!(0)));
    let joined = server
        .call(rocket::http::Method::Post, &invite, Some(&b.token), None)
        .await;
    assert_eq!(joined.expect(200), whole);
    assert_eq!(server.get(MINE, &b).await.expect(200), json!([whole]));
    assert_eq!(server.get(&invite, &a).await.expect(200)["uses"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_already_uses_nothing_up() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let invite = invite(&server, &a, &community, &json!({"max_uses": 1})).await;
    for by in [&a, &b] {
        let refusal = join(&server, by, &invite).await;
        assert_eq!(refusal.fails(), failure(409, "already_member"));
    }
    assert_eq!(server.get(&invite, &b).await.expect(200)["uses"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_that_is_no_good_is_unknown_to_everybody() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let community = community(&server, &a).await;
    let used_up = invite(&server, &a, &community, &json!({"max_uses": 1})).await;
    let withdrawn = invite(&server, &a, &community, &json!({})).await;
    let expired = invite(
        &server,
        &a,
        &community,
        &json!({"expires_at": "2999-01-01T00:00:00Z"}),
    )
    .await;
    join(&server, &b, &used_up).await.expect(200);
    server.delete(&withdrawn, &a).await.expect(204);
    let sql = "UPDATE invites SET expires_at = 1 WHERE expires_at IS NOT NULL";
    assert_eq!(server.database().execute(sql, []).unwrap(), 1);
    let unknown = failure(404, "unknown_invite");
    for path in [&used_up, &withdrawn, &expired, "/invites/nothing"] {
        for by in [&a, &b, &c] {
            assert_eq!(server.get(path, by).await.fails(), unknown, "{path}");
            assert_eq!(join(&server, by, path).await.fails(), unknown, "{path}");
            assert_eq!(server.delete(path, by).await.fails(), unknown, "{path}");
        }
    }
    assert_eq!(members(&server, &a, &community).await, [a.id(), b.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_withdraws_an_invite() {
    let server = Server::start().await;
    let [a, b, stranger] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    let invite = invite(&server, &a, &community, &json!({})).await;
    for by in [&b, &stranger] {
        let refusal = server.delete(&invite, by).await;
        assert_eq!(refusal.fails(), failure(403, "not_owner"));
    }
    assert!(server.delete(&invite, &a).await.expect(204).is_null());
    let refusal = join(&server, &stranger, &invite).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_invite"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_an_invite_lets_in_as_many_as_it_is_for() {
    let server = Server::start().await;
    let everybody: [Account; 41] = people(&server).await;
    let (a, others) = everybody.split_first().unwrap();
    let community = community(&server, a).await;
    let invite = invite(&server, a, &community, &json!({"max_uses": 5})).await;
    let answers = join_all(others.iter().map(|by| join(&server, by, &invite))).await;
    let mut came = vec![a.id()];
    for (by, answer) in others.iter().zip(answers) {
        if answer.status == 200 {
            came.push(by.id());
        } else {
            assert_eq!(answer.fails(), failure(404, "unknown_invite"));
        }
    }
    assert_eq!(came.len(), 6);
    assert_eq!(members(&server, a, &community).await, came);
    assert_eq!(count(&server, "SELECT uses FROM invites"), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deleted_account_owned_goes_to_the_longest_standing_member() {
    let server = Server::start().await;
    let [late, a, early] = people(&server).await;
    let shared = community_of(&server, &a, &[&early, &late]).await;
    let alone = community(&server, &a).await;
    let alone_invite = invite(&server, &a, &alone, &json!({})).await;
    server.store.delete_user(a.user.id).await.unwrap();
    let now = server.get(&shared, &late).await.expect(200);
    assert_eq!(now["owner_id"], early.id());
    assert_eq!(
        members(&server, &late, &shared).await,
        [late.id(), early.id()]
    );
    let refusal = server.get(&alone_invite, &late).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_invite"));
    assert_eq!(count(&server, "SELECT count(*) FROM communities"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_no_member_any_more() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let community = community_of(&server, &a, &[&b]).await;
    server.store.delete_user(b.user.id).await.unwrap();
    assert_eq!(members(&server, &a, &community).await, [a.id()]);
    let now = server.get(&community, &a).await.expect(200);
    assert_eq!(now["owner_id"], a.id());
}
