//! How far a command that takes long is: a bar on standard error where that is a terminal, and nothing where it is not.

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::Error;
use crate::portable::Onlooker;

/// The bars, in ASCII: a terminal may know nothing else.
const LINES: &str = "{wide_bar} {percent}% of {len} lines, {per_sec}, {eta} left";
const BYTES: &str = "{wide_bar} {percent}% of {total_bytes}, {eta} left";
const UNKNOWN: &str = "{spinner} {bytes}, {elapsed}";
const VERIFYING: &str = "{spinner} verifying, {elapsed}";

/// A bar, which also keeps bad lines out of its way. The first of them are named, or all.
pub(super) struct Progress {
    bar: ProgressBar,
    named: u64,
    most: u64,
}

impl Default for Progress {
    /// No bar at all.
    fn default() -> Self {
        Self::with(ProgressBar::hidden(), "")
    }
}

impl Progress {
    /// Of so many lines.
    pub(super) fn of_lines(lines: u64) -> Self {
        Self::with(ProgressBar::new(lines), LINES)
    }

    /// Of so many bytes, or of nobody knows how many.
    pub(super) fn of_bytes(bytes: Option<u64>) -> Self {
        match bytes {
            Some(bytes) => Self::with(ProgressBar::new(bytes), BYTES),
            None => Self::with(ProgressBar::no_length(), UNKNOWN),
        }
    }

    fn with(bar: ProgressBar, template: &str) -> Self {
        bar.set_style(style(template));
        bar.tick();
        Self {
            bar,
            named: 0,
            most: u64::MAX,
        }
    }

    /// Of bad lines, this many at most are named.
    pub(super) fn naming(mut self, most: u64) -> Self {
        self.most = most;
        self
    }

    /// Takes the bar away.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Onlooker for Progress {
    fn done(&mut self, done: u64) {
        self.bar.set_position(done);
    }

    fn bad(&mut self, line: u64, reason: &Error) {
        if self.named < self.most {
            self.named += 1;
            // What stands in a file shall not command the terminal.
            let reason: String = reason
                .to_string()
                .chars()
                .map(|sign| if sign.is_control() { '\u{FFFD}' } else { sign })
                .collect();
            self.bar.suspend(|| eprintln!("line {line}: {reason}"));
        }
    }

    fn verifying(&mut self) {
        self.bar.set_style(style(VERIFYING));
        self.bar.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn style(template: &str) -> ProgressStyle {
    // A template that can't be read would be one of those above.
    let style = ProgressStyle::with_template(template);
    style
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("#>-")
        .tick_chars("|/-\\ ")
}
