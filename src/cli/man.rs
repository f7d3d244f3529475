//! `saryno man`

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::generate_to;

use super::{Cli, print_page};
use crate::error::{Error, Result};

/// Print the manual page of this program, or write one for each of its subcommands.
#[derive(Args)]
pub(super) struct Man {
    /// Write saryno.1, saryno-user-create.1 and so on into this directory, made if it is missing; without it, saryno.1 is printed.
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

impl Man {
    pub(super) fn run(&self) -> Result<()> {
        // Nobody looks for the pages of `saryno help user create`.
        let command = Cli::command().disable_help_subcommand(true);
        let Some(directory) = &self.directory else {
            let mut page = Vec::new();
            clap_mangen::Man::new(command)
                .render(&mut page)
                .map_err(|error| Error::Internal(format!("the page can't be made: {error}")))?;
            return print_page(&page);
        };
        fs::create_dir_all(directory)
            .and_then(|()| generate_to(command, directory))
            .map_err(|error| {
                Error::Internal(format!(
                    "the pages can't be written into {}: {error}; name a directory that this user may write",
                    directory.display()
                ))
            })
    }
}
