//! Rate limits (contract, section 1, "Rate limits"): how often somebody may ask.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{Error, Result};

/// How many keys are remembered before those that need not be are forgotten.
const REMEMBERED: usize = 10_000;

/// So many at once, then one in a while, for each key.
struct Limiter<K: Hash + Eq + Clone>(DefaultKeyedRateLimiter<K>);

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(at_once: NonZeroU32, pace: Duration) -> Self {
        let quota = Quota::with_period(pace).unwrap_or(Quota::per_minute(at_once));
        Self(RateLimiter::keyed(quota.allow_burst(at_once)))
    }

    fn check(&self, key: &K) -> Result<()> {
        if self.0.len() > REMEMBERED {
            self.0.retain_recent();
        }
        let wait = |until: governor::NotUntil<_>| {
            Error::Limited(until.wait_time_from(DefaultClock::default().now()))
        };
        self.0.check_key(key).map_err(wait)
    }
}

/// What comes from one address is counted together; an IPv6 client has its whole /64.
pub(crate) struct ByAddress(Limiter<IpAddr>);

impl ByAddress {
    fn new(at_once: NonZeroU32, pace: Duration) -> Self {
        Self(Limiter::new(at_once, pace))
    }

    /// For `GET /usernames/check`: somebody who types, and not somebody who tries a dictionary.
    pub(crate) fn of_username_checks() -> Self {
        const AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(29);
        Self::new(AT_ONCE, Duration::from_millis(500))
    }

    /// Counts a request from this address. Where nobody knows the address, nothing is counted.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn check(&self, address: Option<IpAddr>) -> Result<()> {
        address.map_or(Ok(()), |address| self.0.check(&network(address)))
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
    }
}

/// Slows log-ins to a page down, those from one address and those to one name, wherever they come from. A name has far more of
/// them, so that whoever knows it can't keep its owner out from one place.
pub(crate) struct LogIns {
    names: Limiter<String>,
    addresses: ByAddress,
}

impl LogIns {
    const FROM_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9);
    const TO_NAME: NonZeroU32 = NonZeroU32::MIN.saturating_add(99);

    pub(crate) fn new() -> Self {
        Self {
            names: Limiter::new(Self::TO_NAME, Duration::from_secs(5)),
            addresses: ByAddress::new(Self::FROM_ADDRESS, Duration::from_secs(10)),
        }
    }

    /// Counts an attempt from this address, to this name where it names one.
    ///
    /// # Errors
    /// [`Error::Limited`].
    pub(crate) fn check(&self, name: Option<&str>, address: Option<IpAddr>) -> Result<()> {
        self.addresses.check(address)?;
        name.map_or(Ok(()), |name| self.names.check(&name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(log_ins: &LogIns, name: &str, address: &str) -> Result<()> {
        log_ins.check(Some(name), Some(address.parse().unwrap()))
    }

    #[test]
    fn log_ins_to_a_name_slow_down_wherever_they_come_from_and_those_to_another_do_not() {
        let log_ins = LogIns::new();
        for count in 0..100 {
            let address = format!("192.0.2.{count}");
            assert_eq!(attempt(&log_ins, "root", &address), Ok(()));
        }
        let Err(Error::Limited(wait)) = attempt(&log_ins, "root", "192.0.2.200") else {
            panic!("the next one was let through")
        };
        assert!(wait <= Duration::from_secs(5), "{wait:?}");
        assert_eq!(attempt(&log_ins, "other", "192.0.2.200"), Ok(()));
    }

    #[test]
    fn who_is_slowed_down_keeps_nobody_out_of_the_same_name() {
        let log_ins = LogIns::new();
        while attempt(&log_ins, "root", "192.0.2.1").is_ok() {}
        assert_eq!(attempt(&log_ins, "root", "192.0.2.2"), Ok(()));
    }

    #[test]
    fn log_ins_from_an_address_slow_down_whatever_the_name_and_an_ipv6_network_is_one_address() {
        let log_ins = LogIns::new();
        for count in 0..10 {
            let (name, address) = (format!("name {count}"), format!("2001:db8::{count:x}"));
            assert_eq!(attempt(&log_ins, &name, &address), Ok(()));
        }
        let same = attempt(&log_ins, "another", "2001:db8::ffff");
        assert!(matches!(same, Err(Error::Limited(_))), "{same:?}");
        let other = attempt(&log_ins, "another", "2001:db8:0:1::1");
        assert_eq!(other, Ok(()));
    }
}
