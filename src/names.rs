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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn username(text: &str) -> Result<Username, &'static str> {
        text.parse().map_err(|problem: Problem| problem.code)
    }

    #[test]
    fn names_of_every_script_and_joined_emoji_are_valid() {
        for name in [
            "NamesAreHardOkay?",
            "Zoë",
            "名前",
            "👩‍🚀",
            "❤️",
            "👍🏽",
            "🇨🇭",
            "สวัสดี",
            "العربية",
            "नमस्ते",
            "𝔣𝔯𝔞𝔨𝔱𝔲𝔯",
            "a",
            "`` ` ``",
        ] {
            assert_eq!(username(name).map(|name| name.text), Ok(name.to_owned()));
        }
    }

    #[test]
    fn spaces_are_tidied_and_the_tidied_name_is_what_is_kept() {
        assert_eq!(
            username("\u{3000} Zoe\u{308}\u{00A0}\u{2003} B ")
                .unwrap()
                .as_str(),
            "Zoë B"
        );
    }

    #[test]
    fn the_length_is_that_of_the_tidied_name() {
        assert!(username(&format!("  {}  ", "é".repeat(30))).is_ok());
        assert!(
            username(&"e\u{301}".repeat(30)).is_ok(),
            "30 after composition"
        );
        assert_eq!(username(&"a".repeat(31)), Err("too_long"));
        assert_eq!(username(""), Err("too_short"));
        assert_eq!(username(" \u{3000} "), Err("too_short"));
    }

    #[test]
    fn what_nobody_sees_or_what_has_a_meaning_in_clients_is_refused() {
        let refused = [
            "a\tb",
            "a\nb",
            "a\u{0}b",
            "a\u{85}b",
            "a\u{200B}b",
            "a\u{200D}b",
            "a\u{200E}b",
            "a\u{202E}b",
            "a\u{2066}b",
            "a\u{FE0F}",
            "a\u{34F}b",
            "a\u{AD}b",
            "\u{2800}",
            "\u{3164}",
            "\u{115F}",
            "\u{FFA0}",
            "\u{1D159}",
            "a\u{2028}b",
            "a\u{2029}b",
            "\u{E000}",
            "\u{378}",
            "\u{FFFE}",
            "\u{E0041}",
            "a@b",
            "a#b",
            "a:b",
            "a```b",
            "```",
            "\u{1FEF}\u{1FEF}\u{1FEF}",
            "a\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}",
        ];
        for name in refused {
            assert_eq!(username(name), Err("forbidden_character"), "{name:?}");
        }
    }

    #[test]
    fn a_joiner_stands_only_in_a_sequence_that_unicode_recommends() {
        for name in [
            "👩\u{200D}",
            "👩\u{200D}👩\u{200D}🚀",
            "👩\u{200D}❤\u{200D}👨",
            "x\u{FE0F}",
            "✅\u{FE0F}",
            "🚀\u{200D}🚀",
        ] {
            assert_eq!(username(name), Err("forbidden_character"), "{name:?}");
        }
    }

    #[test]
    fn four_marks_in_a_row_are_let_through() {
        assert!(username("q\u{301}\u{302}\u{303}\u{304}").is_ok());
        assert_eq!(
            username("q\u{301}\u{302}\u{303}\u{304}\u{305}"),
            Err("forbidden_character")
        );
    }

    #[test]
    fn reserved_names_are_reserved_however_they_are_written() {
        for name in [
            "everyone",
            "EveryOne",
            "here",
            "ＨＥＲＥ",
            "Deleted User",
            "deleted  user",
            "ｄeleted USER",
        ] {
            assert_eq!(username(name), Err("reserved"), "{name}");
        }
    }

    #[test]
    fn names_that_read_alike_by_the_rules_have_one_key() {
        for (one, other) in [
            ("Straße", "STRASSE"),
            ("ﬁsh", "FISH"),
            ("Zoë", "ZOE\u{308}"),
            ("Σίσυφος", "σίσυφοσ"),
            ("①", "1"),
            ("👩‍🚀", "👩🚀"),
        ] {
            assert_eq!(username(one).unwrap().key(), username(other).unwrap().key());
        }
        assert_ne!(
            username("Zoe").unwrap().key(),
            username("Zoë").unwrap().key()
        );
    }

    #[test]
    fn a_group_or_community_may_be_called_what_a_user_may_not() {
        assert_eq!(
            "  #general @ 10:30 ``` ".parse::<Name>().unwrap().as_str(),
            "#general @ 10:30 ```"
        );
        assert_eq!(
            "x".repeat(101).parse::<Name>().unwrap_err().code,
            "too_long"
        );
        assert_eq!(" ".parse::<Name>().unwrap_err().code, "too_short");
        assert_eq!(
            "a\u{202E}b".parse::<Name>().unwrap_err().code,
            "forbidden_character"
        );
    }

    proptest! {
        #[test]
        fn preparing_twice_changes_nothing(text in "\\PC{0,40}|[\\p{Zs}\\p{M}\\p{L}]{0,40}") {
            let once = prepare(&text);
            prop_assert_eq!(prepare(&once), once);
        }

        #[test]
        fn a_valid_name_reads_back_as_itself(text in any::<String>()) {
            if let Ok(name) = text.parse::<Username>() {
                prop_assert_eq!(name.as_str().parse(), Ok(name));
            }
        }

        #[test]
        fn no_invisible_or_direction_changing_character_survives(text in "[a-z\\p{C}\\p{Z}\\p{M}]{1,12}") {
            if let Ok(name) = text.parse::<Username>() {
                let bytes = name.as_str().chars().filter(|sign| {
                    matches!(u32::from(*sign), 0..=0x1F | 0x7F..=0xA0 | 0xAD | 0x34F | 0x61C | 0x180E | 0x200B..=0x200F
                        | 0x2028..=0x202F | 0x205F..=0x206F | 0x3000 | 0x3164 | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE0FFF)
                });
                prop_assert_eq!(bytes.count(), 0);
            }
        }

        #[test]
        fn a_key_does_not_depend_on_case_or_width(text in "[a-zA-Zà-ÿ０-９ａ-ｚ]{1,20}") {
            prop_assert_eq!(key(&prepare(&text)), key(&prepare(&text.to_uppercase())));
        }
    }
}
