//! The bodies that the admin API takes.

use std::collections::HashSet;
use std::str::FromStr;

use crate::accounts::{InstanceInvite, Policy};
use crate::actions::{Action, UserAction};
use crate::clock::Timestamp;
use crate::communities::NewCommunity;
use crate::error::{Problem, Result};
use crate::fields::{Fields, FromValue, Number, Truth, Value};
use crate::id::Id;
use crate::images::Studio;
use crate::names::{Reason, Username};
use crate::passwords::{Attempt, Password};
use crate::tokens::{Code, Label, SecretHash};
use crate::users::{Discriminator, Flag, Flags};

/// The body of `POST /admin/api/setup`.
pub(super) struct SetUp {
    /// The hash of the code in the link.
    pub(super) code: SecretHash,
    /// The first admin's name.
    pub(super) name: Username,
    /// And their password.
    pub(super) password: Password,
}

impl SetUp {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub(super) fn parse(mut body: Fields) -> Result<Self> {
        let code = body.required::<Code>("code");
        let name = body.required("name");
        let password = body.required("password");
        body.finish()?;
        Ok(Self {
            code: SecretHash::of_code(&code?),
            name: name?,
            password: password?,
        })
    }
}

/// The body of `POST /admin/api/login`.
pub(super) struct AdminLogIn {
    /// The name typed.
    pub(super) name: Username,
    /// The password typed.
    pub(super) password: Attempt,
}

impl AdminLogIn {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub(super) fn parse(mut body: Fields) -> Result<Self> {
        let name = body.required("name");
        let password = body.required("password");
        body.finish()?;
        Ok(Self {
            name: name?,
            password: password?,
        })
    }
}

/// The body of `POST /admin/api/password-link`.
pub(super) struct LinkUse {
    /// The hash of the code in the link.
    pub(super) code: SecretHash,
    /// The password to be.
    pub(super) password: Password,
}

impl LinkUse {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub(super) fn parse(mut body: Fields) -> Result<Self> {
        let code = body.required::<Code>("code");
        let password = body.required("password");
        body.finish()?;
        Ok(Self {
            code: SecretHash::of_code(&code?),
            password: password?,
        })
    }
}

/// The body of `POST /admin/api/users`.
pub(super) struct WantedUser {
    /// The name.
    pub(super) username: Username,
    /// This very one, or one drawn.
    pub(super) discriminator: Option<Discriminator>,
    /// Its flags.
    pub(super) flags: Flags,
    /// Without one nobody can log in; tokens work.
    pub(super) password: Option<Password>,
    /// Whether a token is to be made, too.
    pub(super) token: bool,
}

impl WantedUser {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub(super) fn parse(mut body: Fields) -> Result<Self> {
        let username = body.required("username");
        let discriminator = body.optional("discriminator");
        let flags = body.optional_list::<FlagNumber>("flags");
        let password = body.optional("password");
        let token = body.optional::<Truth>("token");
        body.finish()?;
        Ok(Self {
            username: username?,
            discriminator: discriminator?,
            flags: flags?
                .unwrap_or_default()
                .into_iter()
                .map(|FlagNumber(flag)| flag)
                .collect(),
            password: password?,
            token: token?.is_some_and(|Truth(token)| token),
        })
    }
}

/// How many accounts one request changes at most.
const MOST_AT_ONCE: usize = 200;

/// The body of `POST /admin/api/users/bulk`: one action for several accounts.
pub(super) struct Bulk {
    /// What is done to each, in the order given.
    pub(super) actions: Vec<Action>,
}

impl Bulk {
    /// # Errors
    /// `Invalid` with every field at fault.
    pub(super) fn parse(mut body: Fields) -> Result<Self> {
        let ids = body.list::<Id>("ids");
        if let Ok(ids) = &ids {
            let problem = match ids.len() {
                0 => Some(Problem::too_short("Name one account at least.")),
                count if count > MOST_AT_ONCE => Some(Problem::too_long(format!(
                    "{MOST_AT_ONCE} accounts are the most at once."
                ))),
                _ => None,
            };
            if let Some(problem) = problem {
                body.fault("ids", problem);
            } else {
                let mut known = HashSet::new();
                for (index, _) in ids.iter().enumerate().filter(|(_, id)| !known.insert(**id)) {
                    let problem = Problem::duplicate("This account stands in the list already.");
                    body.fault(&format!("ids[{index}]"), problem);
                }
            }
        }
        let verb = body.required::<Verb>("action");
        let (set, clear) = match &verb {
            Ok(Verb::SetFlag) => (body.required::<Flag>("flag").map(Some), Ok(None)),
            Ok(Verb::ClearFlag) => (Ok(None), body.required::<Flag>("flag").map(Some)),
            _ => (Ok(None), Ok(None)),
        };
        let reason = match &verb {
            Ok(Verb::Disable) => body.nullable::<Reason>("reason").map(Option::flatten),
            _ => Ok(None),
        };
        body.finish()?;
        let flags = |flag: Option<Flag>| flag.into_iter().collect::<Flags>();
        let (verb, set, clear, reason) = (verb?, flags(set?), flags(clear?), reason?);
        let action = match verb {
            Verb::SetFlag | Verb::ClearFlag => UserAction::ModifyFlags { set, clear },
            Verb::Disable => UserAction::Disable(reason),
            Verb::Enable => UserAction::Enable,
            Verb::Delete => UserAction::Delete,
        };
        let act = |user| Action::User(user, action.clone());
        Ok(Self {
            actions: ids?.into_iter().map(act).collect(),
        })
    }
}

/// A flag by its number.
struct FlagNumber(Flag);

impl FromValue for FlagNumber {
    fn from_value(value: Value) -> Result<Self, Problem> {
        let Number(number) = Number::from_value(value)?;
        let flag = Flag::ALL
            .into_iter()
            .find(|flag| i64::from(*flag as u8) == number);
        flag.map(Self).ok_or_else(|| {
            Problem::out_of_range("The flags are 1 (developer), 10 (bot) and 11 (system).")
        })
    }
}

#[derive(Clone, Copy)]
enum Verb {
    SetFlag,
    ClearFlag,
    Disable,
    Enable,
    Delete,
}

impl FromStr for Verb {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "set_flag" => Ok(Self::SetFlag),
            "clear_flag" => Ok(Self::ClearFlag),
            "disable" => Ok(Self::Disable),
            "enable" => Ok(Self::Enable),
            "delete" => Ok(Self::Delete),
            _ => Err(Problem::out_of_range(
                "The actions are set_flag, clear_flag, disable, enable and delete.",
            )),
        }
    }
}

/// The body of `PUT /admin/api/users/{user.id}/disabled`.
///
/// # Errors
/// `Invalid` with every field at fault.
pub(super) fn parse_reason(mut body: Fields) -> Result<Option<Reason>> {
    let reason = body.nullable::<Reason>("reason");
    body.finish()?;
    Ok(reason?.flatten())
}

/// The body of `POST /admin/api/tokens`.
///
/// # Errors
/// `Invalid` with every field at fault.
pub(super) fn parse_required_label(mut body: Fields) -> Result<Label> {
    let label = body.required::<Label>("name");
    body.finish()?;
    Ok(label?)
}

/// The body of `POST /admin/api/admins`.
///
/// # Errors
/// `Invalid` with every field at fault.
pub(super) fn parse_admin(mut body: Fields) -> Result<Username> {
    let name = body.required::<Username>("name");
    body.finish()?;
    Ok(name?)
}

/// The body of `POST /admin/api/communities`, and whose it is to be.
///
/// # Errors
/// As [`NewCommunity::parse`].
pub(super) async fn parse_community(
    mut body: Fields,
    studio: &Studio,
) -> Result<(NewCommunity, Id)> {
    let owner = body.required("owner_id");
    let new = NewCommunity::parse(body, studio).await?;
    Ok((new, owner?))
}

/// The body of `PUT /admin/api/registration`.
///
/// # Errors
/// `Invalid` with every field at fault.
pub(super) fn parse_policy(mut body: Fields) -> Result<Policy> {
    let policy = body.required::<Policy>("registration");
    body.finish()?;
    Ok(policy?)
}

/// The body of `POST /admin/api/invites`: an invite to this server, for one newcomer unless it says otherwise.
///
/// # Errors
/// `Invalid` with every field at fault.
pub(super) fn parse_invite(body: Fields, now: Timestamp) -> Result<InstanceInvite> {
    let wanted = crate::communities::NewInvite::parse(body, now)?;
    Ok(InstanceInvite {
        code: Code::mint(),
        max_uses: wanted.max_uses.unwrap_or(1),
        uses: 0,
        expires_at: wanted.expires_at,
    })
}
