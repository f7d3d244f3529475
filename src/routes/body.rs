//! What a request brings along: its body and its query string, as [`Fields`].

use rocket::data::{ByteUnit, Data, FromData, Outcome as DataOutcome};
use rocket::http::MediaType;
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest, Request};
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use super::idempotency::HEADER;
use super::stop;
use crate::error::{Error, Result};
use crate::fields::Fields;

/// How many bytes a body may have (contract, section 1, "body limit").
const LIMIT: usize = 64 * 1024;

/// How much of a body too large is read nevertheless, in bytes: a client that is still sending when the connection closes never
/// sees the answer.
const DRAIN: u64 = 16 * 1024 * 1024;

/// A JSON body, and the SHA-256 of its bytes where an idempotency key stands for it.
pub(crate) struct Body<const MOST: usize = LIMIT>(pub(crate) Fields, pub(crate) Option<[u8; 32]>);

/// One that may hold an image (contract, section 3, `avatar`).
pub(crate) type BodyWithImage = Body<{ 1536 * 1024 }>;

#[rocket::async_trait]
impl<'r, const MOST: usize> FromData<'r> for Body<MOST> {
    type Error = ();

    async fn from_data(request: &'r Request<'_>, data: Data<'r>) -> DataOutcome<'r, Self> {
        match read(request, data, MOST).await {
            Ok((fields, hash)) => Outcome::Success(Self(fields, hash)),
            Err(error) => Outcome::Error(stop(request, error)),
        }
    }
}

async fn read(
    request: &Request<'_>,
    data: Data<'_>,
    most: usize,
) -> Result<(Fields, Option<[u8; 32]>)> {
    check_content_type(request)?;
    let broken = |_| Error::Malformed("The body did not arrive whole.".into());
    let mut stream = data.open(ByteUnit::from(DRAIN));
    let mut body = Vec::new();
    (&mut stream)
        .take(most as u64 + 1)
        .read_to_end(&mut body)
        .await
        .map_err(broken)?;
    if body.len() > most {
        tokio::io::copy(&mut stream, &mut tokio::io::sink())
            .await
            .map_err(broken)?;
        return Err(Error::BodyTooLarge(most));
    }
    let keyed = request.headers().contains(HEADER);
    let hash = keyed.then(|| Sha256::digest(&body).into());
    Ok((Fields::parse(&body)?, hash))
}

/// A `Content-Type` that is there says JSON, in UTF-8 if it says how it is encoded.
pub(crate) fn check_content_type(request: &Request<'_>) -> Result<()> {
    let is_json = |text: &str| {
        text.parse::<MediaType>().is_ok_and(|media| {
            let charset = media
                .param("charset")
                .is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
            media.top() == "application" && media.sub() == "json" && charset
        })
    };
    if request.headers().get("Content-Type").all(is_json) {
        Ok(())
    } else {
        Err(Error::UnsupportedMediaType)
    }
}

/// The parameters of the query string.
pub(crate) struct Query(pub(crate) Fields);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Query {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> request::Outcome<Self, ()> {
        let parameters = request
            .query_fields()
            .map(|field| (field.name.source().to_string(), field.value.to_owned()));
        Outcome::Success(Self(Fields::query(parameters)))
    }
}
