//! Icons of communities, and the pictures that an admin gives and takes away.

use rocket::http::Method::Get;
use serde_json::{Value, json};

use crate::admin_accounts::fault;
use crate::avatars::{put_on, stored};
use crate::channels::{id, people};
use crate::communities::{community, community_of};
use crate::desk::{Desk, rows};
use crate::operate::Operate;
use crate::painting::{bad, hash, picture, uri};
use crate::support::{Account, Answer, Server, failure};

async fn dress(server: &Server, by: &Account, place: &str, icon: &Value) -> Answer {
    server.patch(place, by, &json!({"icon": icon})).await
}

async fn shown(server: &Server, place: &str, icon: &Value) -> Answer {
    let place = place.replace("communities", "icons");
    let path = format!("{place}/{}.png", icon.as_str().unwrap());
    server.send(Get, &path, &[], None).await
}

/// The newest entry of the log about somebody or something: what was done, as it was and as it is.
async fn told(desk: &Desk, about: &str) -> [Value; 3] {
    let path = format!("/audit?limit=1&target={about}");
    let entries = desk.get(&path).await.expect(200);
    ["/0/action", "/0/before", "/0/after"].map(|pointer| entries.pointer(pointer).cloned().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_icon_is_set_by_the_owner_seen_by_everybody_and_taken_away_by_null() {
    let server = Server::start().await;
    let [owner, member] = people(&server).await;
    let place = community_of(&server, &owner, &[&member]).await;
    let refused = dress(&server, &member, &place, &json!(picture(1))).await;
    assert_eq!(refused.fails(), failure(403, "not_owner"));
    assert_eq!(stored(&server), 0);
    let set = dress(&server, &owner, &place, &json!(picture(1)))
        .await
        .expect(200);
    let icon = set["icon"].clone();
    assert_eq!(shown(&server, &place, &icon).await.status, 200);
    assert_eq!(server.get(&place, &member).await.expect(200), set);
    let listed = server.get("/users/@me/communities", &member).await;
    assert_eq!(listed.expect(200), json!([set]));
    // What is left out stays.
    let renamed = server.patch(&place, &owner, &json!({"name": "Tea"})).await;
    assert_eq!(renamed.expect(200)["icon"], icon);
    let bare = dress(&server, &owner, &place, &Value::Null)
        .await
        .expect(200);
    assert_eq!((&bare["icon"], stored(&server)), (&Value::Null, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_community_is_made_with_an_icon_with_null_or_without() {
    let server = Server::start().await;
    let [owner] = people(&server).await;
    for (more, has) in [
        (json!({"icon": picture(1)}), true),
        (json!({"icon": null}), false),
        (json!({}), false),
    ] {
        let mut body = json!({"name": "Garden"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let made = server.post("/communities", &owner, &body).await.expect(201);
        assert_eq!(made["icon"].is_string(), has);
        let place = format!("/communities/{}", id(&made));
        assert_eq!(server.get(&place, &owner).await.expect(200), made);
    }
    assert_eq!(stored(&server), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_input_is_told_at_the_icon_and_nothing_is_stored() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let [owner] = people(server).await;
    let place = community(server, &owner).await;
    dress(server, &owner, &place, &json!(picture(7)))
        .await
        .expect(200);
    let before = rows(&server.database());
    for (what, icon, code) in bad() {
        let body = json!({"name": "Other", "icon": icon});
        let mut of_admin = body.clone();
        of_admin["owner_id"] = json!(owner.id());
        for answer in [
            server.post("/communities", &owner, &body).await,
            server.patch(&place, &owner, &body).await,
            desk.post("/communities", &of_admin).await,
            desk.patch(&place, &body).await,
        ] {
            assert_eq!(answer.fails(), failure(400, "invalid_request"), "{what}");
            assert_eq!(answer.faults(), [fault("icon", code)], "{what}");
        }
    }
    assert_eq!(rows(&server.database()), before);
    let both = json!({"name": "", "icon": uri(b"text")});
    let expected = [fault("name", "too_short"), fault("icon", "wrong_type")];
    for answer in [
        server.post("/communities", &owner, &both).await,
        server.patch(&place, &owner, &both).await,
    ] {
        assert_eq!(answer.faults(), expected);
    }
    let large = json!({"icon": uri(&vec![0; 2 * 1024 * 1024])});
    let answer = server.patch(&place, &owner, &large).await;
    assert_eq!(answer.fails(), failure(413, "body_too_large"));
    assert_eq!(rows(&server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_icon_beside_an_owner_who_is_no_member_changes_nothing() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let [owner, outsider] = people(server).await;
    let place = community(server, &owner).await;
    let before = rows(&server.database());
    let body = json!({"owner_id": outsider.id(), "icon": picture(1)});
    for answer in [
        server.patch(&place, &owner, &body).await,
        desk.patch(&place, &body).await,
    ] {
        assert_eq!(answer.faults(), [fault("owner_id", "not_allowed")]);
    }
    assert_eq!(rows(&server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_icon_goes_with_its_community_and_an_avatar_that_is_equal_stays() {
    let server = Server::start().await;
    let [owner, wearer] = people(&server).await;
    let avatar = put_on(&server, &wearer, &picture(1)).await;
    for round in 0..3 {
        let place = community(&server, &owner).await;
        let icon = dress(&server, &owner, &place, &json!(picture(1)))
            .await
            .expect(200)["icon"]
            .clone();
        assert_eq!((stored(&server), &icon), (1, &json!(avatar)), "{round}");
        server.delete(&place, &owner).await.expect(204);
    }
    assert_eq!(stored(&server), 1);
    let path = format!("/avatars/{}/{avatar}.png", wearer.id());
    let bytes = server.send(Get, &path, &[], None).await.bytes;
    assert_eq!(hash(&bytes), avatar);
    server.store.delete_user(wearer.user.id).await.unwrap();
    let place = community(&server, &owner).await;
    dress(&server, &owner, &place, &json!(picture(2)))
        .await
        .expect(200);
    // Nobody is left to whom it could be handed on.
    server.store.delete_user(owner.user.id).await.unwrap();
    assert_eq!(stored(&server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_takes_an_avatar_away_or_gives_one_and_the_log_tells() {
    let desk = Desk::open().await;
    let [a] = people(&desk.server).await;
    let path = format!("/users/{}", a.id());
    let avatar = json!(put_on(&desk.server, &a, &picture(1)).await);
    let taken = desk
        .patch(&path, &json!({"avatar": null}))
        .await
        .expect(200);
    assert_eq!(taken["user"]["avatar"], Value::Null);
    assert_eq!(
        desk.server.get("/users/@me", &a).await.expect(200)["avatar"],
        Value::Null
    );
    assert_eq!(stored(&desk.server), 0);
    let was = json!({"avatar": avatar});
    let is = json!({"avatar": null});
    let of = |action: &str, before: &Value, after: &Value| {
        [json!(action), before.clone(), after.clone()]
    };
    assert_eq!(told(&desk, &a.id()).await, of("user.avatar", &was, &is));

    let given = desk.patch(&path, &json!({"avatar": picture(1)})).await;
    assert_eq!(given.expect(200)["user"]["avatar"], avatar);
    assert_eq!(told(&desk, &a.id()).await, of("user.avatar", &is, &was));

    let tag = a.user.to_string();
    let body = json!({"username": "Other", "discriminator": "0007", "avatar": null});
    desk.patch(&path, &body).await.expect(200);
    let before = json!({"tag": tag, "avatar": avatar});
    let after = json!({"tag": "Other#0007", "avatar": null});
    assert_eq!(
        told(&desk, &a.id()).await,
        of("user.rename", &before, &after)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_bad_avatar_is_named_and_neither_stored_nor_told() {
    let desk = Desk::open().await;
    let [a, gone] = people(&desk.server).await;
    desk.server.store.delete_user(gone.user.id).await.unwrap();
    let path = format!("/users/{}", a.id());
    put_on(&desk.server, &a, &picture(7)).await;
    let before = rows(&desk.server.database());
    for (what, avatar, code) in bad() {
        let answer = desk.patch(&path, &json!({"avatar": avatar})).await;
        assert_eq!(answer.faults(), [fault("avatar", code)], "{what}");
    }
    let gone = format!("/users/{}", gone.id());
    for avatar in [json!(picture(1)), Value::Null] {
        let answer = desk.patch(&gone, &json!({"avatar": avatar})).await;
        assert_eq!(answer.fails(), failure(404, "unknown_user"));
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_a_communitys_icon_and_the_log_tells() {
    let desk = Desk::open().await;
    let [owner] = people(&desk.server).await;
    let body = json!({"name": "Garden", "owner_id": owner.id(), "icon": picture(1)});
    let made = desk.post("/communities", &body).await.expect(201);
    let icon = made["icon"].clone();
    let path = format!("/communities/{}", id(&made));
    let described = |icon: Option<&Value>| {
        let mut entry =
            json!({"name": "Garden", "owner": owner.user.to_string(), "owner_id": owner.id()});
        if let Some(icon) = icon {
            entry["icon"] = icon.clone();
        }
        entry
    };
    let of = |action: &str, before: Value, after: Value| [json!(action), before, after];
    let created = of("community.create", Value::Null, described(Some(&icon)));
    assert_eq!(told(&desk, &id(&made)).await, created);

    let bare = desk.patch(&path, &json!({"icon": null})).await.expect(200);
    assert_eq!((&bare["icon"], stored(&desk.server)), (&Value::Null, 0));
    let change = |before: &Value, after: &Value| {
        of(
            "community.change",
            described(Some(before)),
            described(Some(after)),
        )
    };
    assert_eq!(told(&desk, &id(&made)).await, change(&icon, &Value::Null));
    let again = desk
        .patch(&path, &json!({"icon": picture(1)}))
        .await
        .expect(200);
    assert_eq!((&again["icon"], &again["id"]), (&icon, &made["id"]));
    assert_eq!(told(&desk, &id(&made)).await, change(&Value::Null, &icon));
    assert_eq!(shown(&desk.server, &path, &icon).await.status, 200);
    // What changes nothing is no deed, and one that is not about the icon does not tell of it.
    let same = desk.patch(&path, &json!({"icon": picture(1)})).await;
    same.expect(200);
    assert_eq!(told(&desk, &id(&made)).await, change(&Value::Null, &icon));
    desk.patch(&path, &json!({"name": "Tea"})).await.expect(200);
    let mut renamed = described(None);
    renamed["name"] = json!("Tea");
    assert_eq!(
        told(&desk, &id(&made)).await,
        of("community.change", described(None), renamed)
    );
}
