//! TLS by the server itself, with the real executable: what is served, and what the rest of the program makes of it.

use std::io::{Read, Write};
use std::net::TcpStream;

use saryno::tls::Identity;
use serde_json::{Value, json};
use time::OffsetDateTime;
use ureq::tls::TlsConfig;

use crate::executable::{Binary, agent, http, run, run_json, saryno};
use crate::papers::{DAY, Papers};
use crate::races::text;

/// The address behind the scheme.
fn address(server: &Binary) -> &str {
    server.url.split("://").nth(1).unwrap()
}

#[test]
fn everything_is_served_over_tls_and_links_and_cookies_say_so() {
    let papers = Papers::new();
    let data = papers.data();
    let (mut server, agent) = (papers.start(), papers.agent());
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    let answer = http(&agent, "GET", &format!("{}/ready", server.url), "", "");
    assert_eq!(answer.unwrap().0, 200);

    let mut rest = [0; 400];
    let read = server.output.read(&mut rest).unwrap();
    let printed = String::from_utf8_lossy(&rest[..read]).into_owned();
    let link = format!("{}/admin/#/setup/", server.url);
    let code = printed
        .split(&link)
        .nth(1)
        .unwrap_or_else(|| panic!("{printed}"));
    let body = json!({"code": code.trim(), "name": "root", "password": "a horse, a staple"});
    let answer = agent
        .post(format!("{}/admin/api/setup", server.url))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "application/json")
        .send(body.to_string())
        .unwrap();
    assert!(answer.status().is_success(), "{answer:?}");
    let cookie = answer.headers()["Set-Cookie"].to_str().unwrap();
    assert!(cookie.contains("; Secure"), "{cookie}");

    run_json(&data, &["user", "create", "Ada", "--discriminator", "0001"]);
    let reset = run_json(&data, &["user", "reset-link", "Ada#0001"]);
    let link = text(&reset["link"]);
    assert!(link.starts_with(&server.url), "{link}");
    assert!(server.terminate().success());

    let mut command = saryno(&data, &["user", "reset-link", "Ada#0001", "--json"]);
    let output = command.envs(papers.variables()).output().unwrap();
    let reset: Value = serde_json::from_slice(&output.stdout).unwrap();
    let link = text(&reset["link"]);
    assert!(link.starts_with("https://127.0.0.1:8000/account"), "{link}");
}

#[test]
fn no_answer_tells_browsers_to_speak_tls_with_the_whole_host() {
    let papers = Papers::new();
    let (server, agent) = (papers.start(), papers.agent());
    for path in ["/health", "/admin/", "/account", "/nowhere"] {
        let answer = agent.get(format!("{}{path}", server.url)).call().unwrap();
        let headers = answer.headers();
        assert!(headers.contains_key("X-Request-Id"), "{path}");
        assert!(!headers.contains_key("Strict-Transport-Security"), "{path}");
    }
}

#[test]
fn health_asks_over_tls_whatever_the_certificate_says() {
    let now = OffsetDateTime::now_utc();
    let ended = Papers::of(now - 20 * DAY, now - 10 * DAY);
    let server = ended.start();
    assert_eq!(
        run_json(&ended.data(), &["health"]),
        json!({"status": "ok"})
    );
    let port = server.url.rsplit(':').next().unwrap();
    let mut command = saryno(&ended.data(), &["health", "--port", port]);
    assert!(command.envs(ended.variables()).status().unwrap().success());
    // Who holds it against its time does not speak to it, and the log has said why.
    let refused = ended.agent().get(format!("{}/health", server.url)).call();
    assert!(refused.is_err());
    assert!(
        server.log().contains("The certificate ended at "),
        "{}",
        server.log()
    );
    let (status, ready) = insecure(&server, "/ready");
    assert_eq!(status, 200);
    let warning = text(&ready["warnings"][0]);
    assert!(
        warning.starts_with("The certificate ended at "),
        "{warning}"
    );
}

/// An answer from whoever is there.
fn insecure(server: &Binary, path: &str) -> (u16, Value) {
    let tls = TlsConfig::builder()
        .disable_verification(true)
        .unversioned_rustls_crypto_provider(Identity::provider())
        .build();
    let agent = ureq::Agent::config_builder()
        .tls_config(tls)
        .proxy(None)
        .build();
    let url = format!("{}{path}", server.url);
    http(&agent.new_agent(), "GET", &url, "", "").unwrap()
}

#[test]
fn plain_http_at_the_port_gets_no_answer_and_who_never_shakes_hands_holds_nobody_up() {
    let papers = Papers::new();
    let mut variables = papers.variables().to_vec();
    variables.push(("SARYNO_WORKERS", "1"));
    let server = Binary::start_with(&papers.data(), &[], &variables);
    let connect = || TcpStream::connect(address(&server)).unwrap();
    let silent: Vec<_> = (0..100).map(|_| connect()).collect();
    // The beginning of a client's first record, and then nothing.
    let halting: Vec<_> = (0..100)
        .map(|_| {
            let mut stream = connect();
            stream
                .write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
                .unwrap();
            stream
        })
        .collect();
    let mut plain = connect();
    plain
        .write_all(b"GET /health HTTP/1.1\r\nHost: saryno\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // Closed in one way or the other.
    let _ = plain.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(!answer.contains("HTTP/1.1"), "{answer}");
    let plain = agent()
        .get(format!("http://{}/health", address(&server)))
        .call();
    assert!(plain.is_err());

    let health = http(
        &papers.agent(),
        "GET",
        &format!("{}/health", server.url),
        "",
        "",
    );
    assert_eq!(health.unwrap(), (200, json!({"status": "ok"})));
    drop((silent, halting));
}

#[test]
fn sigterm_ends_a_server_with_an_idle_and_an_unfinished_tls_connection() {
    let papers = Papers::new();
    let (server, agent) = (papers.start(), papers.agent());
    run_json(&papers.data(), &["user", "create", "Ada"]);
    let health = http(&agent, "GET", &format!("{}/health", server.url), "", "");
    assert_eq!(health.unwrap().0, 200);
    let silent = TcpStream::connect(address(&server)).unwrap();
    assert_eq!(server.terminate().code(), Some(0));
    assert!(!papers.data().join("saryno.db-wal").exists());
    drop((silent, agent));
}

#[test]
fn a_restart_picks_a_renewed_certificate_up_and_tokens_go_on() {
    let papers = Papers::new();
    let made = run_json(&papers.data(), &["user", "create", "Ada", "--token"]);
    let token = text(&made["token"]);
    let server = papers.start();
    let old = papers.agent();
    let me = |agent: &ureq::Agent, server: &Binary| {
        http(
            agent,
            "GET",
            &format!("{}/users/@me", server.url),
            token,
            "",
        )
    };
    assert_eq!(me(&old, &server).unwrap().0, 200);
    let renewed = Papers::new();
    std::fs::copy(&renewed.certificate, &papers.certificate).unwrap();
    std::fs::copy(&renewed.key, &papers.key).unwrap();
    // What was read at the start is served until the end.
    assert_eq!(me(&old, &server).unwrap().0, 200);
    assert!(server.terminate().success());
    let server = papers.start();
    assert_eq!(me(&papers.agent(), &server).unwrap().0, 200);
    assert!(me(&old, &server).is_err());
}

#[test]
fn the_usual_kinds_of_keys_are_taken() {
    let now = OffsetDateTime::now_utc();
    for kind in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let papers = Papers::signed(now - DAY, now + DAY, kind);
        let server = papers.start();
        let health = http(
            &papers.agent(),
            "GET",
            &format!("{}/health", server.url),
            "",
            "",
        );
        assert_eq!(health.unwrap().0, 200);
    }
}

#[test]
fn metrics_on_a_listener_of_their_own_are_plain() {
    let papers = Papers::new();
    let mut variables = papers.variables().to_vec();
    variables.push(("SARYNO_METRICS__ADDRESS", "127.0.0.1:0"));
    let server = Binary::start_with(&papers.data(), &[], &variables);
    let log = server.log();
    let url = log.split("metrics are at ").nth(1).unwrap();
    let url = url.split(['"', '\n', ' ']).next().unwrap();
    assert!(url.starts_with("http://"), "{url}");
    assert_eq!(agent().get(url).call().unwrap().status(), 200);
    assert!(run(&papers.data(), &["health"]).status.success());
}
