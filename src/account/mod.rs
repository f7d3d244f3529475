//! The account page, for people without a client: its files, and its own API under `/account/api`. What it has in common with the
//! REST API is the REST API's handlers, mounted a second time: there the page's cookie admits, and nothing else does.

mod session;

use rocket::http::uri::fmt::Path;
use rocket::http::uri::{Origin, Segments};
use rocket::{Build, Rocket, State, get, routes};

use crate::error::Result;
use crate::routes::of_account_page;
use crate::web::{Asset, Files};

/// Mounts the page at `/account` and its API at `/account/api`.
pub(crate) fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket
        .mount("/account", routes![file])
        .mount("/account/api", session::routes())
        .mount("/account/api", of_account_page())
}

#[get("/<path..>", rank = 20)]
#[allow(clippy::needless_pass_by_value)] // as Rocket hands it over
fn file(path: Segments<'_, Path>, uri: &Origin<'_>, files: &State<Files>) -> Result<Asset> {
    files.find(&path, uri, "account/index.html")
}
