//! Backups: what there is, making one now, downloading one.

use std::sync::Arc;

use rocket::fs::NamedFile;
use rocket::http::{ContentType, Header};
use rocket::request::Request;
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::{Route, get, post, routes};
use serde::Serialize;

use super::auth::{Admitted, InPerson};
use crate::actions::Action;
use crate::backups::{Keeper, Kept, Report};
use crate::error::{Error, Result};
use crate::routes::{AppState, Json};

pub(super) fn routes() -> Vec<Route> {
    routes![backups, make, download]
}

/// What there is to say of backups, and what `GET /ready` tells an operator.
#[derive(Serialize)]
struct Told {
    #[serde(flatten)]
    report: Report,
    /// A sentence each; what is damaged comes first.
    warnings: Vec<String>,
}

#[get("/backups")]
async fn backups(_admitted: Admitted, app: &AppState) -> Result<Json<Told>> {
    let report = blocking(&app.keeper, |keeper| Ok(keeper.report())).await?;
    let health = app.keeper.health();
    Ok(Json::ok(Told {
        report,
        warnings: health.damage.into_iter().chain(health.warnings).collect(),
    }))
}

#[post("/backups")]
async fn make(admitted: Admitted, app: &AppState) -> Result<Json<Kept>> {
    let made = blocking(&app.keeper, Keeper::make).await?;
    let action = Action::MakeBackup(made.name.clone());
    app.perform(admitted.author(), action).await?;
    Ok(Json::created(made))
}

#[get("/backups/<name>")]
async fn download(admitted: InPerson, name: &str, app: &AppState) -> Result<Download> {
    let path = app.keeper.path(name)?;
    let file = NamedFile::open(path)
        .await
        .map_err(|error| Error::Internal(format!("the backup {name} can't be read: {error}")))?;
    let action = Action::DownloadBackup(name.to_owned());
    app.perform(admitted.0.author(), action).await?;
    Ok(Download {
        name: name.to_owned(),
        file,
    })
}

/// Has the keeper do what takes longer than a worker should wait.
async fn blocking<T: Send + 'static>(
    keeper: &Arc<Keeper>,
    work: fn(&Keeper) -> Result<T>,
) -> Result<T> {
    let keeper = keeper.clone();
    tokio::task::spawn_blocking(move || work(&keeper))
        .await
        .map_err(|error| Error::Internal(format!("the keeper of backups: {error}")))?
}

/// A file, as the browser is to save it.
struct Download {
    name: String,
    file: NamedFile,
}

impl<'r> Responder<'r, 'static> for Download {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        // The name is a backup's, so nothing in it needs quoting.
        let disposition = format!("attachment; filename=\"{}\"", self.name);
        Response::build()
            .header(ContentType::Binary)
            .header(Header::new("Content-Disposition", disposition))
            .sized_body(None, self.file.take_file())
            .ok()
    }
}
