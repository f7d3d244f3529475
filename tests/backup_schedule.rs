//! Backups that are made by themselves, and the daily look at the data, of the real executable.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::admin_live::{get, set_up};
use crate::backups::{grow, names};
use crate::executable::{Binary, agent, http, run, run_json};
use crate::races::{directory, people};

pub(crate) fn verified(data: &Path) -> Vec<String> {
    let backups = data.join("backups");
    if !backups.exists() {
        return Vec::new();
    }
    let all = names(&backups).into_iter();
    all.filter(|name| name.ends_with("Z.db")).collect()
}

/// Waits for what comes by itself.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn ready(server: &Binary) -> (u16, Value) {
    http(&agent(), "GET", &format!("{}/ready", server.url), "", "").unwrap()
}

/// It is ready, and there is nothing to warn of.
fn all_is_well(server: &Binary) -> bool {
    let (status, answer) = ready(server);
    status == 200 && answer["status"] == "ready" && answer["warnings"].is_null()
}

#[test]
fn the_first_is_made_at_once_and_a_restart_neither_repeats_nor_postpones_it() {
    let (_directory, data) = directory();
    people(&data, 3);
    let server = Binary::start(&data);
    eventually("a backup", || verified(&data).len() == 1);
    let first = verified(&data);
    let whole = data.join("backups").join(&first[0]);
    let other = data.with_extension("other");
    eventually("its sum", || whole.with_extension("db.sha256").exists());
    assert!(
        run(&other, &["restore", whole.to_str().unwrap()])
            .status
            .success()
    );
    assert!(server.terminate().success());

    let server = Binary::start(&data);
    eventually("its decision", || {
        server.log().contains("the next backup is due")
    });
    assert_eq!(verified(&data), first);
    assert!(all_is_well(&server));
    assert!(server.terminate().success());

    // Made a day and a bit ago.
    let old = "saryno-2026-01-01T00-00-00Z.db";
    for end in ["", ".sha256"] {
        let from = format!("{}{end}", first[0]);
        let to = format!("{old}{end}");
        std::fs::rename(
            data.join("backups").join(from),
            data.join("backups").join(to),
        )
        .unwrap();
    }
    let _server = Binary::start(&data);
    eventually("the next", || verified(&data).len() == 2);
}

#[test]
fn the_newest_are_kept_and_no_other_file_is_touched() {
    let (_directory, data) = directory();
    people(&data, 3);
    let backups = data.join("backups");
    std::fs::create_dir(&backups).unwrap();
    std::fs::write(backups.join("mine.db"), "mine").unwrap();
    let variables = [("SARYNO_BACKUP__EVERY", "1s"), ("SARYNO_BACKUP__KEEP", "2")];
    let server = Binary::start_with(&data, &[], &variables);
    let mut seen = std::collections::BTreeSet::new();
    eventually("four backups", || {
        seen.extend(verified(&data));
        seen.len() >= 4
    });
    assert!(server.log().contains("a backup was made and verified"));
    assert!(server.terminate().success());
    let left = verified(&data);
    let newest: Vec<_> = seen.iter().rev().take(2).rev().cloned().collect();
    assert!(left.len() == 2 || left.len() == 3, "{left:?}");
    assert!(
        left.iter()
            .rev()
            .zip(newest.iter().rev())
            .all(|(a, b)| a >= b)
    );
    assert_eq!(std::fs::read(backups.join("mine.db")).unwrap(), b"mine");
}

#[test]
fn one_of_a_clock_that_was_ahead_neither_puts_off_the_next_nor_costs_it_its_place() {
    let (_directory, data) = directory();
    people(&data, 3);
    let backups = data.join("backups");
    std::fs::create_dir(&backups).unwrap();
    let ahead = "saryno-2099-01-01T00-00-00Z.db";
    std::fs::write(backups.join(ahead), "of another time").unwrap();
    let sum = format!("{}  {ahead}\n", "0".repeat(64));
    std::fs::write(backups.join(format!("{ahead}.sha256")), sum).unwrap();
    let _server = Binary::start_with(&data, &[], &[("SARYNO_BACKUP__KEEP", "1")]);
    eventually("only the new one", || {
        let left = verified(&data);
        left.len() == 1 && left[0] != ahead
    });
}

#[test]
fn none_is_made_where_they_are_off() {
    for off in ["off", "0"] {
        let (_directory, data) = directory();
        let server = Binary::start_with(&data, &[], &[("SARYNO_BACKUP__EVERY", off)]);
        eventually("its decision", || {
            server.log().contains("no backup is made by itself")
        });
        assert!(!data.join("backups").exists());
        assert!(all_is_well(&server));
    }
}

#[test]
fn one_that_fails_is_logged_and_told_and_tried_again() {
    let (directory, data) = directory();
    people(&data, 3);
    let place = directory.path().join("place");
    std::fs::write(&place, "in the way").unwrap();
    let variables = [
        ("SARYNO_BACKUP__EVERY", "1s"),
        ("SARYNO_BACKUP__DIR", place.to_str().unwrap()),
    ];
    let server = Binary::start_with(&data, &[], &variables);
    eventually("a warning", || ready(&server).1["warnings"][0].is_string());
    assert_eq!(ready(&server).0, 200);
    eventually("that it is overdue", || {
        let warnings = ready(&server).1["warnings"].to_string();
        warnings.contains("There is no verified backup")
    });
    assert!(server.log().contains("no backup was made"));
    std::fs::remove_file(&place).unwrap();
    eventually("none any more", || all_is_well(&server));
}

#[test]
fn a_stop_in_the_middle_of_one_waits_for_nothing_and_leaves_nothing() {
    let (_directory, data) = directory();
    people(&data, 3);
    grow(&data, 100);
    let server = Binary::start(&data);
    let backups = data.join("backups");
    eventually("one that is being made", || {
        backups.exists() && names(&backups).iter().any(|name| name.contains("partial"))
    });
    assert!(server.terminate().success());
    // Had it been waited for, it would be there.
    assert_eq!(names(&backups).len(), 0, "{:?}", names(&backups));
    assert!(!data.join("saryno.db-wal").exists());
}

#[test]
fn what_a_killed_server_left_of_one_is_cleared_away_and_the_next_start_makes_it() {
    let (_directory, data) = directory();
    people(&data, 3);
    grow(&data, 40);
    let backups = data.join("backups");
    let partial =
        || backups.exists() && names(&backups).iter().any(|name| name.contains("partial"));
    let server = Binary::start(&data);
    eventually("one that is being made", partial);
    server.kill();
    assert!(partial());
    assert_eq!(verified(&data), [] as [String; 0]);
    let _server = Binary::start(&data);
    eventually("a whole one", || verified(&data).len() == 1);
    eventually("nothing else", || !partial());
}

#[test]
fn a_damaged_file_is_told_by_ready_and_to_admins() {
    let (_directory, data) = directory();
    people(&data, 3);
    let (server, cookie) = set_up(&data);
    assert!(server.terminate().success());
    // The first backup may have been made already.
    let _ = std::fs::remove_dir_all(data.join("backups"));
    grow(&data, 1);
    // A page of the log's, which no request reads.
    let file = data.join("saryno.db");
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.len() - 3 * 4096;
    bytes[at..at + 4096].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let server = Binary::start(&data);
    eventually("503", || ready(&server).0 == 503);
    let (_, answer) = ready(&server);
    let message = answer["message"].as_str().unwrap();
    assert!(
        message.contains("damaged") && message.contains("saryno verify"),
        "{message}"
    );
    let mut report = get(&server, "/admin/api/backups", &cookie);
    let report = report.body_mut().read_to_string().unwrap();
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["warnings"][0], message);
    // And no backup is made of it.
    eventually("that none is", || {
        server.log().contains("no backup was made")
    });
    assert_eq!(verified(&data), [] as [String; 0]);
}

#[test]
fn a_setting_that_makes_no_sense_stops_the_start() {
    let (_directory, data) = directory();
    for (name, value) in [
        ("SARYNO_BACKUP__EVERY", "sometimes"),
        ("SARYNO_BACKUP__EVERY", "24"),
        ("SARYNO_BACKUP__KEEP", "0"),
    ] {
        let mut command = crate::executable::saryno(&data, &["config", "check"]);
        let output = command.env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}={value}");
        let complaint = String::from_utf8(output.stderr).unwrap().to_lowercase();
        assert!(complaint.contains("backup"), "{complaint}");
    }
    let shown = run_json(&data, &["config", "show"]).to_string();
    assert!(
        shown.contains(r#"{"key":"backup.every","value":"1day","source":"default"}"#),
        "{shown}"
    );
}
