//! `/users`: who somebody is.

use rocket::{Route, delete, get, patch, routes};
use utoipa::OpenApi;

use super::accounts::check_own_password;
use super::address::Address;
use super::auth::Visitor;
use super::body::{Body, BodyWithImage, Query};
use super::conditional::Versioned;
use super::description;
use super::{AppState, Done, Json, path_id};
use crate::accounts::{Caller, parse_farewell};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::etag::Precondition;
use crate::id::Id;
use crate::users::{Asker, Change, Tag, User, UsernameCheck, UsernameQuery};

pub(super) fn routes() -> Vec<Route> {
    let mut routes = routes![me, user, user_by_tag, check_username, modify_me, delete_me];
    // What is asked for most is tried first, before Rocket's own ranks, which begin with -12: it tries one after the other, and until
    // the second of these that took 6,100 of 83,100 instructions (callgrind).
    for route in &mut routes {
        match route.uri.path() {
            "/users/@me" => route.rank = -14,
            "/users/<id>" => route.rank = -13,
            _ => {}
        }
    }
    routes
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(me, user, user_by_tag, check_username, modify_me, delete_me))]
pub(super) struct Description;

/// The account that asks
///
/// The token's account, as everybody sees it.
#[utoipa::path(
    operation_id = "getMe",
    params(description::Known),
    responses((status = 200, description = "The account.", body = User)),
)]
#[get("/users/@me")]
fn me(caller: Caller) -> Versioned<User> {
    Versioned(caller.user)
}

/// A user
///
/// Of a deleted account, its tombstone: `Deleted User`, `0000`.
#[utoipa::path(
    operation_id = "getUser",
    params(description::Known, ("id" = Id, Path, description = "The user's id.")),
    responses((status = 200, description = "The user.", body = User)),
    extensions(("x-errors" = json!(["unknown_user"]))),
)]
#[get("/users/<id>")]
async fn user(_caller: Caller, id: &str, app: &AppState) -> Result<Versioned<User>> {
    Ok(Versioned(app.store.user(path_id("user.id", id)?).await?))
}

/// The user with a tag
///
/// This is how one comes from a tag to an id. Names are compared without case, and by what they look like.
#[utoipa::path(
    operation_id = "findUser",
    params(description::Known, ("tag" = description::Tag, Query, description = "Name, `#`, discriminator.", example = "NamesAreHardOkay?#0001")),
    responses((status = 200, description = "The user.", body = User)),
    extensions(("x-errors" = json!(["unknown_user"]))),
)]
#[get("/users")]
async fn user_by_tag(_caller: Caller, query: Query, app: &AppState) -> Result<Versioned<User>> {
    let mut query = query.0;
    let tag = query.required::<Tag>("tag");
    query.finish_known()?;
    Ok(Versioned(app.store.user_by_tag(tag?).await?))
}

/// Whether a name may be had
///
/// For who chooses a name: whether the rules allow it, else which one forbids it, and which of its discriminators are taken, where the
/// asker could take one. With a token or without. 30 at once from one address, then 2 a second.
#[utoipa::path(
    operation_id = "checkUsername",
    params(
            ("username" = String, Query, description = "The name, as it is typed."),
            ("invite" = Option<String>, Query, description = "An instance invite's code: who has a good one may register."),
        ),
    responses((status = 200, description = "What there is to say about it.", body = UsernameCheck)),
    extensions(("x-errors" = json!(["account_disabled", "invalid_request", "rate_limited"]))),
    security((), ("token" = [])),
)]
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

/// Change name, discriminator or avatar
///
/// A name alone keeps the discriminator where that is free, and draws another where it isn't. What the account has already is no change.
#[utoipa::path(
    operation_id = "modifyMe",
    params(description::Meant),
    request_body = description::UserChange,
    responses((status = 200, description = "The account as it is now.", body = User)),
    extensions(("x-errors" = json!(["tag_taken", "username_full"]))),
)]
#[patch("/users/@me", data = "<body>")]
async fn modify_me(
    caller: Caller,
    precondition: Precondition,
    body: BodyWithImage,
    app: &AppState,
) -> Result<Versioned<User>> {
    let change = Change::parse(body.0, &app.studio).await?;
    let allowance = app.limits.renames(Timestamp::now());
    Ok(Versioned(
        app.store
            .modify_user(
                caller.user.id,
                change,
                precondition,
                rand::random(),
                allowance,
            )
            .await?,
    ))
}

/// Delete the account
///
/// A tombstone is left. Communities pass to their longest-standing member, or go where there is none. A bot, or who has no password, asks an admin.
#[utoipa::path(
    operation_id = "deleteMe",
    params(description::Meant),
    request_body = description::Farewell,
    responses((status = 204, description = "It is deleted.")),
    extensions(("x-errors" = json!(["invalid_credentials", "forbidden"]))),
)]
#[delete("/users/@me", data = "<body>")]
async fn delete_me(
    caller: Caller,
    precondition: Precondition,
    from: Address,
    body: Body,
    app: &AppState,
) -> Result<Done> {
    let typed = parse_farewell(body.0)?;
    let checked = check_own_password(app, &caller, from, typed).await?;
    app.store
        .delete_account(caller.user.id, checked, precondition)
        .await?;
    Ok(Done)
}
