//! Tokens, cookies, codes, passwords and idempotency keys: none passes for another, and none prints.

use saryno::accounts::{Attempt, Password};
use saryno::idempotency::Key;
use saryno::tokens::{Code, SecretHash};

/// Any text as each of them.
pub fn credentials(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let kinds = [
        SecretHash::of_token(text),
        SecretHash::of_admin_token(text),
        SecretHash::of_session(text),
    ];
    let found: Vec<_> = kinds.into_iter().flatten().collect();
    assert!(found.len() <= 1, "{text} passes for two kinds");
    for hash in found {
        assert!([43, 47].contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(
            !format!("{hash:?}").contains(text),
            "a hash that prints what it is of"
        );
    }
    let code: Code = text.parse().expect("any text may be sent as a code");
    let printed = format!("{code:?}");
    let beginning: String = text.chars().take(4).collect();
    assert_eq!(printed, format!("Code({beginning}…)"));
    if let Ok(key) = text.parse::<Key>() {
        assert_eq!(key.as_str(), text);
        assert!(
            (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        );
    }
    // What somebody types is right or wrong, and never malformed.
    assert!(text.parse::<Attempt>().is_ok());
    let password = text.parse::<Password>();
    if text.is_ascii() {
        assert_eq!(password.is_ok(), (8..=128).contains(&text.len()), "{text}");
    }
    if let Err(problem) = password {
        assert!(
            text.len() < 8 || !problem.message.contains(text),
            "{problem:?}"
        );
    }
}
