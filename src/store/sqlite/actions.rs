//! What operators do, in SQL: the deed and its entry in the audit log, in one transaction.

use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

use super::access;
use super::audit::{Trace, write};
use super::rows::{exists, record};
use super::{accounts, communities, invites, registration, restored, users, views};
use crate::accounts::InstanceInvite;
use crate::actions::{
    Action, AdminAction, CommunityAction, Deed, Outcome, UserAction, unknown_among,
};
use crate::admins::Means;
use crate::audit::{Author, Target, Who};
use crate::communities::{Community, Invite, NewCommunity};
use crate::error::{Error, Problem, Result};
use crate::id::Id;
use crate::users::{Account, NewUser, User};

/// Does what is asked, in this order, all or nothing, and writes the log.
pub(super) fn perform(
    connection: &Connection,
    author: &Author,
    deeds: &[Deed],
) -> Result<Vec<Outcome>> {
    require_operator(connection, author)?;
    let mut outcomes = Vec::with_capacity(deeds.len());
    for (index, Deed { entry, action }) in deeds.iter().enumerate() {
        let (outcome, trace) = run(connection, author, action).map_err(|error| match error {
            Error::UnknownUser if deeds.len() > 1 => unknown_among(index),
            error => error,
        })?;
        if trace.tells() {
            write(connection, author, *entry, action.name(), &trace)?;
        }
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Holds a deed against whether its author still is who they were when they were admitted.
fn require_operator(connection: &Connection, author: &Author) -> Result<()> {
    let Who::Operator(operator) = &author.who else {
        return Ok(());
    };
    let (sql, id) = match &operator.means {
        Means::Session(id) => (
            "SELECT EXISTS (SELECT 1 FROM admin_sessions WHERE id = :id)",
            id,
        ),
        Means::Token(id, _) => (
            "SELECT EXISTS (SELECT 1 FROM admin_tokens WHERE id = :id)",
            id,
        ),
    };
    let admitted: bool = connection
        .prepare_cached(sql)?
        .query_row(named_params! { ":id": id }, |row| row.get(0))?;
    if admitted {
        Ok(())
    } else {
        Err(Error::Unauthorized)
    }
}

type Done = Result<(Outcome, Trace)>;

fn run(connection: &Connection, author: &Author, action: &Action) -> Done {
    let nothing = |trace| Ok((Outcome::Done, trace));
    let of = |kind, id, name: &str| Some(Target::new(kind, id, name));
    match action {
        Action::CreateUser(new) => create_user(connection, new),
        Action::User(id, action) => act_on_user(connection, *id, action),
        Action::CreateCommunity { id, new, owner } => {
            create_community(connection, *id, new, *owner)
        }
        Action::Community(id, action) => act_on_community(connection, *id, action),
        Action::SetRegistration(policy) => {
            let before = registration::policy(connection)?;
            registration::set_policy(connection, *policy)?;
            nothing(Trace {
                target: of("registration", None, "registration"),
                before: Some(json!({ "registration": before })),
                after: Some(json!({ "registration": policy })),
            })
        }
        Action::CreateInstanceInvite(invite) => {
            registration::insert_invite(connection, invite)?;
            nothing(Trace {
                target: of("invite", None, "to this server"),
                before: None,
                after: Some(describe_instance_invite(invite)),
            })
        }
        Action::RemoveInstanceInvite(code) => {
            let invite = registration::remove_invite(connection, code)?;
            nothing(Trace {
                target: of("invite", None, "to this server"),
                before: Some(describe_instance_invite(&invite)),
                after: None,
            })
        }
        Action::CreateAdmin(new) => {
            if !access::insert(connection, new)? {
                let problem = Problem::not_allowed("There is an admin of this name.");
                return Err(Error::field("name", problem));
            }
            nothing(Trace {
                target: of("admin", Some(new.id), new.name.as_str()),
                ..Trace::default()
            })
        }
        Action::Admin(id, action) => {
            let name = access::named(connection, *id)?;
            let after = act_on_admin(connection, author, *id, action)?;
            nothing(Trace {
                target: of("admin", Some(*id), &name),
                before: None,
                after,
            })
        }
        Action::LogOut => {
            if let Some(session) = author.session() {
                access::end_session(connection, session)?;
            }
            nothing(Trace::default())
        }
        Action::CreateAdminToken(token) => {
            let admin = author.id().ok_or(Error::Unauthorized)?;
            access::insert_token(connection, admin, token)?;
            nothing(Trace {
                target: of("token", Some(token.id), &token.label.0),
                ..Trace::default()
            })
        }
        Action::RevokeAdminToken(token) => {
            let name = access::revoke_token(connection, *token)?;
            nothing(Trace {
                target: of("token", Some(*token), &name),
                ..Trace::default()
            })
        }
        Action::Restore(restored) => nothing(restored::settle(connection, restored)?),
        Action::MakeBackup(name) | Action::DownloadBackup(name) => nothing(Trace {
            target: of("backup", None, name),
            ..Trace::default()
        }),
    }
}

fn create_user(connection: &Connection, new: &NewUser) -> Done {
    let user = users::create(connection, new)?;
    let after = json!({
        "tag": user.to_string(),
        "flags": user.flags,
        "password": new.password.is_some(),
        "token": new.token.is_some(),
    });
    let trace = Trace {
        target: Some(target_user(&user)),
        before: None,
        after: Some(after),
    };
    Ok((
        Outcome::Account(users::account(connection, user.id)?),
        trace,
    ))
}

fn act_on_user(connection: &Connection, id: Id, action: &UserAction) -> Done {
    let old = users::account(connection, id)?;
    let flags = |account: &Account| Some(json!({ "flags": account.user.flags }));
    let state =
        |account: &Account| Some(json!({ "disabled": account.disabled, "reason": account.reason }));
    let now = || users::account(connection, id);
    let (before, after) = match action {
        UserAction::Modify { change, random } => {
            users::modify(connection, &old.user, change, *random)?;
            let changed = |account: &Account| {
                let mut changed = serde_json::Map::new();
                if change.renames() {
                    changed.insert("tag".into(), account.user.to_string().into());
                }
                if change.avatar.is_some() {
                    changed.insert("avatar".into(), json!(account.user.avatar));
                }
                Some(Value::Object(changed))
            };
            (changed(&old), changed(&now()?))
        }
        UserAction::ModifyFlags { set, clear } => {
            users::modify_flags(connection, id, *set, *clear)?;
            (flags(&old), flags(&now()?))
        }
        UserAction::Disable(reason) => {
            let reason = reason.as_ref().map(|reason| reason.0.as_str());
            users::set_disabled(connection, id, true, reason)?;
            (state(&old), state(&now()?))
        }
        UserAction::Enable => {
            users::set_disabled(connection, id, false, None)?;
            (state(&old), state(&now()?))
        }
        UserAction::Delete => {
            let inherited = users::bury(connection, id)?;
            let before = json!({
                "tag": old.user.to_string(),
                "flags": old.user.flags,
                "disabled": old.disabled,
                "reason": old.reason,
            });
            // Deleting an owner hands their communities on: the log tells of each.
            let handed_on = |(community, heir): (Community, Option<Id>)| json!({ "id": community.id, "name": community.name, "owner_id": heir });
            let after = (!inherited.is_empty()).then(|| {
                let communities: Vec<_> = inherited.into_iter().map(handed_on).collect();
                json!({ "communities": communities })
            });
            (Some(before), after)
        }
        UserAction::IssueToken(token) => {
            accounts::insert_token(connection, id, token)?;
            (
                None,
                Some(json!({ "session": token.id, "name": token.label })),
            )
        }
        UserAction::EndSession(token) => {
            let name = accounts::revoke(connection, id, *token)?;
            (Some(json!({ "session": token, "name": name })), None)
        }
        UserAction::EndSessions => {
            let ended = accounts::revoke_all(connection, id)?;
            (
                Some(json!({ "sessions": ended })),
                Some(json!({ "sessions": 0 })),
            )
        }
        UserAction::IssueReset { code, expires_at } => {
            accounts::insert_reset(connection, id, *code, *expires_at)?;
            (None, Some(json!({ "expires_at": expires_at })))
        }
    };
    let outcome = match action {
        UserAction::Delete => Account::tombstone(id),
        _ => now()?,
    };
    // Who it was when it was done: the name that the admin saw.
    let trace = Trace {
        target: Some(target_user(&old.user)),
        before,
        after,
    };
    Ok((Outcome::Account(outcome), trace))
}

fn create_community(connection: &Connection, id: Id, new: &NewCommunity, owner: Id) -> Done {
    if !exists(connection, owner)? {
        let problem = Problem::unknown_user("There is no such user.");
        return Err(Error::field("owner_id", problem));
    }
    communities::create(connection, id, new, owner)?;
    let community = views::community(connection, id)?;
    let trace = Trace {
        target: Some(target_community(&community)),
        before: None,
        after: Some(describe(connection, &community, new.icon.is_some())?),
    };
    Ok((Outcome::Community(community), trace))
}

fn act_on_community(connection: &Connection, id: Id, action: &CommunityAction) -> Done {
    let old = views::community(connection, id)?;
    let member = |user: &User| Some(json!({ "member": user.to_string(), "member_id": user.id }));
    let mut outcome = Outcome::Done;
    let (before, after) = match action {
        CommunityAction::Change(change) => {
            let before = describe(connection, &old, change.icon.is_some())?;
            communities::modify(connection, id, change)?;
            let new = views::community(connection, id)?;
            let after = describe(connection, &new, change.icon.is_some())?;
            outcome = Outcome::Community(new);
            (Some(before), Some(after))
        }
        CommunityAction::Delete => {
            let before = describe(connection, &old, false)?;
            communities::delete(connection, id)?;
            (Some(before), None)
        }
        CommunityAction::AddMember { user, since } => {
            let account = users::account(connection, *user)?;
            record(connection, "communities", *since)?;
            if communities::add(connection, id, *user, *since)? == 0 {
                return Err(Error::AlreadyMember);
            }
            (None, member(&account.user))
        }
        CommunityAction::RemoveMember(user) => {
            if old.owner_id == *user {
                return Err(Error::OwnerCannotLeave);
            }
            if communities::remove(connection, id, *user)? == 0 {
                return Err(Error::UnknownUser);
            }
            (member(&users::find(connection, *user)?), None)
        }
        CommunityAction::Invite {
            new,
            key,
            code,
            now,
        } => {
            let invite = invites::insert(connection, id, new, *key, code, *now)?;
            let after = describe_invite(&invite);
            outcome = Outcome::Invite(invite);
            (None, Some(after))
        }
        CommunityAction::WithdrawInvite(code) => {
            let invite = invites::remove(connection, id, code)?;
            (Some(describe_invite(&invite)), None)
        }
    };
    let trace = Trace {
        target: Some(target_community(&old)),
        before,
        after,
    };
    Ok((outcome, trace))
}

fn act_on_admin(
    connection: &Connection,
    author: &Author,
    id: Id,
    action: &AdminAction,
) -> Result<Option<Value>> {
    match action {
        AdminAction::Link(link) => {
            access::insert_link(connection, id, link)?;
            Ok(Some(json!({ "expires_at": link.expires_at })))
        }
        AdminAction::SetPassword { checked, new } => {
            access::set_password(connection, id, checked.as_ref(), new, author.session())?;
            Ok(None)
        }
        AdminAction::Remove if author.id() == Some(id) => Err(Error::Forbidden(
            "Nobody removes themself; ask another admin, or use the command line.",
        )),
        AdminAction::Remove => {
            access::remove(connection, id)?;
            Ok(None)
        }
    }
}

fn target_user(user: &User) -> Target {
    Target::new("user", Some(user.id), user)
}

fn target_community(community: &Community) -> Target {
    Target::new("community", Some(community.id), &community.name)
}

/// With its icon only where the deed is about that, too.
fn describe(connection: &Connection, community: &Community, icon: bool) -> Result<Value> {
    let owner = users::find(connection, community.owner_id)?;
    let mut described =
        json!({ "name": community.name, "owner": owner.to_string(), "owner_id": owner.id });
    if icon {
        described["icon"] = json!(community.icon);
    }
    Ok(described)
}

/// Without the whole of its code: whoever reads the log must not get in by it.
fn describe_invite(invite: &Invite) -> Value {
    json!({
        "code": invite.code.beginning(),
        "max_uses": invite.max_uses,
        "uses": invite.uses,
        "expires_at": invite.expires_at,
    })
}

fn describe_instance_invite(invite: &InstanceInvite) -> Value {
    describe_invite(&Invite {
        code: invite.code.clone(),
        max_uses: Some(invite.max_uses),
        expires_at: invite.expires_at,
        uses: invite.uses,
    })
}
