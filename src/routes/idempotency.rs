//! `Idempotency-Key`: the guard that reads it, and the answer that may be one of before.

use rocket::http::{ContentType, Header, Status};
use rocket::request::{self, FromRequest, Request};
use rocket::response::{Responder, Response, Result as Outcome};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{guarded, header_values, json};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::idempotency::{Answer, Key, Once};

/// The header that a client names a request by.
pub(super) const HEADER: &str = "Idempotency-Key";

/// What a request says of being done once: its key, if it has one, and the SHA-256 of method and path so far.
pub(super) struct Idempotent(Option<(Key, Sha256)>);

impl Idempotent {
    /// The request with its body, if it has one.
    pub(super) fn once(self, body: Option<[u8; 32]>) -> Option<Once> {
        let (key, mut request) = self.0?;
        request.update(body.unwrap_or_default());
        Some(Once {
            key,
            request: request.finalize().into(),
            now: Timestamp::now(),
        })
    }
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Idempotent {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        guarded(request, read(request).map(Self))
    }
}

fn read(request: &Request<'_>) -> Result<Option<(Key, Sha256)>> {
    let mut headers = header_values(request, HEADER);
    let key = match (headers.next(), headers.next()) {
        (None, _) => return Ok(None),
        (Some(key), None) => key.parse::<Key>(),
        (Some(_), Some(_)) => {
            let twice = "The header Idempotency-Key stands here more than once.";
            return Err(Error::Malformed(twice.into()));
        }
    };
    let unfit = |problem: crate::error::Problem| {
        Error::Malformed(format!("The header Idempotency-Key: {}", problem.message))
    };
    let mut hash = Sha256::new();
    hash.update(request.method().as_str());
    hash.update([0]);
    hash.update(request.uri().path().as_str());
    hash.update([0]);
    Ok(Some((key.map_err(unfit)?, hash)))
}

/// What a request is answered with that may be done once.
pub(super) struct Answered<T>(pub(super) Status, pub(super) Answer<T>);

impl<'r, T: Serialize> Responder<'r, 'static> for Answered<T> {
    fn respond_to(self, _: &'r Request<'_>) -> Outcome<'static> {
        match self.1 {
            Answer::First(object) => json(self.0, &object),
            Answer::Again(body) => Response::build()
                .status(self.0)
                .header(ContentType::JSON)
                .header(Header::new("Idempotency-Replayed", "true"))
                .sized_body(body.len(), std::io::Cursor::new(body))
                .ok(),
        }
    }
}
