//! Where the settings come from, and what is wrong with them: all of it at once.

use std::fmt;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Env, Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider, Source};
use serde::Serialize;

use super::Config;
use super::refusals::{check_variables, refusal};
use crate::error::{Error, Result};

/// The file that is read without being named.
const DEFAULT_FILE: &str = "saryno.toml";

/// The setting that is a secret.
const SECRET: &str = "metrics.token";

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

/// What is wrong with a setting, or with what it leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The setting's name, a dot between section and key.
    pub setting: String,
    /// Where its value comes from.
    pub source: String,
    /// A sentence for a person: what is wrong, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.source)
    }
}

impl Fault {
    /// One error of many faults, a line each.
    #[must_use]
    pub fn error(faults: &[Self]) -> Error {
        let lines: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Error::Internal(lines.join("\nsaryno: "))
    }
}

/// The settings in force, and where each comes from. Without `Debug`: among the sources is the secret of the metrics.
pub struct Settings {
    /// The settings; where one is at fault, its default.
    pub config: Config,
    /// What is wrong with them by themselves.
    pub faults: Vec<Fault>,
    /// The file among the sources, if there is one.
    pub file: Option<PathBuf>,
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
    /// Reads all four sources, and holds every setting against the rules.
    ///
    /// # Errors
    /// [`Error::Internal`] with a sentence for each fault, which names the setting and its source: an unknown one, a wrong type, a value
    /// out of range; or for a file that was named and can't be read.
    pub fn load(file: Option<&Path>, flags: &Flags) -> Result<Self> {
        let settings = Self::read(file, flags)?;
        if settings.faults.is_empty() {
            Ok(settings)
        } else {
            Err(Fault::error(&settings.faults))
        }
    }

    /// The same, and goes on where a setting is at fault.
    ///
    /// # Errors
    /// [`Error::Internal`] with a sentence where the file can't be read.
    pub fn read(file: Option<&Path>, flags: &Flags) -> Result<Self> {
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
        let mut figment = defaults();
        if exists {
            figment = figment.merge(Toml::file_exact(path));
        }
        check_variables()?;
        let figment = figment
            .merge(Env::prefixed("SARYNO_").split("__"))
            .merge(Named("flag", Serialized::defaults(flags)));
        let mut settings = Self {
            config: Config::default(),
            faults: Vec::new(),
            file: exists.then(|| path.to_path_buf()),
            figment,
        };
        settings.config = match settings.figment.extract() {
            Ok(config) => config,
            Err(error) => settings.good_ones(error)?,
        };
        for (key, rule) in settings.config.broken_rules() {
            let fault = settings.fault(key, rule);
            settings.faults.push(fault);
        }
        Ok(settings)
    }

    /// The settings without those that can't be read, each of which becomes a fault; `error` is the first one's.
    fn good_ones(&mut self, error: figment::Error) -> Result<Config> {
        let mut values = Vec::new();
        flatten(
            "",
            self.figment.extract::<Dict>().map_err(refusal)?,
            &mut values,
        );
        let mut good = defaults();
        for (key, value) in values {
            let with = good.clone().merge((key.as_str(), value));
            match with.extract::<Config>() {
                Ok(_) => good = with,
                Err(error) => {
                    let fault = self.fault(&key, unreadable(&key, &error.kind));
                    self.faults.push(fault);
                }
            }
        }
        if self.faults.is_empty() {
            // No single value is at fault: a section without any.
            return Err(refusal(error));
        }
        good.extract().map_err(refusal)
    }

    /// A fault of this setting.
    #[must_use]
    pub fn fault(&self, key: &str, message: String) -> Fault {
        Fault {
            setting: key.to_owned(),
            source: self.source(key),
            message,
        }
    }

    /// Whether this setting is at fault by itself, so that what it leads to needs no look.
    #[must_use]
    pub fn is_at_fault(&self, key: &str) -> bool {
        self.faults.iter().any(|fault| fault.setting == key)
    }

    /// Every setting that has a value, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Setting> {
        let mut values = Vec::new();
        if let Ok(all) = self.figment.extract::<Dict>() {
            flatten("", all, &mut values);
        }
        let setting = |(key, value): (String, Value)| Setting {
            source: self.source(&key),
            value: match value {
                Value::String(..) | Value::Num(..) if key == SECRET => "(set)".into(),
                value => value,
            },
            key,
        };
        values.into_iter().map(setting).collect()
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

fn defaults() -> Figment {
    Figment::from(Named("default", Serialized::defaults(Config::default())))
}

fn flatten(prefix: &str, values: Dict, flat: &mut Vec<(String, Value)>) {
    for (key, value) in values {
        let key = format!("{prefix}{key}");
        match value {
            Value::Dict(_, section) => flatten(&format!("{key}."), section, flat),
            value => flat.push((key, value)),
        }
    }
}

/// Why a value can't be this setting's.
fn unreadable(key: &str, kind: &Kind) -> String {
    match kind {
        Kind::UnknownField(_, known) => format!(
            "there is no setting {key}; there are, in its place, {}",
            known.join(", ")
        ),
        _ if SECRET.starts_with(key) || key.starts_with(SECRET) => {
            format!("{key} can't be read; put it between quotation marks")
        }
        kind => format!("{key} can't be read: {kind}"),
    }
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
