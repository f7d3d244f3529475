//! `/avatars` and `/icons`: pictures, for everybody and without a session.
//!
//! What was rendered once is kept in memory, up to a bound. A picture that its owner has given up is out of reach within a
//! second, whichever process changed it: for that long an image is served without asking whether it still is theirs.

use std::io::Cursor;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use rocket::http::{ContentType, Header, Status};
use rocket::request::Request;
use rocket::response::{Responder, Response, Result as Outcome};
use rocket::{Route, State, get, routes};
use utoipa::OpenApi;

use super::body::Query;
use super::description;
use super::{App, AppState, path_id};
use crate::error::{Error, Result};
use crate::id::Id;
use crate::images::{Format, ImageHash, Owner, Size};
use crate::web::is_known;

/// How much is kept, in bytes.
const KEPT: u64 = 32 * 1024 * 1024;

/// How many pictures that usually are: at 64 to 128 pixels one takes some 8 to 30 KiB.
const USUAL: usize = 2_000;

/// How long an image that is kept is taken to be its owner's still.
const TRUSTED: Duration = Duration::from_secs(1);

/// Years of it: an address with a hash never shows anything else, and neither does the picture that is drawn from an id.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(super) fn routes() -> Vec<Route> {
    routes![avatar, icon]
}

/// What stands above the handlers.
#[derive(OpenApi)]
#[openapi(paths(avatar, icon), components(schemas(description::PictureSize)))]
pub(super) struct Description;

/// An avatar
///
/// For everybody, and for ever: an address with a hash never shows anything else.
#[utoipa::path(
    operation_id = "getAvatar",
    params(
            ("id" = Id, Path, description = "The user's id."),
            ("file" = String, Path, description = "The image's hash, or `default` for the picture drawn from the id, and `.png` or `.webp`; drawn ones are PNG.", pattern = r"^(default\.png|[0-9a-f]{64}\.(png|webp))$", example = "default.png"),
            ("size" = Option<description::PictureSize>, Query, description = "Pixels a side; left out, as many as there are.", example = 64),
            description::Known,
        ),
    responses(
            (status = 200, description = "The picture.", content((description::Picture = "image/png"), (description::Picture = "image/webp"))),
            (status = 304, description = "It is the one that `If-None-Match` names."),
        ),
    extensions(("x-errors" = json!(["invalid_request", "not_found"]))),
    security(()),
)]
#[get("/avatars/<id>/<file>")]
async fn avatar(
    id: &str,
    file: &str,
    query: Query,
    gallery: &State<Gallery>,
    app: &AppState,
) -> Result<Picture> {
    let id = path_id("user.id", id)?;
    gallery.show(Owner::User(id), file, query, app).await
}

/// An icon
///
/// A community's, as avatars are.
#[utoipa::path(
    operation_id = "getIcon",
    params(
            ("id" = Id, Path, description = "The community's id."),
            ("file" = String, Path, description = "The image's hash, or `default` for the picture drawn from the id, and `.png` or `.webp`; drawn ones are PNG.", pattern = r"^(default\.png|[0-9a-f]{64}\.(png|webp))$", example = "default.png"),
            ("size" = Option<description::PictureSize>, Query, description = "Pixels a side; left out, as many as there are.", example = 64),
            description::Known,
        ),
    responses(
            (status = 200, description = "The picture.", content((description::Picture = "image/png"), (description::Picture = "image/webp"))),
            (status = 304, description = "It is the one that `If-None-Match` names."),
        ),
    extensions(("x-errors" = json!(["invalid_request", "not_found"]))),
    security(()),
)]
#[get("/icons/<id>/<file>")]
async fn icon(
    id: &str,
    file: &str,
    query: Query,
    gallery: &State<Gallery>,
    app: &AppState,
) -> Result<Picture> {
    let id = path_id("community.id", id)?;
    gallery.show(Owner::Community(id), file, query, app).await
}

/// What is shown: everything that its bytes depend on.
#[derive(Clone, PartialEq, Eq, Hash)]
enum View {
    /// A picture of somebody's.
    Stored(Owner, ImageHash, Format, Option<Size>),
    /// The one of who has none.
    Drawn(Id, Size),
}

impl View {
    fn new(owner: Owner, file: &str, mut query: Query) -> Result<Self> {
        let size = query.0.optional("size");
        query.0.finish_known()?;
        let (stem, extension) = file.rsplit_once('.').ok_or(Error::NotFound)?;
        let format = Format::from_extension(extension).ok_or(Error::NotFound)?;
        if stem != "default" {
            // What is no hash is no image's.
            let hash = stem.parse().map_err(|_| Error::NotFound)?;
            return Ok(Self::Stored(owner, hash, format, size?));
        }
        match (owner, format) {
            (Owner::User(id) | Owner::Community(id), Format::Png) => {
                Ok(Self::Drawn(id, size?.unwrap_or(Size::LARGEST)))
            }
            (_, Format::Webp) => Err(Error::NotFound),
        }
    }

    fn format(&self) -> Format {
        match self {
            Self::Stored(_, _, format, _) => *format,
            Self::Drawn(..) => Format::Png,
        }
    }

    /// Strong: the same bytes, always.
    fn tag(&self) -> String {
        let pixels = |size: &Option<Size>| size.map_or(0, Size::pixels);
        match self {
            Self::Stored(_, hash, Format::Png, size) => format!("\"{hash}-{}-png\"", pixels(size)),
            Self::Stored(_, hash, Format::Webp, size) => {
                format!("\"{hash}-{}-webp\"", pixels(size))
            }
            Self::Drawn(id, size) => format!("\"{id}-{}\"", size.pixels()),
        }
    }
}

/// What was rendered.
struct Rendered {
    bytes: Arc<[u8]>,
    /// When it was seen last that it is its owner's, in milliseconds since the gallery opened.
    seen: AtomicU64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<View, Arc<Rendered>> for Bytes {
    fn weight(&self, _: &View, rendered: &Arc<Rendered>) -> u64 {
        // And what it takes to keep it.
        rendered.bytes.len() as u64 + 256
    }
}

/// The pictures that were asked for lately, as they were rendered.
pub(super) struct Gallery {
    kept: Cache<View, Arc<Rendered>, Bytes>,
    opened: Instant,
}

impl Gallery {
    pub(super) fn new() -> Self {
        Self {
            kept: Cache::with_weighter(USUAL, KEPT, Bytes),
            opened: Instant::now(),
        }
    }

    async fn show(&self, owner: Owner, file: &str, query: Query, app: &App) -> Result<Picture> {
        let view = View::new(owner, file, query)?;
        app.metrics.picture_shown();
        // However many ask for it at once, it is rendered once.
        let rendering = self.render(&view, app);
        let rendered = self.kept.get_or_insert_async(&view, rendering).await?;
        self.require_current(&view, &rendered, app).await?;
        Ok(Picture {
            bytes: rendered.bytes.clone(),
            view,
        })
    }

    async fn render(&self, view: &View, app: &App) -> Result<Arc<Rendered>> {
        app.metrics.picture_rendered();
        let seen = AtomicU64::new(self.now());
        let bytes = match view {
            View::Stored(owner, hash, format, size) => {
                let png = app.store.image(*owner, *hash).await?;
                app.studio.render(png, *format, *size).await?
            }
            View::Drawn(id, size) => app.studio.draw(*id, *size).await?,
        };
        let bytes = bytes.into();
        Ok(Arc::new(Rendered { bytes, seen }))
    }

    /// Looks, once in a while, whether a picture that is kept still is its owner's.
    async fn require_current(&self, view: &View, rendered: &Rendered, app: &App) -> Result<()> {
        let View::Stored(owner, hash, ..) = view else {
            return Ok(());
        };
        let now = self.now();
        let age = now.saturating_sub(rendered.seen.load(Ordering::Relaxed));
        if u128::from(age) < TRUSTED.as_millis() {
            return Ok(());
        }
        if app.store.has_image(*owner, *hash).await? {
            rendered.seen.store(now, Ordering::Relaxed);
            Ok(())
        } else {
            self.kept.remove(view);
            Err(Error::NotFound)
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A picture on its way out.
struct Picture {
    view: View,
    bytes: Arc<[u8]>,
}

impl<'r> Responder<'r, 'static> for Picture {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let tag = self.view.tag();
        let known = is_known(request, &tag);
        let mut response = Response::build();
        response
            .header(Header::new("ETag", tag))
            .header(Header::new("Cache-Control", FOR_EVER))
            // Should a browser ever show it as a page of its own, it runs nothing there.
            .header(Header::new("Content-Security-Policy", "sandbox"));
        if known {
            return response.status(Status::NotModified).ok();
        }
        let kind = match self.view.format() {
            Format::Png => ContentType::PNG,
            Format::Webp => ContentType::WEBP,
        };
        response
            .header(kind)
            .sized_body(self.bytes.len(), Cursor::new(self.bytes))
            .ok()
    }
}
