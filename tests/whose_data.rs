//! Whose data a command works on: those of the server that runs there, new ones, or another user's.

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
    // Nobody else can give a directory away.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (kept, other) = directory();
    let backup = kept.path().join("backup.db");
    run_json(&other, &["user", "create", "Ada"]);
    run_json(&other, &["backup", backup.to_str().unwrap()]);
    let (_directory, data) = directory();
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::chown(&data, Some(65_534), Some(65_534)).unwrap();
    for arguments in [
        &["user", "create", "Ada"][..],
        &["restore", backup.to_str().unwrap()],
        &["serve", "--port", "0"],
    ] {
        let output = run(&data, arguments);
        assert_eq!(output.status.code(), Some(1));
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("setpriv --reuid 65534"), "{complaint}");
    }
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
}
