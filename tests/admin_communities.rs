//! Communities as an admin runs them: the list and its search, owners, members, invites.

use saryno::clock::Timestamp;
use serde_json::{Value, json};

use crate::admin_accounts::fault;
use crate::admin_users::encoded;
use crate::channels::{count, id, ids, people};
use crate::communities::{community, community_of};
use crate::desk::{Desk, rows};
use crate::operate::Operate;
use crate::support::{Account, failure};

async fn make(desk: &Desk, name: &str, owner: &Account) -> String {
    let body = json!({"name": name, "owner_id": owner.id()});
    id(&desk.post("/communities", &body).await.expect(201))
}

/// The ids that a query finds, over all its pages of three.
async fn found(desk: &Desk, query: &str) -> Vec<String> {
    let pages = desk.pages(&format!("/communities?limit=3&{query}")).await;
    ids(&json!(pages.concat()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_made_for_somebody_who_owns_it_and_is_its_first_member() {
    let desk = Desk::open().await;
    let [a] = people(&desk.server).await;
    let body = json!({"name": "  Garden ", "owner_id": a.id()});
    let made = desk.post("/communities", &body).await.expect(201);
    let shape = json!({"id": id(&made), "name": "Garden", "icon": null, "owner_id": a.id()});
    assert_eq!(made, shape);
    let path = format!("/communities/{}", id(&made));
    let seen = desk.get(&path).await.expect(200);
    assert_eq!(seen, json!({"community": shape, "owner": a.user}));
    let members = desk.get(&format!("{path}/members")).await.expect(200);
    assert_eq!(
        (&members[0]["user"], members.as_array().unwrap().len()),
        (&json!(a.user), 1)
    );
    assert!(members[0]["since"].is_string());
    assert_eq!(desk.server.get(&path, &a).await.expect(200), shape);
    let of_hers = desk.get(&format!("/users/{}/communities", a.id())).await;
    let mut membership = shape;
    membership["since"] = members[0]["since"].clone();
    assert_eq!(of_hers.expect(200), json!([membership]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_community_to_be_made_is_named_and_nothing_is_made() {
    let desk = Desk::open().await;
    let [a, gone] = people(&desk.server).await;
    desk.server.store.delete_user(gone.user.id).await.unwrap();
    let before = rows(&desk.server.database());
    for (body, expected) in [
        (
            json!({}),
            vec![fault("owner_id", "required"), fault("name", "required")],
        ),
        (
            json!({"name": "", "owner_id": 1}),
            vec![fault("owner_id", "wrong_type"), fault("name", "too_short")],
        ),
        (
            json!({"name": "x".repeat(101), "owner_id": a.id()}),
            vec![fault("name", "too_long")],
        ),
        (
            json!({"name": "x", "owner_id": "1"}),
            vec![fault("owner_id", "unknown_user")],
        ),
        (
            json!({"name": "x", "owner_id": gone.id()}),
            vec![fault("owner_id", "unknown_user")],
        ),
    ] {
        let answer = desk.post("/communities", &body).await;
        assert_eq!(answer.faults(), expected, "{body}");
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_shows_every_community_once_newest_first_or_oldest_first() {
    let desk = Desk::open().await;
    let [a, b] = people(&desk.server).await;
    assert_eq!(desk.get("/communities").await.expect(200), json!([]));
    let mut made = Vec::new();
    for owner in [&a, &b, &a, &b, &a, &b, &a] {
        made.push(make(&desk, "Garden", owner).await);
    }
    assert_eq!(found(&desk, "order=oldest").await, made);
    made.reverse();
    for query in ["", "order=newest", "search=", "search=%20"] {
        assert_eq!(found(&desk, query).await, made, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_names_that_begin_so_whatever_the_case_or_an_id() {
    let desk = Desk::open().await;
    let [a] = people(&desk.server).await;
    let names = [
        "garden 2",
        "GARDEN",
        "Garden",
        "garden",
        "gard",
        "100% & co#1+1=2?",
        "حديقة",
        "<img src=x>",
        "The garden",
    ];
    let mut made = Vec::new();
    for name in names {
        made.push(make(&desk, name, &a).await);
    }
    let of = |numbers: &[usize]| {
        numbers
            .iter()
            .map(|number| made[*number].clone())
            .collect::<Vec<_>>()
    };
    for (search, expected) in [
        ("gard", of(&[4, 1, 2, 3, 0])),
        ("GARDEN", of(&[1, 2, 3, 0])),
        (" garden ", of(&[1, 2, 3, 0])),
        ("100% & co#1+1=2?", of(&[5])),
        ("100%", of(&[5])),
        ("حد", of(&[6])),
        ("<img", of(&[7])),
        ("%", vec![]),
        ("arden", vec![]),
        (&"x".repeat(300), vec![]),
        (&made[3], of(&[3])),
        (&format!(" {} ", made[3]), of(&[3])),
        ("123456789012345678", vec![]),
    ] {
        let query = format!("search={}", encoded(search));
        assert_eq!(found(&desk, &query).await, expected, "{search}");
    }
    for name in ["100% & co#1+1=2?", "حديقة", "a#1"] {
        let mut same = Vec::new();
        for _ in 0..7 {
            same.push(make(&desk, &format!("{name} too"), &a).await);
        }
        let query = format!("search={}", encoded(&format!("{name} TOO")));
        assert_eq!(found(&desk, &query).await, same, "{name}");
    }
    for query in [
        "limit=0",
        "limit=201",
        "order=random",
        "search=a&limit=0",
        "search=a&after=x",
    ] {
        let answer = desk.get(&format!("/communities?{query}")).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"), "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_renamed_and_handed_over_to_a_member_alone() {
    let desk = Desk::open().await;
    let [a, b, stranger] = people(&desk.server).await;
    let path = community_of(&desk.server, &a, &[&b]).await;
    let renamed = desk
        .patch(&path, &json!({"name": "Orchard"}))
        .await
        .expect(200);
    assert_eq!(
        (&renamed["name"], &renamed["owner_id"]),
        (&json!("Orchard"), &json!(a.id()))
    );
    assert_eq!(found(&desk, "search=orch").await, [id(&renamed)]);
    assert_eq!(found(&desk, "search=gard").await, [""; 0]);
    for owner in [stranger.id(), "1".into()] {
        let body = json!({"name": "Mine", "owner_id": owner});
        let answer = desk.patch(&path, &body).await;
        assert_eq!(answer.faults(), [fault("owner_id", "not_allowed")]);
    }
    let body = json!({"name": "Grove", "owner_id": b.id()});
    let handed = desk.patch(&path, &body).await.expect(200);
    assert_eq!(
        (&handed["name"], &handed["owner_id"]),
        (&json!("Grove"), &json!(b.id()))
    );
    assert_eq!(desk.get(&path).await.expect(200)["owner"], json!(b.user));
    let mine = desk.server.patch(&path, &a, &json!({"name": "x"})).await;
    assert_eq!(mine.fails(), failure(403, "not_owner"));
    assert_eq!(desk.patch(&path, &json!({})).await.expect(200), handed);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_are_added_and_removed_and_the_owner_stays() {
    let desk = Desk::open().await;
    let [a, b, c, gone] = people(&desk.server).await;
    desk.server.store.delete_user(gone.user.id).await.unwrap();
    let path = community(&desk.server, &a).await;
    let member = |account: &Account| format!("{path}/members/{}", account.id());
    for account in [&c, &b] {
        desk.put(&member(account), &json!({})).await.expect(204);
        desk.server.get(&path, account).await.expect(200);
    }
    let again = desk.put(&member(&b), &json!({})).await;
    assert_eq!(again.fails(), failure(409, "already_member"));
    assert_eq!(
        desk.put(&member(&gone), &json!({})).await.fails(),
        failure(404, "unknown_user")
    );
    assert_eq!(
        desk.put(&format!("{path}/members/1"), &json!({}))
            .await
            .fails(),
        failure(404, "unknown_user")
    );
    let listed = async || -> Vec<String> {
        let pages = desk.pages(&format!("{path}/members?limit=2")).await;
        pages
            .concat()
            .iter()
            .map(|member| id(&member["user"]))
            .collect()
    };
    assert_eq!(listed().await, [a.id(), b.id(), c.id()]);
    let owner = desk.delete(&member(&a)).await;
    assert_eq!(owner.fails(), failure(409, "owner_cannot_leave"));
    desk.delete(&member(&b)).await.expect(204);
    assert_eq!(
        desk.delete(&member(&b)).await.fails(),
        failure(404, "unknown_user")
    );
    assert_eq!(listed().await, [a.id(), c.id()]);
    assert_eq!(
        desk.server.get(&path, &b).await.fails(),
        failure(404, "unknown_community")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_is_made_admits_is_listed_and_is_withdrawn() {
    let desk = Desk::open().await;
    let [a, b, c] = people(&desk.server).await;
    let path = community(&desk.server, &a).await;
    let invites = format!("{path}/invites");
    let open = desk.post(&invites, &json!({})).await.expect(201);
    let shape = json!({"code": open["code"], "max_uses": null, "expires_at": null, "uses": 0});
    assert_eq!(open, shape);
    let end = "2090-01-31T12:00:00Z";
    let two = desk
        .post(&invites, &json!({"max_uses": 2, "expires_at": end}))
        .await
        .expect(201);
    assert_eq!(
        (&two["max_uses"], &two["expires_at"]),
        (&json!(2), &json!(end))
    );
    let join = |invite: &Value| format!("/invites/{}", invite["code"].as_str().unwrap());
    desk.server
        .post(&join(&two), &b, &json!({}))
        .await
        .expect(200);
    let pages = desk.pages(&format!("{invites}?limit=1")).await.concat();
    assert_eq!(pages.len(), 2);
    assert_eq!((&pages[0], &pages[1]["uses"]), (&open, &json!(1)));
    let withdrawn = format!("{path}{}", join(&open));
    desk.delete(&withdrawn).await.expect(204);
    assert_eq!(
        desk.delete(&withdrawn).await.fails(),
        failure(404, "unknown_invite")
    );
    let late = desk.server.post(&join(&open), &c, &json!({})).await;
    assert_eq!(late.fails(), failure(404, "unknown_invite"));
    let past = Timestamp(0);
    for (body, field) in [
        (json!({"max_uses": 0}), "max_uses"),
        (json!({"expires_at": past}), "expires_at"),
    ] {
        assert_eq!(
            desk.post(&invites, &body).await.faults(),
            [fault(field, "out_of_range")]
        );
    }
    let other = community(&desk.server, &c).await;
    let of_another = desk.delete(&format!("{other}{}", join(&two))).await;
    assert_eq!(of_another.fails(), failure(404, "unknown_invite"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_community_is_gone_with_its_members_and_invites() {
    let desk = Desk::open().await;
    let [a, b] = people(&desk.server).await;
    let path = community_of(&desk.server, &a, &[&b]).await;
    desk.delete(&path).await.expect(204);
    for table in ["communities", "members", "invites"] {
        assert_eq!(
            count(&desk.server, &format!("SELECT count(*) FROM {table}")),
            0,
            "{table}"
        );
    }
    let member = format!("{path}/members/{}", b.id());
    for answer in [
        desk.get(&path).await,
        desk.patch(&path, &json!({"name": "x"})).await,
        desk.delete(&path).await,
        desk.put(&member, &json!({})).await,
        desk.delete(&member).await,
        desk.post(&format!("{path}/invites"), &json!({})).await,
        desk.server.get(&path, &a).await,
    ] {
        assert_eq!(answer.fails(), failure(404, "unknown_community"));
    }
}
