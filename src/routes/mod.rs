//! The REST API: one file a topic. A handler is guard, parse, one store call, answer.

pub(crate) mod accounts;
pub(crate) mod address;
mod answers;
pub(crate) mod auth;
mod blocks;
pub(crate) mod body;
mod channels;
mod communities;
mod conditional;
mod cors;
pub(crate) mod counted;
pub(crate) mod description;
mod dress;
mod exchange;
mod export;
mod health;
mod idempotency;
mod images;
pub(crate) mod limits;
pub(crate) mod metrics;
mod users;

use std::borrow::Cow;
use std::sync::Arc;

use ipnet::IpNet;
use rocket::http::{Method, Status};
use rocket::request::{self, Request};
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::shield::Shield;
use rocket::{Build, Rocket, Route, State, catch, catchers};

use crate::backups::Keeper;
use crate::config::Scheme;
use crate::error::{Error, Result};
use crate::id::{Generator, Id};
use crate::images::Studio;
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::passwords::Hasher;
use crate::store::Store;
use crate::tls::Term;
pub(crate) use answers::{Done, Json, Listed};
use answers::{ErrorBody, in_json, json, respond, written};
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
    /// Other origins whose pages may read answers; `*` for all.
    pub(crate) cors_origins: Vec<String>,
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
pub(crate) fn mount(rocket: Rocket<Build>, app: App) -> Rocket<Build> {
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
    rocket
        .manage(app)
        .manage(images::Gallery::new())
        .mount("/", routes.clone())
        .mount("/v1", routes)
        .register("/", catchers![catch_all])
        // Rocket brings headers of its own along unless told otherwise.
        .attach(Shield::new())
        .attach(dress)
        .attach(limits::sweeping())
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

/// A part of the path that is an id.
pub(crate) fn path_id(field: &str, text: &str) -> Result<Id> {
    text.parse().map_err(|problem| Error::field(field, problem))
}

/// What handlers work with, for a guard.
pub(crate) fn app<'r>(request: &'r Request<'_>) -> Result<&'r App> {
    let app = request.rocket().state::<App>();
    app.ok_or_else(|| Error::Internal("no store is managed".into()))
}

/// What a request's headers of this name say, for those that most requests are asked for: Rocket's own map hashes the name, byte by
/// byte, which takes several times as long as a look through the few headers that there are.
pub(crate) fn header_values<'r>(
    request: &'r Request<'_>,
    name: &'static str,
) -> impl Iterator<Item = Cow<'r, str>> {
    let headers = request.headers().iter();
    headers.filter_map(move |header| (header.name == name).then_some(header.value))
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
    // To Rocket, a method that it does not know is a bad request.
    if let (None, 400 | 404, Some(methods)) = (&stopped, status.code, allowed(request)) {
        return Caught::Methods(methods);
    }
    Caught::Error(stopped.unwrap_or_else(|| match status.code {
        404 => Error::NotFound,
        400..500 => Error::Malformed("The request's method or path can't be read.".into()),
        503 => Error::Busy,
        // A handler panicked; the panic stands in the log with what it said.
        _ => Error::Internal("a handler did not come to its end".into()),
    }))
}

/// What no handler answered. Where Rocket found the request unreadable, no fairing runs after the catcher.
enum Caught {
    Error(Error),
    /// The path exists, with these methods.
    Methods(String),
}

impl<'r> Responder<'r, 'static> for Caught {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let mut response = match self {
            Self::Methods(methods) if request.method() == Method::Options => Response::build()
                .status(Status::NoContent)
                .raw_header("Allow", methods)
                .finalize(),
            Self::Methods(methods) => Error::MethodNotAllowed(methods).respond_to(request)?,
            Self::Error(error) => error.respond_to(request)?,
        };
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
    if methods.is_empty() {
        return None;
    }
    methods.push("OPTIONS");
    methods.sort_unstable();
    methods.dedup();
    Some(methods.join(", "))
}
