//! The real executable ended by SIGKILL under load, again and again: what it answered is there, and it starts by itself.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::executable::{Binary, agent, http};
use crate::ledger::{Ledger, Load, admin_token, assert_well, rounds};
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
        ledger.raise_the_floor();
        // The first to open the file is the server: what a look at it mends is not what its start mends.
        let server = Binary::start(&data);
        let enough = ledger.answered() + rand::rng().random_range(1..600);
        let url = server.url.clone();
        std::thread::scope(|scope| {
            for client in 0..CLIENTS {
                let (load, url) = (&load, &url);
                scope.spawn(move || load.write_until_it_ends(url, client));
            }
            let begun = Instant::now();
            while ledger.answered() < enough {
                assert!(begun.elapsed() < Duration::from_secs(60), "no answers");
                std::thread::sleep(Duration::from_millis(1));
            }
            server.kill();
        });
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
