//! What a service manager is told (systemd's `sd_notify`): that the server is ready, that it stops, and that its store answers still.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::MissedTickBehavior;

use crate::error::{Error, Result};
use crate::store::Store;

/// The service manager that started this process; where there is none, nothing is told.
#[derive(Default)]
pub struct Manager {
    channel: Option<(UnixDatagram, SocketAddr)>,
    /// How long it waits to hear that all is well, before it ends this process.
    watchdog: Option<Duration>,
}

impl Manager {
    /// As the variables `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say. What can't be understood is logged, and nothing is told.
    #[must_use]
    pub fn of_environment() -> Self {
        let Some(name) = std::env::var_os("NOTIFY_SOCKET") else {
            return Self::default();
        };
        let channel = address(&name).and_then(|to| Ok((UnixDatagram::unbound()?, to)));
        if let Err(error) = &channel {
            tracing::warn!(%error, "the service manager can't be told anything: NOTIFY_SOCKET");
        }
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        // A variable that a parent passed on to its children is not for them.
        let for_another =
            number("WATCHDOG_PID").is_some_and(|pid| pid != u64::from(std::process::id()));
        let watchdog = number("WATCHDOG_USEC").filter(|time| *time > 0 && !for_another);
        Self {
            channel: channel.ok(),
            watchdog: watchdog.map(Duration::from_micros),
        }
    }

    /// Requests are answered.
    pub fn ready(&self, url: &str) {
        self.tell(&format!("READY=1\nSTATUS=Serving at {url}\n"));
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Finishing what is in flight\n");
    }

    /// Tells, twice in the time that the manager waits, that the store answers: for as long as it does, and for ever.
    pub async fn keep_telling(&self, store: Arc<dyn Store>) {
        let Some(watchdog) = self.watchdog else {
            return;
        };
        let half = watchdog / 2;
        let mut ticks = tokio::time::interval(half.max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut pulse, mut silent) = (Pulse::default(), false);
        loop {
            ticks.tick().await;
            let asked = Instant::now();
            let answer = pulse.beats(store.as_ref());
            tokio::pin!(answer);
            let beats = loop {
                tokio::select! {
                    beats = &mut answer => break beats,
                    () = tokio::time::sleep(half) => {
                        silent = true;
                        self.complain(asked.elapsed());
                    }
                }
            };
            if !beats {
                silent = true;
                self.complain(asked.elapsed());
            } else if std::mem::take(&mut silent) {
                tracing::info!("the store answers again");
                self.tell("WATCHDOG=1\nSTATUS=Serving\n");
            } else {
                self.tell("WATCHDOG=1\n");
            }
        }
    }

    fn complain(&self, since: Duration) {
        let seconds = since.as_secs_f64();
        tracing::error!(seconds, "the store does not answer");
        self.tell(&format!(
            "STATUS=The store has not answered for {seconds:.1} s\n"
        ));
    }

    fn tell(&self, state: &str) {
        if let Some((socket, to)) = &self.channel
            && let Err(error) = socket.send_to_addr(state.as_bytes(), to)
        {
            tracing::warn!(%error, "the service manager can't be told anything");
        }
    }
}

/// The address in `NOTIFY_SOCKET`: a path, or a name in Linux' abstract namespace behind an `@`.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', name @ ..] => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is neither a path nor an abstract name",
        )),
    }
}

/// Whether the store lives, which is less than that it does what it is asked for: a full disk, a damaged file and too much to do are
/// told by `/ready`, and no restart cures them.
#[derive(Default)]
pub(crate) struct Pulse {
    /// How many writes were answered when it was last felt.
    writes: u64,
}

impl Pulse {
    /// Whether it reads, and works its writes off. Does not come back where a connection hangs.
    pub(crate) async fn beats(&mut self, store: &dyn Store) -> bool {
        // A reader comes free within seconds, unless all of them hang.
        let reads = is_alive(&store.highest_id().await);
        let writes = is_alive(&store.ping().await);
        let before = std::mem::replace(&mut self.writes, store.work().writes);
        // A queue may be full, or another process hold the file: but what waits is answered, if only with that.
        reads && (writes || self.writes > before)
    }
}

fn is_alive<T>(answer: &Result<T>) -> bool {
    !matches!(answer, Err(Error::Busy))
}
