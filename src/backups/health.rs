//! How sure one can be of the data, as `/ready` and the admin page tell it.

use serde::Serialize;
use utoipa::ToSchema;

use super::verification::{Severity, Verification};
use crate::clock::Timestamp;
use crate::error::Result;

/// What the last look at the whole of the data came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DataCheckOutcome)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// All is as it should be.
    Whole,
    /// The file is whole, and what it says breaks a rule of the house.
    Broken,
    /// The file itself can't be trusted.
    Damaged,
    /// There was no looking.
    Failed,
}

/// A look at the whole of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = DataCheck)]
pub struct Check {
    /// When it began.
    pub at: Timestamp,
    /// What it came to.
    pub outcome: Outcome,
}

/// How sure one can be of the data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Health {
    /// The last look at the whole, once there was one since the start.
    pub check: Option<Check>,
    /// When the newest verified backup was made.
    pub backup: Option<Timestamp>,
    /// What is wrong with the file that is served, if it is damaged.
    pub damage: Option<String>,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

impl Health {
    /// Adds what a look at the whole came to. Who asks may be anybody: the details are in the log.
    pub(super) fn look(&mut self, at: Timestamp, looked: &Result<Verification>) {
        let worst = looked.as_ref().map(Verification::worst);
        let outcome = match worst.map(|worst| worst.map(|worst| (worst.severity, worst.check))) {
            Ok(Some((Severity::Damaged, check))) => {
                self.damage = Some(format!(
                    "The data were found damaged at {at} ({check}); `saryno verify` tells more, and a verified backup can be restored."
                ));
                Outcome::Damaged
            }
            Ok(Some((Severity::Broken, check))) => {
                self.warnings.push(format!(
                    "A rule that the data should keep was found broken at {at} ({check}); `saryno verify` tells more."
                ));
                Outcome::Broken
            }
            Ok(Some((Severity::Warning, _)) | None) => Outcome::Whole,
            Err(_) => {
                self.warnings.push(format!(
                    "The data could not be looked at as a whole at {at}; the log says why."
                ));
                Outcome::Failed
            }
        };
        self.check = Some(Check { at, outcome });
    }
}
