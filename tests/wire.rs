//! What arrives on the wire, byte for byte: where a request ends is never in doubt, and what is no request harms nobody.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::executable::Binary;
use crate::races::{Person, database, directory, number, people};
use crate::tally::{MANY, Tally, connect, raw, raw_header, raw_status};

/// A body that makes a community, of 15 bytes; and the same in one chunk.
const BODY: &str = r#"{"name": "Tea"}"#;
const CHUNKED: &str = "f\r\n{\"name\": \"Tea\"}\r\n0\r\n\r\n";

const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";

/// The real executable and one account.
struct Wire {
    server: Binary,
    data: PathBuf,
    person: Person,
    _directory: TempDir,
}

impl Wire {
    fn start() -> Self {
        Self::start_with(&[])
    }

    fn start_with(variables: &[(&str, &str)]) -> Self {
        let (directory, data) = directory();
        let person = people(&data, 1).remove(0);
        Self {
            server: Binary::start_with(&data, &[], variables),
            data,
            person,
            _directory: directory,
        }
    }

    /// The beginning of a request of the account's, up to where more headers may follow.
    fn head(&self, line: &str) -> String {
        let token = &self.person.token;
        format!("{line}\r\nHost: saryno\r\nAuthorization: Bearer {token}\r\n")
    }

    /// A request that makes a community, with these headers and this body.
    fn post(&self, headers: &str, body: &str) -> Vec<u8> {
        let head = self.head("POST /communities HTTP/1.1");
        format!("{head}{headers}\r\n{body}").into()
    }

    /// Sends these bytes and then one good request that ends the connection; the statuses that came back.
    fn statuses(&self, bytes: &[u8]) -> Vec<u16> {
        let last = self.head("GET /users/@me HTTP/1.1") + "Connection: close\r\n\r\n";
        let mut stream = connect(&self.server);
        // A server that has closed takes no more.
        let _ = stream.write_all(&[bytes, last.as_bytes()].concat());
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        let answers = String::from_utf8_lossy(&answers);
        let heads = answers.match_indices("HTTP/1.");
        heads.map(|(at, _)| raw_status(&answers[at..])).collect()
    }

    /// Sends these bytes, and then no more ever; what came back.
    fn breaks_off(&self, bytes: &[u8]) -> String {
        let mut stream = connect(&self.server);
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn communities(&self) -> i64 {
        number(&database(&self.data), "SELECT count(*) FROM communities")
    }

    /// Holds each of these against the statuses that are due, that of the good request behind it among them; and the communities
    /// against the 201s.
    fn hold(&self, cases: &[(Vec<u8>, &[u16])]) {
        for (bytes, expected) in cases {
            let before = self.communities();
            let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(400)]);
            assert_eq!(self.statuses(bytes), *expected, "{shown}");
            let made = expected.iter().filter(|status| **status == 201);
            let made = i64::try_from(made.count()).unwrap();
            assert_eq!(self.communities() - before, made);
            assert_eq!(self.statuses(b""), [200], "{shown}");
        }
    }
}

/// It is read, and what follows it is another request.
const READ: &[u16] = &[201, 200];
/// It is read, and nothing that follows it is.
const READ_AND_CLOSED: &[u16] = &[201];
/// Neither it nor anything that follows it is read.
const REFUSED: &[u16] = &[400];

#[test]
fn of_two_ways_to_read_a_length_neither_makes_a_second_request() {
    let wire = Wire::start();
    let length = "Content-Length: 15\r\n";
    let of = |lengths: &str| wire.post(lengths, BODY);
    let mut cases = vec![
        (of(length), READ),
        // Twice the same says one thing.
        (of(&length.repeat(2)), READ),
        (of("Content-Length: 015\r\n"), READ),
        (of(&format!("{length}Content-Length: 3\r\n")), REFUSED),
        (of(&format!("Content-Length: 3\r\n{length}")), REFUSED),
        (of("Content-Length: 3\r\nContent-Length: x\r\n"), REFUSED),
    ];
    for value in [
        "+15",
        "-1",
        "15, 15",
        "3, 15",
        "0x0f",
        "15;",
        "1_5",
        "1 5",
        "",
        "15.0",
        "99999999999999999999999",
    ] {
        cases.push((of(&format!("Content-Length: {value}\r\n")), REFUSED));
    }
    wire.hold(&cases);
}

#[test]
fn chunks_decide_over_a_length_and_then_nothing_more_is_read() {
    let wire = Wire::start();
    let of = |headers: &str| wire.post(headers, CHUNKED);
    let (length, chunked) = ("Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n");
    let mut cases = vec![
        (of(chunked), READ),
        (of("Transfer-Encoding:   CHUNKED \r\n"), READ),
        (of(&format!("{length}{chunked}")), READ_AND_CLOSED),
        (of(&format!("{chunked}{length}")), READ_AND_CLOSED),
        (wire.head("POST /communities HTTP/1.0").into(), REFUSED),
    ];
    cases[4].0.extend(format!("{chunked}\r\n{CHUNKED}").bytes());
    for coding in [
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked;x\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding:\u{b}chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: chun\0ked\r\n",
    ] {
        cases.push((of(coding), REFUSED));
        cases.push((of(&format!("{length}{coding}")), REFUSED));
    }
    wire.hold(&cases);
}

#[test]
fn a_chunk_is_as_long_as_it_says_in_plain_hexadecimal() {
    let wire = Wire::start();
    let of = |body: &str| wire.post("Transfer-Encoding: chunked\r\n", body);
    let end = "\r\n0\r\n\r\n";
    let mut cases = vec![
        (of(&format!("f;a=b\r\n{BODY}{end}")), READ),
        (of(&format!("00000f\r\n{BODY}{end}")), READ),
        // What follows the last chunk counts for nothing, whatever it is called.
        (
            of(&format!("f\r\n{BODY}\r\n0\r\nAuthorization: x\r\n\r\n")),
            READ,
        ),
    ];
    let long = "x".repeat(100_000);
    for broken in [
        format!("0xf\r\n{BODY}{end}"),
        format!("-f\r\n{BODY}{end}"),
        format!("+f\r\n{BODY}{end}"),
        format!("\r\n{BODY}{end}"),
        format!("fffffffffffffffff\r\n{BODY}{end}"),
        format!("f\n{BODY}{end}"),
        format!("f;a\n{BODY}{end}"),
        format!("f;a={long}\r\n{BODY}{end}"),
        format!("f\r\n{BODY}0\r\n\r\n"),
        format!("f\r\n{BODY}\r\n0\r\nX-Long: {long}\r\n\r\n"),
    ] {
        cases.push((of(&broken), REFUSED));
    }
    wire.hold(&cases);
}

#[test]
fn a_body_that_is_shorter_or_longer_than_it_says_makes_nothing_of_what_is_missing_or_over() {
    let wire = Wire::start();
    let longer = format!("{BODY}{BODY}\r\n\r\n");
    wire.hold(&[(wire.post("Content-Length: 15\r\n", &longer), &[201, 400])]);
    let before = wire.communities();
    for (headers, body) in [
        ("Content-Length: 16\r\n", BODY),
        ("Content-Length: 1000000000000\r\n", BODY),
        ("Content-Length: 18446744073709551615\r\n", BODY),
        ("Content-Length: 15\r\n", ""),
        ("Transfer-Encoding: chunked\r\n", &CHUNKED[..18]),
        (
            "Transfer-Encoding: chunked\r\n",
            &CHUNKED[..CHUNKED.len() - 2],
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            &CHUNKED.replacen('f', "ffffffffffffffff", 1),
        ),
    ] {
        let answer = wire.breaks_off(&wire.post(headers, body));
        let refused = answer.is_empty() || (400..500).contains(&raw_status(&answer));
        assert!(refused, "{headers}{answer}");
    }
    assert_eq!(wire.communities(), before);
    assert_eq!(wire.statuses(b""), [200]);
}

#[test]
fn a_body_too_large_is_told_so_however_it_says_its_length_and_one_without_end_is_cut_off() {
    let wire = Wire::start();
    let head = wire.head("POST /users/@me/channels HTTP/1.1");
    let of = |headers: &str, body: &str| format!("{head}{headers}\r\n{body}").into_bytes();
    let sized = |size: usize| of(&format!("Content-Length: {size}\r\n"), &"a".repeat(size));
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000));
    let chunked = |chunks: usize, end: &str| {
        of(
            "Transfer-Encoding: chunked\r\n",
            &format!("{}{end}", chunk.repeat(chunks)),
        )
    };
    wire.hold(&[
        (sized(64 * 1024), &[400, 200]),
        (sized(64 * 1024 + 1), &[413, 200]),
        (sized(2_000_000), &[413, 200]),
        (chunked(16, "0\r\n\r\n"), &[400, 200]),
        (chunked(17, "0\r\n\r\n"), &[413, 200]),
        (chunked(1_000, "0\r\n\r\n"), &[413, 200]),
    ]);
    for endless in [sized(20_000_000), chunked(6_000, "")] {
        // Whoever still sends when the connection is closed may not see the answer.
        let statuses = wire.statuses(&endless);
        assert!(statuses.is_empty() || statuses == [413], "{statuses:?}");
    }
    assert_eq!(wire.statuses(b""), [200]);
}

#[test]
fn a_line_that_is_no_header_refuses_the_request() {
    let wire = Wire::start();
    let mut cases = vec![(
        wire.post("Content-Length: 15\r\nX-Any: \u{e9}\r\n", BODY),
        READ,
    )];
    for line in [
        "X-Any: a\r\n b\r\n",
        " X-Any: a\r\n",
        "X-Any: a\rX-Other: b\r\n",
        "X-Any: a\0b\r\n",
        "X-\0Any: a\r\n",
        "X Any: a\r\n",
        "X-Any a\r\n",
        ": a\r\n",
    ] {
        cases.push((
            wire.post(&format!("{line}Content-Length: 15\r\n"), BODY),
            REFUSED,
        ));
    }
    // A line may end without a carriage return (RFC 9112, section 2.2); one way or the other, it is one request.
    let text = String::from_utf8(wire.post("Content-Length: 15\r\n", BODY)).unwrap();
    cases.push((text.replace("\r\n", "\n").into(), READ));
    wire.hold(&cases);
}

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

#[test]
fn a_body_that_nobody_reads_is_not_taken_for_the_next_request() {
    let wire = Wire::start();
    let smuggled = String::from_utf8(wire.post("Content-Length: 15\r\n", BODY)).unwrap();
    let length = format!("Content-Length: {}\r\n", smuggled.len());
    let of = |line: &str, headers: &str| {
        format!("{line} HTTP/1.1\r\nHost: a\r\n{headers}{length}\r\n{smuggled}").into_bytes()
    };
    let good = format!("Authorization: Bearer {}\r\n", wire.person.token);
    wire.hold(&[
        (of("GET /users/@me", &good), &[200, 200]),
        (of("GET /users/@me", ""), &[401, 200]),
        (of("POST /nowhere", &good), &[404, 200]),
        (of("DELETE /communities", &good), &[405, 200]),
        (of("POST /communities", ""), &[401, 200]),
        (of("HEAD /health", ""), &[200, 200]),
    ]);
}
