//! Whoever guesses learns no more from a refusal than that it is one (contract, section 1, "Errors").

use futures::future::join_all;
use rocket::http::Method::Post;
use saryno::accounts::RESET_END;
use serde_json::{Value, json};

use crate::account_desk::{enter, reset_code, resident};
use crate::admin_session::{OTHER, log_in, new_admin, use_link};
use crate::desk::{Desk, PASSWORD};
use crate::operate::Operate;
use crate::support::{Answer, Server, now};

/// All that an answer tells, but for what tells requests apart.
fn told(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let headers = answer.headers.iter();
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| !name.eq_ignore_ascii_case("X-Request-Id"))
        .cloned()
        .collect();
    headers.sort();
    (answer.status, headers, answer.text())
}

#[track_caller]
fn all_alike(answers: &[Answer]) {
    for answer in answers {
        assert_eq!(answer.status, 401, "{}", answer.text());
        assert_eq!(told(answer), told(&answers[0]));
    }
}

async fn rest(server: &Server, path: &str, body: &Value) -> Answer {
    server.call(Post, path, None, Some(&body.to_string())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_does_not_tell_what_was_wrong_with_it() {
    let server = Server::start().await;
    resident(&server, "Ada", 1).await;
    server.account_of("Bot", 1).await;
    let off = resident(&server, "Off", 1).await;
    server.store.set_disabled(off.user.id, true).await.unwrap();
    let gone = resident(&server, "Gone", 1).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    let mut answers = Vec::new();
    for tag in [
        "Ada#0001",
        "ADA#0001",
        "Ada#0002",
        "Nobody#0001",
        "Bot#0001",
        "Off#0001",
        "Gone#0001",
    ] {
        for password in [OTHER, "", &"x".repeat(1_000)] {
            let body = json!({"tag": tag, "password": password});
            answers.push(rest(&server, "/auth/login", &body).await);
            answers.push(enter(&server, "/login", &body).await);
        }
    }
    all_alike(&answers);
}

/// A hash is the work of a log-in: where more are asked for than may wait, some of every kind are told to come again.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_costs_as_much_work_whether_anybody_has_the_tag_or_not() {
    let server = Server::start().await;
    resident(&server, "Ada", 1).await;
    server.account_of("Bot", 1).await;
    let tags = ["Ada#0001", "Nobody#0001", "Bot#0001"];
    let attempt = async |number: usize| {
        let tag = tags[number % tags.len()];
        let body = json!({"tag": tag, "password": OTHER});
        (tag, rest(&server, "/auth/login", &body).await)
    };
    // So many at once wait for a core; three times as many are more than enough.
    let answers = join_all((0..3 * 300).map(attempt)).await;
    for kind in tags {
        let of_kind = answers.iter().filter(|(tag, _)| *tag == kind);
        let statuses: Vec<_> = of_kind.map(|(_, answer)| answer.status).collect();
        for status in [401, 503] {
            assert!(statuses.contains(&status), "{kind}: no {status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_link_that_is_no_good_does_not_tell_why() {
    let server = Server::start().await;
    let ada = resident(&server, "Ada", 1).await;
    let bea = resident(&server, "Bea", 1).await;
    let hour = now().after(RESET_END);
    let replaced = reset_code(&server, &ada, hour).await;
    let used = reset_code(&server, &ada, hour).await;
    let body = json!({"code": used, "new": PASSWORD});
    rest(&server, "/auth/reset", &body).await.expect(204);
    let expired = reset_code(&server, &bea, now()).await;
    let mut answers = Vec::new();
    let mut looks = Vec::new();
    for code in [replaced.as_str(), &used, &expired, &"A".repeat(43), "x", ""] {
        let body = json!({"code": code, "new": PASSWORD});
        answers.push(rest(&server, "/auth/reset", &body).await);
        answers.push(enter(&server, "/reset", &body).await);
        looks.push(enter(&server, "/reset/look", &json!({"code": code})).await);
    }
    all_alike(&answers);
    all_alike(&looks);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_log_in_and_link_do_not_tell_either() {
    let desk = Desk::open().await;
    let link = async |name: &str| {
        let made = new_admin(&desk, name).await;
        let link = made["link"].as_str().unwrap().to_owned();
        link.rsplit('/').next().unwrap().to_owned()
    };
    let (used, expired) = (link("second").await, link("third").await);
    use_link(&desk, &used, OTHER).await.expect(200);
    let old = "UPDATE admin_links SET expires_at = 1";
    desk.server.database().execute(old, []).unwrap();
    let mut links = Vec::new();
    for code in [used.as_str(), &expired, &"A".repeat(43), "x"] {
        links.push(use_link(&desk, code, PASSWORD).await);
    }
    all_alike(&links);
    let mut log_ins = Vec::new();
    // A third has no password yet.
    for name in ["root", "ROOT", "third", "nobody"] {
        log_ins.push(log_in(&desk, name, "wrong horse").await);
    }
    all_alike(&log_ins);
}
