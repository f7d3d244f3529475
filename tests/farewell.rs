//! Deleting one's own account.

use rocket::http::Method::Delete;
use saryno::passwords::Hasher;
use serde_json::{Value, json};

use crate::channels::{count, dm, people};
use crate::operate::Operate;
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
    for who in [&me, &without] {
        let answer = leave(&server, who, &wrong).await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
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
