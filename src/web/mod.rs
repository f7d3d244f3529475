//! The documentation, and what the admin page and the account page share: their files, and what keeps their sessions from being misused.

mod docs;
mod files;
mod origin;

use rocket::{Build, Rocket};

pub(crate) use files::{Asset, Files, accepts_gzip, gzip, is_known};
pub(crate) use origin::{ACCOUNT, ADMIN, Entrance, Site, changes, require_page};

/// Has the files ready for all pages, and mounts the documentation at `/docs`.
pub(crate) fn mount(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.manage(Files::load()).mount("/docs", docs::routes())
}
