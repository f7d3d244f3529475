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
fn guides(uri: &Origin<'_>, files: &State<Files>) -> Result<Asset> {
    page("docs/guides.html", uri, files)
}

#[get("/licences")]
fn licences(uri: &Origin<'_>, files: &State<Files>) -> Result<Asset> {
    page("docs/licences.html", uri, files)
}

/// A page beside the reference: what it refers to is relative to an address without a slash behind it.
fn page(file: &str, uri: &Origin<'_>, files: &Files) -> Result<Asset> {
    match uri.path().as_str().strip_suffix('/') {
        Some(at) => Ok(Asset::Moved(at.to_owned())),
        None => files.at(file),
    }
}

#[get("/<path..>", rank = 20)]
#[allow(clippy::needless_pass_by_value)] // as Rocket hands it over
fn file(path: Segments<'_, Path>, uri: &Origin<'_>, files: &State<Files>) -> Result<Asset> {
    files.find(&path, uri, "docs/index.html")
}
