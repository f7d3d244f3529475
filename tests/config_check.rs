//! `saryno config check`: what would not start, all of it at once, with nothing changed.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::backups::{in_namespace, names};
use crate::executable::{Binary, run, saryno};
use crate::races::{directory, people, text};

/// What it says, and whether that is good; with a free port, unless it is said otherwise.
fn check(data: &Path, variables: &[(&str, &str)]) -> (bool, Value) {
    let mut command = saryno(data, &["config", "check", "--json"]);
    let above = data.ancestors().skip(1).find(|path| path.is_dir());
    let command = command
        .env("SARYNO_PORT", "0")
        .envs(variables.iter().copied());
    let output = command.current_dir(above.unwrap()).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["ok"], output.status.success());
    assert_eq!(said["ok"], said["faults"] == json!([]));
    (output.status.success(), said)
}

/// The settings at fault.
fn settings(said: &Value) -> Vec<&str> {
    let faults = said["faults"].as_array().unwrap().iter();
    faults.map(|fault| text(&fault["setting"])).collect()
}

/// It finds this one fault of the setting, in these words, and leaves everything as it was.
#[track_caller]
fn finds(data: &Path, variables: &[(&str, &str)], setting: &str, words: &str) {
    let (good, said) = check(data, variables);
    assert!(!good, "{said}");
    assert_eq!(settings(&said), [setting], "{said}");
    let message = text(&said["faults"][0]["message"]);
    assert!(message.contains(words), "{message}");
}

#[test]
fn all_faults_are_told_at_once_each_with_its_source_and_nothing_is_made() {
    let (directory, data) = directory();
    let file = directory.path().join("saryno.toml");
    fs::write(
        &file,
        "nope = 1\nworkers = \"many\"\npublic_url = \"https://me:secret@chat.example/saryno\"\n[log]\nlevel = \"loud\"\n[store]\nqueue = 0\nbatch = 99999999999\ncache_mib = 1048577\n[tls]\nkey = \"k.pem\"\n[metrics]\ntoken = \"short\"\n",
    )
    .unwrap();
    let before = fs::read(&file).unwrap();
    let (_, said) = check(
        &data,
        &[
            ("SARYNO_TRUSTED_PROXIES", "[\"10.0.0.0/33\"]"),
            ("SARYNO_ADDRESS", "192.0.2.1"),
        ],
    );
    let mut found = settings(&said);
    found.sort_unstable();
    let expected = [
        "address",
        "log.level",
        "metrics.token",
        "nope",
        "public_url",
        "store.batch",
        "store.cache_mib",
        "store.queue",
        "tls.certificate",
        "trusted_proxies",
        "workers",
    ];
    assert_eq!(found, expected, "{said:#}");
    for fault in said["faults"].as_array().unwrap() {
        let (setting, source) = (text(&fault["setting"]), text(&fault["source"]));
        let message = text(&fault["message"]);
        assert!(
            message.contains(setting) || setting == "address",
            "{message}"
        );
        let expected = match setting {
            "trusted_proxies" => "SARYNO_TRUSTED_PROXIES",
            "address" => "SARYNO_ADDRESS",
            // It is the one that is missing.
            "tls.certificate" => "default",
            _ => "saryno.toml",
        };
        assert!(source.ends_with(expected), "{fault}");
        assert!(
            !message.contains("secret@") && !message.contains("short"),
            "{message}"
        );
    }
    // For a person, a line each; and a server does not start.
    for arguments in [&["config", "check"][..], &["serve", "--port", "0"]] {
        let output = run(&data, arguments);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(complaint.lines().count() >= 8, "{complaint}");
        assert!(
            complaint.lines().all(|line| line.starts_with("saryno: ")),
            "{complaint}"
        );
    }
    assert_eq!(fs::read(&file).unwrap(), before);
    assert!(!data.exists());
}

#[test]
fn a_public_url_with_more_than_a_host_and_a_port_is_found() {
    let (_directory, data) = directory();
    for url in [
        "chat.example",
        "https://chat.example/",
        "https://chat.example/saryno",
        "https://me@chat.example",
    ] {
        finds(
            &data,
            &[("SARYNO_PUBLIC_URL", url)],
            "public_url",
            "as in https://chat.example",
        );
    }
    assert!(check(&data, &[("SARYNO_PUBLIC_URL", "https://chat.example:8443")]).0);
}

#[test]
fn a_data_directory_that_can_not_be_is_found() {
    let (directory, data) = directory();
    assert!(check(&data, &[]).0);
    let file = directory.path().join("file");
    fs::write(&file, "in the way").unwrap();
    for place in [file.clone(), file.join("data")] {
        finds(&place, &[], "data", "no directory");
        let mut serve = saryno(&place, &["serve", "--port", "0"]);
        let refused = serve.current_dir(directory.path()).output().unwrap();
        assert_eq!(refused.status.code(), Some(1));
        let complaint = String::from_utf8(refused.stderr).unwrap();
        assert!(complaint.contains("no directory"), "{complaint}");
    }
    assert_eq!(names(directory.path()), ["file".to_owned()].into());

    fs::create_dir(&data).unwrap();
    for made in ["", "/deeper/down"] {
        let script = format!(
            "mount --bind \"$1\" \"$1\"; mount -o remount,ro,bind \"$1\"
            export SARYNO_PORT=0
            if \"$2\" --data \"$1{made}\" config check; then exit 3; fi
            if \"$2\" --data \"$1{made}\" serve; then exit 3; fi"
        );
        let output = in_namespace(&data, &data, &script);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let told = complaint.matches("is on a file system that is read-only");
        assert_eq!(told.count(), 2, "{complaint}");
    }
}

#[test]
fn a_database_that_is_none_of_ours_is_found_and_left_alone() {
    let (_directory, data) = directory();
    people(&data, 1);
    let database = data.join("saryno.db");
    let sound = fs::read(&database).unwrap();
    let found = |words: &str| {
        let before = fs::read(&database).unwrap();
        finds(&data, &[], "data", words);
        assert!(fs::read(&database).unwrap() == before);
        assert_eq!(names(&data), ["saryno.db".to_owned()].into());
    };
    assert!(check(&data, &[]).0);
    assert_eq!(names(&data), ["saryno.db".to_owned()].into());
    let sql = |sql: &str| {
        Connection::open(&database)
            .unwrap()
            .execute_batch(sql)
            .unwrap();
    };
    sql("PRAGMA user_version = 2");
    found("run the version of saryno that wrote it");
    fs::remove_file(&database).unwrap();
    sql("CREATE TABLE recipes (id INTEGER)");
    found("another program");
    let mut damaged = sound.clone();
    damaged[..16].fill(0);
    fs::write(&database, damaged).unwrap();
    found("not a database");
    fs::write(&database, "Dear diary, ".repeat(1_000)).unwrap();
    found("not a database");
    // One that is empty is begun anew.
    fs::write(&database, "").unwrap();
    assert!(check(&data, &[]).0);
}

#[test]
fn a_file_of_somebody_elses_is_found() {
    let (_directory, data) = directory();
    people(&data, 1);
    fs::write(data.join("serve.lock"), "").unwrap();
    for file in ["saryno.db", "serve.lock"] {
        let script = format!(
            "mount --bind \"$1/{file}\" \"$1/{file}\"; mount -o remount,ro,bind \"$1/{file}\"
            if SARYNO_PORT=0 \"$2\" --data \"$3\" config check; then exit 3; fi"
        );
        let output = in_namespace(&data, &data, &script);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaint}");
        let words = format!("can't read and write {}", data.join(file).display());
        assert!(complaint.contains(&words), "{complaint}");
    }
    assert!(check(&data, &[]).0);
}

#[test]
fn a_place_where_nobody_can_listen_is_found() {
    let (_directory, data) = directory();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap();
    let port = taken.port().to_string();
    finds(
        &data,
        &[("SARYNO_PORT", &port)],
        "port",
        "another program listens there",
    );
    finds(
        &data,
        &[("SARYNO_ADDRESS", "192.0.2.1")],
        "address",
        "no address of this machine",
    );
    let metrics = [("SARYNO_METRICS__ADDRESS", taken.to_string())];
    let metrics = metrics
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    finds(
        &data,
        &metrics,
        "metrics.address",
        "another program listens there",
    );
    // A start says the same, before it makes anything.
    let refused = run(&data, &["serve", "--port", &port]);
    assert_eq!(refused.status.code(), Some(1));
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(
        complaint.contains("another program listens there"),
        "{complaint}"
    );
    assert!(!data.exists());
    drop(other);
    for address in [&taken.to_string(), &format!("0.0.0.0:{port}")] {
        let same = [
            ("SARYNO_PORT", port.as_str()),
            ("SARYNO_METRICS__ADDRESS", address),
        ];
        let (_, said) = check(&data, &same);
        assert!(settings(&said).contains(&"metrics.address"), "{said}");
    }
}

#[test]
fn a_server_that_runs_on_the_data_is_told_of_and_is_in_nobodys_way() {
    let (_directory, data) = directory();
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let metrics = free.to_string();
    let server = Binary::start_with(&data, &[], &[("SARYNO_METRICS__ADDRESS", &metrics)]);
    let port = server.url.rsplit(':').next().unwrap();
    let variables = [("SARYNO_PORT", port), ("SARYNO_METRICS__ADDRESS", &metrics)];
    let (good, said) = check(&data, &variables);
    assert!(good, "{said}");
    assert_eq!(said["running"], server.url.as_str());
    // The port is its own, and still no other address is.
    let (_, said) = check(
        &data,
        &[("SARYNO_PORT", port), ("SARYNO_ADDRESS", "192.0.2.1")],
    );
    assert_eq!(settings(&said), ["address"], "{said}");
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    finds(
        &data,
        &[("SARYNO_METRICS__ADDRESS", &taken)],
        "metrics.address",
        "another program",
    );
    let mut command = saryno(&data, &["config", "check"]);
    let output = command.env("SARYNO_PORT", port).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let expected = format!("A server runs on these data already, at {}.", server.url);
    assert!(said.contains(&expected), "{said}");
    // Another that is started beside it is refused for that, and not for its port.
    let refused = saryno(&data, &["serve"])
        .env("SARYNO_PORT", port)
        .output()
        .unwrap();
    let complaint = String::from_utf8(refused.stderr).unwrap();
    assert!(
        complaint.contains("served by another saryno already"),
        "{complaint}"
    );
    assert!(server.terminate().success());
    let (good, said) = check(&data, &[]);
    assert!(good && said["running"].is_null(), "{said}");
}

#[test]
fn backups_that_could_not_be_made_are_found_and_do_not_stop_a_start() {
    let (directory, data) = directory();
    let place = directory.path().join("place");
    fs::write(&place, "in the way").unwrap();
    let variables = [("SARYNO_BACKUP__DIR", place.to_str().unwrap())];
    finds(&data, &variables, "backup.dir", "no directory");
    let server = Binary::start_with(&data, &[], &variables);
    assert!(server.log().contains("backup.dir, "), "{}", server.log());
    assert!(server.terminate().success());
    fs::remove_file(&place).unwrap();
    assert!(check(&data, &variables).0);
    assert!(!place.exists());
}

#[test]
fn what_others_could_read_is_warned_of() {
    let (directory, data) = directory();
    let file = directory.path().join("saryno.toml");
    fs::write(&file, "[metrics]\ntoken = \"a-token-for-observers\"\n").unwrap();
    fs::create_dir(&data).unwrap();
    let mode =
        |path: &Path, mode: u32| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    let warned = || {
        let (good, said) = check(&data, &[]);
        assert!(good, "{said}");
        let warnings = said["warnings"].as_array().unwrap().iter();
        warnings
            .map(|warning| text(&warning["setting"]).to_owned())
            .collect::<Vec<_>>()
    };
    mode(&file, 0o644);
    mode(&data, 0o755);
    assert_eq!(warned(), ["metrics.token", "data"]);
    let server = Binary::start(&data);
    for words in ["which holds metrics.token", "`chmod 700` takes that away"] {
        assert!(server.log().contains(words), "{}", server.log());
    }
    mode(&file, 0o640);
    mode(&data, 0o700);
    assert_eq!(warned(), [] as [&str; 0]);
    // Without a secret in it, anybody may read it.
    fs::write(&file, "port = 0\n").unwrap();
    mode(&file, 0o644);
    assert_eq!(warned(), [] as [&str; 0]);
}
