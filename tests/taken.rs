//! The discriminators taken of crowded names, which the database keeps as bits: whatever is written, and by whom, they are those of
//! the rows.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rusqlite::Connection;
use saryno::actions::{Action, UserAction};
use saryno::error::Error;
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::users::{Asker, Change, Discriminator, Users};

use crate::operate::{Operate, perform};
use crate::portable::import;
use crate::races::{database, directory};
use crate::support::{new_user, now, store};

/// More than so many have a name whose discriminators are kept.
const FEW: u16 = 157;

/// What must be kept of the users that there are: how many have a name, and the words of the crowded ones.
type Kept = (BTreeMap<String, u16>, BTreeMap<(String, u16), u64>);

fn expected(connection: &Connection) -> Kept {
    let mut names = BTreeMap::<String, Vec<u16>>::new();
    let sql = "SELECT username_key, discriminator FROM users WHERE username_key IS NOT NULL";
    let tags: Vec<(String, u16)> = rows(connection, sql, |row| Ok((row.get(0)?, row.get(1)?)));
    for (name, discriminator) in tags {
        names.entry(name).or_default().push(discriminator);
    }
    let mut kept = Kept::default();
    for (name, discriminators) in names {
        let holders = u16::try_from(discriminators.len()).unwrap();
        if holders > FEW {
            for word in 0..157 {
                kept.1.insert((name.clone(), word), 0);
            }
            for number in &discriminators {
                *kept.1.get_mut(&(name.clone(), number / 64)).unwrap() |= 1 << (number % 64);
            }
        }
        if holders > 1 {
            kept.0.insert(name, holders);
        }
    }
    kept
}

fn kept(connection: &Connection) -> Kept {
    let names = "SELECT username_key, holders FROM shared_names";
    let words = "SELECT username_key, word, bits FROM taken";
    (
        rows(connection, names, |row| Ok((row.get(0)?, row.get(1)?))),
        rows(connection, words, |row| {
            let bits: i64 = row.get(2)?;
            Ok(((row.get(0)?, row.get(1)?), bits.cast_unsigned()))
        }),
    )
}

fn rows<T, C: FromIterator<T>>(
    connection: &Connection,
    sql: &str,
    read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> C {
    let mut statement = connection.prepare_cached(sql).unwrap();
    let rows = statement.query_map([], read).unwrap();
    rows.map(Result::unwrap).collect()
}

#[track_caller]
fn is_kept(connection: &Connection) {
    assert_eq!(kept(connection), expected(connection));
}

/// So many holders of a name, with the discriminators from 1 on.
fn hold(connection: &Connection, name: &str, count: u16) {
    let sql = "INSERT INTO users (username, username_key, discriminator)
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2) SELECT ?1, ?1, n FROM n";
    connection.execute(sql, (name, count)).unwrap();
}

fn run(connection: &Connection, sql: &str) -> usize {
    connection.execute(sql, []).unwrap()
}

/// How many words are kept of all names together.
fn words(connection: &Connection) -> usize {
    kept(connection).1.len()
}

#[test]
fn the_158th_holder_brings_the_bits_of_all_and_takes_them_along() {
    let (directory, store) = store();
    drop(store);
    let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
    hold(&connection, "ada", FEW);
    hold(&connection, "bob", 1);
    assert_eq!(words(&connection), 0);
    for (come, go) in [
        (
            "INSERT INTO users (id, username, username_key, discriminator) VALUES (500, 'ADA', 'ada', 9999)",
            "UPDATE users SET username = NULL, username_key = NULL, discriminator = NULL, deleted = 1 WHERE id = 500",
        ),
        (
            "UPDATE users SET username = 'ADA', username_key = 'ada', discriminator = 63 * 64 - 1 WHERE username_key = 'bob'",
            "UPDATE users SET username = 'Bob', username_key = 'bob', discriminator = 7 WHERE username = 'ADA'",
        ),
    ] {
        assert_eq!(run(&connection, come), 1);
        assert_eq!(words(&connection), 157, "{come}");
        is_kept(&connection);
        assert_eq!(run(&connection, go), 1);
        assert_eq!(words(&connection), 0, "{go}");
        is_kept(&connection);
    }
}

#[test]
fn a_name_is_crowded_up_to_its_last_holder() {
    let (directory, store) = store();
    drop(store);
    let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
    hold(&connection, "ada", 9_999);
    is_kept(&connection);
    let leave = "UPDATE users SET username = 'x', username_key = 'x ' || id";
    for (some, left) in [("id > 5000", 5_000), ("id > 158", 158), ("id > 2", 2)] {
        run(
            &connection,
            &format!("{leave} WHERE username_key = 'ada' AND {some}"),
        );
        is_kept(&connection);
        assert_eq!(kept(&connection).0["ada"], left);
    }
    run(&connection, &format!("{leave} WHERE id = 1"));
    assert_eq!(kept(&connection), Kept::default());
}

/// Who is meant, the name and the discriminator that they shall have.
#[derive(Debug, Clone)]
enum Step {
    Make(&'static str, u16),
    Rename(i64, &'static str),
    Renumber(i64, u16),
    Retag(i64, &'static str, u16),
    Bury(i64),
    /// Several at once, of whom some may fail.
    Crowd(i64, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    // Those that there are in the beginning, and a few that are made.
    let who = || 1..330_i64;
    let name = || prop::sample::select(vec!["a", "b", "c", "d"]);
    // Near what is held, and at the ends of words.
    let number = || {
        prop_oneof![
            150..170_u16,
            prop::sample::select(vec![1, 63, 64, 127, 128, 9_983, 9_984, 9_999])
        ]
    };
    prop_oneof![
        (name(), number()).prop_map(|(name, number)| Step::Make(name, number)),
        (who(), name()).prop_map(|(who, name)| Step::Rename(who, name)),
        (who(), number()).prop_map(|(who, number)| Step::Renumber(who, number)),
        (who(), name(), number()).prop_map(|(who, name, number)| Step::Retag(who, name, number)),
        who().prop_map(Step::Bury),
        (who(), name()).prop_map(|(who, name)| Step::Crowd(who, name)),
    ]
}

fn take(connection: &Connection, step: &Step) {
    let alive = "deleted = 0";
    let sql = match step {
        Step::Make(name, number) => format!(
            "INSERT INTO users (username, username_key, discriminator) VALUES ('{name}', '{name}', {number})
            ON CONFLICT (username_key, discriminator) WHERE username_key IS NOT NULL DO NOTHING"
        ),
        Step::Rename(who, name) => format!(
            "UPDATE OR IGNORE users SET username = upper('{name}'), username_key = '{name}' WHERE id = {who} AND {alive}"
        ),
        Step::Renumber(who, number) => format!(
            "UPDATE OR IGNORE users SET discriminator = {number} WHERE id = {who} AND {alive}"
        ),
        Step::Retag(who, name, number) => format!(
            "UPDATE OR IGNORE users SET username = '{name}', username_key = '{name}', discriminator = {number}
            WHERE id = {who} AND {alive}"
        ),
        Step::Bury(who) => format!(
            "UPDATE users SET username = NULL, username_key = NULL, discriminator = NULL, deleted = 1 WHERE id = {who}"
        ),
        Step::Crowd(who, name) => format!(
            "UPDATE OR IGNORE users SET username = '{name}', username_key = '{name}'
            WHERE id BETWEEN {who} AND {who} + 10 AND {alive}"
        ),
    };
    run(connection, &sql);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_to_users_the_bits_are_those_of_the_rows(steps in prop::collection::vec(step(), 1..60)) {
        let (directory, store) = store();
        drop(store);
        let connection = Connection::open(directory.path().join("saryno.db")).unwrap();
        let transaction = connection.unchecked_transaction().unwrap();
        hold(&transaction, "a", FEW);
        hold(&transaction, "b", FEW + 1);
        hold(&transaction, "c", 1);
        for step in steps {
            take(&transaction, &step);
            prop_assert_eq!(kept(&transaction), expected(&transaction), "{:?}", step);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_draws_of_a_crowded_name_gets_what_is_free_of_it_however_it_is_written() {
    let (directory, store) = store();
    let database = Connection::open(directory.path().join("saryno.db")).unwrap();
    let ids = Generator::new(0, Id::MIN);
    for number in 1..=200 {
        let name = ["Ada", "ADA", "ada"][number % 3];
        // Zero is the lowest that is free.
        let mut new = new_user(ids.next().unwrap(), name);
        new.random = 0;
        let made = store.create_user(new).await.unwrap();
        let number = u16::try_from(number).unwrap();
        assert_eq!(made.discriminator, Discriminator::new(number));
    }
    is_kept(&database);
    let told = store.taken("aDA".parse().unwrap(), Asker::Account, now());
    assert_eq!(told.await.unwrap().unwrap().count(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_or_undone_leaves_the_bits_as_they_were() {
    let (directory, store) = store();
    let database = Connection::open(directory.path().join("saryno.db")).unwrap();
    hold(&database, "ada", 9_999);
    hold(&database, "bob", 200);
    let ids = Generator::new(0, Id::MIN);
    let me = store.create_user(new_user(ids.next().unwrap(), "me")).await;
    let me = me.unwrap().id;
    let before = kept(&database);
    let change = |username: &str, discriminator| Change {
        username: Some(username.parse().unwrap()),
        discriminator: Discriminator::new(discriminator),
        avatar: None,
    };
    let taken = |tag: &str| Err(Error::TagTaken(tag.to_owned()));
    for (change, refused) in [
        (change("ada", 0), Err(Error::UsernameFull("ada".into()))),
        (change("ada", 7), taken("ada#0007")),
        (change("bob", 7), taken("bob#0007")),
    ] {
        let outcome = store
            .modify_user(me, change.clone(), Precondition::Any, 0, None)
            .await;
        assert_eq!(outcome, refused);
        let rename = UserAction::Modify { change, random: 0 };
        let outcome = perform(&store, Action::User(me, rename)).await;
        assert_eq!(outcome.map(drop), refused.map(drop));
        assert_eq!(kept(&database), before);
    }
    is_kept(&database);
}

#[test]
fn an_import_of_a_crowd_keeps_its_bits() {
    let (directory, data) = directory();
    let line = |id: u16| {
        format!(
            "{{\"id\":\"{id}\",\"username\":\"Ada\",\"discriminator\":\"{id:04}\",\"avatar\":null,\"flags\":[]}}\n"
        )
    };
    let file = directory.path().join("lines");
    std::fs::write(&file, (1..=200).map(line).collect::<String>()).unwrap();
    import(&data, &file);
    let connection = database(&data);
    assert_eq!(words(&connection), 157);
    is_kept(&connection);
}
