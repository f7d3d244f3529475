//! Ids under a wall clock that steps, with Debian's faketime; and of two programs at once.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use saryno::id::{Generator, Id};
use serde_json::{Value, json};

use crate::executable::{Binary, agent, http, run_json};
use crate::races::{database, directory, number, people};

/// A wall clock that the test sets.
pub(crate) struct Clock {
    library: String,
    file: PathBuf,
}

impl Clock {
    /// A clock that goes right, set by a file in this directory.
    pub(crate) fn new(directory: &Path) -> Self {
        let clock = Self {
            library: library(),
            file: directory.join("clock"),
        };
        step(&clock.file, "+0");
        clock
    }

    pub(crate) fn step(&self, by: &str) {
        step(&self.file, by);
    }

    pub(crate) fn variables(&self) -> [(&str, &str); 5] {
        [
            ("LD_PRELOAD", &self.library),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DISABLE_SHM", "1"),
        ]
    }
}

/// Sets the clock in one step: a half-written file would be a third time.
fn step(file: &Path, by: &str) {
    let new = file.with_extension("new");
    std::fs::write(&new, format!("{by}\n")).unwrap();
    std::fs::rename(&new, file).unwrap();
}

/// The library that fakes the clock, in its form for programs with threads.
fn library() -> String {
    let folders = std::fs::read_dir("/usr/lib").unwrap();
    folders
        .map(|folder| folder.unwrap().path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .expect("no /usr/lib/*/faketime/libfaketimeMT.so.1; install Debian's package `faketime`")
        .to_str()
        .unwrap()
        .to_owned()
}

pub(crate) fn id(object: &Value) -> Id {
    object["id"].as_str().unwrap().parse().unwrap()
}

fn create_community(agent: &ureq::Agent, url: &str, token: &str) -> Id {
    let body = json!({"name": "Clockmakers"}).to_string();
    let (status, community) =
        http(agent, "POST", &format!("{url}/communities"), token, &body).unwrap();
    assert_eq!(status, 201, "{community}");
    id(&community)
}

/// Rising within each thread, and none twice.
#[track_caller]
fn assert_rising(threads: &[Vec<Id>]) {
    for ids in threads {
        assert!(ids.is_sorted_by(|one, next| one < next));
    }
    let different: HashSet<_> = threads.iter().flatten().collect();
    assert_eq!(different.len(), threads.iter().map(Vec::len).sum::<usize>());
}

/// Runs in the process whose clock is this file's.
fn mint_under_a_stepping_clock(file: &Path) {
    const STEPS: [(usize, &str); 3] = [(25_000, "-1h"), (50_000, "+1h"), (75_000, "+0")];
    let half_an_hour = Duration::from_mins(30);
    let (generator, minted) = (Generator::new(0, Id::MIN), AtomicUsize::new(0));
    let mint = || {
        let mut ids = Vec::with_capacity(25_000);
        while ids.len() < 25_000 {
            let count = minted.fetch_add(1, Ordering::Relaxed);
            if let Some((_, by)) = STEPS.iter().find(|(at, _)| *at == count) {
                let before = SystemTime::now();
                step(file, by);
                let after = SystemTime::now();
                let stepped = if *by == "+1h" {
                    after > before + half_an_hour
                } else {
                    after < before - half_an_hour
                };
                assert!(stepped, "the clock is not the file's");
            }
            ids.push(generator.next().unwrap());
        }
        ids
    };
    let threads: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(mint)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_rising(&threads);
}

#[test]
fn a_burst_of_100_000_ids_rises_while_the_clock_steps_an_hour_back_and_forth() {
    const CHILD: &str = "CLOCK_OF_THE_CHILD";
    if let Some(file) = std::env::var_os(CHILD) {
        return mint_under_a_stepping_clock(Path::new(&file));
    }
    let directory = tempfile::tempdir().unwrap();
    let clock = Clock::new(directory.path());
    let name = "clock::a_burst_of_100_000_ids_rises_while_the_clock_steps_an_hour_back_and_forth";
    let child = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .envs(clock.variables())
        .env(CHILD, &clock.file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    let complained = String::from_utf8_lossy(&child.stderr);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "{said}{complained}"
    );
}

#[test]
fn a_server_whose_clock_steps_back_an_hour_gives_rising_ids_and_after_a_restart_too() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let people = people(&data, 4);
    let clock = Clock::new(directory.path());
    let variables = [
        &clock.variables()[..],
        &[
            ("SARYNO_LOG__FORMAT", "json"),
            ("SARYNO_LOG__LEVEL", "info"),
        ],
    ]
    .concat();
    let server = Binary::start_with(&data, &[], &variables);
    let created = AtomicUsize::new(0);
    let threads: Vec<Vec<Id>> = std::thread::scope(|scope| {
        let create = |token| {
            let (agent, created, clock, url) = (agent(), &created, &clock, &server.url);
            let create = move |_| {
                match created.fetch_add(1, Ordering::Relaxed) {
                    60 | 180 => clock.step("-1h"),
                    120 => clock.step("+0"),
                    _ => (),
                }
                create_community(&agent, url, token)
            };
            scope.spawn(|| (0..60).map(create).collect())
        };
        let threads: Vec<_> = people.iter().map(|person| create(&person.token)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_rising(&threads);

    let mut highest = *threads.iter().flatten().max().unwrap();
    let hours: Vec<String> = server
        .log()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| line["timestamp"].as_str().unwrap()[..13].to_owned())
        .collect();
    assert!(!hours.is_sorted(), "the server's clock is not the file's");
    assert!(server.terminate().success());
    // Twice: the second restart is an hour behind ids that themselves were made behind.
    for _ in 0..2 {
        let server = Binary::start_with(&data, &[], &variables);
        for _ in 0..10 {
            let next = create_community(&agent(), &server.url, &people[0].token);
            assert!(next > highest);
            highest = next;
        }
        server.kill();
    }
}

#[test]
fn the_command_line_beside_a_server_makes_ids_of_its_own_worker_and_none_twice() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let people = people(&data, 2);
    let server = Binary::start(&data);
    let done = AtomicBool::new(false);
    let (by_command, by_server): (Vec<Vec<Id>>, Vec<Vec<Id>>) = std::thread::scope(|scope| {
        let serving: Vec<_> = people
            .iter()
            .map(|person| {
                let (done, url) = (&done, &server.url);
                scope.spawn(move || {
                    let agent = agent();
                    let mut ids = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        ids.push(create_community(&agent, url, &person.token));
                    }
                    ids
                })
            })
            .collect();
        let command = || {
            let create = || run_json(&data, &["user", "create", "Clockmaker", "--token"]);
            (0..5).map(|_| id(&create()["user"])).collect()
        };
        let commanding: Vec<_> = (0..4).map(|_| scope.spawn(command)).collect();
        let commanded: Vec<_> = commanding
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect();
        // First of all: a thread that failed must not leave the others at work for ever.
        done.store(true, Ordering::Relaxed);
        (
            commanded.into_iter().map(Result::unwrap).collect(),
            serving
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect(),
        )
    });
    assert!(by_command.iter().flatten().all(|id| id.worker() == 1023));
    assert!(by_server.iter().flatten().all(|id| id.worker() == 0));
    assert_rising(&[by_command, by_server].concat());
    assert!(server.terminate().success());
    let sql = "SELECT count(*) - count(DISTINCT id) FROM
        (SELECT id FROM users UNION ALL SELECT id FROM tokens UNION ALL SELECT id FROM communities)";
    assert_eq!(number(&database(&data), sql), 0);
}

#[test]
fn a_restart_gives_higher_ids_also_after_the_newest_rows_were_deleted() {
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    let mut highest = Id::MIN;
    for _ in 0..4 {
        let server = Binary::start(&data);
        let (agent, url) = (agent(), format!("{}/communities", server.url));
        for _ in 0..3 {
            let body = r#"{"name": "Fleeting"}"#;
            let (_, made) = http(&agent, "POST", &url, &person.token, body).unwrap();
            let id: Id = made["id"].as_str().unwrap().parse().unwrap();
            assert!(id > highest);
            highest = id;
            let gone = http(&agent, "DELETE", &format!("{url}/{id}"), &person.token, "");
            assert_eq!(gone.unwrap().0, 204);
        }
        server.kill();
        assert_eq!(
            number(&database(&data), "SELECT count(*) FROM communities"),
            0
        );
        // As if the last one were of a minute from now: what is kept of it, not the clock, must put the next start above it.
        highest = Id::from_bits(highest.bits() + (60_000 << 22)).unwrap();
        let sql = format!(
            "UPDATE sqlite_sequence SET seq = {} WHERE name = 'communities'",
            highest.bits()
        );
        assert_eq!(database(&data).execute(&sql, []).unwrap(), 1);
    }
}
