//! The real executable on data that are not as they should be, and where they can't be had: it says what to do, and nothing is
//! overwritten.

use std::collections::BTreeMap;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::backups::{grow, in_namespace, names};
use crate::executable::{Binary, agent, http, run, run_json, saryno};
use crate::races::{Person, database, directory, people};

/// What a case does to data that were whole.
type Harm = fn(&Path);

/// Everything in a directory, but for the locks and what whoever reads makes anew beside it.
fn contents(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = names(data).into_iter();
    let read = |name: &String| std::fs::read(data.join(name)).unwrap_or_default();
    let passing = ["serve.lock", "command.lock", "saryno.db-shm"];
    let kept = files.filter(|name| !passing.contains(&name.as_str()));
    let all = kept.map(|name| (name.clone(), read(&name)));
    all.filter(|(name, bytes)| !name.ends_with("-wal") || !bytes.is_empty())
        .collect()
}

/// Runs a command that ought to end by itself.
pub(crate) fn ended(command: &Command) -> Output {
    let mut bounded = Command::new("timeout");
    bounded.arg("20").arg(command.get_program());
    bounded.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bounded.env(name, value),
            None => bounded.env_remove(name),
        };
    }
    bounded.current_dir(command.get_current_dir().unwrap());
    bounded.output().unwrap()
}

/// The one sentence of a command that must fail.
#[track_caller]
pub(crate) fn sentence(output: &Output) -> String {
    let all = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{all}");
    // Before it, a server may have logged that it begins.
    let complaint: Vec<_> = all.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(complaint.len(), 1, "{all}");
    assert!(complaint[0].starts_with("saryno: "), "{all}");
    complaint[0].to_owned()
}

fn change(data: &Path, at: u64, change: impl Fn(u8) -> u8) {
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(data.join("saryno.db"))
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[change(byte[0])], at).unwrap();
}

fn cut(data: &Path, to: impl Fn(u64) -> u64) {
    let file = std::fs::File::options()
        .write(true)
        .open(data.join("saryno.db"))
        .unwrap();
    file.set_len(to(file.metadata().unwrap().len())).unwrap();
}

fn sql(data: &Path, sql: &str) {
    database(data).execute_batch(sql).unwrap();
}

/// Has a server make some communities, and kills it: all of them are in its log.
fn leave_a_log(data: &Path, by: &Person) -> PathBuf {
    let server = Binary::start_with(data, &[], &[("SARYNO_BACKUP__EVERY", "off")]);
    for _ in 0..5 {
        let url = format!("{}/communities", server.url);
        let made = http(&agent(), "POST", &url, &by.token, r#"{"name": "Logged"}"#);
        assert_eq!(made.unwrap().0, 201);
    }
    server.kill();
    data.join("saryno.db-wal")
}

#[test]
fn data_that_are_not_saryno_s_or_not_whole_are_refused_with_what_to_do_and_left_as_they_are() {
    const RESTORE: &str = "saryno restore FILE";
    let cases: [(&str, Harm, &str); 15] = [
        (
            "text",
            |data| std::fs::write(data.join("saryno.db"), "Dear diary, ".repeat(999)).unwrap(),
            RESTORE,
        ),
        (
            "another program's",
            |data| sql(data, "PRAGMA application_id = 7"),
            "--data",
        ),
        (
            "nobody's",
            |data| {
                std::fs::remove_file(data.join("saryno.db")).unwrap();
                sql(data, "CREATE TABLE recipes (id INTEGER)");
            },
            "--data",
        ),
        (
            "a newer version's",
            |data| sql(data, "PRAGMA user_version = 2"),
            "run the version of saryno",
        ),
        (
            "cut in half",
            |data| cut(data, |length| length / 2),
            RESTORE,
        ),
        ("cut in a page", |data| cut(data, |_| 5_000), RESTORE),
        ("cut in the header", |data| cut(data, |_| 90), RESTORE),
        (
            "another beginning",
            |data| change(data, 0, |byte| byte ^ 0x41),
            RESTORE,
        ),
        (
            "another size of pages",
            |data| change(data, 16, |byte| byte ^ 0x41),
            RESTORE,
        ),
        (
            "another format",
            |data| change(data, 18, |byte| byte ^ 0x40),
            RESTORE,
        ),
        (
            "more pages than there are",
            |data| change(data, 29, |byte| byte ^ 0x41),
            RESTORE,
        ),
        (
            "no first page",
            |data| change(data, 100, |byte| byte ^ 0x41),
            RESTORE,
        ),
        (
            "nothing, where data were served",
            |data| {
                std::fs::remove_file(data.join("saryno.db")).unwrap();
                std::fs::write(data.join("serve.lock"), "http://127.0.0.1:8000").unwrap();
            },
            RESTORE,
        ),
        (
            "an empty file beside a log",
            |data| {
                cut(data, |_| 0);
                std::fs::write(data.join("saryno.db-wal"), "what was answered").unwrap();
            },
            RESTORE,
        ),
        (
            "a directory",
            |data| {
                std::fs::remove_file(data.join("saryno.db")).unwrap();
                std::fs::create_dir(data.join("saryno.db")).unwrap();
            },
            "--data",
        ),
    ];
    for (what, harm, words) in cases {
        let (directory, data) = directory();
        people(&data, 2);
        harm(&data);
        let before = contents(&data);
        let backup = directory.path().join("one.db");
        for arguments in [
            &["serve", "--port", "0"][..],
            &["user", "show", "1"],
            &["user", "create", "Ada"],
        ] {
            let complaint = sentence(&ended(&saryno(&data, arguments)));
            assert!(complaint.contains(words), "{what}: {complaint}");
            assert!(
                before == contents(&data),
                "{what}: {arguments:?} changed something"
            );
        }
        // Of that one all is whole but that it can't be written, and a copy can.
        let others = [&["verify"][..], &["backup", backup.to_str().unwrap()]];
        for arguments in others.into_iter().filter(|_| what != "another format") {
            let output = ended(&saryno(&data, arguments));
            assert_eq!(output.status.code(), Some(1), "{what}: {output:?}");
            assert!(
                before == contents(&data),
                "{what}: {arguments:?} changed something"
            );
        }
        assert!(!backup.exists(), "{what}");
    }
}

#[test]
fn a_log_in_which_a_byte_was_flipped_is_refused_and_not_forgotten_from_there_on() {
    let (_directory, data) = directory();
    let people = people(&data, 1);
    let wal = leave_a_log(&data, &people[0]);
    let whole = std::fs::read(&wal).unwrap();
    for at in [3, 17, 40, 3_000, whole.len() / 2] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        std::fs::write(&wal, &flipped).unwrap();
        let before = contents(&data);
        for arguments in [
            &["serve", "--port", "0"][..],
            &["user", "create", "Ada"],
            &["verify"],
            &["backup", "one.db"],
        ] {
            let complaint = sentence(&ended(&saryno(&data, arguments)));
            assert!(
                complaint.contains("saryno.db-wal is damaged"),
                "{at}: {complaint}"
            );
            assert!(
                complaint.contains("saryno restore FILE"),
                "{at}: {complaint}"
            );
            assert!(
                before == contents(&data),
                "{at}: {arguments:?} changed something"
            );
        }
    }
    std::fs::write(&wal, &whole).unwrap();
    let server = Binary::start(&data);
    assert!(server.terminate().success());
    let stored = crate::ledger::stored(&data.join("saryno.db"));
    assert_eq!(
        stored.values().filter(|state| *state == "Logged").count(),
        5
    );
    assert_eq!(run_json(&data, &["verify"])["ok"], true);
}

/// Runs a command as somebody who is not the owner's equal: whom permissions stop, root or not.
fn by_another(data: &Path, arguments: &[&str]) -> Output {
    let command = saryno(data, arguments);
    let mut other = Command::new("unshare");
    other
        .args(["--user", "timeout", "20"])
        .arg(command.get_program())
        .args(command.get_args());
    other.current_dir(data.parent().unwrap()).output().unwrap()
}

#[test]
fn what_may_not_be_read_or_written_is_told_with_who_may() {
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let (_directory, data) = directory();
    people(&data, 2);
    let file = data.join("saryno.db");
    let before = std::fs::read(&file).unwrap();
    for (path, closed, open) in [
        (&file, 0o000, 0o600),
        (&file, 0o400, 0o600),
        (&data, 0o000, 0o700),
        (&data, 0o500, 0o700),
    ] {
        mode(path, closed);
        for arguments in [
            &["serve", "--port", "0"][..],
            &["user", "create", "Ada"],
            &["user", "show", "1"],
        ] {
            let complaint = sentence(&by_another(&data, arguments));
            assert!(complaint.contains("user"), "{closed:o} {complaint}");
        }
        mode(path, open);
        assert!(before == std::fs::read(&file).unwrap());
        for lock in ["serve.lock", "command.lock"] {
            let _ = std::fs::remove_file(data.join(lock));
        }
    }
    mode(&file, 0o000);
    let complaint = sentence(&by_another(&data, &["verify"]));
    assert!(complaint.contains("user that runs saryno"), "{complaint}");
    mode(&file, 0o600);
    assert_eq!(run_json(&data, &["verify"])["ok"], true);
}

#[test]
fn a_directory_that_can_not_be_made_is_told_with_what_to_do() {
    let (directory, _) = directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_saryno"))
        .args(["serve", "--port", "0", "--data"])
        .arg(file.join("data"))
        .current_dir(directory.path())
        .output()
        .unwrap();
    let complaint = sentence(&output);
    assert!(
        complaint.contains("can't be made") && complaint.contains("--data"),
        "{complaint}"
    );
}

#[test]
fn on_a_file_system_that_became_read_only_nothing_starts_and_a_backup_can_still_be_made() {
    for killed in [false, true] {
        let (directory, data) = directory();
        let people = people(&data, 2);
        if killed {
            leave_a_log(&data, &people[0]);
        }
        let before = contents(&data);
        let script = "mount --bind \"$1\" \"$1\"; mount -o remount,bind,ro \"$1\"
            for command in 'serve --port 0' 'user create Ada' 'user show 1'; do
                if timeout 20 \"$2\" $command --data \"$1\"; then exit 3; fi
            done
            \"$2\" verify --data \"$1\"; \"$2\" backup \"$3\" --data \"$1\"";
        let kept = directory.path().join("kept.db");
        let output = in_namespace(&kept, &data, script);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let told: Vec<_> = complaint.lines().collect();
        assert_eq!(told.len(), 3, "{complaint}");
        for sentence in told {
            assert!(sentence.contains("mount it for writing"), "{sentence}");
        }
        assert!(before == contents(&data));
        let made = run(
            &directory.path().join("new"),
            &["restore", kept.to_str().unwrap()],
        );
        assert!(made.status.success(), "{made:?}");
    }
}

/// A copy of a directory's files, as somebody makes it by hand.
fn copy(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for (name, bytes) in contents(from) {
        std::fs::write(to.path().join(name), bytes).unwrap();
    }
    to
}

#[test]
fn a_log_that_was_left_beside_another_file_is_not_read_into_it() {
    let (_directory, data) = directory();
    let people = people(&data, 30);
    let old = copy(&data);
    // More is written, and folded in; then more, which stays in the log.
    grow(&data, 2);
    sql(&data, "PRAGMA wal_checkpoint(TRUNCATE)");
    leave_a_log(&data, &people[0]);
    // Somebody puts the old file back by hand, and leaves the log of the new one beside it.
    std::fs::copy(old.path().join("saryno.db"), data.join("saryno.db")).unwrap();
    let before = contents(&data);
    for arguments in [
        &["serve", "--port", "0"][..],
        &["user", "create", "Ada"],
        &["verify"],
        &["backup", "one.db"],
    ] {
        let complaint = sentence(&ended(&saryno(&data, arguments)));
        assert!(
            complaint.contains("is not the log of the database"),
            "{complaint}"
        );
        assert!(complaint.contains("saryno restore FILE"), "{complaint}");
        assert!(before == contents(&data), "{arguments:?} changed something");
    }
}
