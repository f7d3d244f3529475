//! Limits: how often somebody may do something, and what they are told (contract, section 1, "Rate limits").
//!
//! What every attempt counts for is counted in memory, by `routes/limits/`. What counts only once it has succeeded is counted
//! in the store, in the transaction of the change itself: an [`Allowance`] goes along with it.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::clock::Timestamp;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// All requests.
    Requests,
    /// Changes of username or discriminator.
    Renames,
    /// New DM and group channels.
    NewChannels,
    /// Passwords and one-time codes that are checked.
    PasswordChecks,
    /// Attempts to register.
    Registrations,
    /// Questions about usernames.
    UsernameChecks,
    /// Admins' log-ins.
    AdminLogIns,
}

impl Bucket {
    /// What `X-RateLimit-Bucket` calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Renames => "renames",
            Self::NewChannels => "new-channels",
            Self::PasswordChecks => "password-checks",
            Self::Registrations => "registrations",
            Self::UsernameChecks => "username-checks",
            Self::AdminLogIns => "admin-log-ins",
        }
    }

    /// Whether it is everything that somebody does.
    #[must_use]
    pub fn is_global(self) -> bool {
        self == Self::Requests
    }
}

/// How somebody stands with a bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standing {
    /// What was counted.
    pub bucket: Bucket,
    /// How many it holds.
    pub limit: u32,
    /// How many it would let through now.
    pub remaining: u32,
    /// Until it holds as many as it can; where none remain and something was refused, until it lets one through.
    pub reset_after: Duration,
}

/// How often an account may do something that is counted in the store: so often within any such while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// What is counted.
    pub bucket: Bucket,
    /// So often.
    pub most: NonZeroU32,
    /// Within a while of this length.
    pub within: Duration,
    /// The moment of the change.
    pub now: Timestamp,
}

impl Allowance {
    /// How somebody stands who has done it so often as they may since that moment.
    #[must_use]
    pub fn exhausted(&self, first: Timestamp) -> Standing {
        let until = first.after(self.within).0.saturating_sub(self.now.0);
        Standing {
            bucket: self.bucket,
            limit: self.most.get(),
            remaining: 0,
            // Never at once: the same moment would be refused again.
            reset_after: Duration::from_millis(u64::try_from(until).unwrap_or(0).max(1))
                .min(self.within),
        }
    }
}
