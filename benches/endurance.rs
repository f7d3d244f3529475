//! Mixed load at full speed for ten minutes, to see what grows:
//!
//! ```sh
//! cargo bench --bench endurance
//! ```
//!
//! `-- 2` behind it makes it two. It prints a line every ten seconds, and fails where the memory isn't flat, a file or
//! connection is left open, the WAL grows past its bound, or an answer is none that belongs to its request.

#[expect(dead_code, reason = "others use the rest")]
mod process;
#[expect(dead_code, reason = "others use the rest")]
mod server;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{Cursor, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use image::{ImageFormat, RgbImage};
use serde_json::{Value, json};
use server::{Result, Server, text};
use ureq::http::Request;

const CLIENTS: usize = 32;

/// Accounts: so many that any two of them have no DM yet for long.
const PEOPLE: usize = 600;

const PASSWORD: &str = "a horse, a staple";

const SAMPLE: Duration = Duration::from_secs(10);

/// How much more memory the second half of the time may take than the first, in MiB; 2 were seen.
const WANDERS: u64 = 32;

/// The WAL's bound, in MiB: it begins anew once little of it is left to be folded in, unless somebody reads meanwhile, such as a
/// backup.
const WAL: u64 = 256;

struct Person {
    tag: String,
    id: String,
    token: String,
}

struct Sample {
    memory: u64,
    files: usize,
    wal: u64,
}

fn main() -> Result<ExitCode> {
    let minutes = env::args().find_map(|argument| argument.parse::<u64>().ok());
    let time = Duration::from_mins(minutes.unwrap_or(10));
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let saryno = env!("CARGO_BIN_EXE_saryno");
    let opened = Command::new(saryno)
        .args(["registration", "open", "--data"])
        .arg(&data)
        .output()?;
    if !opened.status.success() {
        return Err("registration can't be opened".into());
    }
    let server = Server::start(
        Command::new(saryno)
            .args(["serve", "--port", "0", "--data"])
            .arg(&data)
            .env("SARYNO_LIMITS__ENABLED", "false"),
    )?;
    let people = (0..PEOPLE).map(|number| register(&server.url, number));
    let people = people.collect::<Result<Vec<_>>>()?;
    // What was opened for good by now: the first backup is made, the agent's connections are closed.
    thread::sleep(Duration::from_secs(2));
    let files = process::files(server.process.id())?;

    let (over, answered, faults) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let picture = picture()?;
    let (samples, statuses) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (url, people, picture) = (&server.url, &people, &picture);
                let (over, answered, faults) = (&over, &answered, &faults);
                scope.spawn(move || {
                    let mut client = Client {
                        agent: agent(),
                        url,
                        people,
                        picture,
                        number,
                        statuses: BTreeMap::new(),
                    };
                    while !over.load(Ordering::Relaxed) {
                        if let Err(fault) = client.act() {
                            eprintln!("{fault}");
                            faults.fetch_add(1, Ordering::Relaxed);
                        }
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    client.statuses
                })
            })
            .collect();
        let samples = watch(&server, &data, time, &answered);
        over.store(true, Ordering::Relaxed);
        let mut statuses = BTreeMap::<&str, BTreeMap<u16, u64>>::new();
        for client in clients {
            for ((what, status), count) in client.join().unwrap_or_default() {
                *statuses.entry(what).or_default().entry(status).or_default() += count;
            }
        }
        (samples, statuses)
    });
    let samples = samples?;
    for (what, statuses) in statuses {
        println!("{what:<16} {statuses:?}");
    }
    // The clients' connections are closed by now; the server may still have to see it.
    thread::sleep(Duration::from_secs(2));
    let left = process::files(server.process.id())?;
    let half = samples.len() / 2;
    let median = |samples: &[Sample]| {
        let mut memory: Vec<_> = samples.iter().map(|sample| sample.memory).collect();
        memory.sort_unstable();
        memory.get(memory.len() / 2).copied().unwrap_or_default()
    };
    let (first, second) = (median(&samples[..half]), median(&samples[half..]));
    let wal = samples
        .iter()
        .map(|sample| sample.wal)
        .max()
        .unwrap_or_default();
    let most = samples.iter().map(|sample| sample.files).max();
    println!("memory: {first} MiB in the first half, {second} in the second (medians)");
    println!(
        "files: {files} before, {} at most, {left} after",
        most.unwrap_or_default()
    );
    println!("WAL: {wal} MiB at most");
    let faults = faults.into_inner();
    println!("answers that don't belong to their request: {faults}");
    let holds = second <= first + WANDERS && left <= files + 2 && wal <= WAL && faults == 0;
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Samples for so long, and prints them.
fn watch(
    server: &Server,
    data: &Path,
    time: Duration,
    answered: &AtomicU64,
) -> Result<Vec<Sample>> {
    println!(
        "{:>8} {:>12} {:>8} {:>8} {:>8} {:>8}",
        "seconds", "a second", "MiB", "files", "WAL MiB", "data MiB"
    );
    let size = |name: &str| fs::metadata(data.join(name)).map_or(0, |file| file.len() >> 20);
    let (begun, mut before, mut samples) = (Instant::now(), 0, Vec::new());
    while begun.elapsed() < time {
        thread::sleep(SAMPLE);
        let process = server.process.id();
        let sample = Sample {
            memory: process::memory(process)? / 1024,
            files: process::files(process)?,
            wal: size("saryno.db-wal"),
        };
        let all = answered.load(Ordering::Relaxed);
        println!(
            "{:>8} {:>12} {:>8} {:>8} {:>8} {:>8}",
            begun.elapsed().as_secs(),
            (all - before) / SAMPLE.as_secs(),
            sample.memory,
            sample.files,
            sample.wal,
            size("saryno.db")
        );
        before = all;
        samples.push(sample);
    }
    Ok(samples)
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .new_agent()
}

fn register(url: &str, number: usize) -> Result<Person> {
    let body = json!({"username": format!("Person {number}"), "password": PASSWORD}).to_string();
    let request = Request::post(format!("{url}/auth/register")).body(body)?;
    let mut answer = agent().run(request)?;
    let made: Value = serde_json::from_str(&answer.body_mut().read_to_string()?)?;
    let user = &made["user"];
    Ok(Person {
        tag: format!(
            "{}#{}",
            text(&user["username"])?,
            text(&user["discriminator"])?
        ),
        id: text(&user["id"])?.to_owned(),
        token: text(&made["token"])?.to_owned(),
    })
}

/// Noise of 64 pixels a side.
fn picture() -> Result<String> {
    let image = RgbImage::from_fn(64, 64, |_, _| image::Rgb(rand::random()));
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png)?;
    Ok(format!(
        "data:image/png;base64,{}",
        Base64::encode_string(png.get_ref())
    ))
}

/// One of those who ask as fast as they can.
struct Client<'a> {
    agent: ureq::Agent,
    url: &'a str,
    people: &'a [Person],
    picture: &'a str,
    number: usize,
    statuses: BTreeMap<(&'static str, u16), u64>,
}

impl<'a> Client<'a> {
    fn anybody(&self) -> &'a Person {
        &self.people[rand::random_range(0..PEOPLE)]
    }

    /// One of the clients' own, whom no other client renames: it may log in.
    fn own(&self) -> &'a Person {
        &self.people[self.number]
    }

    /// Something that clients do, the frequent more often than the rare.
    fn act(&mut self) -> Result<()> {
        match rand::random_range(0..100) {
            0..45 => self.read(),
            45..68 => self.change(),
            68..70 => self.log_in_and_out(),
            70..86 => self.make_and_end(),
            86..89 => self.picture(),
            89..97 => self.refused(),
            _ => self.garbage(),
        }
    }

    fn read(&mut self) -> Result<()> {
        let (me, other) = (self.anybody(), self.anybody());
        let (what, path) = match rand::random_range(0..4) {
            0 => ("who am I", "/users/@me".to_owned()),
            1 => ("who is that", format!("/users/{}", other.id)),
            2 => ("my channels", "/users/@me/channels?limit=50".to_owned()),
            _ => (
                "a drawn avatar",
                format!("/avatars/{}/default.png", other.id),
            ),
        };
        self.ask(what, &me.token, "GET", &path, &Value::Null, &[200])?;
        Ok(())
    }

    fn change(&mut self) -> Result<()> {
        if rand::random() {
            let (me, other) = (self.anybody(), self.anybody());
            let body = json!({"type": 2, "recipient_id": other.id});
            let path = "/users/@me/channels";
            // Who draws themselves is told that they can't.
            self.ask("a DM", &me.token, "POST", path, &body, &[200, 400])?;
        } else {
            // Those of the clients' own keep theirs.
            let me = &self.people[rand::random_range(CLIENTS..PEOPLE)];
            let body = json!({"username": format!("Name {}", rand::random::<u16>())});
            self.ask("a rename", &me.token, "PATCH", "/users/@me", &body, &[200])?;
        }
        Ok(())
    }

    fn log_in_and_out(&mut self) -> Result<()> {
        let body = json!({"tag": self.own().tag, "password": PASSWORD});
        let made = self.ask("a log-in", "", "POST", "/auth/login", &body, &[200, 503])?;
        if let Some(token) = made["token"].as_str() {
            let path = "/auth/logout";
            self.ask("a log-out", token, "POST", path, &Value::Null, &[204])?;
        }
        Ok(())
    }

    fn make_and_end(&mut self) -> Result<()> {
        let [me, other, third] = [(); 3].map(|()| self.anybody());
        let (what, path, body, things) = if rand::random() {
            let body = json!({"type": 3, "recipient_ids": [other.id, third.id], "name": "Garden"});
            ("a group", "/users/@me/channels", body, "channels")
        } else {
            let body = json!({"name": "Tea house"});
            ("a community", "/communities", body, "communities")
        };
        // A group of one twice is none.
        let made = self.ask(what, &me.token, "POST", path, &body, &[200, 201, 400])?;
        if let Some(id) = made["id"].as_str() {
            let path = format!("/{things}/{id}");
            self.ask("its end", &me.token, "DELETE", &path, &Value::Null, &[204])?;
        }
        Ok(())
    }

    fn picture(&mut self) -> Result<()> {
        let (me, body) = (self.anybody(), json!({"avatar": self.picture}));
        self.ask(
            "an avatar",
            &me.token,
            "PATCH",
            "/users/@me",
            &body,
            &[200, 503],
        )?;
        Ok(())
    }

    fn refused(&mut self) -> Result<()> {
        if rand::random() {
            let token = format!("srn_{:043}", rand::random::<u64>());
            self.ask(
                "no token",
                &token,
                "GET",
                "/users/@me",
                &Value::Null,
                &[401],
            )?;
        } else {
            let me = self.anybody();
            let body = json!({"surprise": "a".repeat(rand::random_range(1..100_000))});
            let path = "/users/@me/channels";
            self.ask("no good body", &me.token, "POST", path, &body, &[400, 413])?;
        }
        Ok(())
    }

    /// One request, whose status is one of these; its answer.
    fn ask(
        &mut self,
        what: &'static str,
        token: &str,
        method: &str,
        path: &str,
        body: &Value,
        statuses: &[u16],
    ) -> Result<Value> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json")
            .body(body)?;
        let mut answer = self.agent.run(request)?;
        let status = answer.status().as_u16();
        let bytes = answer.body_mut().read_to_vec()?;
        *self.statuses.entry((what, status)).or_default() += 1;
        if !statuses.contains(&status) {
            return Err(format!("{what}: {status} {}", String::from_utf8_lossy(&bytes)).into());
        }
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Bytes that are no request, or half of one, and a connection that is dropped.
    fn garbage(&self) -> Result<()> {
        let mut stream = TcpStream::connect(self.url.trim_start_matches("http://"))?;
        let noise: [u8; 32] = rand::random();
        let half =
            b"POST /auth/login HTTP/1.1\r\nHost: saryno\r\nContent-Length: 100\r\n\r\n{".as_slice();
        let bytes = if rand::random() { &noise } else { half };
        Ok(stream.write_all(bytes)?)
    }
}
