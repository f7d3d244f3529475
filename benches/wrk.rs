//! `wrk` (Debian's package of that name), which drives a server.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::server::Result;

/// What draws the requests from a file.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/wrk.lua");

/// Requests, and how they are sent.
pub(crate) struct Load {
    file: PathBuf,
    count: usize,
    connections: usize,
    threads: usize,
    pause: Duration,
    once: bool,
    /// Where the next turn begins: what was sent already comes last.
    next: AtomicUsize,
}

/// What `wrk` found.
#[derive(Clone, Copy, Deserialize, Serialize)]
pub(crate) struct Driven {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Milliseconds that half of the requests took at most.
    pub(crate) p50: f64,
    /// Milliseconds that 99 % of the requests took at most.
    pub(crate) p99: f64,
}

/// What the script prints, in microseconds.
#[derive(Deserialize)]
struct Outcome {
    requests: u32,
    microseconds: u32,
    p50: u32,
    p99: u32,
    refused: u64,
    broken: u64,
}

/// A request as it goes over the wire. The host is no server's own, so that the same bytes go to all.
pub(crate) fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> String {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    let authorization = authorization.unwrap_or_default();
    let content = match body.len() {
        0 => String::new(),
        length => {
            format!("Content-Type: application/json\r\nContent-Length: {length}\r\n")
        }
    };
    format!("{method} {path} HTTP/1.1\r\nHost: saryno\r\n{authorization}{content}\r\n{body}")
}

impl Load {
    /// Puts requests into a file, to be sent round and round from so many connections.
    pub(crate) fn new(
        file: &Path,
        connections: usize,
        requests: impl IntoIterator<Item = String>,
    ) -> Result<Self> {
        let mut writer = BufWriter::new(File::create(file)?);
        let mut count = 0;
        for request in requests {
            if count > 0 {
                writer.write_all(b"\0")?;
            }
            writer.write_all(request.as_bytes())?;
            count += 1;
        }
        writer.flush()?;
        Ok(Self {
            file: file.to_owned(),
            count,
            connections,
            threads: 1,
            pause: Duration::ZERO,
            once: false,
            next: AtomicUsize::new(0),
        })
    }

    /// The same, where none may be sent twice.
    pub(crate) fn once(self) -> Self {
        Self { once: true, ..self }
    }

    /// The same with a thread for each connection, which sends a part of its own in order.
    pub(crate) fn in_order(self) -> Self {
        Self {
            threads: self.connections,
            ..self
        }
    }

    /// The same, where each connection rests between an answer and its next request.
    pub(crate) fn with_pauses(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// The same requests, to another server.
    pub(crate) fn again(&self) -> Self {
        Self {
            file: self.file.clone(),
            count: self.count,
            connections: self.connections,
            threads: self.threads,
            pause: self.pause,
            once: false,
            next: AtomicUsize::new(0),
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections
    }

    /// Sends them for so long, in whole seconds.
    pub(crate) fn drive(&self, url: &str, time: Duration) -> Result<Driven> {
        let output = Command::new("wrk")
            .args(["--threads", &self.threads.to_string()])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", time.as_secs())])
            .args(["--timeout", "30s", "--script", SCRIPT, url, "--"])
            .arg(&self.file)
            .args([
                self.next.load(Ordering::Relaxed).to_string(),
                self.threads.to_string(),
                self.pause.as_millis().to_string(),
            ])
            .output()
            .map_err(|error| format!("wrk: {error}; Debian's package wrk has it"))?;
        let report = String::from_utf8(output.stdout)?;
        let outcome = report
            .lines()
            .find_map(|line| line.strip_prefix("result "))
            .ok_or_else(|| {
                let errors = String::from_utf8_lossy(&output.stderr);
                format!("wrk came to no result:\n{report}{errors}")
            })?;
        let outcome: Outcome = serde_json::from_str(outcome)?;
        let (refused, broken) = (outcome.refused, outcome.broken);
        if refused > 0 || broken > 0 {
            return Err(format!("{url}: {refused} errors, {broken} broken connections").into());
        }
        // Those that were under way at the end are not among them. A part of each thread's own is walked in pairs.
        let sent = usize::try_from(outcome.requests)? + self.connections;
        let each = sent.div_ceil(self.threads).next_multiple_of(2);
        let all = self.next.fetch_add(each, Ordering::Relaxed) + each;
        if self.once && all > self.count {
            return Err(format!("{url}: {} requests were too few", self.count).into());
        }
        let milliseconds = |microseconds: u32| f64::from(microseconds) / 1_000.0;
        Ok(Driven {
            rate: f64::from(outcome.requests) / f64::from(outcome.microseconds) * 1e6,
            p50: milliseconds(outcome.p50),
            p99: milliseconds(outcome.p99),
        })
    }
}
