//! Stores with many people in them, made in bulk: exactly the rows that the server itself would have made.
//!
//! A store is made once and kept under `target/`, by the schema and by what is in it.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use base64ct::{Base64UrlUnpadded, Encoding};
use rusqlite::{Connection, Transaction, params};
use saryno::names::Username;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::server::Result;

/// How many accounts clients speak for, at most.
pub(crate) const CALLERS: usize = 10_000;

/// Half of a caller's DMs: with so many of the next callers; the other half is with those before.
const HALF_OF_DMS: usize = 10;

/// A caller's communities.
const COMMUNITIES: usize = 20;

/// One short of full, and one for who comes and goes.
pub(crate) const HOLDERS: usize = 9_998;

/// Those who have 100,000 channels, and as many who have 200.
pub(crate) const HUBS: usize = 8;
pub(crate) const CHANNELS_OF_HUBS: [usize; 2] = [100_000, 200];

/// Milliseconds after the ids' epoch; these ids are of the end of 2023.
const FIRST: i64 = 100_000_000_000;

pub(crate) const PASSWORD: &str = "a horse, a staple";

/// Who is in a store.
#[derive(Clone, Copy, Default, Serialize)]
pub(crate) struct Seed {
    /// How many accounts, each with a token.
    pub(crate) users: usize,
    /// How many names are held by [`HOLDERS`] more accounts each.
    pub(crate) crowded_names: usize,
    /// Whether callers have a password.
    pub(crate) passwords: bool,
    /// Whether callers have channels and communities, 20 each.
    pub(crate) lists: bool,
    /// Whether the first accounts have very many channels.
    pub(crate) hubs: bool,
}

/// An account's id.
pub(crate) fn id(account: usize) -> i64 {
    (FIRST + i64::try_from(account).unwrap_or(0)) << 22
}

/// An account's token: what makes it secret is left out, so that nobody has to remember ten million.
pub(crate) fn token(account: usize) -> String {
    let bits = Sha256::digest(account.to_le_bytes());
    format!("srn_{}", Base64UrlUnpadded::encode_string(&bits))
}

/// The discriminators in their order, and round again.
fn discriminator(number: usize) -> i64 {
    i64::try_from(number % 9_999 + 1).unwrap_or(1)
}

/// A name that many have.
pub(crate) fn crowded_name(number: usize) -> String {
    format!("Crowded {number}")
}

impl Seed {
    /// The accounts that clients speak for.
    pub(crate) fn callers(&self) -> impl Iterator<Item = usize> + Clone {
        self.spread(CALLERS)
    }

    /// So many accounts at most, spread evenly over all.
    pub(crate) fn spread(&self, most: usize) -> impl Iterator<Item = usize> + Clone {
        let count = self.users.min(most);
        let stride = self.users / count;
        (0..count).map(move |number| number * stride)
    }

    fn all(&self) -> usize {
        self.users + self.crowded_names * HOLDERS
    }

    /// What an account is called, with its discriminator: nine in ten have a name of their own.
    pub(crate) fn tag(&self, account: usize) -> (String, i64) {
        if let Some(holder) = account.checked_sub(self.users) {
            return (
                crowded_name(holder / HOLDERS),
                discriminator(holder % HOLDERS),
            );
        }
        // A bijection below this prime: the order of the names is not the ids'.
        let number = account * 7_368_787 % 15_485_863;
        let (first, second) = (FIRSTS[number % 16], SECONDS[number / 16 % 16]);
        if account.is_multiple_of(10) {
            let names = (self.users / 500).max(1);
            let (name, holder) = (account / 10 % names, account / 10 / names);
            (
                format!("{} {name}", FIRSTS[name % 16]),
                discriminator(holder),
            )
        } else {
            (format!("{first}{second}{number}"), discriminator(number))
        }
    }

    /// A copy of the store in this directory, which isn't there yet.
    pub(crate) fn copy_to(&self, data: &Path) -> Result<()> {
        let made = self.made()?;
        fs::DirBuilder::new().mode(0o700).create(data)?;
        fs::copy(made.join("saryno.db"), data.join("saryno.db"))?;
        Ok(())
    }

    /// Notes that these accounts' tokens were used within the hour, as those of people who are there have been.
    pub(crate) fn note_use(data: &Path, accounts: impl Iterator<Item = usize>) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let now = i64::try_from(now)?;
        let mut connection = Connection::open(data.join("saryno.db"))?;
        let transaction = connection.transaction()?;
        let mut note = transaction.prepare("UPDATE tokens SET last_used = ?2 WHERE id = ?1")?;
        for account in accounts {
            note.execute(params![id(account) | 1, now])?;
        }
        drop(note);
        transaction.commit()?;
        Ok(())
    }

    /// Where the store lies; makes it if it isn't there yet.
    fn made(&self) -> Result<PathBuf> {
        let schema = include_str!("../../schema.sql");
        let seed = serde_json::to_string(self)?;
        let key = Sha256::digest([schema, include_str!("seed.rs"), &seed].concat());
        let key = Base64UrlUnpadded::encode_string(&key[..6]);
        let seeds = Path::new(env!("CARGO_TARGET_TMPDIR")).join("seeds");
        let made = seeds.join(format!("{}-{key}", self.all()));
        if !made.exists() {
            fs::create_dir_all(&seeds)?;
            let unfinished = tempfile::tempdir_in(&seeds)?;
            self.make(&unfinished.path().join("data"))?;
            fs::rename(unfinished.path().join("data"), &made)?;
        }
        Ok(made)
    }

    /// Makes the store in a directory that isn't there yet.
    pub(crate) fn make(&self, data: &Path) -> Result<()> {
        let begun = std::time::Instant::now();
        run("registration", &["open"], data)?;
        let password = if self.passwords {
            Some(hash_password()?)
        } else {
            None
        };
        let mut connection = Connection::open(data.join("saryno.db"))?;
        // Nobody else is there, and what a power cut leaves is made anew.
        connection.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -4000000;",
        )?;
        let transaction = connection.transaction()?;
        self.make_users(&transaction, password.as_deref())?;
        let mut next = FIRST + i64::try_from(self.all())?;
        if self.lists {
            next = self.make_lists(&transaction, next)?;
        }
        if self.hubs {
            make_hubs(&transaction, next)?;
        }
        transaction.commit()?;
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_checkpoint(TRUNCATE);")?;
        drop(connection);
        eprintln!(
            "a store of {} users made in {:.0?}",
            self.all(),
            begun.elapsed()
        );
        Ok(())
    }

    fn make_users(&self, transaction: &Transaction<'_>, password: Option<&str>) -> Result<()> {
        let mut user = transaction.prepare(
            "INSERT INTO users (id, username, username_key, discriminator, password) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let mut token = transaction.prepare(
            "INSERT INTO tokens (id, user_id, hash, name, login, last_used) VALUES (?1, ?2, ?3, 'unnamed client', 0, NULL)",
        )?;
        for account in 0..self.all() {
            let (name, discriminator) = self.tag(account);
            let name: Username = name.parse().map_err(|_| format!("{name} is no username"))?;
            let id = id(account);
            user.execute(params![
                id,
                name.as_str(),
                name.key(),
                discriminator,
                password
            ])?;
            let hash = Sha256::digest(self::token(account));
            token.execute(params![id | 1, id, hash.as_slice()])?;
        }
        Ok(())
    }

    /// Each caller's DMs with those before and behind, and a community of each of which the next are members; from this
    /// millisecond on, and the one after the last.
    fn make_lists(&self, transaction: &Transaction<'_>, mut next: i64) -> Result<i64> {
        let callers: Vec<_> = self.callers().collect();
        for (number, caller) in callers.iter().enumerate() {
            for step in 1..=HALF_OF_DMS {
                let other = callers[(number + step) % callers.len()];
                make_dm(transaction, next << 22, id(*caller), id(other))?;
                next += 1;
            }
        }
        let mut community = transaction.prepare(
            "INSERT INTO communities (id, name, name_key, owner_id) VALUES (?1, ?2, ?3, ?4)",
        )?;
        let mut member = transaction
            .prepare("INSERT INTO members (user_id, community_id, since) VALUES (?1, ?2, ?2)")?;
        for (number, caller) in callers.iter().enumerate() {
            let (name, key) = (format!("Tea house {number}"), format!("tea house {number}"));
            let made = next << 22;
            community.execute(params![made, name, key, id(*caller)])?;
            for step in 0..COMMUNITIES {
                let other = callers[(number + step) % callers.len()];
                member.execute(params![id(other), made])?;
            }
            next += 1;
        }
        Ok(next)
    }
}

/// Pairs of callers that have no DM, each once: one caller after the other, with one ever further away.
pub(crate) fn new_pairs(callers: usize) -> impl Iterator<Item = (usize, usize)> {
    let pair = move |number| {
        // Neighbours in the file are not neighbours in the store.
        let one = number * 7_919 % callers;
        (one, (one + HALF_OF_DMS + 1 + number / callers) % callers)
    };
    // Further away than half round, and the pairs come again from the other side.
    (0..callers * (callers / 2 - HALF_OF_DMS - 2)).map(pair)
}

/// Pairs of callers that have one.
pub(crate) fn standing_pairs(callers: usize) -> impl Iterator<Item = (usize, usize)> {
    std::iter::repeat_with(move || {
        let one = rand::random_range(0..callers);
        let steps = rand::random_range(1..=HALF_OF_DMS);
        let other = (one + steps) % callers;
        if rand::random() {
            (one, other)
        } else {
            (other, one)
        }
    })
}

fn make_dm(transaction: &Transaction<'_>, dm: i64, one: i64, other: i64) -> Result<()> {
    let (lower, higher) = (one.min(other), one.max(other));
    transaction
        .prepare_cached(
            "INSERT INTO channels (id, type, lower_id, higher_id) VALUES (?1, 2, ?2, ?3)",
        )?
        .execute(params![dm, lower, higher])?;
    let mut participant = transaction.prepare_cached(
        "INSERT INTO participants (channel_id, user_id, other_id, since) VALUES (?1, ?2, ?3, ?1)",
    )?;
    participant.execute(params![dm, lower, higher])?;
    participant.execute(params![dm, higher, lower])?;
    Ok(())
}

/// The first accounts have a DM with each of very many others, in turns very many and fewer.
fn make_hubs(transaction: &Transaction<'_>, mut next: i64) -> Result<()> {
    for hub in 0..HUBS {
        for other in 0..CHANNELS_OF_HUBS[hub % 2] {
            make_dm(transaction, next << 22, id(hub), id(HUBS + other))?;
            next += 1;
        }
    }
    Ok(())
}

/// A hash as the program itself makes it; everybody may have the same.
fn hash_password() -> Result<String> {
    let directory = tempfile::tempdir()?;
    let data = directory.path().join("data");
    let mut command = Command::new(env!("CARGO_BIN_EXE_saryno"));
    command
        .args(["user", "create", "Ada", "--password-stdin", "--data"])
        .arg(&data);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().ok_or("no standard input")?;
    std::io::Write::write_all(&mut input, PASSWORD.as_bytes())?;
    drop(input);
    if !child.wait()?.success() {
        return Err("an account with a password can't be made".into());
    }
    let connection = Connection::open(data.join("saryno.db"))?;
    Ok(connection.query_row("SELECT password FROM users", [], |row| row.get(0))?)
}

fn run(noun: &str, arguments: &[&str], data: &Path) -> Result<()> {
    let done = Command::new(env!("CARGO_BIN_EXE_saryno"))
        .arg(noun)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .output()?;
    if !done.status.success() {
        return Err(String::from_utf8_lossy(&done.stderr).into_owned().into());
    }
    Ok(())
}

const FIRSTS: [&str; 16] = [
    "Quiet", "Amber", "Brave", "Clever", "Dusty", "Early", "Frosty", "Gentle", "Happy", "Iron",
    "Jolly", "Kind", "Lunar", "Misty", "Noble", "Young",
];

const SECONDS: [&str; 16] = [
    "Otter", "River", "Falcon", "Maple", "Harbour", "Lantern", "Meadow", "Nettle", "Orchard",
    "Pebble", "Quill", "Raven", "Sparrow", "Thicket", "Willow", "Zephyr",
];
