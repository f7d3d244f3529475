//! What an import and an export hold to, however large they are and however they end: of the real executable.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

use crate::executable::{run, run_json, saryno};
use crate::portable::import;
use crate::races::{database, directory, number};

/// What the cache of pages may grow to in an import, and what else differs from one run to the next, in KiB.
const ROOM: u64 = (64 + 16) * 1024;

/// A user, and an entry of the log with a filler of so many bytes.
pub(crate) fn lines(id: usize, filler: &str) -> String {
    let discriminator = id % 9_999 + 1;
    format!(
        r#"{{"id":"{id}","username":"User {id}","discriminator":"{discriminator:04}","avatar":null,"flags":[]}}
{{"kind":"audit","id":"{id}","admin_name":"x","via":"x","action":"x","target_name":"{filler}"}}
"#
    )
}

/// The most memory that a process had so far, in KiB; nothing once it has ended.
fn peak(child: &Child) -> Option<u64> {
    let status = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(status).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let peak = line.split_whitespace().nth(1);
    Some(peak.unwrap().parse().unwrap())
}

/// The memory that an import of so many users and fillers takes up to its last line, and the export of them.
fn peaks(data: &Path, count: usize, filler: &str) -> [u64; 2] {
    let mut child = saryno(data, &["import", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    for id in 1..=count {
        input.write_all(lines(id, filler).as_bytes()).unwrap();
    }
    let import = peak(&child).unwrap();
    drop(input);
    assert!(child.wait().unwrap().success());

    let mut child = saryno(data, &["export", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    // What is still in the pipe at the end may be all that is left of it.
    let mut export = 0;
    for number in 0..2 * count {
        output.next().unwrap().unwrap();
        if number.is_multiple_of(100) {
            export = peak(&child).unwrap_or(export);
        }
    }
    assert!(output.next().is_some());
    drop(output);
    assert!(child.wait().unwrap().success());
    [import, export]
}

#[test]
fn the_memory_of_an_import_and_an_export_does_not_grow_with_them() {
    let (directory, small) = directory();
    let large = directory.path().join("large");
    // 200 MB of lines, and more than that in pages.
    let (few, many) = (
        peaks(&small, 1_000, ""),
        peaks(&large, 20_000, &"x".repeat(10_000)),
    );
    assert!(many[0] < few[0] + ROOM, "import: {few:?} {many:?}");
    assert!(many[1] < few[1] + ROOM / 4, "export: {few:?} {many:?}");
}

#[test]
fn a_kill_at_any_moment_of_an_import_leaves_nothing_of_it_or_all() {
    let (directory, data) = directory();
    let file = directory.path().join("lines");
    let text: String = (1..=3_000).map(|id| lines(id, "")).collect();
    std::fs::write(&file, text).unwrap();
    run_json(&data, &["user", "create", "Here before"]);
    let users = || number(&database(&data), "SELECT count(*) FROM users");
    let begun = Instant::now();
    import(&directory.path().join("other"), &file);
    let whole = begun.elapsed();
    let rounds = 20;
    let mut seen = BTreeSet::new();
    for round in 0..rounds {
        let mut child = saryno(&data, &["import", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(whole * round / rounds);
        child.kill().unwrap();
        child.wait().unwrap();
        let look = run(&data, &["verify"]);
        assert!(look.status.success(), "round {round}: {look:?}");
        seen.insert(users());
        if users() > 1 {
            break;
        }
    }
    assert!(seen.is_subset(&[1, 3_001].into()), "{seen:?}");
    assert!(seen.contains(&1), "none was ended before it was done");
    if users() == 1 {
        import(&data, &file);
    }
    assert_eq!(users(), 3_001);
}
