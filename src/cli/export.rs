//! `saryno export`

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::data::DataDirectory;
use super::progress::Progress;
use super::{Place, Print, give_way};
use crate::backups::partial::{Partial, cannot_write, with_place};
use crate::error::Result;
use crate::portable::{LEFT_OUT, Onlooker, Tally, Written};

/// What it is called where it can't be written.
const WHAT: &str = "export";

/// Bytes that are written at once.
const AT_ONCE: usize = 1 << 18;

/// Lines between two steps of the progress bar.
const LINES_A_STEP: u64 = 1_000;

/// Write everything that lasts of this instance into a file as lines of JSON (NDJSON), for another instance or another program; also
/// beside a running server. Whatever admits somebody is left out, but not the hashes of passwords: keep the file to yourself.
#[derive(Args)]
pub(super) struct Export {
    /// The file, which must not exist; `-` is standard output, and the result goes to standard error then.
    file: PathBuf,
    #[command(flatten)]
    print: Print,
}

#[derive(Serialize)]
struct Outcome<'a> {
    file: &'a Path,
    lines: u64,
    bytes: u64,
    seconds: f64,
    exported: Tally,
    left_out: &'static str,
}

impl Export {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        let begun = Instant::now();
        give_way();
        let data = DataDirectory::existing(&place.data)?;
        data.require_whole_unless_served()?;
        let mut lines = Lines::default();
        let unload = |lines: &mut Lines, to: &mut dyn Write| {
            let refuse = |error: io::Error| cannot_write(WHAT, &self.file, &error);
            let mut to = BufWriter::with_capacity(AT_ONCE, to);
            let database = data.database_file();
            database.unload(&mut |line| lines.write(line, &mut to).map_err(refuse))?;
            to.flush().map_err(refuse)
        };
        let to_output = self.file == Path::new("-");
        if to_output {
            unload(&mut lines, &mut io::stdout().lock())?;
        } else {
            let mut partial = Partial::begin(WHAT, &self.file)?;
            let written = unload(&mut lines, &mut partial.file);
            let settled = written.and_then(|()| partial.settle(&self.file));
            settled.map_err(|error| with_place(WHAT, &self.file, error))?;
        }
        lines.progress.end();
        let outcome = Outcome {
            file: &self.file,
            lines: lines.count,
            bytes: lines.bytes,
            seconds: begun.elapsed().as_secs_f64(),
            exported: lines.tally,
            left_out: LEFT_OUT,
        };
        let text = || outcome.describe();
        if to_output {
            self.print.result_aside(&outcome, text)
        } else {
            self.print.result(&outcome, text)
        }
    }
}

/// What was written so far.
#[derive(Default)]
struct Lines {
    count: u64,
    bytes: u64,
    tally: Tally,
    progress: Progress,
    line: Vec<u8>,
}

impl Lines {
    fn write(&mut self, line: &Written<'_>, to: &mut impl Write) -> io::Result<()> {
        if let Written::Export { lines, .. } = line {
            self.progress = Progress::of_lines(*lines);
        } else {
            *self.tally.entry(line.kind()).or_default() += 1;
        }
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)?;
        self.line.push(b'\n');
        to.write_all(&self.line)?;
        self.count += 1;
        self.bytes += u64::try_from(self.line.len()).unwrap_or(u64::MAX);
        if self.count.is_multiple_of(LINES_A_STEP) {
            self.progress.done(self.count);
        }
        Ok(())
    }
}

impl Outcome<'_> {
    fn describe(&self) -> String {
        format!(
            "{}: {} lines, {} bytes in {:.1} seconds ({})\nNot in it: {LEFT_OUT}. Whoever can read it can read every password's hash.",
            self.file.display(),
            self.lines,
            self.bytes,
            self.seconds,
            told(&self.exported)
        )
    }
}

/// How many of each kind, in a sentence.
pub(super) fn told(tally: &Tally) -> String {
    let told: Vec<_> = tally
        .iter()
        .map(|(kind, count)| format!("{kind}: {count}"))
        .collect();
    told.join(", ")
}
