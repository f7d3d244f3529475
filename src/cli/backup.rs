//! `saryno backup`

use std::path::{Path, PathBuf};

use clap::Args;

use super::data::DataDirectory;
use super::{Place, Print, give_way};
use crate::backups::partial::with_place;
use crate::backups::{Finding, Made, Pace, make};
use crate::error::{Error, Result};

/// Copy all data into a file, verify the copy, and write its SHA-256 beside it; also beside a running server.
#[derive(Args)]
pub(super) struct Backup {
    /// The file, which must not exist.
    file: PathBuf,
    #[command(flatten)]
    print: Print,
}

impl Backup {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        if self.file == Path::new("-") {
            return Err(Error::Internal("a backup is a file; name one".into()));
        }
        give_way();
        let data = DataDirectory::existing(&place.data)?;
        data.require_whole_unless_served()?;
        let made = make(&data.database_file(), &self.file, &Pace::full())
            .map_err(|error| with_place("backup", &self.file, error))?;
        self.print.result(&made, || describe(&made))
    }
}

fn describe(made: &Made) -> String {
    let Made {
        file,
        bytes,
        sha256,
        took,
        verification,
    } = made;
    let mut lines: Vec<_> = verification
        .findings
        .iter()
        .map(Finding::to_string)
        .collect();
    lines.push(format!(
        "{}: {bytes} bytes in {:.1} seconds, verified by {} checks: {}\nSHA-256: {sha256}",
        file.display(),
        took.as_secs_f64(),
        verification.checks.len(),
        verification.checks.join(", ")
    ));
    lines.join("\n")
}
