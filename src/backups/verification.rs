//! What a look at the whole of a database came to.

use std::fmt;

use serde::Serialize;

/// What was checked, and what was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Verification {
    /// The checks that were made, by name, in their order.
    pub checks: Vec<&'static str>,
    /// What is not as it should be; empty where all is well.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// The name of the check.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// A sentence for a person.
    pub message: String,
    /// How often it was found.
    pub count: u64,
    /// The first few places.
    pub examples: Vec<String>,
}

/// How bad a finding is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file itself can't be trusted.
    Damaged,
    /// The file is whole, and what it says breaks a rule of the house.
    Broken,
    /// Worth knowing; nothing is lost and nothing wrong.
    Warning,
}

impl Verification {
    /// Whether nothing but warnings was found.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.worst()
            .is_none_or(|worst| worst.severity == Severity::Warning)
    }

    /// The first of the worst findings.
    #[must_use]
    pub fn worst(&self) -> Option<&Finding> {
        self.findings.iter().min_by_key(|finding| finding.severity)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Damaged => "damaged",
            Severity::Broken => "broken",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {} ({}", self.message, self.check)?;
        if self.count > 1 {
            write!(f, ", {} times", self.count)?;
        }
        if !self.examples.is_empty() {
            write!(f, ": {}", self.examples.join(", "))?;
        }
        f.write_str(")")
    }
}
