//! Pages of lists and standing DMs: read from memory, and anew after each write that moves somebody.

use super::*;

#[tokio::test]
async fn who_read_a_list_before_a_write_does_not_put_it_back_after_it() {
    let bench = Bench::of("Ada").await;
    bench.register([BOB]).await;
    let store = &bench.store;
    let slow = async {
        let old = store.channel_page(id(ME), PAGE).await?;
        store.write(STEPS[0].1).await.unwrap();
        let of = id(ME);
        Ok(Listed { of, listing: old })
    };
    let (key, subject) = ((id(ME), PAGE), Subject::Whereabouts(id(ME)));
    let slow = store.cached.channel_pages.keeping(key, subject, slow).await;
    assert_eq!(slow.unwrap().listing.items, []);
    let listed = store.channel_page(id(ME), PAGE).await.unwrap();
    assert_eq!(listed.items, [dm_of(BOB)]);
}

type Step = (&'static str, fn(&Connection) -> Result<()>);

/// All that moves somebody: after each, somebody's lists are different.
const STEPS: [Step; 17] = [
    ("a DM", |connection| {
        channels::open_dm(connection, id(ME), with_bob(), id(DM), None).map(drop)
    }),
    ("hidden", |connection| {
        let sql = "UPDATE participants SET hidden = 1 WHERE channel_id = 100 AND user_id = 20";
        Ok(connection.execute(sql, []).map(drop)?)
    }),
    ("shown again", |connection| {
        channels::open_dm(connection, id(ME), with_bob(), id(DM), None).map(drop)
    }),
    ("a group", |connection| {
        let group = NewGroup {
            recipient_ids: vec![id(BOB), id(EVE)],
            name: None,
        };
        groups::create(connection, id(ME), &group, id(GROUP), None).map(drop)
    }),
    ("renamed", |connection| {
        let change = ChannelChange {
            name: Some(Some("Tea".parse().unwrap())),
            owner_id: None,
        };
        groups::modify(connection, id(ME), id(GROUP), &change)
    }),
    ("handed over", |connection| {
        let change = ChannelChange {
            name: None,
            owner_id: Some(id(BOB)),
        };
        groups::modify(connection, id(ME), id(GROUP), &change)
    }),
    ("removed", |connection| {
        channels::remove(connection, id(GROUP), id(EVE)).map(drop)
    }),
    ("added", |connection| {
        channels::add(connection, id(GROUP), id(EVE), id(200))
    }),
    ("left, and so handed over", |connection| {
        groups::leave(connection, id(BOB), id(GROUP))
    }),
    ("left by one of two", |connection| {
        groups::leave(connection, id(ME), id(GROUP))
    }),
    ("left by the last", |connection| {
        groups::leave(connection, id(EVE), id(GROUP))
    }),
    ("a community", |connection| {
        let new = NewCommunity {
            name: "Rowers".parse().unwrap(),
            icon: None,
        };
        communities::create(connection, id(COMMUNITY_ID), &new, id(ME))
    }),
    ("joined", |connection| {
        communities::add(connection, id(COMMUNITY_ID), id(BOB), id(201)).map(drop)
    }),
    ("ended", |connection| {
        communities::remove(connection, id(COMMUNITY_ID), id(BOB)).map(drop)
    }),
    ("joined again", |connection| {
        communities::add(connection, id(COMMUNITY_ID), id(BOB), id(202)).map(drop)
    }),
    ("deleted with its members", |connection| {
        communities::delete(connection, id(COMMUNITY_ID))
    }),
    ("a DM of others", |connection| {
        let pair = DmPair::new(id(EVE), id(BOB)).unwrap();
        channels::open_dm(connection, id(EVE), pair, id(DM + 5), None).map(drop)
    }),
];

const BOB: i64 = 20;
const EVE: i64 = 21;
const DM: i64 = 100;
const GROUP: i64 = 101;
const COMMUNITY_ID: i64 = 102;

const PAGE: Page = Page {
    limit: 50,
    cursor: Cursor::Start,
};

fn with_bob() -> DmPair {
    DmPair::new(id(ME), id(BOB)).unwrap()
}

fn dm_of(other: i64) -> Entry {
    Entry::Dm {
        id: id(DM),
        other: id(other),
    }
}

/// Where somebody is, and whether they have a DM with Bob that both are shown.
type Whereabouts = (Vec<Entry>, Vec<Id>, Option<Id>);

impl Bench {
    async fn register(&self, people: impl IntoIterator<Item = i64>) {
        for person in people {
            let create = move |connection: &Connection| {
                let new = NewUser {
                    id: id(person),
                    username: "Somebody".parse().unwrap(),
                    discriminator: None,
                    random: 0,
                    flags: Flags::default(),
                    password: None,
                    token: None,
                };
                table::create(connection, &new)
            };
            self.store.write(create).await.unwrap();
        }
    }

    /// From memory or not.
    async fn whereabouts(&self, of: i64) -> Whereabouts {
        let of = id(of);
        let channels = self.store.channel_page(of, PAGE).await.unwrap();
        let communities = self.store.community_page(of, PAGE).await.unwrap();
        let dm = self.store.standing_dm(with_bob()).await.unwrap();
        (channels.items.clone(), communities.items.clone(), dm)
    }

    /// As they are in the file.
    async fn true_whereabouts(&self, of: i64) -> Whereabouts {
        let of = id(of);
        let read = move |connection: &Connection| {
            let dm = dm_by_pair(connection, with_bob())?;
            let keyset = PAGE.keyset(Order::Newest);
            Ok((
                walk(connection, CHANNELS, of, keyset, |row| {
                    entry(connection, of, row)
                })?,
                walk(connection, COMMUNITY_IDS, of, keyset, |row| row.get(0))?,
                dm.filter(|(_, shown)| *shown).map(|(id, _)| id),
            ))
        };
        self.store.read(read).await.unwrap()
    }

    /// In memory from now on.
    async fn heat(&self, of: i64) {
        let begun = Instant::now();
        let cached = &self.store.cached;
        loop {
            let (_, _, dm) = self.whereabouts(of).await;
            let key = (id(of), PAGE);
            let is_hot = cached.channel_pages.get(&key).is_some()
                && cached.community_pages.get(&key).is_some()
                && (dm.is_none() || cached.dms.get(&with_bob()).is_some());
            if is_hot {
                return;
            }
            // A busy machine may have kept the writer from looking abroad.
            assert!(begun.elapsed() < Duration::from_secs(30), "never kept");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn lists_are_read_from_memory_and_anew_after_each_write_that_moves_somebody() {
    let bench = Bench::of("Ada").await;
    bench.register([BOB, EVE]).await;
    let people = [ME, BOB, EVE];
    for (what, step) in STEPS {
        let mut before = Vec::new();
        for person in people {
            bench.heat(person).await;
            before.push(bench.whereabouts(person).await);
        }
        bench.store.write(step).await.unwrap();
        let mut after = Vec::new();
        for person in people {
            after.push(bench.whereabouts(person).await);
            let truth = bench.true_whereabouts(person).await;
            assert_eq!(after.last(), Some(&truth), "{what}: {person}");
        }
        assert_ne!(before, after, "{what}");
    }
}
