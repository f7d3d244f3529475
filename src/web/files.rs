//! The pages' files, compressed, inside the executable. A debug build reads them from the disk, so that a change shows with a reload.
//!
//! All pages are served from the same tree, which they share parts of: `/admin/` begins with `index.html`, `/account/` with
//! `account/index.html`, `/docs/` with `docs/index.html`, and each finds every other file below its own address.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Cursor, Read, Write};
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use rocket::http::uri::fmt::Path;
use rocket::http::uri::{Origin, Segments};
use rocket::http::{ContentType, Header, Status};
use rocket::request::Request;
use rocket::response::{Responder, Response, Result as Outcome};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::error::{Error, Result};
use crate::etag;
use crate::routes::header_values;

/// Scripts and styles come from here and nowhere else; the icons of Pico and Swagger UI are data: images in their style sheets.
const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// `Static`, the files as they lie in the tree, or as `packaging/build.rs` compressed them; and `END`, what is behind their names then.
include!(concat!(env!("OUT_DIR"), "/static.rs"));

/// A file as it is sent.
pub(crate) struct File {
    kind: ContentType,
    tag: String,
    gzip: Cow<'static, [u8]>,
}

impl File {
    fn load(path: &str) -> Option<Arc<Self>> {
        let kind = match path.rsplit_once('.')?.1 {
            "html" => ContentType::HTML,
            "js" => ContentType::JavaScript,
            "css" => ContentType::CSS,
            "svg" => ContentType::SVG,
            "json" => ContentType::JSON,
            "LICENSE" | "NOTICE" => ContentType::Plain,
            _ => return None,
        };
        let EmbeddedFile { data, metadata } = Static::get(&format!("{path}{END}"))?;
        let tag = Base64UrlUnpadded::encode_string(&metadata.sha256_hash());
        Some(Arc::new(Self {
            kind,
            // Weak: the same whether compressed or not.
            tag: format!("W/\"{tag}\""),
            gzip: if END.is_empty() {
                gzip(&data).ok()?.into()
            } else {
                data
            },
        }))
    }

    /// For the few who take nothing compressed.
    fn plain(&self) -> std::io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        GzDecoder::new(&*self.gzip).read_to_end(&mut plain)?;
        Ok(plain)
    }
}

/// All files.
pub(crate) struct Files(HashMap<String, Arc<File>>);

impl Files {
    pub(super) fn load() -> Self {
        let files = Static::iter()
            .filter(|_| !cfg!(debug_assertions))
            .filter_map(|name| {
                let name = name.strip_suffix(END)?;
                Some((name.to_owned(), File::load(name)?))
            });
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

/// A file, or where the page is: what it refers to is relative to its address.
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
            .header(Header::new("Content-Security-Policy", POLICY))
            .header(Header::new("Referrer-Policy", "no-referrer"));
        if is_known(request, &file.tag) {
            return response.status(Status::NotModified).ok();
        }
        response.header(file.kind.clone());
        if !accepts_gzip(request) {
            let plain = file.plain().map_err(|_| Status::InternalServerError)?;
            return response.sized_body(plain.len(), Cursor::new(plain)).ok();
        }
        response
            .header(Header::new("Content-Encoding", "gzip"))
            .sized_body(file.gzip.len(), Cursor::new(Sent(file.clone())))
            .ok()
    }
}

/// A file that is being sent: its bytes are not copied.
struct Sent(Arc<File>);

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.0.gzip
    }
}

/// Whether the requester has what bears this tag (RFC 9110, section 13.1.2).
pub(crate) fn is_known(request: &Request<'_>, tag: &str) -> bool {
    let mut lists = header_values(request, "If-None-Match");
    lists.any(|list| etag::names(&list, tag))
}

/// Whether the requester takes a compressed answer (RFC 9110, section 12.5.3).
pub(crate) fn accepts_gzip(request: &Request<'_>) -> bool {
    let lists = request.headers().get("Accept-Encoding");
    lists.flat_map(|list| list.split(',')).any(|member| {
        let mut parts = member.split(';').map(str::trim);
        let is_gzip = parts
            .next()
            .is_some_and(|coding| coding.eq_ignore_ascii_case("gzip"));
        // A weight of zero is a no.
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_gzip && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    })
}

/// Compresses.
pub(crate) fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}
