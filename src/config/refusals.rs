//! What settings are refused with: a sentence that names the key or the place, and never shows the secret among them.

use std::ffi::OsString;

use figment::error::{Actual, Kind};

use crate::error::{Error, Result};

/// Refuses what figment panics of, and shows: an escape behind a sign that is not ASCII, in the value of a variable.
pub(super) fn check_variables() -> Result<()> {
    let unreadable = |(name, value): (OsString, OsString)| {
        let (name, value) = (name.to_str()?, value.to_str()?);
        let ours = name.to_ascii_uppercase().starts_with("SARYNO_");
        (ours && value.contains('\\') && !value.is_ascii()).then(|| name.to_owned())
    };
    match std::env::vars_os().find_map(unreadable) {
        Some(name) => Err(Error::Internal(format!(
            "{name} has a backslash beside letters that are not ASCII; set it in saryno.toml"
        ))),
        None => Ok(()),
    }
}

/// What can't be read, and where; without what stands there, should that be the secret or the line that it stands in.
pub(super) fn refusal(mut error: figment::Error) -> Error {
    let is_secret = error
        .path
        .iter()
        .any(|key| key.eq_ignore_ascii_case("metrics"));
    if is_secret && let Kind::InvalidType(found, _) | Kind::InvalidValue(found, _) = &mut error.kind
    {
        *found = Actual::Other("something else (a text of digits needs quotes)".into());
    }
    let text = error.to_string();
    let is_shown = |line: &&str| {
        let line = line.trim_start_matches(|sign: char| sign == ' ' || sign.is_ascii_digit());
        !line.is_empty() && !line.starts_with('|')
    };
    let told: Vec<_> = text.lines().filter(is_shown).map(str::trim).collect();
    Error::Internal(told.join(": "))
}
