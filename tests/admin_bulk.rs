//! One action for many accounts: to all of them or to none.

use serde_json::{Value, json};

use crate::admin_accounts::fault;
use crate::channels::{count, people};
use crate::communities::community_of;
use crate::desk::{Desk, rows};
use crate::operate::Operate;
use crate::support::{Answer, failure};

async fn bulk(desk: &Desk, body: &Value) -> Answer {
    desk.post("/users/bulk", body).await
}

/// The accounts as an answer of a bulk shows them: which field of each.
fn shown(list: &Value, field: &str) -> Vec<Value> {
    let accounts = list.as_array().unwrap().iter();
    accounts
        .map(|account| account.pointer(field).unwrap().clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_action_is_done_to_all_that_are_named() {
    let desk = Desk::open().await;
    let [a, b, c, other] = people(&desk.server).await;
    let ids = json!([c.id(), a.id(), b.id()]);
    let done = async |mut body: Value| {
        body["ids"] = ids.clone();
        bulk(&desk, &body).await.expect(200)
    };
    let set = done(json!({"action": "set_flag", "flag": "bot"})).await;
    assert_eq!(shown(&set, "/user/id"), *ids.as_array().unwrap());
    assert_eq!(
        shown(&set, "/user/flags"),
        [json!([10]), json!([10]), json!([10])]
    );
    let cleared = done(json!({"action": "clear_flag", "flag": "bot"})).await;
    assert_eq!(
        shown(&cleared, "/user/flags"),
        [json!([]), json!([]), json!([])]
    );
    let disabled = done(json!({"action": "disable", "reason": "Raid"})).await;
    assert_eq!(shown(&disabled, "/reason"), ["Raid", "Raid", "Raid"]);
    assert_eq!(desk.admits(&b).await, 403);
    let enabled = done(json!({"action": "enable"})).await;
    assert_eq!(shown(&enabled, "/disabled"), [false, false, false]);
    assert_eq!(desk.admits(&b).await, 200);
    let deleted = done(json!({"action": "delete"})).await;
    assert_eq!(
        shown(&deleted, "/user/discriminator"),
        ["0000", "0000", "0000"]
    );
    assert_eq!(
        (desk.admits(&b).await, desk.admits(&other).await),
        (401, 200)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_one_of_many_does_not_exist_it_is_named_and_nothing_is_done_to_the_others() {
    let desk = Desk::open().await;
    let [a, b, gone] = people(&desk.server).await;
    community_of(&desk.server, &a, &[&b]).await;
    desk.server.store.delete_user(gone.user.id).await.unwrap();
    let before = rows(&desk.server.database());
    for (unknown, action) in [
        ("1".to_owned(), "delete"),
        (gone.id(), "disable"),
        (gone.id(), "delete"),
    ] {
        let body = json!({"ids": [a.id(), b.id(), unknown], "action": action});
        let answer = bulk(&desk, &body).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"));
        assert_eq!(answer.faults(), [fault("ids[2]", "unknown_user")]);
        let alone = bulk(&desk, &json!({"ids": [unknown], "action": action})).await;
        assert_eq!(alone.faults(), [fault("ids[0]", "unknown_user")]);
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_bulk_is_named_and_nothing_is_done() {
    let desk = Desk::open().await;
    let [a, b] = people(&desk.server).await;
    let before = rows(&desk.server.database());
    let many = |count: usize| vec![a.id(); count];
    for (body, expected) in [
        (json!({"action": "delete"}), vec![fault("ids", "required")]),
        (
            json!({"ids": [], "action": "delete"}),
            vec![fault("ids", "too_short")],
        ),
        (
            json!({"ids": [a.id(), 7, "x"], "action": "delete"}),
            vec![
                fault("ids[1]", "wrong_type"),
                fault("ids[2]", "forbidden_character"),
            ],
        ),
        (
            json!({"ids": [a.id(), b.id(), a.id()], "action": "delete"}),
            vec![fault("ids[2]", "duplicate")],
        ),
        (
            json!({"ids": many(201), "action": "enable"}),
            vec![fault("ids", "too_long")],
        ),
        (json!({"ids": [a.id()]}), vec![fault("action", "required")]),
        (
            json!({"ids": [a.id()], "action": "promote"}),
            vec![fault("action", "out_of_range")],
        ),
        (
            json!({"ids": [a.id()], "action": "set_flag"}),
            vec![fault("flag", "required")],
        ),
        (
            json!({"ids": [a.id()], "action": "clear_flag", "flag": "rich"}),
            vec![fault("flag", "out_of_range")],
        ),
        (
            json!({"ids": [a.id()], "action": "delete", "flag": "bot"}),
            vec![fault("flag", "unknown_field")],
        ),
        (
            json!({"ids": [a.id()], "action": "enable", "reason": "x"}),
            vec![fault("reason", "unknown_field")],
        ),
        (
            json!({"ids": [a.id()], "action": "disable", "reason": ""}),
            vec![fault("reason", "too_short")],
        ),
    ] {
        let answer = bulk(&desk, &body).await;
        assert_eq!(answer.faults(), expected, "{body}");
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_accounts_are_changed_at_once() {
    let desk = Desk::open().await;
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(desk.server.account("Ada").await.id());
    }
    let body = json!({"ids": ids, "action": "set_flag", "flag": "system"});
    let done = bulk(&desk, &body).await.expect(200);
    assert_eq!(shown(&done, "/user/id"), ids);
    assert_eq!(
        count(
            &desk.server,
            "SELECT count(*) FROM users WHERE flags = 1 << 11"
        ),
        200
    );
}
