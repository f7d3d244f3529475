//! What answers tell of limits, and requests of which tests say where they come from.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rocket::http::Method;
use saryno::config::{Config, Limits};
use serde_json::{Value, json};

use crate::account_desk;
use crate::desk::send_from;
use crate::executable::Binary;
use crate::support::{Account, Answer, Server, failure};

/// What the five headers say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standing {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset: f64,
    pub(crate) reset_after: f64,
    pub(crate) bucket: String,
}

/// What an answer says of the limits; nothing, or each of the five headers once.
#[track_caller]
pub(crate) fn standing(answer: &Answer) -> Option<Standing> {
    const PREFIX: &str = "x-ratelimit-";
    let told: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, value)| (name.to_lowercase(), value.as_str()))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    if told.is_empty() {
        return None;
    }
    assert_eq!(told.len(), 5, "{told:?}");
    let value = |name: &str| {
        let header = format!("{PREFIX}{name}");
        let found = told.iter().find(|(name, _)| *name == header);
        found.unwrap_or_else(|| panic!("no {name}: {told:?}")).1
    };
    Some(Standing {
        limit: value("limit").parse().unwrap(),
        remaining: value("remaining").parse().unwrap(),
        reset: value("reset").parse().unwrap(),
        reset_after: value("reset-after").parse().unwrap(),
        bucket: value("bucket").to_owned(),
    })
}

/// What the answer to a request that was counted with all others says.
#[track_caller]
pub(crate) fn counted(answer: &Answer) -> Standing {
    let standing = standing(answer);
    let standing = standing.unwrap_or_else(|| panic!("not counted: {}", answer.text()));
    assert_eq!(standing.bucket, "requests");
    standing
}

/// Holds an answer against the contract's 429: of this bucket, which holds so many, with at most this wait.
#[track_caller]
pub(crate) fn refused(answer: &Answer, bucket: &str, limit: u32, most: Duration) -> Duration {
    assert_eq!(answer.fails(), failure(429, "rate_limited"));
    let told = standing(answer).unwrap();
    assert_eq!(
        (told.bucket.as_str(), told.limit, told.remaining),
        (bucket, limit, 0)
    );
    let body = answer.json();
    let wait = body["retry_after"].as_f64().unwrap();
    assert!(0.0 < wait && wait <= most.as_secs_f64(), "{wait}");
    assert!((told.reset_after - wait).abs() < 0.001, "{told:?} {wait}");
    let header = answer.header("Retry-After").unwrap();
    assert_eq!(header, format!("{:.0}", wait.ceil()));
    assert_eq!(body["global"], json!(bucket == "requests"));
    assert_eq!(answer.header("Via"), Some("1.1 saryno"));
    Duration::from_secs_f64(wait)
}

/// The default settings with other limits.
pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Config {
    let mut config = Config::default();
    change(&mut config.limits);
    config
}

/// So many requests that none is refused, of which one a second is given back: so few that they can be counted.
pub(crate) const MANY: u32 = 1_000;

/// Settings with which tests count requests.
pub(crate) fn countable() -> Config {
    limits(|limits| {
        limits.requests_per_second = 1;
        limits.burst = MANY;
    })
}

/// Requests that are counted together, of a server that gives one back a second.
pub(crate) struct Tally {
    began: Instant,
    sent: u32,
}

impl Tally {
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            sent: 0,
        }
    }

    /// One more: with it, all that were sent are on its sender's account, but for what was given back meanwhile.
    #[track_caller]
    pub(crate) fn add(&mut self, remaining: u32) {
        self.sent += 1;
        let used = i64::from(MANY) - i64::from(remaining);
        let back = i64::try_from(self.began.elapsed().as_secs() + 1).unwrap();
        let sent = i64::from(self.sent);
        assert!((sent - back..=sent).contains(&used), "{used} of {sent}");
    }

    /// The same of an answer.
    #[track_caller]
    pub(crate) fn count(&mut self, answer: &Answer) {
        self.add(counted(answer).remaining);
    }
}

/// One request from an address, with a token or without.
pub(crate) async fn from(
    address: &str,
    server: &Server,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: &Value,
) -> Answer {
    let token = token.map(|token| ("Authorization", format!("Bearer {token}")));
    let body = (!body.is_null()).then(|| body.to_string());
    let headers: Vec<_> = token.into_iter().collect();
    send_from(address, server, method, path, &headers, body.as_deref()).await
}

/// One request of the account page's own from an address, with a session or without.
pub(crate) async fn from_page(
    address: &str,
    server: &Server,
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: &Value,
) -> Answer {
    let path = format!("/account/api{path}");
    let headers = account_desk::headers(cookie);
    let body = (!body.is_null()).then(|| body.to_string());
    send_from(address, server, method, &path, &headers, body.as_deref()).await
}

/// Who somebody is, asked from an address.
pub(crate) async fn who(address: &str, server: &Server, of: &Account) -> Answer {
    let path = "/users/@me";
    from(
        address,
        server,
        Method::Get,
        path,
        Some(&of.token),
        &Value::Null,
    )
    .await
}

/// One request to a real server as these bytes, and all that it answers until it closes the connection.
pub(crate) fn raw(server: &Binary, request: &[u8]) -> String {
    let mut stream = connect(server);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection to a real server.
pub(crate) fn connect(server: &Binary) -> TcpStream {
    let stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let limit = Some(Duration::from_secs(30));
    stream.set_read_timeout(limit).unwrap();
    stream
}

/// The value of a header in an answer as it stands on the wire.
pub(crate) fn raw_header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n")?;
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The status of an answer as it stands on the wire.
pub(crate) fn raw_status(answer: &str) -> u16 {
    let status = answer.split(' ').nth(1).unwrap_or_default();
    status
        .parse()
        .unwrap_or_else(|_| panic!("no answer: {answer}"))
}
