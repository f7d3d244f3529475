//! The command line (contract, section 5): one file a noun. Results go to standard output, errors to standard error; exit status
//! 1 for what failed, 2 for wrong usage.

mod admin;
mod backup;
mod completions;
mod config;
mod data;
mod export;
mod health;
mod import;
mod invite;
mod log;
mod man;
mod preflight;
mod progress;
mod registration;
mod restore;
mod serve;
mod user;
mod verify;

use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use clap::{Args, Parser, Subcommand, ValueHint};
use serde::Serialize;

use crate::config::{Flags, Settings};
use crate::error::{Error, Result};
use crate::passwords::Password;
use crate::store::sqlite::sqlite_version;
use data::DataDirectory;

/// The account and conversation backbone of a chat platform in one executable.
#[derive(Parser)]
#[command(name = "saryno", version, long_version = long_version(), propagate_version = true)]
struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Where the data and the settings are.
#[derive(Args)]
struct Place {
    /// The data directory; made if it is missing.
    #[arg(long, value_name = "DIR", default_value = "./data", global = true, value_hint = ValueHint::DirPath)]
    data: PathBuf,
    /// The settings' file [default: saryno.toml in the working directory, if there is one].
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(serve::Serve),
    /// Make, show and change accounts.
    #[command(subcommand)]
    User(user::User),
    /// Make, list and remove admins; let them in again.
    #[command(subcommand)]
    Admin(admin::Admin),
    /// Show or say who may register.
    Registration(registration::Registration),
    /// Make, list and remove invites to this server.
    #[command(subcommand)]
    Invite(invite::Invite),
    /// Copy all data into a file and verify the copy.
    Backup(backup::Backup),
    /// Put a backup in the place of the data, which are kept aside; the server must be stopped.
    Restore(restore::Restore),
    /// Look at the whole of the data: whether the file is sound and keeps every rule.
    Verify(verify::Verify),
    /// Write everything that lasts into a file as lines of JSON, for another instance or program.
    Export(export::Export),
    /// Take users, or a whole export, out of such a file; the server must be stopped.
    Import(import::Import),
    /// Show or check the settings.
    #[command(subcommand)]
    Config(config::Config),
    /// Ask the running server whether it lives.
    Health(health::Health),
    /// Print the script with which a shell completes this program's command line.
    Completions(completions::Completions),
    /// Print the manual page of this program, or write one for each of its subcommands.
    Man(man::Man),
}

/// What `--version` tells: the version, the commit that it was built from, and which SQLite is inside.
fn long_version() -> &'static str {
    static TOLD: LazyLock<String> = LazyLock::new(|| {
        let (version, sqlite) = (env!("CARGO_PKG_VERSION"), sqlite_version());
        match env!("BUILD_COMMIT") {
            "" => format!("{version} (SQLite {sqlite})"),
            commit => format!("{version} (commit {commit}, SQLite {sqlite})"),
        }
    });
    &TOLD
}

/// How much less a core is for a command that [`give_way`] than for others that want it: of 20 steps, about a tenth.
const NICE: i32 = 10;

/// Lets everybody else on the machine go first: a server may be one of them, and the command goes at it as hard as it can.
fn give_way() {
    // Where that can't be had, the command does what it is for all the same.
    let _ = rustix::process::nice(NICE);
}

/// How a result is printed.
#[derive(Args)]
struct Print {
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

impl Print {
    /// Prints a result: the object itself, or the text for a person.
    fn result(&self, object: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let written = self.write(object, text, &mut std::io::stdout())?;
        written.map_err(|error| cannot_print(&error))
    }

    /// The same on standard error, where standard output is what was asked for.
    fn result_aside(&self, object: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        let written = self.write(object, text, &mut std::io::stderr())?;
        written.map_err(|error| Error::Internal(format!("standard error: {error}")))
    }

    fn write(
        &self,
        object: &impl Serialize,
        text: impl FnOnce() -> String,
        to: &mut impl Write,
    ) -> Result<std::io::Result<()>> {
        let line = if self.json {
            serde_json::to_string(object).map_err(|error| Error::Internal(error.to_string()))?
        } else {
            text()
        };
        if line.is_empty() {
            return Ok(Ok(()));
        }
        Ok(writeln!(to, "{line}"))
    }
}

impl Place {
    fn settings(&self, flags: &Flags) -> Result<Settings> {
        Settings::load(self.config.as_deref(), flags)
    }

    /// How people reach the server: as configured here, or for the one that runs on the data directory, or where that listens.
    fn url(&self) -> Result<String> {
        let config = self.settings(&Flags::default())?.config;
        if let Some(url) = config.public_url {
            return Ok(url);
        }
        Ok(match DataDirectory::running(&self.data) {
            Some(running) => running.public_url.unwrap_or(running.url),
            None => config.url(),
        })
    }

    /// Where the server that runs on the data directory listens, if there is one.
    fn served_at(&self) -> Option<String> {
        DataDirectory::running(&self.data).map(|running| running.url)
    }

    /// Runs one operation on the data directory, beside a running server or without one.
    fn run<T>(&self, operation: impl AsyncFnOnce(&data::Opened) -> Result<T>) -> Result<T> {
        let directory = DataDirectory::at(&self.data)?;
        let is_new = !directory.database().exists();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| Error::Internal(format!("the runtime: {error}")))?;
        runtime.block_on(async {
            let opened = directory.open_for_command().await?;
            if is_new {
                // Who meant others would look for their people in vain.
                let data = self.data.display();
                eprintln!("saryno: there were no data in {data}; they begin here");
            }
            operation(&opened).await
        })
    }
}

/// Prints a text that is the same with and without `--json`.
fn print_page(page: &[u8]) -> Result<()> {
    let written = std::io::stdout().write_all(page);
    written.map_err(|error| cannot_print(&error))
}

fn cannot_print(error: &std::io::Error) -> Error {
    Error::Internal(format!("standard output: {error}"))
}

/// Reads a password from the first line of standard input.
fn read_password() -> Result<Password> {
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Error::Internal(format!("the password can't be read: {error}")))?;
    let password = line.trim_end_matches(['\r', '\n']).parse();
    password.map_err(|problem| Error::field("password", problem))
}

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let Cli { place, command } = Cli::parse();
    let outcome = match command {
        Command::Serve(serve) => serve.run(&place),
        Command::User(user) => user.run(&place),
        Command::Admin(admin) => admin.run(&place),
        Command::Registration(registration) => registration.run(&place),
        Command::Invite(invite) => invite.run(&place),
        Command::Backup(backup) => backup.run(&place),
        Command::Restore(restore) => restore.run(&place),
        Command::Verify(verify) => verify.run(&place),
        Command::Export(export) => export.run(&place),
        Command::Import(import) => import.run(&place),
        Command::Config(config) => config.run(&place),
        Command::Health(health) => health.run(&place),
        Command::Completions(completions) => completions.run(),
        Command::Man(man) => man.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("saryno: {error}");
            ExitCode::FAILURE
        }
    }
}
