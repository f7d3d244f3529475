//! Servers in processes of their own, for benchmarks.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

pub(crate) fn text(value: &Value) -> Result<&str> {
    value
        .as_str()
        .ok_or_else(|| format!("no text: {value}").into())
}

/// A server in a process of its own; ends with this.
pub(crate) struct Server {
    pub(crate) process: Child,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Self::spawn(command.stderr(Stdio::null()))
    }

    /// The same, and its log goes into this file.
    pub(crate) fn start_logging(command: &mut Command, log: File) -> Result<Self> {
        Self::spawn(command.stderr(log))
    }

    fn spawn(command: &mut Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .ok_or("it does not listen")?;
        Ok(Self {
            process,
            url: url.to_owned(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
