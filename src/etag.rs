//! What tells one version of a thing from another, and changes that are meant for one version alone (RFC 9110, sections 8.8.3
//! and 13): of two people who change the same thing at once, the second is told so and does not undo what the first did.

use base16ct::lower::encode_string;
use siphasher::sip::SipHasher13;

use crate::error::{Error, Result};

/// The tag of a representation, as it stands in a header: strong, and the same for the same bytes in every process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTag(String);

impl EntityTag {
    /// That of these bytes. 64 bits are enough: it tells versions of one thing apart, and nobody gains by making two that look
    /// the same.
    #[must_use]
    pub fn of(representation: &[u8]) -> Self {
        let hash = SipHasher13::new().hash(representation).to_be_bytes();
        Self(["\"", &encode_string(&hash), "\""].concat())
    }

    /// With its quotation marks.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<EntityTag> for String {
    fn from(tag: EntityTag) -> Self {
        tag.0
    }
}

/// Whether a list of tags, as `If-None-Match` has it, names this one or is `*`. Compared weakly (section 8.8.3.2).
#[must_use]
pub fn names(list: &str, tag: &str) -> bool {
    let named = |tags: Vec<&str>| tags.into_iter().any(|one| opaque(one) == opaque(tag));
    list.trim() == "*" || members(list).is_some_and(named)
}

/// Which versions of a thing a change is meant for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Whichever is there.
    #[default]
    Any,
    /// One that has one of these tags.
    OneOf(Vec<EntityTag>),
}

impl Precondition {
    /// Reads the value of `If-Match`.
    ///
    /// # Errors
    /// `Malformed` for what is neither `*` nor a list of tags.
    pub fn parse(list: &str) -> Result<Self> {
        if list.trim() == "*" {
            return Ok(Self::Any);
        }
        let tags = members(list).filter(|tags| !tags.is_empty());
        let tags = tags.ok_or_else(|| {
            let message = "The header If-Match is * or what an ETag said, quotation marks included; several have commas between them.";
            Error::Malformed(message.into())
        })?;
        // One that is weak says nothing of each byte, and so is no version's (section 13.1.1).
        let strong = tags.into_iter().filter(|tag| tag.starts_with('"'));
        Ok(Self::OneOf(
            strong.map(|tag| EntityTag(tag.to_owned())).collect(),
        ))
    }

    /// Whether this representation is of such a version.
    #[must_use]
    pub fn is_met_by(&self, representation: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::OneOf(tags) => tags.contains(&EntityTag::of(representation)),
        }
    }
}

/// The tags of a list, `"a", W/"b"`; `None` where it is no such list. Members that are empty don't count (section 5.6.1).
fn members(mut list: &str) -> Option<Vec<&str>> {
    let mut tags = Vec::new();
    loop {
        list = list.trim_start_matches([' ', '\t', ',']);
        if list.is_empty() {
            return Some(tags);
        }
        let (inner, _) = opaque(list).strip_prefix('"')?.split_once('"')?;
        let is_allowed = |sign: char| sign > ' ' && sign != '\u{7f}';
        let length = list.len() - opaque(list).len() + inner.len() + 2;
        let (tag, rest) = list.split_at(length);
        list = rest.trim_start_matches([' ', '\t']);
        if !inner.chars().all(is_allowed) || !(list.is_empty() || list.starts_with(',')) {
            return None;
        }
        tags.push(tag);
    }
}

/// A tag without the mark of a weak one.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tags that a precondition names.
    fn parsed(list: &str) -> Option<Vec<String>> {
        match Precondition::parse(list).ok()? {
            Precondition::Any => Some(vec!["*".into()]),
            Precondition::OneOf(tags) => Some(tags.into_iter().map(String::from).collect()),
        }
    }

    #[test]
    fn the_same_bytes_have_the_same_tag_in_every_version_of_this_program() {
        // SipHash-1-3 of 64 bits, the key all zeros.
        assert_eq!(EntityTag::of(b"").as_str(), "\"d1fba762150c532c\"");
        assert_ne!(EntityTag::of(b"a"), EntityTag::of(b"b"));
    }

    #[test]
    fn a_precondition_is_a_star_or_a_list_of_tags_of_which_weak_ones_are_no_version_s() {
        let (a, b) = ("\"a\"".to_owned(), "\"b,c\"".to_owned());
        for (list, tags) in [
            ("*", vec!["*".to_owned()]),
            (" * ", vec!["*".to_owned()]),
            ("\"a\"", vec![a.clone()]),
            ("\"a\",\"b,c\"", vec![a.clone(), b.clone()]),
            (" , \"a\" ,\t\"b,c\", ,", vec![a.clone(), b]),
            ("W/\"a\"", vec![]),
            ("W/\"b\", \"a\"", vec![a]),
            ("\"\"", vec!["\"\"".to_owned()]),
            ("\"é\"", vec!["\"é\"".to_owned()]),
        ] {
            assert_eq!(parsed(list), Some(tags), "{list}");
        }
    }

    #[test]
    fn what_is_neither_is_malformed() {
        for list in [
            "",
            " ",
            ",",
            "a",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "\"a\" \"b\"",
            "\"a\";q=1",
            "\"a b\"",
            "\"a\u{7f}\"",
            "w/\"a\"",
            "W/a",
            "W/ \"a\"",
            "*, \"a\"",
            "\"a\", *",
            "**",
        ] {
            assert_eq!(parsed(list), None, "{list}");
        }
    }

    #[test]
    fn a_precondition_is_met_by_the_version_that_it_names_and_by_no_other() {
        let tag = EntityTag::of(b"first");
        let meant = Precondition::parse(&format!("\"x\", {}", tag.as_str())).unwrap();
        assert!(meant.is_met_by(b"first") && !meant.is_met_by(b"second"));
        let weak = Precondition::parse(&format!("W/{}", tag.as_str())).unwrap();
        assert!(!weak.is_met_by(b"first"));
        assert!(Precondition::default().is_met_by(b"first"));
    }

    #[test]
    fn a_list_names_a_tag_whether_either_is_weak_or_not() {
        for (list, named) in [
            ("*", true),
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", W/\"a\"", true),
            ("\"b\"", false),
            ("a", false),
            ("", false),
            ("\"a\" \"a\"", false),
        ] {
            for tag in ["\"a\"", "W/\"a\""] {
                assert_eq!(names(list, tag), named, "{list} {tag}");
            }
        }
    }
}
