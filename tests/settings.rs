//! The settings of the real executable: which source is over which, and what is refused.

use std::path::Path;

use serde_json::{Value, json};

use crate::command_line::{complaint, said};
use crate::executable::{Binary, run, run_json, saryno};
use crate::races::{directory, text};

/// A setting's value and source as `config show` prints them.
fn setting(data: &Path, key: &str, variables: &[(&str, &str)]) -> (Value, String) {
    let mut command = saryno(data, &["config", "show", "--json"]);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let settings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = settings.as_array().unwrap().iter();
    let found = all.find(|setting| setting["key"] == key).unwrap();
    (found["value"].clone(), text(&found["source"]).to_owned())
}

#[test]
fn a_flag_is_over_a_variable_is_over_the_file_is_over_the_default() {
    let (directory, data) = directory();
    let default = (json!(8000), "default".to_owned());
    assert_eq!(setting(&data, "port", &[]), default);
    let file = directory.path().join("saryno.toml");
    std::fs::write(&file, "port = 8001\n[log]\nlevel = \"warn\"\n").unwrap();
    let (port, source) = setting(&data, "port", &[]);
    assert_eq!(port, 8001);
    assert!(source.ends_with("saryno.toml"), "{source}");
    assert_eq!(setting(&data, "log.level", &[]).0, "warn");
    let variables = [("SARYNO_PORT", "1"), ("SARYNO_LOG__LEVEL", "debug")];
    let port = (json!(1), "SARYNO_PORT".to_owned());
    assert_eq!(setting(&data, "port", &variables), port);
    let level = (json!("debug"), "SARYNO_LOG__LEVEL".to_owned());
    assert_eq!(setting(&data, "log.level", &variables), level);
    assert_eq!(setting(&data, "worker_id", &variables).1, "default");
    // Started with `--port 0`.
    let server = Binary::start_with(&data, &[], &variables);
    assert!(!server.url.ends_with(":1"), "{}", server.url);

    let named = directory.path().join("other.toml");
    std::fs::write(&named, "port = 8002\n").unwrap();
    let shown = said(&run(&data, &["config", "show", "--config", "other.toml"]));
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("port = 8002  # ") && line.ends_with("other.toml")),
        "{shown}"
    );
    assert!(shown.contains("log.level = \"info\"  # default"), "{shown}");
}

#[test]
fn a_setting_that_is_unknown_of_a_wrong_type_or_out_of_range_stops_the_start_and_is_named() {
    let (directory, data) = directory();
    let file = directory.path().join("saryno.toml");
    let refuse = |variable: Option<(&str, &str)>, named: &str| {
        // The flag of the second would heal a bad port.
        let commands = [&["config", "check"][..], &["serve", "--port", "0"]];
        for arguments in &commands[..if named == "port" { 1 } else { 2 }] {
            let mut command = saryno(&data, arguments);
            let output = command.envs(variable).output().unwrap();
            let complaint = complaint(&output, 1);
            assert!(complaint.to_lowercase().contains(named), "{complaint}");
        }
    };
    std::fs::write(&file, "port = 0").unwrap();
    let good = json!({"ok": true, "faults": [], "warnings": []});
    assert_eq!(run_json(&data, &["config", "check"]), good);
    refuse(Some(("SARYNO_NOPE", "1")), "nope");
    refuse(Some(("SARYNO_LOG__NOPE", "1")), "nope");
    refuse(Some(("SARYNO_PORT", "many")), "port");
    refuse(Some(("SARYNO_WORKER_ID", "1023")), "worker_id");
    refuse(Some(("SARYNO_LOG__LEVEL", "loud")), "level");
    for (line, named) in [
        ("nope = 1", "nope"),
        ("[log]\nnope = 1", "nope"),
        ("[nope]\nlevel = 1", "nope"),
        ("port = \"8000\"", "port"),
        ("port = 65536", "port"),
        ("worker_id = 1023", "worker_id"),
        ("group_dm_max = 2", "group_dm_max"),
        ("workers = 0", "workers"),
        ("port = ", "saryno.toml"),
    ] {
        std::fs::write(&file, line).unwrap();
        refuse(None, named);
    }
    std::fs::write(&file, "port = 0\nworker_id = 1022").unwrap();
    assert_eq!(
        said(&run(&data, &["config", "check"])),
        "The settings are good; saryno.toml is among them.\n"
    );
    let missing = run(&data, &["config", "check", "--config", "missing.toml"]);
    assert!(complaint(&missing, 1).contains("missing.toml"));
}
