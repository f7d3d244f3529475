//! `saryno completions`

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, print_page};
use crate::error::Result;

/// Print the script with which a shell completes this program's command line.
#[derive(Args)]
pub(super) struct Completions {
    /// For which shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self) -> Result<()> {
        // Into memory first: it panics where it can't write.
        let mut script = Vec::new();
        generate(self.shell, &mut Cli::command(), "saryno", &mut script);
        print_page(&script)
    }
}
