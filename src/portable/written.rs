//! The lines as they are written.

use serde::Serialize;

use crate::clock::Timestamp;
use crate::id::Id;
use crate::images::ImageHash;
use crate::users::{Discriminator, Flags};

/// A line of an export, in the order in which the kinds follow each other. Has no `Debug`: it may hold a password's hash.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)] // the columns of `schema.sql`, by their names
pub enum Written<'a> {
    /// The header.
    Export {
        format: i64,
        /// Name and version of what wrote it.
        program: &'a str,
        made_at: Timestamp,
        /// The highest id that was ever recorded, those of what is gone included.
        highest_id: Id,
        /// How many follow this one.
        lines: u64,
    },
    Registration {
        registration: &'a str,
    },
    Image {
        hash: ImageHash,
        /// In base64.
        png: &'a str,
    },
    /// The seed's five fields, and what only the instance itself knows of an account.
    User {
        id: Id,
        username: &'a str,
        discriminator: Discriminator,
        avatar: Option<ImageHash>,
        flags: Flags,
        #[serde(skip_serializing_if = "Option::is_none")]
        password: Option<&'a str>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        disabled: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a str>,
    },
    /// What is left of a deleted account.
    Tombstone {
        id: Id,
    },
    Block {
        user_id: Id,
        blocked_id: Id,
    },
    /// With its owner's membership, so that no community is without one.
    Community {
        id: Id,
        name: &'a str,
        icon: Option<ImageHash>,
        owner_id: Id,
        owner_since: Id,
    },
    /// Of all but the owner.
    Member {
        community_id: Id,
        user_id: Id,
        since: Id,
    },
    Invite {
        id: Id,
        code: &'a str,
        community_id: Id,
        max_uses: Option<u32>,
        uses: u32,
        expires_at: Option<Timestamp>,
    },
    Dm {
        id: Id,
        participants: &'a [Standing],
    },
    Group {
        id: Id,
        name: Option<&'a str>,
        owner_id: Id,
        participants: &'a [Standing],
    },
    InstanceInvite {
        code: &'a str,
        max_uses: u32,
        uses: u32,
        expires_at: Option<Timestamp>,
    },
    Admin {
        id: Id,
        name: &'a str,
        password: Option<&'a str>,
        last_login: Option<Timestamp>,
    },
    Audit {
        id: Id,
        admin_id: Option<Id>,
        admin_name: &'a str,
        via: &'a str,
        address: Option<&'a str>,
        action: &'a str,
        target_kind: Option<&'a str>,
        target_id: Option<Id>,
        target_name: Option<&'a str>,
        /// JSON in a string: what the log holds comes back byte for byte.
        before: Option<&'a str>,
        after: Option<&'a str>,
    },
}

/// Somebody in a channel.
#[derive(Serialize)]
pub struct Standing {
    /// Who.
    pub user_id: Id,
    /// Tells when they came.
    pub since: Id,
    /// Whether they have hidden it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

impl Written<'_> {
    /// The kind of line, as it stands in it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Export { .. } => "export",
            Self::Registration { .. } => "registration",
            Self::Image { .. } => "image",
            Self::User { .. } => "user",
            Self::Tombstone { .. } => "tombstone",
            Self::Block { .. } => "block",
            Self::Community { .. } => "community",
            Self::Member { .. } => "member",
            Self::Invite { .. } => "invite",
            Self::Dm { .. } => "dm",
            Self::Group { .. } => "group",
            Self::InstanceInvite { .. } => "instance_invite",
            Self::Admin { .. } => "admin",
            Self::Audit { .. } => "audit",
        }
    }
}
