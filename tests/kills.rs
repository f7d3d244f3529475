//! The real executable ended under load, by SIGKILL again and again, and by SIGTERM: what it answered is there, and it starts by
//! itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rand::RngExt;

use crate::executable::{Binary, agent, http};
use crate::ledger::{Ledger, Load, Thing, admin_token, assert_well, rounds, stored};
use crate::races::{database, directory, people, text};

const CLIENTS: usize = 64;

#[test]
fn kills_under_64_writing_clients_lose_nothing_that_was_answered_and_no_id_comes_twice() {
    let (_directory, data) = directory();
    let people = people(&data, CLIENTS);
    let admin = admin_token(&database(&data));
    let (ledger, turns, clock) = (Ledger::default(), AtomicUsize::new(0), AtomicU64::new(0));
    let load = Load {
        ledger: &ledger,
        people: &people,
        admin: Some(&admin),
        turns: &turns,
        now: &|| clock.fetch_add(1, Ordering::SeqCst),
    };
    let rounds = rounds(8);
    for _ in 0..rounds {
        // The first to open the file is the server: what a look at it mends is not what its start mends.
        let enough = rand::rng().random_range(1..600);
        load.write_and_end(Binary::start(&data), CLIENTS, enough, Binary::kill);
    }
    let server = Binary::start(&data);
    let ready = http(&agent(), "GET", &format!("{}/ready", server.url), "", "");
    let (status, ready) = ready.unwrap();
    assert_eq!((status, text(&ready["status"])), (200, "ready"));
    assert!(server.terminate().success());
    let found = ledger.is_kept_by(&data);
    assert_well(&data);
    println!(
        "{rounds} kills, {} writes answered, {found} found",
        ledger.answered()
    );
}

#[test]
fn sigterm_under_load_answers_what_was_accepted_and_leaves_no_wal() {
    let (_directory, data) = directory();
    let people = people(&data, 8);
    let (ledger, turns) = (Ledger::default(), AtomicUsize::new(0));
    let load = Load {
        ledger: &ledger,
        people: &people,
        admin: None,
        turns: &turns,
        now: &|| 0,
    };
    for _ in 0..3 {
        let end = |server: Binary| assert_eq!(server.terminate().code(), Some(0));
        load.write_and_end(Binary::start(&data), people.len(), 100, end);
        assert!(!data.join("saryno.db-wal").exists());
        ledger.is_kept_by(&data);
        // What was written without an answer was accepted and then dropped.
        for thing in stored(&data.join("saryno.db")).keys() {
            let is_person = matches!(thing, Thing::Account(_));
            assert!(is_person || ledger.tells_of(thing), "{thing:?}");
        }
    }
    assert_well(&data);
}
