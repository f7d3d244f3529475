//! Until when a rename or a new channel counts, by a clock that the test sets (contract, section 1, "Rate limits").

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use saryno::channels::{Channels, DmPair, NewGroup};
use saryno::clock::Timestamp;
use saryno::error::{Error, Result};
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::idempotency::Terms;
use saryno::limits::{Allowance, Bucket, Standing};
use saryno::store::sqlite::Sqlite;
use saryno::users::{Change, Discriminator, Users};
use tempfile::TempDir;

use crate::operate::Operate;
use crate::support::{new_user, store};

const HOUR: Duration = Duration::from_hours(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const YEAR: Duration = Duration::from_hours(365 * 24);

/// When every test begins.
const NOON: Timestamp = Timestamp(1_800_000_000_000);

fn minutes(minutes: u64) -> Duration {
    Duration::from_mins(minutes)
}

/// The moment so many minutes after the beginning.
fn at(after: u64) -> Timestamp {
    NOON.after(minutes(after))
}

/// A store with somebody who may do something twice within a while.
struct Bench {
    _directory: TempDir,
    store: Arc<Sqlite>,
    ids: Generator,
    me: Id,
    others: [Id; 2],
    most: u32,
}

impl Bench {
    async fn new() -> Self {
        let (directory, store) = store();
        let ids = Generator::new(0, Id::MIN);
        let mut made = Vec::new();
        for name in ["Ada", "Bob", "Cy"] {
            let id = ids.next().unwrap();
            store.create_user(new_user(id, name)).await.unwrap();
            made.push(id);
        }
        Self {
            _directory: directory,
            store,
            ids,
            me: made[0],
            others: [made[1], made[2]],
            most: 2,
        }
    }

    fn allowance(&self, bucket: Bucket, within: Duration, now: Timestamp) -> Allowance {
        let most = NonZeroU32::new(self.most).unwrap();
        Allowance {
            bucket,
            most,
            within,
            now,
        }
    }

    /// Changes the tag at this moment; 0 is no discriminator, and so a change that is refused.
    async fn rename(&self, discriminator: u16, now: Timestamp) -> Result<()> {
        let change = Change {
            username: None,
            discriminator: Discriminator::new(discriminator),
            avatar: None,
        };
        let allowance = self.allowance(Bucket::Renames, HOUR, now);
        let renamed =
            self.store
                .modify_user(self.me, change, Precondition::Any, 0, Some(allowance));
        renamed.await.map(drop)
    }

    async fn group(&self, now: Timestamp) -> Result<()> {
        let group = NewGroup {
            recipient_ids: self.others.to_vec(),
            name: None,
        };
        let terms = Terms {
            once: None,
            allowance: Some(self.allowance(Bucket::NewChannels, TEN_MINUTES, now)),
        };
        let id = self.ids.next().unwrap();
        let made = self.store.create_group(self.me, group, id, terms).await;
        made.map(drop)
    }

    async fn dm(&self, now: Timestamp) -> Result<()> {
        let pair = DmPair::new(self.me, self.others[0]).unwrap();
        let terms = Terms {
            once: None,
            allowance: Some(self.allowance(Bucket::NewChannels, TEN_MINUTES, now)),
        };
        let id = self.ids.next().unwrap();
        self.store.open_dm(self.me, pair, id, terms).await.map(drop)
    }
}

/// How long somebody who was refused has to wait.
#[track_caller]
fn wait(result: Result<()>) -> Duration {
    match result {
        Err(Error::Limited(Standing {
            remaining: 0,
            reset_after,
            ..
        })) => reset_after,
        other => panic!("not limited: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_refused_a_rename_waits_until_the_first_is_an_hour_old() {
    let bench = Bench::new().await;
    bench.rename(1, at(0)).await.unwrap();
    bench.rename(2, at(20)).await.unwrap();
    for (after, left) in [(20, 40), (21, 39), (59, 1)] {
        assert_eq!(
            wait(bench.rename(3, at(after)).await),
            minutes(left),
            "{after}"
        );
    }
    let last = at(60).before(Duration::from_millis(1));
    assert_eq!(wait(bench.rename(3, last).await), Duration::from_millis(1));
    // The attempts in between cost nothing: one is free, and then the second is the first.
    bench.rename(3, at(60)).await.unwrap();
    assert_eq!(wait(bench.rename(4, at(60)).await), minutes(20));
    bench.rename(4, at(80)).await.unwrap();
    assert_eq!(wait(bench.rename(5, at(80)).await), minutes(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn channels_of_the_last_ten_minutes_count_and_renames_are_another_matter() {
    let bench = Bench::new().await;
    bench.group(at(0)).await.unwrap();
    bench.dm(at(4)).await.unwrap();
    assert_eq!(wait(bench.group(at(5)).await), minutes(5));
    bench.dm(at(5)).await.unwrap();
    bench.rename(1, at(5)).await.unwrap();
    bench.rename(2, at(5)).await.unwrap();
    bench.group(at(10)).await.unwrap();
    assert_eq!(wait(bench.group(at(10)).await), minutes(4));
    assert_eq!(wait(bench.rename(3, at(14)).await), minutes(51));
    bench.group(at(14)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_whose_tag_changes_every_day_is_never_refused() {
    let bench = Bench::new().await;
    for day in 0..50 {
        let now = at(day * 24 * 60);
        for change in [1, 2] {
            let discriminator = u16::try_from(2 * day + change).unwrap();
            bench.rename(discriminator, now).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_a_year_ahead_keeps_nobody_out() {
    let bench = Bench::new().await;
    let ahead = |after: u64| at(after).after(YEAR);
    for number in [1, 2] {
        bench.rename(number, ahead(0)).await.unwrap();
        bench.group(ahead(0)).await.unwrap();
    }
    assert_eq!(wait(bench.rename(3, ahead(1)).await), minutes(59));
    assert_eq!(wait(bench.group(ahead(1)).await), minutes(9));
    // Right again, it finds what is of a year from now.
    for number in [3, 4] {
        bench.rename(number, at(0)).await.unwrap();
        bench.group(at(0)).await.unwrap();
    }
    assert_eq!(wait(bench.rename(5, at(1)).await), minutes(59));
    assert_eq!(wait(bench.group(at(1)).await), minutes(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_back_keeps_nobody_out_for_longer_than_the_while_itself() {
    for back in [1, 20, 59, 60, 61, 600] {
        let bench = Bench::new().await;
        bench.rename(1, at(600)).await.unwrap();
        bench.rename(2, at(600)).await.unwrap();
        match bench.rename(3, at(600 - back)).await {
            Ok(()) => {}
            refused => {
                let wait = wait(refused);
                assert!(wait <= HOUR, "{back} minutes back: {wait:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_to_wait_after_the_number_was_lowered_is_let_through_then() {
    let mut bench = Bench::new().await;
    bench.most = 5;
    for number in 1..=5 {
        bench.rename(number, at(u64::from(number))).await.unwrap();
    }
    bench.most = 2;
    // Of the five, four must have ended, so that with this one there are two.
    let wait = wait(bench.rename(6, at(10)).await);
    bench.rename(6, at(10).after(wait)).await.unwrap();
}
