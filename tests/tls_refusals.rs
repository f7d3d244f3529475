//! Certificates and keys that can't be used, and those that soon can't: what the real executable says of them.

use std::path::Path;

use saryno::clock::Timestamp;
use saryno::config::Tls;
use saryno::tls::Identity;
use time::OffsetDateTime;

use crate::executable::saryno;
use crate::papers::{DAY, Papers};

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
