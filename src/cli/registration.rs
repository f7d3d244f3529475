//! `saryno registration`

use clap::Args;
use serde_json::json;

use super::{Place, Print};
use crate::accounts::{Accounts, Policy};
use crate::actions::Action;
use crate::error::Result;

/// Show or say who may register.
#[derive(Args)]
pub(super) struct Registration {
    /// closed (nobody), invite (who has an instance invite) or open (anybody); without it, what holds now is shown.
    policy: Option<Policy>,
    #[command(flatten)]
    print: Print,
}

impl Registration {
    pub(super) fn run(self, place: &Place) -> Result<()> {
        place.run(async |opened| {
            if let Some(policy) = self.policy {
                opened.perform(Action::SetRegistration(policy)).await?;
            }
            let policy = opened.store.registration().await?;
            self.print.result(&json!({"registration": policy}), || {
                format!("Registration is {policy}.")
            })
        })
    }
}
