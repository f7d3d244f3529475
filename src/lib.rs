//! Saryno: the account and conversation backbone of a chat platform in one executable.
//!
//! The map of the house. Arrows of knowledge point inward: `routes`, `web`, `admin`, `account` and `cli` know the topics, the topics know nobody; the store's
//! adapter implements the topics' traits.
//!
//! | room | what lives there |
//! | --- | --- |
//! | [`users`], [`names`], [`discriminators`], [`flags`] | who somebody is: tags; how names are prepared and compared; how numbers are drawn; flags |
//! | [`accounts`], [`tokens`], [`passwords`] | how somebody proves it: registration, log-in, resets; secrets; hashing |
//! | [`admins`], [`actions`], [`audit`], [`directory`], [`views`] | who runs the instance: what they do, the log of it, how they search, what they see |
//! | [`channels`], [`communities`], [`blocks`] | where people talk: DMs and groups; communities, members, invites; whom they shut out |
//! | [`images`] | avatars and icons: what is taken, stored, shown and drawn |
//! | [`backups`] | copies that were verified, when they are made, and what a look at the whole of a database finds |
//! | [`portable`] | a whole instance as lines of JSON, from one server to another |
//! | [`id`], [`clock`], [`page`] | snowflakes and their generator; moments; keyset paging |
//! | [`cores`], [`disk`] | the queue for work that keeps a core busy; what data lie on |
//! | [`fields`], [`error`], [`limits`], [`idempotency`], [`etag`] | a body read with all its faults at once; the one error; how often is too often; what is done once; what is done to one version only |
//! | [`meter`], [`metrics`] | how the server does, second by second, and for an operator's Prometheus |
//! | [`store`] | everything that lasts: the trait, SQLite behind it, and what of it is kept in memory |
//! | `routes` | the REST API: one file a topic |
//! | `web` | what the two pages share: their files, what protects their sessions |
//! | `admin` | the admin page: its own API, its sessions |
//! | `account` | the account page, for people without a client: its own API, its sessions |
//! | [`cli`], [`config`], [`tls`], [`systemd`] | the subcommands; the settings; the certificate; what a service manager is told |
//!
//! A request is: guard, parse, one store call, answer. Follow `PATCH /users/@me` through `routes/auth.rs`, `routes/users.rs`
//! (`modify_me`), [`users::Change::parse`] and `store/sqlite/users.rs` (`rename`), and you have seen the whole house.

mod account;
pub mod accounts;
pub mod actions;
mod admin;
pub mod admins;
pub mod audit;
pub mod backups;
pub mod blocks;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod communities;
pub mod config;
pub mod cores;
pub mod directory;
pub mod discriminators;
pub mod disk;
pub mod error;
pub mod etag;
pub mod fields;
pub mod flags;
pub mod id;
pub mod idempotency;
pub mod images;
pub mod limits;
pub mod meter;
pub mod metrics;
pub mod names;
pub mod page;
pub mod passwords;
pub mod portable;
mod routes;
pub mod store;
pub mod systemd;
pub mod tls;
pub mod tokens;
pub mod users;
pub mod views;
mod web;

use std::collections::HashSet;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use rocket::config::{Config as RocketConfig, Ident, LogLevel, Shutdown, TlsConfig};
use rocket::error::ErrorKind;
use rocket::fairing::AdHoc;
use rocket::{Build, Rocket};
use tokio::signal::unix::{SignalKind, signal};

use backups::Keeper;
use config::{Config, cannot_listen};
use error::{Error, Result};
use id::Generator;
use images::Studio;
use meter::Meter;
use metrics::Metrics;
use passwords::Hasher;
pub use routes::description::document as description;
use routes::metrics::Observed;
use store::Store;
use systemd::Manager;
use tls::Identity;

/// Seconds that requests in flight have at the end; with a second for connections that don't close and one of Rocket's own this
/// makes the contract's 10 (section 5).
const GRACE: u32 = 8;

/// The whole server, not yet listening. `ids` lie above everything in the store; `keeper` is of the store's own file, and whoever
/// calls this runs it.
///
/// # Errors
/// [`Error::Internal`] if passwords can't be hashed on this system, or the certificate and the key can't be used.
pub fn server(
    config: &Config,
    store: Arc<dyn Store>,
    ids: Generator,
    keeper: Arc<Keeper>,
) -> Result<Rocket<Build>> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let identity = Identity::load(&config.tls).map_err(|(_, message)| Error::Internal(message))?;
    let app = routes::App {
        store,
        keeper,
        ids,
        hasher: Hasher::new(cores)?,
        studio: Studio::new(cores),
        group_dm_max: config.group_dm_max,
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors.origins.clone(),
        public_url: config.public_url.clone(),
        scheme: config.scheme(),
        term: identity.as_ref().map(|identity| identity.term),
        meter: Arc::new(Meter::new()),
        metrics: Arc::new(Metrics::new()),
        limits: Arc::new(routes::limits::Limits::new(&config.limits)),
        large_bodies: routes::body::Turns::new(),
    };
    let rocket = rocket::custom(RocketConfig {
        address: config.address,
        port: config.port,
        tls: identity
            .as_ref()
            .map(|identity| TlsConfig::from_bytes(&identity.certificate, &identity.key)),
        workers: config.workers,
        // Each header of an answer costs, and this one tells nobody anything they need.
        ident: Ident::none(),
        // Else a client could choose the address that it is taken to come from; `routes/address.rs` knows better.
        ip_header: None,
        log_level: LogLevel::Off,
        shutdown: Shutdown {
            // `serve` listens for signals itself, and before anybody can know that it runs.
            ctrlc: false,
            signals: HashSet::new(),
            grace: GRACE,
            mercy: 1,
            force: false,
            ..Shutdown::default()
        },
        cli_colors: false,
        ..RocketConfig::release_default()
    });
    let ending = app.keeper.clone();
    let rocket = rocket.attach(AdHoc::on_shutdown(
        "what the keeper of backups does",
        |_| Box::pin(async move { ending.end() }),
    ));
    let observed = Observed::new(&app, config.metrics.token.clone());
    let mut rocket = routes::mount(web::mount(rocket), app).manage(observed);
    if config.metrics.token.is_some() && config.metrics.address.is_none() {
        rocket = rocket.mount("/", routes::metrics::routes());
    }
    Ok(account::mount(admin::mount(rocket)))
}

/// Serves until SIGTERM or SIGINT, saying on standard output, and to `listening`, where it listens; and to the service manager that it
/// is ready, that its store answers still, and that it stops.
///
/// # Errors
/// [`Error::Internal`] with a sentence for the operator if it can't listen.
pub async fn serve(
    config: &Config,
    server: Rocket<Build>,
    manager: Manager,
    listening: impl FnOnce(SocketAddr) + Send + Sync + 'static,
) -> Result<()> {
    let (scheme, manager) = (config.scheme(), Arc::new(manager));
    let told = manager.clone();
    let announce = AdHoc::on_liftoff("where it listens", move |rocket| {
        Box::pin(async move {
            let (address, port) = (rocket.config().address, rocket.config().port);
            let set_up_link = admin::set_up_link(rocket).await;
            let mut out = std::io::stdout().lock();
            // Without anybody to read the line, there is nobody to tell that it can't be written.
            let at = SocketAddr::new(address, port);
            listening(at);
            let _ = writeln!(out, "listening on {scheme}://{at}");
            if let Some(link) = set_up_link {
                let _ = writeln!(
                    out,
                    "There is no admin yet; within the hour, this link makes the first one:\n{link}"
                );
            }
            let _ = out.flush();
            told.ready(&scheme.url(at));
            if let Some(app) = rocket.state::<routes::App>() {
                let (store, end) = (app.store.clone(), rocket.shutdown());
                tokio::spawn(async move {
                    tokio::select! {
                        () = told.keep_telling(store) => {}
                        () = end => {}
                    }
                });
            }
        })
    });
    let at = SocketAddr::new(config.address, config.port);
    let refuse = |kind: &ErrorKind| match kind {
        ErrorKind::Bind(error) => Error::Internal(cannot_listen(at, error, "--address or --port")),
        other => failed(other),
    };
    let server = server
        .attach(announce)
        .ignite()
        .await
        .map_err(|error| refuse(error.kind()))?;
    let observer = match (config.metrics.address, server.state::<Observed>()) {
        (Some(at), Some(observed)) => Some(routes::metrics::listen(at, observed.clone()).await?),
        _ => None,
    };
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| failed(&error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| failed(&error))?;
    let shutdown = server.shutdown();
    tokio::spawn(async move {
        let signal = tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        };
        tracing::info!(signal, "stopping");
        manager.stopping();
        shutdown.notify();
    });
    let ended = server.launch().await;
    if let Some(observer) = observer {
        observer.notify();
    }
    match ended {
        Ok(_) => Ok(()),
        // Connections that did not close in time are no failure of the server's.
        Err(error) if matches!(error.kind(), ErrorKind::Shutdown(..)) => Ok(()),
        Err(error) => Err(refuse(error.kind())),
    }
}

/// An end that nobody asked for.
fn failed(why: &dyn std::fmt::Display) -> Error {
    Error::Internal(format!("the server can't go on: {why}"))
}
