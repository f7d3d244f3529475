//! Admins, their tokens, and the audit log.

use rocket::{Route, delete, get, post, routes};
use serde::Serialize;

use super::auth::{Admitted, InPerson};
use super::forms::{parse_admin, parse_required_label};
use crate::actions::{Action, AdminAction};
use crate::admins::{
    Admin, AdminToken, AdminView, LINK_END, LISTS, Link, NewAdmin, NewAdminToken, WayIn,
};
use crate::audit::{Entry, Filter};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::page::Page;
use crate::routes::body::{Body, Query};
use crate::routes::{AppState, Done, Json, Listed, path_id};
use crate::tokens::{Label, Secret};
use crate::web::Site;

pub(super) fn routes() -> Vec<Route> {
    routes![
        admins,
        create,
        reset_link,
        remove,
        tokens,
        create_token,
        revoke_token,
        audit
    ]
}

#[get("/admins")]
async fn admins(_admitted: Admitted, app: &AppState) -> Result<Json<Vec<AdminView>>> {
    Ok(Json::ok(app.store.admins().await?))
}

/// A one-time link with which an admin sets a password: the only time it is shown.
#[derive(Serialize)]
struct AdminLink {
    admin: Admin,
    link: String,
    expires_at: Timestamp,
}

fn new_link(site: &Site, admin: Admin) -> (AdminLink, Link) {
    let (code, expires_at) = (Secret::code(), Timestamp::now().after(LINK_END));
    let link = Link {
        hash: code.hash(),
        expires_at,
    };
    let shown = AdminLink {
        admin,
        link: format!("{}/admin/#/password/{}", site.url, code.reveal()),
        expires_at,
    };
    (shown, link)
}

#[post("/admins", data = "<body>")]
async fn create(
    admitted: InPerson,
    body: Body,
    site: Site,
    app: &AppState,
) -> Result<Json<AdminLink>> {
    let name = parse_admin(body.0)?;
    let id = app.ids.next()?;
    let admin = Admin {
        id,
        name: name.to_string(),
    };
    let (shown, link) = new_link(&site, admin);
    let way = WayIn::Link(link);
    let action = Action::CreateAdmin(NewAdmin { id, name, way });
    app.perform(admitted.0.author(), action).await?;
    Ok(Json::created(shown))
}

#[post("/admins/<id>/reset-link")]
async fn reset_link(
    admitted: InPerson,
    id: &str,
    site: Site,
    app: &AppState,
) -> Result<Json<AdminLink>> {
    let id = path_id("admin.id", id)?;
    let all = app.store.admins().await?;
    let admin = all.into_iter().map(|view| view.admin);
    let admin = admin.into_iter().find(|admin| admin.id == id);
    let (shown, link) = new_link(&site, admin.ok_or(Error::NotFound)?);
    let action = Action::Admin(id, AdminAction::Link(link));
    app.perform(admitted.0.author(), action).await?;
    Ok(Json::created(shown))
}

#[delete("/admins/<id>")]
async fn remove(admitted: InPerson, id: &str, app: &AppState) -> Result<Done> {
    let action = Action::Admin(path_id("admin.id", id)?, AdminAction::Remove);
    app.perform(admitted.0.author(), action).await?;
    Ok(Done)
}

#[get("/tokens")]
async fn tokens(_admitted: Admitted, app: &AppState) -> Result<Json<Vec<AdminToken>>> {
    Ok(Json::ok(app.store.admin_tokens().await?))
}

/// A token that was made: the only time it is shown.
#[derive(Serialize)]
struct MadeToken {
    id: Id,
    name: Label,
    token: String,
}

#[post("/tokens", data = "<body>")]
async fn create_token(admitted: InPerson, body: Body, app: &AppState) -> Result<Json<MadeToken>> {
    let label = parse_required_label(body.0)?;
    let (secret, id) = (Secret::admin_token(), app.ids.next()?);
    let token = NewAdminToken {
        id,
        hash: secret.hash(),
        label: label.clone(),
    };
    app.perform(admitted.0.author(), Action::CreateAdminToken(token))
        .await?;
    Ok(Json::created(MadeToken {
        id,
        name: label,
        token: secret.reveal().to_owned(),
    }))
}

#[delete("/tokens/<id>")]
async fn revoke_token(admitted: InPerson, id: &str, app: &AppState) -> Result<Done> {
    let action = Action::RevokeAdminToken(path_id("token.id", id)?);
    app.perform(admitted.0.author(), action).await?;
    Ok(Done)
}

#[get("/audit")]
async fn audit(_admitted: Admitted, query: Query, app: &AppState) -> Result<Listed<Entry>> {
    let mut query = query.0;
    let filter = Filter::parse(&mut query);
    let page = Page::parse(query, LISTS)?;
    Ok(Listed::new("/audit", app.store.audit(filter?, page).await?))
}
