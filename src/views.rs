//! What admins see: an account with all that is known of it, channels and their participants, how full a name is, figures.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::communities::Community;
use crate::id::Id;
use crate::users::{Account, Discriminator, Taken, User};

/// An account with what only admins see.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AccountDetails {
    /// The account; a tombstone is neither disabled nor has it a password.
    #[serde(flatten)]
    pub account: Account,
    /// Whether it can log in with a password.
    pub password: bool,
    /// What its id decodes to.
    pub made: Made,
}

/// What an id decodes to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Made {
    /// When, to the millisecond.
    pub at: Timestamp,
    /// By which worker.
    pub worker: u16,
    /// As which one of its millisecond.
    pub sequence: u16,
}

impl From<Id> for Made {
    fn from(id: Id) -> Self {
        Self {
            at: id.time(),
            worker: id.worker(),
            sequence: id.sequence(),
        }
    }
}

/// A channel as an admin sees it: who is in it, and nothing of what is said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelView {
    /// The channel's id.
    pub id: Id,
    /// 2 for a DM, 3 for a group.
    #[serde(rename = "type")]
    pub kind: i64,
    /// What a group is called.
    pub name: Option<String>,
    /// Whose a group is.
    pub owner_id: Option<Id>,
    /// Ascending by id.
    pub participants: Vec<Participant>,
}

/// Somebody in a channel.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Participant {
    /// Who.
    pub user: User,
    /// Since when.
    pub since: Timestamp,
    /// Whether they have hidden the DM.
    pub hidden: bool,
}

/// Somebody in a community.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Member {
    /// Who.
    pub user: User,
    /// Since when.
    pub since: Timestamp,
}

impl From<Participant> for Member {
    fn from(participant: Participant) -> Self {
        Self {
            user: participant.user,
            since: participant.since,
        }
    }
}

/// A community that somebody is in.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Membership {
    /// The community.
    #[serde(flatten)]
    pub community: Community,
    /// Since when they are.
    pub since: Timestamp,
}

/// A community, and whose it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OwnedCommunity {
    /// The community.
    #[serde(flatten)]
    pub community: Community,
    /// One of its members.
    pub owner: User,
}

/// How full a name is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FullName {
    /// The name as the holder of its lowest discriminator writes it.
    pub username: String,
    /// How many have it.
    pub holders: u16,
}

/// Who holds which discriminator of a name.
#[derive(Clone, Serialize)]
pub struct Holders {
    /// The name as it was asked for.
    pub username: String,
    /// How many have it.
    pub holders: u16,
    /// How many more could.
    pub free: u16,
    /// Bit n of 10,000 stands for n, the lowest bit of a byte first.
    pub taken: Taken,
}

impl Holders {
    /// The picture of a name.
    #[must_use]
    pub fn new(username: String, taken: Taken) -> Self {
        let holders = taken.count();
        Self {
            username,
            holders,
            free: Discriminator::COUNT - holders,
            taken,
        }
    }
}

/// How much there is of everything, tombstones left out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Counts {
    /// Accounts, bots among them.
    pub users: i64,
    /// Accounts with the flag.
    pub bots: i64,
    /// Communities.
    pub communities: i64,
    /// Channels of two.
    pub dms: i64,
    /// Channels of several.
    pub groups: i64,
}

/// How the file does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Database {
    /// The size of the file.
    pub bytes: u64,
    /// The size of its write-ahead log.
    pub wal_bytes: u64,
    /// How many operations shared each of the last commits, the oldest first; 100 at most.
    pub batches: Vec<usize>,
}

/// The figures that only the store knows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// How much there is.
    pub counts: Counts,
    /// How the file does.
    pub database: Database,
}
