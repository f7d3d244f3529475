//! Bad lines of an import, of the real executable: each is named by number and reason, and nothing stays unless it is to.

use std::path::PathBuf;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::backups::refusal;
use crate::executable::{run, run_json};
use crate::races::{database, directory, number};

/// Good lines: three users and one deleted, a community of the first and a member of it, an invite, a DM, a group, an admin.
pub(crate) fn good() -> Vec<Value> {
    let user = |id: &str, name: &str| json!({"id": id, "username": name, "discriminator": "0001", "avatar": null, "flags": []});
    let people =
        json!([{"user_id": "1", "since": "8"}, {"user_id": "2", "since": "8", "hidden": true}]);
    vec![
        user("1", "Ada"),
        user("2", "Bob"),
        user("3", "Cy"),
        json!({"kind": "tombstone", "id": "4"}),
        json!({"kind": "block", "user_id": "1", "blocked_id": "2"}),
        json!({"kind": "community", "id": "5", "name": "Home", "icon": null, "owner_id": "1", "owner_since": "5"}),
        json!({"kind": "member", "community_id": "5", "user_id": "2", "since": "6"}),
        json!({"kind": "invite", "id": "7", "code": "abc", "community_id": "5", "max_uses": null, "uses": 0, "expires_at": null}),
        json!({"kind": "dm", "id": "8", "participants": people}),
        json!({"kind": "group", "id": "9", "name": null, "owner_id": "1", "participants": people}),
        json!({"kind": "instance_invite", "code": "def", "max_uses": 1, "uses": 0, "expires_at": null}),
        json!({"kind": "admin", "id": "10", "name": "root", "password": null, "last_login": null}),
        json!({"kind": "audit", "id": "11", "admin_name": "root", "via": "page", "action": "x", "before": "{}"}),
    ]
}

pub(crate) fn text(lines: &[Value]) -> String {
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    lines.join("\n") + "\n"
}

pub(crate) struct Place {
    _directory: TempDir,
    pub(crate) data: PathBuf,
    file: PathBuf,
}

/// A file with these bytes in it, and data with one user in them.
pub(crate) fn place(bytes: impl AsRef<[u8]>) -> Place {
    let (directory, data) = directory();
    let file = directory.path().join("lines");
    std::fs::write(&file, bytes).unwrap();
    run_json(&data, &["user", "create", "Here before"]);
    Place {
        _directory: directory,
        data,
        file,
    }
}

impl Place {
    pub(crate) fn import(&self, more: &[&str]) -> std::process::Output {
        let arguments = [&["import", self.file.to_str().unwrap()], more].concat();
        run(&self.data, &arguments)
    }

    pub(crate) fn users(&self) -> i64 {
        number(&database(&self.data), "SELECT count(*) FROM users")
    }

    /// The import fails with these words, and leaves the data as they were.
    #[track_caller]
    pub(crate) fn is_refused(&self, words: &str) -> String {
        let complaint = refusal(&self.import(&[]));
        assert!(complaint.contains(words), "{words}: {complaint}");
        assert!(complaint.contains("nothing was imported"), "{complaint}");
        assert_eq!(self.users(), 1, "{complaint}");
        complaint
    }
}

/// A good line, its number, with other fields.
fn with(number: usize, fields: &Value) -> Value {
    let mut line = good()[number - 1].clone();
    for (name, value) in fields.as_object().unwrap() {
        line[name.as_str()] = value.clone();
    }
    line
}

#[test]
fn each_bad_line_is_named_by_its_number_its_field_and_the_reason() {
    let someone = |id: &str| json!({"user_id": id, "since": "8"});
    let hash = "0".repeat(64);
    let bad = [
        // Users.
        (with(1, &json!({})), "id: 1 is taken"),
        (
            with(1, &json!({"id": "20"})),
            "discriminator: Ada#0001 is taken, by the user 1.",
        ),
        (
            with(1, &json!({"id": "20", "username": "ADA"})),
            "discriminator: ADA#0001 is taken",
        ),
        (with(1, &json!({"id": "0"})), "id: An id is 1 at least."),
        (
            with(1, &json!({"id": "9223372036854775808"})),
            "id: An id is at most",
        ),
        (
            with(1, &json!({"id": "9223372036854775807"})),
            "id: An id that is imported is at most",
        ),
        (
            with(1, &json!({"id": 20})),
            "id: This must be a string; it is a number.",
        ),
        (
            with(1, &json!({"id": "20", "username": "a#b"})),
            "username: A username can't contain #.",
        ),
        (
            with(1, &json!({"id": "20", "username": "here"})),
            "username: This name is reserved",
        ),
        (
            with(1, &json!({"id": "20", "discriminator": "0000"})),
            "discriminator: A discriminator is 0001 to 9999.",
        ),
        (
            with(1, &json!({"id": "20", "avatar": "me.png"})),
            "avatar: An image's hash is 64",
        ),
        (
            with(1, &json!({"id": "20", "flags": [1, 2]})),
            "flags[1]: The flags are 1, 10 and 11.",
        ),
        (
            with(1, &json!({"id": "20", "flags": [1, 1]})),
            "flags: A flag stands here more than once.",
        ),
        (
            with(1, &json!({"id": "20", "reason": "x"})),
            "reason: Only an account that is disabled",
        ),
        (
            with(1, &json!({"id": "20", "password": "$2b$10$x"})),
            "password: Only saryno's own hashes",
        ),
        (
            with(1, &json!({"id": "20", "email": "a@b"})),
            "email: A line of this kind has no such field",
        ),
        (json!({"id": "20"}), "avatar: This field is missing"),
        (with(4, &json!({"id": "1"})), "id: 1 is taken"),
        (
            with(4, &json!({"id": "20", "username": "Ada"})),
            "username: A line of this kind has no such field",
        ),
        (
            json!({"kind": "image", "hash": hash, "png": "AAAA"}),
            "png: The picture is not the one of this hash",
        ),
        (
            json!({"kind": "image", "hash": hash, "png": "?"}),
            "png: This must be base64.",
        ),
        // What refers to them.
        (
            with(5, &json!({})),
            "blocked_id: This block is here already.",
        ),
        (
            with(5, &json!({"blocked_id": "1"})),
            "blocked_id: Nobody blocks themself.",
        ),
        (
            with(5, &json!({"user_id": "77"})),
            "user_id: There is no such user",
        ),
        (
            with(5, &json!({"blocked_id": "4"})),
            "blocked_id: This user was deleted",
        ),
        (with(6, &json!({})), "id: 5 is taken"),
        (
            with(6, &json!({"id": "20", "owner_id": "77"})),
            "owner_id: There is no such user",
        ),
        (
            with(6, &json!({"id": "20", "owner_id": "4"})),
            "owner_id: This user was deleted",
        ),
        (
            with(6, &json!({"id": "20", "name": ""})),
            "name: At least one visible character",
        ),
        (
            with(7, &json!({})),
            "user_id: They are a member of the community already.",
        ),
        (
            with(7, &json!({"user_id": "1"})),
            "user_id: They are a member of the community already.",
        ),
        (
            with(7, &json!({"community_id": "77"})),
            "community_id: There is no such community",
        ),
        (
            with(7, &json!({"user_id": "4"})),
            "user_id: This user was deleted",
        ),
        (
            with(8, &json!({"id": "20"})),
            "code: An invite has this code already.",
        ),
        (with(8, &json!({"code": "other"})), "id: 7 is taken"),
        (
            with(8, &json!({"id": "20", "code": "x y"})),
            "code: A code is 1 to 64 letters and digits.",
        ),
        (
            with(
                8,
                &json!({"id": "20", "code": "x", "max_uses": 1, "uses": 2}),
            ),
            "uses: There are more uses",
        ),
        (
            with(9, &json!({"id": "20"})),
            "participants: These two have a DM already, 8",
        ),
        (
            with(9, &json!({"participants": [someone("1"), someone("3")]})),
            "id: 8 is taken",
        ),
        (
            with(9, &json!({"id": "20", "participants": [someone("1")]})),
            "participants: A DM has two participants.",
        ),
        (
            with(
                9,
                &json!({"id": "20", "participants": [someone("1"), someone("1")]}),
            ),
            "participants[1]: They stand in the list already.",
        ),
        (
            with(
                9,
                &json!({"id": "20", "participants": [someone("1"), {"user_id": 3}]}),
            ),
            "participants[1]: user_id: This must be a string",
        ),
        (
            with(
                9,
                &json!({"id": "20", "participants": [someone("1"), someone("77")]}),
            ),
            "participants[1]: There is no such user",
        ),
        (
            with(10, &json!({"owner_id": "3", "id": "20"})),
            "owner_id: The owner must be among the participants.",
        ),
        (
            with(
                10,
                &json!({"participants": [someone("1"), someone("4")], "id": "20"}),
            ),
            "participants[1]: This user was deleted",
        ),
        (with(10, &json!({"id": "8"})), "id: 8 is taken"),
        (
            with(11, &json!({})),
            "code: An invite has this code already.",
        ),
        (
            with(12, &json!({"id": "20", "name": "ROOT"})),
            "name: An admin is called so already.",
        ),
        (
            with(12, &json!({"id": "20", "name": "Command Line"})),
            "name: The audit log calls the command line so.",
        ),
        (with(13, &json!({})), "id: 11 is taken"),
        (
            with(13, &json!({"id": "20", "after": "{"})),
            "after: This must be JSON in a string.",
        ),
        (
            json!({"kind": "registration", "registration": "ajar"}),
            "registration: Registration is closed, invite or open.",
        ),
        (
            json!({"kind": "vote"}),
            "kind: There is no such kind of line",
        ),
        (
            json!({"kind": 1}),
            "kind: This must be a string; it is a number.",
        ),
        (
            json!({"kind": "export", "format": 1, "program": "x", "made_at": "2030-01-01T00:00:00Z", "highest_id": "0", "lines": 1}),
            "kind: An export's header is its first line.",
        ),
        // What is no line at all.
        (
            json!([1]),
            "It is an array; each line is one JSON object (NDJSON).",
        ),
    ];
    let (good, count) = (text(&good()), good().len());
    let lines: Vec<Value> = bad.iter().map(|(line, _)| line.clone()).collect();
    let place = place(format!("{good}{}", text(&lines)));
    let output = place.import(&["--skip-bad", "--json"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{complaint}");
    let told: Vec<_> = complaint.lines().collect();
    assert_eq!(told.len(), bad.len(), "{complaint}");
    for (index, ((_, reason), told)) in bad.iter().zip(told).enumerate() {
        let number = format!("line {}: ", count + 1 + index);
        assert!(
            told.starts_with(&number) && told.contains(reason),
            "{number}{reason}\n{told}"
        );
    }
    // The good ones are here, once each, and keep every rule.
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["bad_lines"], bad.len());
    let imported = outcome["imported"].as_object().unwrap().values();
    assert_eq!(
        imported.map(|count| count.as_u64().unwrap()).sum::<u64>(),
        13
    );
    assert_eq!(run_json(&place.data, &["verify"])["findings"], json!([]));
}

#[test]
fn one_bad_line_is_enough_that_nothing_stays() {
    let lines = text(&good());
    let place = place(format!("{lines}{{\"id\": \"20\"}}\n"));
    let complaint = place.is_refused("line 14: username: This field is missing.");
    assert!(complaint.contains("--skip-bad"), "{complaint}");
    let database = database(&place.data);
    for table in [
        "images",
        "blocks",
        "communities",
        "members",
        "invites",
        "channels",
        "admins",
    ] {
        assert_eq!(
            number(&database, &format!("SELECT count(*) FROM {table}")),
            0,
            "{table}"
        );
    }
    let log = "SELECT count(*) FROM audit WHERE action = 'instance.import'";
    assert_eq!(number(&database, log), 0);
}

#[test]
fn the_first_twenty_bad_lines_are_named_and_the_others_counted() {
    let place = place("{}\n".repeat(25));
    let complaint = place.is_refused("25 lines are bad (5 more than are named above)");
    assert_eq!(
        complaint
            .lines()
            .filter(|line| line.starts_with("line "))
            .count(),
        20
    );
}
