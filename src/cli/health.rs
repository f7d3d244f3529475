//! `saryno health`

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::Args;
use serde_json::json;
use ureq::tls::TlsConfig;

use super::{Place, Print};
use crate::config::Flags;
use crate::error::{Error, Result};
use crate::tls::Identity;

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the running server whether it lives.
#[derive(Args)]
pub(super) struct Health {
    /// Where it listens [default: where the server on this data directory does, else as configured].
    #[arg(long)]
    address: Option<IpAddr>,
    /// Where it listens [default: where the server on this data directory does, else as configured].
    #[arg(long)]
    port: Option<u16>,
    #[command(flatten)]
    print: Print,
}

impl Health {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        let config = place
            .settings(&Flags {
                address: self.address,
                port: self.port,
            })?
            .config;
        let running = match (self.address, self.port) {
            (None, None) => place.served_at(),
            _ => None,
        };
        let url = running.unwrap_or_else(|| {
            config
                .scheme()
                .url(SocketAddr::new(config.address, config.port))
        });
        let url = format!("{url}/health");
        // What is at this address is not held against a name: nothing secret is sent, and neither a certificate that was renewed or has
        // ended nor one of a name, asked for by an address, says anything about whether the server lives.
        let tls = TlsConfig::builder()
            .disable_verification(true)
            .unversioned_rustls_crypto_provider(Identity::provider())
            .build();
        // No proxy: it is this machine that is asked.
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .tls_config(tls)
            .proxy(None)
            .build()
            .new_agent();
        match agent.get(&url).call() {
            Ok(_) => self
                .print
                .result(&json!({"status": "ok"}), || format!("{url} answers.")),
            Err(error) => Err(Error::Internal(format!("{url} does not answer: {error}"))),
        }
    }
}
