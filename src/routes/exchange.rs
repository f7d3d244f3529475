//! What is known of a request while it is answered: one place for what its guards, its catcher and its answer's dress tell each other.

use std::sync::OnceLock;
use std::time::Instant;

use base16ct::lower::encode_string;
use rocket::request::Request;

use crate::error::Error;
use crate::id::Id;
use crate::limits::Standing;

/// A request and what became of it so far.
pub(super) struct Exchange {
    /// Random; what the answer and the log line bear.
    id: u64,
    /// When it began.
    pub(super) at: Instant,
    /// The account that it was admitted for.
    pub(super) account: OnceLock<Id>,
    /// How its sender stands, if it was counted.
    pub(super) standing: OnceLock<Standing>,
    /// The error with which a guard ended it: a guard itself can hand over a status only.
    pub(super) stopped: OnceLock<Error>,
}

impl Exchange {
    /// That of this request; it begins with the first time that somebody asks.
    pub(super) fn of<'r>(request: &'r Request<'_>) -> &'r Self {
        request.local_cache(|| Self {
            id: rand::random(),
            at: Instant::now(),
            account: OnceLock::new(),
            standing: OnceLock::new(),
            stopped: OnceLock::new(),
        })
    }

    /// The request's id: 16 hex digits.
    pub(super) fn id(&self) -> String {
        encode_string(&self.id.to_be_bytes())
    }
}
