//! `/users/@me/channels` and `/channels`: DMs and groups.

use rocket::http::Status;
use rocket::{Route, delete, get, patch, post, put, routes};

use super::body::{Body, Query};
use super::idempotency::{Answered, Idempotent};
use super::{AppState, Done, Json, Listed, path_id};
use crate::accounts::Caller;
use crate::channels::{CHANNELS, Channel, ChannelChange, NewChannel};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::idempotency::{Answer, Terms};
use crate::page::Page;

pub(super) fn routes() -> Vec<Route> {
    routes![
        channels,
        create,
        channel,
        modify,
        leave,
        add_recipient,
        remove_recipient
    ]
}

#[get("/users/@me/channels")]
async fn channels(caller: Caller, query: Query, app: &AppState) -> Result<Listed<Channel>> {
    let page = Page::parse(query.0, CHANNELS)?;
    Ok(Listed::new(
        "/users/@me/channels",
        app.store.channels(caller.user.id, page).await?,
    ))
}

#[post("/users/@me/channels", data = "<body>")]
async fn create(
    caller: Caller,
    idempotent: Idempotent,
    body: Body,
    app: &AppState,
) -> Result<Answered<Channel>> {
    let requester = caller.user.id;
    let terms = Terms {
        once: idempotent.once(body.1),
        allowance: app.limits.new_channels(Timestamp::now()),
    };
    let id = app.ids.next()?;
    let answer = match NewChannel::parse(body.0, requester, app.group_dm_max)? {
        NewChannel::Dm(pair) => {
            let answer = app.store.open_dm(requester, pair, id, terms).await?;
            if let Answer::First(dm) = &answer {
                app.meter.dm(dm.id == id);
            }
            answer
        }
        NewChannel::Group(group) => app.store.create_group(requester, group, id, terms).await?,
    };
    Ok(Answered(Status::Ok, answer))
}

#[get("/channels/<id>")]
async fn channel(caller: Caller, id: &str, app: &AppState) -> Result<Json<Channel>> {
    Ok(Json::ok(
        app.store
            .channel(caller.user.id, path_id("channel.id", id)?)
            .await?,
    ))
}

#[patch("/channels/<id>", data = "<body>")]
async fn modify(caller: Caller, id: &str, body: Body, app: &AppState) -> Result<Json<Channel>> {
    let id = path_id("channel.id", id)?;
    Ok(Json::ok(
        app.store
            .modify_channel(caller.user.id, id, ChannelChange::parse(body.0)?)
            .await?,
    ))
}

#[delete("/channels/<id>")]
async fn leave(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    app.store
        .leave_channel(caller.user.id, path_id("channel.id", id)?)
        .await?;
    Ok(Done)
}

#[put("/channels/<id>/recipients/<user>")]
async fn add_recipient(caller: Caller, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (id, user) = (path_id("channel.id", id)?, path_id("user.id", user)?);

    app.store
        .add_recipient(caller.user.id, id, user, app.ids.next()?, app.group_dm_max)
        .await?;
    Ok(Done)
}

#[delete("/channels/<id>/recipients/<user>")]
async fn remove_recipient(caller: Caller, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (id, user) = (path_id("channel.id", id)?, path_id("user.id", user)?);
    app.store.remove_recipient(caller.user.id, id, user).await?;
    Ok(Done)
}
