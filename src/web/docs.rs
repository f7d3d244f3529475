//! The documentation, for everybody: the reference of the REST API, in which calls can be tried; guides; licences.

use rocket::http::uri::fmt::Path;
use rocket::http::uri::{Origin, Segments};
use rocket::{Route, State, get, routes};

use super::{Asset, Files};
use crate::error::Result;

pub(super) fn routes() -> Vec<Route> {
    routes![guides, licences, file]
}

#[get("/guides")]
fn guides(files: &State<Files>) -> Result<Asset> {
    files.at("docs/guides.html")
}

#[get("/licences")]
fn licences(files: &State<Files>) -> Result<Asset> {
    files.at("docs/licences.html")
}

#[get("/<path..>", rank = 20)]
#[allow(clippy::needless_pass_by_value)] // as Rocket hands it over
fn file(path: Segments<'_, Path>, uri: &Origin<'_>, files: &State<Files>) -> Result<Asset> {
    files.find(&path, uri, "docs/index.html")
}
