//! A whole instance as lines of JSON (NDJSON), from one server to another or from somewhere else: what is written, what is read
//! and by which rules. (What one account is handed of its own is `routes/export.rs`.)
//!
//! The first line of an export is its header; each further line is one thing, told by its `kind`, after all that it refers to.
//! Whatever admits somebody is not in it. A line without a `kind` is a user.

mod kinds;
mod line;
mod lines;
mod values;
mod written;

use std::collections::BTreeMap;

use crate::error::Error;
pub use line::{
    Admin, Audit, Community, Dm, Group, Header, InstanceInvite, Invite, Line, Member, Participant,
    User,
};
pub use lines::{Lines, MOST_BYTES};
pub use written::{Standing, Written};

/// The version of the format. A file of a newer one is refused.
pub const FORMAT: i64 = 1;

/// What an export leaves out, as a sentence tells it.
pub const LEFT_OUT: &str =
    "sessions, tokens, one-time codes and links, idempotency keys and what the limits count";

/// How many lines there are of each kind.
pub type Tally = BTreeMap<&'static str, u64>;

/// Who looks on while an export is written or an import read.
pub trait Onlooker {
    /// So much is done: of all lines in an export, of the file's bytes in an import.
    fn done(&mut self, done: u64);
    /// A line is bad; called for each, in their order, the first line being 1.
    fn bad(&mut self, line: u64, reason: &Error);
    /// All lines are read, and the whole is verified.
    fn verifying(&mut self);
}
