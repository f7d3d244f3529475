//! Communities: the list, one of them, its members and invites.

use rocket::{Route, delete, get, patch, post, put, routes};
use serde::Serialize;

use super::auth::Admitted;
use super::forms::parse_community;
use crate::actions::{Action, CommunityAction, Outcome};
use crate::admins::LISTS;
use crate::clock::Timestamp;
use crate::communities::{Code, Community, CommunityChange, INVITES, Invite, NewInvite};
use crate::directory::Communities;
use crate::error::Result;
use crate::id::Id;
use crate::page::Page;
use crate::routes::body::{Body, BodyWithImage, Query};
use crate::routes::{App, AppState, Done, Json, Listed, path_id};
use crate::users::User;
use crate::views::{Member, OwnedCommunity};

pub(super) fn routes() -> Vec<Route> {
    routes![
        communities,
        create,
        community,
        change,
        delete_community,
        members,
        add_member,
        remove_member,
        invites,
        create_invite,
        withdraw_invite
    ]
}

fn community_id(text: &str) -> Result<Id> {
    path_id("community.id", text)
}

#[get("/communities")]
async fn communities(
    _admitted: Admitted,
    query: Query,
    app: &AppState,
) -> Result<Listed<OwnedCommunity>> {
    let search = Communities::parse(query.0)?;
    Ok(Listed::found(
        "/communities",
        app.store.find_communities(search).await?,
    ))
}

#[post("/communities", data = "<body>")]
async fn create(admitted: Admitted, body: BodyWithImage, app: &AppState) -> Result<Json<Outcome>> {
    let (new, owner) = parse_community(body.0, &app.studio).await?;
    let id = app.ids.next()?;
    let action = Action::CreateCommunity { id, new, owner };
    Ok(Json::created(app.perform(admitted.author(), action).await?))
}

/// A community, and whose it is.
#[derive(Serialize)]
struct Owned {
    community: Community,
    owner: User,
}

#[get("/communities/<id>")]
async fn community(_admitted: Admitted, id: &str, app: &AppState) -> Result<Json<Owned>> {
    let (community, owner) = app.store.community_view(community_id(id)?).await?;
    Ok(Json::ok(Owned { community, owner }))
}

async fn act(admitted: Admitted, id: &str, action: CommunityAction, app: &App) -> Result<Outcome> {
    let action = Action::Community(community_id(id)?, action);
    app.perform(admitted.author(), action).await
}

#[patch("/communities/<id>", data = "<body>")]
async fn change(
    admitted: Admitted,
    id: &str,
    body: BodyWithImage,
    app: &AppState,
) -> Result<Json<Outcome>> {
    let change = CommunityChange::parse(body.0, &app.studio).await?;
    let action = CommunityAction::Change(change);
    Ok(Json::ok(act(admitted, id, action, app).await?))
}

#[delete("/communities/<id>")]
async fn delete_community(admitted: Admitted, id: &str, app: &AppState) -> Result<Done> {
    act(admitted, id, CommunityAction::Delete, app).await?;
    Ok(Done)
}

#[get("/communities/<id>/members")]
async fn members(
    _admitted: Admitted,
    id: &str,
    query: Query,
    app: &AppState,
) -> Result<Listed<Member>> {
    let id = community_id(id)?;
    let page = Page::parse(query.0, LISTS)?;
    Ok(Listed::new(
        format!("/communities/{id}/members"),
        app.store.members_of(id, page).await?,
    ))
}

#[put("/communities/<id>/members/<user>")]
async fn add_member(admitted: Admitted, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let (user, since) = (path_id("user.id", user)?, app.ids.next()?);
    act(
        admitted,
        id,
        CommunityAction::AddMember { user, since },
        app,
    )
    .await?;
    Ok(Done)
}

#[delete("/communities/<id>/members/<user>")]
async fn remove_member(admitted: Admitted, id: &str, user: &str, app: &AppState) -> Result<Done> {
    let user = path_id("user.id", user)?;
    act(admitted, id, CommunityAction::RemoveMember(user), app).await?;
    Ok(Done)
}

#[get("/communities/<id>/invites")]
async fn invites(
    _admitted: Admitted,
    id: &str,
    query: Query,
    app: &AppState,
) -> Result<Listed<Invite>> {
    let id = community_id(id)?;
    let page = Page::parse(query.0, INVITES)?;
    Ok(Listed::new(
        format!("/communities/{id}/invites"),
        app.store.invites_of(id, page, Timestamp::now()).await?,
    ))
}

#[post("/communities/<id>/invites", data = "<body>")]
async fn create_invite(
    admitted: Admitted,
    id: &str,
    body: Body,
    app: &AppState,
) -> Result<Json<Outcome>> {
    let now = Timestamp::now();
    let action = CommunityAction::Invite {
        new: NewInvite::parse(body.0, now)?,
        key: app.ids.next()?,
        code: Code::mint(),
        now,
    };
    Ok(Json::created(act(admitted, id, action, app).await?))
}

#[delete("/communities/<id>/invites/<code>")]
async fn withdraw_invite(admitted: Admitted, id: &str, code: &str, app: &AppState) -> Result<Done> {
    let code = Code(code.to_owned());
    act(admitted, id, CommunityAction::WithdrawInvite(code), app).await?;
    Ok(Done)
}
