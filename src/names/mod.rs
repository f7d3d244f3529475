//! Names: how they are prepared, what may stand in them, and when two are the same (contract, section 4, "Username"), in the
//! manner of RFC 8266 on the Unicode tables of ICU4X.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde::Serialize;
use unicode_segmentation::UnicodeSegmentation;

use crate::error::Problem;

/// What a deleted account is called; nobody else may be.
pub const DELETED_USER: &str = "Deleted User";

/// The keys of the names that nobody may take (contract, section 4).
static RESERVED: LazyLock<[String; 3]> =
    LazyLock::new(|| ["everyone", "here", DELETED_USER].map(key));

/// Signs that show as nothing, although their category says letter or symbol. The Hangul fillers are default-ignorable.
const BLANK: [char; 5] = [
    '\u{2800}',  // BRAILLE PATTERN BLANK
    '\u{FFFC}',  // OBJECT REPLACEMENT CHARACTER
    '\u{16FE4}', // KHITAN SMALL SCRIPT FILLER
    '\u{1D159}', // MUSICAL SYMBOL NULL NOTEHEAD
    '\u{13441}', // EGYPTIAN HIEROGLYPH FULL BLANK
];

const ZERO_WIDTH_JOINER: char = '\u{200D}';
const VARIATION_SELECTOR_16: char = '\u{FE0F}';

/// The longest run of combining marks; more of them climb over the neighbouring lines.
const MOST_MARKS: usize = 4;

/// A user's name, prepared, together with the key it is compared by. Always valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    text: String,
    key: String,
}

impl Username {
    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The comparison key: two names with equal keys are one name.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for Username {
    type Err = Problem;

    /// Prepares a name and holds it against the rules: 1 to 30 characters after preparation, none of them invisible, unassigned,
    /// a mark too many, `@`, `#`, `:` or part of three backticks in a row; not a reserved name.
    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = prepare(text);
        check_length(&text, 30)?;
        check_printable(&text)?;
        if let Some(sign) = text.chars().find(|sign| matches!(sign, '@' | '#' | ':')) {
            return Err(Problem::forbidden_character(format!(
                "A username can't contain {sign}."
            )));
        }
        if text.contains("```") {
            return Err(Problem::forbidden_character(
                "A username can't contain three backticks in a row.",
            ));
        }
        let key = key(&text);
        if RESERVED.contains(&key) {
            return Err(Problem::reserved("This name is reserved; choose another."));
        }
        Ok(Self { text, key })
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The name of a group or a community: 1 to 100 characters, prepared like a username; any printable character goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Name(String);

impl Name {
    /// The name as it is shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = prepare(text);
        check_length(&text, 100)?;
        check_printable(&text)?;
        Ok(Self(text))
    }
}

impl Name {
    /// What a search compares it by; several may have the same.
    #[must_use]
    pub fn key(&self) -> String {
        key(&self.0)
    }
}

/// Why an account is disabled, as it is shown: 1 to 200 characters, prepared like a name; any printable character goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason(pub String);

impl FromStr for Reason {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        let text = prepare(text);
        check_length(&text, 200)?;
        check_printable(&text)?;
        Ok(Self(text))
    }
}

/// The key of the beginning of a name: the names that begin so are those whose keys begin with it. Any text will do.
#[must_use]
pub fn search_key(text: &str) -> String {
    key(&prepare(text))
}

/// Every space separator becomes a space, outer ones go, inner runs become one; then NFC. Doing it twice changes nothing.
fn prepare(text: &str) -> String {
    let words = text
        .split(|sign| category(sign) == GeneralCategory::SpaceSeparator)
        .filter(|word| !word.is_empty());
    let mut spaced = String::with_capacity(text.len());
    for word in words {
        if !spaced.is_empty() {
            spaced.push(' ');
        }
        spaced.push_str(word);
    }
    ComposingNormalizerBorrowed::new_nfc()
        .normalize(&spaced)
        .into_owned()
}

/// The comparison key: NFKC, full case folding, NFKC again, default-ignorables dropped.
fn key(prepared: &str) -> String {
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    let folded = CaseMapper::new()
        .fold_string(&nfkc.normalize(prepared))
        .into_owned();
    nfkc.normalize(&folded)
        .chars()
        .filter(|sign| !is_ignorable(*sign))
        .collect()
}

fn check_length(prepared: &str, most: usize) -> Result<(), Problem> {
    match prepared.chars().count() {
        0 => Err(Problem::too_short("At least one visible character is due.")),
        count if count > most => Err(Problem::too_long(format!(
            "{most} characters are the most; these are {count}."
        ))),
        _ => Ok(()),
    }
}

/// Refuses what can't be seen, what isn't assigned, and towers of marks. A joiner or a variation selector may stand inside an
/// emoji sequence that Unicode recommends for general interchange, and nowhere else.
fn check_printable(prepared: &str) -> Result<(), Problem> {
    for cluster in prepared.graphemes(true) {
        let joined = is_recommended_emoji(cluster);
        for sign in cluster.chars() {
            if !(is_visible(sign)
                || joined && matches!(sign, ZERO_WIDTH_JOINER | VARIATION_SELECTOR_16))
            {
                let code = u32::from(sign);
                return Err(Problem::forbidden_character(format!(
                    "The character U+{code:04X} is invisible, not assigned or for private use."
                )));
            }
        }
    }
    let mut marks = 0;
    for sign in prepared.chars() {
        marks = if is_mark(sign) { marks + 1 } else { 0 };
        if marks > MOST_MARKS {
            return Err(Problem::forbidden_character(
                "More than four combining marks in a row.",
            ));
        }
    }
    Ok(())
}

/// Whether this is one emoji sequence in the very form that Unicode lists as recommended (RGI, UTS #51).
fn is_recommended_emoji(cluster: &str) -> bool {
    emojis::get(cluster).is_some_and(|emoji| emoji.as_str() == cluster)
}

fn is_visible(sign: char) -> bool {
    use GeneralCategory::{
        Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned,
    };
    let blind = matches!(
        category(sign),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | Surrogate | Unassigned
    );
    !blind && !is_ignorable(sign) && !BLANK.contains(&sign)
}

fn is_mark(sign: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(category(sign), NonspacingMark | SpacingMark | EnclosingMark)
}

fn is_ignorable(sign: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(sign)
}

fn category(sign: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(sign)
}

#[cfg(test)]
mod tests;
