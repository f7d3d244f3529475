//! Heads of requests on the wire: too many headers, the same one twice, other versions of HTTP, methods that mean something elsewhere.

use crate::tally::{MANY, Tally, raw, raw_header};
use crate::wire::{BODY, READ, REFUSED, Wire};

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

#[test]
fn more_of_a_head_than_anybody_needs_is_refused_before_it_is_a_request() {
    let wire = Wire::start();
    let get = |target: &str, headers: &str| {
        let head = wire.head(&format!("GET {target} HTTP/1.1"));
        format!("{head}{headers}\r\n").into_bytes()
    };
    let headers = [90, 10_000].map(|count| "X-Any: a\r\n".repeat(count));
    wire.hold(&[
        (get("/health", &headers[0]), &[200, 200]),
        (get(&format!("/{}", "a".repeat(60_000)), ""), &[404, 200]),
    ]);
    for (flood, status) in [
        (get("/health", &headers[1]), 431),
        (
            get("/health", &format!("X: {}\r\n", "a".repeat(1_000_000))),
            431,
        ),
        (get(&format!("/{}", "a".repeat(100_000)), ""), 414),
        (get(&format!("/{}", "a".repeat(1_000_000)), ""), 431),
        (format!("GET /{}", "a".repeat(1_000_000)).into(), 431),
    ] {
        let statuses = wire.statuses(&flood);
        assert!(statuses.is_empty() || statuses == [status], "{statuses:?}");
        assert_eq!(wire.statuses(b""), [200]);
    }
}

#[test]
fn a_header_that_stands_twice_admits_nobody_and_names_nothing() {
    let wire = Wire::start();
    let good = format!("Authorization: Bearer {}\r\n", wire.person.token);
    let length = "Content-Length: 15\r\n";
    let post = |headers: &str| wire.post(&format!("{length}{headers}"), BODY);
    let key = "Idempotency-Key: a\r\n";
    wire.hold(&[
        // One Authorization is there already.
        (post(&good), &[401, 200]),
        (post("authorization: Basic eA==\r\n"), &[401, 200]),
        (post("Content-Type: application/json\r\n"), READ),
        (
            post("Content-Type: application/json\r\nContent-Type: text/plain\r\n"),
            &[415, 200],
        ),
        (
            post("Content-Type: text/plain\r\nContent-Type: application/json\r\n"),
            &[415, 200],
        ),
        (post(&format!("{key}{key}")), &[400, 200]),
        (post(&format!("{key}Idempotency-Key: b\r\n")), &[400, 200]),
        // The REST API goes by no Host.
        (post("Host: elsewhere\r\n"), READ),
    ]);
}

#[test]
fn of_two_hosts_neither_makes_a_page_of_another_site_the_servers_own() {
    let wire = Wire::start();
    let at = wire.server.url.trim_start_matches("http://").to_owned();
    let log_in = |hosts: &[&str], origin: &str| {
        let hosts = hosts.join("\r\nHost: ");
        let body = r#"{"name": "root", "password": "a horse, a staple"}"#;
        let length = body.len();
        format!("POST /admin/api/login HTTP/1.1\r\nHost: {hosts}\r\nOrigin: http://{origin}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}").into_bytes()
    };
    wire.hold(&[
        (log_in(&[&at], &at), &[401, 200]),
        (log_in(&[&at], "elsewhere"), &[403, 200]),
        (log_in(&[&at, "elsewhere"], "elsewhere"), &[403, 200]),
        (log_in(&["elsewhere", &at], "elsewhere"), &[403, 200]),
        (log_in(&["elsewhere", &at], &at), &[403, 200]),
    ]);
}

#[test]
fn of_two_headers_with_addresses_the_one_that_the_proxy_added_counts() {
    let many = MANY.to_string();
    let wire = Wire::start_with(&[
        ("SARYNO_TRUSTED_PROXIES", "[\"127.0.0.1/32\"]"),
        ("SARYNO_LIMITS__ENABLED", "true"),
        ("SARYNO_LIMITS__REQUESTS_PER_SECOND", "1"),
        ("SARYNO_LIMITS__BURST", &many),
    ]);
    let mut tally = Tally::begin();
    for number in 0..20 {
        let request = format!(
            "GET /users/@me HTTP/1.1\r\nHost: saryno\r\nX-Forwarded-For: 203.0.113.{number}\r\nX-Forwarded-For: 198.51.100.1\r\nConnection: close\r\n\r\n"
        );
        let answer = raw(&wire.server, request.as_bytes());
        let remaining = raw_header(&answer, "X-RateLimit-Remaining");
        tally.add(remaining.unwrap().parse().unwrap());
    }
}

#[test]
fn other_versions_of_http_are_spoken_or_refused() {
    let wire = Wire::start();
    let get = |version: &str, headers: &str| {
        format!("GET /health {version}\r\n{headers}\r\n").into_bytes()
    };
    wire.hold(&[
        (get("HTTP/1.1", "Host: a\r\n"), &[200, 200]),
        (get("HTTP/1.0", "Connection: keep-alive\r\n"), &[200, 200]),
        (get("HTTP/1.0", ""), &[200]),
        (b"GET /health\r\n".to_vec(), REFUSED),
        (get("", ""), REFUSED),
        (get("HTTP/0.9", ""), REFUSED),
        (get("HTTP/1.2", "Host: a\r\n"), REFUSED),
        (get("HTTP/2.0", "Host: a\r\n"), REFUSED),
        (get("HTTP/1.1 HTTP/1.1", "Host: a\r\n"), REFUSED),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[]),
        // The handshake of TLS.
        (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            REFUSED,
        ),
    ]);
}

#[test]
fn a_client_that_asks_whether_to_send_its_body_is_told_to() {
    let wire = Wire::start();
    let expecting = wire.post("Expect: 100-continue\r\nContent-Length: 15\r\n", BODY);
    wire.hold(&[(expecting, &[100, 201, 200])]);
}

#[test]
fn what_a_server_of_another_kind_would_do_is_not_done() {
    let wire = Wire::start();
    let bare = |line: &str, headers: &str| {
        let head = wire.head(&format!("{line} HTTP/1.1"));
        format!("{head}{headers}\r\n").into_bytes()
    };
    let upgrade = "Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nUpgrade: h2c\r\n";
    let socket = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n";
    let form = |method: &str| {
        let body = format!("_method={method}");
        let length = format!("{FORM}Content-Length: {}\r\n", body.len());
        [bare("POST /users/@me", &length), body.into()].concat()
    };
    wire.hold(&[
        (bare("GET /health", upgrade), &[200, 200]),
        (bare("GET /health", socket), &[200, 200]),
        (bare("GET http://elsewhere/users/@me", ""), &[200, 200]),
        (bare("GET elsewhere:80", ""), &[400, 200]),
        (bare("TRACE /users/@me", ""), &[405, 200]),
        (bare("CONNECT elsewhere:443", ""), &[400, 200]),
        (bare("CONNECT /users/@me", ""), &[405, 200]),
        (bare("OPTIONS *", ""), &[404, 200]),
        (
            bare("POST /users/@me", "X-HTTP-Method-Override: DELETE\r\n"),
            &[405, 200],
        ),
        (form("delete"), &[415, 200]),
        (form("patch"), &[415, 200]),
        (form("get"), &[415, 200]),
    ]);
    let answer = wire.breaks_off(&bare("TRACE /users/@me", "Connection: close\r\n"));
    assert!(!answer.contains(&wire.person.token), "{answer}");
}
