//! An import: lines of JSON, from anywhere.

use saryno::error::Error;
use saryno::id::{COMMAND_LINE_WORKER, Generator};
use saryno::portable::{Line, Lines, Onlooker, Written};
use saryno::store::sqlite::{Loading, load};

/// Any text as a file that is imported into new data, without its bad lines.
pub fn lines(bytes: &[u8]) {
    let mut lines = Lines::of(bytes);
    let mut good = 0;
    while let Some(line) = lines.next().expect("what is in memory can be read") {
        match line.and_then(Line::parse) {
            Ok(line) => {
                good += 1;
                written_again(&line);
            }
            Err(error) => tells_what_is_wrong(&error),
        }
    }
    assert_eq!(lines.bytes(), bytes.len() as u64);
    if good == 0 {
        return;
    }

    let directory = tempfile::tempdir().expect("a directory for a moment");
    let loading = Loading {
        name: "lines",
        skip_bad: true,
        mint: &|above| Generator::new(COMMAND_LINE_WORKER, above).next(),
    };
    let mut bad = Bad(0);
    let path = directory.path().join("saryno.db");
    match load(&path, &mut Lines::of(bytes), &loading, &mut bad) {
        // What breaks a rule of the house would be an error.
        Ok(loaded) => assert_eq!(loaded.bad, bad.0),
        Err(Error::Internal(why)) => assert!(
            why.contains("a newer saryno"),
            "neither good nor bad: {why}"
        ),
        Err(error) => panic!("{error}"),
    }
}

/// A user stays the same in a further export and import.
fn written_again(line: &Line) {
    let Line::User(user) = line else {
        return;
    };
    let written = Written::User {
        id: user.id,
        username: user.username.as_str(),
        discriminator: user.discriminator,
        avatar: user.avatar,
        flags: user.flags,
        password: None,
        disabled: user.disabled,
        reason: user.reason.as_ref().map(|reason| reason.0.as_str()),
    };
    let text = serde_json::to_vec(&written).expect("an export can be written");
    let read = Line::parse(&text);
    let same = |read: &Line| match read {
        Line::User(again) => {
            (again.id, &again.username, again.discriminator)
                == (user.id, &user.username, user.discriminator)
                && (again.flags, again.disabled) == (user.flags, user.disabled)
        }
        _ => false,
    };
    assert!(
        read.as_ref().is_ok_and(same),
        "{}",
        String::from_utf8_lossy(&text)
    );
}

fn tells_what_is_wrong(error: &Error) {
    match error {
        Error::Invalid(fields) => {
            assert!(!fields.is_empty());
            for field in fields {
                assert!(!field.code.is_empty() && field.message.ends_with('.'));
            }
        }
        Error::Malformed(why) => assert!(!why.is_empty()),
        other => panic!("no fault of a line: {other}"),
    }
}

/// Counts the bad lines.
struct Bad(u64);

impl Onlooker for Bad {
    fn done(&mut self, _: u64) {}

    fn bad(&mut self, _: u64, reason: &Error) {
        self.0 += 1;
        tells_what_is_wrong(reason);
    }

    fn verifying(&mut self) {}
}
