//! What an operator does: every change that an admin makes on the page, a script through an admin's token, or the command line.
//!
//! One enum and one door, [`crate::admins::Admins::perform`]: so that no change can pass by the audit log.

use serde::Serialize;

use crate::accounts::{InstanceInvite, Policy};
use crate::admins::{Link, NewAdmin, NewAdminToken};
use crate::clock::Timestamp;
use crate::communities::{Community, CommunityChange, Invite, NewCommunity, NewInvite};
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::names::Reason;
use crate::passwords::PasswordHash;
use crate::tokens::{Code, NewToken, SecretHash};
use crate::users::{Account, Change, Flags, NewUser};

/// An action, and the id of its entry in the audit log: a fresh one, which tells when.
#[derive(Debug, Clone)]
pub struct Deed {
    /// The entry's id.
    pub entry: Id,
    /// What is done.
    pub action: Action,
}

/// What an operator does.
#[derive(Debug, Clone)]
pub enum Action {
    /// Makes an account, with its token if there is one. `TagTaken`, `UsernameFull`.
    CreateUser(Box<NewUser>),
    /// Does something to the account of this id. `UnknownUser`, for tombstones too.
    User(Id, UserAction),
    /// Makes a community of somebody's.
    CreateCommunity {
        /// Its id.
        id: Id,
        /// The rest of it.
        new: NewCommunity,
        /// Its owner and first member; unknown: `Invalid` on `owner_id`.
        owner: Id,
    },
    /// Does something to the community of this id. `UnknownCommunity`.
    Community(Id, CommunityAction),
    /// Says who may register, at once and for good.
    SetRegistration(Policy),
    /// Makes an invite to this server.
    CreateInstanceInvite(InstanceInvite),
    /// Takes one away. `UnknownInvite`.
    RemoveInstanceInvite(Code),
    /// Makes an admin. `Invalid` on `name` where it is taken.
    CreateAdmin(NewAdmin),
    /// Does something to the admin of this id. `NotFound`.
    Admin(Id, AdminAction),
    /// Ends the author's session.
    LogOut,
    /// Stores a token of the author's.
    CreateAdminToken(NewAdminToken),
    /// Revokes an admin's token. `NotFound`.
    RevokeAdminToken(Id),
    /// Has made the backup of this name.
    MakeBackup(String),
    /// Downloads it.
    DownloadBackup(String),
    /// Settles data in that came out of a backup.
    Restore(Restored),
}

/// What is done to an account.
#[derive(Debug, Clone)]
pub enum UserAction {
    /// Changes name, discriminator or avatar, as `modify_user` does. `TagTaken`, `UsernameFull`.
    Modify {
        /// What is to change.
        change: Change,
        /// Draws a discriminator.
        random: u64,
    },
    /// Sets and clears flags; one that stands in both is cleared.
    ModifyFlags {
        /// These are set.
        set: Flags,
        /// And these cleared.
        clear: Flags,
    },
    /// Disables it: none of its tokens admits anyone, and it is told why.
    Disable(Option<Reason>),
    /// Enables it again.
    Enable,
    /// Makes a tombstone: the tag is free again, password, tokens and reset codes are gone, communities and groups are left
    /// (owned ones pass to their longest-standing member, or go where there is none), DMs stay.
    Delete,
    /// Stores a token that does not end by itself.
    IssueToken(NewToken),
    /// Revokes one of its tokens. `NotFound` if it has no such token.
    EndSession(Id),
    /// Revokes all of them.
    EndSessions,
    /// Stores a one-time code that sets a new password; an earlier one of the account is void.
    IssueReset {
        /// The code's hash.
        code: SecretHash,
        /// No good from then on.
        expires_at: Timestamp,
    },
}

/// What is done to a community.
#[derive(Debug, Clone)]
pub enum CommunityAction {
    /// Renames it, hands it over or gives it an icon. `Invalid` if the new owner is no member.
    Change(CommunityChange),
    /// Deletes it with its memberships and invites.
    Delete,
    /// Makes somebody a member. `AlreadyMember`, `UnknownUser`.
    AddMember {
        /// Whom.
        user: Id,
        /// A fresh id, which orders the members.
        since: Id,
    },
    /// Ends a membership. `OwnerCannotLeave`; `UnknownUser` if they are no member.
    RemoveMember(Id),
    /// Makes an invite to it.
    Invite {
        /// How long and for how many it is good.
        new: NewInvite,
        /// A fresh id, which orders the invites.
        key: Id,
        /// Its code.
        code: Code,
        /// Invites that are spent by now are dropped.
        now: Timestamp,
    },
    /// Takes one away. `UnknownInvite`.
    WithdrawInvite(Code),
}

/// What is done to an admin.
#[derive(Debug, Clone)]
pub enum AdminAction {
    /// Stores a one-time link; an earlier one is void.
    Link(Link),
    /// Sets the password and ends the admin's tokens, and their sessions but the author's own. `InvalidCredentials` if the password
    /// is no longer the one that was checked.
    SetPassword {
        /// The old one, where it was checked.
        checked: Option<PasswordHash>,
        /// The new one.
        new: PasswordHash,
    },
    /// Takes the admin away, with sessions and tokens. `Forbidden` for oneself.
    Remove,
}

/// Data that came out of a backup.
#[derive(Debug, Clone)]
pub struct Restored {
    /// The name of the backup's file.
    pub file: String,
    /// Whether what admitted somebody when it was made does so again; else all of that ends.
    pub keep_sessions: bool,
}

impl Action {
    /// What the audit log calls it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::CreateUser(_) => "user.create",
            Self::User(_, action) => match action {
                UserAction::Modify { change, .. } if change.renames() => "user.rename",
                UserAction::Modify { .. } => "user.avatar",
                UserAction::ModifyFlags { .. } => "user.flags",
                UserAction::Disable(_) => "user.disable",
                UserAction::Enable => "user.enable",
                UserAction::Delete => "user.delete",
                UserAction::IssueToken(_) => "user.token",
                UserAction::EndSession(_) => "user.session_end",
                UserAction::EndSessions => "user.sessions_end",
                UserAction::IssueReset { .. } => "user.reset_link",
            },
            Self::CreateCommunity { .. } => "community.create",
            Self::Community(_, action) => match action {
                CommunityAction::Change(_) => "community.change",
                CommunityAction::Delete => "community.delete",
                CommunityAction::AddMember { .. } => "community.member_add",
                CommunityAction::RemoveMember(_) => "community.member_remove",
                CommunityAction::Invite { .. } => "community.invite",
                CommunityAction::WithdrawInvite(_) => "community.invite_withdraw",
            },
            Self::SetRegistration(_) => "registration.set",
            Self::CreateInstanceInvite(_) => "invite.create",
            Self::RemoveInstanceInvite(_) => "invite.remove",
            Self::CreateAdmin(_) => "admin.create",
            Self::Admin(_, action) => match action {
                AdminAction::Link(_) => "admin.reset_link",
                AdminAction::SetPassword { .. } => "admin.password",
                AdminAction::Remove => "admin.remove",
            },
            Self::LogOut => "admin.log_out",
            Self::CreateAdminToken(_) => "token.create",
            Self::RevokeAdminToken(_) => "token.revoke",
            Self::MakeBackup(_) => "backup.make",
            Self::DownloadBackup(_) => "backup.download",
            Self::Restore(_) => "backup.restore",
        }
    }
}

/// Of several accounts that something was to be done to, the one at this index does not exist.
#[must_use]
pub fn unknown_among(index: usize) -> Error {
    let problem = Problem::unknown_user("There is no such user; nothing was done to the others.");
    Error::field(format!("ids[{index}]"), problem)
}

/// What came of an action.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// The account as it is now.
    Account(Account),
    /// The community as it is now.
    Community(Community),
    /// The invite that was made.
    Invite(Invite),
    /// Nothing to show.
    Done,
}

impl Outcome {
    /// The account that the action was about.
    ///
    /// # Errors
    /// [`Error::Internal`] if it was about something else.
    pub fn account(self) -> Result<Account> {
        match self {
            Self::Account(account) => Ok(account),
            _ => Err(Error::Internal(
                "the action was not about an account".into(),
            )),
        }
    }
}
