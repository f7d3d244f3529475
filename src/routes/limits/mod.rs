//! Rate limits (contract, section 1, "Rate limits"): what every attempt counts for, in memory that is bounded.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};
use rocket::fairing::AdHoc;

use super::App;
use crate::clock::Timestamp;
use crate::config::Limits as Settings;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::limits::{Allowance, Bucket, Standing};
use crate::store::Store;

/// How many keys a bucket remembers when it has been swept; a sweep every so often drops those that are as good as new.
const REMEMBERED: usize = 100_000;
const SWEEP: Duration = Duration::from_secs(5);

/// The same of the store.
const SWEEP_STORE: Duration = Duration::from_mins(10);

/// A password is checked so often for an account, from wherever: a burst, then one in a while; and where that goes on, one in a
/// longer while.
const CHECKS_OF_ACCOUNT: [(NonZeroU32, Duration); 2] = [
    (NonZeroU32::MIN.saturating_add(19), Duration::from_mins(3)),
    (NonZeroU32::MIN.saturating_add(39), Duration::from_mins(30)),
];

/// Questions about usernames from an address: as somebody types, and not as somebody tries a dictionary.
const USERNAME_CHECKS: (NonZeroU32, Duration) = (
    NonZeroU32::MIN.saturating_add(29),
    Duration::from_millis(500),
);

/// Log-ins of admins from an address.
const ADMIN_FROM_ADDRESS: (NonZeroU32, Duration) =
    (NonZeroU32::MIN.saturating_add(9), Duration::from_secs(10));

/// Log-ins of admins to a name, wherever they come from: far more, so that whoever knows it can't keep its admin out.
const ADMIN_TO_NAME: (NonZeroU32, Duration) =
    (NonZeroU32::MIN.saturating_add(99), Duration::from_secs(5));

type Governor<K> =
    RateLimiter<K, DefaultKeyedStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// So many at once, then one in a while, for each key.
struct Limiter<K: Hash + Eq + Clone> {
    bucket: Bucket,
    quota: Quota,
    governor: RwLock<Governor<K>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(bucket: Bucket, (at_once, pace): (NonZeroU32, Duration)) -> Self {
        // A pace of no time at all is none; the settings hold no such one.
        let quota = Quota::with_period(pace).unwrap_or(Quota::per_second(at_once));
        let quota = quota.allow_burst(at_once);
        Self {
            bucket,
            quota,
            governor: RwLock::new(govern(quota)),
        }
    }

    /// So many within a while.
    fn within(bucket: Bucket, most: u32, within: Duration) -> Option<Self> {
        let most = NonZeroU32::new(most)?;
        Some(Self::new(bucket, (most, within / most.get())))
    }

    fn check(&self, key: &K) -> Result<Standing> {
        let limit = self.quota.burst_size().get();
        let standing = |remaining, reset_after| Standing {
            bucket: self.bucket,
            limit,
            remaining,
            reset_after,
        };
        let governor = self.governor.read().unwrap_or_else(PoisonError::into_inner);
        match governor.check_key(key) {
            Ok(snapshot) => {
                let remaining = snapshot.remaining_burst_capacity().min(limit);
                let reset_after = self.quota.replenish_interval() * (limit - remaining);
                Ok(standing(remaining, reset_after))
            }
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                // It may be over by now; but who was refused is told to come back, not to have stayed.
                let wait = wait.max(Duration::from_millis(1));
                Err(Error::Limited(standing(0, wait)))
            }
        }
    }

    /// Forgets who is as good as new. Who comes from more addresses than are remembered then is held by none of them, so that
    /// nothing is lost with the rest, and memory is bounded.
    fn sweep(&self) {
        {
            let governor = self.governor.read().unwrap_or_else(PoisonError::into_inner);
            governor.retain_recent();
            governor.shrink_to_fit();
            if governor.len() <= REMEMBERED {
                return;
            }
        }
        *self
            .governor
            .write()
            .unwrap_or_else(PoisonError::into_inner) = govern(self.quota);
    }
}

fn govern<K: Hash + Eq + Clone>(quota: Quota) -> Governor<K> {
    RateLimiter::keyed(quota).with_middleware()
}

/// Who asks: an account, or whoever is at an address.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Requester {
    Account(Id),
    Address(IpAddr),
}

/// Whose password is checked.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Claimed {
    /// This account's.
    Account(Id),
    /// Nobody's: there is no such tag. It is counted alike, so that the limit does not tell.
    Nobody(String),
}

/// All buckets that are counted in memory. One that the settings turn off is none.
pub(crate) struct Limits {
    requests: Option<Limiter<Requester>>,
    checks_from: Option<Limiter<IpAddr>>,
    checks_of: Option<[Limiter<Claimed>; 2]>,
    registrations: Option<Limiter<IpAddr>>,
    username_checks: Option<Limiter<IpAddr>>,
    admins_from: Limiter<IpAddr>,
    admins_to: Limiter<String>,
    renames: Option<NonZeroU32>,
    new_channels: Option<NonZeroU32>,
}

impl Limits {
    pub(crate) fn new(settings: &Settings) -> Self {
        const SECOND: Duration = Duration::from_secs(1);
        let on = settings.enabled;
        let so_often = |most| NonZeroU32::new(most).filter(|_| on);
        let pace = so_often(settings.requests_per_second);
        let checks = so_often(settings.password_checks_per_minute);
        let within =
            |bucket, most: u32, within| Limiter::within(bucket, most, within).filter(|_| on);
        Self {
            requests: pace
                .zip(so_often(settings.burst))
                .map(|(pace, burst)| Limiter::new(Bucket::Requests, (burst, SECOND / pace.get()))),
            checks_from: within(
                Bucket::PasswordChecks,
                settings.password_checks_per_minute,
                Duration::from_mins(1),
            ),
            checks_of: checks.map(|_| {
                CHECKS_OF_ACCOUNT.map(|quota| Limiter::new(Bucket::PasswordChecks, quota))
            }),
            registrations: within(
                Bucket::Registrations,
                settings.registrations_per_hour,
                Duration::from_hours(1),
            ),
            username_checks: on.then(|| Limiter::new(Bucket::UsernameChecks, USERNAME_CHECKS)),
            admins_from: Limiter::new(Bucket::AdminLogIns, ADMIN_FROM_ADDRESS),
            admins_to: Limiter::new(Bucket::AdminLogIns, ADMIN_TO_NAME),
            renames: so_often(settings.renames_per_hour),
            new_channels: so_often(settings.new_channels_per_10_minutes),
        }
    }

    /// Counts a request, and tells how its sender stands; `None` where requests are not counted, or nobody knows who asks.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(super) fn request(
        &self,
        requester: impl FnOnce() -> Option<Requester>,
    ) -> Result<Option<Standing>> {
        match &self.requests {
            Some(limiter) => requester().map(|asks| limiter.check(&asks)).transpose(),
            None => Ok(None),
        }
    }

    /// Counts a password or a code that is to be checked, of this account where one is claimed.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn password_check_of(&self, claimed: &Claimed) -> Result<()> {
        for tier in self.checks_of.iter().flatten() {
            tier.check(claimed)?;
        }
        Ok(())
    }

    /// The same, for where it comes from.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn password_check_from(&self, address: Option<IpAddr>) -> Result<()> {
        from(self.checks_from.as_ref(), address)
    }

    /// Counts an attempt to register.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn registration(&self, address: Option<IpAddr>) -> Result<()> {
        from(self.registrations.as_ref(), address)
    }

    /// Counts a question about a username.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn username_check(&self, address: Option<IpAddr>) -> Result<()> {
        from(self.username_checks.as_ref(), address)
    }

    /// Counts an admin's log-in, to this name where it names one.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn admin_log_in(&self, name: Option<&str>, address: Option<IpAddr>) -> Result<()> {
        from(Some(&self.admins_from), address)?;
        match name {
            Some(name) => self.admins_to.check(&name.to_owned()).map(drop),
            None => Ok(()),
        }
    }

    /// How often an account may change its tag.
    pub(crate) fn renames(&self, now: Timestamp) -> Option<Allowance> {
        self.renames.map(|most| Allowance {
            bucket: Bucket::Renames,
            most,
            within: Duration::from_hours(1),
            now,
        })
    }

    /// How often an account may open a channel.
    pub(crate) fn new_channels(&self, now: Timestamp) -> Option<Allowance> {
        self.new_channels.map(|most| Allowance {
            bucket: Bucket::NewChannels,
            most,
            within: Duration::from_mins(10),
            now,
        })
    }

    fn sweep(&self) {
        self.requests.iter().for_each(Limiter::sweep);
        self.checks_from.iter().for_each(Limiter::sweep);
        self.checks_of.iter().flatten().for_each(Limiter::sweep);
        self.registrations.iter().for_each(Limiter::sweep);
        self.username_checks.iter().for_each(Limiter::sweep);
        self.admins_from.sweep();
        self.admins_to.sweep();
    }
}

/// What comes from one address is counted together; where nobody knows the address, nothing is.
fn from(limiter: Option<&Limiter<IpAddr>>, address: Option<IpAddr>) -> Result<()> {
    match limiter.zip(address) {
        Some((limiter, address)) => limiter.check(&network(address)).map(drop),
        None => Ok(()),
    }
}

/// An IPv6 client has its whole /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
    }
}

/// Sweeps the buckets, and now and then what the store keeps of limits and keys, for as long as the server runs.
pub(super) fn sweeping() -> AdHoc {
    AdHoc::on_liftoff("the rate limits' memory", |rocket| {
        Box::pin(async move {
            let Some(app) = rocket.state::<App>() else {
                return;
            };
            let (limits, store) = (Arc::clone(&app.limits), Arc::clone(&app.store));
            let mut end = rocket.shutdown();
            tokio::spawn(async move {
                let mut often = tokio::time::interval(SWEEP);
                let mut seldom = tokio::time::interval(SWEEP_STORE);
                loop {
                    tokio::select! {
                        _ = often.tick() => limits.sweep(),
                        _ = seldom.tick() => sweep(store.as_ref()).await,
                        () = &mut end => break,
                    }
                }
            });
        })
    })
}

/// In small pieces, so that no write waits long for it.
async fn sweep(store: &dyn Store) {
    loop {
        match store.sweep(Timestamp::now()).await {
            Ok(true) => {}
            Ok(false) => break,
            // The next one takes away what this one left.
            Err(error) => {
                tracing::warn!(%error, "what has ended stays in the store for now");
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests;
