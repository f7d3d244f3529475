//! `saryno backup`, of the real executable: what it leaves, what it refuses, and what is left of it where it is cut short.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use saryno::id::Id;
use serde_json::json;
use tempfile::TempDir;

use crate::executable::{Binary, agent, http, run, run_json, saryno};
use crate::races::{Person, directory, number, people, text};

/// Rows of the log that make a database so many mebibytes larger: enough that a backup takes a while.
pub(crate) fn grow(data: &Path, mebibytes: i64) {
    let connection = Connection::open(data.join("saryno.db")).unwrap();
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO audit (id, admin_name, admin_key, via, action, target_name)
        SELECT 1000000 + i, 'command line', 'command line', 'command line', 'user.create', hex(randomblob(7900)) FROM n";
    connection.execute(sql, [mebibytes * 64]).unwrap();
}

/// A data directory with three people, and a place for backups beside it.
pub(crate) fn place() -> (TempDir, PathBuf, PathBuf) {
    let (directory, data) = directory();
    people(&data, 3);
    let backups = directory.path().join("kept");
    std::fs::create_dir(&backups).unwrap();
    (directory, data, backups)
}

pub(crate) fn names(directory: &Path) -> BTreeSet<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// What a command that fails says.
#[track_caller]
pub(crate) fn refusal(output: &Output) -> String {
    let complaint = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    complaint
}

pub(crate) fn backup(data: &Path, file: &Path) -> Output {
    run(data, &["backup", file.to_str().unwrap()])
}

/// How far a process lets others go first: 0 by default, 19 at most; none where it has ended.
fn niceness(process: &Child) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).ok()?;
    // The name, in parentheses, may hold anything; of what follows it is the seventeenth.
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    (fields.next()? != "Z").then(|| fields.nth(15).unwrap().parse().unwrap())
}

#[test]
fn a_command_that_works_hard_beside_a_server_lets_it_go_first() {
    let (_directory, data, kept) = place();
    // While this holds the file for itself, the commands wait, for seconds.
    let holder = Connection::open(data.join("saryno.db")).unwrap();
    holder
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT")
        .unwrap();
    let file = kept.join("copy");
    for command in ["backup", "verify", "export"] {
        let mut arguments = vec![command];
        arguments.extend((command != "verify").then_some(file.to_str().unwrap()));
        let mut process = saryno(&data, &arguments)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while niceness(&process).expect(command) != 10 {
            std::thread::yield_now();
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

#[test]
fn a_backup_is_one_private_file_with_its_sum_beside_it() {
    let (_directory, data, kept) = place();
    let _server = Binary::start(&data);
    let file = kept.join("one.db");
    let made = run_json(&data, &["backup", file.to_str().unwrap()]);
    assert_eq!(made["file"], json!(file));
    let size = std::fs::metadata(&file).unwrap().len();
    assert_eq!(made["bytes"], json!(size));
    assert!(made["seconds"].is_f64());
    assert_eq!(made["verification"]["findings"], json!([]));
    let expected: BTreeSet<_> = ["one.db", "one.db.sha256"].map(str::to_owned).into();
    assert_eq!(names(&kept), expected);
    for name in names(&kept) {
        let mode = std::fs::metadata(kept.join(&name)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", "one.db.sha256"])
        .current_dir(&kept)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
    let sum = std::fs::read_to_string(kept.join("one.db.sha256")).unwrap();
    assert!(sum.starts_with(text(&made["sha256"])));
    let copy = Connection::open(&file).unwrap();
    assert_eq!(number(&copy, "SELECT count(*) FROM users"), 3);
}

#[test]
fn the_sum_of_a_file_with_a_strange_name_is_one_that_sha256sum_reads() {
    let (_directory, data, kept) = place();
    let file = kept.join("a\\b\nc d.db");
    assert!(backup(&data, &file).status.success());
    let sum = names(&kept)
        .into_iter()
        .find(|name| name.ends_with(".sha256"));
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", &sum.unwrap()])
        .current_dir(&kept)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
}

#[test]
fn a_backup_replaces_nothing() {
    let (_directory, data, kept) = place();
    let file = kept.join("one.db");
    std::fs::write(&file, "mine").unwrap();
    let complaint = refusal(&backup(&data, &file));
    assert!(complaint.contains("exists"), "{complaint}");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    assert_eq!(names(&kept).len(), 1);
    let complaint = refusal(&backup(&data, Path::new("-")));
    assert!(complaint.contains("is a file"), "{complaint}");
}

#[test]
fn a_place_where_none_can_be_is_named_with_what_to_do() {
    let (directory, data, _) = place();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let before = names(directory.path());
    for (place, words) in [
        ("nowhere/one.db", "make it first"),
        ("file/one.db", "can't be written"),
    ] {
        let complaint = refusal(&backup(&data, &directory.path().join(place)));
        assert!(complaint.contains(words), "{complaint}");
    }
    assert_eq!(names(directory.path()), before);
}

/// Runs a script as root of a namespace of its own, in which it can mount what it likes on `$1`; `$2` is the executable, `$3` the data.
pub(crate) fn in_namespace(data: &Path, place: &Path, script: &str) -> Output {
    Command::new("unshare")
        .args([
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-euc",
            script,
            "sh",
        ])
        .args([place, Path::new(env!("CARGO_BIN_EXE_saryno")), data])
        .current_dir(data.parent().unwrap())
        .output()
        .unwrap()
}

#[test]
fn a_disk_that_fills_up_leaves_nothing_and_is_said() {
    let (_directory, data, kept) = place();
    grow(&data, 4);
    for kibibytes in [16, 64, 1024, 4096] {
        let script = format!(
            "mount -t tmpfs -o size={kibibytes}k none \"$1\"
            if \"$2\" --data \"$3\" backup \"$1/one.db\"; then exit 3; fi
            ls -A \"$1\""
        );
        let output = in_namespace(&data, &kept, &script);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        assert!(complaint.contains("no room left"), "{complaint}");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    }
}

#[test]
fn a_read_only_file_system_is_told_of() {
    let (_directory, data, kept) = place();
    let script = "mount -t tmpfs -o ro none \"$1\"
        if \"$2\" --data \"$3\" backup \"$1/one.db\"; then exit 3; fi";
    let output = in_namespace(&data, &kept, script);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert!(complaint.contains("read-only"), "{complaint}");
}

#[test]
fn data_that_are_not_whole_make_no_backup() {
    let (_directory, data, kept) = place();
    let connection = Connection::open(data.join("saryno.db")).unwrap();
    connection
        .execute("UPDATE counts SET users = 7", [])
        .unwrap();
    drop(connection);
    let complaint = refusal(&backup(&data, &kept.join("one.db")));
    assert!(complaint.contains("counts"), "{complaint}");
    assert_eq!(names(&kept).len(), 0);
}

#[test]
fn a_kill_at_any_moment_leaves_no_backup_that_is_none_and_the_next_clears_up() {
    let (_directory, data, kept) = place();
    grow(&data, 40);
    let file = kept.join("one.db");
    let begun = Instant::now();
    assert!(backup(&data, &file).status.success());
    let whole = begun.elapsed();
    let (mut midway, rounds) = (0, 12);
    for round in 0..rounds {
        for name in names(&kept).iter().filter(|name| !name.contains("partial")) {
            std::fs::remove_file(kept.join(name)).unwrap();
        }
        let mut child = saryno(&data, &["backup", file.to_str().unwrap()])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * round / rounds);
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        midway +=
            u32::from(!ended.success() && names(&kept).iter().any(|name| name.contains("partial")));
        // A backup's name is on a whole one, if on any.
        if file.exists() {
            let data = kept.join("other");
            let restored = run(&data, &["restore", file.to_str().unwrap()]);
            assert!(restored.status.success(), "{restored:?}");
            std::fs::remove_dir_all(data).unwrap();
        }
    }
    assert!(midway > 2, "{midway} were ended midway");
    assert!(backup(&data, &kept.join("two.db")).status.success());
    let left: Vec<_> = names(&kept)
        .into_iter()
        .filter(|name| name.contains("partial"))
        .collect();
    assert_eq!(left, [] as [String; 0]);
}

#[test]
fn what_another_backup_still_writes_is_left_to_it() {
    let (_directory, data, kept) = place();
    let partial = kept.join("other.db.saryno-partial");
    let held = std::fs::File::create(&partial).unwrap();
    held.lock().unwrap();
    assert!(backup(&data, &kept.join("one.db")).status.success());
    assert!(partial.exists());
    let complaint = refusal(&backup(&data, &kept.join("other.db")));
    assert!(complaint.contains("at this moment"), "{complaint}");
    drop(held);
    assert!(backup(&data, &kept.join("other.db")).status.success());
    assert!(!partial.exists());
}

/// Has 16 clients make communities while `during` runs; what was answered before it began, and in all.
pub(crate) fn while_16_write(
    url: &str,
    people: &[Person],
    during: impl FnOnce(),
) -> (BTreeSet<Id>, BTreeSet<Id>) {
    let (answered, end) = (Mutex::new(BTreeSet::new()), AtomicBool::new(false));
    let count = || answered.lock().unwrap().len();
    let before = std::thread::scope(|scope| {
        for client in 0..16 {
            let (answered, end, person) = (&answered, &end, &people[client % people.len()]);
            scope.spawn(move || {
                let agent = agent();
                while !end.load(Ordering::Relaxed) {
                    let body = json!({"name": "Under way"}).to_string();
                    let url = format!("{url}/communities");
                    let Ok((201, made)) = http(&agent, "POST", &url, &person.token, &body) else {
                        // A limit on how much one person makes, if there is one.
                        std::thread::sleep(Duration::from_millis(20));
                        continue;
                    };
                    answered
                        .lock()
                        .unwrap()
                        .insert(text(&made["id"]).parse().unwrap());
                }
            });
        }
        while count() < 200 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let before = answered.lock().unwrap().clone();
        during();
        let then = count();
        while count() < then + 50 {
            std::thread::sleep(Duration::from_millis(5));
        }
        end.store(true, Ordering::Relaxed);
        before
    });
    (before, answered.into_inner().unwrap())
}

#[test]
fn a_backup_under_load_holds_every_write_that_was_answered_before_it_began() {
    let (directory, data) = directory();
    let people = people(&data, 40);
    grow(&data, 20);
    let file = directory.path().join("one.db");
    let server = Binary::start(&data);
    let (before, all) = while_16_write(&server.url, &people, || {
        let output = backup(&data, &file);
        assert!(output.status.success(), "{output:?}");
    });
    let copy = Connection::open(&file).unwrap();
    let mut statement = copy.prepare("SELECT id FROM communities").unwrap();
    let stored: BTreeSet<_> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(|id| Id::from_bits(id.unwrap()).unwrap())
        .collect();
    assert!(before.is_subset(&stored));
    assert!(stored.len() < all.len(), "nothing was written meanwhile");
}
