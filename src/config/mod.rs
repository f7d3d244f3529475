//! Settings: a flag over a `SARYNO_*` variable over `saryno.toml` over the default (contract, section 5). No global: whoever
//! needs one is handed it.

mod listen;
mod refusals;
mod rules;
mod settings;

use std::io::IsTerminal;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::backups::Every;
use crate::tokens::MetricsToken;
pub use listen::{Scheme, cannot_listen};
pub use settings::{Fault, Flags, Setting, Settings};

/// Every setting. The contract's table says what each is.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where to listen.
    pub address: IpAddr,
    /// Where to listen; 0 picks a free one.
    pub port: u16,
    /// How people reach the server from outside, without a slash at the end; else made of address and port.
    pub public_url: Option<String>,
    /// Threads that serve requests.
    pub workers: usize,
    /// The worker in the ids, 0 to 1022; two servers never share one.
    pub worker_id: u16,
    /// What the server proves itself with.
    pub tls: Tls,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Pages of other origins.
    pub cors: Cors,
    /// How many people a group holds, the requester included; 3 to 100.
    pub group_dm_max: usize,
    /// How often somebody may do something.
    pub limits: Limits,
    /// The store's sizes.
    pub store: Store,
    /// What Prometheus may ask for, and where.
    pub metrics: Metrics,
    /// Backups that are made by themselves.
    pub backup: Backup,
    /// What is logged, and how.
    pub log: Log,
}

/// `tls.*`: plain HTTP unless both are set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead from it to an authority's, in PEM.
    pub certificate: Option<PathBuf>,
    /// Its private key, in PEM.
    pub key: Option<PathBuf>,
}

/// `cors.*`: off unless there are origins.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Those whose pages may read answers of the REST API, as browsers send them; `*` for all.
    pub origins: Vec<String>,
}

/// `metrics.*`: off unless one of the two is set.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// A listener of its own, for a network that only the operator reaches.
    pub address: Option<SocketAddr>,
    /// What `Authorization: Bearer` must say; without an address of its own, `/metrics` lies beside the REST API.
    pub token: Option<MetricsToken>,
}

/// `limits.*`: each is turned off by 0, all of them by `enabled`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Whether there are any.
    pub enabled: bool,
    /// Requests of an account, or of an address where there is none.
    pub requests_per_second: u32,
    /// How many of them at once.
    pub burst: u32,
    /// Changes of an account's username or discriminator that succeed.
    pub renames_per_hour: u32,
    /// DMs and groups that an account makes.
    pub new_channels_per_10_minutes: u32,
    /// Passwords and one-time codes from an address; with it goes the fixed limit of an account's.
    pub password_checks_per_minute: u32,
    /// Attempts to register from an address.
    pub registrations_per_hour: u32,
}

/// `backup.*`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// How long after one the next is due.
    pub every: Every,
    /// How many of those that the server made are kept.
    pub keep: usize,
    /// Where they go; from the data directory on, where it does not begin with a slash.
    pub dir: PathBuf,
}

/// `store.*`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Store {
    /// Connections that read.
    pub readers: u32,
    /// Writes that may wait; one more is answered with 503 `busy`.
    pub queue: usize,
    /// Writes that share a commit at most.
    pub batch: usize,
    /// Memory for tokens, users, communities and standing DMs that are asked for often, in MiB, and at most three quarters as much again
    /// for pages of channels and communities; 0 for none.
    pub cache_mib: u64,
}

/// `log.*`
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// The least important level that is logged.
    pub level: Level,
    /// How a line looks.
    pub format: LogFormat,
}

/// `log.level`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// What an operator must act on.
    Error,
    /// What an operator should know.
    Warn,
    /// A line a request.
    Info,
    /// For looking into a problem.
    Debug,
}

/// `log.format`
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For a person.
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let format = if std::io::stderr().is_terminal() {
            LogFormat::Text
        } else {
            LogFormat::Json
        };
        Self {
            address: IpAddr::from([127, 0, 0, 1]),
            port: 8000,
            public_url: None,
            tls: Tls::default(),
            workers: cores,
            worker_id: 0,
            trusted_proxies: Vec::new(),
            cors: Cors::default(),
            group_dm_max: 10,
            limits: Limits {
                enabled: true,
                requests_per_second: 50,
                burst: 100,
                renames_per_hour: 2,
                new_channels_per_10_minutes: 10,
                password_checks_per_minute: 5,
                registrations_per_hour: 3,
            },
            store: Store {
                readers: u32::try_from(2 * cores).unwrap_or(2),
                queue: 4096,
                batch: 256,
                cache_mib: 64,
            },
            metrics: Metrics::default(),
            backup: Backup {
                every: Every(Some(Duration::from_hours(24))),
                keep: 14,
                dir: "backups".into(),
            },
            log: Log {
                level: Level::Info,
                format,
            },
        }
    }
}

impl Config {
    /// How the server is spoken to.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        match self.tls.certificate {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        }
    }

    /// How people reach the server: `public_url`, or made of address and port.
    #[must_use]
    pub fn url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| self.scheme().url(SocketAddr::new(self.address, self.port)))
    }
}
