//! `wrk` (Debian's package of that name), which drives a server.

use std::process::Command;

use crate::server::Result;

/// What `wrk` found.
#[derive(Clone, Copy)]
pub(crate) struct Driven {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Milliseconds that 99 % of the requests took at most.
    pub(crate) p99: f64,
}

/// Asks for this, with a token or without, from 32 connections for 2 seconds.
pub(crate) fn drive(url: &str, token: Option<&str>) -> Result<Driven> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}"));
    let header = authorization.iter().flat_map(|header| ["--header", header]);
    let report = Command::new("wrk")
        .args(header)
        .args([
            "--threads",
            "1",
            "--connections",
            "32",
            "--duration",
            "2s",
            "--latency",
            url,
        ])
        .output()
        .map_err(|error| format!("wrk: {error}; Debian's package wrk has it"))?;
    let report = String::from_utf8(report.stdout)?;
    if report.contains("Non-2xx") {
        return Err(format!("{url} answers with errors:\n{report}").into());
    }
    let value = |name: &str| {
        let line = report
            .lines()
            .find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim)
            .ok_or_else(|| format!("no {name} in\n{report}"))
    };
    Ok(Driven {
        rate: value("Requests/sec:")?.parse()?,
        p99: milliseconds(value("99%")?)?,
    })
}

fn milliseconds(text: &str) -> Result<f64> {
    let number = text.trim_end_matches(|sign: char| sign.is_ascii_alphabetic());
    let factor = match &text[number.len()..] {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1_000.0,
        unit => return Err(format!("unknown unit: {unit}").into()),
    };
    Ok(number.parse::<f64>()? * factor)
}
