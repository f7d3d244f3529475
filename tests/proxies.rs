//! Where requests come from, with proxies that are trusted and without: in the audit log, and for slowing log-ins down.

use std::path::Path;

use serde_json::{Value, json};
use ureq::http::Request;

use crate::executable::{Binary, agent, run, run_json, run_with_input};

const PASSWORD: &str = "a horse, a staple";

/// A server on a directory with one admin, and these networks trusted.
fn start(data: &Path, trusted: &str) -> Binary {
    let arguments = ["admin", "create", "root", "--password-stdin"];
    let made = run_with_input(data, &arguments, &format!("{PASSWORD}\n"));
    assert!(made.status.success());
    Binary::start_with(data, &[], &[("SARYNO_TRUSTED_PROXIES", trusted)])
}

/// A log-in that claims to come from this address; its status.
fn log_in(server: &Binary, password: &str, forwarded: &str) -> u16 {
    let body = json!({ "name": "root", "password": password });
    let request = Request::post(format!("{}/admin/api/login", server.url))
        .header("Content-Type", "application/json")
        .header("Sec-Fetch-Site", "same-origin")
        .header("X-Forwarded-For", forwarded)
        .body(body.to_string())
        .unwrap();
    agent().run(request).unwrap().status().as_u16()
}

/// Where the log says that the log-ins came from.
fn logged(data: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(data.join("saryno.db")).unwrap();
    let sql = "SELECT address FROM audit WHERE action = 'admin.log_in' ORDER BY id";
    let mut statement = database.prepare(sql).unwrap();
    let addresses = statement.query_map([], |row| row.get(0)).unwrap();
    addresses.map(Result::unwrap).collect()
}

#[test]
fn what_a_client_says_of_its_address_counts_for_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = start(&data, "[]");
    assert_eq!(log_in(&server, PASSWORD, "192.0.2.1"), 200);
    assert_eq!(logged(&data), ["127.0.0.1"]);
    // Another address each time does not help who guesses.
    let guesses: Vec<_> = (0..12)
        .map(|host| log_in(&server, "wrong", &format!("192.0.2.{host}")))
        .collect();
    assert!(guesses.ends_with(&[429]), "{guesses:?}");
}

#[test]
fn a_trusted_proxy_tells_who_came_and_who_guesses_slows_down_nobody_else() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = start(&data, "[\"127.0.0.0/8\", \"10.1.0.0/16\"]");
    assert_eq!(
        log_in(&server, PASSWORD, "198.51.100.1, 192.0.2.1, 10.1.2.3"),
        200
    );
    assert_eq!(logged(&data), ["192.0.2.1"]);
    let guesses: Vec<_> = (0..12)
        .map(|_| log_in(&server, "wrong", "192.0.2.2"))
        .collect();
    assert!(guesses.ends_with(&[429]), "{guesses:?}");
    assert_eq!(log_in(&server, PASSWORD, "192.0.2.3"), 200);
}

#[test]
fn a_network_that_is_none_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    std::fs::write(
        directory.path().join("saryno.toml"),
        "trusted_proxies = [\"localhost\"]",
    )
    .unwrap();
    let output = run(&data, &["config", "check"]);
    assert!(!output.status.success());
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("trusted_proxies"), "{complaint}");
    std::fs::write(
        directory.path().join("saryno.toml"),
        "trusted_proxies = [\"::1/128\"]",
    )
    .unwrap();
    assert_eq!(
        run_json(&data, &["config", "check"])["ok"],
        Value::Bool(true)
    );
}
