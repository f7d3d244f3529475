//! A data directory on a file system of another machine is refused before anything is written there.

use std::path::Path;
use std::process::Output;

use serde_json::json;

use crate::damaged::ended;
use crate::disk::library;
use crate::executable::{Binary, agent, http, saryno};
use crate::races::directory;

/// The table of mounts of a system whose data are on a file system of this type, as Linux tells it.
fn mounts(place: &Path, kind: &str) -> String {
    // A space in a name is told as \040.
    let place = place.to_str().unwrap().replace(' ', "\\040");
    format!(
        "22 1 259:2 / / rw,relatime shared:1 - ext4 /dev/root rw\n\
        30 22 0:26 / /tmp rw,nosuid - tmpfs tmpfs rw\n\
        41 30 0:45 / {place} rw,relatime shared:9 master:2 - {kind} server:/export rw\n\
        42 22 0:46 / {place}-elsewhere rw - ext4 /dev/vdb rw\n"
    )
}

fn run(data: &Path, table: &Path, arguments: &[&str]) -> Output {
    let mut command = saryno(data, arguments);
    command.env("LD_PRELOAD", library());
    ended(command.env("DISK_MOUNTS", table))
}

#[test]
fn a_network_file_system_under_the_data_is_refused_with_what_to_do_before_there_is_a_database() {
    let (directory, _) = directory();
    let (place, table) = (
        directory.path().join("a place"),
        directory.path().join("mounts"),
    );
    std::fs::create_dir(&place).unwrap();
    for kind in ["nfs4", "cifs", "fuse.sshfs", "ceph"] {
        std::fs::write(&table, mounts(&place, kind)).unwrap();
        for arguments in [&["serve", "--port", "0"][..], &["user", "create", "Ada"]] {
            let output = run(&place.join("data"), &table, arguments);
            let complaint = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{complaint}");
            assert!(
                complaint.contains(kind) && complaint.contains("--data"),
                "{complaint}"
            );
            let made = std::fs::read_dir(place.join("data"));
            assert_eq!(made.map_or(0, Iterator::count), 0);
        }
    }
}

#[test]
fn one_that_may_be_another_machines_is_warned_of_and_a_local_one_is_not() {
    let (directory, _) = directory();
    let (place, table) = (
        directory.path().join("place"),
        directory.path().join("mounts"),
    );
    std::fs::create_dir(&place).unwrap();
    for (kind, warned) in [
        ("virtiofs", true),
        ("9p", true),
        ("ext4", false),
        ("overlay", false),
    ] {
        std::fs::write(&table, mounts(&place, kind)).unwrap();
        let data = place.join(kind);
        let variables = [
            ("LD_PRELOAD", library()),
            ("DISK_MOUNTS", table.to_str().unwrap()),
        ];
        let server = Binary::start_with(&data, &[], &variables);
        let health = http(&agent(), "GET", &format!("{}/health", server.url), "", "");
        assert_eq!(health.unwrap(), (200, json!({"status": "ok"})));
        assert_eq!(
            server.log().contains("another machine"),
            warned,
            "{kind}: {}",
            server.log()
        );
    }
}
