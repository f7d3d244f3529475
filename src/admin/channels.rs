//! Channels: who is in them, and nothing of what is said.

use rocket::{Route, get, routes};

use super::auth::Admitted;
use crate::error::Result;
use crate::routes::{AppState, Json, path_id};
use crate::views::ChannelView;

pub(super) fn routes() -> Vec<Route> {
    routes![channel]
}

#[get("/channels/<id>")]
async fn channel(_admitted: Admitted, id: &str, app: &AppState) -> Result<Json<ChannelView>> {
    Ok(Json::ok(
        app.store.channel_view(path_id("channel.id", id)?).await?,
    ))
}
