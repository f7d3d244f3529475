//! Who is counted for a request, and what the answer tells of it (contract, section 1, "Rate limits").

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rocket::http::Header;
use rocket::request::{self, FromRequest, Request};
use rocket::response::Response;

use super::address::client_address;
use super::limits::{Requester, network};
use super::{App, guarded};
use crate::error::Result;
use crate::id::Id;
use crate::limits::Standing;

/// How the sender of a request stands, for the headers of its answer.
struct Counted(Mutex<Option<Standing>>);

/// Counts a request of an account.
pub(super) fn count_account(request: &Request<'_>, app: &App, account: Id) -> Result<()> {
    count(request, app, || Some(Requester::Account(account)))
}

/// Counts a request of nobody known, by where it comes from.
pub(super) fn count_address(request: &Request<'_>, app: &App) -> Result<()> {
    let address = || client_address(request).map(network).map(Requester::Address);
    count(request, app, address)
}

fn count(
    request: &Request<'_>,
    app: &App,
    requester: impl FnOnce() -> Option<Requester>,
) -> Result<()> {
    let Some(standing) = app.limits.request(requester)? else {
        return Ok(());
    };
    let counted = request.local_cache(|| Counted(Mutex::new(None)));
    *counted.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(standing);
    Ok(())
}

/// Tells in an answer how its requester stands, if the request was counted and no refusal tells it already.
pub(super) fn tell(request: &Request<'_>, response: &mut Response<'_>) {
    let counted = request.local_cache(|| Counted(Mutex::new(None)));
    let standing = *counted.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(standing) = standing
        && !response.headers().contains("X-RateLimit-Bucket")
    {
        set_headers(response, &standing);
    }
}

/// The five headers (contract, section 1, "Rate limits").
pub(super) fn set_headers(response: &mut Response<'_>, standing: &Standing) {
    let reset_after = standing.reset_after.as_secs_f64();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let reset = now.unwrap_or_default().as_secs_f64() + reset_after;
    response.set_header(Header::new("X-RateLimit-Limit", standing.limit.to_string()));
    let remaining = standing.remaining.to_string();
    response.set_header(Header::new("X-RateLimit-Remaining", remaining));
    response.set_header(Header::new("X-RateLimit-Reset", format!("{reset:.3}")));
    let reset_after = format!("{reset_after:.3}");
    response.set_header(Header::new("X-RateLimit-Reset-After", reset_after));
    response.set_header(Header::new("X-RateLimit-Bucket", standing.bucket.name()));
}

/// Somebody whom nobody admitted, nor need to; counted by where they come from.
pub(crate) struct Guest {
    /// Where the request comes from.
    pub(crate) address: Option<IpAddr>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Guest {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let guest = super::app(request).and_then(|app| {
            count_address(request, app)?;
            Ok(Self {
                address: client_address(request),
            })
        });
        guarded(request, guest)
    }
}
