//! How an admin looks for somebody or something: by filter, by the beginning of a name, by tag, by id.

use std::fmt;
use std::str::FromStr;

use crate::admins::LISTS;
use crate::audit::Text;
use crate::error::{Problem, Result};
use crate::fields::Fields;
use crate::id::Id;
use crate::names::search_key;
use crate::page::{Cursor, Limit, Listing, Order, Page};
use crate::users::Flag;

/// Which accounts are wanted. One at a time, so that each has its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserFilter {
    /// Everybody who was not deleted; by id, whoever has it.
    Alive,
    /// Who has this flag.
    Flag(Flag),
    /// Who is disabled.
    Disabled,
    /// Tombstones.
    Deleted,
}

impl UserFilter {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Alive,
        Self::Flag(Flag::Developer),
        Self::Flag(Flag::Bot),
        Self::Flag(Flag::System),
        Self::Disabled,
        Self::Deleted,
    ];
}

impl FromStr for UserFilter {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "disabled" => Ok(Self::Disabled),
            "deleted" => Ok(Self::Deleted),
            flag => flag.parse().map(Self::Flag).map_err(|_| {
                Problem::out_of_range(
                    "The filters are developer, bot, system, disabled and deleted.",
                )
            }),
        }
    }
}

/// Where a list that is ordered by name has got to: a key and the number behind it, as `key#number`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The key of a name.
    pub key: String,
    /// A discriminator or an id.
    pub number: i64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.key, self.number)
    }
}

impl FromStr for Position {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let problem = || Problem::wrong_type("Follow the Link header of the page before.");
        let (key, number) = text.rsplit_once('#').ok_or_else(problem)?;
        Ok(Self {
            key: key.to_owned(),
            number: number.parse().map_err(|_| problem())?,
        })
    }
}

/// A range of names: above the one position, below the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRange {
    /// Exclusive.
    pub above: Position,
    /// Exclusive.
    pub below: Position,
    /// How many at most.
    pub limit: u16,
}

impl NameRange {
    /// Everything whose key begins so.
    fn prefix(key: &str, after: Option<Position>, limit: u16) -> Self {
        let above = after.unwrap_or_else(|| Position {
            key: key.to_owned(),
            number: -1,
        });
        // U+10FFFF sorts after every character of every key, and is never in one.
        let below = Position {
            key: format!("{key}\u{10FFFF}"),
            number: 0,
        };
        Self {
            above,
            below,
            limit,
        }
    }

    /// The holders of one name whose discriminators begin with these digits, 4 at most.
    fn holders(key: &str, digits: &str, after: Option<Position>, limit: u16) -> Self {
        let bound = |filler: char| {
            let number: String = digits.chars().chain([filler; 4]).take(4).collect();
            // Four digits are a number; what is more than digits is nobody's.
            number.parse().unwrap_or(-1)
        };
        let at = |number| Position {
            key: key.to_owned(),
            number,
        };
        Self {
            above: after.unwrap_or_else(|| at(bound('0') - 1)),
            below: at(bound('9') + 1),
            limit,
        }
    }
}

/// How accounts are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    /// Which.
    pub filter: UserFilter,
    /// In which way.
    pub way: Way,
}

/// Ways through a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Page by page, by id.
    ById(Page, Order),
    /// By name, those in this range.
    ByName(NameRange),
    /// The one of this id; where there is none, those in this range.
    IdOrName(Id, NameRange),
}

/// From so many digits on a number that is searched for is an id; the ids of the first week had that many, and a shorter number
/// is rather a name.
const ID_LENGTH: usize = 15;

/// A page of a search, and where the next one starts.
pub type Found<T> = Listing<T, Next>;

/// Where a search goes on.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// By id.
    Id(Cursor),
    /// By name.
    Name(Position),
}

/// What was typed into a search.
enum Typed {
    Nothing,
    /// An id, and the key of the beginning of a name that looks like one.
    Id(Id, String),
    /// A name's key, and the digits behind the `#`.
    Tag(String, String),
    /// The key of the beginning of a name.
    Beginning(String),
}

impl Typed {
    fn read(text: &str) -> Self {
        let text = text.trim();
        if text.len() >= ID_LENGTH
            && let Ok(id) = text.parse()
        {
            return Self::Id(id, search_key(text));
        }
        if let Some((name, digits)) = text.rsplit_once('#')
            && digits.len() <= 4
            && digits.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Self::Tag(search_key(name), digits.to_owned());
        }
        match search_key(text) {
            key if key.is_empty() => Self::Nothing,
            key => Self::Beginning(key),
        }
    }
}

impl Users {
    /// Reads the query of `GET /admin/api/users`.
    ///
    /// # Errors
    /// `Invalid` with every parameter at fault.
    pub fn parse(mut query: Fields) -> Result<Self> {
        let filter = query.optional::<UserFilter>("filter");
        let way = match typed(&mut query) {
            Typed::Nothing => Way::parse(query)?,
            Typed::Id(id, key) => Way::id_or_name(id, &key, query)?,
            Typed::Tag(key, digits) => {
                let (after, limit) = by_name(query)?;
                Way::ByName(NameRange::holders(&key, &digits, after, limit))
            }
            Typed::Beginning(key) => {
                let (after, limit) = by_name(query)?;
                Way::ByName(NameRange::prefix(&key, after, limit))
            }
        };
        Ok(Self {
            filter: filter?.unwrap_or(UserFilter::Alive),
            way,
        })
    }
}

/// How communities are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Communities {
    /// In which way.
    pub way: Way,
}

impl Communities {
    /// Reads the query of `GET /admin/api/communities`.
    ///
    /// # Errors
    /// `Invalid` with every parameter at fault.
    pub fn parse(mut query: Fields) -> Result<Self> {
        let text = query.optional::<Text>("search");
        let text = text.ok().flatten().map_or(String::new(), |Text(text)| text);
        let text = text.trim();
        let way = match (text.parse(), search_key(text)) {
            (Ok(id), key) if text.len() >= ID_LENGTH => Way::id_or_name(id, &key, query)?,
            (_, key) if key.is_empty() => Way::parse(query)?,
            (_, key) => {
                let (after, limit) = by_name(query)?;
                Way::ByName(NameRange::prefix(&key, after, limit))
            }
        };
        Ok(Self { way })
    }
}

impl Way {
    fn id_or_name(id: Id, key: &str, query: Fields) -> Result<Self> {
        let (after, limit) = by_name(query)?;
        // A further page is one of names.
        let goes_on = after.is_some();
        let range = NameRange::prefix(key, after, limit);
        Ok(if goes_on {
            Self::ByName(range)
        } else {
            Self::IdOrName(id, range)
        })
    }

    fn parse(mut query: Fields) -> Result<Self> {
        let order = query.optional::<Direction>("order");
        let page = Page::parse(query, LISTS)?;
        let Direction(order) = order?.unwrap_or(Direction(Order::Newest));
        Ok(Self::ById(page, order))
    }
}

fn typed(query: &mut Fields) -> Typed {
    let text = query.optional::<Text>("search");
    text.ok()
        .flatten()
        .map_or(Typed::Nothing, |Text(text)| Typed::read(&text))
}

/// `limit` and `after` of a list that is ordered by name.
fn by_name(mut query: Fields) -> Result<(Option<Position>, u16)> {
    let limit = Limit::parse(&mut query, LISTS);
    let after = query.optional::<Position>("after");
    query.finish_known()?;
    Ok((after?, limit?))
}

struct Direction(Order);

impl FromStr for Direction {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "newest" => Ok(Self(Order::Newest)),
            "oldest" => Ok(Self(Order::Ascending)),
            _ => Err(Problem::out_of_range("The orders are newest and oldest.")),
        }
    }
}
