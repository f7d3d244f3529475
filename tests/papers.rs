//! A certificate and its key, for tests that speak TLS.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};
use saryno::tls::Identity;
use tempfile::TempDir;
use time::OffsetDateTime;
use ureq::tls::{RootCerts, TlsConfig};

use crate::executable::Binary;

pub(crate) const DAY: Duration = Duration::from_hours(24);

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
    pub(crate) fn of(begin: OffsetDateTime, end: OffsetDateTime) -> Self {
        Self::signed(begin, end, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub(crate) fn signed(
        begin: OffsetDateTime,
        end: OffsetDateTime,
        by: &'static SignatureAlgorithm,
    ) -> Self {
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

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    pub(crate) fn start(&self) -> Binary {
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
