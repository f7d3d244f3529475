//! `/metrics`: for an operator's Prometheus, beside the REST API or on a listener of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use rocket::config::{Config, LogLevel, Shutdown as Signals};
use rocket::error::ErrorKind;
use rocket::fairing::AdHoc;
use rocket::http::{Header, Status};
use rocket::request::{self, FromRequest, Request};
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::{Route, Shutdown, State, catchers, get, routes};
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use super::{App, guarded};
use crate::backups::Keeper;
use crate::config::cannot_listen;
use crate::error::{Error, Result};
use crate::meter::Meter;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::tokens::MetricsToken;

pub(crate) fn routes() -> Vec<Route> {
    routes![metrics]
}

/// What is told, and to whom.
#[derive(Clone)]
pub(crate) struct Observed {
    store: Arc<dyn Store>,
    meter: Arc<Meter>,
    metrics: Arc<Metrics>,
    keeper: Arc<Keeper>,
    token: Option<MetricsToken>,
}

impl Observed {
    pub(crate) fn new(app: &App, token: Option<MetricsToken>) -> Self {
        Self {
            store: Arc::clone(&app.store),
            meter: Arc::clone(&app.meter),
            metrics: Arc::clone(&app.metrics),
            keeper: Arc::clone(&app.keeper),
            token,
        }
    }
}

/// Serves it on a listener of its own, until it is told to stop.
///
/// # Errors
/// [`Error::Internal`] with a sentence for the operator if it can't listen there.
pub(crate) async fn listen(at: SocketAddr, observed: Observed) -> Result<Shutdown> {
    let refuse = |kind: &ErrorKind| {
        Error::Internal(match kind {
            ErrorKind::Bind(error) => cannot_listen(at, error, "metrics.address"),
            other => format!("metrics can't be served on {at}: {other}"),
        })
    };
    let (up, listening) = oneshot::channel();
    let announce = AdHoc::on_liftoff("where metrics are", move |rocket| {
        Box::pin(async move {
            let port = rocket.config().port;
            tracing::info!(
                "metrics are at http://{}/metrics",
                SocketAddr::new(at.ip(), port)
            );
            // Whoever waited for it has gone only if the server has.
            let _ = up.send(());
        })
    });
    let server = rocket::custom(Config {
        address: at.ip(),
        port: at.port(),
        workers: 1,
        log_level: LogLevel::Off,
        ip_header: None,
        shutdown: Signals {
            ctrlc: false,
            signals: std::collections::HashSet::new(),
            force: false,
            ..Signals::default()
        },
        ..Config::release_default()
    })
    .manage(observed)
    .mount("/", routes())
    .register("/", catchers![super::catch_all])
    .attach(announce);
    let server = server
        .ignite()
        .await
        .map_err(|error| refuse(error.kind()))?;
    let shutdown = server.shutdown();
    let launched = tokio::spawn(server.launch());
    tokio::select! {
        Ok(()) = listening => Ok(shutdown),
        ended = launched => Err(match ended {
            Ok(Err(error)) => refuse(error.kind()),
            _ => Error::Internal(format!("metrics can't be served on {at}: their listener ended at once")),
        }),
    }
}

/// Whoever has the token of the settings; where there is none, whoever reaches the listener.
struct Observer;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Observer {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        guarded(request, observe(request))
    }
}

fn observe(request: &Request<'_>) -> Result<Observer> {
    let observed = request.rocket().state::<Observed>();
    let Some(token) = observed.and_then(|observed| observed.token.as_ref()) else {
        return Ok(Observer);
    };
    let mut headers = request.headers().get("Authorization");
    let sent = match (headers.next(), headers.next()) {
        (Some(header), None) => header.split_once(' '),
        _ => None,
    };
    match sent {
        // Compared by their hashes, so that the time tells nothing.
        Some((scheme, sent))
            if scheme.eq_ignore_ascii_case("bearer")
                && Sha256::digest(sent.trim()) == Sha256::digest(token.reveal()) =>
        {
            Ok(Observer)
        }
        _ => Err(Error::Unauthorized),
    }
}

#[get("/metrics")]
async fn metrics(_observer: Observer, observed: &State<Observed>) -> Result<Text> {
    let statistics = observed.store.statistics().await?;
    let (work, kept) = (observed.store.work(), observed.store.kept());
    let backup = observed.keeper.last().map(|kept| kept.made_at);
    let text = observed
        .metrics
        .text(&observed.meter, &statistics, work, kept, backup)?;
    Ok(Text(text))
}

struct Text(String);

impl<'r> Responder<'r, 'static> for Text {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
        Response::build()
            .status(Status::Ok)
            .header(Header::new("Content-Type", kind))
            .sized_body(self.0.len(), std::io::Cursor::new(self.0))
            .ok()
    }
}
