//! `/users/@me/blocks`: whom somebody does not want to hear from.

use rocket::{Route, delete, get, put, routes};

use super::body::Query;
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

fn other(caller: &Caller, text: &str) -> Result<Id> {
    let id = path_id("user.id", text)?;
    somebody_else(caller.user.id, id).map_err(|problem| Error::field("user.id", problem))
}

#[get("/users/@me/blocks")]
async fn blocks(caller: Caller, query: Query, app: &AppState) -> Result<Listed<User>> {
    let page = Page::parse(query.0, BLOCKS)?;
    Ok(Listed::new(
        "/users/@me/blocks",
        app.store.blocks(caller.user.id, page).await?,
    ))
}

#[get("/users/@me/blocks/<id>")]
async fn has_blocked(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    let other = other(&caller, id)?;
    if app.store.has_blocked(caller.user.id, other).await? {
        Ok(Done)
    } else {
        Err(Error::NotFound)
    }
}

#[put("/users/@me/blocks/<id>")]
async fn block(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    let other = other(&caller, id)?;
    app.store.block(caller.user.id, other).await?;
    Ok(Done)
}

#[delete("/users/@me/blocks/<id>")]
async fn unblock(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    let other = other(&caller, id)?;
    app.store.unblock(caller.user.id, other).await?;
    Ok(Done)
}
