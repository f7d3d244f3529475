//! Whether the server lives, and whether it can work.

use rocket::http::{Header, Status};
use rocket::request::Request;
use rocket::response::{Responder, Result as Outcome};
use rocket::{Route, get, routes};
use serde::Serialize;

use super::{AppState, Json, respond};
use crate::error::{Error, Result};

pub(super) fn routes() -> Vec<Route> {
    routes![health, ready]
}

#[derive(Serialize)]
struct State {
    status: &'static str,
    /// What an operator should know; nothing that stands against serving.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

#[get("/health")]
fn health() -> Json<State> {
    Json::ok(State {
        status: "ok",
        warnings: Vec::new(),
    })
}

#[get("/ready")]
async fn ready(app: &AppState) -> Result<Json<State>, NotReady> {
    app.store.ping().await.map_err(NotReady)?;
    let health = app.keeper.health();
    match health.damage {
        Some(damage) => Err(NotReady(Error::Damaged(damage))),
        None => Ok(Json::ok(State {
            status: "ready",
            warnings: health.warnings,
        })),
    }
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
