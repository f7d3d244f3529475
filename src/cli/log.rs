//! The log, on standard error: what a person or a program reads of it.

use std::fs;
use std::io::IsTerminal;
use std::os::unix::fs::MetadataExt;

use tracing_subscriber::filter::LevelFilter;

use crate::config::{Level, Log, LogFormat};

/// Sends the log to standard error, panics included.
pub(super) fn start(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        // The journal has a time of its own for each line.
        LogFormat::Text if is_the_journal() => lines.without_time().init(),
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(
            location,
            message = panic.payload_as_str().unwrap_or("no message"),
            "panic"
        );
    }));
}

/// Whether standard error goes to systemd's journal: it says in `JOURNAL_STREAM` which file that is, and whoever starts this program may
/// have sent standard error elsewhere.
fn is_the_journal() -> bool {
    let Ok(stream) = std::env::var("JOURNAL_STREAM") else {
        return false;
    };
    fs::metadata("/proc/self/fd/2")
        .is_ok_and(|error| stream == format!("{}:{}", error.dev(), error.ino()))
}
