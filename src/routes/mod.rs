//! The REST API: one file a topic. A handler is guard, parse, one store call, answer.

pub(crate) mod accounts;
pub(crate) mod address;
pub(crate) mod auth;
mod blocks;
pub(crate) mod body;
mod channels;
mod communities;
pub(crate) mod counted;
mod description;
mod dress;
mod exchange;
mod export;
mod health;
mod idempotency;
mod images;
pub(crate) mod limits;
pub(crate) mod metrics;
mod users;

use std::io::Cursor;
use std::sync::Arc;

use ipnet::IpNet;
use rocket::http::{Header, RawStr, Status};
use rocket::request::{self, Request};
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::shield::Shield;
use rocket::{Build, Rocket, Route, State, catch, catchers};
use serde::Serialize;
use utoipa::ToSchema;

use crate::backups::Keeper;
use crate::config::Scheme;
use crate::directory::{Found, Next};
use crate::error::{Error, FieldError, Result};
use crate::id::{Generator, Id};
use crate::images::Studio;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::page::{Cursor as Bound, Listing};
use crate::passwords::Hasher;
use crate::store::Store;
use crate::tls::Term;
use exchange::Exchange;
use limits::Limits;

/// What handlers work with.
pub(crate) struct App {
    /// Everything that lasts.
    pub(crate) store: Arc<dyn Store>,
    /// The backups, and how sure one can be of the data.
    pub(crate) keeper: Arc<Keeper>,
    /// The ids of this server.
    pub(crate) ids: Generator,
    /// The queue for password hashes.
    pub(crate) hasher: Hasher,
    /// The queues for pictures.
    pub(crate) studio: Studio,
    /// How many people a group holds.
    pub(crate) group_dm_max: usize,
    /// Networks whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// How people reach the server, where the settings say so.
    pub(crate) public_url: Option<String>,
    /// From when to when the certificate that is served is good, where there is one.
    pub(crate) term: Option<Term>,
    /// How it is spoken to by whoever reaches it without a proxy.
    pub(crate) scheme: Scheme,
    /// How the server does.
    pub(crate) meter: Arc<Meter>,
    /// What an operator's Prometheus asks for.
    pub(crate) metrics: Arc<Metrics>,
    /// How often somebody may do something.
    pub(crate) limits: Arc<Limits>,
    /// The turns of large bodies.
    pub(crate) large_bodies: body::Turns,
}

/// Mounts every route at `/` and again at `/v1`, the catchers, and what dresses the answers.
///
/// # Errors
/// [`Error::Internal`] if the description can't be written, of which there is no way known.
pub(crate) fn mount(rocket: Rocket<Build>, app: App) -> Result<Rocket<Build>> {
    let routes: Vec<_> = [
        users::routes(),
        accounts::routes(),
        channels::routes(),
        communities::routes(),
        blocks::routes(),
        export::routes(),
        images::routes(),
        health::routes(),
        description::routes(),
    ]
    .concat();
    let dress = dress::Dress::new(app.meter.clone(), app.metrics.clone());
    let described = description::Described::new();
    let described = described.map_err(|error| Error::Internal(error.to_string()))?;
    let rocket = rocket
        .manage(app)
        .manage(described)
        .manage(images::Gallery::new())
        .mount("/", routes.clone())
        .mount("/v1", routes)
        .register("/", catchers![catch_all])
        // Rocket brings headers of its own along unless told otherwise.
        .attach(Shield::new())
        .attach(dress)
        .attach(limits::sweeping());
    Ok(rocket)
}

/// What the account page does by the same handlers, at its own address and with its own session.
pub(crate) fn of_account_page() -> Vec<Route> {
    [
        users::routes(),
        accounts::own_routes(),
        communities::own_routes(),
        blocks::routes(),
        export::routes(),
    ]
    .concat()
}

pub(crate) type AppState = State<App>;

/// An object as JSON, with its status.
pub(crate) struct Json<T>(Status, T);

impl<T> Json<T> {
    pub(crate) fn ok(object: T) -> Self {
        Self(Status::Ok, object)
    }

    pub(crate) fn created(object: T) -> Self {
        Self(Status::Created, object)
    }
}

/// 204: done, and nothing to say about it.
pub(crate) struct Done;

/// A page of a list, with the way to the next one.
pub(crate) struct Listed<T> {
    items: Vec<T>,
    path: String,
    /// `before` or `after`, and where.
    next: Option<(&'static str, String)>,
}

impl<T> Listed<T> {
    pub(crate) fn new(path: impl Into<String>, listing: Listing<T>) -> Self {
        Self {
            items: listing.items,
            path: path.into(),
            next: listing.next.and_then(bound),
        }
    }

    /// A page of a search, which goes on by id or by name.
    pub(crate) fn found(path: &str, found: Found<T>) -> Self {
        let next = match found.next {
            Some(Next::Id(cursor)) => bound(cursor),
            Some(Next::Name(position)) => Some(("after", position.to_string())),
            None => None,
        };
        Self {
            items: found.items,
            path: path.into(),
            next,
        }
    }
}

fn bound(cursor: Bound) -> Option<(&'static str, String)> {
    match cursor {
        Bound::After(id) => Some(("after", id.to_string())),
        Bound::Before(id) => Some(("before", id.to_string())),
        Bound::Start => None,
    }
}

/// A part of the path that is an id.
pub(crate) fn path_id(field: &str, text: &str) -> Result<Id> {
    text.parse().map_err(|problem| Error::field(field, problem))
}

fn json<'r>(status: Status, object: &impl Serialize) -> Outcome<'r> {
    // A page of twenty fits, so that it doesn't grow on the way.
    let mut body = Vec::with_capacity(4_096);
    serde_json::to_writer(&mut body, object).map_err(|_| Status::InternalServerError)?;
    Response::build()
        .status(status)
        .raw_header("Content-Type", "application/json")
        // In one piece: room for the body and the byte that does not come.
        .max_chunk_size(body.len() + 1)
        .sized_body(body.len(), Cursor::new(body))
        .ok()
}

impl<'r, T: Serialize> Responder<'r, 'static> for Json<T> {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        json(self.0, &self.1)
    }
}

impl<'r> Responder<'r, 'static> for Done {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        Response::build().status(Status::NoContent).ok()
    }
}

impl<'r, T: Serialize> Responder<'r, 'static> for Listed<T> {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let mut response = json(Status::Ok, &self.items)?;
        let Some((name, value)) = self.next else {
            return Ok(response);
        };
        let base = request
            .route()
            .map_or("", |route| route.uri.base())
            .trim_end_matches('/');
        // What else was asked for, the limit above all, is asked for again.
        let mut query = String::new();
        let asked = request
            .query_fields()
            .map(|field| (field.name.source().as_str(), field.value))
            .filter(|(name, _)| !["before", "after"].contains(name));
        for (name, value) in asked.chain([(name, value.as_str())]) {
            let separator = if query.is_empty() { '?' } else { '&' };
            let (name, value) = (RawStr::new(name), RawStr::new(value));
            query = format!(
                "{query}{separator}{}={}",
                name.percent_encode(),
                value.percent_encode()
            );
        }
        let link = format!("<{base}{}{query}>; rel=\"next\"", self.path);
        response.set_header(Header::new("Link", link));
        Ok(response)
    }
}

/// Why something was not done.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
struct ErrorBody {
    /// For programs; it never changes its meaning.
    code: &'static str,
    /// For people; it says what to do.
    message: String,
    /// The fields at fault, the first 100 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Of a 429: seconds until the next request may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after: Option<f64>,
    /// Of a 429: whether all requests are meant, or this kind alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    global: Option<bool>,
}

impl ErrorBody {
    fn of(error: &Error) -> Self {
        let limited = match error {
            Error::Limited(standing) => Some(standing),
            _ => None,
        };
        Self {
            code: error.code(),
            message: error.message().into_owned(),
            errors: error.fields(),
            retry_after: limited.map(|standing| standing.reset_after.as_secs_f64()),
            global: limited.map(|standing| standing.bucket.is_global()),
        }
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        if let Self::Internal(detail) | Self::Damaged(detail) = &self {
            let id = Exchange::of(request).id();
            tracing::error!(id, detail, "internal error");
        }
        respond(&self, Status::new(self.status()))
    }
}

/// The contract's error body under this status.
fn respond(error: &Error, status: Status) -> Outcome<'static> {
    let mut response = json(status, &ErrorBody::of(error))?;
    match error {
        Error::Unauthorized | Error::InvalidCredentials => {
            response.set_header(Header::new("WWW-Authenticate", "Bearer"))
        }
        Error::MethodNotAllowed(allow) => response.set_header(Header::new("Allow", allow.clone())),
        Error::Limited(standing) => {
            counted::set_headers(&mut response, standing);
            // Client libraries take a 429 without it for an edge's ban (contract, section 1, "Rate limits").
            response.set_header(Header::new("Via", "1.1 saryno"));
            let seconds = standing.reset_after.as_secs_f64().ceil();
            response.set_header(Header::new("Retry-After", format!("{seconds:.0}")))
        }
        Error::Busy => response.set_header(Header::new("Retry-After", "1")),
        Error::StorageFull => response.set_header(Header::new("Retry-After", "60")),
        Error::ShuttingDown => response.set_header(Header::new("Retry-After", "5")),
        _ => false,
    };
    Ok(response)
}

/// What handlers work with, for a guard.
pub(crate) fn app<'r>(request: &'r Request<'_>) -> Result<&'r App> {
    let app = request.rocket().state::<App>();
    app.ok_or_else(|| Error::Internal("no store is managed".into()))
}

/// What a guard comes to.
pub(crate) fn guarded<T>(request: &Request<'_>, result: Result<T>) -> request::Outcome<T, ()> {
    match result {
        Ok(guard) => request::Outcome::Success(guard),
        Err(error) => request::Outcome::Error(stop(request, error)),
    }
}

/// Ends a request in a guard.
fn stop(request: &Request<'_>, error: Error) -> (Status, ()) {
    let status = Status::new(error.status());
    // The first is told.
    let _ = Exchange::of(request).stopped.set(error);
    (status, ())
}

#[catch(default)]
fn catch_all(status: Status, request: &Request<'_>) -> Caught {
    let stopped = Exchange::of(request).stopped.get().cloned();
    Caught(stopped.unwrap_or_else(|| match status.code {
        404 => allowed(request).map_or(Error::NotFound, Error::MethodNotAllowed),
        400..500 => Error::Malformed("The request's method or path can't be read.".into()),
        503 => Error::Busy,
        // A handler panicked; the panic stands in the log with what it said.
        _ => Error::Internal("a handler did not come to its end".into()),
    }))
}

/// An error that no handler answered. Where Rocket found the request unreadable, no fairing runs after the catcher.
struct Caught(Error);

impl<'r> Responder<'r, 'static> for Caught {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let mut response = self.0.respond_to(request)?;
        dress::dress(request, &mut response);
        Ok(response)
    }
}

/// The methods with which this path exists, for `Allow`.
fn allowed(request: &Request<'_>) -> Option<String> {
    let path: Vec<_> = request.uri().path().segments().collect();
    let matches = |pattern: &str| {
        let pattern: Vec<_> = pattern
            .split('/')
            .filter(|segment| !segment.is_empty())
            .collect();
        pattern.len() == path.len()
            && pattern
                .iter()
                .zip(&path)
                .all(|(pattern, segment)| pattern.starts_with('<') || pattern == segment)
    };
    let routes = request
        .rocket()
        .routes()
        .filter(|route| matches(route.uri.path()));
    let mut methods: Vec<_> = routes.map(|route| route.method.as_str()).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.sort_unstable();
    methods.dedup();
    (!methods.is_empty()).then(|| methods.join(", "))
}
