//! Who is slowed down and who is not, and what is remembered of them.

use super::*;

fn limits() -> Limits {
    Limits::new(&crate::config::Config::default().limits)
}

fn attempt(limits: &Limits, name: &str, address: &str) -> Result<()> {
    limits.admin_log_in(Some(name), Some(address.parse().unwrap()))
}

#[test]
fn log_ins_to_a_name_slow_down_wherever_they_come_from_and_those_to_another_do_not() {
    let limits = limits();
    for count in 0..100 {
        let address = format!("192.0.2.{count}");
        assert_eq!(attempt(&limits, "root", &address), Ok(()));
    }
    let Err(Error::Limited(standing)) = attempt(&limits, "root", "192.0.2.200") else {
        panic!("the next one was let through")
    };
    assert!(
        standing.reset_after <= Duration::from_secs(5),
        "{standing:?}"
    );
    assert_eq!(attempt(&limits, "other", "192.0.2.200"), Ok(()));
}

#[test]
fn who_is_slowed_down_keeps_nobody_out_of_the_same_name() {
    let limits = limits();
    while attempt(&limits, "root", "192.0.2.1").is_ok() {}
    assert_eq!(attempt(&limits, "root", "192.0.2.2"), Ok(()));
}

#[test]
fn log_ins_from_an_address_slow_down_whatever_the_name_and_an_ipv6_network_is_one_address() {
    let limits = limits();
    for count in 0..10 {
        let (name, address) = (format!("name {count}"), format!("2001:db8::{count:x}"));
        assert_eq!(attempt(&limits, &name, &address), Ok(()));
    }
    let same = attempt(&limits, "another", "2001:db8::ffff");
    assert!(matches!(same, Err(Error::Limited(_))), "{same:?}");
    let other = attempt(&limits, "another", "2001:db8:0:1::1");
    assert_eq!(other, Ok(()));
}

#[test]
fn a_password_is_checked_twenty_times_for_an_account_and_then_ever_more_slowly() {
    let limits = limits();
    let claimed = Claimed::Nobody("ada#0001".into());
    for _ in 0..20 {
        assert_eq!(limits.password_check_of(&claimed), Ok(()));
    }
    let Err(Error::Limited(standing)) = limits.password_check_of(&claimed) else {
        panic!("the next one was let through")
    };
    let minutes = standing.reset_after.as_secs_f64() / 60.0;
    assert!((2.0..=3.0).contains(&minutes), "{minutes}");
    let other = Claimed::Nobody("ada#0002".into());
    assert_eq!(limits.password_check_of(&other), Ok(()));
}

#[test]
fn where_checks_for_an_account_go_on_one_in_half_an_hour_is_left() {
    let mut limits = limits();
    let [_, longer] = limits.checks_of.take().unwrap();
    let quick = (NonZeroU32::MAX, Duration::from_millis(1));
    limits.checks_of = Some([Limiter::new(Bucket::PasswordChecks, quick), longer]);
    let claimed = Claimed::Nobody("ada#0001".into());
    for _ in 0..40 {
        assert_eq!(limits.password_check_of(&claimed), Ok(()));
    }
    let Err(Error::Limited(standing)) = limits.password_check_of(&claimed) else {
        panic!("the next one was let through")
    };
    let minutes = standing.reset_after.as_secs_f64() / 60.0;
    assert!((29.0..=30.0).contains(&minutes), "{minutes}");
}

#[test]
fn a_million_addresses_are_not_remembered() {
    let limiter = Limiter::within(Bucket::Registrations, 3, Duration::from_hours(1)).unwrap();
    for address in 0..1_000_000_u32 {
        assert!(limiter.check(&address).is_ok());
        if address % 250_000 == 0 {
            limiter.sweep();
        }
    }
    limiter.sweep();
    let remembered = limiter.governor.read().unwrap().len();
    assert!(remembered <= REMEMBERED, "{remembered}");
}

#[test]
fn a_few_are_remembered_through_a_sweep_for_as_long_as_they_are_limited() {
    let limiter = Limiter::within(Bucket::Registrations, 1, Duration::from_hours(1)).unwrap();
    assert!(limiter.check(&1_u8).is_ok());
    limiter.sweep();
    assert!(limiter.check(&1_u8).is_err());
}

#[test]
fn what_is_turned_off_is_not_counted() {
    let mut settings = crate::config::Config::default().limits;
    settings.enabled = false;
    let limits = Limits::new(&settings);
    let address = Some("192.0.2.1".parse().unwrap());
    for _ in 0..1_000 {
        assert_eq!(limits.registration(address), Ok(()));
        assert_eq!(limits.password_check_from(address), Ok(()));
    }
    assert!(limits.requests.is_none() && limits.renames(Timestamp(0)).is_none());
}
