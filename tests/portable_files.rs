//! What a file is that an import takes, of the real executable: its end, its encoding, its header, its pictures, itself.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use base64ct::{Base64, Encoding};
use saryno::id::Id;
use saryno::images::{Size, Upload, develop, draw};
use serde_json::{Value, json};

use crate::backups::refusal;
use crate::executable::{run, run_json};
use crate::portable_lines::{good, place, text};
use crate::races::{database, directory, number};

#[test]
fn what_is_no_text_of_lines_is_told_so() {
    let user = good()[0].to_string();
    place("").is_refused("there is no line in it");
    place("\n \r\n").is_refused("there is no line in it");
    place(b"\xFF\xFE{\0}\0").is_refused("line 1: It is not UTF-8 from byte 1 on.");
    place("{\n  \"id\": \"1\"\n}\n").is_refused("line 1: It ends in the middle of an object");
    place(format!("{user}\n{}", &user[..30]))
        .is_refused("line 2: It ends in the middle of an object");
    place(format!("{user} {user}")).is_refused("line 1: It is no JSON from column");
    place("id,username\n1,Ada\n").is_refused("line 1: It is no JSON from column 1");
    let place = place(format!("{}\n{user}\n", "x".repeat(100_000_000)));
    let complaint = place.is_refused("line 1: It is longer than 4194304 bytes");
    assert!(complaint.contains("1 line is bad"), "{complaint}");
}

#[test]
fn a_bad_line_does_not_command_the_terminal() {
    let place = place("{\"\\u001b[2J\\n\\u009b\": 1}\n");
    let complaint = place.is_refused("line 1: ");
    assert!(
        !complaint
            .trim_end()
            .contains(|sign: char| sign.is_control() && sign != '\n')
    );
    assert_eq!(complaint.lines().count(), 2, "{complaint}");
}

#[test]
fn an_export_that_was_cut_short_or_changed_is_noticed_even_between_two_lines() {
    let (directory, data) = directory();
    run_json(&data, &["user", "create", "Ada"]);
    run_json(&data, &["user", "create", "Bob"]);
    let file = directory.path().join("one");
    run_json(&data, &["export", file.to_str().unwrap()]);
    let whole = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<_> = whole.lines().collect();
    let short = place(lines[..3].join("\n"));
    short.is_refused("line 1: lines: The export had 5 lines after this one and 2 are here");
    let headless = place(lines[1..4].join("\n"));
    assert!(headless.import(&[]).status.success());
    let newer = whole.replacen("\"format\":1", "\"format\":2,\"more\":[]", 1);
    let place = place(newer);
    for more in [&[][..], &["--skip-bad"]] {
        let complaint = refusal(&place.import(more));
        assert!(
            complaint.contains("format 2, of a newer saryno"),
            "{complaint}"
        );
    }
    assert_eq!(place.users(), 1);
}

#[test]
fn a_picture_that_nobody_has_is_left_out_and_whose_is_not_there_has_none() {
    let picture = draw(Id::MIN, Size::ALL[0]).unwrap();
    let image = develop(&Upload::from_bytes(picture).unwrap()).unwrap();
    let png = Base64::encode_string(&image.png);
    let line = json!({"kind": "image", "hash": image.hash.to_string(), "png": png});
    let mut lines = good();
    lines[1]["avatar"] = json!("0".repeat(64));
    lines[5]["icon"] = json!("1".repeat(64));
    let alone = place(format!("{line}\n{}", text(&lines)));
    let output = alone.import(&["--json"]);
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["unused_pictures"], 1);
    assert_eq!(outcome["without_picture"], 2);
    assert_eq!(
        number(&database(&alone.data), "SELECT count(*) FROM images"),
        0
    );
    lines[0]["avatar"] = json!(image.hash.to_string());
    let had = place(format!("{line}\n{}", text(&lines)));
    assert!(had.import(&[]).status.success());
    assert_eq!(
        number(&database(&had.data), "SELECT count(*) FROM images"),
        1
    );
}

#[test]
fn a_file_that_can_not_be_read_is_told_of_and_makes_no_data() {
    let (directory, data) = directory();
    let refused = |file: &Path, words: &str| {
        let complaint = refusal(&run(&data, &["import", file.to_str().unwrap()]));
        assert!(complaint.contains(words), "{complaint}");
        assert!(!data.exists());
    };
    refused(directory.path(), "it is a directory");
    refused(&directory.path().join("missing"), "No such file");
    let file = directory.path().join("secret");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Whoever may do everything may read it, too.
    if std::fs::read(&file).is_err() {
        refused(&file, "Permission denied");
    }
}

#[test]
fn data_that_break_a_rule_take_no_import() {
    let place = place(text(&good()));
    database(&place.data)
        .execute_batch("UPDATE counts SET groups = 7")
        .unwrap();
    place.is_refused("counts");
}
