//! What was measured, for people and for programs.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::server::Result;
use crate::turns::Standing;
use crate::wrk::Driven;

/// What a figure must be.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// For information.
    None,
}

/// A figure that counts.
#[derive(Deserialize, Serialize)]
pub(crate) struct Verdict {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) bound: Bound,
    pub(crate) met: bool,
}

/// A line of the table: who took turns, and how one did against the other.
#[derive(Deserialize, Serialize)]
pub(crate) struct Case {
    pub(crate) title: String,
    /// Bytes of the answer; 0 where there is none.
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
            Bound::None => return println!("    {:<52} {:>8.2}", self.what, self.value),
        };
        let verdict = if self.met { "met" } else { "NOT MET" };
        println!(
            "    {:<52} {:>8.2}   {sign}{bound}: {verdict}",
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
        match self.bytes {
            0 => println!("{}", self.title),
            bytes => println!("{} ({bytes} bytes)", self.title),
        }
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

/// What was measured, and where.
#[derive(Deserialize, Serialize)]
pub(crate) struct Report<T> {
    /// The arguments that it was asked for with.
    pub(crate) arguments: Vec<String>,
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) results: T,
}

/// A machine.
#[derive(Deserialize, Serialize)]
pub(crate) struct Machine {
    cores: usize,
    processor: String,
    memory_mib: u64,
    kernel: String,
    file_system: String,
    wrk: String,
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.memory_mib.div_ceil(1024);
        let (cores, processor) = (self.cores, &self.processor);
        let (kernel, file_system, wrk) = (&self.kernel, &self.file_system, &self.wrk);
        write!(
            f,
            "{cores} cores ({processor}), {gib} GiB, {kernel}, {file_system}, {wrk}"
        )
    }
}

fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("..")
}

/// Writes results with where they are from to a file under `target/`.
pub(crate) fn write<T: Serialize>(name: &str, results: &T) -> Result<()> {
    let path = target().join(name).with_extension("json");
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    let report = Report {
        // Cargo's own is at the end.
        arguments: std::env::args()
            .skip(1)
            .filter(|argument| argument != "--bench")
            .collect(),
        date: time::OffsetDateTime::now_utc().format(&format)?,
        machine: machine(),
        results,
    };
    fs::write(&path, serde_json::to_string_pretty(&report)?)?;
    Ok(())
}

/// Gives a report another name, if there is one, in the place of the one that had it.
pub(crate) fn rename(from: &str, to: &str) -> Result<()> {
    let [from, to] = [from, to].map(|name| target().join(name).with_extension("json"));
    if from.exists() {
        fs::rename(from, to)?;
    }
    Ok(())
}

/// Reads them again; `None` where they were not measured.
pub(crate) fn read<T: DeserializeOwned>(name: &str) -> Result<Option<Report<T>>> {
    let path = target().join(name).with_extension("json");
    if !path.exists() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&fs::read(path)?)?))
}

fn said(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let output = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let output = output.unwrap_or_default();
    output.lines().next().unwrap_or("unknown").to_owned()
}

fn machine() -> Machine {
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processor
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|line| line.split_once(": "));
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.split_whitespace().nth(1);
    let kib = kib.and_then(|kib| kib.parse::<u64>().ok());
    let directory = target();
    let directory = directory.to_string_lossy();
    let wrk = said("wrk", &["--version"]);
    Machine {
        cores: thread::available_parallelism().map_or(0, usize::from),
        processor: model.map_or("unknown", |(_, model)| model).to_owned(),
        memory_mib: kib.unwrap_or_default() >> 10,
        kernel: said("uname", &["-sr"]),
        file_system: said("findmnt", &["-no", "FSTYPE", "--target", &directory]),
        // Without what it is copyrighted by.
        wrk: wrk.split(" [").next().unwrap_or_default().to_owned(),
    }
}
