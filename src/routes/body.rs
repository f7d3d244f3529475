//! What a request brings along: its body and its query string, as [`Fields`].

use std::time::Duration;

use rocket::data::{ByteUnit, Data, FromData, Outcome as DataOutcome};
use rocket::http::MediaType;
use rocket::outcome::Outcome;
use rocket::request::{self, FromRequest, Request};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, copy, sink};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::idempotency::HEADER;
use super::{app, header_values, stop};
use crate::error::{Error, Result};
use crate::fields::Fields;

/// How many bytes a body may have (contract, section 1, "body limit").
const LIMIT: usize = 64 * 1024;

/// How many bodies are read at once beyond [`LIMIT`]: each holds up to 1.5 MiB of memory, and a client may take its time.
const LARGE_AT_ONCE: usize = 32;

/// How long a body may take to arrive, and how long it may wait for its turn: enough for the largest from a poor mobile line.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much of a body too large is read nevertheless, in bytes: a client that is still sending when the connection closes never
/// sees the answer.
const DRAIN: u64 = 16 * 1024 * 1024;

/// The turns of bodies that are larger than most.
pub(crate) struct Turns(Semaphore);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(LARGE_AT_ONCE))
    }
}

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
    let turns = &app(request)?.large_bodies;
    let stream = data.open(ByteUnit::from(DRAIN));
    let body = receive(stream, most, turns, PATIENCE).await?;
    let keyed = header_values(request, HEADER).next().is_some();
    let hash = keyed.then(|| Sha256::digest(&body).into());
    Ok((Fields::parse(&body)?, hash))
}

/// Reads a body of at most `most` bytes. One larger than [`LIMIT`] waits for its turn with the rest still on the wire: so memory
/// is bounded however many clients send such bodies, and however slowly.
async fn receive(
    mut stream: impl AsyncRead + Unpin,
    most: usize,
    turns: &Turns,
    patience: Duration,
) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    fill(&mut body, &mut stream, LIMIT.min(most), patience).await?;
    if body.len() > LIMIT && most > LIMIT {
        let turn = timeout(patience, turns.0.acquire()).await;
        let _turn = turn
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::ShuttingDown)?;
        // All at once: grown by doubling, it would be held twice for a while, and by half too large in the end.
        body.reserve_exact(most + 1 - body.len());
        fill(&mut body, &mut stream, most, patience).await?;
    }
    if body.len() > most {
        drop(body);
        // However that ends, it is too large.
        let _ = timeout(patience, copy(&mut stream, &mut sink())).await;
        return Err(Error::BodyTooLarge(most));
    }
    Ok(body)
}

/// Reads on until the body is whole, or larger than `most` by one byte.
async fn fill(
    body: &mut Vec<u8>,
    stream: &mut (impl AsyncRead + Unpin),
    most: usize,
    patience: Duration,
) -> Result<()> {
    let rest = most + 1 - body.len();
    let read = timeout(patience, stream.take(rest as u64).read_to_end(body)).await;
    let malformed = |sentence: &str| Error::Malformed(sentence.into());
    read.map_err(|_| malformed("The body took more than a minute to arrive; send it faster."))?
        .map_err(|_| malformed("The body did not arrive whole."))?;
    Ok(())
}

/// A `Content-Type` that is there says JSON, in UTF-8 if it says how it is encoded.
pub(crate) fn check_content_type(request: &Request<'_>) -> Result<()> {
    let is_json = |text: &str| {
        // What nearly all say: the parser took two fifths of the instructions of reading a small body (callgrind).
        text == "application/json"
            || text.parse::<MediaType>().is_ok_and(|media| {
                let charset = media
                    .param("charset")
                    .is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8"));
                media.top() == "application" && media.sub() == "json" && charset
            })
    };
    if header_values(request, "Content-Type").all(|kind| is_json(&kind)) {
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    const MOST: usize = 1536 * 1024;

    /// What becomes of a body of which so many bytes come and no end.
    async fn endless(bytes: usize, turns: &Turns) -> Result<Vec<u8>> {
        let (mut client, server) = duplex(2 * MOST);
        client.write_all(&vec![b' '; bytes]).await.unwrap();
        let received = receive(server, MOST, turns, Duration::from_millis(10)).await;
        drop(client);
        received
    }

    #[tokio::test]
    async fn a_body_that_does_not_come_to_its_end_is_given_up_whatever_came_of_it() {
        for bytes in [0, 1, LIMIT, LIMIT + 1, MOST] {
            let given_up = endless(bytes, &Turns::new()).await;
            assert!(matches!(given_up, Err(Error::Malformed(_))), "{bytes}");
        }
        let given_up = endless(MOST + 1, &Turns::new()).await;
        assert_eq!(given_up, Err(Error::BodyTooLarge(MOST)));
    }

    #[tokio::test]
    async fn a_large_body_waits_for_its_turn_and_a_small_one_does_not() {
        let turns = Turns::new();
        let all = u32::try_from(LARGE_AT_ONCE).unwrap();
        let taken = turns.0.acquire_many(all).await.unwrap();
        let (patience, large) = (Duration::from_mins(1), vec![b' '; LIMIT + 1]);
        let small = &large[1..];
        let received = receive(small, MOST, &turns, patience).await;
        assert_eq!(received.unwrap().len(), LIMIT);
        let refused = receive(&large[..], MOST, &turns, Duration::from_millis(10)).await;
        assert_eq!(refused, Err(Error::Busy));
        let waiting = receive(&large[..], MOST, &turns, patience);
        let give_back = async { drop(taken) };
        let (received, ()) = tokio::join!(waiting, give_back);
        assert_eq!(received.unwrap().len(), LIMIT + 1);
        assert_eq!(turns.0.available_permits(), LARGE_AT_ONCE);
    }
}
