//! The real executable on a disk that fills up: nothing is half written, what can be answered is, and room is all that it needs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::damaged::sentence;
use crate::executable::{Binary, agent, saryno};
use crate::ledger::rounds;
use crate::races::{Person, number, people, text};

/// A small disk: a tmpfs in a namespace of its own, which lives as long as this does.
struct Disk {
    directory: TempDir,
    holder: Child,
    /// Where the data are, in the namespace.
    data: PathBuf,
}

impl Disk {
    /// One of so many kibibytes with these people on it.
    fn new(kibibytes: usize, count: usize) -> (Self, Vec<Person>) {
        let directory = tempfile::tempdir().unwrap();
        let place = directory.path().join("disk");
        std::fs::create_dir(&place).unwrap();
        let script = "mount -t tmpfs -o size=$2k,mode=777 none \"$1\"; echo mounted; exec cat";
        let mut holder = Command::new("unshare")
            .args([
                "--user",
                "--map-root-user",
                "--mount",
                "sh",
                "-euc",
                script,
                "sh",
            ])
            .arg(&place)
            .arg(kibibytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(holder.stdout.as_mut().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        let disk = Self {
            data: place.join("data"),
            directory,
            holder,
        };
        let origin = disk.directory.path().join("data");
        let people = people(&origin, count);
        std::fs::create_dir(disk.path("data")).unwrap();
        std::fs::copy(origin.join("saryno.db"), disk.path("data/saryno.db")).unwrap();
        (disk, people)
    }

    /// How a file on it is reached from outside.
    fn path(&self, name: &str) -> PathBuf {
        let place = self.data.parent().unwrap().strip_prefix("/").unwrap();
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(place).join(name)
    }

    /// The real executable, where the disk is.
    fn command(&self, arguments: &[&str]) -> Command {
        let inside = saryno(&self.data, arguments);
        let mut command = Command::new("nsenter");
        command
            .args(["--preserve-credentials", "--user", "--mount", "--target"])
            .arg(self.holder.id().to_string())
            .arg("--")
            .arg(inside.get_program())
            .args(inside.get_args())
            .current_dir(self.directory.path());
        for (name, _) in inside.get_envs() {
            command.env_remove(name);
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn start(&self) -> Binary {
        let log = self.directory.path().join("log");
        Binary::start_command(&mut self.command(&["serve", "--port", "0"]), &log)
    }

    /// Leaves so much room, and no more.
    fn fill(&self, kibibytes: usize) {
        let mut ballast = std::fs::File::create(self.path("ballast")).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
        let length = ballast.metadata().unwrap().len();
        let room = u64::try_from(kibibytes).unwrap() << 10;
        ballast.set_len(length.saturating_sub(room)).unwrap();
    }

    fn make_room(&self) {
        std::fs::remove_file(self.path("ballast")).unwrap();
    }

    /// The file with its log, where a test can open it.
    fn copy(&self) -> (TempDir, Connection) {
        let copy = tempfile::tempdir().unwrap();
        for name in ["saryno.db", "saryno.db-wal"] {
            let from = self.path("data").join(name);
            if from.exists() {
                std::fs::copy(from, copy.path().join(name)).unwrap();
            }
        }
        let connection = Connection::open(copy.path().join("saryno.db")).unwrap();
        (copy, connection)
    }

    #[track_caller]
    fn assert_well(&self) {
        let look = self.run(&["verify", "--json"]);
        assert!(look.status.success(), "{look:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Status, `Retry-After` and body.
fn ask(
    url: &str,
    method: &str,
    path: &str,
    token: &str,
    body: &Value,
) -> (u16, Option<String>, Value) {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(format!("{url}{path}"))
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .body(body.to_string())
        .unwrap();
    let mut response = agent().run(request).unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    let after = response.headers().get("Retry-After");
    let after = after.map(|after| after.to_str().unwrap().to_owned());
    (
        response.status().as_u16(),
        after,
        serde_json::from_str(&text).unwrap_or(Value::Null),
    )
}

#[track_caller]
fn is_full(answer: &(u16, Option<String>, Value)) {
    let (status, after, body) = answer;
    assert_eq!(
        (*status, &body["code"]),
        (503, &json!("storage_full")),
        "{body}"
    );
    assert!(
        after.is_some() && text(&body["message"]).contains("disk is full"),
        "{body}"
    );
}

/// Has everybody make communities until each was told so many times that there is no room. What was answered otherwise was made.
fn write_until_full(url: &str, people: &[Person], made: &Mutex<BTreeSet<String>>, refusals: usize) {
    std::thread::scope(|scope| {
        for person in people {
            scope.spawn(move || {
                let mut refused = 0;
                while refused < refusals {
                    let body = json!({"name": "N".repeat(100)});
                    let answer = ask(url, "POST", "/communities", &person.token, &body);
                    if answer.0 == 201 {
                        made.lock()
                            .unwrap()
                            .insert(text(&answer.2["id"]).to_owned());
                        continue;
                    }
                    is_full(&answer);
                    refused += 1;
                    // Reads go on, and the first one of a token notes that it was used, or does not.
                    let (status, _, me) = ask(url, "GET", "/users/@me", &person.token, &json!({}));
                    assert_eq!((status, &me["id"]), (200, &json!(person.id)));
                }
            });
        }
    });
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

/// What was answered is in the file, and nothing else.
#[track_caller]
fn is_exactly(disk: &Disk, made: &Mutex<BTreeSet<String>>) {
    let (_copy, connection) = disk.copy();
    let mut statement = connection
        .prepare("SELECT CAST(id AS TEXT) FROM communities")
        .unwrap();
    let stored = statement.query_map([], |row| row.get(0)).unwrap();
    let stored: BTreeSet<String> = stored.map(Result::unwrap).collect();
    assert!(stored == *made.lock().unwrap());
    let sql = "SELECT count(*) FROM communities WHERE id NOT IN (SELECT community_id FROM members)";
    assert_eq!(number(&connection, sql), 0);
}

#[test]
fn a_full_disk_refuses_writes_and_nothing_else_and_room_is_all_it_needs() {
    let rounds = rounds(3);
    // What is written stays, round by round.
    let (disk, people) = Disk::new((6 + rounds) * 1024, 8);
    let password = "correct horse battery";
    let mut command = disk.command(&[
        "user",
        "create",
        "Ada",
        "--discriminator",
        "0001",
        "--password-stdin",
    ]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(password.as_bytes())
        .unwrap();
    assert!(child.wait().unwrap().success());
    let (made, refused) = (Mutex::default(), AtomicUsize::new(0));
    let server = disk.start();
    for round in 0..rounds {
        // From none at all to as much as a log takes before it is folded in.
        disk.fill(round % 3 * 500);
        write_until_full(&server.url, &people, &made, 5);
        refused.fetch_add(5 * people.len(), Ordering::Relaxed);
        let ready = ask(&server.url, "GET", "/ready", "", &json!({}));
        is_full(&ready);
        let login = json!({"tag": "Ada#0001", "password": password});
        // A small write may find room where a larger one did not; not for ever.
        let mut log_ins = (0..30).map(|_| ask(&server.url, "POST", "/auth/login", "", &login));
        is_full(&log_ins.find(|answer| answer.0 != 200).unwrap());
        let (status, _, page) = ask(
            &server.url,
            "GET",
            "/users/@me/communities",
            &people[1].token,
            &json!({}),
        );
        assert!(status == 200 && page.is_array());
        disk.make_room();
        eventually("ready again", || {
            ask(&server.url, "GET", "/ready", "", &json!({})).0 == 200
        });
        let answer = ask(&server.url, "POST", "/auth/login", "", &login);
        assert_eq!(answer.0, 200, "{answer:?}");
        let body = json!({"name": "Room"});
        let (status, _, room) = ask(&server.url, "POST", "/communities", &people[0].token, &body);
        assert_eq!(status, 201);
        made.lock().unwrap().insert(text(&room["id"]).to_owned());
    }
    assert!(server.terminate().success());
    is_exactly(&disk, &made);
    disk.assert_well();
    println!(
        "{} writes answered and found, {} refused",
        made.lock().unwrap().len(),
        refused.into_inner()
    );
}

#[test]
fn where_the_log_can_not_be_folded_in_for_want_of_room_nothing_is_lost() {
    // The log is folded in at 1,000 pages of 4 KiB: with so much room left, there is room for it, but not for what is in it.
    for (room, end) in [
        (4_400, Binary::kill as fn(Binary)),
        (4_800, |server| assert!(server.terminate().success())),
    ] {
        let (disk, people) = Disk::new(16 * 1024, 8);
        // Backups would take room of their own.
        let log = disk.directory.path().join("log");
        let mut command = disk.command(&["serve", "--port", "0"]);
        let server = Binary::start_command(command.env("SARYNO_BACKUP__EVERY", "off"), &log);
        disk.fill(room);
        let made = Mutex::default();
        write_until_full(&server.url, &people, &made, 3);
        let wal = std::fs::metadata(disk.path("data/saryno.db-wal"))
            .unwrap()
            .len();
        assert!(wal > 1_000 * 4_096, "{wal}");
        end(server);
        is_exactly(&disk, &made);
        disk.make_room();
        let server = disk.start();
        assert_eq!(ask(&server.url, "GET", "/ready", "", &json!({})).0, 200);
        assert!(server.terminate().success());
        is_exactly(&disk, &made);
        disk.assert_well();
    }
}

#[test]
fn a_start_on_a_disk_that_is_full_says_so_and_leaves_nothing_half_made() {
    let (disk, _) = Disk::new(2 * 1024, 2);
    let before = std::fs::read(disk.path("data/saryno.db")).unwrap();
    disk.fill(0);
    for arguments in [&["serve", "--port", "0"][..], &["user", "create", "Ada"]] {
        let output = disk.run(arguments);
        let complaint = sentence(&output);
        assert!(
            complaint.contains("disk is full") || complaint.contains("no room left"),
            "{complaint}"
        );
    }
    assert!(before == std::fs::read(disk.path("data/saryno.db")).unwrap());
    disk.make_room();
    assert!(disk.start().terminate().success());
    disk.assert_well();
    assert!(Path::new(&disk.path("data/saryno.db")).exists());
}
