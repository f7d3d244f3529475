//! `saryno user`

use std::str::FromStr;

use clap::{Args, Subcommand};
use serde_json::json;

use super::data::Opened;
use super::{Place, Print, read_password};
use crate::accounts::{Label, NewToken, Password, RESET_END, Secret};
use crate::actions::{Action, UserAction};
use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::id::Id;
use crate::names::{Reason, Username};
use crate::passwords::Hasher;
use crate::users::{Account, Discriminator, Flag, Flags, NewUser, Tag, Users};

/// Make, show and change accounts.
#[derive(Subcommand)]
pub(super) enum User {
    /// Make an account.
    Create(Create),
    /// Show an account.
    Show(One),
    /// Make a token for an account; it is shown this once and does not end by itself.
    Token(One),
    /// Make a one-time link that sets a new password, good for an hour.
    ResetLink(One),
    /// Disable an account: none of its tokens admits anyone.
    Disable(Disable),
    /// Enable an account again.
    Enable(One),
    /// Delete an account for good; a tombstone stays in its DMs.
    Delete(One),
    /// Show an account's flags, or set and clear some.
    Flags(ChangeFlags),
}

#[derive(Args)]
pub(super) struct Create {
    /// The username.
    name: Username,
    /// This discriminator, 0001 to 9999, instead of one drawn.
    #[arg(long)]
    discriminator: Option<Discriminator>,
    /// developer, bot or system; may be given several times.
    #[arg(long = "flag")]
    flags: Vec<Flag>,
    /// Read the password from the first line of standard input; without one, only tokens admit.
    #[arg(long)]
    password_stdin: bool,
    /// Make a token, too, and print it; it is shown this once.
    #[arg(long)]
    token: bool,
    #[command(flatten)]
    print: Print,
}

#[derive(Args)]
pub(super) struct One {
    /// Which account: its tag (name#0001) or its id.
    #[arg(value_name = "TAG-OR-ID")]
    user: TagOrId,
    #[command(flatten)]
    print: Print,
}

#[derive(Args)]
pub(super) struct Disable {
    #[command(flatten)]
    one: One,
    /// Why; the account is shown it.
    #[arg(long)]
    reason: Option<Reason>,
}

#[derive(Args)]
pub(super) struct ChangeFlags {
    #[command(flatten)]
    one: One,
    /// Set developer, bot or system; may be given several times.
    #[arg(long = "set", value_name = "FLAG")]
    set: Vec<Flag>,
    /// Clear developer, bot or system; may be given several times.
    #[arg(long = "clear", value_name = "FLAG")]
    clear: Vec<Flag>,
}

/// A tag contains a `#`, an id doesn't.
#[derive(Clone)]
enum TagOrId {
    Tag(Tag),
    Id(Id),
}

impl FromStr for TagOrId {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        if text.contains('#') {
            text.parse().map(Self::Tag)
        } else {
            text.parse().map(Self::Id)
        }
    }
}

impl One {
    async fn id(&self, opened: &Opened) -> Result<Id> {
        match &self.user {
            TagOrId::Id(id) => Ok(*id),
            TagOrId::Tag(tag) => Ok(opened.store.user_by_tag(tag.clone()).await?.id),
        }
    }

    fn print(&self, account: &Account) -> Result<()> {
        self.print.result(account, || describe(account))
    }
}

impl User {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        match self {
            Self::Create(create) => {
                let hash = create.read_password()?;
                place.run(async |opened| create.run(opened, hash).await)
            }
            Self::Show(one) => place
                .run(async |opened| one.print(&opened.store.account(one.id(opened).await?).await?)),
            Self::Token(one) => place.run(async |opened| one.token(opened).await),
            Self::ResetLink(one) => {
                let url = place.url()?;
                place.run(async |opened| one.reset_link(opened, &url).await)
            }
            Self::Disable(Disable { one, reason }) => {
                let action = UserAction::Disable(reason);
                place.run(async |opened| one.print(&one.act(opened, action).await?))
            }
            Self::Enable(one) => {
                place.run(async |opened| one.print(&one.act(opened, UserAction::Enable).await?))
            }
            Self::Delete(one) => place.run(async |opened| {
                let account = opened.store.account(one.id(opened).await?).await?;
                opened
                    .perform(Action::User(account.user.id, UserAction::Delete))
                    .await?;
                one.print.result(&json!({"deleted": account.user}), || {
                    format!("{} is deleted.", account.user)
                })
            }),
            Self::Flags(change) => place.run(async |opened| {
                let action = UserAction::ModifyFlags {
                    set: change.set.iter().copied().collect(),
                    clear: change.clear.iter().copied().collect(),
                };
                change.one.print(&change.one.act(opened, action).await?)
            }),
        }
    }
}

impl Create {
    fn read_password(&self) -> Result<Option<Password>> {
        self.password_stdin.then(read_password).transpose()
    }

    async fn run(self, opened: &Opened, password: Option<Password>) -> Result<()> {
        let ids = &opened.ids;
        let password = match password {
            Some(password) => Some(Hasher::new(1)?.hash(password).await?),
            None => None,
        };
        let secret = self.token.then(Secret::token);
        let token = match &secret {
            Some(secret) => Some(new_token(ids.next()?, secret)),
            None => None,
        };
        let new = NewUser {
            id: ids.next()?,
            username: self.name,
            discriminator: self.discriminator,
            random: rand::random(),
            flags: self.flags.into_iter().collect::<Flags>(),
            password,
            token,
        };
        let action = Action::CreateUser(Box::new(new));
        let user = opened.perform(action).await?.account()?.user;
        let mut result = json!({ "user": user });
        let mut text = format!("{user} has the id {}.", user.id);
        if let Some(secret) = &secret {
            result["token"] = secret.reveal().into();
            text = format!("{text}\nIts token, shown this once: {}", secret.reveal());
        }
        self.print.result(&result, || text)
    }
}

impl One {
    async fn token(&self, opened: &Opened) -> Result<()> {
        let secret = Secret::token();
        let token = new_token(opened.ids.next()?, &secret);
        let user = self.act(opened, UserAction::IssueToken(token)).await?.user;
        let result = json!({"user": user, "token": secret.reveal()});
        self.print.result(&result, || {
            format!("A token of {user}, shown this once: {}", secret.reveal())
        })
    }

    async fn reset_link(&self, opened: &Opened, url: &str) -> Result<()> {
        let (code, expires_at) = (Secret::code(), Timestamp::now().after(RESET_END));
        let action = UserAction::IssueReset {
            code: code.hash(),
            expires_at,
        };
        let user = self.act(opened, action).await?.user;
        let link = format!("{url}/account#/reset/{}", code.reveal());
        let result =
            json!({"user": user, "code": code.reveal(), "link": link, "expires_at": expires_at});
        self.print.result(&result, || {
            format!(
                "For {user}, once, until {expires_at}:\n{link}\nor POST {url}/auth/reset {{\"code\": \"{}\", \"new\": \"...\"}}",
                code.reveal()
            )
        })
    }

    /// Does something to the account.
    async fn act(&self, opened: &Opened, action: UserAction) -> Result<Account> {
        let action = Action::User(self.id(opened).await?, action);
        opened.perform(action).await?.account()
    }
}

fn new_token(id: Id, secret: &Secret) -> NewToken {
    NewToken {
        id,
        hash: secret.hash(),
        label: Label::command_line(),
        login: None,
    }
}

fn describe(account: &Account) -> String {
    let Account {
        user,
        disabled,
        reason,
    } = account;
    let flags = [
        (Flag::Developer, "developer"),
        (Flag::Bot, "bot"),
        (Flag::System, "system"),
    ];
    let flags: Vec<_> = flags
        .into_iter()
        .filter(|(flag, _)| user.flags.contains(*flag))
        .map(|(_, name)| name)
        .collect();
    let flags = if flags.is_empty() {
        "none".to_owned()
    } else {
        flags.join(", ")
    };
    let state = match (disabled, reason) {
        (false, _) => "enabled".to_owned(),
        (true, None) => "disabled".to_owned(),
        (true, Some(reason)) => format!("disabled: {reason}"),
    };
    format!(
        "{user}\nid: {}\nmade: {}\nflags: {flags}\nstate: {state}",
        user.id,
        user.id.time()
    )
}
