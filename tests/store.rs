//! What the store promises to whoever uses it, at its edges: other connections, bursts.

use std::sync::Arc;

use futures::future::join_all;
use rusqlite::Connection;
use saryno::accounts::{Accounts, Label, NewToken, PasswordHash, Secret};
use saryno::channels::{Channels, DmPair, NewGroup};
use saryno::communities::{Code, Communities, Community, NewCommunity, NewInvite};
use saryno::error::Error;
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::idempotency::Terms;
use saryno::store::Store;
use saryno::store::sqlite::Sqlite;
use saryno::users::{Change, Discriminator, User, Users};
use tempfile::TempDir;

use crate::operate::Operate;
use crate::support::{new_user, now, store};

/// A store, ids for it, and a second connection to its file.
pub(crate) struct Bench {
    directory: TempDir,
    pub(crate) store: Arc<Sqlite>,
    ids: Generator,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let (directory, store) = store();
        let ids = Generator::new(0, Id::MIN);
        Self {
            directory,
            store,
            ids,
        }
    }

    pub(crate) fn id(&self) -> Id {
        self.ids.next().unwrap()
    }

    fn database(&self) -> Connection {
        Connection::open(self.directory.path().join("saryno.db")).unwrap()
    }

    /// A second connection that has the file's write lock until it is dropped.
    fn locked(&self) -> Connection {
        let connection = self.database();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        connection
    }

    pub(crate) fn count(&self, table: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.database()
            .query_row(&sql, [], |row| row.get(0))
            .unwrap()
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        let new = new_user(self.id(), name);
        self.store.create_user(new).await.unwrap()
    }

    pub(crate) async fn community(&self, owner: Id) -> Community {
        let new = NewCommunity {
            name: "Home".parse().unwrap(),
            icon: None,
        };
        self.store
            .create_community(owner, new, self.id(), None)
            .await
            .unwrap()
            .first()
            .unwrap()
    }

    pub(crate) fn token(&self) -> NewToken {
        NewToken {
            id: self.id(),
            hash: Secret::token().hash(),
            label: Label::command_line(),
            login: Some(now()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_id_is_that_of_the_newest_row_of_whatever_kind() {
    let bench = Bench::new();
    assert_eq!(bench.store.highest_id().await, Ok(Id::MIN));
    let (ada, bob) = (bench.user("Ada").await, bench.user("Bob").await);
    assert_eq!(bench.store.highest_id().await, Ok(bob.id));
    let token = bench.token();
    let of_token = token.id;
    bench.store.issue_token(ada.id, token).await.unwrap();
    assert_eq!(bench.store.highest_id().await, Ok(of_token));
    let dm = bench.id();
    let pair = DmPair::new(ada.id, bob.id).unwrap();
    bench
        .store
        .open_dm(ada.id, pair, dm, Terms::default())
        .await
        .unwrap();
    assert_eq!(bench.store.highest_id().await, Ok(dm));
    let community = bench.community(ada.id).await;
    assert_eq!(bench.store.highest_id().await, Ok(community.id));
    let (key, code) = (bench.id(), Code::mint());
    let new = NewInvite {
        max_uses: None,
        expires_at: None,
    };
    bench
        .store
        .create_invite(ada.id, community.id, new, key, code, now(), None)
        .await
        .unwrap();
    assert_eq!(bench.store.highest_id().await, Ok(key));
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_the_newest_row_does_not_lower_the_highest_id() {
    let bench = Bench::new();
    let (ada, bob, cy) = (
        bench.user("Ada").await.id,
        bench.user("Bob").await.id,
        bench.user("Cy").await.id,
    );

    let community = bench.community(ada).await.id;
    bench
        .store
        .delete_community(ada, community, Precondition::Any)
        .await
        .unwrap();
    assert_eq!(bench.store.highest_id().await, Ok(community));

    let group = bench.id();
    let new = NewGroup {
        recipient_ids: vec![bob, cy],
        name: None,
    };
    bench
        .store
        .create_group(ada, new, group, Terms::default())
        .await
        .unwrap();
    for participant in [ada, bob, cy] {
        bench
            .store
            .leave_channel(participant, group, Precondition::Any)
            .await
            .unwrap();
    }
    assert_eq!(
        bench.store.channel(ada, group).await,
        Err(Error::UnknownChannel)
    );
    assert_eq!(bench.store.highest_id().await, Ok(group));

    let token = bench.token();
    let of_token = token.id;
    bench.store.issue_token(ada, token).await.unwrap();
    bench.store.revoke(ada, of_token).await.unwrap();
    assert_eq!(bench.store.highest_id().await, Ok(of_token));

    let last = bench.user("Last").await.id;
    bench.store.delete_user(last).await.unwrap();
    assert_eq!(bench.store.highest_id().await, Ok(last));
}

#[tokio::test(flavor = "multi_thread")]
async fn names_of_one_key_share_their_discriminators_however_they_are_written() {
    let bench = Bench::new();
    let mut first = new_user(bench.id(), "Straße");
    first.discriminator = Discriminator::new(1);
    bench.store.create_user(first).await.unwrap();
    for name in ["Straße", "STRASSE", "strasse", "Ｓtrasse"] {
        let mut second = new_user(bench.id(), name);
        second.discriminator = Discriminator::new(1);
        assert_eq!(
            bench.store.create_user(second).await,
            Err(Error::TagTaken(format!("{name}#0001")))
        );
    }
    let mut drawn = new_user(bench.id(), "STRASSE");
    drawn.random = 0;
    let drawn = bench.store.create_user(drawn).await.unwrap();
    assert_eq!(drawn.discriminator, Discriminator::new(2));
    let change = Change {
        username: None,
        discriminator: Discriminator::new(1),
        avatar: None,
    };
    assert!(matches!(
        bench
            .store
            .modify_user(drawn.id, change, Precondition::Any, 0, None)
            .await,
        Err(Error::TagTaken(_))
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_and_its_token_are_made_both_or_neither() {
    let bench = Bench::new();
    let held = bench.token();
    let mut ada = new_user(bench.id(), "Ada");
    ada.token = Some(held.clone());
    bench.store.create_user(ada).await.unwrap();

    let mut same_hash = bench.token();
    same_hash.hash = held.hash;
    let mut same_id = bench.token();
    same_id.id = held.id;
    for token in [same_hash, same_id] {
        let id = bench.id();
        let mut bob = new_user(id, "Bob");
        bob.token = Some(token);
        let made = bench.store.create_user(bob).await;
        assert!(matches!(made, Err(Error::Internal(_))), "{made:?}");
        assert_eq!(bench.store.user(id).await, Err(Error::UnknownUser));
    }
    assert_eq!((bench.count("users"), bench.count("tokens")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_in_a_burst_takes_nothing_else_with_it() {
    let bench = Bench::new();
    let mut holder = new_user(bench.id(), "Held");
    holder.discriminator = Discriminator::new(7);
    bench.store.create_user(holder).await.unwrap();
    let burst = (0..600_u16).map(|number| {
        let fails = number % 2 == 0;
        let mut new = new_user(bench.id(), if fails { "Held" } else { "Free" });
        new.discriminator = Discriminator::new(if fails { 7 } else { number });
        let (id, store) = (new.id, Arc::clone(&bench.store));
        async move { (fails, id, store.create_user(new).await) }
    });
    for (fails, id, made) in join_all(burst).await {
        if fails {
            assert_eq!(made, Err(Error::TagTaken("Held#0007".into())));
            assert_eq!(bench.store.user(id).await, Err(Error::UnknownUser));
        } else {
            assert_eq!(made, bench.store.user(id).await);
        }
    }
    assert_eq!(bench.count("users"), 301);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_that_stands_is_answered_while_the_writer_waits() {
    let bench = Bench::new();
    let (ada, bob) = (bench.user("Ada").await.id, bench.user("Bob").await.id);
    let pair = DmPair::new(ada, bob).unwrap();
    let dm = bench
        .store
        .open_dm(ada, pair, bench.id(), Terms::default())
        .await
        .unwrap()
        .first()
        .unwrap()
        .id;
    let lock = bench.locked();
    let waiting = {
        let (store, new) = (Arc::clone(&bench.store), new_user(bench.id(), "Cy"));
        tokio::spawn(async move { store.create_user(new).await })
    };
    for asker in [ada, bob] {
        let found = bench
            .store
            .open_dm(asker, pair, bench.id(), Terms::default())
            .await
            .unwrap();
        assert_eq!(found.first().unwrap().id, dm);
    }
    drop(lock);
    assert_eq!(waiting.await.unwrap().unwrap().username, "Cy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_another_process_keeps_waiting_is_busy_and_writes_nothing() {
    let bench = Bench::new();
    let id = bench.id();
    let lock = bench.locked();
    let made = bench.store.create_user(new_user(id, "Ada")).await;
    assert_eq!(made, Err(Error::Busy));
    drop(lock);
    assert_eq!(bench.store.ping().await, Ok(()));
    assert_eq!(bench.count("users"), 0);
    assert!(bench.store.create_user(new_user(id, "Ada")).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_of_the_database_is_never_taken_for_an_answer() {
    let bench = Bench::new();
    let ada = bench.user("Ada").await;
    let other = bench.user("Bob").await.id;
    let community = bench.community(ada.id).await.id;
    bench
        .database()
        .execute_batch(
            "PRAGMA foreign_keys = OFF; ALTER TABLE users RENAME TO elsewhere; ALTER TABLE tokens RENAME TO anywhere",
        )
        .unwrap();
    let store = &bench.store;
    let hash = PasswordHash::from_stored("x".into());
    let pair = DmPair::new(ada.id, other).unwrap();
    let internal = [
        store.user(ada.id).await.map(drop),
        store
            .user_by_tag(ada.to_string().parse().unwrap())
            .await
            .map(drop),
        store.account(ada.id).await.map(drop),
        store
            .credentials(ada.to_string().parse().unwrap())
            .await
            .map(drop),
        store.password(ada.id).await.map(drop),
        store.caller(Secret::token().hash(), now()).await.map(drop),
        store.log_in(ada.id, hash, bench.token()).await.map(drop),
        store.set_disabled(ada.id, true).await.map(drop),
        store.delete_user(ada.id).await,
        store
            .create_user(new_user(bench.id(), "Cy"))
            .await
            .map(drop),
        store
            .open_dm(ada.id, pair, bench.id(), Terms::default())
            .await
            .map(drop),
        store.leave_community(ada.id, community).await,
    ];
    for (index, outcome) in internal.into_iter().enumerate() {
        assert!(
            matches!(outcome, Err(Error::Internal(_))),
            "{index}: {outcome:?}"
        );
    }
}
