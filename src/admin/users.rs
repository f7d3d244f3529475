//! Accounts: the list, one of them, and a name's discriminators.

use rocket::{Route, delete, get, patch, post, put, routes};
use serde::Serialize;

use super::auth::Admitted;
use super::forms::{Bulk, WantedUser, parse_reason};
use crate::accounts::{Label, NewToken, RESET_END, SESSIONS, Secret, Session, parse_label};
use crate::actions::{Action, Deed, Outcome, UserAction, unknown_among};
use crate::admins::LISTS;
use crate::channels::CHANNELS;
use crate::clock::Timestamp;
use crate::communities::COMMUNITIES;
use crate::directory::Users;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::names::Username;
use crate::page::Page;
use crate::routes::body::{Body, BodyWithImage, Query};
use crate::routes::{App, AppState, Done, Json, Listed, path_id};
use crate::users::{Account, Change, Flag, Flags, NewUser, User};
use crate::views::{AccountDetails, ChannelView, FullName, Holders, Membership};
use crate::web::Site;

pub(super) fn routes() -> Vec<Route> {
    routes![
        users,
        create,
        bulk,
        user,
        modify,
        set_flag,
        clear_flag,
        disable,
        enable,
        delete_user,
        communities,
        channels,
        sessions,
        end_session,
        end_sessions,
        issue_token,
        reset_link,
        holders,
        fullest
    ]
}

fn user_id(text: &str) -> Result<Id> {
    path_id("user.id", text)
}

#[get("/users")]
async fn users(_admitted: Admitted, query: Query, app: &AppState) -> Result<Listed<Account>> {
    let search = Users::parse(query.0)?;
    Ok(Listed::found("/users", app.store.find_users(search).await?))
}

/// An account that was made: the only time its token is shown.
#[derive(Serialize)]
struct Made {
    account: Account,
    token: Option<String>,
}

#[post("/users", data = "<body>")]
async fn create(admitted: Admitted, body: Body, app: &AppState) -> Result<Json<Made>> {
    let wanted = WantedUser::parse(body.0)?;
    let password = match wanted.password {
        Some(password) => Some(app.hasher.hash(password).await?),
        None => None,
    };
    let secret = wanted.token.then(Secret::token);
    let token = match &secret {
        Some(secret) => Some(new_token(app, secret, None)?),
        None => None,
    };
    let new = NewUser {
        id: app.ids.next()?,
        username: wanted.username,
        discriminator: wanted.discriminator,
        random: rand::random(),
        flags: wanted.flags,
        password,
        token,
    };
    let made = app
        .perform(admitted.author(), Action::CreateUser(Box::new(new)))
        .await?;
    Ok(Json::created(Made {
        account: made.account()?,
        token: secret.map(|secret| secret.reveal().to_owned()),
    }))
}

fn new_token(app: &App, secret: &Secret, label: Option<Label>) -> Result<NewToken> {
    Ok(NewToken {
        id: app.ids.next()?,
        hash: secret.hash(),
        label: label.unwrap_or_else(Label::admin_page),
        login: None,
    })
}

#[post("/users/bulk", data = "<body>")]
async fn bulk(admitted: Admitted, body: Body, app: &AppState) -> Result<Json<Vec<Outcome>>> {
    let Bulk { actions } = Bulk::parse(body.0)?;
    let deeds = actions.into_iter().map(|action| {
        let entry = app.ids.next()?;
        Ok(Deed { entry, action })
    });
    let deeds = deeds.collect::<Result<_>>()?;
    let done = app.store.perform(admitted.author(), deeds).await;
    Ok(Json::ok(done.map_err(|error| match error {
        // The store counts where there are several.
        Error::UnknownUser => unknown_among(0),
        error => error,
    })?))
}

#[get("/users/<id>")]
async fn user(_admitted: Admitted, id: &str, app: &AppState) -> Result<Json<AccountDetails>> {
    Ok(Json::ok(app.store.account_details(user_id(id)?).await?))
}

/// Does something to an account and answers with what it is then.
async fn act(admitted: Admitted, id: &str, action: UserAction, app: &App) -> Result<Json<Outcome>> {
    let action = Action::User(user_id(id)?, action);
    Ok(Json::ok(app.perform(admitted.author(), action).await?))
}

#[patch("/users/<id>", data = "<body>")]
async fn modify(
    admitted: Admitted,
    id: &str,
    body: BodyWithImage,
    app: &AppState,
) -> Result<Json<Outcome>> {
    let action = UserAction::Modify {
        change: Change::parse(body.0, &app.studio).await?,
        random: rand::random(),
    };
    act(admitted, id, action, app).await
}

fn one_flag(text: &str) -> Result<Flags> {
    let flag: Flag = text
        .parse()
        .map_err(|problem| Error::field("flag", problem))?;
    Ok([flag].into_iter().collect())
}

#[put("/users/<id>/flags/<flag>")]
async fn set_flag(
    admitted: Admitted,
    id: &str,
    flag: &str,
    app: &AppState,
) -> Result<Json<Outcome>> {
    let (set, clear) = (one_flag(flag)?, Flags::default());
    act(admitted, id, UserAction::ModifyFlags { set, clear }, app).await
}

#[delete("/users/<id>/flags/<flag>")]
async fn clear_flag(
    admitted: Admitted,
    id: &str,
    flag: &str,
    app: &AppState,
) -> Result<Json<Outcome>> {
    let (set, clear) = (Flags::default(), one_flag(flag)?);
    act(admitted, id, UserAction::ModifyFlags { set, clear }, app).await
}

#[put("/users/<id>/disabled", data = "<body>")]
async fn disable(
    admitted: Admitted,
    id: &str,
    body: Body,
    app: &AppState,
) -> Result<Json<Outcome>> {
    let reason = parse_reason(body.0)?;
    act(admitted, id, UserAction::Disable(reason), app).await
}

#[delete("/users/<id>/disabled")]
async fn enable(admitted: Admitted, id: &str, app: &AppState) -> Result<Json<Outcome>> {
    act(admitted, id, UserAction::Enable, app).await
}

#[delete("/users/<id>", rank = 2)]
async fn delete_user(admitted: Admitted, id: &str, app: &AppState) -> Result<Done> {
    act(admitted, id, UserAction::Delete, app).await?;
    Ok(Done)
}

#[get("/users/<id>/communities")]
async fn communities(
    _admitted: Admitted,
    id: &str,
    query: Query,
    app: &AppState,
) -> Result<Listed<Membership>> {
    let id = user_id(id)?;
    let page = Page::parse(query.0, COMMUNITIES)?;
    Ok(Listed::new(
        format!("/users/{id}/communities"),
        app.store.communities_of(id, page).await?,
    ))
}

#[get("/users/<id>/channels")]
async fn channels(
    _admitted: Admitted,
    id: &str,
    query: Query,
    app: &AppState,
) -> Result<Listed<ChannelView>> {
    let id = user_id(id)?;
    let limits = crate::page::Limits {
        default: LISTS.default,
        ..CHANNELS
    };
    let page = Page::parse(query.0, limits)?;
    Ok(Listed::new(
        format!("/users/{id}/channels"),
        app.store.channels_of(id, page).await?,
    ))
}

#[get("/users/<id>/sessions")]
async fn sessions(
    _admitted: Admitted,
    id: &str,
    query: Query,
    app: &AppState,
) -> Result<Listed<Session>> {
    let id = user_id(id)?;
    let page = Page::parse(query.0, SESSIONS)?;
    Ok(Listed::new(
        format!("/users/{id}/sessions"),
        app.store.sessions_of(id, page, Timestamp::now()).await?,
    ))
}

#[delete("/users/<id>/sessions/<session>")]
async fn end_session(admitted: Admitted, id: &str, session: &str, app: &AppState) -> Result<Done> {
    let session = path_id("session.id", session)?;
    act(admitted, id, UserAction::EndSession(session), app).await?;
    Ok(Done)
}

#[delete("/users/<id>/sessions")]
async fn end_sessions(admitted: Admitted, id: &str, app: &AppState) -> Result<Done> {
    act(admitted, id, UserAction::EndSessions, app).await?;
    Ok(Done)
}

/// A token that was made: the only time it is shown.
#[derive(Serialize)]
struct Issued {
    user: User,
    token: String,
}

#[post("/users/<id>/tokens", data = "<body>")]
async fn issue_token(
    admitted: Admitted,
    id: &str,
    body: Body,
    app: &AppState,
) -> Result<Json<Issued>> {
    let id = user_id(id)?;
    let secret = Secret::token();
    let token = new_token(app, &secret, parse_label(body.0)?)?;
    let action = Action::User(id, UserAction::IssueToken(token));
    let issued = app.perform(admitted.author(), action).await?;
    Ok(Json::created(Issued {
        user: issued.account()?.user,
        token: secret.reveal().to_owned(),
    }))
}

/// A one-time link that sets a password: the only time it is shown.
#[derive(Serialize)]
struct ResetLink {
    user: User,
    code: String,
    link: String,
    expires_at: Timestamp,
}

#[post("/users/<id>/reset-link")]
async fn reset_link(
    admitted: Admitted,
    id: &str,
    site: Site,
    app: &AppState,
) -> Result<Json<ResetLink>> {
    let id = user_id(id)?;
    let (code, expires_at) = (Secret::code(), Timestamp::now().after(RESET_END));
    let action = UserAction::IssueReset {
        code: code.hash(),
        expires_at,
    };
    let issued = app
        .perform(admitted.author(), Action::User(id, action))
        .await?;
    Ok(Json::created(ResetLink {
        user: issued.account()?.user,
        link: format!("{}/account#/reset/{}", site.url, code.reveal()),
        code: code.reveal().to_owned(),
        expires_at,
    }))
}

#[get("/names")]
async fn holders(_admitted: Admitted, query: Query, app: &AppState) -> Result<Json<Holders>> {
    let mut query = query.0;
    let name = query.required::<Username>("username");
    query.finish_known()?;
    Ok(Json::ok(app.store.holders(name?).await?))
}

#[get("/names/fullest")]
async fn fullest(_admitted: Admitted, app: &AppState) -> Result<Json<Vec<FullName>>> {
    Ok(Json::ok(app.store.fullest_names().await?))
}
