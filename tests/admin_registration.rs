//! Who may register, and the invites to this server: what an admin says holds for the next newcomer.

use rocket::http::Method::Post;
use saryno::clock::Timestamp;
use serde_json::{Value, json};

use crate::admin_accounts::fault;
use crate::admin_setup::Browser;
use crate::desk::{Desk, PASSWORD, rows};
use crate::executable::{Binary, run_json, run_with_input};
use crate::races::{directory, text};
use crate::support::{Answer, failure};

/// Somebody registers, with an invite or without.
async fn register(desk: &Desk, invite: &Value) -> Answer {
    let mut body = json!({"username": "new", "password": PASSWORD});
    if invite.is_string() {
        body["invite"] = invite.clone();
    }
    let body = body.to_string();
    desk.server
        .call(Post, "/auth/register", None, Some(&body))
        .await
}

async fn set(desk: &Desk, policy: &str) -> Value {
    let body = json!({"registration": policy});
    desk.put("/registration", &body).await.expect(200)
}

const CLOSED: (u16, &str) = (403, "registration_closed");

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_holds_for_the_next_newcomer() {
    let desk = Desk::open().await;
    let closed = failure(CLOSED.0, CLOSED.1);
    let seen = desk.get("/registration").await.expect(200);
    assert_eq!(seen, json!({"registration": "closed", "invites": []}));
    let invite = desk.post("/invites", &json!({})).await.expect(201);
    assert_eq!(register(&desk, &invite["code"]).await.fails(), closed);
    assert_eq!(set(&desk, "open").await["registration"], "open");
    register(&desk, &json!(null)).await.expect(201);
    assert_eq!(set(&desk, "invite").await["registration"], "invite");
    assert_eq!(register(&desk, &json!(null)).await.fails(), closed);
    register(&desk, &invite["code"]).await.expect(201);
    assert_eq!(set(&desk, "closed").await["registration"], "closed");
    assert_eq!(register(&desk, &json!(null)).await.fails(), closed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_is_for_one_newcomer_unless_it_says_otherwise() {
    let desk = Desk::open().await;
    set(&desk, "invite").await;
    let closed = failure(CLOSED.0, CLOSED.1);
    let one = desk.post("/invites", &json!({})).await.expect(201);
    let shape = json!({"code": one["code"], "max_uses": 1, "uses": 0, "expires_at": null});
    assert_eq!(one, shape);
    let end = "2090-01-31T12:00:00Z";
    let two = desk
        .post("/invites", &json!({"max_uses": 2, "expires_at": end}))
        .await
        .expect(201);
    assert_eq!(
        (&two["max_uses"], &two["expires_at"]),
        (&json!(2), &json!(end))
    );
    for (invite, uses) in [(&one, 1), (&two, 2)] {
        for _ in 0..uses {
            register(&desk, &invite["code"]).await.expect(201);
        }
        assert_eq!(register(&desk, &invite["code"]).await.fails(), closed);
    }
    let seen = desk.get("/registration").await.expect(200);
    let listed = seen["invites"].as_array().unwrap();
    for (invite, uses) in [(&one, 1), (&two, 2)] {
        let entry = listed
            .iter()
            .find(|entry| entry["code"] == invite["code"])
            .unwrap();
        assert_eq!(entry["uses"], uses);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_that_was_taken_away_admits_nobody() {
    let desk = Desk::open().await;
    set(&desk, "invite").await;
    let invite = desk
        .post("/invites", &json!({"max_uses": 9}))
        .await
        .expect(201);
    let path = format!("/invites/{}", text(&invite["code"]));
    desk.delete(&path).await.expect(204);
    assert_eq!(
        desk.delete(&path).await.fails(),
        failure(404, "unknown_invite")
    );
    assert_eq!(
        register(&desk, &invite["code"]).await.fails(),
        failure(CLOSED.0, CLOSED.1)
    );
    let seen = desk.get("/registration").await.expect(200);
    assert_eq!(seen, json!({"registration": "invite", "invites": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_policy_or_an_invite_is_named_and_nothing_changes() {
    let desk = Desk::open().await;
    let before = rows(&desk.server.database());
    for (body, code) in [
        (json!({}), "required"),
        (json!({"registration": "ajar"}), "out_of_range"),
        (json!({"registration": true}), "wrong_type"),
    ] {
        assert_eq!(
            desk.put("/registration", &body).await.faults(),
            [fault("registration", code)]
        );
    }
    for (body, field, code) in [
        (json!({"max_uses": 0}), "max_uses", "out_of_range"),
        (json!({"max_uses": "1"}), "max_uses", "wrong_type"),
        (
            json!({"expires_at": Timestamp(0)}),
            "expires_at",
            "out_of_range",
        ),
        (
            json!({"expires_at": "tomorrow"}),
            "expires_at",
            "wrong_type",
        ),
        (json!({"code": "mine"}), "code", "unknown_field"),
    ] {
        assert_eq!(
            desk.post("/invites", &body).await.faults(),
            [fault(field, code)],
            "{body}"
        );
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[test]
fn a_policy_of_the_page_survives_a_restart() {
    let (_directory, data) = directory();
    let policy = || run_json(&data, &["registration"])["registration"].clone();
    let created = run_with_input(
        &data,
        &["admin", "create", "root", "--password-stdin"],
        PASSWORD,
    );
    assert!(created.status.success());
    let server = Binary::start(&data);
    let mut browser = Browser::on(&server);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
    assert_eq!(
        browser
            .send("PUT", "/registration", &json!({"registration": "open"}))
            .0,
        200
    );
    assert_eq!(policy(), "open");
    assert!(server.terminate().success());
    let server = Binary::start(&data);
    let mut browser = Browser::on(&server);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
    let (_, seen) = browser.send("GET", "/registration", &Value::Null);
    assert_eq!(seen["registration"], "open");
}
