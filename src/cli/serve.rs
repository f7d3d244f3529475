//! `saryno serve`

use std::io::IsTerminal;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tracing_subscriber::filter::LevelFilter;

use super::Place;
use super::data::DataDirectory;
use crate::backups::{Keeper, Plan};
use crate::config::{Flags, Level, Log, LogFormat, url_of};
use crate::error::{Error, Result};
use crate::id::Generator;
use crate::store::Store;
use crate::store::sqlite::{Options, Sqlite};

/// Run the server.
#[derive(Args)]
pub(super) struct Serve {
    /// Where to listen [default: 127.0.0.1].
    #[arg(long)]
    address: Option<IpAddr>,
    /// Where to listen; 0 picks a free port and prints it [default: 8000].
    #[arg(long)]
    port: Option<u16>,
}

impl Serve {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        let config = place
            .settings(&Flags {
                address: self.address,
                port: self.port,
            })?
            .config;
        start_log(&config.log);
        let data = DataDirectory::at(&place.data)?;
        if let Some(warning) = data.require_local()? {
            tracing::warn!("{warning}");
        }
        let claim = Arc::new(data.claim_to_serve()?);
        let options = Options {
            readers: config.store.readers,
            queue: config.store.queue,
            batch: config.store.batch,
        };
        let store = Arc::new(Sqlite::open(&data.database(), options)?);
        let plan = Plan {
            every: config.backup.every.0,
            keep: config.backup.keep,
            directory: place.data.join(&config.backup.dir),
        };
        let keeper = Arc::new(Keeper::new(Box::new(data.database_file()), plan));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.workers)
            // Threads that block: a read each; a hash, an upload and a picture a core, and a backup, so that reads wait for none of them.
            .max_blocking_threads(
                usize::try_from(config.store.readers).unwrap_or(1) + 3 * cores + 1,
            )
            .enable_all()
            .build()
            .map_err(|error| Error::Internal(format!("the runtime: {error}")))?;
        let served = runtime.block_on(async {
            let ids = Generator::new(config.worker_id, store.highest_id().await?);
            let server = crate::server(&config, store.clone(), ids, keeper.clone())?;
            let (claim, keeping) = (claim.clone(), keeper.clone());
            let listening = move |at| {
                // Not before: a server that can't listen makes no backups.
                keeping.start();
                tracing::info!("the admin page is at {}/admin/", url_of(at));
                claim.note(at);
            };
            crate::serve(&config, server, listening).await
        });
        keeper.stop();
        // Whatever still runs lets go of the store here, so that dropping it finishes the queue and folds the WAL in.
        runtime.shutdown_timeout(Duration::from_secs(1));
        drop(store);
        served
    }
}

/// Sends the log to standard error, panics included.
fn start_log(log: &Log) {
    let level = match log.level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map(ToString::to_string);
        tracing::error!(
            location,
            message = panic.payload_as_str().unwrap_or("no message"),
            "panic"
        );
    }));
}
