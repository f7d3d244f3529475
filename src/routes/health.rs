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
}

#[get("/health")]
fn health() -> Json<State> {
    Json::ok(State { status: "ok" })
}

#[get("/ready")]
async fn ready(app: &AppState) -> Result<Json<State>, NotReady> {
    app.store.ping().await.map_err(NotReady)?;
    Ok(Json(Status::Ok, State { status: "ready" }))
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
