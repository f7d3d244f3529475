//! The look at the whole of a database: what it finds in one that is well, and in each that isn't.

use std::path::Path;

use rusqlite::Connection;
use saryno::backups::{Pace, Severity, Source, Verification};
use saryno::store::sqlite::{DatabaseFile, verify_copy};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::executable::{Binary, run, run_json};
use crate::races::{directory, people, text};
use crate::schema;

/// A file with one of everything in it, and nobody who has it open.
fn one_of_everything() -> TempDir {
    let (directory, connection) = schema::database();
    // The SHA-256 of "test" and a line's end.
    let hash = "x'f2ca1bb6c7e907d06dafe4687e579fce76b37e4e93b7605022da52e6ccc26fd2'";
    let more = format!(
        "INSERT INTO admins (id, name, name_key) VALUES (12, 'root', 'root');
        INSERT INTO images (hash, png) VALUES ({hash}, x'746573740a');
        UPDATE users SET avatar = {hash} WHERE id = 1;
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 160)
        INSERT INTO users (id, username, username_key, discriminator) SELECT 100 + n, 'Crowd', 'crowd', n FROM n;"
    );
    connection.execute_batch(&more).unwrap();
    directory
}

fn look(directory: &Path) -> Verification {
    let file = DatabaseFile::at(&directory.join("saryno.db"));
    file.verify(&Pace::full()).unwrap()
}

#[test]
fn a_store_with_one_of_everything_is_well() {
    let directory = one_of_everything();
    let verification = look(directory.path());
    assert_eq!(verification.findings, []);
    assert!(verification.checks.len() > 15, "{verification:?}");
}

/// What breaks a rule, whatever the schema has against it, and the check that finds it.
const BROKEN: [(&str, &str); 43] = [
    ("DELETE FROM users WHERE id = 2", "foreign_keys"),
    ("UPDATE tokens SET user_id = 99", "foreign_keys"),
    ("DELETE FROM instance", "instance"),
    (
        "DELETE FROM participants WHERE channel_id = 7 AND user_id = 1",
        "dm_participants",
    ),
    (
        "INSERT INTO participants (channel_id, user_id, since) VALUES (7, 3, 7)",
        "dm_participants",
    ),
    (
        "UPDATE participants SET user_id = 3 WHERE channel_id = 7 AND user_id = 2",
        "dm_participants",
    ),
    (
        "UPDATE participants SET other_id = NULL WHERE channel_id = 7 AND user_id = 2",
        "dm_participants",
    ),
    (
        "UPDATE participants SET other_id = 3 WHERE channel_id = 7 AND user_id = 2",
        "dm_participants",
    ),
    (
        "UPDATE participants SET other_id = 2 WHERE channel_id = 8 AND user_id = 1",
        "groups",
    ),
    (
        "DROP INDEX dms_by_pair; INSERT INTO channels (id, type, lower_id, higher_id) VALUES (20, 2, 1, 2)",
        "dm_pairs",
    ),
    ("UPDATE channels SET owner_id = 2 WHERE id = 8", "groups"),
    ("DELETE FROM participants WHERE channel_id = 8", "groups"),
    ("DELETE FROM members", "community_owners"),
    ("UPDATE communities SET owner_id = 2", "community_owners"),
    ("UPDATE counts SET users = users + 1", "counts"),
    ("UPDATE counts SET bots = 0", "counts"),
    ("UPDATE counts SET communities = 0", "counts"),
    ("UPDATE counts SET dms = 0", "counts"),
    ("UPDATE counts SET groups = 0", "counts"),
    ("DELETE FROM counts", "instance"),
    (
        "INSERT INTO shared_names (username_key, holders) VALUES ('ada', 2)",
        "shared_names",
    ),
    (
        "DROP TRIGGER name_changed; UPDATE users SET username_key = 'ada' WHERE id = 2",
        "shared_names",
    ),
    (
        "UPDATE taken SET bits = bits & ~(1 << 7) WHERE word = 1",
        "taken",
    ),
    (
        "UPDATE taken SET bits = bits | (1 << 63) WHERE word = 77",
        "taken",
    ),
    ("DELETE FROM taken WHERE word = 156", "taken"),
    ("DELETE FROM taken", "taken"),
    (
        "INSERT INTO taken (username_key, word, bits) SELECT 'ada', word, (word = 0) << 1 FROM taken",
        "taken",
    ),
    (
        "INSERT INTO taken (username_key, word, bits) VALUES ('nobody', 0, 0)",
        "taken",
    ),
    (
        "DROP TRIGGER renumbered; UPDATE users SET discriminator = 5000 WHERE id = 101",
        "taken",
    ),
    ("UPDATE tokens SET user_id = 4", "tombstones"),
    ("UPDATE resets SET user_id = 4", "tombstones"),
    (
        "INSERT INTO blocks (user_id, blocked_id) VALUES (4, 1)",
        "tombstones",
    ),
    (
        "INSERT INTO blocks (user_id, blocked_id) VALUES (1, 4)",
        "tombstones",
    ),
    (
        "INSERT INTO members (user_id, community_id, since) VALUES (4, 9, 1)",
        "tombstones",
    ),
    (
        "INSERT INTO participants (channel_id, user_id, since) VALUES (8, 4, 1)",
        "tombstones",
    ),
    (
        "DROP TRIGGER avatar_dropped; UPDATE users SET avatar = NULL",
        "images_owned",
    ),
    (
        "UPDATE participants SET since = 1000 WHERE user_id = 1",
        "since",
    ),
    ("UPDATE members SET since = 1000", "since"),
    (
        "UPDATE sqlite_sequence SET seq = 5 WHERE name = 'tokens'",
        "ids",
    ),
    ("DELETE FROM sqlite_sequence WHERE name = 'channels'", "ids"),
    ("UPDATE images SET png = x'00'", "images"),
    ("DROP INDEX users_by_avatar", "schema"),
    ("DROP TABLE blocks", "schema"),
];

#[test]
fn each_rule_that_is_broken_is_found_by_its_name() {
    let whole = one_of_everything();
    for (sql, check) in BROKEN {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("saryno.db");
        std::fs::copy(whole.path().join("saryno.db"), &file).unwrap();
        let connection = Connection::open(&file).unwrap();
        let free = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON";
        connection.execute_batch(free).unwrap();
        connection.execute_batch(sql).unwrap();
        drop(connection);
        let verification = look(directory.path());
        assert!(!verification.holds(), "{sql}");
        let found: Vec<_> = verification.findings.iter().map(|one| one.check).collect();
        assert!(found.contains(&check), "{sql}: {found:?}");
        for finding in &verification.findings {
            assert!(finding.count > 0 && !finding.message.is_empty());
        }
    }
}

#[test]
fn a_name_with_the_key_of_other_unicode_tables_is_a_warning() {
    let directory = one_of_everything();
    let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
    let sql = "UPDATE users SET username_key = 'b0b' WHERE id = 2";
    connection.execute(sql, []).unwrap();
    let verification = look(directory.path());
    let [finding] = &verification.findings[..] else {
        panic!("{verification:?}")
    };
    assert!(verification.holds());
    assert_eq!(
        (finding.check, finding.severity, &finding.examples[..]),
        ("name_keys", Severity::Warning, &["2".to_owned()][..])
    );
}

#[test]
fn another_programs_table_is_a_warning_and_litestreams_is_none() {
    let directory = one_of_everything();
    let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
    connection
        .execute_batch("CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)")
        .unwrap();
    assert_eq!(look(directory.path()).findings, []);
    connection.execute_batch("CREATE TABLE notes (x)").unwrap();
    let verification = look(directory.path());
    assert!(verification.holds());
    assert_eq!(verification.findings[0].examples, ["notes"]);
}

#[test]
fn a_pace_that_has_ended_ends_the_look() {
    let directory = one_of_everything();
    let over = Pace::gentle(std::sync::Arc::new(true.into()));
    let file = DatabaseFile::at(&directory.path().join("saryno.db"));
    assert_eq!(file.verify(&over), Err(saryno::error::Error::ShuttingDown));
}

#[test]
fn a_copy_under_a_name_with_signs_that_mean_something_in_an_address_is_looked_at_without_a_trace() {
    let whole = one_of_everything();
    let directory = tempfile::tempdir().unwrap();
    let copy = directory.path().join("what? 100% #1 ü&x=y.db");
    std::fs::copy(whole.path().join("saryno.db"), &copy).unwrap();
    let verification = verify_copy(&copy, &Pace::full()).unwrap();
    assert_eq!(verification.findings, []);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn verify_says_that_all_is_well_beside_a_server_and_without_one() {
    let (_directory, data) = directory();
    people(&data, 3);
    let mut server = Some(Binary::start(&data));
    for _ in ["served", "at rest"] {
        let result = run_json(&data, &["verify"]);
        assert_eq!(
            (&result["ok"], &result["findings"]),
            (&json!(true), &json!([]))
        );
        let text = run(&data, &["verify"]);
        let text = String::from_utf8(text.stdout).unwrap();
        assert!(text.starts_with("All is well: "), "{text}");
        if let Some(server) = server.take() {
            assert!(server.terminate().success());
        }
    }
}

#[test]
fn verify_lists_what_it_found_and_ends_with_1() {
    let (_directory, data) = directory();
    people(&data, 3);
    let connection = Connection::open(data.join("saryno.db")).unwrap();
    connection
        .execute("UPDATE counts SET users = 7", [])
        .unwrap();
    drop(connection);
    let output = run(&data, &["verify", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["ok"], false);
    assert_eq!(text(&result["findings"][0]["check"]), "counts");
    assert_eq!(text(&result["findings"][0]["severity"]), "broken");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("saryno restore"), "{complaint}");
}

#[test]
fn verify_without_data_says_so_and_makes_none() {
    let (_directory, data) = directory();
    let output = run(&data, &["verify"]);
    assert_eq!(output.status.code(), Some(1));
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(complaint.contains("--data"), "{complaint}");
    assert!(!data.exists());
}

#[test]
fn what_is_no_database_of_saryno_is_told_so() {
    for (contents, words) in [
        (&b""[..], "empty"),
        (&b"Dear diary, ".repeat(1_000)[..], "not a database"),
    ] {
        let (_directory, data) = directory();
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("saryno.db"), contents).unwrap();
        let output = run(&data, &["verify"]);
        assert_eq!(output.status.code(), Some(1));
        let told = String::from_utf8(output.stdout).unwrap();
        assert!(told.contains(words), "{told}");
    }
}
