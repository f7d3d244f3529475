//! The admin's lists, searches and filters on a store of a million users, against the read of a single one:
//!
//! ```sh
//! cargo bench --bench directory
//! ```
//!
//! Both are measured in turns within one run, because the machine may have other things to do; what counts is the ratio.

// A benchmark that can't go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::{Duration, Instant};

use rusqlite::Connection;
use saryno::admins::Admins;
use saryno::directory::{Communities, Users};
use saryno::fields::Fields;
use saryno::id::Id;
use saryno::store::sqlite::{Options, Sqlite};
use saryno::users::Users as _;

const USERS: i64 = 1_000_000;

/// Milliseconds after the ids' epoch; its ids have as many digits as those of these years.
const FIRST: i64 = 100_000_000_000;

/// Turns for each search; the median of their times is printed.
const TURNS: usize = 301;

/// A million users of 20,000 names, one in a hundred a bot, one in a thousand disabled, one in fifty deleted; a hundred thousand
/// communities. The ids lie a millisecond apart, from [`FIRST`] on.
fn fill(path: &std::path::Path) {
    let connection = Connection::open(path).unwrap();
    let sql = format!(
        "BEGIN;
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {USERS})
        INSERT INTO users (id, username, username_key, discriminator, flags, disabled)
        SELECT ({FIRST} + n) << 22, 'Name ' || (n % 20000), 'name ' || (n % 20000), n / 20000 + 1,
            CASE WHEN n % 100 = 0 THEN 1 << 10 WHEN n % 5000 = 1 THEN 1 << 1 ELSE 0 END, n % 1000 = 7
        FROM n;
        UPDATE users SET username = NULL, username_key = NULL, discriminator = NULL, flags = 0, disabled = 0, deleted = 1
        WHERE ((id >> 22) - {FIRST}) % 50 = 13;
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {USERS} / 10)
        INSERT INTO communities (id, name, name_key, owner_id)
        SELECT ({FIRST} + {USERS} + n) << 22, 'Place ' || n, 'place ' || n, ({FIRST} + 1) << 22 FROM n;
        COMMIT;
        PRAGMA wal_checkpoint(TRUNCATE);"
    );
    connection.execute_batch(&sql).unwrap();
}

fn query(text: &str) -> Fields {
    let parameters = text.split('&').filter_map(|pair| pair.split_once('='));
    Fields::query(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[tokio::main]
async fn main() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("saryno.db");
    let options = Options {
        readers: 4,
        queue: 4096,
        batch: 256,
        cache: 0,
    };
    drop(Sqlite::open(&path, options).unwrap());
    let begun = Instant::now();
    fill(&path);
    println!("{USERS} users made in {:.0?}", begun.elapsed());
    let store = Sqlite::open(&path, options).unwrap();

    let middle = (FIRST + USERS / 2) << 22;
    let users = [
        "order=newest".to_owned(),
        "order=oldest".to_owned(),
        format!("before={middle}"),
        "search=name 1234".to_owned(),
        "search=n".to_owned(),
        "search=n&after=name 19000#40".to_owned(),
        "search=NAME 1234#".to_owned(),
        "search=name 1234#00".to_owned(),
        "search=name 1234#0007".to_owned(),
        format!("search={}", (FIRST + USERS - 1) << 22),
        "filter=bot".to_owned(),
        "filter=developer".to_owned(),
        "filter=system".to_owned(),
        "filter=disabled".to_owned(),
        "filter=deleted".to_owned(),
        "filter=bot&search=name 1".to_owned(),
        "filter=disabled&search=n".to_owned(),
    ];
    println!(
        "{:<40} {:>12} {:>12} {:>7}",
        "search of a page of 50", "one user", "page", "ratio"
    );
    for text in users {
        let search = Users::parse(query(&text)).unwrap();
        let page = async || store.find_users(search.clone()).await.unwrap().items.len();
        compare(&store, &text, page).await;
    }
    for text in ["order=newest", "search=place 5", "search=place 99999"] {
        let search = Communities::parse(query(text)).unwrap();
        let page = async || {
            store
                .find_communities(search.clone())
                .await
                .unwrap()
                .items
                .len()
        };
        compare(&store, &format!("communities {text}"), page).await;
    }
    let page = async || store.fullest_names().await.unwrap().len();
    compare(&store, "the 50 fullest names", page).await;
    let name: saryno::names::Username = "Name 1234".parse().unwrap();
    let page = async || usize::from(store.holders(name.clone()).await.unwrap().holders);
    compare(&store, "the picture of a name", page).await;
    let page = async || usize::try_from(store.statistics().await.unwrap().counts.users).unwrap();
    compare(&store, "the counts", page).await;
}

async fn compare(store: &Sqlite, what: &str, page: impl AsyncFn() -> usize) {
    let (mut singles, mut pages, mut rows) = (Vec::new(), Vec::new(), 0);
    for turn in 0..TURNS {
        // Spread over the whole store, and over none that was deleted.
        let id = i64::try_from(turn).unwrap() * 3_300 * 50 % USERS / 50 * 50 + 1;
        let id = Id::from_bits((FIRST + id) << 22).unwrap();
        let begun = Instant::now();
        store.user(id).await.unwrap();
        singles.push(begun.elapsed());
        let begun = Instant::now();
        rows = page().await;
        pages.push(begun.elapsed());
    }
    let (single, page) = (median(&mut singles), median(&mut pages));
    let ratio = page.as_secs_f64() / single.as_secs_f64();
    println!("{what:<40} {single:>12.1?} {page:>12.1?} {ratio:>6.1}x  {rows}");
}
