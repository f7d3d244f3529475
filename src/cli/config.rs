//! `saryno config`

use clap::Subcommand;
use serde_json::json;

use super::{Place, Print};
use crate::config::{Flags, Setting};
use crate::error::{Error, Result};

/// Show or check the settings.
#[derive(Subcommand)]
pub(super) enum Config {
    /// Print every setting that is in force, and where it comes from.
    Show {
        #[command(flatten)]
        print: Print,
    },
    /// Say whether a server would start with these settings; exit status 1 if not.
    Check {
        #[command(flatten)]
        print: Print,
    },
}

impl Config {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        let settings = place.settings(&Flags::default())?;
        match self {
            Self::Show { print } => {
                let list = settings.list();
                let mut lines = Vec::with_capacity(list.len());
                for Setting { key, value, source } in &list {
                    let value = serde_json::to_string(value)
                        .map_err(|error| Error::Internal(error.to_string()))?;
                    lines.push(format!("{key} = {value}  # {source}"));
                }
                print.result(&list, || lines.join("\n"))
            }
            Self::Check { print } => {
                print.result(&json!({"ok": true}), || "The settings are good.".to_owned())
            }
        }
    }
}
