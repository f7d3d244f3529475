//! Names from all over Unicode: which are allowed, how they are tidied, and which are the same.

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
