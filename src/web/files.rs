//! The pages' files, inside the executable. A debug build reads them from the disk, so that a change shows with a reload.
//!
//! Both pages are served from the same tree, which they share parts of: `/admin/` begins with `index.html`, `/account/` with
//! `account/index.html`, and each finds every other file below its own address.

use std::collections::HashMap;
use std::io::{Cursor, Write};
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use flate2::Compression;
use flate2::write::GzEncoder;
use rocket::http::uri::fmt::Path;
use rocket::http::uri::{Origin, Segments};
use rocket::http::{ContentType, Header, Status};
use rocket::request::Request;
use rocket::response::{Responder, Response, Result as Outcome};
use rust_embed::RustEmbed;

use crate::error::{Error, Result};
use crate::etag;

/// Scripts and styles come from here and nowhere else; Pico's icons are data: images in its style sheet.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "static/"]
struct Static;

/// A file as it is sent.
pub(crate) struct File {
    kind: ContentType,
    tag: String,
    plain: Arc<[u8]>,
    gzip: Arc<[u8]>,
}

impl File {
    fn load(path: &str) -> Option<Arc<Self>> {
        let kind = match path.rsplit_once('.')?.1 {
            "html" => ContentType::HTML,
            "js" => ContentType::JavaScript,
            "css" => ContentType::CSS,
            "svg" => ContentType::SVG,
            "json" => ContentType::JSON,
            _ => return None,
        };
        let file = Static::get(path)?;
        let plain = file.data.into_owned();
        let gzip = gzip(&plain).ok()?;
        let hash = file.metadata.sha256_hash();
        let tag = Base64UrlUnpadded::encode_string(&hash);
        Some(Arc::new(Self {
            kind,
            // Weak: the same whether compressed or not.
            tag: format!("W/\"{tag}\""),
            plain: plain.into(),
            gzip: gzip.into(),
        }))
    }
}

/// All files, compressed once.
pub(crate) struct Files(HashMap<String, Arc<File>>);

impl Files {
    pub(super) fn load() -> Self {
        let names = Static::iter().filter(|_| !cfg!(debug_assertions));
        let files =
            names.filter_map(|name| File::load(&name).map(|file| (name.into_owned(), file)));
        Self(files.collect())
    }

    /// What lies at this path of a page that begins with `index`.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub(crate) fn find(
        &self,
        path: &Segments<'_, Path>,
        uri: &Origin<'_>,
        index: &str,
    ) -> Result<Asset> {
        // Hidden files and ways out of the directory are no paths.
        let path = path.to_path_buf(false).map_err(|_| Error::NotFound)?;
        let path = path.to_str().ok_or(Error::NotFound)?;
        match path {
            "" if !uri.path().ends_with('/') => Ok(Asset::Moved(format!("{}/", uri.path()))),
            "" | "index.html" => self.at(index),
            path => self.at(path),
        }
    }

    /// The file at this path of the tree.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub(crate) fn at(&self, path: &str) -> Result<Asset> {
        self.get(path).map(Asset::File).ok_or(Error::NotFound)
    }

    fn get(&self, path: &str) -> Option<Arc<File>> {
        if cfg!(debug_assertions) {
            File::load(path)
        } else {
            self.0.get(path).cloned()
        }
    }
}

/// A file, or where the page is: what it refers to is relative to an address that ends with a slash.
pub(crate) enum Asset {
    File(Arc<File>),
    Moved(String),
}

impl<'r> Responder<'r, 'static> for Asset {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let file = match self {
            Self::File(file) => file,
            Self::Moved(to) => {
                return Response::build()
                    .status(Status::PermanentRedirect)
                    .header(Header::new("Location", to))
                    .ok();
            }
        };
        let mut response = Response::build();
        response
            .header(Header::new("ETag", file.tag.clone()))
            .header(Header::new("Cache-Control", "no-cache"))
            .header(Header::new("Vary", "Accept-Encoding"))
            .header(Header::new("Content-Security-Policy", POLICY));
        if is_known(request, &file.tag) {
            return response.status(Status::NotModified).ok();
        }
        let body = if accepts_gzip(request) {
            response.header(Header::new("Content-Encoding", "gzip"));
            file.gzip.clone()
        } else {
            file.plain.clone()
        };
        response
            .header(file.kind.clone())
            .sized_body(body.len(), Cursor::new(body))
            .ok()
    }
}

/// Whether the requester has what bears this tag (RFC 9110, section 13.1.2).
pub(crate) fn is_known(request: &Request<'_>, tag: &str) -> bool {
    let mut lists = request.headers().get("If-None-Match");
    lists.any(|list| etag::names(list, tag))
}

/// The members of a header's list, without their parameters.
fn listed<'r>(request: &'r Request<'_>, header: &'static str) -> impl Iterator<Item = &'r str> {
    let values = request.headers().get(header);
    values
        .flat_map(|value| value.split(','))
        .filter_map(|value| value.split(';').next().map(str::trim))
}

/// Whether the requester takes a compressed answer.
pub(crate) fn accepts_gzip(request: &Request<'_>) -> bool {
    listed(request, "Accept-Encoding").any(|encoding| encoding == "gzip")
}

/// Compresses.
pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
