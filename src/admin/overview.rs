//! The overview: figures, and a sample of the server's life every second.

use std::io::Cursor;
use std::time::Duration;

use rocket::fairing::AdHoc;
use rocket::http::{ContentType, Header, Status};
use rocket::request::Request;
use rocket::response::stream::{Event, EventStream};
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::{Route, Shutdown, get, routes};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::auth::Admitted;
use crate::accounts::Policy;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::meter::{Dms, Sample};
use crate::routes::{App, AppState};
use crate::views::Statistics;
use crate::web::{accepts_gzip, gzip};

pub(super) fn routes() -> Vec<Route> {
    routes![overview, live]
}

/// Has the meter tick once a second for as long as the server runs.
pub(super) fn ticking() -> AdHoc {
    AdHoc::on_liftoff("the meter", |rocket| {
        Box::pin(async move {
            let Some(app) = rocket.state::<App>() else {
                return;
            };
            let (meter, mut end) = (app.meter.clone(), rocket.shutdown());
            tokio::spawn(async move {
                let mut second = tokio::time::interval(Duration::from_secs(1));
                second.tick().await;
                loop {
                    tokio::select! {
                        _ = second.tick() => meter.tick(Timestamp::now()),
                        () = &mut end => break,
                    }
                }
            });
        })
    })
}

#[derive(Serialize)]
struct Overview {
    #[serde(flatten)]
    statistics: Statistics,
    dms: Dms,
    uptime: u64,
    version: &'static str,
    registration: Policy,
    history: Vec<Sample>,
}

#[get("/overview")]
async fn overview(_admitted: Admitted, app: &AppState) -> Result<Compressed<Overview>> {
    Ok(Compressed(Overview {
        statistics: app.store.statistics().await?,
        dms: app.meter.dms(),
        uptime: app.meter.uptime().as_secs(),
        version: env!("CARGO_PKG_VERSION"),
        registration: app.store.registration().await?,
        history: app.meter.history(),
    }))
}

#[get("/live")]
#[allow(clippy::needless_pass_by_value)] // as Rocket hands guards over
fn live(admitted: Admitted, app: &AppState, mut end: Shutdown) -> EventStream![] {
    let (store, mut samples) = (app.store.clone(), app.meter.follow());
    EventStream! {
        loop {
            let sample = tokio::select! {
                sample = samples.recv() => sample,
                () = &mut end => break,
            };
            let sample = match sample {
                Ok(sample) => sample,
                // A browser that fell behind goes on with what is now.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => break,
            };
            // Whoever has logged out sees no more.
            if store.operator(admitted.credential, Timestamp::now(), false).await.is_err() {
                break;
            }
            let Ok(json) = serde_json::to_string(&sample) else { break };
            yield Event::data(json).event("sample");
        }
    }
}

/// JSON that is compressed for whom that suits: five minutes of samples are ten times smaller for it, and hold no secret that
/// their size could betray.
struct Compressed<T>(T);

impl<'r, T: Serialize> Responder<'r, 'static> for Compressed<T> {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let mut body = serde_json::to_vec(&self.0).map_err(|_| Status::InternalServerError)?;
        let mut response = Response::build();
        response.header(ContentType::JSON);
        if accepts_gzip(request) {
            body = gzip(&body).map_err(|_| Status::InternalServerError)?;
            response.header(Header::new("Content-Encoding", "gzip"));
        }
        response.sized_body(body.len(), Cursor::new(body)).ok()
    }
}
