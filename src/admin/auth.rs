//! Who asks: an admin's session, by its cookie, or an admin's token; and whether a change comes from the page itself.

use rocket::http::{Cookie, CookieJar, Method, SameSite};
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest, Request};
use rocket::time::Duration;

use super::Desk;
use crate::admins::{Credential, Means, Operator};
use crate::audit::{Author, Who};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::routes::address::client_address;
use crate::routes::body::check_content_type;
use crate::routes::{App, guarded};
use crate::tokens::{Secret, SecretHash};

/// The session's cookie.
const COOKIE: &str = "saryno_admin";

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
        address: address(request),
    })
}

fn app<'r>(request: &'r Request<'_>) -> Result<&'r App> {
    let app = request.rocket().state::<App>();
    app.ok_or_else(|| Error::Internal("no store is managed".into()))
}

fn changes(request: &Request<'_>) -> bool {
    !matches!(request.method(), Method::Get | Method::Head)
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
        (None, _) => {
            let cookie = request.cookies().get(COOKIE)?;
            Some(Credential::Session(SecretHash::of_session(cookie.value())))
        }
    }
}

/// Holds a change against forged requests: it comes from the page itself, as the browser says, and as JSON, which a form on
/// another site can't send.
fn require_page(request: &Request<'_>) -> Result<()> {
    let headers = request.headers();
    let own = match headers.get_one("Sec-Fetch-Site") {
        Some(site) => site == "same-origin",
        // Browsers send that header to https and to this machine only.
        None => headers
            .get_one("Origin")
            .is_some_and(|origin| is_own(request, origin)),
    };
    if !own {
        return Err(Error::Forbidden(
            "This request does not come from the admin page itself; scripts use an admin API token.",
        ));
    }
    if headers.contains("Content-Type") {
        Ok(())
    } else {
        Err(Error::UnsupportedMediaType)
    }
}

fn is_own(request: &Request<'_>, origin: &str) -> bool {
    let host = request.headers().get_one("Host");
    let named = origin
        .split_once("://")
        .is_some_and(|(_, authority)| Some(authority) == host);
    let public = request
        .rocket()
        .state::<Desk>()
        .and_then(|desk| desk.public_url.as_deref());
    named || public.is_some_and(|url| origin_of(url) == origin)
}

/// Scheme and authority of a URL.
fn origin_of(url: &str) -> &str {
    let authority = url.find("://").map_or(0, |scheme| scheme + 3);
    let path = url[authority..].find('/');
    path.map_or(url, |path| &url[..authority + path])
}

/// The way in: a log-in, or what comes before it. Nobody was admitted yet, but it comes from the page itself.
pub(super) struct Entrance<'r> {
    pub(super) address: Option<String>,
    site: Site,
    jar: &'r CookieJar<'r>,
}

impl Entrance<'_> {
    /// Hands a session's cookie to the browser.
    pub(super) fn begin(&self, session: &Secret) {
        // Without an end of its own: the store ends it after its idle time, and the browser when it closes.
        self.jar.add(self.site.cookie(session.reveal().to_owned()));
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Entrance<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let own = require_page(request).and_then(|()| check_content_type(request));
        let entrance = own.map(|()| Self {
            address: address(request),
            site: Site::of(request),
            jar: request.cookies(),
        });
        guarded(request, entrance)
    }
}

fn address(request: &Request<'_>) -> Option<String> {
    client_address(request).map(|address| address.to_string())
}

/// How the requester reaches the server: for links that are handed out, and for whether a cookie may cross plain HTTP.
pub(super) struct Site {
    pub(super) url: String,
}

impl Site {
    fn of(request: &Request<'_>) -> Self {
        let desk = request.rocket().state::<Desk>();
        let public = desk.and_then(|desk| desk.public_url.clone());
        let url = public.unwrap_or_else(|| {
            let headers = request.headers();
            // What a proxy says, or a client: which would only deceive itself.
            let scheme = match headers.get_one("X-Forwarded-Proto") {
                Some("https") => "https",
                _ => "http",
            };
            let host = headers.get_one("Host").unwrap_or("localhost");
            format!("{scheme}://{host}")
        });
        Self { url }
    }

    fn is_secure(&self) -> bool {
        self.url.starts_with("https://")
    }

    /// Takes a session's cookie back.
    pub(super) fn end(&self, jar: &CookieJar<'_>) {
        let mut cookie = self.cookie(String::new());
        cookie.set_max_age(Duration::ZERO);
        jar.add(cookie);
    }

    fn cookie(&self, value: String) -> Cookie<'static> {
        Cookie::build((COOKIE, value))
            .path("/admin")
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(self.is_secure())
            .build()
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Site {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Self::Error> {
        Outcome::Success(Self::of(request))
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

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn the_origin_of_a_url_is_its_scheme_and_authority() {
        assert_eq!(origin_of("https://chat.example"), "https://chat.example");
        assert_eq!(
            origin_of("https://chat.example:8443/saryno"),
            "https://chat.example:8443"
        );
    }
}
