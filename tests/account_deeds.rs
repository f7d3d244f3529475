//! What somebody does on the account page once they are in: their tag, communities, invites, blocks, the export.

use rocket::http::Method::{Delete, Get, Patch, Put};
use serde_json::{Value, json};

use crate::account_desk::{Home, call, session};
use crate::admin_accounts::fault;
use crate::channels::{ids, next, people};
use crate::communities::{community, invite};
use crate::support::{Answer, failure};
use crate::users::hold;

async fn rename(home: &Home, body: Value) -> Answer {
    home.call(Patch, "/users/@me", &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_alone_keeps_the_discriminator_where_it_is_free_and_draws_another_where_it_is_not() {
    let home = Home::open().await;
    home.server.account_of("Held", 1).await;
    let user = rename(&home, json!({"username": "Free"})).await.expect(200);
    let tag = (&user["username"], &user["discriminator"]);
    assert_eq!(tag, (&json!("Free"), &json!("0001")));
    let user = rename(&home, json!({"username": "Held"})).await.expect(200);
    assert_eq!(user["username"], "Held");
    assert_ne!(user["discriminator"], "0001");
    let user = rename(&home, json!({"discriminator": "4321"})).await;
    let user = user.expect(200);
    assert_eq!(user["discriminator"], "4321");
    assert_eq!(home.get("/users/@me").await.expect(200), user);
    assert_eq!(home.who(&home.cookie).await, user);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_can_not_be_had_is_told_at_its_field_and_nothing_changes() {
    let home = Home::open().await;
    home.server.account_of("Held", 7).await;
    hold(&home.server, "Full", 9_999, None);
    let before = home.rows();
    let taken = rename(&home, json!({"username": "HELD", "discriminator": "0007"})).await;
    assert_eq!(taken.fails(), failure(409, "tag_taken"));
    assert_eq!(taken.faults(), [fault("discriminator", "taken")]);
    let full = rename(&home, json!({"username": "Full"})).await;
    assert_eq!(full.fails(), failure(409, "username_full"));
    assert_eq!(full.faults()[0].0, "username");
    let wrong = rename(
        &home,
        json!({"username": "here", "discriminator": "0000", "flags": [1]}),
    );
    let expected = [
        fault("username", "reserved"),
        fault("discriminator", "out_of_range"),
        fault("flags", "not_allowed"),
    ];
    assert_eq!(wrong.await.faults(), expected);
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_says_where_it_leads_before_anybody_joins_and_lets_in_once() {
    let home = Home::open().await;
    let [owner] = people(&home.server).await;
    let place = community(&home.server, &owner).await;
    let shape = home.server.get(&place, &owner).await.expect(200);
    let code = invite(&home.server, &owner, &place, &json!({"max_uses": 2})).await;
    let looked = home.get(&code).await.expect(200);
    let text = code.strip_prefix("/invites/").unwrap();
    let expected =
        json!({"code": text, "max_uses": 2, "expires_at": null, "uses": 0, "community": shape});
    assert_eq!(looked, expected);
    let mine = async || home.get("/users/@me/communities").await.expect(200);
    assert_eq!(mine().await, json!([]), "looking is not joining");
    assert_eq!(home.post(&code, &Value::Null).await.expect(200), shape);
    assert_eq!(mine().await, json!([shape]));
    let before = home.rows();
    let again = home.post(&code, &Value::Null).await;
    assert_eq!(again.fails(), failure(409, "already_member"));
    assert_eq!(home.rows(), before);
    home.server.delete(&code, &owner).await.expect(204);
    for answer in [home.get(&code).await, home.post(&code, &Value::Null).await] {
        assert_eq!(answer.fails(), failure(404, "unknown_invite"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_leaves_and_the_owner_can_not() {
    let home = Home::open().await;
    let [owner] = people(&home.server).await;
    let theirs = community(&home.server, &owner).await;
    let code = invite(&home.server, &owner, &theirs, &json!({})).await;
    home.post(&code, &Value::Null).await.expect(200);
    let own = community(&home.server, &home.me).await;
    home.delete(&format!("/users/@me{theirs}"))
        .await
        .expect(204);
    let before = home.rows();
    let gone = home.delete(&format!("/users/@me{theirs}")).await;
    assert_eq!(gone.fails(), failure(404, "unknown_community"));
    let owned = home.delete(&format!("/users/@me{own}")).await;
    assert_eq!(owned.fails(), failure(409, "owner_cannot_leave"));
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_lead_to_their_next_page_below_the_pages_own_path() {
    let home = Home::open().await;
    let others: [_; 5] = people(&home.server).await;
    for other in &others {
        community(&home.server, &home.me).await;
        let path = format!("/users/@me/blocks/{}", other.id());
        home.call(Put, &path, &Value::Null).await.expect(204);
    }
    for list in ["/users/@me/communities", "/users/@me/blocks"] {
        let whole = ids(&home.get(list).await.expect(200));
        assert_eq!((whole.len(), whole.is_sorted()), (5, true), "{list}");
        let (mut found, mut path) = (Vec::new(), Some(format!("{list}?limit=2")));
        while let Some(page) = path {
            let answer = home.get(&page).await;
            found.push(ids(&answer.expect(200)));
            path = next(&answer).map(|next| next.strip_prefix("/account/api").unwrap().to_owned());
        }
        assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
        assert_eq!(found.concat(), whole);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_set_listed_and_taken_back_and_are_the_same_at_the_rest_api() {
    let home = Home::open().await;
    let [other] = people(&home.server).await;
    let path = format!("/users/@me/blocks/{}", other.id());
    home.call(Put, &path, &Value::Null).await.expect(204);
    let listed = json!([other.user]);
    assert_eq!(home.get("/users/@me/blocks").await.expect(200), listed);
    let by_token = home.server.get("/users/@me/blocks", &home.me).await;
    assert_eq!(by_token.expect(200), listed);
    let cookie = session(&home.server, &other).await;
    let theirs = call(
        &home.server,
        Get,
        "/users/@me/blocks",
        Some(&cookie),
        &Value::Null,
    )
    .await;
    assert_eq!(theirs.expect(200), json!([]));
    home.delete(&path).await.expect(204);
    assert_eq!(home.get("/users/@me/blocks").await.expect(200), json!([]));
    let before = home.rows();
    let own = format!("/users/@me/blocks/{}", home.me.id());
    for method in [Put, Delete] {
        let answer = home.call(method, &own, &Value::Null).await;
        assert_eq!(answer.faults(), [fault("user.id", "self")]);
    }
    let nobody = home.call(Put, "/users/@me/blocks/1", &Value::Null).await;
    assert_eq!(nobody.fails(), failure(404, "unknown_user"));
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_found_by_id_and_by_tag() {
    let home = Home::open().await;
    let other = home.server.account_of("Bob Zoë", 42).await;
    for path in [
        format!("/users/{}", other.id()),
        "/users?tag=bob%20ZO%C3%8B%230042".to_owned(),
    ] {
        assert_eq!(
            home.get(&path).await.expect(200),
            json!(other.user),
            "{path}"
        );
    }
    for path in ["/users/1", "/users?tag=bob%230001"] {
        let answer = home.get(path).await;
        assert_eq!(answer.fails(), failure(404, "unknown_user"), "{path}");
    }
    let answer = home.get("/users?tag=bob").await;
    assert_eq!(answer.faults(), [fault("tag", "wrong_type")]);
    let answer = home.get("/users/x").await;
    assert_eq!(answer.fails(), failure(400, "invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_is_a_file_and_the_same_as_the_rest_apis() {
    let home = Home::open().await;
    community(&home.server, &home.me).await;
    let answer = home.get("/users/@me/export").await;
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let save = answer.header("Content-Disposition").unwrap();
    assert!(save.starts_with("attachment"), "{save}");
    let mut by_session = answer.expect(200);
    let by_token = home.server.get("/users/@me/export", &home.me).await;
    let mut by_token = by_token.expect(200);
    // When it was asked for, and what was used for it, are what differs.
    for document in [&mut by_session, &mut by_token] {
        let fields = document.as_object_mut().unwrap();
        assert!(fields.contains_key("account"), "{fields:?}");
        fields.retain(|_, value| value.is_array() || value.is_object());
        fields.remove("sessions").unwrap();
    }
    assert_eq!(by_session, by_token);
    let text = answer.text();
    assert!(!text.contains(&home.cookie) && !text.contains(&home.me.token));
}
