//! What arrives on the wire, byte for byte: where a request ends is never in doubt, and what is no request harms nobody.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::executable::Binary;
use crate::races::{Person, database, directory, number, people};
use crate::tally::{connect, raw_status};

/// A body that makes a community, of 15 bytes; and the same in one chunk.
pub(crate) const BODY: &str = r#"{"name": "Tea"}"#;
const CHUNKED: &str = "f\r\n{\"name\": \"Tea\"}\r\n0\r\n\r\n";

/// The real executable and one account.
pub(crate) struct Wire {
    pub(crate) server: Binary,
    data: PathBuf,
    pub(crate) person: Person,
    _directory: TempDir,
}

impl Wire {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(variables: &[(&str, &str)]) -> Self {
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
    pub(crate) fn head(&self, line: &str) -> String {
        let token = &self.person.token;
        format!("{line}\r\nHost: saryno\r\nAuthorization: Bearer {token}\r\n")
    }

    /// A request that makes a community, with these headers and this body.
    pub(crate) fn post(&self, headers: &str, body: &str) -> Vec<u8> {
        let head = self.head("POST /communities HTTP/1.1");
        format!("{head}{headers}\r\n{body}").into()
    }

    /// Sends these bytes and then one good request that ends the connection; the statuses that came back.
    pub(crate) fn statuses(&self, bytes: &[u8]) -> Vec<u16> {
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
    pub(crate) fn breaks_off(&self, bytes: &[u8]) -> String {
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
    pub(crate) fn hold(&self, cases: &[(Vec<u8>, &[u16])]) {
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
pub(crate) const READ: &[u16] = &[201, 200];
/// It is read, and nothing that follows it is.
const READ_AND_CLOSED: &[u16] = &[201];
/// Neither it nor anything that follows it is read.
pub(crate) const REFUSED: &[u16] = &[400];

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
