//! What the real executable logs: its start and its end, requests, trouble; for a person, for a program, for the journal; and that
//! nobody else writes there.

use std::os::unix::fs::MetadataExt;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::executable::{Binary, agent, http, run_json};
use crate::log_secrets::{FORMATS, send};
use crate::races::{database, directory, people, text};
use crate::tally::{raw, raw_status};

/// The lines that are objects, as a program reads them.
fn lines(log: &str) -> Vec<Value> {
    let line = |line| serde_json::from_str(line).unwrap();
    log.lines().map(line).collect()
}

fn line<'a>(lines: &'a [Value], message: &str) -> &'a Value {
    let found = lines
        .iter()
        .find(|line| text(&line["message"]).starts_with(message));
    found.unwrap_or_else(|| panic!("no {message} in {lines:#?}"))
}

#[test]
fn the_start_tells_what_starts_with_which_settings_and_the_end_why() {
    let (_directory, data) = directory();
    let variables = [
        ("SARYNO_GROUP_DM_MAX", "12"),
        ("SARYNO_METRICS__TOKEN", "a-token-for-observers"),
    ];
    for signal in ["TERM", "INT"] {
        let mut server = Binary::start_with(&data, &[], &variables);
        let url = server.url.clone();
        server.signal(signal);
        assert!(server.child.wait().unwrap().success());
        let log = server.log();
        assert!(!log.contains("a-token-for-observers"));
        let all = lines(&log);
        let start = line(&all, "Saryno starts");
        assert_eq!(start["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(text(&start["data"]), data.to_str().unwrap());
        let settings = text(&start["settings"]);
        for setting in [
            "group_dm_max = 12 (SARYNO_GROUP_DM_MAX)",
            "port = 0 (flag)",
            "metrics.token = \"(set)\"",
        ] {
            assert!(settings.contains(setting), "{settings}");
        }
        assert!(!settings.contains("workers"), "{settings}");
        line(&all, &format!("listening on {url}"));
        let stopping = all
            .iter()
            .rfind(|line| line["message"] == "stopping")
            .unwrap();
        assert_eq!(stopping["signal"], format!("SIG{signal}"));
        let last = all.last().unwrap();
        assert!(text(&last["message"]).starts_with("ended: "), "{last}");
        assert_eq!(last["level"], "INFO");
    }
}

#[test]
fn a_request_is_a_line_with_its_route_and_not_its_path_in_both_forms() {
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    for format in ["text", "json"] {
        let server = Binary::start_with(&data, &[], &[("SARYNO_LOG__FORMAT", format)]);
        let before = server.log().len();
        let get = |path: &str| {
            let request = agent().get(format!("{}{path}", server.url));
            let request = request.header("Authorization", format!("Bearer {}", person.token));
            let answer = request.call().unwrap();
            let id = answer.headers()["X-Request-Id"]
                .to_str()
                .unwrap()
                .to_owned();
            let log = server.log();
            let found = log[before..].lines().find(|line| line.contains(&id));
            found
                .unwrap_or_else(|| panic!("{id} is not in {log}"))
                .to_owned()
        };
        let known = get(&format!("/v1/users/{}?of=mine", person.id));
        let unknown = get("/of/mine");
        if format == "json" {
            let known: Value = serde_json::from_str(&known).unwrap();
            assert_eq!(
                json!([
                    known["method"],
                    known["route"],
                    known["status"],
                    known["account"],
                    known["message"]
                ]),
                json!(["GET", "/v1/users/<id>", 200, person.id, "request"])
            );
            assert!(known["microseconds"].is_u64());
        } else {
            let route = "method=\"GET\" route=\"/v1/users/<id>\" status=200 microseconds=";
            assert!(known.contains(route), "{known}");
            assert!(
                known.contains(&format!("account=\"{}\"", person.id)),
                "{known}"
            );
            assert!(!known.contains('\u{1b}'), "{known}");
        }
        for line in [&known, &unknown] {
            assert!(!line.contains("mine"), "{line}");
        }
    }
}

#[test]
fn the_level_says_what_is_left_out() {
    let (_directory, data) = directory();
    for (level, requests) in [("info", true), ("warn", false), ("error", false)] {
        let server = Binary::start_with(&data, &[], &[("SARYNO_LOG__LEVEL", level)]);
        let before = server.log().len();
        let health = http(&agent(), "GET", &format!("{}/health", server.url), "", "");
        assert_eq!(health.unwrap().0, 200);
        let log = server.log();
        assert_eq!(
            log[before..].contains("microseconds"),
            requests,
            "{level}: {log}"
        );
        assert!(server.terminate().success());
    }
}

#[test]
fn the_journal_has_times_of_its_own_and_a_file_has_not() {
    let (_directory, data) = directory();
    let log = data.with_extension("log");
    let file = std::fs::File::create(&log).unwrap();
    let stream = |inode: u64| format!("{}:{inode}", file.metadata().unwrap().dev());
    let inode = file.metadata().unwrap().ino();
    for (stream, is_the_journal) in [(stream(inode), true), (stream(inode + 1), false)] {
        let before = std::fs::read_to_string(&log).unwrap().len();
        let variables = [
            ("SARYNO_LOG__FORMAT", "text"),
            ("JOURNAL_STREAM", stream.as_str()),
        ];
        let server = Binary::start_with(&data, &[], &variables);
        let log = server.log();
        let first = log[before..].lines().next().unwrap();
        assert!(first.contains("INFO Saryno starts"), "{first}");
        assert_eq!(
            first.trim_start().starts_with("INFO"),
            is_the_journal,
            "{first}"
        );
    }
}

#[test]
fn writes_that_fail_are_logged_when_it_begins_and_when_it_is_over() {
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    let server = Binary::start(&data);
    let write = || {
        let url = format!("{}/communities", server.url);
        let answer = http(
            &agent(),
            "POST",
            &url,
            &person.token,
            "{\"name\": \"Home\"}",
        );
        answer.unwrap().0
    };
    assert_eq!(write(), 201);
    let lock = Connection::open(data.join("saryno.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(write(), 503);
    let log = lines(&server.log());
    let trouble = line(&log, "writes fail");
    assert_eq!(trouble["level"], "ERROR");
    assert!(!text(&trouble["detail"]).is_empty(), "{trouble}");
    drop(lock);
    assert_eq!(write(), 201);
    let log = lines(&server.log());
    line(&log, "writes succeed again");
    let told = log.iter().filter(|line| line["message"] == "writes fail");
    assert_eq!(told.count(), 1);
}

#[test]
fn whatever_a_client_sends_its_log_is_one_plain_line() {
    for format in FORMATS {
        let (_kept, data) = directory();
        let made = run_json(&data, &["user", "create", r#"\n"{x}"=\x1b[31m"#, "--token"]);
        let variables = [
            ("SARYNO_LOG__FORMAT", format),
            ("SARYNO_LOG__LEVEL", "debug"),
        ];
        let server = Binary::start_with(&data, &[], &variables);
        let before = server.log().lines().count();
        let mut sent = 0;
        let hostile: [&[u8]; 8] = [
            b"\x1b[31mred",
            b"a\rb",
            b"%0d%0aINFO%20request%20forged",
            b"%1b%5b2J",
            b"\xc2\x9b31m",
            b"\xe2\x80\xa8line\xe2\x80\xae",
            b"\"}\\u001b[31m{\"",
            b"x\ty",
        ];
        for bytes in hostile {
            for (start, end) in [
                (&b"GET /users/"[..], &b" HTTP/1.1\r\n"[..]),
                (b"GET /users?tag=", b" HTTP/1.1\r\n"),
                (b"GET /admin/", b" HTTP/1.1\r\n"),
                (b"GET /admin/api/backups/", b" HTTP/1.1\r\n"),
                (b"BREW", b" / HTTP/1.1\r\n"),
                (b"GET / HTTP/1.1\r\nUser-Agent: ", b"\r\n"),
                (b"GET / HTTP/1.1\r\nX-Request-Id: ", b"\r\n"),
                (b"GET / HTTP/1.1\r\nX-Forwarded-For: ", b"\r\n"),
                (
                    b"POST /users/@me/channels HTTP/1.1\r\nIdempotency-Key: ",
                    b"\r\n",
                ),
            ] {
                let more = format!(
                    "Host: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\r\n",
                    text(&made["token"])
                );
                let answer = raw(&server, &[start, bytes, end, more.as_bytes()].concat());
                assert!(answer.is_empty() || raw_status(&answer) >= 400, "{answer}");
                sent += 1;
            }
        }
        // An error with details, and a panic's line would look alike.
        database(&data)
            .execute_batch("ALTER TABLE communities RENAME TO \"else\nwhere\u{1b}\"")
            .unwrap();
        let bearer = format!("Bearer {}", text(&made["token"]));
        let path = "/communities/1";
        assert_eq!(
            send(&server, "GET", path, Some(("Authorization", &bearer)), "").0,
            500
        );
        let log = server.log();
        let lines: Vec<_> = log.split_terminator('\n').skip(before).collect();
        assert!(lines.len() > sent / 4, "{log}");
        for line in lines {
            let plain = line
                .chars()
                .all(|sign| !sign.is_control() && !"\u{2028}\u{2029}\u{202e}".contains(sign));
            assert!(plain, "{line:?}");
            if format == "json" {
                let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
                assert!(
                    line["timestamp"].is_string() && line["level"].is_string(),
                    "{line}"
                );
            } else {
                let (moment, rest) = line.split_at(27);
                assert!(moment.starts_with("20") && moment.ends_with('Z'), "{line}");
                let level = rest.split_whitespace().next().unwrap();
                assert!(
                    ["ERROR", "WARN", "INFO", "DEBUG"].contains(&level),
                    "{line}"
                );
            }
            assert!(!line.contains("forged"), "{line}");
        }
    }
}
