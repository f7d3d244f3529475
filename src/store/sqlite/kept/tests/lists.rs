//! Pages of lists and standing DMs: read from memory, and anew after each write that moves somebody or changes what they are shown.

use serde::Serialize;

use super::*;
use crate::channels::Channels;
use crate::communities::Communities;
use crate::page::{Listing, Page, WrittenPage};
use crate::store::cached::List;

#[tokio::test]
async fn who_read_a_list_before_a_write_does_not_put_it_back_after_it() {
    let bench = Bench::of("Ada").await;
    bench.register([BOB]).await;
    let store = &bench.store;
    let find = async {
        let old = store.channels(id(ME), PAGE).await?;
        store.write(STEPS[0].1).await.unwrap();
        let (items, next) = (vec![old], None);
        Ok(Listing { items, next })
    };
    let read = async |pages: Vec<WrittenPage>| {
        Ok(pages.iter().map(|page| text(page).to_owned()).collect())
    };
    let key = (List::Channels, id(ME), PAGE);
    let old = store.page(key, find, |_| [], read).await.unwrap();
    assert_eq!(text(&old), r#"["[]"]"#);
    let listed = store.channels(id(ME), PAGE).await.unwrap();
    assert!(text(&listed).contains(r#""recipient_ids":["20"]"#));
}

#[tokio::test]
async fn who_read_a_row_before_a_write_does_not_put_the_page_back_that_shows_it() {
    let bench = Bench::of("Ada").await;
    bench.register([BOB]).await;
    let store = &bench.store;
    store.write(STEPS[0].1).await.unwrap();
    let find = async {
        let (items, next) = (vec![id(BOB)], None);
        Ok(Listing { items, next })
    };
    let read = async |people: Vec<Id>| {
        let old = store.user(people[0]).await?;
        store.write(rename_bob).await.unwrap();
        Ok(vec![old])
    };
    let key = (List::Channels, id(ME), PAGE);
    let old = store.page(key, find, |person| [*person], read).await;
    assert!(text(&old.unwrap()).contains("Somebody"));
    let listed = store.channels(id(ME), PAGE).await.unwrap();
    assert!(text(&listed).contains("Robert"));
}

#[tokio::test]
async fn what_another_process_changes_of_who_is_shown_on_a_page_is_seen_within_a_second() {
    let bench = Bench::of("Ada").await;
    bench.register([BOB]).await;
    bench.store.write(STEPS[0].1).await.unwrap();
    bench.heat(ME).await;
    rename_bob(&abroad(&bench)).unwrap();
    let changed = Instant::now();
    loop {
        let is_late = changed.elapsed() >= Duration::from_secs(1);
        let listed = bench.store.channels(id(ME), PAGE).await.unwrap();
        if text(&listed).contains("Robert") {
            return;
        }
        assert!(!is_late, "not seen within a second");
    }
}

type Step = (&'static str, fn(&Connection) -> Result<()>);

/// All that moves somebody or changes what they are shown: after each, somebody's lists are different.
const STEPS: [Step; 25] = [
    ("a DM", |connection| {
        channels::open_dm(connection, id(ME), with_bob(), id(DM), None).map(drop)
    }),
    ("hidden", |connection| {
        run(
            connection,
            "UPDATE participants SET hidden = 1 WHERE channel_id = 100 AND user_id = 20",
        )
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
    ("one of them renamed", rename_bob),
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
    ("a community renamed", |connection| {
        run(
            connection,
            "UPDATE communities SET name = 'Sailors' WHERE id = 102",
        )
    }),
    ("a community with a picture", |connection| {
        run(connection, "INSERT INTO images (hash, png) VALUES (zeroblob(32), zeroblob(1)) ON CONFLICT DO NOTHING;
            UPDATE communities SET icon = zeroblob(32) WHERE id = 102")
    }),
    ("joined", |connection| {
        communities::add(connection, id(COMMUNITY_ID), id(BOB), id(201)).map(drop)
    }),
    ("a community handed over", |connection| {
        run(
            connection,
            "UPDATE communities SET owner_id = 20 WHERE id = 102",
        )
    }),
    ("and back", |connection| {
        run(
            connection,
            "UPDATE communities SET owner_id = 7 WHERE id = 102",
        )
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
    ("of others with a picture", |connection| {
        run(connection, "INSERT INTO images (hash, png) VALUES (zeroblob(32), zeroblob(1)) ON CONFLICT DO NOTHING;
            UPDATE users SET avatar = zeroblob(32) WHERE id = 20")
    }),
    ("made a developer", |connection| {
        run(connection, "UPDATE users SET flags = 2 WHERE id = 21")
    }),
    ("deleted", |connection| {
        table::bury(connection, id(EVE)).map(drop)
    }),
];

/// Runs statements.
fn run(connection: &Connection, sql: &str) -> Result<()> {
    Ok(connection.execute_batch(sql)?)
}

fn rename_bob(connection: &Connection) -> Result<()> {
    run(
        connection,
        "UPDATE users SET username = 'Robert' WHERE id = 20",
    )
}

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

fn text(page: &WrittenPage) -> &str {
    std::str::from_utf8(&page.json).unwrap()
}

/// The page of these.
fn page<T: Serialize>(items: &[T]) -> WrittenPage {
    WrittenPage::of(items, None).unwrap()
}

/// Where somebody is, and the DM with Bob if both are shown it.
type Whereabouts = (WrittenPage, WrittenPage, Option<Id>);

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
        (
            self.store.channels(of, PAGE).await.unwrap(),
            self.store.communities(of, PAGE).await.unwrap(),
            self.store.standing_dm(with_bob()).await.unwrap(),
        )
    }

    /// As they are in the file, one after another.
    async fn true_whereabouts(&self, of: i64) -> Whereabouts {
        let read = move |connection: &Connection| {
            let listed = |sql: &str| -> Result<Vec<Id>> {
                let mut statement = connection.prepare(sql)?;
                let ids = statement.query_map([of], |row| row.get(0))?;
                Ok(ids.collect::<rusqlite::Result<_>>()?)
            };
            let channels = "SELECT channel_id FROM participants WHERE user_id = ? AND hidden = 0 ORDER BY channel_id DESC";
            let channels = listed(channels)?.into_iter();
            let channels = channels.map(|channel| channels::find(connection, id(of), channel));
            let communities =
                "SELECT community_id FROM members WHERE user_id = ? ORDER BY community_id";
            let communities = listed(communities)?.into_iter();
            let communities = communities.map(|community| any_community(connection, community));
            let dm = dm_by_pair(connection, with_bob())?;
            Ok((
                page(&channels.collect::<Result<Vec<_>>>()?),
                page(&communities.collect::<Result<Vec<_>>>()?),
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
            let is_hot = [List::Channels, List::Communities]
                .iter()
                .all(|list| cached.pages.get(&(*list, id(of), PAGE)).is_some());
            if is_hot && (dm.is_none() || cached.dms.get(&with_bob()).is_some()) {
                return;
            }
            // A busy machine may have kept the writer from looking abroad.
            assert!(begun.elapsed() < Duration::from_secs(30), "never kept");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn lists_are_read_from_memory_and_anew_after_each_write_that_moves_somebody_or_changes_what_they_show()
 {
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
        }
        for (person, shown) in people.iter().zip(&after) {
            let truth = bench.true_whereabouts(*person).await;
            assert_eq!(*shown, truth, "{what}: {person}");
        }
        assert_ne!(before, after, "{what}");
    }
}
