//! `/users/@me/blocks`: whom somebody does not want to hear from.

use rocket::{Route, delete, get, put, routes};
use utoipa::OpenApi;

use super::body::Query;
use super::description;
use super::{AppState, Done, Listed, path_id};
use crate::accounts::Caller;
use crate::blocks::{BLOCKS, somebody_else};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::Page;
use crate::users::User;

pub(super) fn routes() -> Vec<Route> {
    routes![blocks, has_blocked, block, unblock]
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(blocks, has_blocked, block, unblock))]
pub(super) struct Description;

fn other(caller: &Caller, text: &str) -> Result<Id> {
    let id = path_id("user.id", text)?;
    somebody_else(caller.user.id, id).map_err(|problem| Error::field("user.id", problem))
}

/// Blocks
///
/// Whom the account has blocked, ascending by id.
#[utoipa::path(
    operation_id = "listBlocks",
    params(description::UpTo1000),
    responses((status = 200, description = "A page of them.", body = Vec<User>)),
)]
#[get("/users/@me/blocks")]
async fn blocks(caller: Caller, query: Query, app: &AppState) -> Result<Listed<User>> {
    let page = Page::parse(query.0, BLOCKS)?;
    Ok(Listed::new(
        "/users/@me/blocks",
        app.store.blocks(caller.user.id, page).await?,
    ))
}

/// Whether somebody is blocked
///
/// Ask with an id.
#[utoipa::path(
    operation_id = "isBlocked",
    params(("id" = Id, Path, description = "The user's id.")),
    responses((status = 204, description = "They are.")),
    extensions(("x-errors" = json!(["not_found"]))),
)]
#[get("/users/@me/blocks/<id>")]
async fn has_blocked(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    let other = other(&caller, id)?;
    if app.store.has_blocked(caller.user.id, other).await? {
        Ok(Done)
    } else {
        Err(Error::NotFound)
    }
}

/// Block somebody
///
/// From then on they open no new DM with the account and bring it into no group. What stands, stays.
#[utoipa::path(
    operation_id = "block",
    params(("id" = Id, Path, description = "The user's id.")),
    responses((status = 204, description = "They are blocked.")),
    extensions(("x-errors" = json!(["unknown_user"]))),
)]
#[put("/users/@me/blocks/<id>")]
async fn block(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    let other = other(&caller, id)?;
    app.store.block(caller.user.id, other).await?;
    Ok(Done)
}

/// Unblock somebody
///
/// Who isn't blocked stays so.
#[utoipa::path(
    operation_id = "unblock",
    params(("id" = Id, Path, description = "The user's id.")),
    responses((status = 204, description = "They are not blocked.")),
)]
#[delete("/users/@me/blocks/<id>")]
async fn unblock(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    let other = other(&caller, id)?;
    app.store.unblock(caller.user.id, other).await?;
    Ok(Done)
}
