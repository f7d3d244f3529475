//! What was measured, for people and for programs.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;
use serde_json::{Value, json};

use crate::server::Result;
use crate::turns::Standing;
use crate::wrk::Driven;

/// What a figure must be.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// For information.
    None,
}

/// A figure that counts.
#[derive(Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) bound: Bound,
    pub(crate) met: bool,
}

/// A line of the table: who took turns, and how one did against the other.
#[derive(Serialize)]
pub(crate) struct Case {
    pub(crate) title: String,
    /// Bytes of the answer.
    pub(crate) bytes: usize,
    pub(crate) standings: Vec<Standing>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Verdict {
    pub(crate) fn new(what: impl Into<String>, value: f64, bound: Bound) -> Self {
        let met = match bound {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
            Bound::None => true,
        };
        Self {
            what: what.into(),
            value,
            bound,
            met,
        }
    }

    pub(crate) fn print(&self) {
        let (sign, bound) = match self.bound {
            Bound::AtLeast(least) => ("at least ", least),
            Bound::AtMost(most) => ("at most ", most),
            Bound::None => return println!("    {:<44} {:>8.2}", self.what, self.value),
        };
        let verdict = if self.met { "met" } else { "NOT MET" };
        println!(
            "    {:<44} {:>8.2}   {sign}{bound}: {verdict}",
            self.what, self.value
        );
    }
}

impl Case {
    pub(crate) fn new(title: impl Into<String>, bytes: usize, standings: Vec<Standing>) -> Self {
        Self {
            title: title.into(),
            bytes,
            standings,
            verdicts: Vec::new(),
        }
    }

    /// Says how one did against the other, by their names, in the median of the rounds.
    pub(crate) fn hold(
        mut self,
        of: &str,
        to: &str,
        (measure, called): (fn(&Driven) -> f64, &str),
        bound: Bound,
    ) -> Self {
        let find = |name| self.standings.iter().find(|standing| standing.name == name);
        if let (Some(one), Some(other)) = (find(of), find(to)) {
            let ratio = crate::turns::ratio(one, other, measure);
            let what = format!("{of} : {to}{called}");
            self.verdicts.push(Verdict::new(what, ratio, bound));
        }
        self
    }

    pub(crate) fn print(&self) {
        println!("{} ({} bytes)", self.title, self.bytes);
        for standing in &self.standings {
            println!(
                "    {:<24} {:>4} connections {:>9.0} a second  p50 {:>8.2} ms  p99 {:>8.2} ms  {:>5} MiB",
                standing.name,
                standing.connections,
                standing.rate,
                standing.p50,
                standing.p99,
                standing.mib
            );
            if let Some(rate) = standing.beside {
                println!("    {:<24} {rate:>26.0} a second", "  beside it");
            }
        }
        self.verdicts.iter().for_each(Verdict::print);
    }
}

/// The rate of a turn.
pub(crate) const RATE: (fn(&Driven) -> f64, &str) = (|driven| driven.rate, "");

/// The 99th percentile of a turn.
pub(crate) const P99: (fn(&Driven) -> f64, &str) = (|driven| driven.p99, ", p99");

/// Writes results with where they are from to a file under `target/`.
pub(crate) fn write(name: &str, results: &impl Serialize) -> Result<()> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
    let path = target.join(name).with_extension("json");
    let all = json!({ "machine": machine(&target), "date": date()?, "commit": commit(), "results": results });
    fs::write(&path, serde_json::to_string_pretty(&all)?)?;
    println!("all of it: {}", path.canonicalize()?.display());
    Ok(())
}

fn date() -> Result<String> {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    Ok(time::OffsetDateTime::now_utc().format(&format)?)
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    output.unwrap_or_default()
}

fn commit() -> String {
    said("git", &["describe", "--always", "--dirty"])
}

fn machine(directory: &Path) -> Value {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|line| line.split_once(": "))
        .map(|(_, model)| model.to_owned());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory
        .split_whitespace()
        .nth(1)
        .and_then(|kib| kib.parse::<u64>().ok());
    let directory = directory.to_string_lossy();
    json!({
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "processor": model,
        "memory_mib": memory.map(|kib| kib >> 10),
        "kernel": said("uname", &["-sr"]),
        "file_system": said("findmnt", &["-no", "FSTYPE", "--target", &directory]),
        "wrk": said("wrk", &["--version"]).lines().next(),
    })
}
