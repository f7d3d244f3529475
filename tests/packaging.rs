//! What packages are made of: the version, completions, manual pages, the file of settings, the unit.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use saryno::config::Config;
use serde_json::Value;

use crate::backups::names;
use crate::executable::{run, run_json, saryno};
use crate::races::{directory, text};

const SETTINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/saryno.toml");
const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/saryno.service");

/// What a command prints that must succeed.
#[track_caller]
fn printed(data: &Path, arguments: &[&str]) -> String {
    let output = run(data, arguments);
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_short_version_is_a_number_and_the_long_one_tells_the_commit_and_the_sqlite_inside() {
    let (_directory, data) = directory();
    let version = concat!("saryno ", env!("CARGO_PKG_VERSION"));
    assert_eq!(printed(&data, &["-V"]), format!("{version}\n"));
    let sqlite = rusqlite::version();
    // What the build told the program it tells its tests, too.
    let told = match env!("BUILD_COMMIT") {
        "" => format!("{version} (SQLite {sqlite})\n"),
        commit => format!("{version} (commit {commit}, SQLite {sqlite})\n"),
    };
    assert_eq!(printed(&data, &["--version"]), told);
}

#[test]
fn what_the_build_script_hands_on_is_no_setting_that_a_server_under_cargo_run_would_refuse() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/build.rs");
    let script = std::fs::read_to_string(script).unwrap();
    let handed = script.split("rustc-env=").skip(1);
    let names: Vec<_> = handed.filter_map(|rest| rest.split('=').next()).collect();
    assert!(!names.is_empty());
    let (_directory, data) = directory();
    for name in names {
        let mut command = saryno(&data, &["config", "check"]);
        let command = command.env("SARYNO_PORT", "0").env(name, "0123456789ab");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
    }
}

#[test]
fn bash_completes_a_subcommand_and_its_flags() {
    let (directory, data) = directory();
    let script = directory.path().join("saryno.bash");
    std::fs::write(&script, printed(&data, &["completions", "bash"])).unwrap();
    let sound = Command::new("bash").arg("-n").arg(&script).status();
    assert!(sound.unwrap().success());
    let completed = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let (word, before) = (words.len() - 1, words.len() - 2);
        let typed = format!(
            "source '{}'; COMP_WORDS=({line}); COMP_CWORD={word}; _saryno saryno '{}' '{}'; echo \"${{COMPREPLY[*]}}\"",
            script.display(),
            words[word],
            words[before]
        );
        let output = Command::new("bash").args(["-c", &typed]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(completed("saryno us"), "user");
    assert_eq!(completed("saryno user cre"), "create");
    assert_eq!(completed("saryno user create --pass"), "--password-stdin");
}

#[test]
fn every_shell_has_a_script_that_knows_every_subcommand() {
    let (_directory, data) = directory();
    let scripts = ["bash", "zsh", "fish", "elvish", "powershell"];
    for script in scripts.map(|shell| printed(&data, &["completions", shell])) {
        for command in subcommands(&data, &[]) {
            assert!(script.contains(&command), "{command}: {script}");
        }
    }
    let unknown = run(&data, &["completions", "tcsh"]);
    assert_eq!(unknown.status.code(), Some(2));
}

/// The subcommands of a command, as its help lists them.
fn subcommands(data: &Path, of: &[&str]) -> Vec<String> {
    let help = printed(data, &[of, &["--help"]].concat());
    let listed = help.split("\nCommands:\n").nth(1).unwrap_or_default();
    let lines = listed.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    names.collect()
}

#[test]
fn every_subcommand_has_a_manual_page() {
    let (directory, data) = directory();
    let mut due = BTreeSet::from(["saryno.1".to_owned()]);
    for noun in subcommands(&data, &[]) {
        due.insert(format!("saryno-{noun}.1"));
        for verb in subcommands(&data, &[&noun]) {
            due.insert(format!("saryno-{noun}-{verb}.1"));
        }
    }
    assert!(due.len() > 30, "{due:?}");
    let pages = directory.path().join("deep/man1");
    printed(&data, &["man", pages.to_str().unwrap()]);
    assert_eq!(names(&pages), due);
    for name in due {
        let page = std::fs::read_to_string(pages.join(&name)).unwrap();
        let title = format!(".TH {} 1 ", name.trim_end_matches(".1"));
        assert!(page.contains(&title), "{name}: {page}");
    }
    let page = std::fs::read_to_string(pages.join("saryno.1")).unwrap();
    assert_eq!(printed(&data, &["man"]), page);
}

#[test]
fn pages_that_can_not_be_written_are_told_of() {
    let (directory, data) = directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = run(&data, &["man", file.to_str().unwrap()]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    assert!(complaint.contains("can't be written into"), "{complaint}");
}

/// Settings whose default the machine decides; the file tells an example.
const OF_THE_MACHINE: [&str; 3] = ["workers", "store.readers", "log.format"];

/// Every key that is there, a dot between section and key, and its default.
fn flat(prefix: &str, settings: Value, all: &mut BTreeMap<String, Value>) {
    match settings {
        Value::Object(section) => {
            for (key, value) in section {
                let dot = if prefix.is_empty() { "" } else { "." };
                flat(&format!("{prefix}{dot}{key}"), value, all);
            }
        }
        value => {
            all.insert(prefix.to_owned(), value);
        }
    }
}

#[test]
fn the_packaged_settings_are_all_there_are_each_with_its_default_and_none_is_set() {
    let (directory, data) = directory();
    let as_packaged = run_json(&data, &["config", "show", "--config", SETTINGS]);
    for setting in as_packaged.as_array().unwrap() {
        assert_eq!(setting["source"], "default", "{setting}");
    }

    // A sentence has a space behind its sign, a setting none.
    let packaged = std::fs::read_to_string(SETTINGS).unwrap();
    let lines = packaged.lines().filter_map(|line| line.strip_prefix('#'));
    let settings: Vec<_> = lines.filter(|line| !line.starts_with(' ')).collect();
    let file = directory.path().join("all.toml");
    std::fs::write(&file, settings.join("\n")).unwrap();
    let shown = run_json(
        &data,
        &["config", "show", "--config", file.to_str().unwrap()],
    );
    let mut told = BTreeMap::new();
    for setting in shown.as_array().unwrap() {
        assert_eq!(setting["source"], file.to_str().unwrap(), "{setting}");
        told.insert(text(&setting["key"]).to_owned(), setting["value"].clone());
    }

    let mut known = BTreeMap::new();
    let defaults = serde_json::to_value(Config::default()).unwrap();
    flat("", defaults.clone(), &mut known);
    let keys = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&told), keys(&known));
    for (key, default) in known {
        // Where there is none, an example stands for it.
        if !default.is_null() && !OF_THE_MACHINE.contains(&key.as_str()) {
            let mut with = defaults.clone();
            let path = format!("/{}", key.replace('.', "/"));
            *with.pointer_mut(&path).unwrap() = told[&key].clone();
            // A day is 24 hours, however it is written.
            let config: Config = serde_json::from_value(with).unwrap();
            assert_eq!(config, Config::default(), "{key}");
        }
    }
}

#[test]
fn the_unit_gives_the_server_little_more_than_its_data_and_its_sockets() {
    let output = Command::new("systemd-analyze")
        // Tenths: more than 1.9 is an error.
        .args([
            "security",
            "--offline=true",
            "--no-pager",
            "--threshold=19",
            UNIT,
        ])
        .output()
        .expect("systemd-analyze, of Debian's package systemd");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
}
