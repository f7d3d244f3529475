//! TLS by the server itself, with the real executable: what is served, what is refused, what the rest of the program makes of it.

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use saryno::clock::Timestamp;
use saryno::config::Tls;
use saryno::tls::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;
use time::OffsetDateTime;
use ureq::tls::{RootCerts, TlsConfig};

use crate::executable::{Binary, agent, http, run, run_json, saryno};
use crate::races::text;

const DAY: Duration = Duration::from_hours(24);

/// A certificate for this machine and its key, in files.
pub(crate) struct Papers {
    pub(crate) directory: TempDir,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Papers {
    pub(crate) fn new() -> Self {
        let now = OffsetDateTime::now_utc();
        Self::of(now - DAY, now + 365 * DAY)
    }

    /// Good from then to then.
    fn of(begin: OffsetDateTime, end: OffsetDateTime) -> Self {
        Self::signed(begin, end, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    fn signed(begin: OffsetDateTime, end: OffsetDateTime, by: &'static SignatureAlgorithm) -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut wanted = CertificateParams::new(names).unwrap();
        (wanted.not_before, wanted.not_after) = (begin, end);
        let key = KeyPair::generate_for(by).unwrap();
        let made = wanted.self_signed(&key).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let papers = Self {
            certificate: directory.path().join("chain.pem"),
            key: directory.path().join("key.pem"),
            directory,
        };
        std::fs::write(&papers.certificate, made.pem()).unwrap();
        std::fs::write(&papers.key, key.serialize_pem()).unwrap();
        std::fs::set_permissions(&papers.key, Permissions::from_mode(0o600)).unwrap();
        papers
    }

    pub(crate) fn variables(&self) -> [(&'static str, &str); 2] {
        [
            (
                "SARYNO_TLS__CERTIFICATE",
                self.certificate.to_str().unwrap(),
            ),
            ("SARYNO_TLS__KEY", self.key.to_str().unwrap()),
        ]
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    fn start(&self) -> Binary {
        Binary::start_with(&self.data(), &[], &self.variables())
    }

    /// A client that trusts this certificate and no other.
    pub(crate) fn agent(&self) -> ureq::Agent {
        let pem = std::fs::read(&self.certificate).unwrap();
        let trusted = ureq::tls::Certificate::from_pem(&pem).unwrap();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&[trusted]))
            .unversioned_rustls_crypto_provider(Identity::provider())
            .build();
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(30)))
            .build()
            .new_agent()
    }
}

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

/// `serve` and `config check` refuse, with one sentence that names the setting and the file and does not tell the key.
#[track_caller]
fn is_refused(papers: &Papers, setting: &str, file: Option<&Path>, words: &str) {
    for arguments in [&["serve", "--port", "0"][..], &["config", "check"]] {
        let mut command = saryno(&papers.data(), arguments);
        let output = command
            .envs(papers.variables())
            .env("SARYNO_PORT", "0")
            .output()
            .unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
        assert!(
            complaint.contains(setting) && complaint.contains(words),
            "{complaint}"
        );
        assert!(complaint.contains("SARYNO_TLS__"), "{complaint}");
        if let Some(file) = file {
            assert!(complaint.contains(file.to_str().unwrap()), "{complaint}");
        }
        let key = std::fs::read_to_string(&papers.key).unwrap_or_default();
        for line in key
            .lines()
            .filter(|line| line.len() > 20 && !line.starts_with('-'))
        {
            assert!(!complaint.contains(line), "{complaint}");
        }
    }
    assert!(!papers.data().exists());
}

#[test]
fn what_can_not_be_used_stops_the_start_with_a_sentence() {
    let bad = |spoil: &dyn Fn(&Papers), setting: &str, words: &str| {
        let papers = Papers::new();
        spoil(&papers);
        let file = if setting == "tls.key" {
            &papers.key
        } else {
            &papers.certificate
        };
        is_refused(&papers, setting, Some(file), words);
    };
    let write = |file: &Path, content: &str| std::fs::write(file, content).unwrap();
    bad(
        &|papers| std::fs::remove_file(&papers.certificate).unwrap(),
        "tls.certificate",
        "is not there",
    );
    bad(
        &|papers| std::fs::remove_file(&papers.key).unwrap(),
        "tls.key",
        "is not there",
    );
    bad(
        &|papers| write(&papers.certificate, ""),
        "tls.certificate",
        "holds no certificate",
    );
    bad(
        &|papers| write(&papers.key, "secret"),
        "tls.key",
        "holds no private key",
    );
    bad(
        &|papers| {
            std::fs::copy(&papers.key, &papers.certificate).unwrap();
        },
        "tls.certificate",
        "perhaps it is the key",
    );
    bad(
        &|papers| {
            std::fs::copy(&papers.certificate, &papers.key).unwrap();
        },
        "tls.key",
        "perhaps it is the certificate",
    );
    bad(
        &|papers| {
            std::fs::copy(&Papers::new().key, &papers.key).unwrap();
        },
        "tls.key",
        "does not belong to the certificate",
    );
    bad(
        &|papers| {
            let key = std::fs::read_to_string(&papers.key).unwrap();
            write(&papers.key, &key.repeat(2));
        },
        "tls.key",
        "holds 2 private keys",
    );
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    bad(
        &|papers| write(&papers.key, encrypted),
        "tls.key",
        "is encrypted",
    );
    let nonsense = |what: &str| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
    bad(
        &|papers| write(&papers.certificate, &nonsense("CERTIFICATE")),
        "tls.certificate",
        "can't be used",
    );
    bad(
        &|papers| write(&papers.key, &nonsense("PRIVATE KEY")),
        "tls.key",
        "is of a kind",
    );
    bad(
        &|papers| write(&papers.key, "-----BEGIN PRIVATE KEY-----\n?"),
        "tls.key",
        "is damaged",
    );
}

#[test]
fn one_of_the_two_alone_stops_the_start() {
    let papers = Papers::new();
    for (name, value) in papers.variables() {
        for arguments in [&["serve", "--port", "0"][..], &["config", "check"]] {
            let mut command = saryno(&papers.data(), arguments);
            let output = command
                .env(name, value)
                .env("SARYNO_PORT", "0")
                .output()
                .unwrap();
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{complaint}");
            assert!(complaint.contains("set both, or none"), "{complaint}");
            assert_eq!(complaint.lines().count(), 1, "{complaint}");
        }
    }
}

#[test]
fn no_command_prints_the_key() {
    let papers = Papers::new();
    let server = papers.start();
    let mut shown = String::new();
    for arguments in [["config", "show"], ["config", "check"]] {
        let mut command = saryno(&papers.data(), &arguments);
        let output = command.envs(papers.variables()).output().unwrap();
        shown += &String::from_utf8(output.stdout).unwrap();
    }
    assert!(shown.contains(papers.key.to_str().unwrap()), "{shown}");
    shown += &server.log();
    let key = std::fs::read_to_string(&papers.key).unwrap();
    for line in key.lines().filter(|line| !line.starts_with('-')) {
        assert!(!shown.contains(line), "{shown}");
    }
}

#[test]
fn a_certificate_is_warned_of_before_its_end_and_not_too_early() {
    let now = OffsetDateTime::now_utc();
    let warning = |begin: OffsetDateTime, end: OffsetDateTime| {
        let papers = Papers::of(begin, end);
        let identity = Identity::load(&Tls {
            certificate: Some(papers.certificate.clone()),
            key: Some(papers.key.clone()),
        });
        let term = identity
            .unwrap_or_else(|refusal| panic!("{refusal:?}"))
            .unwrap()
            .term;
        term.warning(Timestamp::now()).unwrap_or_default()
    };
    // A quarter of a year, as the authorities give; a week; ten years.
    assert_eq!(warning(now - 70 * DAY, now + 20 * DAY), "");
    assert!(warning(now - 80 * DAY, now + 10 * DAY).starts_with("The certificate ends at "));
    assert_eq!(warning(now - 4 * DAY, now + 3 * DAY), "");
    assert!(warning(now - 6 * DAY, now + DAY).starts_with("The certificate ends at "));
    assert_eq!(warning(now - 3600 * DAY, now + 20 * DAY), "");
    assert!(warning(now + DAY, now + 9 * DAY).starts_with("The certificate is not good before "));
    assert!(warning(now - 9 * DAY, now - DAY).starts_with("The certificate ended at "));
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
