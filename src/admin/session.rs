//! How an admin gets in, and out: the first set-up, log-in, one-time links, the password.

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rocket::http::CookieJar;
use rocket::{Route, State, get, post, routes};
use serde::Serialize;

use super::auth::{InPerson, Visitor};
use super::forms::{AdminLogIn, LinkUse, SetUp};
use crate::accounts::PasswordChange;
use crate::actions::{Action, AdminAction};
use crate::admins::{Admin, LINK_END, NewAdmin, NewSession, WayIn};
use crate::audit::{Author, Who};
use crate::clock::Timestamp;
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::names::Username;
use crate::routes::body::Body;
use crate::routes::{App, AppState, Done, Json};
use crate::tokens::{Secret, SecretHash};
use crate::web::{ADMIN, Entrance, Site};

pub(super) fn routes() -> Vec<Route> {
    routes![state, set_up, log_in, use_link, log_out, change_password]
}

/// The link with which the first admin is made: lives in this process, so that it dies with it.
pub(crate) struct SetUpLink {
    code: Mutex<Option<Secret>>,
    hash: SecretHash,
    expires_at: Timestamp,
}

impl SetUpLink {
    pub(super) fn new(code: Secret, now: Timestamp) -> Self {
        Self {
            hash: code.hash(),
            code: Mutex::new(Some(code)),
            expires_at: now.after(LINK_END),
        }
    }

    /// The code, until it is used.
    pub(crate) fn code(&self) -> Option<String> {
        let code = self.lock();
        code.as_ref().map(|code| code.reveal().to_owned())
    }

    fn check(&self, code: SecretHash, now: Timestamp) -> Result<()> {
        if code == self.hash && now < self.expires_at && self.lock().is_some() {
            Ok(())
        } else {
            Err(Error::Forbidden(
                "This link is used up, expired or of another start of the server. While there is no admin, each start prints a new one.",
            ))
        }
    }

    fn end(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Secret>> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the page needs to know first.
#[derive(Serialize)]
struct Now {
    set_up: bool,
    admin: Option<Admin>,
    version: Option<&'static str>,
}

#[get("/state")]
async fn state(visitor: Visitor, app: &AppState) -> Result<Json<Now>> {
    let admin = visitor.0.map(|operator| operator.admin);
    Ok(Json::ok(Now {
        set_up: admin.is_some() || app.store.has_admin().await?,
        version: admin.is_some().then_some(env!("CARGO_PKG_VERSION")),
        admin,
    }))
}

#[post("/setup", data = "<body>")]
async fn set_up(
    entrance: Entrance<'_>,
    body: Body,
    link: &State<SetUpLink>,
    app: &AppState,
) -> Result<Json<Admin>> {
    let SetUp {
        code,
        name,
        password,
    } = SetUp::parse(body.0)?;
    let now = Timestamp::now();
    app.limits.admin_log_in(None, entrance.address)?;
    link.check(code, now)?;
    let new = NewAdmin {
        id: app.ids.next()?,
        name,
        way: WayIn::Password(app.hasher.hash(password).await?),
    };
    let author = newcomer(new.id, &new.name, "set-up link", entrance.address);
    let (cookie, session) = session(app, now)?;
    let admin = app
        .store
        .set_up(new, session, author, app.ids.next()?)
        .await?;
    link.end();
    entrance.begin(&ADMIN, &cookie);
    Ok(Json::created(admin))
}

#[post("/login", data = "<body>")]
async fn log_in(entrance: Entrance<'_>, body: Body, app: &AppState) -> Result<Json<Admin>> {
    let AdminLogIn { name, password } = AdminLogIn::parse(body.0)?;
    app.limits
        .admin_log_in(Some(name.key()), entrance.address)?;
    let found = match app.store.admin_credentials(name).await {
        Ok(found) => Some(found),
        Err(Error::InvalidCredentials) => None,
        Err(error) => return Err(error),
    };
    // An unknown name takes the same way, and so the same time, as a wrong password.
    let stored = found.as_ref().and_then(|found| found.password.clone());
    let fits = app.hasher.check(password.0, stored).await?;
    let (admin, checked) = found
        .filter(|_| fits)
        .and_then(|found| found.password.map(|password| (found.admin, password)))
        .ok_or(Error::InvalidCredentials)?;
    let author = newcomer(admin.id, &admin.name, "page", entrance.address);
    let (cookie, session) = session(app, Timestamp::now())?;
    app.store
        .log_in_admin(checked, session, author, app.ids.next()?)
        .await?;
    entrance.begin(&ADMIN, &cookie);
    Ok(Json::ok(admin))
}

#[post("/password-link", data = "<body>")]
async fn use_link(entrance: Entrance<'_>, body: Body, app: &AppState) -> Result<Json<Admin>> {
    let LinkUse { code, password } = LinkUse::parse(body.0)?;
    app.limits.admin_log_in(None, entrance.address)?;
    let password = app.hasher.hash(password).await?;
    let (cookie, session) = session(app, Timestamp::now())?;
    let address = entrance.address.map(|address| address.to_string());
    let admin = app
        .store
        .use_admin_link(code, password, session, address, app.ids.next()?)
        .await?;
    entrance.begin(&ADMIN, &cookie);
    Ok(Json::ok(admin))
}

#[post("/logout")]
async fn log_out(
    admitted: InPerson,
    site: Site,
    jar: &CookieJar<'_>,
    app: &AppState,
) -> Result<Done> {
    app.perform(admitted.0.author(), Action::LogOut).await?;
    ADMIN.end(&site, jar);
    Ok(Done)
}

#[post("/password", data = "<body>")]
async fn change_password(admitted: InPerson, body: Body, app: &AppState) -> Result<Done> {
    let PasswordChange { current, new } = PasswordChange::parse(body.0)?;
    let unreadable = |problem: Problem| Error::Internal(format!("an admin's name: {problem}"));
    let name: Username = admitted.0.operator.admin.name.parse().map_err(unreadable)?;
    app.limits.admin_log_in(Some(name.key()), None)?;
    let found = app.store.admin_credentials(name).await?;
    let fits = app.hasher.check(current.0, found.password.clone()).await?;
    let checked = found
        .password
        .filter(|_| fits)
        .ok_or(Error::InvalidCredentials)?;
    let action = AdminAction::SetPassword {
        checked: Some(checked),
        new: app.hasher.hash(new).await?,
    };
    app.perform(admitted.0.author(), Action::Admin(found.admin.id, action))
        .await?;
    Ok(Done)
}

fn newcomer(id: Id, name: &impl ToString, via: &'static str, address: Option<IpAddr>) -> Author {
    Author {
        who: Who::Newcomer {
            id,
            name: name.to_string(),
            via,
        },
        address: address.map(|address| address.to_string()),
    }
}

fn session(app: &App, begun: Timestamp) -> Result<(Secret, NewSession)> {
    let cookie = Secret::session();
    let session = NewSession {
        id: app.ids.next()?,
        hash: cookie.hash(),
        begun,
    };
    Ok((cookie, session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_up_link_ends_with_its_use_and_after_an_hour() {
        let code = Secret::code();
        let hash = code.hash();
        let link = SetUpLink::new(code, Timestamp(0));
        let hour = 3_600_000;
        assert_eq!(link.check(hash, Timestamp(hour - 1)), Ok(()));
        assert!(link.check(hash, Timestamp(hour)).is_err());
        assert!(link.check(Secret::code().hash(), Timestamp(0)).is_err());
        link.end();
        assert!(link.check(hash, Timestamp(0)).is_err());
        assert_eq!(link.code(), None);
    }
}
