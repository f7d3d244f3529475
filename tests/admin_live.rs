//! The overview's samples, from the real executable.

use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use ureq::http::{Request, Response};

use crate::executable::{Binary, agent};

/// A server whose first admin has just been made, and their cookie.
pub(crate) fn set_up(data: &std::path::Path) -> (Binary, String) {
    let (server, link) = Binary::start_without_admin(data);
    let code = link.rsplit('/').next().unwrap();
    let body = json!({ "code": code, "name": "root", "password": "correct horse" });
    let request = Request::post(format!("{}/admin/api/setup", server.url))
        .header("Content-Type", "application/json")
        .header("Sec-Fetch-Site", "same-origin")
        .body(body.to_string())
        .unwrap();
    let answer = agent().run(request).unwrap();
    assert_eq!(answer.status(), 201);
    let cookie = answer.headers()["Set-Cookie"].to_str().unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    (server, cookie)
}

pub(crate) fn get(server: &Binary, path: &str, cookie: &str) -> Response<ureq::Body> {
    let request = Request::get(format!("{}{path}", server.url))
        .header("Cookie", cookie)
        .body(())
        .unwrap();
    agent().run(request).unwrap()
}

/// The next sample of a stream.
pub(crate) fn sample(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> Value {
    let data = lines.find_map(|line| line.unwrap().strip_prefix("data:").map(ToOwned::to_owned));
    serde_json::from_str(&data.unwrap()).unwrap()
}

#[test]
fn a_sample_comes_every_second_and_tells_what_was_answered_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let (server, cookie) = set_up(&directory.path().join("data"));
    let stream = get(&server, "/admin/api/live", &cookie);
    assert_eq!(stream.headers()["Content-Type"], "text/event-stream");
    let mut lines = BufReader::new(stream.into_body().into_reader()).lines();
    sample(&mut lines);
    for _ in 0..20 {
        get(&server, "/users/@me", "");
    }
    let (mut refused, mut all) = (0, 0);
    while refused < 20 {
        let next = sample(&mut lines);
        refused += next["client_errors"].as_u64().unwrap();
        all += next["requests"].as_u64().unwrap();
        assert!(next["p50"].as_u64() <= next["p99"].as_u64());
        assert_eq!(next["server_errors"], 0);
    }
    assert!(all >= refused);
    let mut overview = get(&server, "/admin/api/overview", &cookie);
    let overview = overview.body_mut().read_to_string().unwrap();
    let overview: Value = serde_json::from_str(&overview).unwrap();
    assert!(overview["history"].as_array().unwrap().len() >= 2);
}

#[test]
fn a_stream_ends_with_its_session() {
    let directory = tempfile::tempdir().unwrap();
    let (server, cookie) = set_up(&directory.path().join("data"));
    let stream = get(&server, "/admin/api/live", &cookie);
    let mut lines = BufReader::new(stream.into_body().into_reader()).lines();
    sample(&mut lines);
    let request = Request::post(format!("{}/admin/api/logout", server.url))
        .header("Content-Type", "application/json")
        .header("Sec-Fetch-Site", "same-origin")
        .header("Cookie", &cookie)
        .body(())
        .unwrap();
    assert_eq!(agent().run(request).unwrap().status(), 204);
    // One may have been on its way.
    assert!(
        lines
            .filter(|line| line.as_ref().unwrap().starts_with("data:"))
            .count()
            <= 1
    );
}

#[test]
fn the_overview_is_compressed_for_whom_that_suits() {
    let directory = tempfile::tempdir().unwrap();
    let (server, cookie) = set_up(&directory.path().join("data"));
    let request = Request::get(format!("{}/admin/api/overview", server.url))
        .header("Cookie", &cookie)
        .header("Accept-Encoding", "gzip")
        .body(())
        .unwrap();
    let compressed = agent().run(request).unwrap();
    assert_eq!(compressed.headers()["Content-Encoding"], "gzip");
    let decoded = GzDecoder::new(compressed.into_body().into_reader());
    let overview: Value = serde_json::from_reader(decoded).unwrap();
    assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));
    let plain = get(&server, "/admin/api/overview", &cookie);
    assert!(plain.headers().get("Content-Encoding").is_none());
}

#[test]
fn an_open_stream_does_not_hold_up_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let (server, cookie) = set_up(&directory.path().join("data"));
    let stream = get(&server, "/admin/api/live", &cookie);
    let mut lines = BufReader::new(stream.into_body().into_reader()).lines();
    sample(&mut lines);
    assert!(server.terminate().success());
    // What came before the end may still be read; then it ends, and does not break off.
    assert!(lines.all(|line| line.is_ok()));
}
