//! Where a page is reached, the cookie of its session, and whether a request comes from the page itself.

use std::net::IpAddr;

use rocket::http::{Cookie, CookieJar, Method, SameSite};
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest, Request};
use rocket::time::Duration;

use crate::config::Scheme;
use crate::error::{Error, Result};
use crate::routes::address::client_address;
use crate::routes::body::check_content_type;
use crate::routes::{App, app, guarded};
use crate::tokens::{Secret, SecretHash};

/// Whether a request is more than a look.
pub(crate) fn changes(request: &Request<'_>) -> bool {
    !matches!(request.method(), Method::Get | Method::Head)
}

/// Holds a change against forged requests: it comes from the page itself, as the browser says, and as JSON, which a form on
/// another site can't send.
pub(crate) fn require_page(request: &Request<'_>) -> Result<()> {
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
            "This request does not come from the page itself; scripts use a token.",
        ));
    }
    if headers.contains("Content-Type") {
        check_content_type(request)
    } else {
        Err(Error::UnsupportedMediaType)
    }
}

fn is_own(request: &Request<'_>, origin: &str) -> bool {
    let host = host(request);
    let named = origin
        .split_once("://")
        .is_some_and(|(_, authority)| Some(authority) == host);
    named || public_url(request).is_some_and(|url| url == origin)
}

/// What the request calls the server; nothing where it calls it two names, of which a proxy may have looked at the other.
fn host<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let mut hosts = request.headers().get("Host");
    hosts.next().filter(|_| hosts.next().is_none())
}

fn public_url<'r>(request: &'r Request<'_>) -> Option<&'r str> {
    let app = request.rocket().state::<App>()?;
    app.public_url.as_deref()
}

/// The cookie of a page's sessions: no script reads it, no other site has it sent, and the browser keeps it to the page's paths.
pub(crate) struct SessionCookie {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The page's path.
    pub(crate) path: &'static str,
}

/// Of an admin's session.
pub(crate) const ADMIN: SessionCookie = SessionCookie {
    name: "saryno_admin",
    path: "/admin",
};

/// Of an account's session, on the account page.
pub(crate) const ACCOUNT: SessionCookie = SessionCookie {
    name: "saryno_account",
    path: "/account",
};

impl SessionCookie {
    /// The session that a request's cookie is of.
    pub(crate) fn read(&self, request: &Request<'_>) -> Option<SecretHash> {
        SecretHash::of_session(request.cookies().get(self.name)?.value())
    }

    /// Takes it back from the browser.
    pub(crate) fn end(&self, site: &Site, jar: &CookieJar<'_>) {
        let mut cookie = self.holding(String::new(), site);
        cookie.set_max_age(Duration::ZERO);
        jar.add(cookie);
    }

    fn holding(&self, value: String, site: &Site) -> Cookie<'static> {
        // Without an end of its own: the store ends a session after its idle time, and the browser when it closes.
        Cookie::build((self.name, value))
            .path(self.path)
            .http_only(true)
            .same_site(SameSite::Strict)
            .secure(site.is_secure())
            .build()
    }
}

/// The way in: a log-in, or what comes before it. Nobody was admitted yet, but it comes from the page itself.
pub(crate) struct Entrance<'r> {
    /// Where the request comes from.
    pub(crate) address: Option<IpAddr>,
    site: Site,
    jar: &'r CookieJar<'r>,
}

impl Entrance<'_> {
    /// Hands a session to the browser.
    pub(crate) fn begin(&self, cookie: &SessionCookie, session: &Secret) {
        let session = session.reveal().to_owned();
        self.jar.add(cookie.holding(session, &self.site));
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Entrance<'r> {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let entrance = require_page(request).map(|()| Self {
            address: client_address(request),
            site: Site::of(request),
            jar: request.cookies(),
        });
        guarded(request, entrance)
    }
}

/// How the requester reaches the server: for links that are handed out, and for whether a cookie may cross plain HTTP.
pub(crate) struct Site {
    /// Without a slash at its end.
    pub(crate) url: String,
}

impl Site {
    fn of(request: &Request<'_>) -> Self {
        let url = public_url(request).map_or_else(
            || {
                let headers = request.headers();
                // What a proxy says, or a client: which would only deceive itself.
                let scheme = match headers.get_one("X-Forwarded-Proto") {
                    Some("https") => Scheme::Https,
                    _ => app(request).map_or(Scheme::Http, |app| app.scheme),
                };
                let host = host(request).unwrap_or("localhost");
                format!("{scheme}://{host}")
            },
            str::to_owned,
        );
        Self { url }
    }

    fn is_secure(&self) -> bool {
        self.url.starts_with("https://")
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Site {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, Self::Error> {
        Outcome::Success(Self::of(request))
    }
}
