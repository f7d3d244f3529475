//! Keyset paging: a page is asked for by the id it comes before or after, never by a number (contract, section 1, "lists").

use std::sync::Arc;

use serde::Serialize;

use crate::error::{Error, Problem, Result};
use crate::fields::{Faulty, Fields};
use crate::id::Id;

/// What a list takes: how many at most and by default.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most a client may ask for.
    pub most: u16,
    /// What it gets without asking.
    pub default: u16,
}

/// Where a page starts, going by id; the id itself is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// At the list's own beginning.
    Start,
    /// The ids next below this one.
    Before(Id),
    /// The ids next above this one.
    After(Id),
}

/// A page as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Page {
    /// 1 at least.
    pub limit: u16,
    /// Where it starts.
    pub cursor: Cursor,
}

impl Page {
    /// Takes `limit`, `before` and `after` out of a query string; other parameters are left alone.
    ///
    /// # Errors
    /// `Invalid` for what is malformed, out of range, or `before` and `after` at once.
    pub fn parse(mut query: Fields, limits: Limits) -> Result<Self> {
        let limit = Limit::parse(&mut query, limits);
        let before = query.optional::<Id>("before");
        let after = query.optional::<Id>("after");
        if let (Ok(Some(_)), Ok(Some(_))) = (&before, &after) {
            query.fault(
                "after",
                Problem::not_allowed("Give before or after, not both."),
            );
        }
        query.finish_known()?;
        let cursor = match (before?, after?) {
            (Some(id), _) => Cursor::Before(id),
            (None, Some(id)) => Cursor::After(id),
            (None, None) => Cursor::Start,
        };
        Ok(Self {
            limit: limit?,
            cursor,
        })
    }
}

/// How many entries a page is to have.
pub(crate) struct Limit(u16);

impl Limit {
    /// Takes `limit` out of a query string.
    pub(crate) fn parse(query: &mut Fields, limits: Limits) -> Result<u16, Faulty> {
        let limit = query.optional::<Self>("limit")?;
        let limit = limit.map_or(limits.default, |limit| limit.0);
        if (1..=limits.most).contains(&limit) {
            Ok(limit)
        } else {
            let message = format!("The limit is 1 to {}.", limits.most);
            Err(query.fault("limit", Problem::out_of_range(message)))
        }
    }
}

impl std::str::FromStr for Limit {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text.parse::<u64>() {
            Ok(number) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Self(u16::try_from(number).unwrap_or(u16::MAX)))
            }
            _ => Err(Problem::wrong_type("The limit is a whole number.")),
        }
    }
}

/// In which order a list is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// By id, the smallest first.
    Ascending,
    /// By id, the newest first.
    Newest,
}

/// A page as it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T, C = Cursor> {
    /// The page's entries, in the list's order whichever way it was walked.
    pub items: Vec<T>,
    /// Where the next page starts, going on in the same direction; `None` at the end.
    pub next: Option<C>,
}

/// A page as it is answered with, for as long as nothing changes that it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct WrittenPage {
    /// A JSON array of the page's entries, in the list's order.
    pub json: Arc<[u8]>,
    /// Where the next page starts, as of a [`Listing`].
    pub next: Option<Cursor>,
}

impl WrittenPage {
    /// The page of these entries.
    ///
    /// # Errors
    /// `Internal` if one of them can't be written.
    pub fn of(items: &[impl Serialize], next: Option<Cursor>) -> Result<Self> {
        // Twenty fit, so that it doesn't grow on the way.
        let mut json = Vec::with_capacity(4_096);
        serde_json::to_writer(&mut json, items)
            .map_err(|error| Error::Internal(format!("a page: {error}")))?;
        let json = json.into();
        Ok(Self { json, next })
    }
}

/// The keyset of one query: ids strictly between the bounds, walked in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyset {
    /// Ids above this one.
    pub above: Id,
    /// Ids below this one.
    pub below: Id,
    /// Whether to walk from the lower bound upwards.
    pub ascending: bool,
    /// One more than the page holds, to learn whether there is a further one.
    pub limit: u32,
}

impl Page {
    /// What to ask the store for.
    #[must_use]
    pub fn keyset(self, order: Order) -> Keyset {
        let limit = u32::from(self.limit) + 1;
        let (above, below, ascending) = match self.cursor {
            Cursor::Start => (None, None, order == Order::Ascending),
            Cursor::After(id) => (Some(id), None, true),
            Cursor::Before(id) => (None, Some(id), false),
        };
        // An id of 0 was never issued, so the lower bound may be exclusive.
        Keyset {
            above: above.unwrap_or(Id::MIN),
            below: below.unwrap_or(Id::MAX),
            ascending,
            limit,
        }
    }

    /// Makes the page out of what a [`Keyset`] found: cuts the one entry too many off and puts the rest into the list's order.
    pub fn listing<T>(self, mut found: Vec<T>, order: Order, id: impl Fn(&T) -> Id) -> Listing<T> {
        let ascending = self.keyset(order).ascending;
        let further = found.len() > usize::from(self.limit);
        found.truncate(usize::from(self.limit));
        let next = found.last().filter(|_| further).map(|last| {
            let last = id(last);
            if ascending {
                Cursor::After(last)
            } else {
                Cursor::Before(last)
            }
        });
        if ascending != (order == Order::Ascending) {
            found.reverse();
        }
        Listing { items: found, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        most: 200,
        default: 50,
    };

    fn parse(query: &[(&str, &str)]) -> Result<Page, &'static str> {
        let query = query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Page::parse(Fields::query(query), LIMITS).map_err(|error| error.fields()[0].code)
    }

    fn id(bits: i64) -> Id {
        Id::from_bits(bits).unwrap()
    }

    #[test]
    fn a_page_is_asked_for_by_limit_and_at_most_one_bound() {
        assert_eq!(
            parse(&[]),
            Ok(Page {
                limit: 50,
                cursor: Cursor::Start
            })
        );
        assert_eq!(
            parse(&[("limit", "1"), ("after", "0")]),
            Ok(Page {
                limit: 1,
                cursor: Cursor::After(id(0))
            })
        );
        assert_eq!(
            parse(&[("limit", "200"), ("before", "7"), ("x", "y")]),
            Ok(Page {
                limit: 200,
                cursor: Cursor::Before(id(7))
            })
        );
    }

    #[test]
    fn what_is_out_of_range_is_refused_and_never_clamped() {
        for limit in ["0", "201", "65536", "99999999999"] {
            assert_eq!(parse(&[("limit", limit)]), Err("out_of_range"), "{limit}");
        }
        for limit in ["", "x", "-1", "+5", "1.5"] {
            assert_eq!(parse(&[("limit", limit)]), Err("wrong_type"), "{limit}");
        }
        assert_eq!(
            parse(&[("before", "1"), ("after", "2")]),
            Err("not_allowed")
        );
        assert_eq!(parse(&[("before", "01")]), Err("forbidden_character"));
        assert_eq!(parse(&[("limit", "1"), ("limit", "2")]), Err("duplicate"));
    }

    #[test]
    fn walking_either_way_keeps_the_lists_order() {
        let walk = |cursor, order| {
            let page = Page { limit: 2, cursor };
            let Keyset {
                above,
                below,
                ascending,
                limit,
            } = page.keyset(order);
            let mut found: Vec<Id> = (1..=5)
                .map(id)
                .filter(|id| *id > above && *id < below)
                .collect();
            if !ascending {
                found.reverse();
            }
            found.truncate(limit as usize);
            let listing = page.listing(found, order, |id| *id);
            (
                listing.items.iter().map(|id| id.bits()).collect::<Vec<_>>(),
                listing.next,
            )
        };
        assert_eq!(
            walk(Cursor::Start, Order::Ascending),
            (vec![1, 2], Some(Cursor::After(id(2))))
        );
        assert_eq!(
            walk(Cursor::After(id(4)), Order::Ascending),
            (vec![5], None)
        );
        assert_eq!(
            walk(Cursor::Before(id(5)), Order::Ascending),
            (vec![3, 4], Some(Cursor::Before(id(3))))
        );
        assert_eq!(
            walk(Cursor::Start, Order::Newest),
            (vec![5, 4], Some(Cursor::Before(id(4))))
        );
        assert_eq!(
            walk(Cursor::After(id(1)), Order::Newest),
            (vec![3, 2], Some(Cursor::After(id(3))))
        );
    }
}
