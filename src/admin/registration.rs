//! Who may register, and the invites to this server.

use rocket::{Route, delete, get, post, put, routes};
use serde::Serialize;

use super::auth::Admitted;
use super::forms::{parse_invite, parse_policy};
use crate::accounts::{InstanceInvite, Policy};
use crate::actions::Action;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::routes::body::Body;
use crate::routes::{App, AppState, Done, Json};
use crate::tokens::Code;

pub(super) fn routes() -> Vec<Route> {
    routes![registration, set, create, remove]
}

#[derive(Serialize)]
struct Registration {
    registration: Policy,
    invites: Vec<InstanceInvite>,
}

async fn now(app: &App) -> Result<Json<Registration>> {
    Ok(Json::ok(Registration {
        registration: app.store.registration().await?,
        invites: app.store.instance_invites().await?,
    }))
}

#[get("/registration")]
async fn registration(_admitted: Admitted, app: &AppState) -> Result<Json<Registration>> {
    now(app).await
}

#[put("/registration", data = "<body>")]
async fn set(admitted: Admitted, body: Body, app: &AppState) -> Result<Json<Registration>> {
    let policy = parse_policy(body.0)?;
    app.perform(admitted.author(), Action::SetRegistration(policy))
        .await?;
    now(app).await
}

#[post("/invites", data = "<body>")]
async fn create(admitted: Admitted, body: Body, app: &AppState) -> Result<Json<InstanceInvite>> {
    let invite = parse_invite(body.0, Timestamp::now())?;
    let action = Action::CreateInstanceInvite(invite.clone());
    app.perform(admitted.author(), action).await?;
    Ok(Json::created(invite))
}

#[delete("/invites/<code>")]
async fn remove(admitted: Admitted, code: &str, app: &AppState) -> Result<Done> {
    let action = Action::RemoveInstanceInvite(Code(code.to_owned()));
    app.perform(admitted.author(), action).await?;
    Ok(Done)
}
