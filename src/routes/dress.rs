//! What every answer wears: a request id, the security headers; and the log line of the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Header;
use rocket::request::Request;
use rocket::response::Response;
use rocket::{Data, Orbit, Rocket};

use super::exchange::Exchange;
use super::{cors, counted};
use crate::meter::Meter;
use crate::metrics::Metrics;

/// Sets the headers that every answer bears, errors included.
pub(super) fn dress(request: &Request<'_>, response: &mut Response<'_>) {
    let exchange = Exchange::of(request);
    // Looked through once: each question to the map costs the hash of a name.
    let (mut told, mut policy, mut kept) = (false, false, false);
    for header in response.headers().iter() {
        told |= header.name() == "X-RateLimit-Bucket";
        // The admin page says otherwise of its own files.
        policy |= header.name() == "Content-Security-Policy";
        kept |= header.name() == "Cache-Control";
    }
    response.set_header(Header::new("X-Request-Id", exchange.id()));
    response.set_header(Header::new("X-Content-Type-Options", "nosniff"));
    // A refusal tells it already.
    if let Some(standing) = exchange.standing.get()
        && !told
    {
        counted::set_headers(response, standing);
    }
    if !policy {
        // With `frame-ancestors`, browsers pass `X-Frame-Options` over (CSP 3, section 6.4.2), and each header costs: see dressed
        // against bare in `cargo bench --bench http -- me`.
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        response.set_header(Header::new("Content-Security-Policy", nothing));
    }
    // An answer is nobody else's to keep, and a token must not lie in a cache. A client that keeps a version itself asks with its `ETag`.
    if !kept {
        response.set_header(Header::new("Cache-Control", "no-store"));
    }
    // Rocket's own with TLS, for a year. It is for a whole name with all its ports, which are not this program's to decide for: on
    // `localhost` it would lock everything else out that is spoken to in the clear.
    if request.rocket().config().tls_enabled() {
        response.remove_header("Strict-Transport-Security");
    }
    cors::allow(request, response);
}

/// Dresses every answer, counts it, and logs every request.
pub(super) struct Dress {
    in_flight: AtomicUsize,
    meter: Arc<Meter>,
    metrics: Arc<Metrics>,
}

impl Dress {
    pub(super) fn new(meter: Arc<Meter>, metrics: Arc<Metrics>) -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            meter,
            metrics,
        }
    }
}

#[rocket::async_trait]
impl Fairing for Dress {
    fn info(&self) -> Info {
        Info {
            name: "headers and the log line",
            kind: Kind::Request | Kind::Response | Kind::Shutdown,
        }
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        Exchange::of(request);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        dress(request, response);
        let exchange = Exchange::of(request);
        let took = exchange.at.elapsed();
        let (method, status) = (request.method().as_str(), response.status().code);
        // The route, not the path: a code in a path is a secret.
        let route = request.route().map_or("none", |route| route.uri.as_str());
        self.meter.answered(status, took);
        self.metrics.answered(method, route, status, took);
        if tracing::enabled!(tracing::Level::INFO) {
            let id = exchange.id();
            let account = exchange.account.get().map(ToString::to_string);
            let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            tracing::info!(id, account, method, route, status, microseconds, "request");
        }
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Waits until every request that has begun is answered. Rocket looks once, right after this, whether all connections are
    /// closed, and then not again for as long as its grace lasts; so idle ones get a moment to close.
    async fn on_shutdown(&self, _: &Rocket<Orbit>) {
        tracing::info!("shutting down");
        while self.in_flight.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
