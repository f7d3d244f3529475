//! `/auth`: how somebody gets in, and out.

use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Route, delete, get, post, routes};
use serde::Serialize;

use super::body::{Body, Query};
use super::{App, AppState, Done, Json, Listed, path_id};
use crate::accounts::{
    Caller, Label, LogIn, NewToken, PasswordChange, Policy, Registration, Reset, SESSIONS, Secret,
    Session,
};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::page::Page;
use crate::users::{Flags, NewUser, User};

pub(super) fn routes() -> Vec<Route> {
    let entrances = routes![register, log_in, log_out, reset_password];
    [entrances, own_routes()].concat()
}

/// What somebody does who is in already, by a token or on the account page.
pub(super) fn own_routes() -> Vec<Route> {
    routes![sessions, revoke, revoke_all, change_password]
}

/// What a log-in gives: the only time the token is shown.
#[derive(Serialize)]
struct Admission {
    user: User,
    token: String,
}

#[post("/auth/register", data = "<body>")]
async fn register(body: Body, client: Client, app: &AppState) -> Result<Json<Admission>> {
    let wanted = Registration::parse(body.0)?;
    let now = Timestamp::now();
    let (secret, token) = login_token(app, client.0, now)?;
    let user = create_account(app, wanted, token, now).await?;
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
    now: Timestamp,
) -> Result<User> {
    // Spares a closed server the hashing; whether this newcomer may register is decided with the insertion.
    if app.store.registration().await? == Policy::Closed {
        return Err(Error::RegistrationClosed);
    }
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

#[post("/auth/login", data = "<body>")]
async fn log_in(body: Body, client: Client, app: &AppState) -> Result<Json<Admission>> {
    let attempt = LogIn::parse(body.0)?;
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
    let account = match app.store.credentials(tag).await {
        Ok(account) => Some(account),
        Err(Error::UnknownUser) => None,
        Err(error) => return Err(error),
    };
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

#[post("/auth/logout")]
async fn log_out(caller: Caller, app: &AppState) -> Result<Done> {
    app.store.revoke(caller.user.id, caller.token).await?;
    Ok(Done)
}

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

#[delete("/auth/tokens/<id>")]
async fn revoke(caller: Caller, id: &str, app: &AppState) -> Result<Done> {
    app.store
        .revoke(caller.user.id, path_id("token.id", id)?)
        .await?;
    Ok(Done)
}

/// Logs out everywhere, here too.
#[delete("/auth/tokens")]
async fn revoke_all(caller: Caller, app: &AppState) -> Result<Done> {
    app.store.revoke_all(caller.user.id).await?;
    Ok(Done)
}

#[post("/auth/password", data = "<body>")]
async fn change_password(caller: Caller, body: Body, app: &AppState) -> Result<Done> {
    let PasswordChange { current, new } = PasswordChange::parse(body.0)?;
    let stored = app.store.password(caller.user.id).await?;
    let fits = app.hasher.check(current.0, stored.clone()).await?;
    let checked = stored.filter(|_| fits).ok_or(Error::InvalidCredentials)?;
    let new = app.hasher.hash(new).await?;

    app.store
        .change_password(caller.user.id, checked, new, caller.token)
        .await?;
    Ok(Done)
}

#[post("/auth/reset", data = "<body>")]
async fn reset_password(body: Body, app: &AppState) -> Result<Done> {
    let Reset { code, new } = Reset::parse(body.0)?;
    let new = app.hasher.hash(new).await?;

    app.store
        .reset_password(code, new, None, Timestamp::now())
        .await?;
    Ok(Done)
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
