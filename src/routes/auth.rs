//! Who asks: the guard that turns an `Authorization` header into a [`Caller`] (contract, section 1, "auth").

use rocket::request::{self, FromRequest, Request};

use super::body::check_content_type;
use super::{App, guarded};
use crate::accounts::{Caller, SecretHash};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Id;

/// The account that a request was admitted for, for the log line.
pub(super) struct Admitted(Option<Id>);

impl Admitted {
    pub(super) fn account(request: &Request<'_>) -> Option<Id> {
        request.local_cache(|| Self(None)).0
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        guarded(request, admit(request).await)
    }
}

async fn admit(request: &Request<'_>) -> Result<Caller> {
    let (scheme, hash) = credentials(request).ok_or(Error::Unauthorized)?;
    let app = request
        .rocket()
        .state::<App>()
        .ok_or_else(|| Error::Internal("no store is managed".into()))?;
    let caller = app.store.caller(hash, Timestamp::now()).await?;
    if scheme == Scheme::Bot && !caller.is_bot() {
        return Err(Error::Unauthorized);
    }
    request.local_cache(|| Admitted(Some(caller.user.id)));
    if caller.disabled {
        return Err(Error::AccountDisabled(caller.reason));
    }
    // Here too and not only where a body is read: Rocket turns a form POST with `_method=delete` into a DELETE.
    check_content_type(request)?;
    Ok(caller)
}

#[derive(PartialEq)]
enum Scheme {
    Bearer,
    Bot,
}

fn credentials(request: &Request<'_>) -> Option<(Scheme, SecretHash)> {
    let mut headers = request.headers().get("Authorization");
    let (scheme, token) = headers.next()?.split_once(' ')?;
    if headers.next().is_some() {
        return None;
    }
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        _ if scheme.eq_ignore_ascii_case("bot") => Scheme::Bot,
        _ => return None,
    };
    Some((scheme, SecretHash::of_token(token.trim_matches(' '))?))
}
