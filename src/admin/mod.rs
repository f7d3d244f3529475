//! The admin page: its files, its own API under `/admin/api`, its sessions. A handler is guard, parse, one store call, answer,
//! as in `routes`; every change goes through one door, [`App::perform`], and so into the audit log.

mod admins;
mod auth;
mod backups;
mod channels;
mod communities;
mod forms;
mod overview;
mod registration;
mod session;
mod users;

use std::net::SocketAddr;

use rocket::http::uri::fmt::Path;
use rocket::http::uri::{Origin, Segments};
use rocket::{Build, Orbit, Rocket, State, get, routes};

use crate::actions::{Action, Deed, Outcome};
use crate::audit::Author;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::routes::App;
use crate::tokens::Secret;
use crate::web::{Asset, Files};
use session::SetUpLink;

#[get("/<path..>", rank = 20)]
#[allow(clippy::needless_pass_by_value)] // as Rocket hands it over
fn file(path: Segments<'_, Path>, uri: &Origin<'_>, files: &State<Files>) -> Result<Asset> {
    files.find(&path, uri, "index.html")
}

/// Mounts the page at `/admin` and its API at `/admin/api`, and has the meter tick.
pub(crate) fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    let api: Vec<_> = [
        session::routes(),
        overview::routes(),
        users::routes(),
        channels::routes(),
        communities::routes(),
        registration::routes(),
        backups::routes(),
        admins::routes(),
    ]
    .concat();
    rocket
        .manage(SetUpLink::new(Secret::code(), Timestamp::now()))
        .mount("/admin", routes![file])
        .mount("/admin/api", api)
        .attach(overview::ticking())
}

/// The link with which the first admin is made, while there is none.
pub(crate) async fn set_up_link(rocket: &Rocket<Orbit>) -> Option<String> {
    let app = rocket.state::<App>()?;
    match app.store.has_admin().await {
        Ok(false) => {}
        Ok(true) => return None,
        Err(error) => {
            tracing::error!(%error, "whether there is an admin can't be read");
            return None;
        }
    }
    let code = rocket.state::<SetUpLink>()?.code()?;
    let public = app.public_url.clone();
    let config = rocket.config();
    let at = SocketAddr::new(config.address, config.port);
    let url = public.unwrap_or_else(|| app.scheme.url(at));
    Some(format!("{url}/admin/#/setup/{code}"))
}

impl App {
    /// Has the store do something in an admin's name, and write it into the audit log.
    async fn perform(&self, author: Author, action: Action) -> Result<Outcome> {
        let deed = Deed {
            entry: self.ids.next()?,
            action,
        };
        self.store.perform_one(author, deed).await
    }
}
