//! Whether the server lives, and whether it can work.

use rocket::http::{Header, Status};
use rocket::request::Request;
use rocket::response::{Responder, Result as Outcome};
use rocket::{Route, get, routes};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{AppState, Json, respond};
use crate::backups::Check;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

pub(super) fn routes() -> Vec<Route> {
    routes![health, ready]
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(health, ready))]
pub(super) struct Description;

/// That the process lives.
#[derive(Serialize, ToSchema)]
struct Alive {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Whether the process lives
///
/// Public, and not counted.
#[utoipa::path(
    operation_id = "getHealth",
    responses((status = 200, description = "It does.", body = Alive)),
    security(()),
)]
#[get("/health")]
fn health() -> Json<Alive> {
    Json::ok(Alive { status: "ok" })
}

/// That the server can work, and what its operator should know.
#[derive(Serialize, ToSchema)]
struct Ready {
    #[schema(example = "ready")]
    status: &'static str,
    /// That it was asked just now.
    #[schema(example = "answers")]
    store: &'static str,
    /// The last look at the whole of the data; null until the first one since the start has ended.
    #[schema(required = true)]
    check: Option<Check>,
    /// The newest verified backup; null where there is none.
    #[schema(required = true)]
    backup: Option<Age>,
    /// What an operator should know; nothing that stands against serving.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<String>,
}

/// The newest verified backup.
#[derive(Serialize, ToSchema)]
#[schema(as = NewestBackup)]
struct Age {
    made_at: Timestamp,
    age_seconds: i64,
}

/// Whether the server can work
///
/// Whether the store answers and the last look at the whole of it found no damage. Public, and not counted.
#[utoipa::path(
    operation_id = "getReady",
    responses((status = 200, description = "It can.", body = Ready)),
    extensions(("x-errors" = json!(["not_ready"]))),
    security(()),
)]
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
