//! Backups: copies of the whole store that were verified before they were called so; and the looks at the whole that verify them.

pub mod checksum;
mod every;
mod health;
mod keeper;
mod making;
mod name;
mod pace;
pub mod partial;
mod shelf;
mod verification;

use std::path::{Path, PathBuf};

use crate::error::Result;
pub use every::Every;
pub use health::{Check, Health, Outcome};
pub use keeper::{Failure, Keeper, Plan, Report};
pub use making::{Made, make};
pub use name::in_a_name;
pub use pace::{Pace, Work};
pub use shelf::Kept;
pub use verification::{Finding, Severity, Verification};

/// What backups are made of: the store's file, read beside whoever serves it and never written. All of it blocks, for minutes where
/// there is much.
pub trait Source: Send + Sync {
    /// Copies everything, as it is at one moment, over the empty file at `path`. What is copied is not on the disk yet.
    ///
    /// # Errors
    /// `StorageFull` where there is no room for it; `ShuttingDown` where the pace ended it; `Busy`, `Internal`.
    fn copy_to(&self, path: &Path, pace: &Pace) -> Result<()>;

    /// Looks at the whole of what is served.
    ///
    /// # Errors
    /// `ShuttingDown` where the pace ended it; `Busy`; `Internal` where there is no such file. What is wrong with one that is there is
    /// a finding, and no error.
    fn verify(&self, pace: &Pace) -> Result<Verification>;

    /// Looks at the whole of a copy that nobody writes.
    ///
    /// # Errors
    /// As `verify`.
    fn verify_copy(&self, path: &Path, pace: &Pace) -> Result<Verification>;
}

/// The file beside another whose name is that one's, with this end.
#[must_use]
pub fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}
