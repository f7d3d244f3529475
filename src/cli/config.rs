//! `saryno config`

use std::path::Path;

use clap::Subcommand;
use serde::Serialize;

use super::preflight::{Findings, look};
use super::{Place, Print};
use crate::config::{Fault, Flags, Setting, Settings};
use crate::error::{Error, Result};

/// Show or check the settings.
#[derive(Subcommand)]
pub(super) enum Config {
    /// Print every setting that is in force, and where it comes from.
    Show {
        #[command(flatten)]
        print: Print,
    },
    /// Say whether a server would start with these settings, here and now, and what it would stumble over; changes nothing, and the server
    /// may run; exit status 1 if not.
    Check {
        #[command(flatten)]
        print: Print,
    },
}

/// What a look at everything that a start needs came to.
#[derive(Serialize)]
struct Checked {
    ok: bool,
    faults: Vec<Fault>,
    warnings: Vec<Fault>,
    /// Where the server is that runs on the data already.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<String>,
}

impl Config {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        match self {
            Self::Show { print } => {
                let list = place.settings(&Flags::default())?.list();
                let mut lines = Vec::with_capacity(list.len());
                for Setting { key, value, source } in &list {
                    let value = serde_json::to_string(value)
                        .map_err(|error| Error::Internal(error.to_string()))?;
                    lines.push(format!("{key} = {value}  # {source}"));
                }
                print.result(&list, || lines.join("\n"))
            }
            Self::Check { print } => {
                let (checked, file) =
                    match Settings::read(place.config.as_deref(), &Flags::default()) {
                        Ok(settings) => {
                            let found = look(place, &settings).with_database(place);
                            (Checked::of(found), settings.file)
                        }
                        Err(error) => (Checked::of_file(place, &error), None),
                    };
                if checked.ok || print.json {
                    print.result(&checked, || checked.describe(file.as_deref()))?;
                }
                if checked.ok {
                    return Ok(());
                }
                Err(Fault::error(&checked.faults))
            }
        }
    }
}

impl Checked {
    fn of(mut found: Findings) -> Self {
        found.faults.append(&mut found.stumbles);
        Self {
            ok: found.faults.is_empty(),
            faults: found.faults,
            warnings: found.warnings,
            running: found.running.map(|running| running.url),
        }
    }

    /// Without a file that can be read there is nothing else to look at.
    fn of_file(place: &Place, error: &Error) -> Self {
        let source = match &place.config {
            Some(_) => "--config",
            None => "saryno.toml",
        };
        Self {
            ok: false,
            faults: vec![Fault {
                setting: "config".into(),
                source: source.into(),
                message: error.to_string(),
            }],
            warnings: Vec::new(),
            running: None,
        }
    }

    fn describe(&self, file: Option<&Path>) -> String {
        let warnings = self.warnings.iter();
        let mut lines: Vec<_> = warnings
            .map(|warning| format!("warning: {warning}"))
            .collect();
        lines.push(match file {
            Some(file) => format!("The settings are good; {} is among them.", file.display()),
            None => "The settings are good; no file is among them (--config).".into(),
        });
        if let Some(url) = &self.running {
            lines.push(format!("A server runs on these data already, at {url}."));
        }
        lines.join("\n")
    }
}
