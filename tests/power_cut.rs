//! The real executable on a disk that loses what was not synced: what it answered before the cut is there after it.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use rand::RngExt;
use saryno::backups::Pace;
use saryno::store::sqlite::verify_copy;
use serde_json::Value;
use tempfile::TempDir;

use crate::backups::{backup, names};
use crate::disk::{Log, Syncs, library};
use crate::executable::{Binary, agent, http, run, run_json, saryno};
use crate::ledger::{Ledger, Load, Moment, assert_well, rounds, stored};
use crate::races::{Person, text};

/// A directory on such a disk, and the log of it.
struct Place {
    _directory: TempDir,
    root: PathBuf,
    data: PathBuf,
    log: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("disk");
        std::fs::create_dir(&root).unwrap();
        Self {
            data: root.join("data"),
            log: directory.path().join("log"),
            root,
            _directory: directory,
        }
    }

    fn variables(&self) -> [(&str, &str); 3] {
        [
            ("LD_PRELOAD", library()),
            ("DISK_ROOT", self.root.to_str().unwrap()),
            ("DISK_LOG", self.log.to_str().unwrap()),
        ]
    }

    /// How much was written down: whatever is done after this moment stands behind it in the log.
    fn now(&self) -> Moment {
        std::fs::metadata(&self.log).map_or(0, |log| log.len())
    }

    /// Runs a command on it.
    fn run(&self, arguments: &[&str]) -> Value {
        let mut command = saryno(&self.data, &[arguments, &["--json"]].concat());
        let output = command.envs(self.variables()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn start(&self) -> Binary {
        Binary::start_with(&self.data, &[], &self.variables())
    }

    /// What is left of the data after a cut.
    fn cut(&self, log: &Log, records: usize, syncs: Syncs, seed: u64) -> (TempDir, PathBuf) {
        let left = tempfile::tempdir().unwrap();
        log.cut(records, syncs, seed, left.path());
        let data = left
            .path()
            .join(self.data.strip_prefix(&self.root).unwrap());
        (left, data)
    }
}

/// Eight people on a new disk, whom the command line made one after the other.
fn first_people(place: &Place, ledger: &Ledger) -> Vec<Person> {
    let people = (0..8).map(|number| {
        let name = format!("Person {number}");
        let made = place.run(&["user", "create", &name, "--token"]);
        let id = text(&made["user"]["id"]).to_owned();
        ledger.account(&id, &name, place.now());
        Person {
            id,
            token: text(&made["token"]).to_owned(),
        }
    });
    people.collect()
}

/// A life of a store: made by commands, served three times under load, checkpointed on the way, ended by a kill and by SIGTERM.
fn a_life(place: &Place, ledger: &Ledger) -> Log {
    let people = first_people(place, ledger);
    let turns = AtomicUsize::new(0);
    let load = Load {
        ledger,
        people: &people,
        admin: None,
        turns: &turns,
        now: &|| place.now(),
    };
    for end in [Binary::kill as fn(Binary), terminate, terminate] {
        load.write_and_end(place.start(), people.len(), 300, end);
    }
    Log::read(&place.log, &place.root)
}

fn terminate(server: Binary) {
    assert!(server.terminate().success());
}

/// Moments of all kinds: any, in the first commands, in the midst of a checkpoint, and the very end.
fn moments(log: &Log, count: usize) -> Vec<usize> {
    let mut random = rand::rng();
    let checkpoints = log.writes_to("/saryno.db");
    let all = log.records.len();
    let mut moment = |kind: usize| match kind % 4 {
        0 => checkpoints[random.random_range(0..checkpoints.len())],
        1 => random.random_range(0..all / 10),
        _ => random.random_range(0..all),
    };
    let mut moments: Vec<_> = (0..count).map(&mut moment).collect();
    moments.push(all);
    moments
}

#[test]
fn power_cuts_at_any_moment_lose_nothing_that_was_answered() {
    let (place, ledger) = (Place::new(), Ledger::default());
    let log = a_life(&place, &ledger);
    let (cuts, mut held) = (rounds(24), 0);
    for (number, records) in moments(&log, cuts).into_iter().enumerate() {
        let seed = rand::random();
        let (_left, data) = place.cut(&log, records, Syncs::Kept, seed);
        let until = log.records[..records].last().map_or(0, |last| last.end);
        let what = format!("cut {number}, behind {records} records, seed {seed}");
        // Nobody looks at it before the server does.
        let server = Binary::start(&data);
        let ready = http(&agent(), "GET", &format!("{}/ready", server.url), "", "");
        assert_eq!(ready.unwrap().0, 200, "{what}");
        server.kill();
        let (answered, missing) = ledger.held_against(&stored(&data.join("saryno.db")), until);
        assert!(missing.is_empty(), "{what}: {missing:#?}");
        held += answered;
        assert_well(&data);
        for name in backups_of(&data) {
            let whole = verify_copy(&data.join("backups").join(&name), &Pace::full());
            assert!(whole.unwrap().holds(), "{what}: {name}");
        }
    }
    println!(
        "{} power cuts in {} records of {} MB; {} writes answered, {held} held against what was left",
        cuts + 1,
        log.records.len(),
        place.now() >> 20,
        ledger.answered()
    );
}

/// What has the name of a backup and a sum beside it.
fn backups_of(data: &Path) -> Vec<String> {
    let backups = data.join("backups");
    if !backups.exists() {
        return Vec::new();
    }
    let all = names(&backups);
    let verified = |name: &String| all.contains(&format!("{name}.sha256"));
    all.iter().filter(|name| verified(name)).cloned().collect()
}

#[test]
fn a_disk_that_forgets_what_was_synced_loses_what_was_answered() {
    let (place, ledger) = (Place::new(), Ledger::default());
    let log = a_life(&place, &ledger);
    for syncs in [Syncs::OfDirectoriesOnly, Syncs::OfFilesOnly] {
        let (mut lost, rounds) = (0, 12);
        for seed in 0..rounds {
            let records = log.records.len() * (usize::try_from(seed).unwrap() + 1) / 13;
            let (_left, data) = place.cut(&log, records, syncs, seed);
            let until = log.records[records - 1].end;
            let is_whole = data.exists() && run(&data, &["verify"]).status.success();
            let is_kept = || {
                let stored = stored(&data.join("saryno.db"));
                ledger.held_against(&stored, until).1.is_empty()
            };
            lost += u32::from(!is_whole || !is_kept());
        }
        assert!(lost > 3, "{lost} of {rounds} lost something");
    }
}

#[test]
fn power_cuts_in_a_restore_leave_the_old_data_or_the_new_whole() {
    let (place, ledger) = (Place::new(), Ledger::default());
    first_people(&place, &ledger);
    let kept = place.root.with_extension("kept.db");
    assert!(backup(&place.data, &kept).status.success());
    // The restore begins with data that are whole on the disk.
    place.run(&["user", "create", "Later"]);
    let begun = Log::read(&place.log, &place.root).records.len();
    place.run(&["restore", kept.to_str().unwrap()]);
    let log = Log::read(&place.log, &place.root);
    let mut seen = [0, 0];
    for seed in 0..rounds(24) {
        // Every other one round the moment at which the data change, which is next to the end.
        let all = log.records.len();
        let records = match seed % 2 {
            0 => rand::rng().random_range(begun..=all),
            _ => all - seed / 2 % 4,
        };
        let (_left, data) = place.cut(&log, records, Syncs::Kept, seed as u64);
        assert_eq!(run_json(&data, &["verify"])["ok"], true, "{records} {seed}");
        let later = stored(&data.join("saryno.db")).into_values();
        seen[usize::from(later.into_iter().any(|state| state == "Later"))] += 1;
    }
    assert!(seen[0] > 0 && seen[1] > 0, "{seen:?}");
    let (_left, data) = place.cut(&log, log.records.len(), Syncs::Kept, 0);
    assert_eq!(stored(&data.join("saryno.db")).len(), 8);
    println!(
        "power cuts in a restore: {} left the new data, {} the old",
        seen[0], seen[1]
    );
}
