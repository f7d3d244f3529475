//! Settings: a flag over a `SARYNO_*` variable over `saryno.toml` over the default (contract, section 5). No global: whoever
//! needs one is handed it.

mod refusals;

use std::io::{ErrorKind, IsTerminal};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::backups::Every;
use crate::error::{Error, Result};
use crate::id::COMMAND_LINE_WORKER;
use crate::tokens::MetricsToken;
use refusals::{check_variables, refusal};

/// The file that is read without being named.
const DEFAULT_FILE: &str = "saryno.toml";

/// The setting that is a secret.
const SECRET: &str = "metrics.token";

/// The people in a group are read with every channel of a list; more than this is a community.
const LARGEST_GROUP: usize = 100;

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
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
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
            workers: cores,
            worker_id: 0,
            trusted_proxies: Vec::new(),
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

/// Settings given as flags.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Flags {
    /// `--address`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// `--port`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The settings in force, and where each comes from. Without `Debug`: among the sources is the secret of the metrics.
pub struct Settings {
    /// The settings.
    pub config: Config,
    figment: Figment,
}

/// One setting as `saryno config show` prints it.
#[derive(Debug, Serialize)]
pub struct Setting {
    /// Its name, a dot between section and key.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// `default`, a file, a variable or `flag`.
    pub source: String,
}

impl Settings {
    /// Reads all four sources.
    ///
    /// # Errors
    /// [`Error::Internal`] with a sentence that names the key and its source: an unknown one, a wrong type, a value out of
    /// range; or a file that was named and can't be read.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let exists = match std::fs::read(path) {
            Ok(_) => true,
            Err(error) if file.is_none() && error.kind() == ErrorKind::NotFound => false,
            Err(error) => {
                return Err(Error::Internal(format!(
                    "{} can't be read: {error}",
                    path.display()
                )));
            }
        };
        let mut figment = Figment::from(Named("default", Serialized::defaults(Config::default())));
        if exists {
            figment = figment.merge(Toml::file_exact(path));
        }
        check_variables()?;
        let figment = figment
            .merge(Env::prefixed("SARYNO_").split("__"))
            .merge(Named("flag", Serialized::defaults(flags)));
        let config: Config = figment.extract().map_err(refusal)?;
        config.check()?;
        Ok(Self { config, figment })
    }

    /// Every setting that has a value, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Setting> {
        let mut settings = Vec::new();
        if let Ok(values) = self.figment.extract::<Dict>() {
            self.flatten("", values, &mut settings);
        }
        settings
    }

    fn flatten(&self, prefix: &str, values: Dict, settings: &mut Vec<Setting>) {
        for (key, value) in values {
            let key = format!("{prefix}{key}");
            match value {
                Value::Dict(_, section) => self.flatten(&format!("{key}."), section, settings),
                value => settings.push(Setting {
                    source: self.source(&key),
                    value: if key == SECRET { "(set)".into() } else { value },
                    key,
                }),
            }
        }
    }

    fn source(&self, key: &str) -> String {
        match self.figment.find_metadata(key) {
            Some(Metadata {
                source: Some(Source::File(path)),
                ..
            }) => path.display().to_string(),
            Some(metadata) if metadata.name.contains("environment") => {
                format!("SARYNO_{}", key.replace('.', "__").to_uppercase())
            }
            Some(metadata) => metadata.name.to_string(),
            None => "default".into(),
        }
    }
}

impl Config {
    fn check(&self) -> Result<()> {
        let worker = format!(
            "worker_id is 0 to 1022 ({COMMAND_LINE_WORKER} is the command line's); it is {}",
            self.worker_id
        );
        let group = format!(
            "group_dm_max is 3 to {LARGEST_GROUP}; it is {}",
            self.group_dm_max
        );
        let url = "public_url begins with http:// or https:// and does not end with a slash";
        let public = self.public_url.as_ref();
        let token = self.metrics.token.as_ref().map(MetricsToken::reveal);
        let rules = [
            (
                token.is_none_or(|token| {
                    token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_graphic())
                }),
                "metrics.token is 16 visible ASCII characters or more",
            ),
            (self.worker_id < COMMAND_LINE_WORKER, worker.as_str()),
            ((3..=LARGEST_GROUP).contains(&self.group_dm_max), &group),
            ((1..=1_024).contains(&self.workers), "workers is 1 to 1024"),
            (
                (1..=1_024).contains(&self.store.readers),
                "store.readers is 1 to 1024",
            ),
            (
                (0..=1_000_000).contains(&self.limits.requests_per_second),
                "limits.requests_per_second is 0 to 1000000",
            ),
            (self.store.queue > 0, "store.queue is 1 at least"),
            (self.store.batch > 0, "store.batch is 1 at least"),
            (self.backup.keep > 0, "backup.keep is 1 at least"),
            (
                public.is_none_or(|at| at.starts_with("http://") || at.starts_with("https://")),
                url,
            ),
            (public.is_none_or(|at| !at.ends_with('/')), url),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(Error::Internal(rule.to_owned())),
            None => Ok(()),
        }
    }

    /// How people reach the server: `public_url`, or made of address and port.
    #[must_use]
    pub fn url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| url_of(SocketAddr::new(self.address, self.port)))
    }
}

/// How this machine reaches a server that listens there: one that listens everywhere is reached over loopback.
#[must_use]
pub fn url_of(at: SocketAddr) -> String {
    let address = match at.ip() {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        one => one,
    };
    format!("http://{}", SocketAddr::new(address, at.port()))
}

/// A provider under a name that a person knows.
struct Named<P>(&'static str, P);

impl<P: Provider> Provider for Named<P> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.0)
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        self.1.data()
    }
}
