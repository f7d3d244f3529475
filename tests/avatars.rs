//! Avatars over HTTP: how one is set, where it is seen, what is refused, and when it is gone.

use futures::future::join_all;
use rocket::http::Method::{Delete, Get, Patch};
use serde_json::{Value, json};

use crate::account_desk::{self, Home, resident};
use crate::admin_accounts::fault;
use crate::channels::{count, dm, id, people};
use crate::communities::community_of;
use crate::desk::{Desk, PASSWORD, rows};
use crate::operate::Operate;
use crate::painting::{bad, hash, picture, uri};
use crate::support::{Account, Answer, Server, failure};

pub(crate) async fn wear(server: &Server, who: &Account, avatar: &Value) -> Answer {
    let body = json!({"avatar": avatar});
    server.patch("/users/@me", who, &body).await
}

/// The hash of the avatar that somebody now has.
pub(crate) async fn put_on(server: &Server, who: &Account, avatar: &str) -> String {
    let user = wear(server, who, &json!(avatar)).await.expect(200);
    user["avatar"].as_str().unwrap().to_owned()
}

/// How many images are stored, after a look at whether each is somebody's and each somebody's is there.
#[track_caller]
pub(crate) fn stored(server: &Server) -> i64 {
    let worn = "SELECT avatar AS hash FROM users WHERE avatar IS NOT NULL
        UNION SELECT icon FROM communities WHERE icon IS NOT NULL";
    let orphans = format!("SELECT count(*) FROM images WHERE hash NOT IN ({worn})");
    let dangling =
        format!("SELECT count(*) FROM ({worn}) WHERE hash NOT IN (SELECT hash FROM images)");
    assert_eq!((count(server, &orphans), count(server, &dangling)), (0, 0));
    count(server, "SELECT count(*) FROM images")
}

pub(crate) async fn shown(server: &Server, path: &str) -> Answer {
    server.send(Get, path, &[], None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_avatar_is_seen_wherever_its_user_is() {
    let home = Home::open().await;
    let server = &home.server;
    let [friend] = people(server).await;
    let me = &home.me;
    let place = community_of(server, me, &[&friend]).await;
    let dm = dm(server, me, &friend).await;
    let avatar = put_on(server, me, &picture(1)).await;
    let user = json!({"id": me.id(), "username": "Ada", "discriminator": "0001", "avatar": avatar, "flags": []});
    let block = format!("/users/@me/blocks/{}", me.id());
    server.put(&block, &friend).await.expect(204);
    let at = async |path: &str, pointer: &str| {
        let answer = server.get(path, &friend).await.expect(200);
        answer.pointer(pointer).cloned().unwrap()
    };
    for (path, pointer) in [
        (format!("/users/{}", me.id()), ""),
        ("/users?tag=Ada%230001".to_owned(), ""),
        (format!("/channels/{dm}"), "/recipients/0"),
        ("/users/@me/channels".to_owned(), "/0/recipients/0"),
        (format!("{place}/members"), "/0"),
        ("/users/@me/blocks".to_owned(), "/0"),
    ] {
        assert_eq!(at(&path, pointer).await, user, "{path}");
    }
    assert_eq!(server.get("/users/@me", me).await.expect(200), user);
    assert_eq!(home.get("/users/@me").await.expect(200), user);
    assert_eq!(home.who(&home.cookie).await, user);
    let desk = Desk::over(home.server).await;
    let details = desk.get(&format!("/users/{}", me.id())).await.expect(200);
    assert_eq!(details["user"], user);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_sets_an_avatar_as_the_rest_api_does_and_null_takes_it_away() {
    let home = Home::open().await;
    let body = json!({"avatar": picture(1)});
    let by_page = home.call(Patch, "/users/@me", &body).await.expect(200)["avatar"].clone();
    assert!(by_page.is_string());
    let gone = wear(&home.server, &home.me, &Value::Null).await.expect(200);
    assert_eq!((&gone["avatar"], stored(&home.server)), (&Value::Null, 0));
    let by_token = wear(&home.server, &home.me, &body["avatar"]).await;
    assert_eq!(by_token.expect(200)["avatar"], by_page);
    let gone = home
        .call(Patch, "/users/@me", &json!({"avatar": null}))
        .await;
    assert_eq!(gone.expect(200)["avatar"], Value::Null);
    assert_eq!(stored(&home.server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_bad_input_is_told_at_the_avatar_and_nothing_is_stored() {
    let home = Home::open().await;
    let server = &home.server;
    put_on(server, &home.me, &picture(7)).await;
    let before = home.rows();
    for (what, avatar, code) in bad() {
        let body = json!({"avatar": avatar});
        for answer in [
            wear(server, &home.me, &json!(avatar)).await,
            home.call(Patch, "/users/@me", &body).await,
        ] {
            assert_eq!(answer.fails(), failure(400, "invalid_request"), "{what}");
            assert_eq!(answer.faults(), [fault("avatar", code)], "{what}");
        }
        assert_eq!(home.rows(), before, "{what}");
    }
    for avatar in [json!(7), json!(true), json!([]), json!({})] {
        let answer = wear(server, &home.me, &avatar).await;
        assert_eq!(answer.faults(), [fault("avatar", "wrong_type")]);
    }
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_more_than_three_halves_of_a_mib_is_too_large() {
    let home = Home::open().await;
    let before = home.rows();
    let large = json!({"avatar": uri(&vec![0; 2 * 1024 * 1024])});
    for answer in [
        home.server.patch("/users/@me", &home.me, &large).await,
        home.call(Patch, "/users/@me", &large).await,
    ] {
        assert_eq!(answer.fails(), failure(413, "body_too_large"));
    }
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_name_and_with_the_avatar_is_told_in_one_answer() {
    let home = Home::open().await;
    let before = home.rows();
    let body = json!({"username": "a@b", "avatar": uri(b"text"), "discriminator": "0"});
    let answer = home.server.patch("/users/@me", &home.me, &body).await;
    let expected = [
        fault("username", "forbidden_character"),
        fault("discriminator", "too_short"),
        fault("avatar", "wrong_type"),
    ];
    assert_eq!(answer.faults(), expected);
    assert_eq!(home.rows(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_avatar_beside_a_tag_that_is_taken_changes_nothing() {
    let home = Home::open().await;
    home.server.account_of("Held", 1).await;
    put_on(&home.server, &home.me, &picture(7)).await;
    let before = home.rows();
    for avatar in [json!(picture(8)), Value::Null] {
        let body = json!({"username": "Held", "discriminator": "0001", "avatar": avatar});
        let answer = home.server.patch("/users/@me", &home.me, &body).await;
        assert_eq!(answer.fails(), failure(409, "tag_taken"));
        assert_eq!(home.rows(), before);
    }
    assert_eq!(stored(&home.server), 1);
    let body = json!({"username": "Free", "avatar": picture(8)});
    let user = home
        .server
        .patch("/users/@me", &home.me, &body)
        .await
        .expect(200);
    assert_eq!(
        (&user["username"], stored(&home.server)),
        (&json!("Free"), 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_images_are_stored_once_and_gone_with_the_last_who_has_them() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let own = resident(server, "Own", 1).await;
    let [a, b, by_admin, by_command, heir] = people(server).await;
    let everybody = [&a, &b, &own, &by_admin, &by_command];
    let worn = picture(1);
    let mut hashes = Vec::new();
    for person in everybody {
        hashes.push(put_on(server, person, &worn).await);
    }
    hashes.dedup();
    assert_eq!((hashes.len(), stored(server)), (1, 1));
    let body = json!({"name": "Garden", "icon": worn});
    let garden = server.post("/communities", &heir, &body).await.expect(201);
    assert_eq!(garden["icon"], hashes[0].as_str());
    let lonely = server.post("/communities", &by_admin, &body).await;
    lonely.expect(201);
    assert_eq!(stored(server), 1);

    let still = |left: &str| assert_eq!(stored(server), 1, "{left}");
    let other = put_on(server, &a, &picture(2)).await;
    assert_ne!(other, hashes[0]);
    assert_eq!(stored(server), 2);
    wear(server, &a, &Value::Null).await.expect(200);
    still("by a change and by null");
    wear(server, &b, &Value::Null).await.expect(200);
    still("by null");
    let body = json!({"password": PASSWORD}).to_string();
    let left = server
        .call(Delete, "/users/@me", Some(&own.token), Some(&body))
        .await;
    left.expect(204);
    still("by deleting the own account");
    desk.delete(&format!("/users/{}", by_admin.id()))
        .await
        .expect(204);
    still("by an admin, and the lonely community with its owner");
    server.store.delete_user(by_command.user.id).await.unwrap();
    still("by the command line");
    let garden = format!("/communities/{}", id(&garden));
    server.delete(&garden, &heir).await.expect(204);
    assert_eq!(stored(server), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_goes_with_the_last_who_has_it_whichever_way_that_is() {
    let desk = Desk::open().await;
    let server = &desk.server;
    for way in 0..5 {
        let who = resident(server, &format!("Leaver {way}"), 1).await;
        put_on(server, &who, &picture(3)).await;
        assert_eq!(stored(server), 1);
        let path = format!("/users/{}", who.id());
        let page = account_desk::session(server, &who).await;
        let body = json!({"password": PASSWORD});
        match way {
            0 => wear(server, &who, &json!(picture(4))).await.expect(200),
            1 => wear(server, &who, &Value::Null).await.expect(200),
            2 => account_desk::call(server, Delete, "/users/@me", Some(&page), &body)
                .await
                .expect(204),
            3 => desk.delete(&path).await.expect(204),
            _ => {
                server.store.delete_user(who.user.id).await.unwrap();
                Value::Null
            }
        };
        assert_eq!(stored(server), i64::from(way == 0), "{way}");
        wear(server, &who, &Value::Null).await;
        assert_eq!(stored(server), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_avatars_set_at_once_the_last_stands_and_no_image_is_lost_or_left() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    for round in 0..20 {
        // The same one of two people, different ones of one, and null among them.
        let wanted = [
            json!(picture(1)),
            json!(picture(2)),
            Value::Null,
            json!(picture(1)),
        ];
        let people = [&a, &b];
        let attempts = (0..8).map(|number| {
            let avatar = &wanted[(number + round) % 4];
            wear(&server, people[number % 2], avatar)
        });
        let answers = join_all(attempts).await;
        let mut told: Vec<_> = answers.iter().map(|answer| answer.expect(200)).collect();
        told.dedup();
        for person in people {
            let now = server.get("/users/@me", person).await.expect(200);
            assert!(told.contains(&now), "{now}");
            if let Some(avatar) = now["avatar"].as_str() {
                let path = format!("/avatars/{}/{avatar}.png", person.id());
                assert_eq!(hash(&shown(&server, &path).await.bytes), avatar);
            }
        }
        assert!(stored(&server) <= 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_account_is_disabled_sets_no_avatar_and_keeps_the_one_they_have() {
    let home = Home::open().await;
    let avatar = put_on(&home.server, &home.me, &picture(1)).await;
    home.server
        .store
        .set_disabled(home.me.user.id, true)
        .await
        .unwrap();
    let before = rows(&home.server.database());
    let answer = wear(&home.server, &home.me, &Value::Null).await;
    assert_eq!(answer.fails(), failure(403, "account_disabled"));
    assert_eq!(rows(&home.server.database()), before);
    let path = format!("/avatars/{}/{avatar}.png", home.me.id());
    assert_eq!(hash(&shown(&home.server, &path).await.bytes), avatar);
}
