//! `saryno health`

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::{Place, Print};
use crate::config::Flags;
use crate::error::{Error, Result};

/// How long the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ask the running server whether it lives.
#[derive(Args)]
pub(super) struct Health {
    /// Where it listens [default: as configured].
    #[arg(long)]
    address: Option<IpAddr>,
    /// Where it listens [default: as configured].
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
        // A server that listens everywhere is asked here.
        let address = match config.address {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            one => one,
        };
        let url = format!("http://{}/health", SocketAddr::new(address, config.port));
        // No proxy: it is this machine that is asked.
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
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
