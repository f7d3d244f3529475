//! What handlers answer with: objects, pages of lists, errors, or nothing.

use std::io::Cursor;
use std::sync::Arc;

use rocket::http::{Header, RawStr, Status};
use rocket::request::Request;
use rocket::response::{Responder, Response, Result as Outcome};
use serde::Serialize;
use utoipa::ToSchema;

use super::counted;
use super::exchange::Exchange;
use crate::directory::{Found, Next};
use crate::error::{Error, FieldError, Result};
use crate::page::{Cursor as Bound, Listing, WrittenPage};

/// An object as JSON, with its status.
pub(crate) struct Json<T>(Status, T);

impl<T> Json<T> {
    pub(crate) fn ok(object: T) -> Self {
        Self(Status::Ok, object)
    }

    pub(crate) fn created(object: T) -> Self {
        Self(Status::Created, object)
    }
}

/// 204: done, and nothing to say about it.
pub(crate) struct Done;

/// A page of a list, with the way to the next one.
pub(crate) struct Listed<T> {
    items: Items<T>,
    path: String,
    /// `before` or `after`, and where.
    next: Option<(&'static str, String)>,
}

enum Items<T> {
    Found(Vec<T>),
    /// In JSON already.
    Written(Arc<[u8]>),
}

impl<T> Listed<T> {
    pub(crate) fn new(path: impl Into<String>, listing: Listing<T>) -> Self {
        Self {
            items: Items::Found(listing.items),
            path: path.into(),
            next: listing.next.and_then(bound),
        }
    }

    pub(super) fn written(path: &str, page: WrittenPage) -> Self {
        Self {
            items: Items::Written(page.json),
            path: path.into(),
            next: page.next.and_then(bound),
        }
    }

    /// A page of a search, which goes on by id or by name.
    pub(crate) fn found(path: &str, found: Found<T>) -> Self {
        let next = match found.next {
            Some(Next::Id(cursor)) => bound(cursor),
            Some(Next::Name(position)) => Some(("after", position.to_string())),
            None => None,
        };
        Self {
            items: Items::Found(found.items),
            path: path.into(),
            next,
        }
    }
}

fn bound(cursor: Bound) -> Option<(&'static str, String)> {
    match cursor {
        Bound::After(id) => Some(("after", id.to_string())),
        Bound::Before(id) => Some(("before", id.to_string())),
        Bound::Start => None,
    }
}

pub(super) fn json<'r>(status: Status, object: &impl Serialize) -> Outcome<'r> {
    Ok(in_json(status, written(object)?))
}

pub(super) fn written(object: &impl Serialize) -> Result<Vec<u8>, Status> {
    // A page of twenty fits, so that it doesn't grow on the way.
    let mut body = Vec::with_capacity(4_096);
    serde_json::to_writer(&mut body, object).map_err(|_| Status::InternalServerError)?;
    Ok(body)
}

pub(super) fn in_json<'r>(
    status: Status,
    body: impl AsRef<[u8]> + Send + Unpin + 'r,
) -> Response<'r> {
    let length = body.as_ref().len();
    Response::build()
        .status(status)
        .raw_header("Content-Type", "application/json")
        // In one piece: room for the body and the byte that does not come.
        .max_chunk_size(length + 1)
        .sized_body(length, Cursor::new(body))
        .finalize()
}

impl<'r, T: Serialize> Responder<'r, 'static> for Json<T> {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        json(self.0, &self.1)
    }
}

impl<'r> Responder<'r, 'static> for Done {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        Response::build().status(Status::NoContent).ok()
    }
}

impl<'r, T: Serialize> Responder<'r, 'static> for Listed<T> {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let mut response = match self.items {
            Items::Found(items) => json(Status::Ok, &items)?,
            Items::Written(body) => in_json(Status::Ok, body),
        };
        let Some((name, value)) = self.next else {
            return Ok(response);
        };
        let base = request
            .route()
            .map_or("", |route| route.uri.base())
            .trim_end_matches('/');
        // What else was asked for, the limit above all, is asked for again.
        let mut query = String::new();
        let asked = request
            .query_fields()
            .map(|field| (field.name.source().as_str(), field.value))
            .filter(|(name, _)| !["before", "after"].contains(name));
        for (name, value) in asked.chain([(name, value.as_str())]) {
            let separator = if query.is_empty() { '?' } else { '&' };
            let (name, value) = (RawStr::new(name), RawStr::new(value));
            query = format!(
                "{query}{separator}{}={}",
                name.percent_encode(),
                value.percent_encode()
            );
        }
        let link = format!("<{base}{}{query}>; rel=\"next\"", self.path);
        response.set_header(Header::new("Link", link));
        Ok(response)
    }
}

/// Why something was not done.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(super) struct ErrorBody {
    /// For programs; it never changes its meaning.
    code: &'static str,
    /// For people; it says what to do.
    message: String,
    /// The fields at fault, the first 100 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
    /// Of a 429: seconds until the next request may come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after: Option<f64>,
    /// Of a 429: whether all requests are meant, or this kind alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    global: Option<bool>,
}

impl ErrorBody {
    pub(super) fn of(error: &Error) -> Self {
        let limited = match error {
            Error::Limited(standing) => Some(standing),
            _ => None,
        };
        Self {
            code: error.code(),
            message: error.message().into_owned(),
            errors: error.fields(),
            retry_after: limited.map(|standing| standing.reset_after.as_secs_f64()),
            global: limited.map(|standing| standing.bucket.is_global()),
        }
    }
}

impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        if let Self::Internal(detail) | Self::Damaged(detail) = &self {
            let id = Exchange::of(request).id();
            tracing::error!(id, detail, "internal error");
        }
        respond(&self, Status::new(self.status()))
    }
}

/// The contract's error body under this status.
pub(super) fn respond(error: &Error, status: Status) -> Outcome<'static> {
    let mut response = json(status, &ErrorBody::of(error))?;
    match error {
        Error::Unauthorized | Error::InvalidCredentials => {
            response.set_header(Header::new("WWW-Authenticate", "Bearer"))
        }
        Error::MethodNotAllowed(allow) => response.set_header(Header::new("Allow", allow.clone())),
        Error::Limited(standing) => {
            counted::set_headers(&mut response, standing);
            // Client libraries take a 429 without it for an edge's ban (contract, section 1, "Rate limits").
            response.set_header(Header::new("Via", "1.1 saryno"));
            let seconds = standing.reset_after.as_secs_f64().ceil();
            response.set_header(Header::new("Retry-After", format!("{seconds:.0}")))
        }
        Error::Busy => response.set_header(Header::new("Retry-After", "1")),
        Error::StorageFull => response.set_header(Header::new("Retry-After", "60")),
        Error::ShuttingDown => response.set_header(Header::new("Retry-After", "5")),
        _ => false,
    };
    Ok(response)
}
