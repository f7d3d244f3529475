//! Whether the server lives, and whether it can work.

use rocket::http::{Header, Status};
use rocket::request::Request;
use rocket::response::{Responder, Result as Outcome};
use rocket::{Route, get, routes};
use serde::Serialize;

use super::{AppState, Json, respond};
use crate::backups::Check;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

pub(super) fn routes() -> Vec<Route> {
    routes![health, ready]
}

#[derive(Serialize)]
struct Alive {
    status: &'static str,
}

#[get("/health")]
fn health() -> Json<Alive> {
    Json::ok(Alive { status: "ok" })
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// That it was asked just now.
    store: &'static str,
    /// The last look at the whole of the data; null until the first one since the start has ended.
    check: Option<Check>,
    /// The newest verified backup; null where there is none.
    backup: Option<Age>,
    /// What an operator should know; nothing that stands against serving.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Age {
    made_at: Timestamp,
    age_seconds: i64,
}

#[get("/ready")]
async fn ready(app: &AppState) -> Result<Json<Ready>, NotReady> {
    app.store.ping().await.map_err(NotReady)?;
    let (health, now) = (app.keeper.health(), Timestamp::now());
    if let Some(damage) = health.damage {
        return Err(NotReady(Error::Damaged(damage)));
    }
    let mut warnings = health.warnings;
    warnings.extend(app.term.and_then(|term| term.warning(now)));
    Ok(Json::ok(Ready {
        status: "ready",
        store: "answers",
        check: health.check,
        backup: health.backup.map(|made_at| Age {
            made_at,
            age_seconds: (now.0 - made_at.0).max(0) / 1_000,
        }),
        warnings,
    }))
}

/// 503 whatever stands against it, so that a load balancer needs to know one status.
struct NotReady(Error);

impl<'r> Responder<'r, 'static> for NotReady {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        tracing::error!(detail = %self.0, "not ready");
        let mut response = respond(&self.0, Status::ServiceUnavailable)?;
        if !response.headers().contains("Retry-After") {
            response.set_header(Header::new("Retry-After", "5"));
        }
        Ok(response)
    }
}
