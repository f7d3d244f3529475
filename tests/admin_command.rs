//! `saryno admin` of the real executable, and what it does to a running server.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::admin_session::OTHER;
use crate::admin_setup::Browser;
use crate::desk::PASSWORD;
use crate::executable::{Binary, agent, http, run, run_json, run_with_input};
use crate::races::{directory, text};

/// A command that reads a password and must succeed; what it prints as JSON.
#[track_caller]
fn with_password(data: &Path, arguments: &[&str], password: &str) -> Value {
    let arguments = [&["admin"], arguments, &["--password-stdin", "--json"]].concat();
    let output = run_with_input(data, &arguments, &format!("{password}\n"));
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The sentence of a command that must fail and print no result.
#[track_caller]
fn complaint(output: &Output) -> String {
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The code of the link that a command printed.
#[track_caller]
fn code(printed: &Value) -> &str {
    let link = text(&printed["link"]);
    let (place, code) = link.split_once("/admin/#/password/").unwrap();
    assert!(place.starts_with("http://127.0.0.1:"), "{link}");
    code
}

fn use_link(browser: &mut Browser, code: &str, password: &str) -> u16 {
    let body = json!({"code": code, "password": password});
    browser.send("POST", "/password-link", &body).0
}

#[test]
fn create_with_a_password_makes_an_admin_whom_a_running_server_lets_in() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let printed = with_password(&data, &["create", "Root"], PASSWORD);
    assert_eq!(printed, json!({"name": "Root"}));
    let mut browser = Browser::on(&server);
    assert_eq!(browser.log_in("root", OTHER), 401);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
    assert_eq!(browser.who(), "Root");
}

#[test]
fn create_without_a_password_prints_a_link_that_sets_one_once() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let printed = run_json(&data, &["admin", "create", "root"]);
    let keys: Vec<_> = printed.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["name", "link", "expires_at"]);
    let mut browser = Browser::on(&server);
    assert_eq!(use_link(&mut browser, code(&printed), PASSWORD), 200);
    assert_eq!(browser.who(), "root");
    let mut other = Browser::on(&server);
    assert_eq!(use_link(&mut other, code(&printed), OTHER), 401);
    assert_eq!(other.log_in("root", PASSWORD), 200);
    let said = String::from_utf8(run(&data, &["admin", "create", "second"]).stdout).unwrap();
    assert!(
        said.starts_with("second chooses a password here, once, until "),
        "{said}"
    );
}

#[test]
fn what_can_not_be_created_is_told_why() {
    let (_directory, data) = directory();
    run_json(&data, &["admin", "create", "root"]);
    let taken = complaint(&run(&data, &["admin", "create", "ROOT"]));
    assert!(taken.contains("There is an admin of this name."), "{taken}");
    for name in ["every@one", "", "everyone"] {
        complaint(&run(&data, &["admin", "create", name]));
    }
    // Else an entry of the audit log could be either's.
    let confusing = complaint(&run(&data, &["admin", "create", "Command Line"]));
    assert!(confusing.contains("choose another"), "{confusing}");
    let short = run_with_input(
        &data,
        &["admin", "create", "second", "--password-stdin"],
        "short\n",
    );
    assert!(complaint(&short).contains("8 characters at least"));
    let admins = run_json(&data, &["admin", "list"]);
    assert_eq!(admins.as_array().unwrap().len(), 1);
}

#[test]
fn list_tells_who_there_is_and_whether_they_ever_came() {
    let (_directory, data) = directory();
    assert_eq!(run_json(&data, &["admin", "list"]), json!([]));
    let server = Binary::start(&data);
    for name in ["b", "c"] {
        with_password(&data, &["create", name], PASSWORD);
    }
    run_json(&data, &["admin", "create", "a"]);
    assert_eq!(Browser::on(&server).log_in("c", PASSWORD), 200);
    let admins = run_json(&data, &["admin", "list"]);
    let told: Vec<_> = admins
        .as_array()
        .unwrap()
        .iter()
        .map(|admin| {
            (
                text(&admin["name"]),
                admin["has_password"] == true,
                admin["last_login"].is_string(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [("a", false, false), ("b", true, false), ("c", true, true)]
    );
    let said = String::from_utf8(run(&data, &["admin", "list"]).stdout).unwrap();
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].ends_with("  a, has not chosen a password yet"),
        "{said}"
    );
    assert!(lines[1].ends_with("  b, has never logged in"), "{said}");
    assert!(lines[2].contains("  c, last logged in 20"), "{said}");
}

#[test]
fn reset_password_ends_the_sessions_of_a_running_server_and_the_old_password() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    with_password(&data, &["create", "root"], PASSWORD);
    let mut browser = Browser::on(&server);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
    with_password(&data, &["reset-password", "ROOT"], OTHER);
    assert_eq!(browser.who(), Value::Null);
    assert_eq!(browser.log_in("root", PASSWORD), 401);
    assert_eq!(browser.log_in("root", OTHER), 200);
}

#[test]
fn reset_password_prints_a_link_and_voids_an_older_one_and_the_old_password_is_good_until_then() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    with_password(&data, &["create", "root"], PASSWORD);
    let older = run_json(&data, &["admin", "reset-password", "root"]);
    let newer = run_json(&data, &["admin", "reset-password", "ROOT"]);
    assert_eq!(newer["name"], "root");
    let mut browser = Browser::on(&server);
    assert_eq!(use_link(&mut browser, code(&older), OTHER), 401);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
    let mut other = Browser::on(&server);
    assert_eq!(use_link(&mut other, code(&newer), OTHER), 200);
    assert_eq!((browser.who(), other.who()), (Value::Null, json!("root")));
    assert_eq!(browser.log_in("root", PASSWORD), 401);
}

#[test]
fn remove_ends_sessions_and_tokens_on_a_running_server_at_once() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    with_password(&data, &["create", "root"], PASSWORD);
    let mut browser = Browser::on(&server);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
    let (status, made) = browser.send("POST", "/tokens", &json!({"name": "nightly"}));
    assert_eq!(status, 201);
    let by_token = || {
        let url = format!("{}/admin/api/users", server.url);
        let answer = http(&agent(), "GET", &url, text(&made["token"]), "");
        answer.unwrap().0
    };
    assert_eq!(by_token(), 200);
    let removed = run_json(&data, &["admin", "remove", "Root"]);
    assert_eq!(removed["removed"]["name"], "root");
    assert_eq!((browser.who(), by_token()), (Value::Null, 401));
    assert_eq!(browser.log_in("root", PASSWORD), 401);
}

#[test]
fn a_name_that_no_admin_has_is_told_so() {
    let (_directory, data) = directory();
    for command in ["remove", "reset-password"] {
        let told = complaint(&run(&data, &["admin", command, "nobody"]));
        assert!(
            told.contains("there is no admin of the name nobody"),
            "{told}"
        );
    }
}
