//! How long others wait while thousands of connections say nothing, a byte a second, or never read:
//!
//! ```sh
//! cargo bench --bench crowd
//! ```
//!
//! Measured with `wrk` in turns, with the crowd and without, because the machine may have other things to do. It fails where the
//! median of the 99th percentiles with the crowd is more than twice the one without.

#[expect(dead_code, reason = "others use the rest")]
mod process;
#[expect(dead_code, reason = "others use the rest")]
mod server;
#[expect(dead_code, reason = "others use the rest")]
mod wrk;

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use server::{Result, Server, text};
use wrk::{Driven, Load, request};

const TURNS: usize = 9;

const SILENT: usize = 2_000;
const SLOW: usize = 500;
const HALF_OPEN: usize = 200;
const DEAF: usize = 20;

/// A head without its end.
const HALF: &[u8] = b"GET /users/@me HTTP/1.1\r\nHost: saryno\r\nX-Slow: ";

fn main() -> Result<ExitCode> {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, most)?;
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let saryno = env!("CARGO_BIN_EXE_saryno");
    let made = Command::new(saryno)
        .args(["user", "create", "Ada", "--token", "--json", "--data"])
        .arg(&data)
        .output()?;
    let made: Value = serde_json::from_slice(&made.stdout)?;
    let token = text(&made["token"])?;
    let server = Server::start(
        Command::new(saryno)
            .args(["serve", "--port", "0", "--data"])
            .arg(&data)
            .env("SARYNO_LIMITS__ENABLED", "false"),
    )?;
    let me = request("GET", "/users/@me", Some(token), "");
    let load = Load::new(&directory.path().join("requests"), 32, [me])?;
    let drive = || load.drive(&server.url, Duration::from_secs(2));
    let (mut alone, mut crowded) = (Vec::new(), Vec::new());
    // Warm.
    drive()?;
    println!(
        "{:<28} {:>8} {:>8} {:>8} {:>8}",
        "", "p99 ms", "a second", "MiB", "files"
    );
    for _ in 0..TURNS {
        alone.push(drive()?);
        tell("alone", &alone, &server)?;
        let crowd = Crowd::gather(&server.url)?;
        crowded.push(crowd.meanwhile(drive)?);
        tell("in a crowd", &crowded, &server)?;
    }
    let (alone, crowded) = (median(alone), median(crowded));
    println!("medians of the 99th percentiles: {alone:.2} ms alone, {crowded:.2} ms in a crowd");
    let holds = crowded <= 2.0 * alone;
    Ok(if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn tell(what: &str, driven: &[Driven], server: &Server) -> Result<()> {
    let id = server.process.id();
    let last = driven.last().ok_or("nothing was driven")?;
    let (memory, files) = (process::memory(id)? / 1024, process::files(id)?);
    println!(
        "{what:<28} {:>8.2} {:>8.0} {memory:>8} {files:>8}",
        last.p99, last.rate
    );
    Ok(())
}

fn median(driven: Vec<Driven>) -> f64 {
    let mut times: Vec<_> = driven.into_iter().map(|driven| driven.p99).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Connections that are in the way.
struct Crowd {
    slow: Vec<TcpStream>,
    _others: Vec<TcpStream>,
}

impl Crowd {
    fn gather(url: &str) -> Result<Self> {
        let at = url.trim_start_matches("http://");
        let connections = |count: usize, bytes: &[u8]| {
            let begin = |_| {
                let mut stream = TcpStream::connect(at)?;
                stream.set_nonblocking(true)?;
                // As much as is taken.
                match stream.write(bytes) {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
                    _ => Ok(stream),
                }
            };
            (0..count).map(begin).collect::<std::io::Result<Vec<_>>>()
        };
        let half_open = connections(HALF_OPEN, HALF)?;
        for stream in &half_open {
            stream.shutdown(Shutdown::Write)?;
        }
        let page = "GET /admin/vendor/uPlot.iife.min.js HTTP/1.1\r\nHost: saryno\r\n\r\n";
        let others = [
            connections(SILENT, b"")?,
            half_open,
            connections(DEAF, page.repeat(1_000).as_bytes())?,
        ];
        Ok(Self {
            slow: connections(SLOW, HALF)?,
            _others: others.into_iter().flatten().collect(),
        })
    }

    /// What `work` comes to while the slow ones send a byte a second.
    fn meanwhile<T>(&self, work: impl FnOnce() -> T) -> T {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    // Spread over the second, as clients that know nothing of each other are.
                    for part in self.slow.chunks(SLOW.div_ceil(20)) {
                        for mut stream in part {
                            let _ = stream.write(b"x");
                        }
                        thread::sleep(Duration::from_millis(50));
                    }
                }
            });
            let done = work();
            over.store(true, Ordering::Relaxed);
            done
        })
    }
}
