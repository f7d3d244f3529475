//! How somebody gets in on the account page, and out: registration, log-in, reset links; and the tokens they make for themselves.

use rocket::http::CookieJar;
use rocket::request::{FromRequest, Outcome, Request};
use rocket::{Route, get, post, routes};
use serde::Serialize;

use super::DeskState;
use crate::accounts::{
    Caller, Code, Label, LogIn, NewToken, Policy, Registration, Reset, Secret, parse_label,
    parse_reset_look,
};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::Id;
use crate::routes::accounts::{check_log_in, create_account};
use crate::routes::auth::Visitor;
use crate::routes::body::Body;
use crate::routes::{App, AppState, Done, Json};
use crate::users::User;
use crate::web::{ACCOUNT, Entrance, Site};

pub(super) fn routes() -> Vec<Route> {
    routes![
        state,
        register,
        instance_invite,
        log_in,
        look_at_reset,
        reset,
        log_out,
        issue_token
    ]
}

/// What the page needs to know first.
#[derive(Serialize)]
struct Now {
    user: Option<User>,
    /// The session's own place in the list of sessions.
    session: Option<Id>,
    registration: Policy,
    /// The sentence for somebody whose account is disabled, with the reason.
    disabled: Option<String>,
}

#[get("/state")]
async fn state(visitor: Visitor, app: &AppState) -> Result<Json<Now>> {
    let registration = app.store.registration().await?;
    let disabled = visitor.disabled;
    let (user, session) = visitor
        .caller
        .map(|caller| (caller.user, caller.token))
        .unzip();
    Ok(Json::ok(Now {
        user,
        session,
        registration,
        disabled,
    }))
}

#[post("/register", data = "<body>")]
async fn register(
    entrance: Entrance<'_>,
    body: Body,
    browser: Browser,
    app: &AppState,
    desk: &DeskState,
) -> Result<Json<User>> {
    let wanted = Registration::parse(body.0)?;
    desk.log_ins.check(None, entrance.address)?;
    let now = Timestamp::now();
    let (cookie, session) = session(app, browser, now)?;
    let user = create_account(app, wanted, session, now).await?;
    entrance.begin(&ACCOUNT, &cookie);
    Ok(Json::created(user))
}

#[get("/instance-invites/<code>")]
async fn instance_invite(code: &str, app: &AppState) -> Result<Done> {
    let code = Code(code.to_owned());
    app.store.instance_invite(code, Timestamp::now()).await?;
    Ok(Done)
}

#[post("/login", data = "<body>")]
async fn log_in(
    entrance: Entrance<'_>,
    body: Body,
    browser: Browser,
    app: &AppState,
    desk: &DeskState,
) -> Result<Json<User>> {
    let attempt = LogIn::parse(body.0)?;
    let key = format!(
        "{}#{}",
        attempt.tag.username.key(),
        attempt.tag.discriminator
    );
    desk.log_ins.check(Some(&key), entrance.address)?;
    let (cookie, session) = session(app, browser, Timestamp::now())?;
    let user = check_log_in(app, attempt, session).await?;
    entrance.begin(&ACCOUNT, &cookie);
    Ok(Json::ok(user))
}

/// Whose password the link would set: they see that it is theirs, or that it is used up, before they think of one.
#[post("/reset/look", data = "<body>")]
async fn look_at_reset(_entrance: Entrance<'_>, body: Body, app: &AppState) -> Result<Json<User>> {
    let code = parse_reset_look(body.0)?;
    Ok(Json::ok(app.store.reset_of(code, Timestamp::now()).await?))
}

#[post("/reset", data = "<body>")]
async fn reset(
    entrance: Entrance<'_>,
    body: Body,
    browser: Browser,
    app: &AppState,
    desk: &DeskState,
) -> Result<Json<User>> {
    let Reset { code, new } = Reset::parse(body.0)?;
    desk.log_ins.check(None, entrance.address)?;
    let password = app.hasher.hash(new).await?;
    let now = Timestamp::now();
    let (cookie, session) = session(app, browser, now)?;
    let user = app
        .store
        .reset_password(code, password, Some(session), now)
        .await?;
    entrance.begin(&ACCOUNT, &cookie);
    Ok(Json::ok(user))
}

#[post("/logout")]
async fn log_out(caller: Caller, site: Site, jar: &CookieJar<'_>, app: &AppState) -> Result<Done> {
    app.store.revoke(caller.user.id, caller.token).await?;
    ACCOUNT.end(&site, jar);
    Ok(Done)
}

/// A token that was made: the only time it is shown.
#[derive(Serialize)]
struct Issued {
    id: Id,
    name: Label,
    token: String,
}

#[post("/tokens", data = "<body>")]
async fn issue_token(caller: Caller, body: Body, app: &AppState) -> Result<Json<Issued>> {
    let label = parse_label(body.0)?.unwrap_or_else(Label::account_page);
    let (secret, id) = (Secret::token(), app.ids.next()?);
    let token = NewToken {
        id,
        hash: secret.hash(),
        label: label.clone(),
        login: None,
    };
    app.store
        .add_token(caller.user.id, caller.token, token)
        .await?;
    Ok(Json::created(Issued {
        id,
        name: label,
        token: secret.reveal().to_owned(),
    }))
}

fn session(app: &App, browser: Browser, now: Timestamp) -> Result<(Secret, NewToken)> {
    let cookie = Secret::session();
    let token = NewToken {
        id: app.ids.next()?,
        hash: cookie.hash(),
        label: browser.0,
        login: Some(now),
    };
    Ok((cookie, token))
}

/// What the browser calls itself, for the list of sessions.
struct Browser(Label);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Browser {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        let user_agent = request.headers().get_one("User-Agent");
        Outcome::Success(Self(Label::of_browser(user_agent)))
    }
}
