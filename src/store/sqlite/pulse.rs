//! What the service manager is told: a store that reads and writes beats, one that hangs does not.

use std::sync::mpsc::channel;
use std::time::Duration;

use tempfile::TempDir;

use super::{Options, Sqlite};
use crate::systemd::Pulse;

fn store() -> (TempDir, Sqlite) {
    let directory = tempfile::tempdir().unwrap();
    let options = Options {
        readers: 1,
        queue: 1,
        batch: 1,
        cache: 0,
    };
    let store = Sqlite::open(&directory.path().join("saryno.db"), options).unwrap();
    (directory, store)
}

#[tokio::test]
async fn it_beats_while_the_store_reads_and_writes() {
    let (_directory, store) = store();
    let mut pulse = Pulse::default();
    assert!(pulse.beats(&store).await);
    assert!(pulse.beats(&store).await);
}

#[tokio::test]
async fn it_does_not_where_all_readers_hang_whatever_is_written() {
    let (_directory, store) = store();
    let hangs = store.readers.pool().get().unwrap();
    assert!(!Pulse::default().beats(&store).await);
    drop(hangs);
}

#[tokio::test]
async fn it_does_not_where_the_writer_hangs_with_a_full_queue_or_an_empty_one() {
    let (_directory, store) = store();
    let (enter, entered) = channel();
    let (release, released) = channel::<()>();
    store.writer.run_unanswered(move |_| {
        enter.send(()).unwrap();
        // Until the end of the test.
        let _ = released.recv();
        Ok(())
    });
    entered.recv().unwrap();
    let mut pulse = Pulse::default();
    let waiting = tokio::time::timeout(Duration::from_millis(200), pulse.beats(&store));
    assert!(waiting.await.is_err(), "it came back");
    // What it left in the queue fills it.
    assert!(!pulse.beats(&store).await);
    drop(release);
}
