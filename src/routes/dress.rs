//! What every answer wears: a request id, the security headers; and the log line of the request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rocket::fairing::{Fairing, Info, Kind};
use rocket::http::Header;
use rocket::request::Request;
use rocket::response::Response;
use rocket::{Data, Orbit, Rocket};

use super::auth::Admitted;
use super::counted;
use crate::meter::Meter;
use crate::metrics::Metrics;

/// When a request began, and the id that its answer and its log line bear.
struct Begun {
    id: String,
    at: Instant,
}

fn begun<'r>(request: &'r Request<'_>) -> &'r Begun {
    request.local_cache(|| Begun {
        id: format!("{:016x}", rand::random::<u64>()),
        at: Instant::now(),
    })
}

/// The request's id: 16 hex digits, random.
pub(super) fn request_id<'r>(request: &'r Request<'_>) -> &'r str {
    &begun(request).id
}

/// Sets the headers that every answer bears, errors included.
pub(super) fn dress(request: &Request<'_>, response: &mut Response<'_>) {
    response.set_header(Header::new("X-Request-Id", request_id(request).to_owned()));
    response.set_header(Header::new("X-Content-Type-Options", "nosniff"));
    response.set_header(Header::new("X-Frame-Options", "DENY"));
    response.set_header(Header::new("Referrer-Policy", "no-referrer"));
    // Rocket's own with TLS, for a year. It is for a whole name with all its ports, which are not this program's to decide for: on
    // `localhost` it would lock everything else out that is spoken to in the clear.
    response.remove_header("Strict-Transport-Security");
    counted::tell(request, response);
    // The admin page says otherwise of its own files.
    if !response.headers().contains("Content-Security-Policy") {
        let nothing = "default-src 'none'; frame-ancestors 'none'";
        response.set_header(Header::new("Content-Security-Policy", nothing));
    }
    // An answer is nobody else's to keep, and a token must not lie in a cache.
    if !response.headers().contains("ETag") {
        response.set_header(Header::new("Cache-Control", "no-store"));
    }
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
        begun(request);
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    async fn on_response<'r>(&self, request: &'r Request<'_>, response: &mut Response<'r>) {
        dress(request, response);
        let Begun { id, at } = begun(request);
        let (method, status) = (request.method().as_str(), response.status().code);
        // The route, not the path: a code in a path is a secret.
        let route = request
            .route()
            .map_or_else(|| "none".to_owned(), |route| route.uri.to_string());
        self.meter.answered(status, at.elapsed());
        if tracing::enabled!(tracing::Level::INFO) {
            let account = Admitted::account(request).map(|account| account.to_string());
            let microseconds = u64::try_from(at.elapsed().as_micros()).unwrap_or(u64::MAX);
            tracing::info!(id, account, method, route, status, microseconds, "request");
        }
        self.metrics.answered(method, route, status, at.elapsed());
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
