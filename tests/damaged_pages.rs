//! Pages of the database that are damaged, under the real executable: it says so, and never answers wrongly.

use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::backups::grow;
use crate::executable::{Binary, agent, http, run};
use crate::races::{database, directory, people, text};

fn ready(server: &Binary) -> (u16, Value) {
    http(&agent(), "GET", &format!("{}/ready", server.url), "", "").unwrap()
}

/// Waits for what comes by itself.
#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The first page of what this finds.
fn page(data: &Path, sql: &str) -> u64 {
    let number: i64 = database(data).query_row(sql, [], |row| row.get(0)).unwrap();
    u64::try_from(number).unwrap()
}

fn spoil(data: &Path, page: u64, with: u8) {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(data.join("saryno.db"))
        .unwrap();
    // Where the header says how long a page is.
    let mut size = [0; 2];
    file.read_exact_at(&mut size, 16).unwrap();
    let size = u16::from_be_bytes(size);
    let at = (page - 1) * u64::from(size);
    file.write_all_at(&vec![with; size.into()], at).unwrap();
}

#[test]
fn a_damaged_page_of_any_kind_is_told_by_ready_and_by_verify() {
    for sql in [
        "SELECT rootpage FROM sqlite_schema WHERE name = 'users_by_tag'",
        "SELECT rootpage FROM sqlite_schema WHERE name = 'blocks'",
        "SELECT max(pageno) FROM dbstat WHERE name = 'audit' AND pagetype = 'overflow'",
        "SELECT page FROM (SELECT 0 AS page)",
    ] {
        let (_directory, data) = directory();
        people(&data, 2);
        grow(&data, 1);
        let page = match page(&data, sql) {
            // The first of those that are free: its number stands in the header.
            0 => {
                let free = "DROP TRIGGER audit_remains; DELETE FROM audit WHERE id % 2 = 0;
                    CREATE TRIGGER audit_remains BEFORE DELETE ON audit BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
                    PRAGMA wal_checkpoint(TRUNCATE)";
                database(&data).execute_batch(free).unwrap();
                let bytes = std::fs::read(data.join("saryno.db")).unwrap();
                u64::from(u32::from_be_bytes(bytes[32..36].try_into().unwrap()))
            }
            page => page,
        };
        spoil(&data, page, 0xA5);
        let server = Binary::start(&data);
        eventually("503", || ready(&server).0 == 503);
        let (_, answer) = ready(&server);
        assert!(
            text(&answer["message"]).contains("saryno verify"),
            "{answer}"
        );
        server.kill();
        let look = run(&data, &["verify"]);
        assert_eq!(look.status.code(), Some(1), "{sql}: {look:?}");
    }
}

/// A thousand people who are found in pages that nobody has read yet.
fn crowd(data: &Path) {
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO users (id, username, username_key, discriminator) SELECT i, 'Crowd of ' || i, 'crowd of ' || i, i FROM n;
        PRAGMA wal_checkpoint(TRUNCATE)";
    database(data).execute_batch(sql).unwrap();
}

#[test]
fn damage_that_is_met_while_serving_is_an_error_and_never_a_404_and_ready_tells_at_once() {
    for with in [0x00, 0xA5] {
        let (_directory, data) = directory();
        let people = people(&data, 1);
        crowd(&data);
        let sql = "SELECT pageno FROM dbstat WHERE name = 'users' AND pagetype = 'leaf' ORDER BY path LIMIT 1 OFFSET 3";
        let page = page(&data, sql);
        let server = Binary::start(&data);
        eventually("the look at the data", || {
            server.log().contains("the data are whole")
        });
        assert_eq!(ready(&server).0, 200);
        spoil(&data, page, with);
        let (agent, mut damaged) = (agent(), 0);
        for id in 1..=1_000 {
            let url = format!("{}/users/{id}", server.url);
            let (status, answer) = http(&agent, "GET", &url, &people[0].token, "").unwrap();
            if status == 200 {
                assert_eq!(answer["username"], format!("Crowd of {id}"));
                continue;
            }
            assert_eq!(
                (status, &answer["code"]),
                (500, &json!("internal")),
                "{answer}"
            );
            assert_eq!(ready(&server).0, 503);
            damaged += 1;
        }
        assert!((10..200).contains(&damaged), "{damaged}");
        let (_, answer) = ready(&server);
        assert!(
            text(&answer["message"]).contains("saryno restore"),
            "{answer}"
        );
        assert!(server.log().contains("malformed"));
    }
}
