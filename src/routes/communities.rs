//! `/users/@me/communities`, `/communities` and `/invites`.

use rocket::http::Status;
use rocket::{Route, delete, get, patch, post, routes};

use super::body::{Body, BodyWithImage, Query};
use super::idempotency::{Answered, Idempotent};
use super::{AppState, Done, Json, Listed, path_id};
use crate::accounts::Caller;
use crate::clock::Timestamp;
use crate::communities::{
    COMMUNITIES, Code, Community, CommunityChange, INVITES, Invitation, Invite, MEMBERS,
    NewCommunity, NewInvite,
};
use crate::error::Result;
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

fn community_id(text: &str) -> Result<Id> {
    path_id("community.id", text)
}

#[get("/users/@me/communities")]
async fn communities(caller: Caller, query: Query, app: &AppState) -> Result<Listed<Community>> {
    let page = Page::parse(query.0, COMMUNITIES)?;
    Ok(Listed::new(
        "/users/@me/communities",
        app.store.communities(caller.user.id, page).await?,
    ))
}

#[delete("/users/@me/communities/<id>")]
async fn leave(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    app.store
        .leave_community(caller.user.id, community_id(id)?)
        .await?;
    Ok(Done)
}

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

#[get("/communities/<id>")]
async fn community(caller: Caller, id: &str, app: &AppState) -> Result<Json<Community>> {
    Ok(Json::ok(
        app.store
            .community(caller.user.id, community_id(id)?)
            .await?,
    ))
}

#[patch("/communities/<id>", data = "<body>")]
async fn modify(
    caller: Caller,
    id: &str,
    body: BodyWithImage,
    app: &AppState,
) -> Result<Json<Community>> {
    let id = community_id(id)?;
    let change = CommunityChange::parse(body.0, &app.studio).await?;
    Ok(Json::ok(
        app.store
            .modify_community(caller.user.id, id, change)
            .await?,
    ))
}

#[delete("/communities/<id>")]
async fn delete_community(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    app.store
        .delete_community(caller.user.id, community_id(id)?)
        .await?;
    Ok(Done)
}

#[get("/communities/<id>/members")]
async fn members(caller: Caller, id: &str, query: Query, app: &AppState) -> Result<Listed<User>> {
    let id = community_id(id)?;
    let page = Page::parse(query.0, MEMBERS)?;
    Ok(Listed::new(
        format!("/communities/{id}/members"),
        app.store.members(caller.user.id, id, page).await?,
    ))
}

#[delete("/communities/<id>/members/<user>")]
async fn remove_member(caller: Caller, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (id, user) = (community_id(id)?, path_id("user.id", user)?);
    app.store.remove_member(caller.user.id, id, user).await?;
    Ok(Done)
}

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

#[get("/invites/<code>")]
async fn invitation(_caller: Caller, code: &str, app: &AppState) -> Result<Json<Invitation>> {
    Ok(Json::ok(
        app.store
            .invite(Code(code.to_owned()), Timestamp::now())
            .await?,
    ))
}

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

#[delete("/invites/<code>")]
async fn withdraw(caller: Caller, code: &str, app: &AppState) -> Result<Done> {
    app.store
        .withdraw_invite(caller.user.id, Code(code.to_owned()), Timestamp::now())
        .await?;
    Ok(Done)
}
