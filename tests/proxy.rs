//! The real executable behind a real nginx with the configuration that `packaging/` holds.

use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admin_live;
use crate::executable::{Binary, agent, http};
use crate::nginx::Proxy;
use crate::races::{database, directory, number, people};
use crate::tally::{MANY, Tally, raw_header, raw_status};

/// Clients at addresses of their own.
const HERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const THERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 3);

/// What goes with the configuration, as it says itself; and limits that can be counted.
const SETTINGS: [(&str, &str); 4] = [
    ("SARYNO_TRUSTED_PROXIES", "[\"127.0.0.1/32\"]"),
    ("SARYNO_PUBLIC_URL", "https://chat.example"),
    ("SARYNO_LIMITS__REQUESTS_PER_SECOND", "1"),
    ("SARYNO_LIMITS__BURST", "1000"),
];

#[test]
fn clients_that_are_slow_are_cut_off_before_they_reach_the_server_and_others_are_served() {
    let (_directory, data) = directory();
    let server = Binary::start_with(&data, &[], &SETTINGS);
    let proxy = Proxy::before(&server);
    let before = server.open_files();
    let half = b"POST /auth/login HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 100\r\n\r\n{";
    let mut slow = Vec::new();
    for number in 0..400 {
        let mut stream = proxy.connect_from(HERE);
        stream.set_nonblocking(true).unwrap();
        match number % 4 {
            // One says nothing, one stops in the head, one in the body, and one goes on, a byte at a time.
            0 => {}
            1 => stream.write_all(&half[..20]).unwrap(),
            2 => stream.write_all(half).unwrap(),
            _ => stream
                .write_all(b"GET /health HTTP/1.1\r\nX-Slow: ")
                .unwrap(),
        }
        slow.push((stream, number % 4 == 3));
    }
    let (begun, mut served, mut most) = (Instant::now(), 0, 0);
    while !slow.is_empty() {
        // The configuration says 10 seconds, nginx by itself a minute.
        assert!(begun.elapsed() < Duration::from_secs(40), "{}", slow.len());
        assert_eq!(raw_status(&proxy.get_from(THERE, "/health", "")), 200);
        served += 1;
        most = most.max(server.open_files());
        slow.retain_mut(|(stream, goes_on)| {
            if *goes_on {
                let _ = stream.write(b"x");
            }
            // What was closed can be read to its end.
            let read = stream.read(&mut [0; 1024]);
            read.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
        });
        sleep(Duration::from_millis(100));
    }
    assert!(served > 10, "{served}");
    assert!(most < before + 20, "{most} files, {before} before");
}

#[test]
fn who_never_reads_an_answer_holds_nothing_of_the_servers() {
    let (_directory, data) = directory();
    let server = Binary::start_with(&data, &[], &SETTINGS);
    let proxy = Proxy::before(&server);
    let files = server.open_files();
    let page =
        "GET /admin/vendor/uPlot.iife.min.js HTTP/1.1\r\nHost: chat.example\r\n\r\n".repeat(80);
    let deaf: Vec<_> = (0..60)
        .map(|_| {
            let stream = proxy.connect_from(HERE);
            stream.set_nonblocking(true).unwrap();
            // As much as is taken.
            let _ = (&stream).write(page.as_bytes());
            stream
        })
        .collect();
    // Until what they can be sent without reading is sent.
    let asked = || server.log().matches("/admin/<path..>").count();
    let (mut before_that, mut now) = (0, asked());
    while before_that < now || now == 0 {
        for _ in 0..20 {
            assert_eq!(raw_status(&proxy.get_from(THERE, "/health", "")), 200);
        }
        (before_that, now) = (now, asked());
    }
    // nginx keeps 32 connections open for what comes next.
    let most = files + 32 + 10;
    assert!(server.open_files() <= most, "{}", server.open_files());
    drop(deaf);
}

#[test]
fn one_address_takes_no_more_than_its_share_of_requests_at_once() {
    let (_directory, data) = directory();
    let server = Binary::start_with(&data, &[], &SETTINGS);
    let proxy = Proxy::before(&server);
    let half = b"POST /auth/login HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 100\r\n\r\n{";
    let held: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = proxy.connect_from(HERE);
            stream.write_all(half).unwrap();
            stream
        })
        .collect();
    // Once it has read what all of them have sent.
    let answers = (0..100).map(|_| proxy.get_from(HERE, "/health", ""));
    let refused = answers.into_iter().find(|answer| raw_status(answer) != 200);
    let refused = refused.expect("the hundred and first is served, too");
    assert_eq!(raw_status(&refused), 429);
    assert_eq!(raw_header(&refused, "Retry-After"), Some("1"));
    assert_eq!(raw_header(&refused, "Via"), Some("1.1 saryno"));
    assert_eq!(error(&refused)["code"], "rate_limited");
    assert_eq!(raw_status(&proxy.get_from(THERE, "/health", "")), 200);
    drop(held);
}

/// The error that an answer holds, in the contract's form.
fn error(answer: &str) -> Value {
    assert_eq!(raw_header(answer, "Content-Type"), Some("application/json"));
    let body: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert!(!body["message"].as_str().unwrap().is_empty());
    body
}

#[test]
fn what_a_client_says_of_its_address_is_not_believed() {
    let (_directory, data) = directory();
    let limits = [SETTINGS.as_slice(), &[("SARYNO_LIMITS__ENABLED", "true")]].concat();
    let server = Binary::start_with(&data, &[], &limits);
    let proxy = Proxy::before(&server);
    let remaining = |address, headers: &str| {
        let answer = proxy.get_from(address, "/users/@me", headers);
        let remaining = raw_header(&answer, "X-RateLimit-Remaining");
        remaining.unwrap().parse::<u32>().unwrap()
    };
    let mut tally = Tally::begin();
    for number in 0..20 {
        for forged in [
            format!("X-Forwarded-For: 203.0.113.{number}\r\n"),
            format!("X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-For: 203.0.113.{number}\r\n"),
            format!("X_Forwarded_For: 203.0.113.{number}\r\n"),
            format!("X-Real-IP: 203.0.113.{number}\r\nForwarded: for=203.0.113.{number}\r\n"),
        ] {
            tally.add(remaining(HERE, &forged));
        }
    }
    assert_eq!(remaining(THERE, ""), MANY - 1);
}

#[test]
fn the_events_of_the_admin_page_come_as_they_happen_and_a_backup_comes_whole() {
    let (_directory, data) = directory();
    let (server, cookie) = admin_live::set_up(&data);
    let proxy = Proxy::before(&server);
    let head = format!(
        "Host: chat.example\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
    );
    let mut stream = proxy.connect_from(HERE);
    write!(stream, "GET /admin/api/live HTTP/1.1\r\n{head}\r\n").unwrap();
    let mut come = String::new();
    while !come.contains("data:") {
        let mut part = [0; 4_096];
        let length = stream.read(&mut part).unwrap();
        come.push_str(std::str::from_utf8(&part[..length]).unwrap());
    }
    // From a buffer, several come at once.
    assert_eq!(come.matches("data:").count(), 1, "{come}");

    let close = "Connection: close\r\nContent-Length: 0\r\n\r\n";
    let make = format!("POST /admin/api/backups HTTP/1.1\r\n{head}{close}");
    let made = proxy.raw_from(HERE, make.as_bytes());
    assert_eq!(raw_status(&made), 201, "{made}");
    let backup: Value = serde_json::from_str(made.split_once("\r\n\r\n").unwrap().1).unwrap();
    let name = backup["name"].as_str().unwrap();
    let got = agent()
        .get(format!("{}/admin/api/backups/{name}", proxy.url()))
        .header("Cookie", &cookie)
        .call()
        .unwrap();
    let got = got.into_body().read_to_vec().unwrap();
    let stored = std::fs::read(data.join("backups").join(name)).unwrap();
    assert!(got == stored, "{} of {} bytes", got.len(), stored.len());
}

#[test]
fn a_body_that_an_endpoint_takes_passes_and_one_that_none_takes_does_not() {
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    let server = Binary::start_with(&data, &[], &SETTINGS);
    let proxy = Proxy::before(&server);
    let send = |method: &str, path: &str, size: usize| {
        let body = format!("{{\"surprise\":\"{}\"}}", "a".repeat(size - 15));
        let url = format!("{}{path}", proxy.url());
        let (status, answer) = http(&agent(), method, &url, &person.token, &body).unwrap();
        (status, answer["code"].as_str().unwrap().to_owned())
    };
    let (invalid, large) = (
        (400, "invalid_request".to_owned()),
        (413, "body_too_large".to_owned()),
    );
    let image = 1536 * 1024;
    assert_eq!(send("PATCH", "/users/@me", image), invalid);
    assert_eq!(send("PATCH", "/users/@me", image + 1), large);
    assert_eq!(send("POST", "/users/@me/channels", 64 * 1024), invalid);
    assert_eq!(send("POST", "/users/@me/channels", 64 * 1024 + 1), large);
    let mut stream = proxy.connect_from(HERE);
    stream
        .write_all(b"POST /users HTTP/1.1\r\nHost: chat.example\r\nContent-Length: 3000000\r\n\r\n")
        .unwrap();
    // Not to its end: nginx waits for the body for a while, so as not to cut the answer off.
    let mut answer = vec![0; 4_096];
    let length = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert_eq!(raw_status(&answer), 413);
    assert_eq!(error(&answer)["code"], "body_too_large");
}

#[test]
fn a_request_whose_end_is_in_doubt_does_not_pass_and_none_makes_two() {
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    let server = Binary::start_with(&data, &[], &SETTINGS);
    let proxy = Proxy::before(&server);
    let authorization = format!("Authorization: Bearer {}\r\n", person.token);
    let (body, chunked) = (
        r#"{"name": "Tea"}"#,
        "f\r\n{\"name\": \"Tea\"}\r\n0\r\n\r\n",
    );
    let smuggled = format!(
        "POST /communities HTTP/1.1\r\nHost: chat.example\r\n{authorization}Content-Length: 15\r\n\r\n{body}"
    );
    let count = || number(&database(&data), "SELECT count(*) FROM communities");
    for (headers, body) in [
        ("Content-Length: 15\r\nContent-Length: 15\r\n", body),
        ("Content-Length: 15\r\nContent-Length: 3\r\n", body),
        ("Content-Length: +15\r\n", body),
        ("Content-Length: 15, 15\r\n", body),
        (
            "Content-Length: 15\r\nTransfer-Encoding: chunked\r\n",
            chunked,
        ),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 15\r\n",
            chunked,
        ),
        ("Transfer-Encoding: chunked, identity\r\n", chunked),
        ("Transfer-Encoding: identity, chunked\r\n", chunked),
        ("Transfer-Encoding: xchunked\r\n", chunked),
        (
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            chunked,
        ),
        ("Host: elsewhere\r\nContent-Length: 15\r\n", body),
    ] {
        let request = format!(
            "POST /communities HTTP/1.1\r\nHost: chat.example\r\n{authorization}{headers}\r\n{body}{smuggled}"
        );
        let answer = proxy.raw_from(HERE, request.as_bytes());
        assert!(
            [400, 501].contains(&raw_status(&answer)),
            "{headers}{answer}"
        );
        assert_eq!(count(), 0, "{headers}");
    }
    let good = format!(
        "POST /communities HTTP/1.1\r\nHost: chat.example\r\n{authorization}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}{smuggled}"
    );
    assert_eq!(raw_status(&proxy.raw_from(HERE, good.as_bytes())), 201);
    assert_eq!(count(), 1);
}

#[test]
fn while_the_server_is_away_an_error_says_so_in_its_form() {
    let (_directory, data) = directory();
    let server = Binary::start_with(&data, &[], &SETTINGS);
    let proxy = Proxy::before(&server);
    assert_eq!(raw_status(&proxy.get_from(HERE, "/health", "")), 200);
    assert!(server.terminate().success());
    let answer = proxy.get_from(HERE, "/health", "");
    assert_eq!(raw_status(&answer), 502, "{answer}");
    assert_eq!(error(&answer)["code"], json!("internal"));
}
