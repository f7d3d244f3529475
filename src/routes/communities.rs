//! `/users/@me/communities`, `/communities` and `/invites`.

use rocket::http::Status;
use rocket::{Route, delete, get, patch, post, routes};
use utoipa::OpenApi;

use super::body::{Body, BodyWithImage, Query};
use super::conditional::Versioned;
use super::description;
use super::idempotency::{Answered, Idempotent};
use super::{AppState, Done, Json, Listed, path_id};
use crate::accounts::Caller;
use crate::clock::Timestamp;
use crate::communities::{
    COMMUNITIES, Code, Community, CommunityChange, INVITES, Invitation, Invite, MEMBERS,
    NewCommunity, NewInvite,
};
use crate::error::Result;
use crate::etag::Precondition;
use crate::id::Id;
use crate::page::Page;
use crate::users::User;

pub(super) fn routes() -> Vec<Route> {
    let rest = routes![
        create,
        community,
        modify,
        delete_community,
        members,
        remove_member,
        create_invite,
        invites,
        withdraw
    ];
    [own_routes(), rest].concat()
}

/// Where somebody is, and how they get in and out: the account page's part, too.
pub(super) fn own_routes() -> Vec<Route> {
    routes![communities, leave, invitation, join]
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(
    communities,
    leave,
    create,
    community,
    modify,
    delete_community,
    members,
    remove_member,
    create_invite,
    invites,
    invitation,
    join,
    withdraw
))]
pub(super) struct Description;

fn community_id(text: &str) -> Result<Id> {
    path_id("community.id", text)
}

/// Communities
///
/// Those that the account is in, ascending by id.
#[utoipa::path(
    operation_id = "listCommunities",
    params(description::UpTo200),
    responses((status = 200, description = "A page of them.", body = Vec<Community>)),
)]
#[get("/users/@me/communities")]
async fn communities(caller: Caller, query: Query, app: &AppState) -> Result<Listed<Community>> {
    let page = Page::parse(query.0, COMMUNITIES)?;
    Ok(Listed::written(
        "/users/@me/communities",
        app.store.communities(caller.user.id, page).await?,
    ))
}

/// Leave a community
///
/// The owner can't: they hand it over or delete it.
#[utoipa::path(
    operation_id = "leaveCommunity",
    params(("id" = Id, Path, description = "The community's id.")),
    responses((status = 204, description = "It is left.")),
    extensions(("x-errors" = json!(["unknown_community", "owner_cannot_leave"]))),
)]
#[delete("/users/@me/communities/<id>")]
async fn leave(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    app.store
        .leave_community(caller.user.id, community_id(id)?)
        .await?;
    Ok(Done)
}

/// Make a community
///
/// The requester owns it and is its first member.
#[utoipa::path(
    operation_id = "createCommunity",
    params(description::Once),
    request_body = description::NewCommunity,
    responses((status = 201, description = "The community.", body = Community)),
)]
#[post("/communities", data = "<body>")]
async fn create(
    caller: Caller,
    idempotent: Idempotent,
    body: BodyWithImage,
    app: &AppState,
) -> Result<Answered<Community>> {
    let once = idempotent.once(body.1);
    let new = NewCommunity::parse(body.0, &app.studio).await?;
    let answer = app
        .store
        .create_community(caller.user.id, new, app.ids.next()?, once)
        .await?;
    Ok(Answered(Status::Created, answer))
}

/// A community
///
/// One that the account is a member of.
#[utoipa::path(
    operation_id = "getCommunity",
    params(description::Known, ("id" = Id, Path, description = "The community's id.")),
    responses((status = 200, description = "The community.", body = Community)),
    extensions(("x-errors" = json!(["unknown_community"]))),
)]
#[get("/communities/<id>")]
async fn community(caller: Caller, id: &str, app: &AppState) -> Result<Versioned<Community>> {
    Ok(Versioned(
        app.store
            .community(caller.user.id, community_id(id)?)
            .await?,
    ))
}

/// Change a community
///
/// By its owner; a new owner is a member.
#[utoipa::path(
    operation_id = "modifyCommunity",
    params(description::Meant, ("id" = Id, Path, description = "The community's id.")),
    request_body = description::CommunityChange,
    responses((status = 200, description = "The community as it is now.", body = Community)),
    extensions(("x-errors" = json!(["unknown_community", "not_owner"]))),
)]
#[patch("/communities/<id>", data = "<body>")]
async fn modify(
    caller: Caller,
    precondition: Precondition,
    id: &str,
    body: BodyWithImage,
    app: &AppState,
) -> Result<Versioned<Community>> {
    let id = community_id(id)?;
    let change = CommunityChange::parse(body.0, &app.studio).await?;
    Ok(Versioned(
        app.store
            .modify_community(caller.user.id, id, change, precondition)
            .await?,
    ))
}

/// Delete a community
///
/// By its owner; its invites go along.
#[utoipa::path(
    operation_id = "deleteCommunity",
    params(description::Meant, ("id" = Id, Path, description = "The community's id.")),
    responses((status = 204, description = "It is deleted.")),
    extensions(("x-errors" = json!(["unknown_community", "not_owner"]))),
)]
#[delete("/communities/<id>")]
async fn delete_community(
    caller: Caller,
    precondition: Precondition,
    id: &str,
    app: &AppState,
) -> Result<Done> {
    app.store
        .delete_community(caller.user.id, community_id(id)?, precondition)
        .await?;
    Ok(Done)
}

/// Members
///
/// Ascending by id, for members.
#[utoipa::path(
    operation_id = "listMembers",
    params(("id" = Id, Path, description = "The community's id."), description::UpTo1000),
    responses((status = 200, description = "A page of them.", body = Vec<User>)),
    extensions(("x-errors" = json!(["unknown_community"]))),
)]
#[get("/communities/<id>/members")]
async fn members(caller: Caller, id: &str, query: Query, app: &AppState) -> Result<Listed<User>> {
    let id = community_id(id)?;
    let page = Page::parse(query.0, MEMBERS)?;
    Ok(Listed::new(
        format!("/communities/{id}/members"),
        app.store.members(caller.user.id, id, page).await?,
    ))
}

/// Take somebody out of a community
///
/// By its owner; oneself by oneself, which is leaving.
#[utoipa::path(
    operation_id = "removeMember",
    params(("id" = Id, Path, description = "The community's id."), ("user" = Id, Path, description = "The user's id.")),
    responses((status = 204, description = "They are out of it.")),
    extensions(("x-errors" = json!(["unknown_community", "unknown_user", "not_owner", "owner_cannot_leave"]))),
)]
#[delete("/communities/<id>/members/<user>")]
async fn remove_member(caller: Caller, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (id, user) = (community_id(id)?, path_id("user.id", user)?);
    app.store.remove_member(caller.user.id, id, user).await?;
    Ok(Done)
}

/// Make an invite
///
/// By the community's owner. Whoever has its code may join.
#[utoipa::path(
    operation_id = "createInvite",
    params(("id" = Id, Path, description = "The community's id."), description::Once),
    request_body = description::NewInvite,
    responses((status = 201, description = "The invite.", body = Invite)),
    extensions(("x-errors" = json!(["unknown_community", "not_owner"]))),
)]
#[post("/communities/<id>/invites", data = "<body>")]
async fn create_invite(
    caller: Caller,
    idempotent: Idempotent,
    id: &str,
    body: Body,
    app: &AppState,
) -> Result<Answered<Invite>> {
    let (id, now) = (community_id(id)?, Timestamp::now());
    let once = idempotent.once(body.1);
    let new = NewInvite::parse(body.0, now)?;
    let (requester, key, code) = (caller.user.id, app.ids.next()?, Code::mint());
    let answer = app
        .store
        .create_invite(requester, id, new, key, code, now, once)
        .await?;
    Ok(Answered(Status::Created, answer))
}

/// Invites
///
/// Those to a community that are good still, for its owner.
#[utoipa::path(
    operation_id = "listInvites",
    params(("id" = Id, Path, description = "The community's id."), description::UpTo200),
    responses((status = 200, description = "A page of them.", body = Vec<Invite>)),
    extensions(("x-errors" = json!(["unknown_community", "not_owner"]))),
)]
#[get("/communities/<id>/invites")]
async fn invites(caller: Caller, id: &str, query: Query, app: &AppState) -> Result<Listed<Invite>> {
    let id = community_id(id)?;
    let page = Page::parse(query.0, INVITES)?;
    let listing = app
        .store
        .invites(caller.user.id, id, page, Timestamp::now())
        .await?;
    Ok(Listed::new(format!("/communities/{id}/invites"), listing))
}

/// Look at an invite
///
/// And at the community that it leads to.
#[utoipa::path(
    operation_id = "getInvite",
    params(("code" = String, Path, description = "The invite's code.")),
    responses((status = 200, description = "The invite.", body = Invitation)),
    extensions(("x-errors" = json!(["unknown_invite"]))),
)]
#[get("/invites/<code>")]
async fn invitation(_caller: Caller, code: &str, app: &AppState) -> Result<Json<Invitation>> {
    Ok(Json::ok(
        app.store
            .invite(Code(code.to_owned()), Timestamp::now())
            .await?,
    ))
}

/// Join a community
///
/// With the code of an invite that is good.
#[utoipa::path(
    operation_id = "joinCommunity",
    params(("code" = String, Path, description = "The invite's code."), description::Once),
    responses((status = 200, description = "The community.", body = Community)),
    extensions(("x-errors" = json!(["unknown_invite", "already_member"]))),
)]
#[post("/invites/<code>")]
async fn join(
    caller: Caller,
    idempotent: Idempotent,
    code: &str,
    app: &AppState,
) -> Result<Answered<Community>> {
    let (code, now) = (Code(code.to_owned()), Timestamp::now());
    let (since, once) = (app.ids.next()?, idempotent.once(None));
    let answer = app
        .store
        .join(caller.user.id, code, since, now, once)
        .await?;
    Ok(Answered(Status::Ok, answer))
}

/// Withdraw an invite
///
/// By the community's owner.
#[utoipa::path(
    operation_id = "withdrawInvite",
    params(("code" = String, Path, description = "The invite's code.")),
    responses((status = 204, description = "It is withdrawn.")),
    extensions(("x-errors" = json!(["unknown_invite", "not_owner"]))),
)]
#[delete("/invites/<code>")]
async fn withdraw(caller: Caller, code: &str, app: &AppState) -> Result<Done> {
    app.store
        .withdraw_invite(caller.user.id, Code(code.to_owned()), Timestamp::now())
        .await?;
    Ok(Done)
}
