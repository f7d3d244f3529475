//! `saryno admin`

use clap::{Args, Subcommand};
use serde_json::json;

use super::data::Opened;
use super::{Place, Print, read_password};
use crate::actions::{Action, AdminAction};
use crate::admins::{AdminView, Admins, LINK_END, Link, NewAdmin, WayIn};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::names::Username;
use crate::passwords::{Hasher, Password};
use crate::tokens::Secret;

/// Make, list and remove admins; let them in again.
#[derive(Subcommand)]
pub(super) enum Admin {
    /// Make an admin, who chooses a password with the one-time link that is printed.
    Create(One),
    /// Let an admin choose a new password, with the one-time link that is printed. The old one is good until then.
    ResetPassword(One),
    /// List all admins.
    List {
        #[command(flatten)]
        print: Print,
    },
    /// Remove an admin, whose sessions and API tokens end.
    Remove {
        /// The admin's name.
        name: Username,
        #[command(flatten)]
        print: Print,
    },
}

#[derive(Args)]
pub(super) struct One {
    /// The admin's name.
    name: Username,
    /// Set the password to the first line of standard input, instead of printing a link.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    print: Print,
}

impl Admin {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        match self {
            Self::Create(one) => {
                let (password, url) = one.prepare(place)?;
                place.run(async |opened| one.create(opened, password, &url).await)
            }
            Self::ResetPassword(one) => {
                let (password, url) = one.prepare(place)?;
                place.run(async |opened| one.reset(opened, password, &url).await)
            }
            Self::List { print } => place.run(async |opened| {
                let admins = opened.store.admins().await?;
                print.result(&admins, || {
                    admins.iter().map(describe).collect::<Vec<_>>().join("\n")
                })
            }),
            Self::Remove { name, print } => place.run(async |opened| {
                let admin = find(opened, &name).await?.admin;
                opened
                    .perform(Action::Admin(admin.id, AdminAction::Remove))
                    .await?;
                let last = opened.store.admins().await?.is_empty();
                print.result(&json!({ "removed": admin }), || {
                    let note = if last {
                        "\nNobody else is: the next start of the server prints a link that makes the first one."
                    } else {
                        ""
                    };
                    format!("{} is no admin any more.{note}", admin.name)
                })
            }),
        }
    }
}

impl One {
    fn prepare(&self, place: &Place) -> Result<(Option<Password>, String)> {
        let password = self.password_stdin.then(read_password).transpose()?;
        Ok((password, place.url()?))
    }

    async fn create(&self, opened: &Opened, password: Option<Password>, url: &str) -> Result<()> {
        let (secret, link) = new_link();
        let way = match password.clone() {
            Some(password) => WayIn::Password(Hasher::new(1)?.hash(password).await?),
            None => WayIn::Link(link.clone()),
        };
        let new = NewAdmin {
            id: opened.ids.next()?,
            name: self.name.clone(),
            way,
        };
        opened.perform(Action::CreateAdmin(new)).await?;
        self.tell(self.name.as_str(), password.is_some(), &secret, &link, url)
    }

    async fn reset(&self, opened: &Opened, password: Option<Password>, url: &str) -> Result<()> {
        let admin = find(opened, &self.name).await?.admin;
        let (secret, link) = new_link();
        let action = match password.clone() {
            Some(password) => AdminAction::SetPassword {
                checked: None,
                new: Hasher::new(1)?.hash(password).await?,
            },
            None => AdminAction::Link(link.clone()),
        };
        opened.perform(Action::Admin(admin.id, action)).await?;
        self.tell(&admin.name, password.is_some(), &secret, &link, url)
    }

    fn tell(
        &self,
        name: &str,
        has_password: bool,
        secret: &Secret,
        link: &Link,
        url: &str,
    ) -> Result<()> {
        if has_password {
            return self.print.result(&json!({ "name": name }), || {
                format!("{name} logs in at {url}/admin/ with this password.")
            });
        }
        let address = format!("{url}/admin/#/password/{}", secret.reveal());
        let end = link.expires_at;
        let result = json!({ "name": name, "link": address, "expires_at": end });
        self.print.result(&result, || {
            format!("{name} chooses a password here, once, until {end}:\n{address}")
        })
    }
}

fn new_link() -> (Secret, Link) {
    let secret = Secret::code();
    let link = Link {
        hash: secret.hash(),
        expires_at: Timestamp::now().after(LINK_END),
    };
    (secret, link)
}

async fn find(opened: &Opened, name: &Username) -> Result<AdminView> {
    let admins = opened.store.admins().await?;
    let found = admins.into_iter().find(|view| {
        let stored = view.admin.name.parse::<Username>();
        stored.is_ok_and(|stored| stored.key() == name.key())
    });
    found.ok_or_else(|| {
        Error::Internal(format!(
            "there is no admin of the name {name}; `saryno admin list` shows them"
        ))
    })
}

fn describe(view: &AdminView) -> String {
    let AdminView {
        admin,
        last_login,
        has_password,
    } = view;
    let state = match (last_login, has_password) {
        (Some(moment), _) => format!("last logged in {moment}"),
        (None, true) => "has never logged in".to_owned(),
        (None, false) => "has not chosen a password yet".to_owned(),
    };
    format!("{}  {}, {state}", admin.id, admin.name)
}
