//! Who asks: the guard that turns an `Authorization` header into a [`Caller`] (contract, section 1, "auth").

use std::net::IpAddr;

use rocket::request::{self, FromRequest, Request};

use super::address::client_address;
use super::body::check_content_type;
use super::counted::{count_account, count_address};
use super::exchange::Exchange;
use super::{App, app, guarded, header_values};
use crate::accounts::{Caller, SecretHash};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::web::{ACCOUNT, changes, require_page};

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Caller {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        guarded(request, admit(request).await)
    }
}

/// Somebody who may have an account here, and may not: newcomers ask, too.
pub(crate) struct Visitor {
    /// Whom the request was admitted for.
    pub(crate) caller: Option<Caller>,
    /// What a disabled account is told.
    pub(crate) disabled: Option<String>,
    /// Where it comes from.
    pub(crate) address: Option<IpAddr>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Visitor {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let admitted = match admit(request).await {
            Ok(caller) => Ok((Some(caller), None)),
            Err(Error::Unauthorized) => Ok((None, None)),
            Err(error @ Error::AccountDisabled(_)) => Ok((None, Some(error.to_string()))),
            Err(error) => Err(error),
        };
        let visitor = admitted.map(|(caller, disabled)| Self {
            caller,
            disabled,
            address: client_address(request),
        });
        guarded(request, visitor)
    }
}

async fn admit(request: &Request<'_>) -> Result<Caller> {
    let app = app(request)?;
    let admitted = look_up(request, app).await;
    if matches!(admitted, Err(Error::Unauthorized)) {
        // Whoever tries tokens is somebody at an address.
        count_address(request, app)?;
    }
    admitted
}

async fn look_up(request: &Request<'_>, app: &App) -> Result<Caller> {
    let (scheme, hash) = if is_account_page(request) {
        let session = ACCOUNT.read(request).map(|hash| (Scheme::Session, hash));
        session.ok_or(Error::Unauthorized)?
    } else {
        credentials(request).ok_or(Error::Unauthorized)?
    };
    let caller = app.store.caller(hash, Timestamp::now()).await?;
    if scheme == Scheme::Bot && !caller.is_bot() {
        return Err(Error::Unauthorized);
    }
    if scheme == Scheme::Session && !is_expected(request, caller.user.id) {
        return Err(Error::Unauthorized);
    }
    count_account(request, app, caller.user.id)?;
    // The same one, should it be admitted twice.
    let _ = Exchange::of(request).account.set(caller.user.id);
    if caller.disabled {
        return Err(Error::AccountDisabled(caller.reason));
    }
    // A browser adds the cookie whoever asks; a script adds its token itself.
    if scheme == Scheme::Session && changes(request) {
        require_page(request)?;
    }
    // Here too and not only where a body is read: Rocket turns a form POST with `_method=delete` into a DELETE.
    check_content_type(request)?;
    Ok(caller)
}

#[derive(PartialEq)]
enum Scheme {
    Bearer,
    Bot,
    /// Of the account page: a cookie, and never anything else, nor a cookie anywhere else.
    Session,
}

/// Whether the page was drawn for this account, if it says for whom: in another tab, somebody else may have logged in since. It
/// says so in a header, or, where a link can't have one, in the query.
fn is_expected(request: &Request<'_>, user: Id) -> bool {
    let header = request.headers().get_one("X-Saryno-User");
    let link = request.query_fields().find(|field| field.name == "as");
    let expected = header.or(link.map(|field| field.value));
    expected.is_none_or(|expected| expected == user.to_string())
}

fn is_account_page(request: &Request<'_>) -> bool {
    let base = request.route().map(|route| route.uri.base());
    base.is_some_and(|base| base.starts_with(ACCOUNT.path))
}

fn credentials(request: &Request<'_>) -> Option<(Scheme, SecretHash)> {
    let mut headers = header_values(request, "Authorization");
    let header = headers.next()?;
    if headers.next().is_some() {
        return None;
    }
    let (scheme, token) = header.split_once(' ')?;
    let scheme = match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Scheme::Bearer,
        _ if scheme.eq_ignore_ascii_case("bot") => Scheme::Bot,
        _ => return None,
    };
    Some((scheme, SecretHash::of_token(token.trim_matches(' '))?))
}
