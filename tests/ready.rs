//! What `/ready` tells of the store, of the last look at the whole of it, and of the newest backup.

use rusqlite::Connection;
use saryno::clock::Timestamp;
use serde_json::{Value, json};

use crate::backup_schedule::{eventually, ready, verified};
use crate::executable::Binary;
use crate::races::{directory, people, text};

const OFF: [(&str, &str); 1] = [("SARYNO_BACKUP__EVERY", "off")];

fn moment(value: &Value) -> Timestamp {
    text(value).parse().unwrap()
}

#[test]
fn it_tells_when_the_data_were_looked_at_and_when_the_newest_backup_was_made() {
    let (_directory, data) = directory();
    people(&data, 1);
    let before = Timestamp::now();
    let server = Binary::start(&data);
    eventually("a backup", || !ready(&server).1["backup"].is_null());
    let (status, answer) = ready(&server);
    assert_eq!(
        (status, &answer["status"], &answer["store"]),
        (200, &json!("ready"), &json!("answers"))
    );
    assert_eq!(answer["check"]["outcome"], "whole");
    let looked = moment(&answer["check"]["at"]);
    assert!(looked >= before && looked <= Timestamp::now(), "{answer}");
    assert!(
        answer["backup"]["age_seconds"].as_i64().unwrap() < 600,
        "{answer}"
    );
    // Its name tells the second.
    let name = verified(&data).pop().unwrap();
    let made_at = text(&answer["backup"]["made_at"]).replace(':', "-");
    assert_eq!(name, format!("saryno-{made_at}.db"));
}

#[test]
fn it_tells_how_old_the_newest_backup_is_and_warns_when_that_is_too_old() {
    let (_directory, data) = directory();
    people(&data, 1);
    let backups = data.join("backups");
    std::fs::create_dir(&backups).unwrap();
    let name = "saryno-2026-01-01T00-00-00Z.db";
    std::fs::write(backups.join(name), "of last winter").unwrap();
    let sum = format!("{}  {name}\n", "0".repeat(64));
    std::fs::write(backups.join(format!("{name}.sha256")), sum).unwrap();
    let server = Binary::start_with(&data, &[], &OFF);
    let (status, answer) = ready(&server);
    assert_eq!(status, 200);
    assert_eq!(answer["backup"]["made_at"], "2026-01-01T00:00:00Z");
    let age = (Timestamp::now().0 - moment(&answer["backup"]["made_at"]).0) / 1_000;
    let told = answer["backup"]["age_seconds"].as_i64().unwrap();
    assert!((age - told).abs() < 60, "{told} s, and it is {age}");
    // Where none is made by itself, none is missed.
    assert!(answer["warnings"].is_null(), "{answer}");
}

#[test]
fn a_rule_that_is_broken_is_told_and_does_not_stand_against_serving() {
    let (_directory, data) = directory();
    people(&data, 1);
    let connection = Connection::open(data.join("saryno.db")).unwrap();
    connection
        .execute("UPDATE counts SET users = 7", [])
        .unwrap();
    drop(connection);
    let server = Binary::start_with(&data, &[], &OFF);
    eventually("the look", || !ready(&server).1["check"].is_null());
    let (status, answer) = ready(&server);
    assert_eq!(
        (status, &answer["check"]["outcome"]),
        (200, &json!("broken")),
        "{answer}"
    );
    assert!(answer["backup"].is_null());
    assert_eq!(answer["warnings"].as_array().unwrap().len(), 1, "{answer}");
}
