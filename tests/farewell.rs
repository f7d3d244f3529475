//! Deleting one's own account.

use rocket::http::Method::{Delete, Get};
use saryno::passwords::Hasher;
use serde_json::{Value, json};

use crate::account_desk::Home;
use crate::avatars::{put_on, stored};
use crate::channels::{CHANNELS, ask, count, dm, people};
use crate::desk;
use crate::operate::Operate;
use crate::painting::picture;
use crate::support::{Account, Answer, Server, failure};

const PASSWORD: &str = "a horse, a staple";

/// A server, and somebody on it who has a password.
async fn start() -> (Server, Account) {
    let server = Server::start().await;
    let password = PASSWORD.parse().unwrap();
    let hash = Hasher::new(1).unwrap().hash(password).await.unwrap();
    let me = server.account_with_password("me", hash).await;
    (server, me)
}

async fn leave(server: &Server, who: &Account, body: &Value) -> Answer {
    let body = body.to_string();
    server
        .call(Delete, "/users/@me", Some(&who.token), Some(&body))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_password_an_account_becomes_a_tombstone() {
    let (server, me) = start().await;
    let [other] = people(&server).await;
    let dm = dm(&server, &me, &other).await;
    leave(&server, &me, &json!({"password": PASSWORD}))
        .await
        .expect(204);

    let gone = server.get("/users/@me", &me).await;
    assert_eq!(gone.fails(), failure(401, "unauthorized"));
    let seen = server
        .get(&format!("/channels/{dm}"), &other)
        .await
        .expect(200);
    let tombstone = json!({"id": me.id(), "username": "Deleted User", "discriminator": "0000", "avatar": null, "flags": []});
    assert_eq!(seen["recipients"], json!([tombstone]));
    let discriminator = me.user.discriminator.unwrap().number();
    server.account_of("me", discriminator).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_password_nothing_happens() {
    let (server, me) = start().await;
    let [without] = people(&server).await;
    let wrong = json!({"password": "another horse"});
    for (who, refusal) in [
        (&me, failure(401, "invalid_credentials")),
        // Nothing would be right.
        (&without, failure(403, "forbidden")),
    ] {
        let answer = leave(&server, who, &wrong).await;
        assert_eq!(answer.fails(), refusal);
        server.get("/users/@me", who).await.expect(200);
    }
    let missing = leave(&server, &me, &json!({})).await;
    assert_eq!(
        missing.faults(),
        [("password".to_owned(), "required".to_owned())]
    );
    assert_eq!(
        count(&server, "SELECT count(*) FROM users WHERE username IS NULL"),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_account_can_not_leave_either() {
    let (server, me) = start().await;
    server.store.set_disabled(me.user.id, true).await.unwrap();
    let answer = leave(&server, &me, &json!({"password": PASSWORD})).await;
    assert_eq!(answer.fails(), failure(403, "account_disabled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_other_finds_a_tombstone_without_an_avatar_in_their_list_of_dms() {
    let home = Home::open().await;
    let server = &home.server;
    let [other] = people(server).await;
    let dm = dm(server, &home.me, &other).await;
    let avatar = put_on(server, &home.me, &picture(1)).await;
    let seen = server.get(CHANNELS, &other).await.expect(200);
    assert_eq!(seen[0]["recipients"][0]["avatar"], avatar.as_str());
    let body = json!({"password": desk::PASSWORD});
    home.call(Delete, "/users/@me", &body).await.expect(204);

    assert_eq!(home.who(&home.cookie).await, Value::Null);
    let gone = server.get("/users/@me", &home.me).await;
    assert_eq!(gone.fails(), failure(401, "unauthorized"));
    let tombstone = json!({"id": home.me.id(), "username": "Deleted User", "discriminator": "0000", "avatar": null, "flags": []});
    let channel =
        json!({"id": dm, "type": 2, "recipient_ids": [home.me.id()], "recipients": [tombstone]});
    let seen = server.get(CHANNELS, &other).await;
    assert_eq!(seen.expect(200), json!([channel]));
    let seen = server
        .get(&format!("/users/{}", home.me.id()), &other)
        .await;
    assert_eq!(seen.expect(200), tombstone);
    assert_eq!(stored(server), 0);
    let picture = format!("/avatars/{}/{avatar}.png", home.me.id());
    let picture = server.send(Get, &picture, &[], None).await;
    assert_eq!(picture.fails(), failure(404, "not_found"));
    // The DM stands.
    assert_eq!(ask(server, &other, &home.me).await.expect(200), channel);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_password_the_page_deletes_nothing_either() {
    let home = Home::open().await;
    let before = home.rows();
    let wrong = json!({"password": "another horse"});
    let answer = home.call(Delete, "/users/@me", &wrong).await;
    assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    for (body, field, code) in [
        (json!({}), "password", "required"),
        (json!({"password": 7}), "password", "wrong_type"),
    ] {
        let answer = home.call(Delete, "/users/@me", &body).await;
        assert_eq!(answer.faults(), [(field.to_owned(), code.to_owned())]);
    }
    assert_eq!(home.rows(), before);
    assert_eq!(home.who(&home.cookie).await, json!(home.me.user));
}
