//! Whose data a command works on: those of the server that runs there, new ones, or another user's.

use std::path::PathBuf;

use crate::backups::in_namespace;
use crate::executable::{Binary, run, run_json};
use crate::races::{directory, text};

#[test]
fn links_go_where_the_settings_of_the_running_server_say() {
    let (_directory, data) = directory();
    let public = [("SARYNO_PUBLIC_URL", "https://chat.example")];
    let server = Binary::start_with(&data, &[], &public);
    run_json(&data, &["user", "create", "Ada", "--discriminator", "0001"]);
    let reset = run_json(&data, &["user", "reset-link", "Ada#0001"]);
    assert!(text(&reset["link"]).starts_with("https://chat.example/account#/reset/"));
    server.terminate();
}

#[test]
fn a_command_that_begins_new_data_says_so() {
    let (_directory, data) = directory();
    let told = |name: &str| {
        let output = run(&data, &["user", "create", name]);
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(told("Ada").contains("there were no data in"));
    assert_eq!(told("Bob"), "");
}

#[test]
fn root_is_refused_in_another_users_data_directory_with_what_to_do() {
    let (kept, other) = directory();
    let backup = kept.path().join("backup.db");
    run_json(&other, &["user", "create", "Ada"]);
    run_json(&other, &["backup", backup.to_str().unwrap()]);
    let (_directory, mut data) = directory();
    std::fs::create_dir(&data).unwrap();
    // To the root of a namespace, whoever is not in it has this number. Only root can give a directory away.
    if std::os::unix::fs::chown(&data, Some(65_534), Some(65_534)).is_err() {
        data = PathBuf::from("/usr");
    }
    for command in ["user create Ada", "restore \"$1\""] {
        let script = format!("\"$2\" --data \"$3\" {command}");
        let output = in_namespace(&data, &backup, &script);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert!(complaint.contains("setpriv --reuid 65534"), "{complaint}");
    }
    assert!(!data.join("saryno.db").exists());
}
