//! The audit log: its filters and pages, that what was written stays, and that a deed and its entry are one.

use std::collections::BTreeSet;

use rocket::http::Method::Put;
use saryno::actions::{Action, Deed, UserAction};
use saryno::admins::Admins;
use saryno::audit::Author;
use saryno::error::Error;
use serde_json::{Value, json};

use crate::admin_accounts::fault;
use crate::channels::people;
use crate::desk::{Desk, PASSWORD, admin, rows, session};
use crate::executable::{run, run_json, run_with_input};
use crate::races::{database, directory, text};

/// A few deeds of two admins, one of them by a token, too.
async fn deeds() -> Desk {
    let desk = Desk::open().await;
    let [a, b] = people(&desk.server).await;
    let second = admin(&desk.server, "Second One").await;
    let pass = session(&desk.server, &second).await;
    let token = desk.token().await;
    for of in [&a, &b] {
        let flag = |flag: &str| format!("/users/{}/flags/{flag}", of.id());
        desk.put(&flag("bot"), &json!({})).await.expect(200);
        for (who, name) in [(&pass, "system"), (&token, "developer")] {
            let answer = desk.call(Put, &flag(name), who, None).await;
            answer.expect(200);
        }
        let body = Some("{}");
        let disabled = format!("/users/{}/disabled", of.id());
        desk.call(Put, &disabled, &pass, body).await.expect(200);
        desk.delete(&disabled).await.expect(200);
    }
    desk
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_and_every_combination_shows_its_entries_over_all_pages() {
    let desk = deeds().await;
    let all = desk.pages("/audit").await.concat();
    assert!(all.len() > 15);
    let of = |pointer: &'static str| move |entry: &Value| entry.pointer(pointer).cloned();
    let targets: BTreeSet<_> = all
        .iter()
        .filter_map(of("/target/id"))
        .map(|id| id.to_string())
        .collect();
    let mut queries = Vec::new();
    for admin in [
        None,
        Some("root"),
        Some("SECOND%20one"),
        Some("command%20line"),
        Some("nobody"),
    ] {
        for action in [
            None,
            Some("user.flags"),
            Some("user.disable"),
            Some("user.rename"),
        ] {
            for target in targets
                .iter()
                .map(|id| id.trim_matches('"'))
                .map(Some)
                .chain([None, Some("1")])
            {
                queries.push((admin, action, target));
            }
        }
    }
    for (admin, action, target) in queries {
        let name = admin.map(|admin| admin.replace("%20", " ").to_lowercase());
        let wanted = |entry: &&Value| {
            name.as_ref()
                .is_none_or(|name| text(&entry["admin"]["name"]).to_lowercase() == *name)
                && action.is_none_or(|action| entry["action"] == action)
                && target.is_none_or(|target| entry["target"]["id"] == target)
        };
        let expected: Vec<_> = all.iter().filter(wanted).cloned().collect();
        let parts = [("admin", admin), ("action", action), ("target", target)];
        let parts = parts
            .into_iter()
            .filter_map(|(name, value)| Some(format!("&{name}={}", value?)));
        let query = format!("/audit?limit=3{}", parts.collect::<String>());
        let pages = desk.pages(&query).await;
        assert!(
            pages.iter().rev().skip(1).all(|page| page.len() == 3),
            "{query}"
        );
        assert_eq!(pages.concat(), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_filter_is_named() {
    let desk = Desk::open().await;
    for (query, field, code) in [
        ("limit=0", "limit", "out_of_range"),
        ("limit=201", "limit", "out_of_range"),
        ("target=x", "target", "forbidden_character"),
        ("target=x&admin=root", "target", "forbidden_character"),
        ("before=1&after=2", "after", "not_allowed"),
    ] {
        let answer = desk.get(&format!("/audit?{query}")).await;
        assert_eq!(answer.faults(), [fault(field, code)], "{query}");
    }
    for odd in [
        "admin=",
        "admin=%25",
        "action=",
        "action=%27%22",
        "admin=%23",
    ] {
        let answer = desk.get(&format!("/audit?{odd}")).await;
        assert_eq!(answer.expect(200), json!([]), "{odd}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_stays_whoever_writes_to_the_file() {
    let desk = deeds().await;
    let database = desk.server.database();
    let before = rows(&database);
    for sql in [
        "UPDATE audit SET admin_name = 'somebody else'",
        "UPDATE audit SET id = id + 1",
        "UPDATE OR REPLACE audit SET before = NULL WHERE action = 'user.flags'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit)",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit ORDER BY id LIMIT 1",
        "INSERT INTO audit SELECT * FROM audit WHERE true ON CONFLICT (id) DO UPDATE SET via = 'page'",
    ] {
        let error = database.execute(sql, []).unwrap_err().to_string();
        assert_eq!(error, "the audit log is append-only", "{sql}");
    }
    assert_eq!(rows(&database), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deed_whose_entry_can_not_be_written_is_not_done() {
    let desk = deeds().await;
    let [a] = people(&desk.server).await;
    let newest = desk.get("/audit?limit=1").await.expect(200);
    let entry = text(&newest[0]["id"]).parse().unwrap();
    let before = rows(&desk.server.database());
    let action = Action::User(a.user.id, UserAction::Delete);
    let deed = Deed { entry, action };
    let done = desk.server.store.perform_one(Author::command_line(), deed);
    assert!(matches!(done.await, Err(Error::Internal(_))));
    assert_eq!(rows(&desk.server.database()), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deeds_of_which_one_fails_neither_they_nor_their_entries_are_written() {
    let desk = deeds().await;
    let [a, b] = people(&desk.server).await;
    let before = rows(&desk.server.database());
    for action in ["disable", "delete"] {
        let body = json!({"ids": [a.id(), b.id(), "1"], "action": action});
        let answer = desk.post("/users/bulk", &body).await;
        assert_eq!(answer.faults(), [fault("ids[2]", "unknown_user")]);
    }
    assert_eq!(rows(&desk.server.database()), before);
}

#[test]
fn the_deeds_of_the_command_line_are_told_too_and_its_looks_are_not() {
    let (_directory, data) = directory();
    let with_password = |arguments: &[&str]| {
        let arguments = [arguments, &["--password-stdin", "--json"]].concat();
        let output = run_with_input(&data, &arguments, PASSWORD);
        assert!(output.status.success(), "{arguments:?}");
    };
    let made = run_json(
        &data,
        &[
            "user",
            "create",
            "Ada",
            "--discriminator",
            "0001",
            "--token",
        ],
    );
    let ada = text(&made["user"]["id"]);
    for arguments in [
        &["user", "flags", ada, "--set", "bot"][..],
        &["user", "flags", ada],
        &["user", "show", ada],
        &["user", "disable", ada, "--reason", "Spam"],
        &["user", "enable", "Ada#0001"],
        &["user", "token", ada],
        &["user", "reset-link", ada],
        &["user", "delete", ada],
        &["registration", "open"],
        &["registration"],
        &["registration", "open"],
    ] {
        run_json(&data, arguments);
    }
    let invite = run_json(&data, &["invite", "create"]);
    run_json(&data, &["invite", "list"]);
    run_json(&data, &["invite", "remove", text(&invite["code"])]);
    with_password(&["admin", "create", "root"]);
    with_password(&["admin", "reset-password", "root"]);
    for arguments in [
        ["admin", "reset-password", "root"],
        ["admin", "remove", "root"],
    ] {
        run_json(&data, &arguments);
    }
    run_json(&data, &["admin", "list"]);
    assert!(!run(&data, &["user", "delete", ada]).status.success());

    let database = database(&data);
    let sql = "SELECT action, target_name FROM audit
        WHERE admin_id IS NULL AND admin_name = 'command line' AND via = 'command line' AND address IS NULL ORDER BY id";
    let mut statement = database.prepare(sql).unwrap();
    let told = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let told: Vec<(String, String)> = told.map(Result::unwrap).collect();
    let expected = [
        ("user.create", "Ada#0001"),
        ("user.flags", "Ada#0001"),
        ("user.disable", "Ada#0001"),
        ("user.enable", "Ada#0001"),
        ("user.token", "Ada#0001"),
        ("user.reset_link", "Ada#0001"),
        ("user.delete", "Ada#0001"),
        ("registration.set", "registration"),
        ("invite.create", "to this server"),
        ("invite.remove", "to this server"),
        ("admin.create", "root"),
        ("admin.password", "root"),
        ("admin.reset_link", "root"),
        ("admin.remove", "root"),
    ];
    assert_eq!(
        told,
        expected.map(|(action, name)| (action.to_owned(), name.to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_of_a_deleted_owner_tells_who_has_their_communities_now() {
    let desk = Desk::open().await;
    let (owner, heir) = (
        desk.server.account_of("Ada", 1).await,
        desk.server.account_of("Bob", 2).await,
    );
    let mut made = Vec::new();
    for name in ["Tea house", "Empty house"] {
        let body = json!({"name": name, "owner_id": owner.id()});
        made.push(desk.post("/communities", &body).await.expect(201));
    }
    let member = format!(
        "/communities/{}/members/{}",
        text(&made[0]["id"]),
        heir.id()
    );
    desk.put(&member, &json!({})).await.expect(204);
    desk.delete(&format!("/users/{}", owner.id()))
        .await
        .expect(204);

    let log = desk.get("/audit?limit=1").await.expect(200);
    let communities = json!([
        {"id": made[0]["id"], "name": "Tea house", "owner_id": heir.id()},
        {"id": made[1]["id"], "name": "Empty house", "owner_id": null},
    ]);
    assert_eq!(log[0]["action"], "user.delete");
    assert_eq!(log[0]["after"], json!({"communities": communities}));
}
