//! What an import with `--skip-bad` leaves out, of the real executable: a bad line, and what refers to it.

use serde_json::json;

use crate::backups::refusal;
use crate::executable::run_json;
use crate::portable_lines::{good, place, text};

#[test]
fn with_a_bad_user_go_the_lines_that_refer_to_them() {
    let mut lines = good();
    lines[0]["username"] = json!("a@b");
    let place = place(text(&lines));
    let output = place.import(&["--skip-bad"]);
    let complaint = String::from_utf8(output.stderr).unwrap();
    // Their block, community, DM and group, and with the community its member and its invite.
    let numbers: Vec<_> = complaint
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    assert_eq!(
        numbers,
        [1, 5, 6, 7, 8, 9, 10].map(|number| format!("line {number}"))
    );
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("Bad lines that were left out: 7"), "{told}");
    assert_eq!(run_json(&place.data, &["verify"])["ok"], true);
}

#[test]
fn where_no_line_is_good_there_is_nothing_to_skip_to() {
    let place = place("{}\n{}\n");
    let complaint = refusal(&place.import(&["--skip-bad"]));
    assert!(
        complaint.contains("2 lines are bad, and none is good"),
        "{complaint}"
    );
    assert_eq!(place.users(), 1);
}
