//! `saryno verify`

use std::time::Instant;

use clap::Args;
use serde::Serialize;

use super::data::DataDirectory;
use super::{Place, Print, give_way};
use crate::backups::{Pace, Source, Verification};
use crate::error::{Error, Result};

/// Look at the whole of the data, also beside a running server: whether the file is sound and keeps every rule; exit status 1 if not.
#[derive(Args)]
pub(super) struct Verify {
    #[command(flatten)]
    print: Print,
}

#[derive(Serialize)]
struct Looked {
    ok: bool,
    seconds: f64,
    #[serde(flatten)]
    verification: Verification,
}

impl Verify {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        give_way();
        let data = DataDirectory::existing(&place.data)?;
        let begun = Instant::now();
        data.require_whole_unless_served()?;
        let verification = data.database_file().verify(&Pace::full())?;
        let looked = Looked {
            ok: verification.holds(),
            seconds: begun.elapsed().as_secs_f64(),
            verification,
        };
        self.print.result(&looked, || looked.describe())?;
        if looked.ok {
            return Ok(());
        }
        Err(Error::Internal(format!(
            "{} is not as it should be; restore a backup that was verified (`saryno restore FILE`), which keeps these data aside",
            data.database().display()
        )))
    }
}

impl Looked {
    fn describe(&self) -> String {
        let mut lines: Vec<_> = self
            .verification
            .findings
            .iter()
            .map(ToString::to_string)
            .collect();
        let checks = self.verification.checks.len();
        let outcome = if self.ok {
            "All is well"
        } else {
            "Not all is well"
        };
        lines.push(format!(
            "{outcome}: {checks} checks, {:.1} seconds.",
            self.seconds
        ));
        lines.join("\n")
    }
}
