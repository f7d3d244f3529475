//! A line as it is read: parsed at the door, with every field at fault named.

use super::kinds;
use crate::accounts::Policy;
use crate::audit::Text;
use crate::channels::DmPair;
use crate::clock::Timestamp;
use crate::error::{Error, Problem, Result};
use crate::fields::{Fields, Value};
use crate::id::Id;
use crate::images::{Image, ImageHash};
use crate::names::{Name, Reason, Username};
use crate::passwords::PasswordHash;
use crate::tokens::Code;
use crate::users::{Discriminator, Flags};

/// A line of an import: valid by itself. What it refers to is for the store to find. Has no `Debug`: it may hold a password's hash.
pub enum Line {
    /// The first of an export.
    Export(Header),
    /// Who may register.
    Registration(Policy),
    /// A picture.
    Image(Image),
    /// An account.
    User(Box<User>),
    /// What is left of a deleted account.
    Tombstone(Id),
    /// The first has blocked the second.
    Block(Id, Id),
    /// A community.
    Community(Community),
    /// A member of one.
    Member(Member),
    /// An invite to one.
    Invite(Invite),
    /// A DM.
    Dm(Dm),
    /// A group.
    Group(Group),
    /// An invite to this server.
    InstanceInvite(InstanceInvite),
    /// An admin.
    Admin(Admin),
    /// An entry of the audit log.
    Audit(Box<Audit>),
}

/// What an export says of itself.
pub struct Header {
    /// The version of the format.
    pub format: i64,
    /// Ids that are minted later are above this one. Of a newer format it is not known, like all that follows.
    pub highest_id: Id,
    /// How many lines follow.
    pub lines: u64,
}

/// An account to be stored.
#[allow(missing_docs)] // the columns of `schema.sql`, by their names; so are those of the others
pub struct User {
    pub id: Id,
    pub username: Username,
    pub discriminator: Discriminator,
    pub avatar: Option<ImageHash>,
    pub flags: Flags,
    pub password: Option<PasswordHash>,
    pub disabled: bool,
    pub reason: Option<Reason>,
}

/// A community to be stored, with its owner's membership.
#[allow(missing_docs)]
pub struct Community {
    pub id: Id,
    pub name: Name,
    pub icon: Option<ImageHash>,
    pub owner_id: Id,
    pub owner_since: Id,
}

/// A membership to be stored.
#[allow(missing_docs)]
pub struct Member {
    pub community_id: Id,
    pub user_id: Id,
    pub since: Id,
}

/// An invite to a community to be stored.
#[allow(missing_docs)]
pub struct Invite {
    pub id: Id,
    pub code: Code,
    pub community_id: Id,
    pub max_uses: Option<u32>,
    pub uses: u32,
    pub expires_at: Option<Timestamp>,
}

/// A DM to be stored; its two participants are the pair.
#[allow(missing_docs)]
pub struct Dm {
    pub id: Id,
    pub pair: DmPair,
    pub participants: Vec<Participant>,
}

/// A group to be stored; its owner is one of the participants, and none is there twice.
#[allow(missing_docs)]
pub struct Group {
    pub id: Id,
    pub name: Option<Name>,
    pub owner_id: Id,
    pub participants: Vec<Participant>,
}

/// Somebody in a channel.
#[allow(missing_docs)]
pub struct Participant {
    pub user_id: Id,
    pub since: Id,
    pub hidden: bool,
}

/// An invite to this server to be stored.
#[allow(missing_docs)]
pub struct InstanceInvite {
    pub code: Code,
    pub max_uses: u32,
    pub uses: u32,
    pub expires_at: Option<Timestamp>,
}

/// An admin to be stored.
#[allow(missing_docs)]
pub struct Admin {
    pub id: Id,
    pub name: Username,
    pub password: Option<PasswordHash>,
    pub last_login: Option<Timestamp>,
}

/// An entry of the audit log to be stored.
#[allow(missing_docs)]
pub struct Audit {
    pub id: Id,
    pub admin_id: Option<Id>,
    pub admin_name: String,
    pub via: String,
    pub address: Option<String>,
    pub action: String,
    pub target_kind: Option<String>,
    pub target_id: Option<Id>,
    pub target_name: Option<String>,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Line {
    /// Reads a line, without its end.
    ///
    /// # Errors
    /// `Malformed` for what is no JSON object; `Invalid` with every field at fault.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(line).map_err(|error| {
            let byte = error.valid_up_to() + 1;
            Error::Malformed(format!("It is not UTF-8 from byte {byte} on."))
        })?;
        let members = match serde_json::from_str(text) {
            Ok(Value::Object(members)) => members,
            Ok(other) => {
                let kind = other.kind();
                return Err(Error::Malformed(format!(
                    "It is {kind}; each line is one JSON object (NDJSON)."
                )));
            }
            Err(error) => return Err(Error::Malformed(no_json(&error))),
        };
        let mut fields = Fields::of(members);
        match fields.optional::<Text>("kind") {
            Ok(None) => kinds::user(fields),
            Ok(Some(Text(kind))) => Self::of(&kind, fields),
            Err(_) => Err(alone(fields)),
        }
    }

    fn of(kind: &str, mut fields: Fields) -> Result<Self> {
        match kind {
            "export" => kinds::header(fields),
            "registration" => kinds::registration(fields),
            "image" => kinds::image(fields),
            "user" => kinds::user(fields),
            "tombstone" => kinds::tombstone(fields),
            "block" => kinds::block(fields),
            "community" => kinds::community(fields),
            "member" => kinds::member(fields),
            "invite" => kinds::invite(fields),
            "dm" => kinds::dm(fields),
            "group" => kinds::group(fields),
            "instance_invite" => kinds::instance_invite(fields),
            "admin" => kinds::admin(fields),
            "audit" => kinds::audit(fields),
            _ => {
                let known = "There is no such kind of line; a newer saryno may know it. A line without `kind` is a user.";
                fields.fault("kind", Problem::out_of_range(known));
                Err(alone(fields))
            }
        }
    }

    /// The kind of line, as it stands in it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Export(_) => "export",
            Self::Registration(_) => "registration",
            Self::Image(_) => "image",
            Self::User(_) => "user",
            Self::Tombstone(_) => "tombstone",
            Self::Block(..) => "block",
            Self::Community(_) => "community",
            Self::Member(_) => "member",
            Self::Invite(_) => "invite",
            Self::Dm(_) => "dm",
            Self::Group(_) => "group",
            Self::InstanceInvite(_) => "instance_invite",
            Self::Admin(_) => "admin",
            Self::Audit(_) => "audit",
        }
    }
}

/// What serde says, without its line, which is always the first.
fn no_json(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "It ends in the middle of an object: each line is a whole one, and a file that was cut short ends like this.".into();
    }
    let told = error.to_string();
    let told = told.split(" at line ").next().unwrap_or_default();
    format!("It is no JSON from column {} on: {told}.", error.column())
}

/// The faults that were found so far: what the other fields would mean is not known.
pub(super) fn alone(fields: Fields) -> Error {
    let none = || Error::Malformed("It can't be read.".into());
    fields.finish_known().err().unwrap_or_else(none)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(line: &str) -> String {
        match Line::parse(line.as_bytes()) {
            Ok(line) => panic!("a good {}", line.kind()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn every_fault_of_a_line_is_named_at_once() {
        let line = r#"{"kind": "user", "id": 1, "username": "", "flags": [2], "avatar": null, "x": 1, "x": 2}"#;
        let told = refused(line);
        for field in ["id: ", "username: ", "discriminator: ", "flags[0]: ", "x: "] {
            assert!(told.contains(field), "{field}{told}");
        }
    }

    #[test]
    fn where_json_ends_or_breaks_is_told() {
        assert!(refused(r#"{"id": "1""#).starts_with("It ends in the middle of an object"));
        assert!(refused(r#"{"id": "1",}"#).starts_with("It is no JSON from column 12 on: "));
        assert!(refused("7").starts_with("It is a number; each line is one JSON object"));
    }

    #[test]
    fn of_a_newer_format_nothing_but_its_number_is_read() {
        let header = r#"{"kind": "export", "format": 2, "lines": "many", "more": []}"#;
        let Ok(Line::Export(header)) = Line::parse(header.as_bytes()) else {
            panic!("refused")
        };
        assert_eq!(header.format, 2);
        assert!(refused(r#"{"kind": "export", "format": 1}"#).contains("lines: "));
        assert!(refused(r#"{"kind": "export", "format": 0}"#).contains("format: "));
    }

    proptest! {
        #[test]
        fn no_bytes_are_more_than_a_bad_line(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Line::parse(&bytes);
        }

        #[test]
        fn no_fields_are_more_than_a_bad_line(
            kind in "user|image|community|dm|group|invite|admin|audit|export",
            field in "id|hash|png|participants|flags|uses|max_uses|format|lines|before",
            value in r#"[0-9]{1,20}|\[[0-9,"{}]{0,20}\]|"\PC{0,20}""#,
        ) {
            let _ = Line::parse(format!(r#"{{"kind":"{kind}","{field}":{value}}}"#).as_bytes());
        }
    }
}
