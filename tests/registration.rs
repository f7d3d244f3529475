//! Registration over HTTP: whom each policy lets in, and what an instance invite is good for.

use futures::future::join_all;
use saryno::accounts::{Accounts, Code, InstanceInvite, Policy};
use saryno::clock::Timestamp;
use serde_json::json;

use crate::accounts::{MINUTE, PASSWORD, assert_admits, post};
use crate::operate::Operate;
use crate::support::{Answer, Server, failure, now};

async fn register(server: &Server, name: &str, invite: &str) -> Answer {
    let mut body = json!({"username": name, "password": PASSWORD, "invite": invite});
    body["discriminator"] = json!("0001");
    post(server, "/auth/register", body).await
}

async fn invite(server: &Server, max_uses: u32, uses: u32, expires_at: Timestamp) -> String {
    let code = Code::mint();
    let invite = InstanceInvite {
        code: code.clone(),
        max_uses,
        uses,
        expires_at: Some(expires_at),
    };
    server.store.create_instance_invite(invite).await.unwrap();
    code.0
}

async fn uses(server: &Server) -> u32 {
    server.store.instance_invites().await.unwrap()[0].uses
}

async fn under(policy: Policy) -> Server {
    let server = Server::start().await;
    server.store.set_registration(policy).await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_is_closed_by_default_and_then_takes_a_good_invite_at_least() {
    let server = Server::start().await;
    let good = invite(&server, 1, 0, now().after(MINUTE)).await;
    let answer = register(&server, "new", &good).await;
    assert_eq!(answer.fails(), failure(403, "registration_closed"));
    server.store.set_registration(Policy::Invite).await.unwrap();
    let used_up = invite(&server, 2, 2, now().after(MINUTE)).await;
    let expired = invite(&server, 1, 0, now().before(MINUTE)).await;
    for code in [used_up.as_str(), &expired, "nonsense", ""] {
        let answer = register(&server, "new", code).await;
        assert_eq!(answer.fails(), failure(403, "registration_closed"));
    }
    let body = json!({"username": "new", "password": PASSWORD});
    let without = post(&server, "/auth/register", body).await;
    assert_eq!(without.fails(), failure(403, "registration_closed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_invite_admits_and_its_use_is_counted() {
    let server = under(Policy::Invite).await;
    let code = invite(&server, 2, 0, now().after(MINUTE)).await;
    let body = register(&server, "new", &code).await.expect(201);
    assert_admits(&server, &body).await;
    assert_eq!(uses(&server).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_used_by_many_at_once_admits_as_many_as_it_is_for() {
    let server = under(Policy::Invite).await;
    let code = invite(&server, 3, 0, now().after(MINUTE)).await;
    let names: Vec<_> = (0..8).map(|number| format!("new {number}")).collect();
    let answers = join_all(names.iter().map(|name| register(&server, name, &code))).await;
    let refused = answers.iter().filter(|answer| answer.status != 201);
    let refused: Vec<_> = refused.map(Answer::fails).collect();
    assert_eq!(refused, vec![failure(403, "registration_closed"); 5]);
    assert_eq!(uses(&server).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_that_fails_does_not_use_the_invite_up() {
    let server = under(Policy::Invite).await;
    server.account_of("held", 1).await;
    let code = invite(&server, 1, 0, now().after(MINUTE)).await;
    let answer = register(&server, "Held", &code).await;
    assert_eq!(answer.fails(), failure(409, "tag_taken"));
    assert_eq!(uses(&server).await, 0);
    register(&server, "free", &code).await.expect(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_server_takes_anybody_and_does_not_echo_the_password() {
    let server = under(Policy::Open).await;
    let body = json!({"username": "new", "password": PASSWORD});
    let answer = post(&server, "/auth/register", body).await;
    assert_eq!(answer.expect(201)["user"]["username"], "new");
    let everything = format!("{:?} {}", answer.headers, answer.text());
    for secret in [PASSWORD, "password", "argon2"] {
        assert!(!everything.contains(secret), "{everything}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_has_8_to_128_characters() {
    let server = under(Policy::Open).await;
    let attempt = |length| {
        let body = json!({"username": "new", "password": "é".repeat(length)});
        post(&server, "/auth/register", body)
    };
    for length in [8, 128] {
        attempt(length).await.expect(201);
    }
    for (length, code) in [(7, "too_short"), (129, "too_long")] {
        let answer = attempt(length).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"));
        assert_eq!(answer.faults(), [("password".to_owned(), code.to_owned())]);
    }
}
