//! The REST API as it describes itself: OpenAPI 3.1, made of what stands above each handler and each type.
//!
//! What is served is `static/openapi.json`, which a test holds equal to [`document`] and writes anew on demand: what makes it is 1.2 MB
//! of code, which the linker leaves out of the executable.
//!
//! Above a handler stands what is its own: what it does, what it takes, how it answers, and the codes it fails with, in
//! `x-errors`. What it has in common with others (who is admitted, limits, headers, the errors of all) is added in [`common`].

mod bodies;
mod common;

use rocket::{Route, State, get, routes};
use serde_json::Value;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::error::{Error, Result};
use crate::web::{Asset, Files};
pub(super) use bodies::*;

pub(super) fn routes() -> Vec<Route> {
    routes![description]
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Saryno",
        version = env!("CARGO_PKG_VERSION"),
        description = include_str!("introduction.md"),
        license(name = "MIT", identifier = "MIT"),
        contact(name = "Whoever runs this server"),
    ),
    servers(
        (url = "/v1", description = "The version that a client can pin"),
        (url = "/", description = "The same, whatever the version"),
    ),
    tags(
        (name = "Users", description = "Who somebody is: the account that asks, others, and names."),
        (name = "Accounts", description = "How somebody gets in, and out: registration, log-ins, passwords, sessions."),
        (name = "Channels", description = "DMs, of which two people have one for ever, and groups of up to 10."),
        (name = "Communities", description = "Communities, who is in them, and the invites that bring people in."),
        (name = "Blocks", description = "Whom somebody does not want to hear from. Nobody else sees it."),
        (name = "Pictures", description = "Avatars and icons, for everybody and without a token."),
        (name = "Server", description = "How the server does, and this description."),
    ),
    security(("token" = [])),
    paths(description),
    components(schemas(super::ErrorBody)),
)]
struct Frame;

/// The whole of it.
///
/// # Errors
/// [`Error::Internal`] if it can't be written as JSON, of which there is no way known.
pub fn document() -> Result<Value> {
    let parts = [
        ("Users", super::users::Description::openapi()),
        ("Accounts", super::accounts::Description::openapi()),
        ("Channels", super::channels::Description::openapi()),
        ("Communities", super::communities::Description::openapi()),
        ("Blocks", super::blocks::Description::openapi()),
        ("Users", super::export::Description::openapi()),
        ("Pictures", super::images::Description::openapi()),
        ("Server", super::health::Description::openapi()),
    ];
    let mut document = tagged("Server", Frame::openapi());
    for (tag, part) in parts {
        document.merge(tagged(tag, part));
    }
    let token = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "`Authorization: Bearer srn_...`; the token of a bot's account may also follow `Bot`.",
        ))
        .build();
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(token));
    let written = serde_json::to_value(document);
    let mut document = written.map_err(|error| Error::Internal(error.to_string()))?;
    common::complete(&mut document);
    Ok(document)
}

fn tagged(tag: &str, mut document: Document) -> Document {
    for path in document.paths.paths.values_mut() {
        let operations = [
            &mut path.get,
            &mut path.put,
            &mut path.post,
            &mut path.delete,
            &mut path.patch,
        ];
        for operation in operations.into_iter().flatten() {
            operation.tags = Some(vec![tag.to_owned()]);
        }
    }
    document
}

/// This description
///
/// OpenAPI 3.1, of this server's version. Public, and not counted.
#[utoipa::path(
    operation_id = "describe",
    params(Known),
    responses((status = 200, description = "An OpenAPI document.", body = HashMap<String, Value>)),
    security(()),
)]
#[get("/openapi.json")]
fn description(files: &State<Files>) -> Result<Asset> {
    files.at("openapi.json")
}
