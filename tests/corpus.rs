//! The fuzzer's properties on the inputs that are kept in `fuzz/corpus`: those that show a case, and those that once showed a fault.

use std::path::{Path, PathBuf};

use crate::executable::saryno;
use properties::{Given, told};

// A library there, a module here.
#[allow(unreachable_pub, dead_code)]
#[path = "../fuzz/src/lib.rs"]
mod properties;

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let files = std::fs::read_dir(directory)
        .unwrap()
        .map(|file| file.unwrap().path());
    let inputs: Vec<_> = files
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    assert!(inputs.len() > 10, "{target}");
    inputs
}

/// The property on each; which one it is, where it does not hold.
fn hold(target: &str, property: fn(&[u8])) {
    for (path, input) in inputs(target) {
        let held = std::panic::catch_unwind(|| property(&input));
        assert!(held.is_ok(), "{}", path.display());
    }
}

#[test]
fn names_and_ids_stay_what_they_are() {
    hold("names", properties::names);
}

#[test]
fn no_credential_passes_for_another_and_none_prints() {
    hold("credentials", properties::credentials);
}

#[test]
fn a_body_or_a_query_is_taken_or_every_field_at_fault_is_named() {
    hold("bodies", properties::bodies);
}

#[test]
fn of_an_import_what_is_bad_is_told_and_what_is_good_keeps_every_rule() {
    hold("lines", properties::lines);
}

#[test]
fn a_request_to_the_whole_server_is_answered_and_lets_nobody_in() {
    hold("requests", properties::requests);
}

/// By the real executable: the variables of this process are every test's.
#[test]
fn settings_are_taken_or_refused_with_a_sentence_and_the_secret_does_not_show() {
    let directory = tempfile::tempdir().unwrap();
    let (data, file) = (
        directory.path().join("data"),
        directory.path().join("saryno.toml"),
    );
    for (path, input) in inputs("settings") {
        let Some(given) = Given::read(&input) else {
            continue;
        };
        std::fs::write(&file, given.file).unwrap();
        let variables = given.variables.iter();
        let variables = variables.map(|(name, value)| (format!("SARYNO_{name}"), value));
        let output = saryno(&data, &["config", "show"])
            .envs(variables)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        let expected = [Some(0), Some(1)].contains(&output.status.code());
        assert!(expected && !said.is_empty(), "{}: {said}", path.display());
        told(&given, &said);
    }
}
