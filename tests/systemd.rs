//! What a service manager is told, by the real executable: each test is the manager, with a socket of its own.

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::json;

use crate::executable::{Binary, agent, http};
use crate::papers::Papers;
use crate::races::directory;

const PATIENCE: Duration = Duration::from_secs(30);

/// The manager's end.
struct Told(UnixDatagram);

impl Told {
    /// In this directory; and what `NOTIFY_SOCKET` says then.
    fn listen(directory: &Path) -> (Self, String) {
        let path = directory.join("notify");
        let this = Self::of(UnixDatagram::bind(&path).unwrap());
        (this, path.to_str().unwrap().to_owned())
    }

    fn of(socket: UnixDatagram) -> Self {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket)
    }

    /// The next message, its lines.
    fn next(&self) -> Vec<String> {
        let mut bytes = [0; 4096];
        let length = self.0.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// All messages up to the one that begins with this line, that one included.
    fn until(&self, line: &str) -> Vec<Vec<String>> {
        let (mut all, begun) = (Vec::new(), Instant::now());
        loop {
            assert!(begun.elapsed() < PATIENCE, "no {line} in {all:?}");
            let message = self.next();
            let last = message[0].starts_with(line);
            all.push(message);
            if last {
                return all;
            }
        }
    }
}

fn count(messages: &[Vec<String>], line: &str) -> usize {
    messages.iter().flatten().filter(|one| *one == line).count()
}

#[test]
fn it_is_ready_once_and_stops_once_and_says_where_it_serves() {
    let (directory, data) = directory();
    let (told, socket) = Told::listen(directory.path());
    let variables = [("NOTIFY_SOCKET", socket.as_str())];
    let server = Binary::start_with(&data, &[], &variables);
    let ready = told.next();
    // Which of the free ports it is, is known to who listens on it.
    let status = format!("STATUS=Serving at {}", server.url);
    assert_eq!(ready, ["READY=1".to_owned(), status]);
    let health = http(&agent(), "GET", &format!("{}/health", server.url), "", "");
    assert_eq!(health.unwrap(), (200, json!({"status": "ok"})));
    assert!(server.terminate().success());
    let rest = told.until("STOPPING=1");
    // Without WATCHDOG_USEC nobody waits for more.
    assert_eq!(rest.len(), 1, "{rest:?}");
    assert!(rest[0][1].starts_with("STATUS="), "{rest:?}");
    told.0.set_nonblocking(true).unwrap();
    assert!(told.0.recv(&mut [0; 64]).is_err());
}

#[test]
fn the_watchdog_is_fed_again_and_again_also_over_tls_and_not_after_the_end_has_begun() {
    let papers = Papers::new();
    let (told, socket) = Told::listen(papers.directory.path());
    let mut variables = papers.variables().to_vec();
    variables.extend([
        ("NOTIFY_SOCKET", socket.as_str()),
        ("WATCHDOG_USEC", "200000"),
    ]);
    let data = papers.directory.path().join("data");
    let mut server = Binary::start_with(&data, &[], &variables);
    let ready = told.next();
    assert!(
        ready[1].starts_with("STATUS=Serving at https://"),
        "{ready:?}"
    );
    for _ in 0..5 {
        assert_eq!(told.next(), ["WATCHDOG=1"]);
    }
    server.signal("TERM");
    let rest = told.until("STOPPING=1");
    assert_eq!(count(&rest, "READY=1"), 0);
    assert!(server.child.wait().unwrap().success());
    told.0.set_nonblocking(true).unwrap();
    assert!(told.0.recv(&mut [0; 64]).is_err());
}

#[test]
fn while_the_store_does_not_answer_the_watchdog_starves_and_that_it_is_busy_is_an_answer() {
    let (directory, data) = directory();
    let (told, socket) = Told::listen(directory.path());
    let variables = [
        ("NOTIFY_SOCKET", socket.as_str()),
        ("WATCHDOG_USEC", "1000000"),
    ];
    let server = Binary::start_with(&data, &[], &variables);
    told.until("WATCHDOG=1");
    // A write that waits for another process is answered after 5 s, that it is busy: later than this manager likes to hear of it.
    let lock = Connection::open(data.join("saryno.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let silence = "STATUS=The store has not answered for ";
    told.until(silence);
    for _ in 0..3 {
        let message = told.next();
        assert!(message[0].starts_with(silence), "{message:?}");
    }
    let fed = told.until("WATCHDOG=1").pop().unwrap();
    assert_eq!(fed, ["WATCHDOG=1", "STATUS=Serving"]);
    assert!(server.log().contains("the store does not answer"));
    assert!(server.log().contains("the store answers again"));
    drop(lock);
}

#[test]
fn the_watchdog_of_another_process_is_not_fed() {
    let (directory, data) = directory();
    let (told, socket) = Told::listen(directory.path());
    let variables = [
        ("NOTIFY_SOCKET", socket.as_str()),
        ("WATCHDOG_USEC", "2000"),
        ("WATCHDOG_PID", "1"),
    ];
    let server = Binary::start_with(&data, &[], &variables);
    let health = http(&agent(), "GET", &format!("{}/ready", server.url), "", "");
    assert_eq!(health.unwrap().0, 200);
    assert!(server.terminate().success());
    let all = told.until("STOPPING=1");
    assert_eq!((all.len(), count(&all, "WATCHDOG=1")), (2, 0), "{all:?}");
}

#[test]
fn a_socket_in_the_abstract_namespace_is_told_too() {
    let (directory, data) = directory();
    let name = directory.path().to_str().unwrap();
    let address = SocketAddr::from_abstract_name(name).unwrap();
    let told = Told::of(UnixDatagram::bind_addr(&address).unwrap());
    let socket = format!("@{name}");
    let _server = Binary::start_with(&data, &[], &[("NOTIFY_SOCKET", &socket)]);
    assert_eq!(told.next()[0], "READY=1");
}

#[test]
fn a_manager_that_can_not_be_told_anything_does_not_stop_the_start() {
    let (directory, data) = directory();
    let nobody = directory.path().join("nobody");
    for (socket, why) in [
        ("nonsense", "neither a path nor an abstract name"),
        (nobody.to_str().unwrap(), "can't be told anything"),
    ] {
        let server = Binary::start_with(&data, &[], &[("NOTIFY_SOCKET", socket)]);
        let health = http(&agent(), "GET", &format!("{}/health", server.url), "", "");
        assert_eq!(health.unwrap().0, 200);
        assert!(server.log().contains(why), "{}", server.log());
        assert!(server.terminate().success());
    }
}
