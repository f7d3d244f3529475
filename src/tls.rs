//! The certificate and the key that the server proves itself with: read once, at the start, and held against each other.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, InconsistentKeys, RootCertStore};

use crate::clock::Timestamp;
use crate::config::Tls;

/// Before its end, a certificate is warned of for a fifth of its life, and two weeks at most: whoever renews it does so before.
const WARNING: (u64, Duration) = (5, Duration::from_hours(14 * 24));

/// A certificate and its key that go together. Does not print.
pub struct Identity {
    /// The chain as it is in the file.
    pub certificate: Vec<u8>,
    /// The key as it is in the file.
    pub key: Vec<u8>,
    /// From when to when the certificate is good.
    pub term: Term,
}

/// From when to when a certificate is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    begin: Timestamp,
    end: Timestamp,
}

/// Why there is none: the setting that is at fault, and a sentence.
pub type Refusal = (&'static str, String);

impl Identity {
    /// Reads both, where they are set.
    ///
    /// # Errors
    /// A [`Refusal`] where one can't be read, is no PEM, or does not go with the other.
    pub fn load(settings: &Tls) -> Result<Option<Self>, Refusal> {
        let (Some(certificate), Some(key)) = (&settings.certificate, &settings.key) else {
            return Ok(None);
        };
        Self::read(certificate, key).map(Some)
    }

    fn read(certificate: &Path, key: &Path) -> Result<Self, Refusal> {
        let of_certificate = |problem: String| {
            let file = certificate.display();
            (
                "tls.certificate",
                format!("tls.certificate, {file}, {problem}"),
            )
        };
        let of_key =
            |problem: String| ("tls.key", format!("tls.key, {}, {problem}", key.display()));

        let certificate_pem = read(certificate).map_err(of_certificate)?;
        let key_pem = read(key).map_err(of_key)?;
        let chain = chain(&certificate_pem).map_err(of_certificate)?;
        let term = Term::of(&chain[0]).map_err(of_certificate)?;
        let private = private_key(&key_pem).map_err(of_key)?;
        let private = ring::sign::any_supported_type(&private).map_err(|_| {
            of_key(
                "is of a kind that is not supported; RSA, ECDSA (P-256, P-384) and Ed25519 are"
                    .into(),
            )
        })?;
        match CertifiedKey::new(chain, private).keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(rustls::Error::InconsistentKeys(_)) => {
                return Err(of_key(format!(
                    "does not belong to the certificate in {}, the first one in the file; give the key it was made with",
                    certificate.display()
                )));
            }
            Err(error) => return Err(of_certificate(format!("can't be used: {error}"))),
        }
        Ok(Self {
            certificate: certificate_pem,
            key: key_pem,
            term,
        })
    }

    /// What encrypts.
    #[must_use]
    pub fn provider() -> Arc<CryptoProvider> {
        Arc::new(ring::default_provider())
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "is not there; give the path of a file in PEM".into(),
        ErrorKind::PermissionDenied => {
            "can't be read by the user that saryno runs as; let it read the file and the directories above".into()
        }
        _ => format!("can't be read: {error}"),
    })
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| "is damaged: it is no PEM from its beginning to its end")?;
    if chain.is_empty() {
        return Err(
            "holds no certificate in PEM (-----BEGIN CERTIFICATE-----); perhaps it is the key, or in DER"
                .into(),
        );
    }
    Ok(chain)
}

/// The one key in the file. Nothing of what is in it is told.
fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    let encrypted = |line: &[u8]| {
        line.starts_with(b"-----BEGIN ENCRYPTED") || line.starts_with(b"Proc-Type: 4,ENCRYPTED")
    };
    if pem.split(|byte| *byte == b'\n').any(encrypted) {
        return Err(
            "is encrypted, and nobody is there to type its passphrase; `openssl pkey -in FILE -out FILE` writes it without"
                .into(),
        );
    }
    let keys: Result<Vec<_>, _> = PrivateKeyDer::pem_slice_iter(pem).collect();
    let mut keys = keys.map_err(|_| "is damaged: it is no PEM from its beginning to its end")?;
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(key),
        (None, _) => Err(
            "holds no private key in PEM (-----BEGIN PRIVATE KEY-----); perhaps it is the certificate, or in DER"
                .into(),
        ),
        (Some(_), others) => Err(format!(
            "holds {} private keys; leave the one of the certificate",
            others + 1
        )),
    }
}

impl Term {
    /// What stands in the certificate. It is not handed out by any function of rustls, but by its refusals: a verification looks at the
    /// time first of all, whoever signed.
    fn of(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let refuse = |error: rustls::Error| format!("can't be used: {error}");
        let parsed = ParsedCertificate::try_from(certificate).map_err(refuse)?;
        let at = |now: UnixTime| {
            let nobody = RootCertStore::empty();
            match verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], now, &[]) {
                Err(rustls::Error::InvalidCertificate(error)) => error,
                Err(error) => CertificateError::Other(rustls::OtherError(Arc::new(error))),
                Ok(()) => CertificateError::UnknownIssuer,
            }
        };
        let seconds = |time: UnixTime| {
            Timestamp(i64::try_from(time.as_secs().saturating_mul(1_000)).unwrap_or(i64::MAX))
        };
        let begin = match at(UnixTime::since_unix_epoch(Duration::ZERO)) {
            CertificateError::NotValidYetContext { not_before, .. } => seconds(not_before),
            _ => Timestamp(0),
        };
        let end = match at(UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX))) {
            CertificateError::ExpiredContext { not_after, .. } => seconds(not_after),
            error => return Err(refuse(error.into())),
        };
        Ok(Self { begin, end })
    }

    /// What an operator should know of it at this moment.
    #[must_use]
    pub fn warning(&self, now: Timestamp) -> Option<String> {
        let renew = "renew it, and start the server again";
        if now < self.begin {
            return Some(format!(
                "The certificate is not good before {}; look at the clock, too.",
                self.begin
            ));
        }
        if now > self.end {
            return Some(format!("The certificate ended at {}; {renew}.", self.end));
        }
        let life = u64::try_from(self.end.0 - self.begin.0).unwrap_or_default();
        let before = Duration::from_millis(life / WARNING.0).min(WARNING.1);
        (now.after(before) > self.end)
            .then(|| format!("The certificate ends at {}; {renew}.", self.end))
    }
}
