//! `/users`: who somebody is.

use rocket::{Route, delete, get, patch, routes};

use super::accounts::check_own_password;
use super::address::Address;
use super::auth::Visitor;
use super::body::{Body, BodyWithImage, Query};
use super::{AppState, Done, Json, path_id};
use crate::accounts::{Caller, parse_farewell};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::users::{Asker, Change, Tag, User, UsernameCheck, UsernameQuery};

pub(super) fn routes() -> Vec<Route> {
    routes![me, user, user_by_tag, check_username, modify_me, delete_me]
}

#[get("/users/@me")]
fn me(caller: Caller) -> Json<User> {
    Json::ok(caller.user)
}

#[get("/users/<id>")]
async fn user(_caller: Caller, id: &str, app: &AppState) -> Result<Json<User>> {
    Ok(Json::ok(app.store.user(path_id("user.id", id)?).await?))
}

#[get("/users")]
async fn user_by_tag(_caller: Caller, query: Query, app: &AppState) -> Result<Json<User>> {
    let mut query = query.0;
    let tag = query.required::<Tag>("tag");
    query.finish_known()?;
    Ok(Json::ok(app.store.user_by_tag(tag?).await?))
}

/// For who chooses a name: says while they type whether the rules allow it.
#[get("/usernames/check")]
async fn check_username(
    visitor: Visitor,
    query: Query,
    app: &AppState,
) -> Result<Json<UsernameCheck>> {
    app.limits.username_check(visitor.address)?;
    let UsernameQuery { username, invite } = UsernameQuery::parse(query.0)?;
    let username = match username {
        Ok(username) => username,
        Err(problem) => return Ok(Json::ok(UsernameCheck::forbidden(problem))),
    };
    let asker = match visitor.caller {
        Some(_) => Asker::Account,
        None => Asker::Newcomer(invite),
    };
    let taken = app.store.taken(username.clone(), asker, Timestamp::now());
    Ok(Json::ok(UsernameCheck::allowed(&username, taken.await?)))
}

#[patch("/users/@me", data = "<body>")]
async fn modify_me(caller: Caller, body: BodyWithImage, app: &AppState) -> Result<Json<User>> {
    let change = Change::parse(body.0, &app.studio).await?;
    let allowance = app.limits.renames(Timestamp::now());
    Ok(Json::ok(
        app.store
            .modify_user(caller.user.id, change, rand::random(), allowance)
            .await?,
    ))
}

#[delete("/users/@me", data = "<body>")]
async fn delete_me(caller: Caller, from: Address, body: Body, app: &AppState) -> Result<Done> {
    let typed = parse_farewell(body.0)?;
    let checked = check_own_password(app, &caller, from, typed).await?;
    app.store.delete_account(caller.user.id, checked).await?;
    Ok(Done)
}
