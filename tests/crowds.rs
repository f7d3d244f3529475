//! Many connections that do little or nothing: the others are served, and memory is bounded.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::executable::{Binary, agent, http};
use crate::races::{Person, directory, people};
use crate::tally::connect;

/// Lets this process hold the other ends of many connections.
fn hold_many() {
    let limit = getrlimit(Resource::Nofile);
    let enough = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, enough).unwrap();
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(
        most >= 4_096,
        "these tests need 4,096 open files; ulimit -Hn is {most}"
    );
}

/// The real executable and somebody who is to be served whatever others do.
struct Crowded {
    server: Binary,
    person: Person,
    files: usize,
    _directory: tempfile::TempDir,
}

impl Crowded {
    fn start() -> Self {
        hold_many();
        let (directory, data) = directory();
        let person = people(&data, 1).remove(0);
        // As most systems have it.
        let server = Binary::start_limited(&data, "1024:");
        let crowded = Self {
            files: server.open_files(),
            server,
            person,
            _directory: directory,
        };
        crowded.serves(1);
        crowded
    }

    /// Reads and writes, each on a connection of its own.
    fn serves(&self, times: usize) {
        for _ in 0..times {
            let call = |method, path: &str, body| {
                let url = format!("{}{path}", self.server.url);
                http(&agent(), method, &url, &self.person.token, body)
                    .unwrap()
                    .0
            };
            assert_eq!(call("GET", "/users/@me", ""), 200);
            assert_eq!(call("POST", "/communities", r#"{"name": "Tea"}"#), 201);
        }
    }

    /// Connections on which these bytes were sent, as far as they were taken.
    fn connections(&self, count: usize, bytes: &[u8]) -> Vec<TcpStream> {
        let begin = |_| {
            let mut stream = connect(&self.server);
            stream.set_nonblocking(true).unwrap();
            let mut rest = bytes;
            while !rest.is_empty() {
                match stream.write(rest) {
                    Ok(taken) => rest = &rest[taken..],
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("{error}"),
                }
            }
            stream
        };
        (0..count).map(begin).collect()
    }

    /// Waits until no connection is open but those that it began with.
    fn is_alone_again(&self) {
        // A look at the data, or a backup, may have a file open meanwhile.
        let begun = Instant::now();
        while self.server.open_files() > self.files + 2 {
            assert!(begun.elapsed() < Duration::from_mins(1), "some stay open");
            sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn thousands_who_say_nothing_or_little_or_never_read_keep_nobody_out() {
    let crowd = Crowded::start();
    let silent = crowd.connections(2_000, b"");
    let half = b"GET /users/@me HTTP/1.1\r\nHost: saryno\r\nX-Slow: ";
    let slow = crowd.connections(500, half);
    let half_open = crowd.connections(200, half);
    for stream in &half_open {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    // Requests for more than the buffers of both systems hold.
    let page = "GET /admin/vendor/uPlot.iife.min.js HTTP/1.1\r\nHost: saryno\r\n\r\n".repeat(100);
    let deaf = crowd.connections(10, page.as_bytes());
    for _ in 0..10 {
        for mut stream in &slow {
            let _ = stream.write(b"x").unwrap();
        }
        crowd.serves(1);
    }
    let peak = crowd.server.peak_memory();
    assert!(peak < 128, "{peak} MiB");
    assert!(crowd.server.open_files() > 2_500);
    drop((silent, slow, half_open, deaf));
    crowd.is_alone_again();
}

/// Has 300 bodies of avatars begin, of which so many bytes come of twice as many, and then nothing more; with a bound in MiB.
fn bodies_without_end(size: usize, most: u64) {
    let crowd = Crowded::start();
    let before = crowd.server.peak_memory();
    let (token, twice) = (&crowd.person.token, 2 * size);
    let head = format!(
        "PATCH /users/@me HTTP/1.1\r\nHost: saryno\r\nAuthorization: Bearer {token}\r\nContent-Length: {twice}\r\n\r\n"
    );
    let body = "a".repeat(size);
    let held = crowd.connections(300, format!("{head}{body}").as_bytes());
    crowd.serves(20);
    let taken = crowd.server.peak_memory() - before;
    assert!(taken < most, "{taken} MiB");
    drop(held);
    crowd.is_alone_again();
}

#[test]
fn large_bodies_that_never_end_keep_nobody_out_and_take_memory_for_a_few_of_them_only() {
    // 32 of 1.5 MiB, 300 of 64 KiB and 300 of the HTTP library's buffers, which grow to 0.4 MiB: 187. All of them would be 600.
    bodies_without_end(1_500_000, 220);
}

#[test]
fn of_bodies_that_are_too_large_and_never_end_nothing_is_kept() {
    // The HTTP library's buffers, which grow to 0.4 MiB a connection; with all of the bodies it would be 750.
    bodies_without_end(1_600_000, 450);
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_it_may_be_and_one_that_stays_low_is_told() {
    for (limits, raised, told) in [
        ("256:1024", "1024", true),
        ("256:4096", "4096", false),
        ("4096:4096", "4096", false),
    ] {
        let (_directory, data) = directory();
        let server = Binary::start_limited(&data, limits);
        let path = format!("/proc/{}/limits", server.child.id());
        let limits = std::fs::read_to_string(path).unwrap();
        let line = limits
            .lines()
            .find_map(|line| line.strip_prefix("Max open files"));
        let mut limits = line.unwrap().split_whitespace();
        assert_eq!(limits.next(), Some(raised));
        assert_eq!(
            server.log().contains("LimitNOFILE"),
            told,
            "{}",
            server.log()
        );
    }
}

#[test]
fn where_no_more_connections_can_be_open_those_that_are_go_on_and_others_follow_when_there_is_room()
{
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    let server = Binary::start_limited(&data, "256:256");
    let agent = agent();
    let url = format!("{}/communities", server.url);
    let write = || http(&agent, "POST", &url, &person.token, r#"{"name": "Tea"}"#);
    assert_eq!(write().unwrap().0, 201);
    let held: Vec<_> = (0..300).map(|_| connect(&server)).collect();
    while server.open_files() < 256 {
        sleep(Duration::from_millis(10));
    }
    // On the connection that it has.
    assert_eq!(write().unwrap().0, 201);
    let request = b"GET /health HTTP/1.1\r\nHost: saryno\r\nConnection: close\r\n\r\n";
    let mut waiting = connect(&server);
    waiting.write_all(request).unwrap();
    drop(held);
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}
