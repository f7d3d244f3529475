//! What stands against a start, all of it at once: looked for by `serve` before it begins and by `config check`, which changes nothing.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;

use super::Place;
use super::data::{DataDirectory, Running};
use crate::clock::Timestamp;
use crate::config::{Fault, Settings, cannot_listen};
use crate::tls::Identity;

/// What was found.
#[derive(Default)]
pub(super) struct Findings {
    /// What stops the start.
    pub(super) faults: Vec<Fault>,
    /// What a server would stumble over later.
    pub(super) stumbles: Vec<Fault>,
    /// What an operator should know.
    pub(super) warnings: Vec<Fault>,
    /// The server that runs on the data directory already.
    pub(super) running: Option<Running>,
}

/// Looks at all that a start with these settings needs.
pub(super) fn look(place: &Place, settings: &Settings) -> Findings {
    let mut found = Findings {
        faults: settings.faults.clone(),
        running: DataDirectory::running(&place.data),
        ..Findings::default()
    };
    found.secrets(settings);
    found.certificate(settings);
    found.data(&place.data);
    found.backups(&place.data, settings);
    found.listeners(settings);
    found
}

impl Findings {
    /// Holds the database against this program, too. A start finds out by opening it.
    pub(super) fn with_database(mut self, place: &Place) -> Self {
        // Whoever serves it has opened it.
        if self.running.is_none() && self.faults.iter().all(|fault| fault.setting != DATA) {
            let data = DataDirectory::unmade(&place.data);
            let foreign = data.files().into_iter().find(|file| {
                file.exists() && allow(file, Access::READ_OK | Access::WRITE_OK).is_err()
            });
            if let Some(file) = foreign {
                self.faults.push(of_data(format!(
                    "the user that saryno runs as can't read and write {}; give it to that user (`chown`)",
                    file.display()
                )));
            } else if let Err(error) = data
                .database_file()
                .look()
                .and_then(|()| data.require_whole())
            {
                self.faults.push(of_data(error.to_string()));
            }
        }
        self
    }

    fn secrets(&mut self, settings: &Settings) {
        let metrics = settings.fault("metrics.token", String::new());
        if let Some(file) = &settings.file
            && metrics.source == file.display().to_string()
            && is_readable_by_all(file)
        {
            self.warnings.push(Fault {
                message: format!(
                    "everybody on this machine can read {}, which holds metrics.token; `chmod o-r` takes that away",
                    file.display()
                ),
                ..metrics
            });
        }
        if let Some(key) = &settings.config.tls.key
            && is_readable_by_all(key)
        {
            let message = format!(
                "everybody on this machine can read tls.key, {}; `chmod o-r` takes that away",
                key.display()
            );
            self.warnings.push(settings.fault("tls.key", message));
        }
    }

    fn certificate(&mut self, settings: &Settings) {
        let config = &settings.config;
        match Identity::load(&config.tls) {
            Ok(None) => {}
            Ok(Some(identity)) => {
                if let Some(warning) = identity.term.warning(Timestamp::now()) {
                    let warning = settings.fault("tls.certificate", warning);
                    self.warnings.push(warning);
                }
                if let Some(url) = &config.public_url
                    && url.starts_with("http://")
                {
                    self.warnings.push(settings.fault(
                        "public_url",
                        "public_url begins with http:// and the server speaks TLS; links will not lead to it, and cookies will not be marked Secure".into(),
                    ));
                }
            }
            Err((setting, message)) => self.faults.push(settings.fault(setting, message)),
        }
    }

    fn data(&mut self, data: &Path) {
        match Standing::of(data) {
            Standing::Directory | Standing::ToBeMade => {}
            Standing::NoDirectory => self.faults.push(of_data(format!(
                "the data directory {} can't be made: it, or what is above it, is no directory",
                data.display()
            ))),
            Standing::Closed => self.faults.push(of_data(format!(
                "the user that saryno runs as can't write into the data directory {}; give it to that user (`chown`), or choose another",
                data.display()
            ))),
            Standing::ReadOnly => self.faults.push(of_data(format!(
                "the data directory {} is on a file system that is read-only; mount it for writing, or choose another",
                data.display()
            ))),
        }
        match DataDirectory::unmade(data).require_local() {
            Ok(None) => {}
            Ok(Some(doubt)) => self.warnings.push(of_data(doubt)),
            Err(error) => self.faults.push(of_data(error.to_string())),
        }
        let mode = fs::metadata(data).map_or(0, |data| data.permissions().mode());
        if mode & 0o077 != 0 {
            self.warnings.push(of_data(format!(
                "others on this machine can look into the data directory {}; `chmod 700` takes that away",
                data.display()
            )));
        }
    }

    fn backups(&mut self, data: &Path, settings: &Settings) {
        let directory = data.join(&settings.config.backup.dir);
        // Where the data directory is at fault, that has been said.
        if directory.starts_with(data) && self.faults.iter().any(|fault| fault.setting == DATA) {
            return;
        }
        let why = match Standing::of(&directory) {
            Standing::Directory | Standing::ToBeMade => return,
            Standing::NoDirectory => {
                "can't be made: it, or what is above it, is no directory; choose another"
            }
            Standing::ReadOnly => {
                "is on a file system that is read-only; mount it for writing, or choose another"
            }
            Standing::Closed => {
                "can't be written by the user that saryno runs as; give it to that user (`chown`), or choose another"
            }
        };
        let message = format!("backup.dir, {}, {why}", directory.display());
        self.stumbles.push(settings.fault("backup.dir", message));
    }

    fn listeners(&mut self, settings: &Settings) {
        let config = &settings.config;
        let at = SocketAddr::new(config.address, config.port);
        let own = self.running.as_ref().and_then(|running| running.port);
        if !settings.is_at_fault("address") && !settings.is_at_fault("port") {
            self.listener(settings, "port", "--address or --port", at, own);
        }
        let own = self.running.as_ref().and_then(|running| running.metrics);
        if let Some(at) = config.metrics.address
            && !settings.is_at_fault("metrics.address")
        {
            self.listener(settings, "metrics.address", "metrics.address", at, own);
        }
    }

    /// Listens there for a moment, as the server would; where it does so already on its `own` port, on another.
    fn listener(
        &mut self,
        settings: &Settings,
        setting: &str,
        settings_named: &str,
        at: SocketAddr,
        own: Option<u16>,
    ) {
        let mut tried = at;
        if own == Some(at.port()) {
            tried.set_port(0);
        }
        if let Err(error) = TcpListener::bind(tried) {
            let setting = match error.kind() {
                std::io::ErrorKind::AddrNotAvailable if setting == "port" => "address",
                _ => setting,
            };
            let message = cannot_listen(at, &error, settings_named);
            self.faults.push(settings.fault(setting, message));
        }
    }
}

/// The name of the flag under which faults of the data directory go.
const DATA: &str = "data";

fn of_data(message: String) -> Fault {
    Fault {
        setting: DATA.into(),
        source: "--data".into(),
        message,
    }
}

fn is_readable_by_all(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

fn allow(path: &Path, rights: Access) -> Result<(), Errno> {
    rustix::fs::accessat(CWD, path, rights, AtFlags::EACCESS)
}

/// What a directory is to a server that writes into it.
enum Standing {
    /// It is there.
    Directory,
    /// It is not there, and can be made.
    ToBeMade,
    /// Something else is in its place, or above it.
    NoDirectory,
    /// It can't be written into, or not be made: not by this user ...
    Closed,
    /// ... or by nobody.
    ReadOnly,
}

impl Standing {
    fn of(directory: &Path) -> Self {
        let absolute = std::path::absolute(directory);
        let absolute = absolute.as_deref().unwrap_or(directory);
        // The nearest that is there.
        let there = absolute
            .ancestors()
            .find(|path| fs::symlink_metadata(path).is_ok());
        let Some(there) = there else {
            return Self::Closed;
        };
        let Ok(metadata) = fs::metadata(there) else {
            // A link to nowhere.
            return Self::NoDirectory;
        };
        let rights = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
        if !metadata.is_dir() {
            Self::NoDirectory
        } else if let Err(error) = allow(there, rights) {
            if error == Errno::ROFS {
                Self::ReadOnly
            } else {
                Self::Closed
            }
        } else if there == absolute {
            Self::Directory
        } else {
            Self::ToBeMade
        }
    }
}
