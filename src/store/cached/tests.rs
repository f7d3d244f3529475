//! What is kept and shown around a write, in whatever order its steps and those of readers come.

use std::time::{Duration, Instant};

use super::*;
use crate::page::Cursor;
use crate::users::User;

fn id(number: i64) -> Id {
    Id::from_bits(number).unwrap()
}

fn named(number: i64, username: &str) -> Account {
    let mut account = Account::tombstone(id(number));
    account.user = User {
        username: username.into(),
        ..account.user
    };
    account
}

fn cached() -> Cached {
    Cached::new(1 << 20)
}

fn row(number: i64) -> Subject {
    Subject::Row(id(number))
}

fn change(cached: &Cached, subject: Subject, commit: impl FnOnce()) {
    cached.stamps.begin(&[subject]);
    commit();
    cached.stamps.end(&[subject]);
}

#[test]
fn what_was_read_is_kept_until_it_changes() {
    let cached = cached();
    let stamp = cached.stamps.of(row(7));
    cached.accounts.keep(id(7), stamp, named(7, "old"));
    assert_eq!(cached.accounts.get(&id(7)), Some(named(7, "old")));
    change(&cached, row(7), || {});
    assert_eq!(cached.accounts.get(&id(7)), None);
    assert_eq!(cached.kept(), Kept { asked: 2, read: 1 });
}

#[test]
fn who_read_before_a_write_puts_nothing_back_after_it() {
    let cached = cached();
    let stamp = cached.stamps.of(row(7));
    let read = named(7, "old");
    change(&cached, row(7), || {});
    cached.accounts.keep(id(7), stamp, read);
    assert_eq!(cached.accounts.get(&id(7)), None);
}

#[test]
fn who_read_before_a_commit_puts_nothing_back_after_it_and_sees_nothing_old_during_it() {
    let cached = cached();
    let stamp = cached.stamps.of(row(7));
    cached.accounts.keep(id(7), stamp, named(7, "old"));
    let mut during = stamp;
    change(&cached, row(7), || {
        assert_eq!(cached.accounts.get(&id(7)), None);
        during = cached.stamps.of(row(7));
    });
    cached.accounts.keep(id(7), during, named(7, "old"));
    assert_eq!(cached.accounts.get(&id(7)), None);
}

#[test]
fn rows_that_share_a_stamp_and_rows_that_change_twice_in_a_commit_move_it_on() {
    let cached = cached();
    let stamp = cached.stamps.of(row(7));
    cached.stamps.begin(&[row(7), row(7), row(7)]);
    cached.stamps.end(&[row(7), row(7), row(7)]);
    let moved = cached.stamps.of(row(7));
    assert!(moved != stamp && moved.is_settled());
}

/// A page of this one's that shows these rows, as they are now.
fn page(cached: &Cached, of: i64, shows: &[i64]) -> KeptPage {
    let shows = shows.iter().copied().map(id).collect();
    KeptPage {
        of: id(of),
        shows: cached.stamps.of_rows(shows),
        written: WrittenPage::of(&["page"], None).unwrap(),
    }
}

const PAGE: Page = Page {
    limit: 50,
    cursor: Cursor::Start,
};

#[test]
fn a_page_is_kept_until_its_list_changes_or_a_row_that_it_shows() {
    let cached = cached();
    let key = (List::Channels, id(7), PAGE);
    for changed in [Subject::Whereabouts(id(7)), row(8), row(9)] {
        let shown = page(&cached, 7, &[8, 9]);
        let stamp = cached.stamps.of(shown.subject());
        cached.pages.keep(key, stamp, shown.clone());
        change(&cached, row(10), || {});
        assert_eq!(cached.pages.get(&key), Some(shown));
        change(&cached, changed, || {
            assert_eq!(cached.pages.get(&key), None, "{changed:?}");
        });
        assert_eq!(cached.pages.get(&key), None, "{changed:?}");
    }
}

#[test]
fn a_page_with_a_row_that_may_be_changing_is_not_kept() {
    let cached = cached();
    let key = (List::Channels, id(7), PAGE);
    let stamp = cached.stamps.of(Subject::Whereabouts(id(7)));
    change(&cached, row(9), || {
        let shown = page(&cached, 7, &[8, 9]);
        cached.pages.keep(key, stamp, shown);
        assert_eq!(cached.pages.get(&key), None);
    });
    assert_eq!(cached.pages.get(&key), None);
}

#[test]
fn a_page_that_is_read_while_nobody_knows_what_other_processes_do_is_not_kept() {
    let cached = cached();
    let key = (List::Channels, id(7), PAGE);
    let stamp = cached.stamps.of(Subject::Whereabouts(id(7)));
    cached.stamps.count_until(Instant::now());
    let shown = page(&cached, 7, &[8, 9]);
    cached.pages.keep(key, stamp, shown);
    let later = Instant::now() + Duration::from_hours(1);
    cached.stamps.count_until(later);
    assert_eq!(cached.pages.get(&key), None);
}

#[test]
fn where_anything_may_have_changed_nothing_is_shown() {
    let cached = cached();
    for number in 1..100 {
        let stamp = cached.stamps.of(row(number));
        cached
            .accounts
            .keep(id(number), stamp, named(number, "old"));
    }
    cached.stamps.move_all();
    assert!((1..100).all(|number| cached.accounts.get(&id(number)).is_none()));
}

#[test]
fn while_nobody_has_looked_abroad_for_too_long_nothing_is_shown_nor_kept() {
    let cached = cached();
    let (now, later) = (Instant::now(), Instant::now() + Duration::from_hours(1));
    let (shown, read) = (id(7), id(8));
    let stamp = cached.stamps.of(row(7));
    cached.accounts.keep(shown, stamp, named(7, "old"));
    cached.stamps.count_until(now);
    assert_eq!(cached.accounts.get(&shown), None);
    let stamp = cached.stamps.of(row(8));
    cached.stamps.count_until(later);
    cached.accounts.keep(read, stamp, named(8, "old"));
    assert_eq!(cached.accounts.get(&read), None);
    assert_eq!(cached.accounts.get(&shown), Some(named(7, "old")));
}

/// A row that holds a number, whoever writes it, and whoever reads it, step by step. Each step is atomic in the program, too.
struct Stage {
    cached: Cached,
    stored: u64,
    /// The highest that a write was answered with or a reader was shown.
    seen: u64,
}

const ROW: i64 = 7;

impl Stage {
    fn write(&mut self, step: usize) {
        match step {
            0 => self.cached.stamps.begin(&[row(ROW)]),
            1 => self.stored += 1,
            _ => {
                self.cached.stamps.end(&[row(ROW)]);
                self.seen = self.stored;
            }
        }
    }

    fn read(&mut self, reader: &mut Reader) {
        match reader.step {
            0 => {
                reader.seen = self.seen;
                if let Some(account) = self.cached.accounts.get(&id(ROW)) {
                    return self.show(reader, account.user.username.parse().unwrap());
                }
            }
            1 => reader.stamp = self.cached.stamps.of(row(ROW)),
            2 => reader.read = self.stored,
            _ => {
                let account = named(ROW, &reader.read.to_string());
                self.cached.accounts.keep(id(ROW), reader.stamp, account);
                reader.step = 0;
                return self.show(reader, reader.read);
            }
        }
        reader.step += 1;
    }

    #[track_caller]
    fn show(&mut self, reader: &Reader, number: u64) {
        assert!(number >= reader.seen, "{number} after {}", reader.seen);
        self.seen = self.seen.max(number);
    }
}

struct Reader {
    step: usize,
    /// What had been seen when it asked.
    seen: u64,
    stamp: Stamp,
    read: u64,
}

impl Reader {
    fn new() -> Self {
        Self {
            step: 0,
            seen: 0,
            stamp: Stamp::UNSETTLED,
            read: 0,
        }
    }
}

/// Every order in which each of these can take so many steps.
fn orders(left: [usize; 3], order: &mut Vec<usize>, play: &mut impl FnMut(&[usize])) {
    if left == [0; 3] {
        return play(order);
    }
    for who in 0..3 {
        let mut rest = left;
        if let Some(fewer) = left[who].checked_sub(1) {
            rest[who] = fewer;
            order.push(who);
            orders(rest, order, play);
            order.pop();
        }
    }
}

#[test]
fn in_whatever_order_they_take_their_steps_no_reader_is_shown_less_than_was_seen_before_it_asked() {
    let mut stage = Stage {
        cached: cached(),
        stored: 0,
        seen: 0,
    };
    // A write; a reader that asks twice or more often; another that asks once or more often.
    orders([3, 8, 4], &mut Vec::new(), &mut |order| {
        // Nothing is kept as yet.
        change(&stage.cached, row(ROW), || {});
        let (mut written, mut readers) = (0..3, [Reader::new(), Reader::new()]);
        for who in order {
            match who {
                0 => stage.write(written.next().unwrap()),
                who => stage.read(&mut readers[who - 1]),
            }
        }
    });
    let kept = stage.cached.kept();
    assert!(kept.read < kept.asked, "{kept:?}");
}

#[test]
fn no_more_is_kept_than_there_is_room_for() {
    let cached = cached();
    for number in 1..100_000 {
        let stamp = cached.stamps.of(row(number));
        cached
            .accounts
            .keep(id(number), stamp, named(number, "somebody"));
    }
    assert!(cached.accounts.kept.weight() <= 1 << 19);
    assert!(cached.accounts.kept.len() > 1_000);
    for number in 1..10_000 {
        let shown = page(&cached, number, &[1, 2, 3]);
        let bytes = shown.written.json.len() + size_of_val(&*shown.shows);
        assert_eq!(shown.heap(), bytes);
        let stamp = cached.stamps.of(shown.subject());
        cached
            .pages
            .keep((List::Channels, id(number), PAGE), stamp, shown);
    }
    assert!(cached.pages.kept.weight() <= 3 << 18);
    assert!(cached.pages.kept.len() > 1_000);
}

#[test]
fn without_room_nothing_is_kept() {
    let cached = Cached::new(0);
    let stamp = cached.stamps.of(row(7));
    cached.accounts.keep(id(7), stamp, named(7, "old"));
    assert_eq!(cached.accounts.get(&id(7)), None);
}
