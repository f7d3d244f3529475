//! `/users/@me/channels` and `/channels`: DMs and groups.

use rocket::http::Status;
use rocket::{Route, delete, get, patch, post, put, routes};
use utoipa::OpenApi;

use super::body::{Body, Query};
use super::conditional::Versioned;
use super::description;
use super::idempotency::{Answered, Idempotent};
use super::{AppState, Done, Listed, path_id};
use crate::accounts::Caller;
use crate::channels::{CHANNELS, Channel, ChannelChange, NewChannel};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::etag::Precondition;
use crate::id::Id;
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

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(
    channels,
    create,
    channel,
    modify,
    leave,
    add_recipient,
    remove_recipient
))]
pub(super) struct Description;

/// Channels
///
/// The DMs and groups of the account that asks, newest first.
#[utoipa::path(
    operation_id = "listChannels",
    params(description::UpTo1000),
    responses((status = 200, description = "A page of them.", body = Vec<description::ChannelShape>)),
)]
#[get("/users/@me/channels")]
async fn channels(caller: Caller, query: Query, app: &AppState) -> Result<Listed<Channel>> {
    let page = Page::parse(query.0, CHANNELS)?;
    Ok(Listed::written(
        "/users/@me/channels",
        app.store.channels(caller.user.id, page).await?,
    ))
}

/// Open a DM, or make a group
///
/// A DM is the same one for ever, whoever of the two asks; one that was hidden shows again. A group is a new one each time. 10 new ones in 10 minutes.
#[utoipa::path(
    operation_id = "openChannel",
    params(description::Once),
    request_body = description::NewChannel,
    responses((status = 200, description = "The channel.", body = description::ChannelShape)),
    extensions(("x-errors" = json!(["blocked"]))),
)]
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

/// A channel
///
/// One that the account takes part in.
#[utoipa::path(
    operation_id = "getChannel",
    params(description::Known, ("id" = Id, Path, description = "The channel's id.")),
    responses((status = 200, description = "The channel.", body = description::ChannelShape)),
    extensions(("x-errors" = json!(["unknown_channel"]))),
)]
#[get("/channels/<id>")]
async fn channel(caller: Caller, id: &str, app: &AppState) -> Result<Versioned<Channel>> {
    Ok(Versioned(
        app.store
            .channel(caller.user.id, path_id("channel.id", id)?)
            .await?,
    ))
}

/// Change a group
///
/// The name by anybody in it, the owner by the owner.
#[utoipa::path(
    operation_id = "modifyGroup",
    params(description::Meant, ("id" = Id, Path, description = "The channel's id.")),
    request_body = description::GroupChange,
    responses((status = 200, description = "The group as it is now.", body = description::GroupShape)),
    extensions(("x-errors" = json!(["forbidden", "unknown_channel", "not_owner"]))),
)]
#[patch("/channels/<id>", data = "<body>")]
async fn modify(
    caller: Caller,
    precondition: Precondition,
    id: &str,
    body: Body,
    app: &AppState,
) -> Result<Versioned<Channel>> {
    let id = path_id("channel.id", id)?;
    Ok(Versioned(
        app.store
            .modify_channel(
                caller.user.id,
                id,
                ChannelChange::parse(body.0)?,
                precondition,
            )
            .await?,
    ))
}

/// Hide a DM, or leave a group
///
/// A DM is hidden for the requester alone, until either asks for it again. An owner's place goes to the longest-standing participant; the last to leave deletes the group.
#[utoipa::path(
    operation_id = "leaveChannel",
    params(description::Meant, ("id" = Id, Path, description = "The channel's id.")),
    responses((status = 204, description = "It is hidden, or left.")),
    extensions(("x-errors" = json!(["unknown_channel"]))),
)]
#[delete("/channels/<id>")]
async fn leave(
    caller: Caller,
    precondition: Precondition,
    id: &str,
    app: &AppState,
) -> Result<Done> {
    app.store
        .leave_channel(caller.user.id, path_id("channel.id", id)?, precondition)
        .await?;
    Ok(Done)
}

/// Bring somebody into a group
///
/// By anybody in it. Who is in it already stays.
#[utoipa::path(
    operation_id = "addRecipient",
    params(("id" = Id, Path, description = "The channel's id."), ("user" = Id, Path, description = "The user's id.")),
    responses((status = 204, description = "They are in it.")),
    extensions(("x-errors" = json!(["forbidden", "unknown_channel", "unknown_user", "blocked"]))),
)]
#[put("/channels/<id>/recipients/<user>")]
async fn add_recipient(caller: Caller, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (id, user) = (path_id("channel.id", id)?, path_id("user.id", user)?);

    app.store
        .add_recipient(caller.user.id, id, user, app.ids.next()?, app.group_dm_max)
        .await?;
    Ok(Done)
}

/// Take somebody out of a group
///
/// By its owner; oneself by oneself, which is leaving.
#[utoipa::path(
    operation_id = "removeRecipient",
    params(("id" = Id, Path, description = "The channel's id."), ("user" = Id, Path, description = "The user's id.")),
    responses((status = 204, description = "They are out of it.")),
    extensions(("x-errors" = json!(["forbidden", "unknown_channel", "unknown_user", "not_owner"]))),
)]
#[delete("/channels/<id>/recipients/<user>")]
async fn remove_recipient(caller: Caller, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (id, user) = (path_id("channel.id", id)?, path_id("user.id", user)?);
    app.store.remove_recipient(caller.user.id, id, user).await?;
    Ok(Done)
}
