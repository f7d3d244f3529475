//! What the real executable logs: its start and its end, requests, trouble; for a person, for a program, for the journal.

use std::os::unix::fs::MetadataExt;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::executable::{Binary, agent, http};
use crate::races::{directory, people, text};

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
