//! Versions of what is read and changed (RFC 9110, section 13): an answer bears the `ETag` of what it shows; who has that version
//! already is told so without a body, and who changes something may say which version they mean.

use rocket::http::Status;
use rocket::request::{self, FromRequest, Request};
use rocket::response::{Responder, Response, Result as Outcome};
use serde::Serialize;

use super::{guarded, header_values, in_json, written};
use crate::etag::{EntityTag, Precondition};
use crate::web::{changes, is_known};

/// An object and its version.
pub(super) struct Versioned<T>(pub(super) T);

impl<'r, T: Serialize> Responder<'r, 'static> for Versioned<T> {
    fn respond_to(self, request: &'r Request<'_>) -> Outcome<'static> {
        let body = written(&self.0)?;
        let tag = EntityTag::of(&body);
        let mut response = if !changes(request) && is_known(request, tag.as_str()) {
            Response::build().status(Status::NotModified).finalize()
        } else {
            in_json(Status::Ok, body)
        };
        response.set_raw_header("ETag", String::from(tag));
        Ok(response)
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Precondition {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        // A header that stands there several times is one list (section 5.3).
        let lists: Vec<_> = header_values(request, "If-Match").collect();
        let precondition = match lists.as_slice() {
            [] => Ok(Self::Any),
            lists => Self::parse(&lists.join(",")),
        };
        guarded(request, precondition)
    }
}
