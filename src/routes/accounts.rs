//! `/auth`: how somebody gets in, and out.

use std::net::IpAddr;

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Route, delete, get, post, routes};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::address::Address;
use super::body::{Body, Query};
use super::counted::Guest;
use super::description;
use super::limits::Claimed;
use super::{App, AppState, Done, Json, Listed, path_id};
use crate::accounts::{
    Attempt, Caller, Label, LogIn, NewToken, PasswordChange, PasswordHash, Policy, Registration,
    Reset, SESSIONS, Secret, Session,
};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::Page;
use crate::users::{Flags, NewUser, Tag, User};

pub(super) fn routes() -> Vec<Route> {
    let entrances = routes![register, log_in, log_out, reset_password];
    [entrances, own_routes()].concat()
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(
    register,
    log_in,
    log_out,
    sessions,
    revoke,
    revoke_all,
    change_password,
    reset_password
))]
pub(super) struct Description;

/// What somebody does who is in already, by a token or on the account page.
pub(super) fn own_routes() -> Vec<Route> {
    routes![sessions, revoke, revoke_all, change_password]
}

/// What a log-in gives: the only time the token is shown.
#[derive(Serialize, ToSchema)]
struct Admission {
    user: User,
    token: String,
}

/// Make an account
///
/// Where registration is open, or by invite with a good one. The token is shown this once.
#[utoipa::path(
    operation_id = "register",
    request_body = description::Registration,
    responses((status = 201, description = "The account, and a token.", body = Admission)),
    extensions(("x-errors" = json!(["registration_closed", "tag_taken", "username_full", "rate_limited"]))),
    security(()),
)]
#[post("/auth/register", data = "<body>")]
async fn register(
    guest: Guest,
    body: Body,
    client: Client,
    app: &AppState,
) -> Result<Json<Admission>> {
    let wanted = Registration::parse(body.0)?;
    let now = Timestamp::now();
    let (secret, token) = login_token(app, client.0, now)?;
    let user = create_account(app, wanted, token, guest.address, now).await?;
    Ok(Json::created(Admission {
        user,
        token: secret.reveal().to_owned(),
    }))
}

/// Makes the account that somebody wants, logged in by this token.
pub(crate) async fn create_account(
    app: &App,
    wanted: Registration,
    token: NewToken,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<User> {
    look_before_registering(app, &wanted, address, now).await?;
    app.limits.registration(address)?;
    let password = app.hasher.hash(wanted.password).await?;
    let new = NewUser {
        id: app.ids.next()?,
        username: wanted.username,
        discriminator: wanted.discriminator,
        random: rand::random(),
        flags: Flags::default(),
        password: Some(password),
        token: Some(token),
    };
    app.store.register(new, wanted.invite, now).await
}

/// Spares whom the insertion would refuse one of the few attempts, and the server the hashing: the insertion decides.
async fn look_before_registering(
    app: &App,
    wanted: &Registration,
    address: Option<IpAddr>,
    now: Timestamp,
) -> Result<()> {
    match (app.store.registration().await?, &wanted.invite) {
        (Policy::Open, _) => {}
        (Policy::Invite, Some(code)) => {
            let good = app.store.instance_invite(code.clone(), now).await;
            good.map_err(|error| match error {
                Error::UnknownInvite => Error::RegistrationClosed,
                error => error,
            })?;
        }
        (Policy::Closed, _) | (Policy::Invite, None) => return Err(Error::RegistrationClosed),
    }
    let Some(discriminator) = wanted.discriminator else {
        return Ok(());
    };
    // It tells who is here, as a question about the name does.
    app.limits.username_check(address)?;
    let username = wanted.username.clone();
    let tag = Tag {
        username,
        discriminator,
    };
    match app.store.user_by_tag(tag.clone()).await {
        Ok(_) => Err(Error::TagTaken(tag.to_string())),
        Err(Error::UnknownUser) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Log in
///
/// The token ends after 90 days without use, and is shown this once. Whether the tag or the password is wrong is not told.
#[utoipa::path(
    operation_id = "logIn",
    request_body = description::LogIn,
    responses((status = 200, description = "The account, and a token.", body = Admission)),
    extensions(("x-errors" = json!(["invalid_credentials", "account_disabled", "rate_limited"]))),
    security(()),
)]
#[post("/auth/login", data = "<body>")]
async fn log_in(
    guest: Guest,
    body: Body,
    client: Client,
    app: &AppState,
) -> Result<Json<Admission>> {
    let attempt = LogIn::parse(body.0)?;
    app.limits.password_check_from(guest.address)?;
    let (secret, token) = login_token(app, client.0, Timestamp::now())?;
    let user = check_log_in(app, attempt, token).await?;
    Ok(Json::ok(Admission {
        user,
        token: secret.reveal().to_owned(),
    }))
}

/// Logs somebody in by this token, if tag and password fit.
pub(crate) async fn check_log_in(app: &App, attempt: LogIn, token: NewToken) -> Result<User> {
    let LogIn { tag, password } = attempt;
    let claimed = format!("{}#{}", tag.username.key(), tag.discriminator);
    let account = match app.store.credentials(tag).await {
        Ok(account) => Some(account),
        Err(Error::UnknownUser) => None,
        Err(error) => return Err(error),
    };
    app.limits.password_check_of(&match &account {
        Some(account) => Claimed::Account(account.id),
        None => Claimed::Nobody(claimed),
    })?;
    // An unknown tag takes the same way, and so the same time, as a wrong password.
    let stored = account
        .as_ref()
        .and_then(|account| account.password.clone());
    let fits = app.hasher.check(password.0, stored).await?;
    let (id, checked) = account
        .filter(|_| fits)
        .and_then(|account| account.password.map(|password| (account.id, password)))
        .ok_or(Error::InvalidCredentials)?;
    app.store.log_in(id, checked, token).await
}

fn login_token(app: &App, label: Label, now: Timestamp) -> Result<(Secret, NewToken)> {
    let secret = Secret::token();
    let token = NewToken {
        id: app.ids.next()?,
        hash: secret.hash(),
        label,
        login: Some(now),
    };
    Ok((secret, token))
}

/// Log out
///
/// The token that asks is revoked.
#[utoipa::path(
    operation_id = "logOut",
    responses((status = 204, description = "It is revoked.")),
)]
#[post("/auth/logout")]
async fn log_out(caller: Caller, app: &AppState) -> Result<Done> {
    app.store.revoke(caller.user.id, caller.token).await?;
    Ok(Done)
}

/// Sessions
///
/// Everything that admits somebody as this account: log-ins and tokens, by id.
#[utoipa::path(
    operation_id = "listSessions",
    params(description::UpTo200),
    responses((status = 200, description = "A page of them.", body = Vec<Session>)),
)]
#[get("/auth/tokens")]
async fn sessions(caller: Caller, query: Query, app: &AppState) -> Result<Listed<Session>> {
    let page = Page::parse(query.0, SESSIONS)?;
    Ok(Listed::new(
        "/auth/tokens",
        app.store
            .sessions(caller.user.id, page, Timestamp::now())
            .await?,
    ))
}

/// End a session
///
/// The token is revoked at once.
#[utoipa::path(
    operation_id = "endSession",
    params(("id" = Id, Path, description = "The session's id.")),
    responses((status = 204, description = "It is ended.")),
    extensions(("x-errors" = json!(["not_found"]))),
)]
#[delete("/auth/tokens/<id>")]
async fn revoke(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    app.store
        .revoke(caller.user.id, path_id("token.id", id)?)
        .await?;
    Ok(Done)
}

/// Log out everywhere
///
/// Every session and token of the account is ended, this one too.
#[utoipa::path(
    operation_id = "endSessions",
    responses((status = 204, description = "They are ended.")),
)]
#[delete("/auth/tokens")]
async fn revoke_all(caller: Caller, app: &AppState) -> Result<Done> {
    app.store.revoke_all(caller.user.id).await?;
    Ok(Done)
}

/// Change the password
///
/// Every other token of the account is revoked.
#[utoipa::path(
    operation_id = "changePassword",
    request_body = description::PasswordChange,
    responses((status = 204, description = "It is changed.")),
    extensions(("x-errors" = json!(["invalid_credentials", "forbidden"]))),
)]
#[post("/auth/password", data = "<body>")]
async fn change_password(
    caller: Caller,
    from: Address,
    body: Body,
    app: &AppState,
) -> Result<Done> {
    let PasswordChange { current, new } = PasswordChange::parse(body.0)?;
    let checked = check_own_password(app, &caller, from, current).await?;
    let new = app.hasher.hash(new).await?;

    app.store
        .change_password(caller.user.id, checked, new, caller.token)
        .await?;
    Ok(Done)
}

/// Set a password by a reset code
///
/// The code is of a one-time link that an admin hands out, good for an hour. Every token of the account is revoked.
#[utoipa::path(
    operation_id = "resetPassword",
    request_body = description::Reset,
    responses((status = 204, description = "It is set.")),
    extensions(("x-errors" = json!(["invalid_credentials", "account_disabled", "rate_limited"]))),
    security(()),
)]
#[post("/auth/reset", data = "<body>")]
async fn reset_password(guest: Guest, body: Body, app: &AppState) -> Result<Done> {
    let Reset { code, new } = Reset::parse(body.0)?;
    app.limits.password_check_from(guest.address)?;
    let new = app.hasher.hash(new).await?;

    app.store
        .reset_password(code, new, None, Timestamp::now())
        .await?;
    Ok(Done)
}

/// Holds what somebody typed who is in already against their account's password, and hands over what was checked.
pub(super) async fn check_own_password(
    app: &App,
    caller: &Caller,
    from: Address,
    typed: Attempt,
) -> Result<PasswordHash> {
    let id = caller.user.id;
    app.limits.password_check_from(from.0)?;
    app.limits.password_check_of(&Claimed::Account(id))?;
    let stored = app.store.password(id).await?.ok_or(Error::Forbidden(
        "This account has no password; ask an admin for a link that sets one.",
    ))?;
    if app.hasher.check(typed.0, Some(stored.clone())).await? {
        Ok(stored)
    } else {
        Err(Error::InvalidCredentials)
    }
}

/// What the client calls itself, for the list of sessions.
struct Client(Label);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Client {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(Label::of_client(
            request.headers().get_one("User-Agent"),
        )))
    }
}
