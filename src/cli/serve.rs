//! `saryno serve`

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::data::DataDirectory;
use super::preflight::look;
use super::{Place, log};
use crate::backups::{Keeper, Plan};
use crate::config::{Fault, Flags, Setting, Settings};
use crate::error::{Error, Result};
use crate::id::Generator;
use crate::store::Store;
use crate::store::sqlite::{Options, Sqlite};
use crate::systemd::Manager;

/// How many files and connections may be open at once, where the system doesn't allow more by itself.
const OPEN_FILES: u64 = 16_384;

/// So few that the operator should know.
const FEW_OPEN_FILES: u64 = 4_096;

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
        let flags = Flags {
            address: self.address,
            port: self.port,
        };
        let settings = Settings::read(place.config.as_deref(), &flags)?;
        let found = look(place, &settings);
        if !found.faults.is_empty() {
            return Err(Fault::error(&found.faults));
        }
        log::start(&settings.config.log);
        introduce(place, &settings);
        for warning in found.stumbles.iter().chain(&found.warnings) {
            tracing::warn!("{warning}");
        }
        raise_open_files();
        let config = settings.config;
        let data = DataDirectory::at(&place.data)?;
        let claim = Arc::new(data.claim_to_serve()?);
        let options = Options {
            readers: config.store.readers,
            queue: config.store.queue,
            batch: config.store.batch,
            cache: config.store.cache_mib * 1024 * 1024,
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
            let (scheme, metrics) = (config.scheme(), config.metrics.address);
            let public_url = config.public_url.clone();
            let listening = move |at| {
                // Not before: a server that can't listen makes no backups.
                keeping.start();
                tracing::info!(
                    "listening on {scheme}://{at}; the admin page is at {}/admin/",
                    scheme.url(at)
                );
                claim.note(&scheme.url(at), metrics, public_url.as_deref());
            };
            crate::serve(&config, server, Manager::of_environment(), listening).await
        });
        keeper.stop();
        // Whatever still runs lets go of the store here, so that dropping it finishes the queue and folds the WAL in.
        runtime.shutdown_timeout(Duration::from_secs(1));
        drop(store);
        match &served {
            Ok(()) => tracing::info!("ended: all that was accepted is on the disk"),
            Err(error) => tracing::error!(detail = %error, "ended"),
        }
        served
    }
}

/// Says what starts, on which data, with which settings.
fn introduce(place: &Place, settings: &Settings) {
    let list = settings.list().into_iter();
    let chosen = list.filter(|setting| setting.source != "default");
    let chosen = chosen.filter_map(|Setting { key, value, source }| {
        let value = serde_json::to_string(&value).ok()?;
        Some(format!("{key} = {value} ({source})"))
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data = %std::path::absolute(&place.data).unwrap_or_default().display(),
        settings = chosen.collect::<Vec<_>>().join(", "),
        "Saryno starts"
    );
}

/// Raises the limit of open files, of which each connection is one, to what is enough as far as the system lets it: the usual
/// soft one of 1,024 is for programs that can't count further. More than enough would be memory for whoever holds connections open.
fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let enough = limit
        .maximum
        .map_or(OPEN_FILES, |most| most.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < enough) {
        let raised = Rlimit {
            current: Some(enough),
            ..limit
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!("the limit of open files can't be raised: {error}");
        }
    }
    if let Some(current) = getrlimit(Resource::Nofile).current
        && current < FEW_OPEN_FILES
    {
        tracing::warn!(
            "no more than {current} files and connections can be open at once; raise the hard limit (LimitNOFILE= of a systemd unit, ulimit -Hn of a shell) to {OPEN_FILES}"
        );
    }
}
