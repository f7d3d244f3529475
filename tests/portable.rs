//! `saryno export` and `saryno import`, of the real executable: what goes from one instance to another, and what does not.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::backups::{grow, in_namespace, names, refusal};
use crate::executable::{Binary, agent, http, run, run_json, run_with_input, saryno};
use crate::races::{Person, database, directory, number, people, text};

pub(crate) fn export(data: &Path, file: &Path) -> Value {
    run_json(data, &["export", file.to_str().unwrap()])
}

pub(crate) fn import(data: &Path, file: &Path) -> Value {
    run_json(data, &["import", file.to_str().unwrap()])
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn call(server: &Binary, method: &str, path: &str, token: &str, body: &Value) -> Value {
    let url = format!("{}{path}", server.url);
    let (status, answer) = http(&agent(), method, &url, token, &body.to_string()).unwrap();
    assert!((200..300).contains(&status), "{method} {path}: {answer}");
    answer
}

/// An instance with something of every kind in it, made the way people make it.
pub(crate) struct Everything {
    pub(crate) directory: TempDir,
    pub(crate) data: PathBuf,
    /// Two who are in everything, one who is disabled, and one who was deleted.
    people: Vec<Person>,
}

pub(crate) fn everything() -> Everything {
    let (directory, data) = directory();
    let people = people(&data, 4);
    let [a, b, c, d] = people.as_slice() else {
        panic!()
    };
    let password = |arguments: &[&str], password: &str| {
        let arguments = [arguments, &["--password-stdin"]].concat();
        let output = run_with_input(&data, &arguments, password);
        assert!(output.status.success(), "{output:?}");
    };
    let create = ["user", "create", "Zoë", "--discriminator", "0042"];
    password(&create, "correct horse\n");
    password(&["admin", "create", "root"], "battery staple\n");
    run_json(&data, &["admin", "create", "invited"]);
    let server = Binary::start(&data);
    let picture = format!("{}/avatars/{}/default.png", server.url, a.id);
    let mut picture = agent().get(&picture).call().unwrap();
    let picture = picture.body_mut().read_to_vec().unwrap();
    let picture = format!("data:image/png;base64,{}", Base64::encode_string(&picture));

    for (person, name) in [(a, "Émile"), (b, "名前 👩‍🚀")] {
        let change = json!({"username": name, "avatar": picture});
        call(&server, "PATCH", "/users/@me", &person.token, &change);
    }
    let dm = |from: &Person, to: &Person| {
        let body = json!({"type": 2, "recipient_id": to.id});
        call(&server, "POST", "/users/@me/channels", &from.token, &body)
    };
    let hidden = dm(a, b);
    call(
        &server,
        "DELETE",
        &format!("/channels/{}", text(&hidden["id"])),
        &b.token,
        &Value::Null,
    );
    dm(d, a);
    let group = json!({"type": 3, "recipient_ids": [b.id, c.id], "name": "Tea \"and\" talk"});
    call(&server, "POST", "/users/@me/channels", &a.token, &group);
    let community = json!({"name": "#general ☕", "icon": picture});
    let community = call(&server, "POST", "/communities", &a.token, &community);
    let invites = format!("/communities/{}/invites", text(&community["id"]));
    let limits = json!({"max_uses": 5, "expires_at": "2090-01-31T12:00:00.25Z"});
    let invite = call(&server, "POST", &invites, &a.token, &limits);
    let invite = format!("/invites/{}", text(&invite["code"]));
    call(&server, "POST", &invite, &b.token, &Value::Null);
    call(&server, "POST", &invites, &a.token, &json!({}));
    let block = format!("/users/@me/blocks/{}", c.id);
    call(&server, "PUT", &block, &b.token, &Value::Null);
    assert!(server.terminate().success());

    let disable = ["user", "disable", &c.id, "--reason", "Sent advertisements"];
    run_json(&data, &disable);
    run_json(&data, &["user", "flags", &b.id, "--set", "bot"]);
    run_json(&data, &["user", "delete", &d.id]);
    run_json(&data, &["user", "reset-link", &a.id]);
    run_json(&data, &["registration", "invite"]);
    run_json(&data, &["invite", "create", "--uses", "3"]);
    Everything {
        directory,
        data,
        people,
    }
}

#[test]
fn what_is_exported_and_imported_elsewhere_is_exported_there_the_same() {
    let all = everything();
    let [one, other] = ["one", "other"].map(|name| all.directory.path().join(name));
    let exported = export(&all.data, &one);
    let kinds: Vec<_> = exported["exported"].as_object().unwrap().keys().collect();
    let known = "admin audit block community dm group image instance_invite invite member registration tombstone user";
    assert_eq!(kinds, known.split(' ').collect::<Vec<_>>());
    let new = all.directory.path().join("new");
    let imported = import(&new, &one);
    assert_eq!(imported["imported"], exported["exported"]);
    assert_eq!(run_json(&new, &["verify"])["findings"], json!([]));

    export(&new, &other);
    let (before, mut after) = (lines(&one), lines(&other));
    // The import itself is an entry of the log.
    assert_eq!(after.pop().unwrap()["action"], "instance.import");
    assert_eq!(before[1..], after[1..]);
    let bytes = |file: &Path| {
        let text = std::fs::read_to_string(file).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines[1..before.len()].to_vec()
    };
    assert_eq!(bytes(&one), bytes(&other));
}

#[test]
fn whoever_had_a_password_logs_in_after_an_import_and_no_session_is_good() {
    let all = everything();
    let file = all.directory.path().join("one");
    export(&all.data, &file);
    let new = all.directory.path().join("new");
    import(&new, &file);
    let tables = [
        "tokens",
        "resets",
        "admin_sessions",
        "admin_tokens",
        "admin_links",
    ];
    for table in tables {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(number(&database(&new), &sql), 0, "{table}");
    }
    let server = Binary::start(&new);
    let login = json!({"tag": "zoë#0042", "password": "correct horse"});
    call(&server, "POST", "/auth/login", "", &login);
    let login = json!({"name": "root", "password": "battery staple"});
    let url = format!("{}/admin/api/login", server.url);
    let admitted = agent()
        .post(&url)
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "application/json")
        .send(login.to_string());
    assert_eq!(admitted.unwrap().status(), 200);
    for person in &all.people {
        let url = format!("{}/users/@me", server.url);
        assert_eq!(
            http(&agent(), "GET", &url, &person.token, "").unwrap().0,
            401
        );
    }
}

#[test]
fn an_export_holds_no_secret_but_the_hashes_of_passwords() {
    let all = everything();
    let file = all.directory.path().join("one");
    let outcome = run(&all.data, &["export", file.to_str().unwrap()]);
    let told = String::from_utf8(outcome.stdout).unwrap();
    assert!(told.contains("sessions, tokens, one-time codes"), "{told}");
    let text = std::fs::read_to_string(&file).unwrap();
    let database = database(&all.data);
    for table in ["tokens", "resets", "admin_links"] {
        let mut rows = database
            .prepare(&format!("SELECT lower(hex(hash)), hash FROM {table}"))
            .unwrap();
        let hashes = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        let hashes: Vec<(String, Vec<u8>)> = hashes.unwrap().map(Result::unwrap).collect();
        assert!(!hashes.is_empty(), "{table}");
        for (hex, bytes) in hashes {
            assert!(!text.contains(&hex) && !text.contains(&Base64::encode_string(&bytes)));
        }
    }
    assert!(text.contains("$argon2id$"));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn an_export_replaces_no_file_and_one_that_fails_leaves_none() {
    let (directory, data) = directory();
    people(&data, 3);
    let kept = directory.path().join("kept");
    std::fs::create_dir(&kept).unwrap();
    let file = kept.join("one.ndjson");
    std::fs::write(&file, "mine").unwrap();
    let refused = |path: &Path, words: &str| {
        let complaint = refusal(&run(&data, &["export", path.to_str().unwrap()]));
        assert!(complaint.contains(words), "{complaint}");
    };
    refused(&file, "exists, and no export replaces a file");
    refused(&kept, "exists");
    refused(&kept.join("no/one"), "its directory does not exist");
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    // A community whose owner is none of its members can't be told as a line.
    let broken = "INSERT INTO communities (id, name, name_key, owner_id) SELECT 1, 'x', 'x', min(id) FROM users";
    database(&data).execute_batch(broken).unwrap();
    refused(&kept.join("two"), "`saryno verify` says which");
    assert_eq!(names(&kept), ["one.ndjson".to_owned()].into());
    let complaint = refusal(&run(&directory.path().join("none"), &["export", "x"]));
    assert!(complaint.contains("there are no data at"), "{complaint}");
}

#[test]
fn an_export_for_which_there_is_no_room_leaves_nothing_and_says_so() {
    let (directory, data) = directory();
    people(&data, 3);
    grow(&data, 4);
    let place = directory.path().join("small");
    std::fs::create_dir(&place).unwrap();
    let script = "mount -t tmpfs -o size=1024k none \"$1\"
        if \"$2\" --data \"$3\" export \"$1/one\"; then exit 3; fi
        ls -A \"$1\"";
    let output = in_namespace(&data, &place, script);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert!(complaint.contains("no room left"), "{complaint}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn an_export_is_of_the_moment_at_which_it_began_and_holds_up_nobody() {
    let (directory, data) = directory();
    let [one, other] = people(&data, 2).try_into().ok().unwrap();
    // More users than all buffers on the way hold: while nobody reads, it stands still among them.
    let users = directory.path().join("users");
    // Above the ids that the tests themselves give to entries of the log.
    let text: String = (1_000_000..=1_010_000)
        .map(|id| crate::portable_bounds::lines(id, ""))
        .collect();
    std::fs::write(&users, text).unwrap();
    import(&data, &users);
    let server = Binary::start(&data);
    let make = |name: &str| {
        let body = json!({ "name": name });
        call(&server, "POST", "/communities", &one.token, &body);
    };
    make("Before");
    let mut child = saryno(&data, &["export", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    make("After");
    let dm = json!({"type": 2, "recipient_id": other.id});
    call(&server, "POST", "/users/@me/channels", &one.token, &dm);
    output.read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());

    let file = directory.path().join("one");
    std::fs::write(&file, text).unwrap();
    let new = directory.path().join("new");
    let imported = &import(&new, &file)["imported"];
    assert_eq!(
        [&imported["community"], &imported["dm"]],
        [&json!(1), &Value::Null]
    );
    assert_eq!(run_json(&new, &["verify"])["ok"], true);
}

#[test]
fn standard_input_is_imported_and_standard_output_is_exported_to() {
    let (directory, data) = directory();
    let user =
        r#"{"id": "7", "username": "Zoë", "discriminator": "0001", "avatar": null, "flags": []}"#;
    let output = run_with_input(&data, &["import", "-"], user);
    assert!(output.status.success(), "{output:?}");
    let output = run(&data, &["export", "-", "--json"]);
    let told: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!(told["exported"]["user"], 1);
    let file = directory.path().join("one");
    std::fs::write(&file, output.stdout).unwrap();
    assert_eq!(lines(&file)[2]["username"], "Zoë");
}

#[test]
fn a_bar_is_drawn_on_a_terminal_and_nowhere_else() {
    let (directory, data) = directory();
    people(&data, 3);
    let file = directory.path().join("one");
    let quiet = run(&data, &["export", file.to_str().unwrap()]);
    assert_eq!(String::from_utf8_lossy(&quiet.stderr), "");
    let command = format!(
        "{} --data {} export {}.2",
        env!("CARGO_BIN_EXE_saryno"),
        data.display(),
        file.display()
    );
    let terminal = std::process::Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&terminal.stdout);
    assert!(terminal.status.success(), "{shown}");
    assert!(shown.contains("% of 7 lines"), "{shown:?}");
}
