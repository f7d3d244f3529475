//! `saryno import`, of the real executable: what it takes, what it adds to what is there, and when it does not begin.

use serde_json::{Value, json};

use crate::backups::refusal;
use crate::executable::{Binary, run, run_json};
use crate::portable::{everything, export, import};
use crate::races::{database, directory, number, people, text};

#[test]
fn the_seeds_user_objects_are_imported_as_they_are() {
    let (directory, data) = directory();
    let file = directory.path().join("users.ndjson");
    let avatar = "53021917291361dbb71017991aff7f99fd943f71757c2ef764f79445c72eed79";
    let user = json!({
        "id": "42388375784780768",
        "username": "NamesAreHardOkay?",
        "discriminator": "0001",
        "avatar": avatar,
        "flags": [1, 10],
    });
    let other =
        json!({"flags": [], "avatar": null, "discriminator": "9999", "username": "Zoë", "id": "7"});
    // As an editor of another system leaves it.
    std::fs::write(&file, format!("\u{FEFF}{user}\r\n\r\n{other}")).unwrap();
    let outcome = import(&data, &file);
    assert_eq!(outcome["imported"], json!({"user": 2}));
    assert_eq!(outcome["without_picture"], 1);
    let shown = run_json(&data, &["user", "show", "namesarehardokay?#0001"]);
    let mut expected = user.clone();
    expected["avatar"] = Value::Null;
    assert_eq!(shown["user"], expected);
    assert_eq!(
        run_json(&data, &["user", "show", "7"])["user"]["username"],
        "Zoë"
    );
    assert_eq!(run_json(&data, &["verify"])["findings"], json!([]));
}

#[test]
fn ids_after_an_import_are_above_all_that_came_with_it() {
    let (directory, data) = directory();
    // Of a clock far ahead: a user, who came to a group later than any row of its own tells, and what was recorded and is gone.
    let far = 1_i64 << 61;
    let user = |id: i64| {
        let name = format!("User {id}");
        json!({"id": id.to_string(), "username": name, "discriminator": "0001", "avatar": null, "flags": []})
    };
    let since = |id: i64| json!({"user_id": id.to_string(), "since": (far + 2).to_string()});
    let participants: Vec<_> = [1, 2, far].map(since).into();
    let group = json!({"kind": "group", "id": "9", "name": null, "owner_id": "1", "participants": participants});
    let file = directory.path().join("one");
    let write = |lines: &[&Value]| {
        let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
        std::fs::write(&file, lines.join("\n")).unwrap();
    };
    write(&[&user(1), &user(2), &user(far), &group]);
    import(&data, &file);
    let made = || -> i64 {
        let made = run_json(&data, &["user", "create", "Next"]);
        text(&made["user"]["id"]).parse().unwrap()
    };
    assert!(made() > far + 2);
    let header = json!({
        "kind": "export", "format": 1, "program": "saryno", "made_at": "2030-01-01T00:00:00Z",
        "highest_id": (far + (1 << 40)).to_string(), "lines": 1,
    });
    write(&[&header, &user(3)]);
    import(&data, &file);
    assert!(made() > far + (1 << 40));
    assert_eq!(run_json(&data, &["verify"])["ok"], true);
}

#[test]
fn an_import_adds_to_what_is_here_and_who_may_register_stays_as_it_is() {
    let all = everything();
    let file = all.directory.path().join("one");
    export(&all.data, &file);
    let other = all.directory.path().join("other");
    run_json(&other, &["user", "create", "Here before"]);
    let outcome = import(&other, &file);
    assert_eq!(outcome["registration"], "closed");
    assert_eq!(
        run_json(&other, &["registration"])["registration"],
        "closed"
    );
    assert_eq!(number(&database(&other), "SELECT count(*) FROM users"), 6);
    // A second time everything is here already.
    let complaint = refusal(&run(&other, &["import", file.to_str().unwrap()]));
    assert!(complaint.contains("is taken"), "{complaint}");
    assert_eq!(run_json(&other, &["verify"])["ok"], true);
}

#[test]
fn a_server_or_a_command_on_the_data_refuses_an_import() {
    let (directory, data) = directory();
    people(&data, 1);
    let file = directory.path().join("one");
    std::fs::write(&file, "").unwrap();
    let server = Binary::start(&data);
    let complaint = refusal(&run(&data, &["import", file.to_str().unwrap()]));
    assert!(complaint.contains("stop that one"), "{complaint}");
    server.terminate();
    let lock = std::fs::File::create(data.join("command.lock")).unwrap();
    lock.lock().unwrap();
    let complaint = refusal(&run(&data, &["import", file.to_str().unwrap()]));
    assert!(complaint.contains("another command works"), "{complaint}");
}
