//! Who is counted for a request, and what the answer tells of it (contract, section 1, "Rate limits").

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rocket::http::Header;
use rocket::request::{self, FromRequest, Request};
use rocket::response::Response;

use super::address::client_address;
use super::exchange::Exchange;
use super::limits::{Requester, network};
use super::{App, guarded};
use crate::error::Result;
use crate::id::Id;
use crate::limits::Standing;

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
    if let Some(standing) = app.limits.request(requester)? {
        // A request is counted once.
        let _ = Exchange::of(request).standing.set(standing);
    }
    Ok(())
}

/// The five headers (contract, section 1, "Rate limits").
pub(super) fn set_headers(response: &mut Response<'_>, standing: &Standing) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let reset = now.unwrap_or_default() + standing.reset_after;
    response.set_header(Header::new("X-RateLimit-Limit", standing.limit.to_string()));
    let remaining = standing.remaining.to_string();
    response.set_header(Header::new("X-RateLimit-Remaining", remaining));
    response.set_header(Header::new("X-RateLimit-Reset", seconds(reset)));
    let reset_after = seconds(standing.reset_after);
    response.set_header(Header::new("X-RateLimit-Reset-After", reset_after));
    response.set_header(Header::new("X-RateLimit-Bucket", standing.bucket.name()));
}

/// To the millisecond, rounded up: who comes back then is not too early.
fn seconds(time: Duration) -> String {
    let milliseconds = time.as_secs() * 1_000 + u64::from(time.subsec_nanos().div_ceil(1_000_000));
    format!("{}.{:03}", milliseconds / 1_000, milliseconds % 1_000)
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
