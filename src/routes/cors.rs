//! Which pages of other origins may read the REST API's answers (CORS; Fetch, section 3.3). None, unless the settings name them; the
//! admin page's and the account page's addresses are never among what they may read.

use rocket::http::{Method, Status};
use rocket::request::Request;
use rocket::response::Response;

use super::App;

/// What a script reads of an answer besides its body.
const EXPOSED: &str = "ETag, Link, Retry-After, WWW-Authenticate, X-Request-Id, Idempotency-Replayed, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-RateLimit-Reset-After, X-RateLimit-Bucket";

/// What it may send besides what every page may.
const SENT: &str = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match";

/// Seconds that a browser need not ask again whether it may ask: the most that any of them heeds.
const REMEMBERED: &str = "86400";

/// Tells a browser whether the page that asks may read the answer.
pub(super) fn allow(request: &Request<'_>, response: &mut Response<'_>) {
    let Some(app) = request.rocket().state::<App>() else {
        return;
    };
    let origins = &app.cors_origins;
    if origins.is_empty() || is_page(request) {
        return;
    }
    let origin = request.headers().get_one("Origin");
    let allowed = if origins.iter().any(|origin| origin == "*") {
        origin.map(|_| "*".to_owned())
    } else {
        // Whoever keeps the answer is not to show it to another page. What a catcher answers comes by here twice.
        if !response.headers().get("Vary").any(|name| name == "Origin") {
            response.adjoin_raw_header("Vary", "Origin");
        }
        origin
            .filter(|origin| origins.iter().any(|known| known == origin))
            .map(str::to_owned)
    };
    let Some(allowed) = allowed else {
        return;
    };
    response.set_raw_header("Access-Control-Allow-Origin", allowed);
    if is_preflight(request) && response.status() == Status::NoContent {
        let methods = response.headers().get_one("Allow").unwrap_or_default();
        let methods = methods.to_owned();
        response.set_raw_header("Access-Control-Allow-Methods", methods);
        response.set_raw_header("Access-Control-Allow-Headers", SENT);
        response.set_raw_header("Access-Control-Max-Age", REMEMBERED);
    } else {
        response.set_raw_header("Access-Control-Expose-Headers", EXPOSED);
    }
}

fn is_page(request: &Request<'_>) -> bool {
    let first = request.uri().path().segments().get(0);
    matches!(first, Some("admin" | "account"))
}

/// Whether a browser asks what it may ask.
fn is_preflight(request: &Request<'_>) -> bool {
    request.method() == Method::Options
        && request.headers().contains("Access-Control-Request-Method")
}
