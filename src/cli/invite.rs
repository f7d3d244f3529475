//! `saryno invite`

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::{Place, Print};
use crate::accounts::{Accounts, Code, InstanceInvite, Policy};
use crate::actions::Action;
use crate::clock::Timestamp;
use crate::error::Result;

/// Make, list and remove invites to this server.
#[derive(Subcommand)]
pub(super) enum Invite {
    /// Make an invite; it counts while registration is by invite.
    Create(Create),
    /// List all invites, used up and expired ones too.
    List {
        #[command(flatten)]
        print: Print,
    },
    /// Withdraw an invite.
    Remove {
        /// The invite's code.
        code: Code,
        #[command(flatten)]
        print: Print,
    },
}

/// An invite that was made, and what one hands out.
#[derive(Serialize)]
struct Made {
    #[serde(flatten)]
    invite: InstanceInvite,
    link: String,
}

#[derive(Args)]
pub(super) struct Create {
    /// How many may register with it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    uses: u32,
    /// How long it is good for, like 7d or 12h; without it, it doesn't expire.
    #[arg(long, value_name = "DURATION", value_parser = good_for)]
    expires: Option<std::time::Duration>,
    #[command(flatten)]
    print: Print,
}

impl Invite {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        match self {
            Self::Create(Create {
                uses,
                expires,
                print,
            }) => place.run(async |opened| {
                let url = place.url()?;
                let expires_at = expires.map(|duration| Timestamp::now().after(duration));
                let invite = InstanceInvite {
                    code: Code::mint(),
                    max_uses: uses,
                    uses: 0,
                    expires_at,
                };
                let action = Action::CreateInstanceInvite(invite.clone());
                opened.perform(action).await?;
                let link = format!("{url}/account#/join/{}", invite.code.0);
                let mut text = format!("{}\n{link}", describe(&invite));
                if opened.store.registration().await? == Policy::Closed {
                    text.push_str("\nRegistration is closed at the moment: nobody can use it before `saryno registration invite`.");
                }
                print.result(&Made { invite, link }, || text)
            }),
            Self::List { print } => place.run(async |opened| {
                let invites = opened.store.instance_invites().await?;
                print.result(&invites, || {
                    invites.iter().map(describe).collect::<Vec<_>>().join("\n")
                })
            }),
            Self::Remove { code, print } => place.run(async |opened| {
                let action = Action::RemoveInstanceInvite(code.clone());
                opened.perform(action).await?;
                print.result(&json!({"removed": code}), || {
                    format!("{} is withdrawn.", code.0)
                })
            }),
        }
    }
}

fn describe(invite: &InstanceInvite) -> String {
    let InstanceInvite {
        code,
        max_uses,
        uses,
        expires_at,
    } = invite;
    let end = expires_at.map_or_else(
        || "does not expire".to_owned(),
        |end| format!("until {end}"),
    );
    format!("{}  used {uses} of {max_uses}, {end}", code.0)
}

/// A duration in which an invite can be used at all.
fn good_for(text: &str) -> Result<std::time::Duration, String> {
    let duration = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() {
        Err("an invite that is good for no time admits nobody".into())
    } else {
        Ok(duration)
    }
}
