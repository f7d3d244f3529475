//! What a process takes of the machine.

use std::fs;

use crate::server::Result;

/// Its memory, in KiB.
pub(crate) fn memory(process: u32) -> Result<u64> {
    status(process, "VmRSS:")
}

/// The most that it has taken, in KiB.
pub(crate) fn peak(process: u32) -> Result<u64> {
    status(process, "VmHWM:")
}

fn status(process: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kib = line.ok_or_else(|| format!("no {name}"))?.trim();
    Ok(kib.trim_end_matches(" kB").parse()?)
}

/// How many files and connections it has open.
pub(crate) fn files(process: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count())
}
