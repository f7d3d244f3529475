//! Who asks: an admin's session, by its cookie, or an admin's token; and whether a change comes from the page itself.

use rocket::request::{self, FromRequest, Request};

use crate::admins::{Credential, Means, Operator};
use crate::audit::{Author, Who};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::routes::address::client_address;
use crate::routes::body::check_content_type;
use crate::routes::{app, guarded};
use crate::tokens::SecretHash;
use crate::web::{ADMIN, changes, require_page};

/// The path that the page follows by itself: being open there is no use of a session.
const LIVE: &str = "/admin/api/live";

/// An admin who was admitted, by session or by token.
pub(super) struct Admitted {
    pub(super) operator: Operator,
    pub(super) credential: Credential,
    address: Option<String>,
}

impl Admitted {
    /// The author of what is done now.
    pub(super) fn author(self) -> Author {
        Author {
            who: Who::Operator(self.operator),
            address: self.address,
        }
    }
}

/// An admin who was admitted by a session: tokens are for scripts, and make no admins and no tokens.
pub(super) struct InPerson(pub(super) Admitted);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admitted {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        guarded(request, admit(request).await)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for InPerson {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let admitted = admit(request)
            .await
            .and_then(|admitted| match admitted.operator.means {
                Means::Session(_) => Ok(Self(admitted)),
                Means::Token(..) => Err(Error::Forbidden(
                    "An admin API token can't do this; log in to the admin page.",
                )),
            });
        guarded(request, admitted)
    }
}

async fn admit(request: &Request<'_>) -> Result<Admitted> {
    let app = app(request)?;
    let credential = credential(request).ok_or(Error::Unauthorized)?;
    let noted = request.uri().path() != LIVE;
    let operator = app
        .store
        .operator(credential, Timestamp::now(), noted)
        .await?;
    if changes(request) {
        // A browser adds the cookie whoever asks; a script adds its token itself.
        if matches!(credential, Credential::Session(_)) {
            require_page(request)?;
        }
        check_content_type(request)?;
    }
    Ok(Admitted {
        operator,
        credential,
        address: client_address(request).map(|address| address.to_string()),
    })
}

/// An `Authorization` header decides where there is one; a cookie counts only without it.
fn credential(request: &Request<'_>) -> Option<Credential> {
    let mut headers = request.headers().get("Authorization");
    match (headers.next(), headers.next()) {
        (Some(header), None) => {
            let (scheme, token) = header.split_once(' ')?;
            let hash = SecretHash::of_admin_token(token.trim_matches(' '))?;
            scheme
                .eq_ignore_ascii_case("bearer")
                .then_some(Credential::Token(hash))
        }
        (Some(_), Some(_)) => None,
        (None, _) => ADMIN.read(request).map(Credential::Session),
    }
}

/// The admin whose session this browser has, if any; whoever asks, it is no error.
pub(super) struct Visitor(pub(super) Option<Operator>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Visitor {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let visitor = match admit(request).await {
            Ok(admitted) => Ok(Self(Some(admitted.operator))),
            Err(Error::Unauthorized) => Ok(Self(None)),
            Err(error) => Err(error),
        };
        guarded(request, visitor)
    }
}
