//! How often somebody registers from one address (contract, section 1, "Rate limits").

use std::time::Duration;

use rocket::http::Method::{Get, Post};
use saryno::accounts::Policy;
use serde_json::{Value, json};

use crate::account_desk::instance_invite;
use crate::channels::count;
use crate::desk::{PASSWORD, rows};
use crate::limits_passwords::{HERE, THERE, log_in, start};
use crate::operate::Operate;
use crate::support::{Answer, Server, failure};
use crate::tally::{from, from_page, refused};

/// Until an address may register again, at most.
const OF_REGISTRATION: Duration = Duration::from_mins(20);

async fn register(address: &str, server: &Server, on_page: bool, body: &Value) -> Answer {
    if on_page {
        from_page(address, server, Post, "/register", None, body).await
    } else {
        from(address, server, Post, "/auth/register", None, body).await
    }
}

fn somebody(name: &str) -> Value {
    json!({"username": name, "password": PASSWORD})
}

#[tokio::test(flavor = "multi_thread")]
async fn three_register_an_hour_from_an_address_at_the_rest_api_and_on_the_page_together() {
    let server = start().await;
    server.store.set_registration(Policy::Open).await.unwrap();
    for (name, on_page) in [("Ada", false), ("Bob", true), ("Cy", false)] {
        register(HERE, &server, on_page, &somebody(name))
            .await
            .expect(201);
    }
    let before = rows(&server.database());
    for on_page in [false, true] {
        let answer = register(HERE, &server, on_page, &somebody("Dora")).await;
        let wait = refused(&answer, "registrations", 3, OF_REGISTRATION);
        assert!(wait > OF_REGISTRATION / 2, "{wait:?}");
        assert_eq!(answer.header("Set-Cookie"), None);
    }
    assert_eq!(rows(&server.database()), before);
    register(THERE, &server, true, &somebody("Dora"))
        .await
        .expect(201);
    // It is no matter of passwords.
    let tag =
        "SELECT username || '#' || printf('%04d', discriminator) FROM users WHERE username = 'Ada'";
    let tag: String = server
        .database()
        .query_row(tag, [], |row| row.get(0))
        .unwrap();
    log_in(HERE, &server, &tag, PASSWORD).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_to_register_that_could_not_succeed_costs_nothing() {
    let server = start().await;
    let ada = server.account_of("Ada", 1).await;
    let taken =
        json!({"username": ada.user.username, "discriminator": "0001", "password": PASSWORD});
    let with = |invite: &str| json!({"username": "Bob", "password": PASSWORD, "invite": invite});
    let used_up = instance_invite(&server, 1, 1, None).await;
    for (policy, body, expected) in [
        (
            Policy::Closed,
            somebody("Bob"),
            failure(403, "registration_closed"),
        ),
        (
            Policy::Invite,
            somebody("Bob"),
            failure(403, "registration_closed"),
        ),
        (
            Policy::Invite,
            with("wrong"),
            failure(403, "registration_closed"),
        ),
        (
            Policy::Invite,
            with(&used_up),
            failure(403, "registration_closed"),
        ),
        (Policy::Open, taken, failure(409, "tag_taken")),
        (
            Policy::Open,
            json!({"username": "Bob", "password": "short"}),
            failure(400, "invalid_request"),
        ),
        (
            Policy::Open,
            json!({"username": "", "password": PASSWORD}),
            failure(400, "invalid_request"),
        ),
        (
            Policy::Open,
            json!({"nam": "Bob"}),
            failure(400, "invalid_request"),
        ),
    ] {
        server.store.set_registration(policy).await.unwrap();
        for on_page in [false, true, false, true] {
            let answer = register(HERE, &server, on_page, &body).await;
            assert_eq!(answer.fails(), expected, "{body}");
        }
    }
    for name in ["Bob", "Cy", "Dora"] {
        register(HERE, &server, false, &somebody(name))
            .await
            .expect(201);
    }
    let answer = register(HERE, &server, false, &somebody("Eve")).await;
    refused(&answer, "registrations", 3, OF_REGISTRATION);
    assert_eq!(count(&server, "SELECT count(*) FROM users"), 4);
    // Who looks at a name does not register.
    let path = "/usernames/check?username=Eve";
    from(HERE, &server, Get, path, None, &Value::Null)
        .await
        .expect(200);
}
