//! The figures that are kept instead of counted: after whatever happens they are what a count of the rows says.

use std::sync::Arc;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use saryno::actions::{Action, CommunityAction, Deed, UserAction};
use saryno::admins::Admins;
use saryno::audit::Author;
use saryno::channels::{Channels, DmPair, NewGroup};
use saryno::communities::{Communities, NewCommunity};
use saryno::error::Error;
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::idempotency::Terms;
use saryno::names::Name;
use saryno::store::sqlite::Sqlite;
use saryno::users::{Change, Discriminator, Flag, Flags, Users};
use saryno::views::Counts;
use tempfile::TempDir;

use crate::operate::{Operate, perform};
use crate::support::{new_user, store};

/// Few names and few discriminators, so that people get into each other's way.
const NAMES: [&str; 5] = ["Ada", "ADA", "Bob", "bob", "Cy"];

/// A store on which one random thing happens after the other.
struct Walk {
    _directory: TempDir,
    store: Arc<Sqlite>,
    database: Connection,
    ids: Generator,
    random: SmallRng,
    users: Vec<Id>,
    channels: Vec<Id>,
    communities: Vec<Id>,
    /// How often a tag that was asked for was somebody else's.
    taken: usize,
}

impl Walk {
    fn begin(seed: u64) -> Self {
        let (directory, store) = store();
        let database = Connection::open(directory.path().join("saryno.db")).unwrap();
        Self {
            _directory: directory,
            store,
            database,
            ids: Generator::new(0, Id::MIN),
            random: SmallRng::seed_from_u64(seed),
            users: Vec::new(),
            channels: Vec::new(),
            communities: Vec::new(),
            taken: 0,
        }
    }

    fn id(&self) -> Id {
        self.ids.next().unwrap()
    }

    fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    fn one_of(&mut self, ids: fn(&Self) -> &Vec<Id>) -> Id {
        let count = ids(self).len();
        // Nobody's, before there is any.
        let unknown = Id::from_bits(1).unwrap();
        if count == 0 {
            unknown
        } else {
            let index = self.below(count);
            ids(self)[index]
        }
    }

    fn user(&mut self) -> Id {
        self.one_of(|walk| &walk.users)
    }

    fn discriminator(&mut self) -> Option<Discriminator> {
        let number = u16::try_from(self.below(5)).unwrap();
        Discriminator::new(number)
    }

    fn change(&mut self) -> Change {
        let name = self.below(NAMES.len() + 1);
        Change {
            username: NAMES.get(name).map(|name| name.parse().unwrap()),
            discriminator: self.discriminator(),
            avatar: None,
        }
    }

    fn flags(&mut self) -> Flags {
        let flags = [Flag::Developer, Flag::Bot, Flag::System];
        flags
            .into_iter()
            .filter(|_| self.random.random_bool(0.5))
            .collect()
    }

    /// Whether it happened; what did not must have had a reason that is the asker's.
    fn happened<T>(&mut self, result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                assert!(error.status() < 500, "{error}");
                self.taken += usize::from(matches!(error, Error::TagTaken(_)));
                None
            }
        }
    }

    async fn step(&mut self) {
        let (user, store) = (self.user(), self.store.clone());
        match self.below(16) {
            0..4 => {
                let index = self.below(NAMES.len());
                let mut new = new_user(self.id(), NAMES[index]);
                (new.discriminator, new.flags) = (self.discriminator(), self.flags());
                let made = store.create_user(new).await;
                if let Some(made) = self.happened(made) {
                    self.users.push(made.id);
                }
            }
            4..6 => {
                let change = self.change();
                let random = self.random.random();
                let renamed = store
                    .modify_user(user, change, Precondition::Any, random, None)
                    .await;
                self.happened(renamed);
            }
            6 => {
                let (change, random) = (self.change(), self.random.random());
                let rename = UserAction::Modify { change, random };
                let renamed = perform(&store, Action::User(user, rename)).await;
                self.happened(renamed);
            }
            7 => {
                let (set, clear) = (self.flags(), self.flags());
                let action = UserAction::ModifyFlags { set, clear };
                let changed = perform(&store, Action::User(user, action)).await;
                self.happened(changed);
            }
            8 => {
                let deleted = store.delete_user(user).await;
                self.happened(deleted);
            }
            9 => {
                // Two deeds of which the second can't be done: the first is undone.
                let end = [UserAction::Delete, UserAction::EndSession(self.id())];
                let deeds = end.map(|action| Deed {
                    entry: self.id(),
                    action: Action::User(user, action),
                });
                let undone = store.perform(Author::command_line(), deeds.into()).await;
                assert!(self.happened(undone).is_none());
            }
            10 => {
                let other = self.user();
                if let Ok(pair) = DmPair::new(user, other) {
                    let opened = store.open_dm(user, pair, self.id(), Terms::default()).await;
                    if let Some(channel) = self.happened(opened) {
                        self.channels.push(channel.first().unwrap().id);
                    }
                }
            }
            11 => {
                let recipient_ids = vec![self.user(), self.user()];
                if recipient_ids[0] != recipient_ids[1] && !recipient_ids.contains(&user) {
                    let group = NewGroup {
                        recipient_ids,
                        name: None,
                    };
                    let made = store
                        .create_group(user, group, self.id(), Terms::default())
                        .await;
                    if let Some(channel) = self.happened(made) {
                        self.channels.push(channel.first().unwrap().id);
                    }
                }
            }
            12 | 13 => {
                let channel = self.one_of(|walk| &walk.channels);
                let left = store.leave_channel(user, channel, Precondition::Any).await;
                self.happened(left);
            }
            14 => {
                let new = NewCommunity {
                    name: "Garden".parse::<Name>().unwrap(),
                    icon: None,
                };
                let made = store.create_community(user, new, self.id(), None).await;
                if let Some(community) = self.happened(made) {
                    self.communities.push(community.first().unwrap().id);
                }
            }
            _ => {
                let community = self.one_of(|walk| &walk.communities);
                let action = Action::Community(community, CommunityAction::Delete);
                let deleted = perform(&store, action).await;
                self.happened(deleted);
            }
        }
    }

    async fn assert_counted(&self, after: usize) {
        let count = |what: &str| -> i64 {
            let sql = format!("SELECT count(*) FROM {what}");
            self.database.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        let counted = Counts {
            users: count("users WHERE username IS NOT NULL"),
            bots: count("users WHERE flags & 1024 <> 0"),
            communities: count("communities"),
            dms: count("channels WHERE type = 2"),
            groups: count("channels WHERE type = 3"),
        };
        let kept = self.store.statistics().await.unwrap().counts;
        assert_eq!(kept, counted, "after {after} steps");
        let names = |sql: &str| -> Vec<(String, i64)> {
            let mut statement = self.database.prepare(sql).unwrap();
            let rows = statement
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap();
            rows.map(Result::unwrap).collect()
        };
        let counted = names(
            "SELECT username_key, count(*) FROM users WHERE username_key IS NOT NULL
            GROUP BY username_key HAVING count(*) > 1 ORDER BY username_key",
        );
        let kept = names("SELECT username_key, holders FROM shared_names ORDER BY username_key");
        assert_eq!(kept, counted, "after {after} steps");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_walk_of_whatever_can_happen_what_is_kept_is_what_a_count_says() {
    for seed in [1, 20_200_925, 4_711] {
        let mut walk = Walk::begin(seed);
        for step in 0..400 {
            walk.step().await;
            walk.assert_counted(step).await;
        }
        let counts = walk.store.statistics().await.unwrap().counts;
        let all = [
            counts.users,
            counts.bots,
            counts.communities,
            counts.dms,
            counts.groups,
        ];
        assert!(
            all.iter().all(|count| *count > 0),
            "the walk led nowhere: {counts:?}"
        );
        assert!(
            walk.taken > 10,
            "nobody got into anybody's way: {}",
            walk.taken
        );
    }
}
