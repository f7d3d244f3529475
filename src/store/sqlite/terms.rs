//! The terms on which something is done, in SQL: how often, only once, and to one version only; all in the transaction of the deed.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, named_params};
use serde::Serialize;

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::etag::Precondition;
use crate::id::Id;
use crate::idempotency::{Answer, KEY_END, Once};
use crate::limits::Allowance;

/// The one that must be over before there is room for another: not one that a clock which was set back has left in the future, which
/// may be long in coming. What does not count any more waits for the sweep.
pub(super) const COUNTED: &str = "
    SELECT at FROM counted WHERE user_id = :user AND bucket = :bucket AND at > :ended AND at <= :ahead
    ORDER BY at DESC LIMIT 1 OFFSET :most - 1";

const COUNT: &str = "INSERT INTO counted (user_id, bucket, at) VALUES (:user, :bucket, :at)";

/// Not one that was left in the future by a clock that was set back.
pub(super) const KNOWN: &str = "
    SELECT request, answer FROM idempotency_keys
    WHERE user_id = :user AND key = :key AND at > :ended AND at <= :ahead";

/// A key that has ended may be taken again.
const REMEMBER: &str = "
    INSERT INTO idempotency_keys (user_id, key, request, answer, at) VALUES (:user, :key, :request, :answer, :at)
    ON CONFLICT (user_id, key) DO UPDATE SET request = excluded.request, answer = excluded.answer, at = excluded.at";

/// What has ended, and what a clock that was set back has left in the future.
pub(super) const SWEEP: [&str; 2] = [
    "DELETE FROM counted WHERE rowid IN (SELECT rowid FROM counted WHERE at <= :ended OR at > :ahead LIMIT :most)",
    "DELETE FROM idempotency_keys
    WHERE rowid IN (SELECT rowid FROM idempotency_keys WHERE at <= :ended OR at > :ahead LIMIT :most)",
];

/// How far ahead another request's moment may be that came at the same time.
const ABREAST: Duration = Duration::from_secs(1);

/// How many rows of each kind one sweep takes away: other writes wait meanwhile.
const SWEPT: u32 = 500;

/// Counts what an account has just done; too often, and all of it is undone.
pub(super) fn count(connection: &Connection, user: Id, allowance: Option<Allowance>) -> Result<()> {
    let Some(allowance) = allowance else {
        return Ok(());
    };
    let (bucket, now) = (allowance.bucket.name(), allowance.now);
    let (ended, ahead) = (now.before(allowance.within), now.after(ABREAST));
    let most = allowance.most.get();
    let parameters = named_params! { ":user": user, ":bucket": bucket, ":ended": ended, ":ahead": ahead, ":most": most };
    let first: Option<Timestamp> = connection
        .prepare_cached(COUNTED)?
        .query_row(parameters, |row| row.get(0))
        .optional()?;
    if let Some(first) = first {
        return Err(Error::Limited(allowance.exhausted(first)));
    }
    let parameters = named_params! { ":user": user, ":bucket": bucket, ":at": now };
    connection.prepare_cached(COUNT)?.execute(parameters)?;
    Ok(())
}

/// Does a request of an account's once: where it was done before, it is answered as it was then.
pub(super) fn once<T: Serialize>(
    connection: &Connection,
    user: Id,
    once: Option<&Once>,
    work: impl FnOnce() -> Result<T>,
) -> Result<Answer<T>> {
    let Some(once) = once else {
        return work().map(Answer::First);
    };
    let (ended, ahead) = (once.now.before(KEY_END), once.now.after(KEY_END));
    let parameters = named_params! { ":user": user, ":key": once.key.as_str(), ":ended": ended, ":ahead": ahead };
    let known: Option<([u8; 32], String)> = connection
        .prepare_cached(KNOWN)?
        .query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    match known {
        Some((request, answer)) if request == once.request => return Ok(Answer::Again(answer)),
        Some(_) => return Err(Error::IdempotencyConflict),
        None => {}
    }
    let done = work()?;
    let answer = written(&done)?;
    connection
        .prepare_cached(REMEMBER)?
        .execute(named_params! {
            ":user": user,
            ":key": once.key.as_str(),
            ":request": once.request,
            ":answer": answer,
            ":at": once.now,
        })?;
    Ok(Answer::First(done))
}

/// Changes what is still as its requester knows it, and what `current` tells. Where it is not, all of the change is undone; and where
/// it would have failed anyway, that is what is told (RFC 9110, section 13.2.1).
pub(super) fn matching<T, C: Serialize>(
    precondition: &Precondition,
    current: impl FnOnce() -> Result<C>,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    if *precondition == Precondition::Any {
        return work();
    }
    let current = written(&current()?)?;
    let done = work()?;
    if precondition.is_met_by(current.as_bytes()) {
        Ok(done)
    } else {
        Err(Error::PreconditionFailed)
    }
}

/// As it is answered.
fn written(object: &impl Serialize) -> Result<String> {
    serde_json::to_string(object).map_err(|error| Error::Internal(error.to_string()))
}

/// Drops what is kept of an account's requests.
pub(super) fn forget(connection: &Connection, user: Id) -> Result<()> {
    for sql in [
        "DELETE FROM counted WHERE user_id = :user",
        "DELETE FROM idempotency_keys WHERE user_id = :user",
    ] {
        connection
            .prepare_cached(sql)?
            .execute(named_params! { ":user": user })?;
    }
    Ok(())
}

/// Drops some of what nobody asks for any more, and tells whether there may be more of it.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> Result<bool> {
    let mut more = false;
    for sql in SWEEP {
        // Nothing that is counted counts longer than a key is remembered.
        let parameters = named_params! {
            ":ended": now.before(KEY_END),
            ":ahead": now.after(KEY_END),
            ":most": SWEPT,
        };
        let swept = connection.prepare_cached(sql)?.execute(parameters)?;
        more |= swept >= SWEPT as usize;
    }
    Ok(more)
}
