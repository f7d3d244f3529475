//! `saryno restore`, of the real executable: what comes back, what does not, and what is refused with nothing touched.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use saryno::id::Id;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::backups::{backup, grow, in_namespace, names, refusal, while_16_write};
use crate::executable::{Binary, agent, http, run, run_json};
use crate::races::{Person, database, directory, number, people, text};

/// A data directory with people in it, and a backup of it.
fn backed_up(count: usize) -> (TempDir, PathBuf, PathBuf, Vec<Person>) {
    let (directory, data) = directory();
    let people = people(&data, count);
    let file = directory.path().join("one.db");
    assert!(backup(&data, &file).status.success());
    (directory, data, file, people)
}

fn restore(data: &Path, file: &Path, more: &[&str]) -> Value {
    let arguments = [&["restore", file.to_str().unwrap()], more].concat();
    run_json(data, &arguments)
}

/// Everything in a directory, but for the locks, which hold nothing.
fn contents(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = names(directory).into_iter();
    files
        .filter(|name| !["serve.lock", "command.lock", "backups"].contains(&name.as_str()))
        .map(|name| (name.clone(), std::fs::read(directory.join(name)).unwrap()))
        .collect()
}

/// The restore fails with these words, and the data are as they were.
#[track_caller]
fn is_refused(data: &Path, file: &Path, words: &str) {
    let before = contents(data);
    let complaint = refusal(&run(data, &["restore", file.to_str().unwrap()]));
    assert!(complaint.contains(words), "{complaint}");
    assert!(complaint.starts_with("saryno: "), "{complaint}");
    assert!(
        contents(data) == before,
        "something was touched: {:?}",
        names(data)
    );
}

#[test]
fn what_the_backup_holds_is_back_and_the_old_data_are_kept_aside() {
    let (_directory, data, file, _) = backed_up(3);
    run_json(
        &data,
        &["user", "create", "Later", "--discriminator", "0001"],
    );
    let outcome = restore(&data, &file, &[]);
    assert_eq!(number(&database(&data), "SELECT count(*) FROM users"), 3);
    assert!(run_json(&data, &["verify"])["ok"] == true);
    let aside = PathBuf::from(text(&outcome["aside"]));
    let name = aside.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("saryno.db.before-restore-20"), "{name}");
    let old = Connection::open(&aside).unwrap();
    assert_eq!(number(&old, "SELECT count(*) FROM users"), 4);
    for name in ["saryno.db", name] {
        let mode = std::fs::metadata(data.join(name)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600, "{name}");
    }
    // And back again.
    drop(old);
    restore(&data, &aside, &[]);
    assert_eq!(number(&database(&data), "SELECT count(*) FROM users"), 4);
}

#[test]
fn what_a_killed_server_left_in_its_wal_is_kept_aside_too() {
    let (_directory, data, file, people) = backed_up(3);
    let server = Binary::start(&data);
    let url = format!("{}/communities", server.url);
    let made = http(
        &agent(),
        "POST",
        &url,
        &people[0].token,
        r#"{"name": "Late"}"#,
    );
    assert_eq!(made.unwrap().0, 201);
    server.kill();
    assert!(std::fs::metadata(data.join("saryno.db-wal")).unwrap().len() > 0);
    let outcome = restore(&data, &file, &[]);
    let old = Connection::open(text(&outcome["aside"])).unwrap();
    assert_eq!(number(&old, "SELECT count(*) FROM communities"), 1);
    assert_eq!(
        number(&database(&data), "SELECT count(*) FROM communities"),
        0
    );
}

#[test]
fn data_that_are_damaged_beyond_reading_are_kept_aside_as_they_are() {
    let (_directory, data, file, _) = backed_up(3);
    std::fs::write(data.join("saryno.db"), "what a disk left").unwrap();
    std::fs::write(data.join("saryno.db-wal"), "and more of it").unwrap();
    let outcome = restore(&data, &file, &[]);
    let aside = text(&outcome["aside"]);
    assert_eq!(std::fs::read(aside).unwrap(), b"what a disk left");
    assert_eq!(run_json(&data, &["verify"])["ok"], true);
    assert_eq!(number(&database(&data), "SELECT count(*) FROM users"), 3);
}

#[test]
fn on_a_new_machine_a_restore_makes_the_data() {
    let (directory, _data, file, _) = backed_up(3);
    let new = directory.path().join("new");
    let outcome = restore(&new, &file, &[]);
    assert_eq!(outcome["aside"], Value::Null);
    assert_eq!(number(&database(&new), "SELECT count(*) FROM users"), 3);
    let server = Binary::start(&new);
    let ready = http(&agent(), "GET", &format!("{}/ready", server.url), "", "");
    assert_eq!(ready.unwrap().0, 200);
}

#[test]
fn nobody_is_logged_in_after_a_restore_unless_they_are_to_be() {
    let (directory, data) = directory();
    let people = people(&data, 2);
    run_json(&data, &["admin", "create", "root"]);
    run_json(&data, &["user", "reset-link", &people[0].id]);
    let rows = "INSERT INTO admin_sessions (id, admin_id, hash, last_used) SELECT 1, id, zeroblob(32), 0 FROM admins;
        INSERT INTO admin_tokens (id, admin_id, hash, name) SELECT 1, id, zeroblob(32), 'script' FROM admins";
    database(&data).execute_batch(rows).unwrap();
    let file = directory.path().join("one.db");
    assert!(backup(&data, &file).status.success());
    let tables = [
        "tokens",
        "resets",
        "admin_sessions",
        "admin_tokens",
        "admin_links",
    ];
    let left =
        || tables.map(|table| number(&database(&data), &format!("SELECT count(*) FROM {table}")));
    let me = |server: &Binary| {
        let url = format!("{}/users/@me", server.url);
        http(&agent(), "GET", &url, &people[0].token, "").unwrap().0
    };

    restore(&data, &file, &["--keep-sessions"]);
    assert_eq!(left(), [2, 1, 1, 1, 1]);
    let server = Binary::start(&data);
    assert_eq!(me(&server), 200);
    server.terminate();
    restore(&data, &file, &[]);
    assert_eq!(left(), [0; 5]);
    let server = Binary::start(&data);
    assert_eq!(me(&server), 401);
    server.terminate();

    let sql = "SELECT target_name || after FROM audit WHERE action = 'backup.restore'";
    let told: String = database(&data)
        .query_row(sql, [], |row| row.get(0))
        .unwrap();
    assert!(
        told.starts_with("one.db") && told.contains(r#""tokens":2"#),
        "{told}"
    );
}

#[test]
fn ids_after_a_restore_are_above_those_of_the_backup_and_of_the_old_data() {
    let (_directory, data, file, people) = backed_up(3);
    // As if the clock had been ahead while the old data were written: what is minted now is below.
    let ahead: i64 = people[0].id.parse::<i64>().unwrap() + ((60 * 60 * 1000) << 22);
    let sql = "INSERT INTO audit (id, admin_name, admin_key, via, action) VALUES (?1, 'x', 'x', 'x', 'x')";
    database(&data).execute(sql, [ahead]).unwrap();
    restore(&data, &file, &[]);
    let made = run_json(&data, &["user", "create", "Next"]);
    let id: i64 = text(&made["user"]["id"]).parse().unwrap();
    assert!(id > ahead, "{id} is not above {ahead}");
    assert_eq!(run_json(&data, &["verify"])["ok"], true);
}

#[test]
fn a_backup_made_under_load_is_restored_and_no_id_comes_twice() {
    let (directory, data) = directory();
    let people = people(&data, 40);
    grow(&data, 10);
    let file = directory.path().join("one.db");
    let server = Binary::start(&data);
    let (before, all) = while_16_write(&server.url, &people, || {
        assert!(backup(&data, &file).status.success());
    });
    server.terminate();
    restore(&data, &file, &["--keep-sessions"]);
    assert_eq!(run_json(&data, &["verify"])["ok"], true);
    let restored = number(&database(&data), "SELECT count(*) FROM communities");
    assert!(usize::try_from(restored).unwrap() >= before.len());
    let server = Binary::start(&data);
    let (_, again) = while_16_write(&server.url, &people, || ());
    assert!(all.last() < again.first());
    let ids: BTreeSet<Id> = all.intersection(&again).copied().collect();
    assert_eq!(ids, BTreeSet::new());
}

#[test]
fn a_server_or_a_command_on_the_data_refuses_a_restore() {
    let (_directory, data, file, _) = backed_up(3);
    let server = Binary::start(&data);
    let complaint = refusal(&run(&data, &["restore", file.to_str().unwrap()]));
    assert!(complaint.contains("stop that one"), "{complaint}");
    server.terminate();
    let lock = std::fs::File::create(data.join("command.lock")).unwrap();
    lock.lock().unwrap();
    is_refused(&data, &file, "another command works");
    drop(lock);
    // Whoever else has the database open.
    let other = database(&data);
    number(&other, "SELECT count(*) FROM users");
    let complaint = refusal(&run(&data, &["restore", file.to_str().unwrap()]));
    assert!(complaint.contains("another program has"), "{complaint}");
    drop(other);
    restore(&data, &file, &[]);
}

#[test]
fn what_is_no_backup_is_refused_and_nothing_is_touched() {
    let (directory, data, file, _) = backed_up(3);
    let whole = std::fs::read(&file).unwrap();
    let other = directory.path().join("other.db");
    let changed = |sql: &str| {
        std::fs::write(&other, &whole).unwrap();
        let connection = Connection::open(&other).unwrap();
        connection.execute_batch(sql).unwrap();
    };
    changed("PRAGMA user_version = 2");
    is_refused(&data, &other, "schema version 2 and this program knows 1");
    changed("PRAGMA application_id = 7");
    is_refused(&data, &other, "another program");
    changed("UPDATE counts SET users = 9");
    is_refused(&data, &other, "counts");
    std::fs::write(&other, &whole[..whole.len() / 2]).unwrap();
    is_refused(&data, &other, "damaged");
    std::fs::write(&other, &whole[..5_000]).unwrap();
    is_refused(&data, &other, "damaged");
    std::fs::write(&other, "Dear diary, ".repeat(1_000)).unwrap();
    is_refused(&data, &other, "not a database");
    std::fs::write(&other, "").unwrap();
    is_refused(&data, &other, "empty");
    is_refused(&data, directory.path(), "no file");
    is_refused(&data, &directory.path().join("missing.db"), "No such file");
    is_refused(&data, &data.join("saryno.db"), "the data themselves");
    std::fs::write(&other, &whole).unwrap();
    std::fs::write(directory.path().join("other.db-wal"), "a log").unwrap();
    is_refused(&data, &other, "write-ahead log");
    std::fs::write(directory.path().join("one.db.sha256"), "garbage").unwrap();
    is_refused(&data, &file, "holds no SHA-256");
}

#[test]
fn a_flipped_bit_in_any_tenth_of_a_backup_is_noticed() {
    let (_directory, data, file, _) = backed_up(3);
    let whole = std::fs::read(&file).unwrap();
    for tenth in 0..10 {
        let mut flipped = whole.clone();
        let at = whole.len() * (2 * tenth + 1) / 20;
        flipped[at] ^= 0x10;
        std::fs::write(&file, flipped).unwrap();
        is_refused(&data, &file, "SHA-256");
    }
    std::fs::write(&file, whole).unwrap();
    assert_eq!(restore(&data, &file, &[])["sessions_kept"], json!(false));
}

#[test]
fn a_kill_at_any_moment_of_a_restore_leaves_the_old_data_or_the_new_whole() {
    let (_directory, data, file, _) = backed_up(3);
    grow(&data, 10);
    run_json(&data, &["user", "create", "Later"]);
    let users = || number(&database(&data), "SELECT count(*) FROM users");
    let begun = std::time::Instant::now();
    let outcome = restore(&data, &file, &[]);
    let whole = begun.elapsed();
    let old = PathBuf::from(text(&outcome["aside"]));
    // There and back, ended ever later.
    let rounds = 20;
    let mut seen = BTreeSet::new();
    for round in 0..rounds {
        let to = if users() == 3 { &old } else { &file };
        let mut child = crate::executable::saryno(&data, &["restore", to.to_str().unwrap()])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * round / rounds);
        child.kill().unwrap();
        child.wait().unwrap();
        let look = run(&data, &["verify"]);
        assert!(
            look.status.success(),
            "round {round}: {look:?} {:?}",
            names(&data)
        );
        seen.insert(users());
    }
    assert!(seen.is_subset(&[3, 4].into()), "{seen:?}");
    restore(&data, &file, &[]);
    assert_eq!(users(), 3);
    assert!(!names(&data).iter().any(|name| name.contains("restoring")));
}

#[test]
fn a_restore_for_which_there_is_no_room_leaves_the_data_as_they_were() {
    let (_directory, data, file, _) = backed_up(3);
    let script = "mount -t tmpfs -o size=64k none \"$1\"; \"$2\" --data \"$1/data\" restore \"$3\"";
    let place = data.with_extension("small");
    std::fs::create_dir(&place).unwrap();
    let output = in_namespace(&file, &place, script);
    let complaint = refusal(&output);
    assert!(complaint.contains("nothing was changed"), "{complaint}");
}
