//! Data that an older version of the program left: this one takes them over. `tests/kept/` has a file of each version of the schema.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::{GzDecoder, GzEncoder};
use saryno::backups::{Pace, Source};
use saryno::store::sqlite::{DatabaseFile, Sqlite};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::admin_setup::Browser;
use crate::executable::{Binary, agent, http, run, run_json, run_with_input};
use crate::painting::picture;
use crate::races::{database, directory, number, text};
use crate::support::OPTIONS;

/// Everybody's in the kept files.
const PASSWORD: &str = "correct horse";

fn kept(version: i64) -> PathBuf {
    let name = format!("tests/kept/schema-{version}.db.gz");
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The version of the schema of a new file.
fn current() -> i64 {
    let (_directory, data) = directory();
    run_json(&data, &["registration"]);
    number(&database(&data), "PRAGMA user_version")
}

/// A data directory for each kept file, with that in it.
fn old_data() -> Vec<(i64, TempDir, PathBuf)> {
    let old = |version| {
        let (directory, data) = directory();
        fs::create_dir(&data).unwrap();
        let mut bytes = Vec::new();
        let packed = fs::File::open(kept(version)).unwrap();
        GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        fs::write(data.join("saryno.db"), bytes).unwrap();
        (version, directory, data)
    };
    (1..=current()).map(old).collect()
}

fn call(server: &Binary, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", server.url);
    http(&agent(), method, &url, token, &body.to_string()).unwrap()
}

/// The user, and a token that admits them.
fn log_in(server: &Binary, tag: &str) -> (Value, String) {
    let body = json!({"tag": tag, "password": PASSWORD});
    let (status, answer) = call(server, "POST", "/auth/login", "", &body);
    assert_eq!(status, 200, "{answer}");
    (answer["user"].clone(), text(&answer["token"]).to_owned())
}

/// Two users and one who left, a DM, a group, a community with an invite, an avatar, an admin: as clients make them.
fn make(data: &Path) {
    let with_password = |arguments: &[&str]| {
        let arguments = [arguments, &["--password-stdin"]].concat();
        let output = run_with_input(data, &arguments, &format!("{PASSWORD}\n"));
        assert!(output.status.success());
    };
    let people = [("Ada", "0001"), ("Zoë", "0042"), ("Émile", "0003")];
    for (name, discriminator) in people {
        with_password(&["user", "create", name, "--discriminator", discriminator]);
    }
    with_password(&["admin", "create", "root"]);
    let server = Binary::start_with(data, &[], &[("SARYNO_BACKUP__EVERY", "off")]);
    let [(_, ada), (zoe, hers), (emile, his)] =
        people.map(|(name, discriminator)| log_in(&server, &format!("{name}#{discriminator}")));
    let done = |method: &str, path: &str, token: &str, body: &Value| {
        let (status, answer) = call(&server, method, path, token, body);
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer
    };
    let avatar = json!({ "avatar": picture(1) });
    done("PATCH", "/users/@me", &ada, &avatar);
    let dm = json!({"type": 2, "recipient_id": zoe["id"]});
    done("POST", "/users/@me/channels", &ada, &dm);
    let group = json!({"type": 3, "recipient_ids": [zoe["id"], emile["id"]], "name": "Tea"});
    done("POST", "/users/@me/channels", &ada, &group);
    let community = json!({"name": "Tea house", "icon": picture(2)});
    let community = done("POST", "/communities", &hers, &community);
    let invites = format!("/communities/{}/invites", text(&community["id"]));
    let invite = done("POST", &invites, &hers, &json!({"max_uses": 5}));
    let join = format!("/invites/{}", text(&invite["code"]));
    done("POST", &join, &ada, &Value::Null);
    let farewell = json!({ "password": PASSWORD });
    done("DELETE", "/users/@me", &his, &farewell);
    assert!(server.terminate().success());
}

/// What [`make`] made, as it is served.
#[track_caller]
fn is_served(server: &Binary) {
    let (ada, token) = log_in(server, "ada#0001");
    let (zoe, hers) = log_in(server, "zoë#0042");
    let get = |path: &str, token: &str| {
        let (status, answer) = call(server, "GET", path, token, &Value::Null);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    let channels = get("/users/@me/channels", &token);
    assert_eq!(channels[0]["name"], "Tea");
    assert_eq!(channels[0]["owner_id"], ada["id"]);
    assert_eq!(channels[0]["recipients"], json!([zoe]));
    assert_eq!(channels[1]["recipients"], json!([zoe]));
    assert_eq!(channels[2], Value::Null);
    let again = json!({"type": 2, "recipient_id": ada["id"]});
    let (status, dm) = call(server, "POST", "/users/@me/channels", &hers, &again);
    assert_eq!((status, &dm["id"]), (200, &channels[1]["id"]));
    let communities = get("/users/@me/communities", &token);
    assert_eq!(communities, get("/users/@me/communities", &hers));
    assert_eq!(communities[0]["name"], "Tea house");
    assert_eq!(communities[0]["owner_id"], zoe["id"]);
    let invites = format!("/communities/{}/invites", text(&communities[0]["id"]));
    assert_eq!(get(&invites, &hers)[0]["uses"], 1);
    for (kind, of, hash) in [
        ("avatars", &ada["id"], &ada["avatar"]),
        ("icons", &communities[0]["id"], &communities[0]["icon"]),
    ] {
        let path = format!("/{kind}/{}/{}.png", text(of), text(hash));
        let picture = agent().get(format!("{}{path}", server.url)).call();
        assert_eq!(picture.unwrap().status(), 200, "{path}");
    }
    let mut browser = Browser::on(server);
    assert_eq!(browser.log_in("root", PASSWORD), 200);
}

/// `SARYNO_KEEP=1 cargo test upgrade::` makes the file of the current version anew, which nobody does any more once it was released.
#[test]
fn a_file_of_every_version_of_the_schema_is_kept() {
    let current = current();
    if std::env::var_os("SARYNO_KEEP").is_some() {
        let (_directory, data) = directory();
        make(&data);
        let database = fs::File::open(data.join("saryno.db")).unwrap();
        let mut packed = Vec::new();
        let mut packing = GzEncoder::new(database, Compression::best());
        packing.read_to_end(&mut packed).unwrap();
        fs::write(kept(current), packed).unwrap();
    }
    for version in 1..=current {
        assert!(
            kept(version).exists(),
            "{} is missing; SARYNO_KEEP=1 cargo test upgrade:: makes it, if it is the current version's",
            kept(version).display()
        );
    }
}

#[test]
fn the_oldest_schema_and_every_step_make_the_schema_of_today() {
    for (version, _directory, data) in old_data() {
        let path = data.join("saryno.db");
        drop(Sqlite::open(&path, OPTIONS).unwrap());
        let verification = DatabaseFile::at(&path).verify(&Pace::full()).unwrap();
        let mut findings = verification.findings.into_iter();
        let other = findings.find(|finding| ["schema", "strangers"].contains(&finding.check));
        assert_eq!(
            other, None,
            "schema.sql is not what the steps make of version {version}. Whoever changes it counts VERSION up in src/store/sqlite/migrate.rs, \
            writes the step there, and keeps a file of the new version (SARYNO_KEEP=1 cargo test upgrade::)"
        );
    }
}

#[test]
fn what_older_versions_left_is_served_and_all_is_well_with_it() {
    for (version, _directory, data) in old_data() {
        let server = Binary::start(&data);
        is_served(&server);
        assert!(server.terminate().success());
        let looked = run_json(&data, &["verify"]);
        assert_eq!(looked["findings"], json!([]), "version {version}");
    }
}

#[test]
fn a_backup_that_an_older_version_made_is_restored() {
    for (version, directory, old) in old_data() {
        let data = directory.path().join("new");
        let backup = old.join("saryno.db");
        let restored = run(&data, &["restore", backup.to_str().unwrap()]);
        let complaint = String::from_utf8(restored.stderr).unwrap();
        assert!(restored.status.success(), "version {version}: {complaint}");
        is_served(&Binary::start(&data));
        assert_eq!(run_json(&data, &["verify"])["findings"], json!([]));
    }
}
