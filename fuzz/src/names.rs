//! Names, tags and ids: what is taken is prepared, stays what it is, and reads what it writes.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use saryno::clock::Timestamp;
use saryno::directory::Position;
use saryno::error::Problem;
use saryno::id::Id;
use saryno::images::ImageHash;
use saryno::names::{Name, Reason, Username, search_key};
use saryno::tokens::Label;
use saryno::users::{Discriminator, Tag};

/// Any text as each of them.
pub fn names(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    username(text);
    reads_what_it_writes::<Tag>(text);
    reads_what_it_writes::<Position>(text);
    // One way of writing each.
    for again in [
        written::<Id>(text),
        written::<Discriminator>(text),
        written::<ImageHash>(text),
    ] {
        assert!(
            again.is_none_or(|again| again == text),
            "another way of writing {text:?}"
        );
    }
    if let Ok(id) = taken::<Id>(text) {
        assert_eq!(Id::from_bits(id.bits()), Some(id));
    }
    if let Ok(moment) = taken::<Timestamp>(text) {
        // What is beyond RFC 3339's years reads as their last moment, or as the first.
        let again: Timestamp = moment
            .to_string()
            .parse()
            .expect("a moment as it is written");
        assert_eq!(again.to_string(), moment.to_string());
    }
    shown(text, 100, |name: &Name| name.as_str().to_owned());
    shown(text, 200, |reason: &Reason| reason.0.clone());
    shown(text, 100, |label: &Label| label.0.clone());
    for label in [Label::of_client(Some(text)), Label::of_browser(Some(text))] {
        assert!((1..=200).contains(&label.0.chars().count()));
        assert!(!label.0.contains(char::is_control), "{label:?}");
    }
}

fn username(text: &str) {
    let Ok(name) = taken::<Username>(text) else {
        return;
    };
    shown(text, 30, |name: &Username| name.as_str().to_owned());
    assert!(!name.as_str().contains(['@', '#', ':']), "{name:?}");
    assert!(
        !name.key().is_empty(),
        "a name that equals nothing: {name:?}"
    );
    assert_eq!(search_key(name.as_str()), name.key(), "not found by itself");
    // Whoever types the key of a name means that name.
    if let Ok(key) = name.key().parse::<Username>()
        && key.as_str() == name.key()
    {
        assert_eq!(key.key(), name.key(), "the key of a key is another one");
    }
    let tag = format!("{name}#0001");
    assert_eq!(
        tag.parse::<Tag>().expect("a name and a number").username,
        name
    );
}

/// What is taken is no longer than it may be, can be seen, and stays what it is when it is sent again.
fn shown<T: FromStr<Err = Problem>>(text: &str, most: usize, show: impl Fn(&T) -> String) {
    let Ok(name) = taken::<T>(text) else {
        return;
    };
    let shown = show(&name);
    assert!((1..=most).contains(&shown.chars().count()), "{shown:?}");
    assert!(!shown.contains(char::is_control), "{shown:?}");
    assert_eq!(shown.trim(), shown);
    let again = shown.parse::<T>().map(|name| show(&name));
    assert_eq!(
        again.as_ref(),
        Ok(&shown),
        "prepared again it is another one"
    );
}

/// A refusal says which rule and what to do, on one line.
fn taken<T: FromStr<Err = Problem>>(text: &str) -> Result<T, Problem> {
    let taken = text.parse::<T>();
    if let Err(problem) = &taken {
        assert!(
            !problem.code.is_empty() && problem.message.ends_with('.'),
            "{problem:?}"
        );
        assert!(!problem.message.contains(char::is_control), "{problem:?}");
    }
    taken
}

fn written<T: FromStr<Err = Problem> + Display>(text: &str) -> Option<String> {
    taken::<T>(text).ok().map(|one| one.to_string())
}

fn reads_what_it_writes<T: FromStr<Err = Problem> + Display + Debug + PartialEq>(text: &str) {
    if let Ok(one) = taken::<T>(text) {
        assert_eq!(one.to_string().parse::<T>().as_ref(), Ok(&one));
    }
}
