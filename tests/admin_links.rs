//! One-time links, with which an admin chooses a password.

use serde_json::{Value, json};

use crate::admin_session::{OTHER, begun, log_in, new_admin, shown, use_link, who};
use crate::desk::{Desk, PASSWORD, admin, session};
use crate::support::{failure, now};

/// The code of the link in an answer.
fn code(answer: &Value) -> String {
    let link = answer["link"].as_str().unwrap();
    let code = link.strip_prefix("http://localhost/admin/#/password/");
    code.unwrap_or_else(|| panic!("{link}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_admin_chooses_a_password_with_a_link_that_is_good_once() {
    let desk = Desk::open().await;
    let made = new_admin(&desk, "second").await;
    assert_eq!(made["admin"]["name"], "second");
    let code = code(&made);
    let short = use_link(&desk, &code, "short").await;
    assert_eq!(
        short.faults(),
        [("password".to_owned(), "too_short".to_owned())]
    );
    let used = use_link(&desk, &code, OTHER).await;
    assert_eq!(used.expect(200), made["admin"]);
    assert_eq!(who(&desk, &begun(&used)).await, made["admin"]);
    let again = use_link(&desk, &code, PASSWORD).await;
    assert_eq!(again.fails(), failure(401, "invalid_credentials"));
    assert!(again.header("Set-Cookie").is_none());
    log_in(&desk, "second", OTHER).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_for_a_known_admin_leaves_the_password_alone_until_it_is_used_and_then_ends_every_session()
 {
    let desk = Desk::open().await;
    let second = admin(&desk.server, "second").await;
    let open = session(&desk.server, &second).await;
    let path = format!("/admins/{}/reset-link", second.id);
    let made = desk.post(&path, &json!({})).await.expect(201);
    assert_eq!(made["admin"], shown(&second));
    log_in(&desk, "second", PASSWORD).await.expect(200);
    assert_eq!(who(&desk, &open).await, shown(&second));
    use_link(&desk, &code(&made), OTHER).await.expect(200);
    assert_eq!(who(&desk, &open).await, json!(null));
    let old = log_in(&desk, "second", PASSWORD).await;
    assert_eq!(old.fails(), failure(401, "invalid_credentials"));
    assert_eq!(who(&desk, &desk.pass).await, shown(&desk.root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_void_after_an_hour_after_a_newer_one_and_after_a_password_change() {
    let desk = Desk::open().await;
    let path = format!("/admins/{}/reset-link", desk.root.id);
    let link = async || code(&desk.post(&path, &json!({})).await.expect(201));
    let refused = async |code: &str| {
        let answer = use_link(&desk, code, OTHER).await;
        assert_eq!(answer.fails(), failure(401, "invalid_credentials"));
    };
    let older = link().await;
    let newer = link().await;
    refused(&older).await;
    let body = json!({"current": PASSWORD, "new": PASSWORD});
    desk.post("/password", &body).await.expect(204);
    refused(&newer).await;
    let expired = link().await;
    let sql = "UPDATE admin_links SET expires_at = ?1 WHERE expires_at > ?1 + 3590000";
    assert_eq!(desk.server.database().execute(sql, [now().0]), Ok(1));
    refused(&expired).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_admins_never_have_one_name() {
    let desk = Desk::open().await;
    for (name, fault) in [
        ("root", "not_allowed"),
        ("ROOT", "not_allowed"),
        ("", "too_short"),
        ("everyone", "reserved"),
    ] {
        let answer = desk.post("/admins", &json!({"name": name})).await;
        assert_eq!(
            answer.faults(),
            [("name".to_owned(), fault.to_owned())],
            "{name}"
        );
    }
    assert_eq!(
        desk.get("/admins")
            .await
            .expect(200)
            .as_array()
            .unwrap()
            .len(),
        1
    );
}
