//! What operators do, for tests that need it done and are about something else.

use std::sync::atomic::{AtomicI64, Ordering};

use saryno::accounts::{InstanceInvite, NewToken, Policy, SecretHash};
use saryno::actions::{Action, Deed, Outcome, UserAction};
use saryno::admins::Admins;
use saryno::audit::Author;
use saryno::clock::Timestamp;
use saryno::error::Result;
use saryno::id::Id;
use saryno::store::sqlite::Sqlite;
use saryno::users::{NewUser, User};

/// The ids of the audit log's entries: far below all others, out of the way of tests that are about ids.
static ENTRIES: AtomicI64 = AtomicI64::new(1);

/// A deed of the command line, on this store.
pub(crate) async fn perform(store: &Sqlite, action: Action) -> Result<Outcome> {
    let entry = ENTRIES.fetch_add(1, Ordering::Relaxed);
    let entry = Id::from_bits(entry).unwrap();
    store
        .perform_one(Author::command_line(), Deed { entry, action })
        .await
}

/// The deeds that many tests need, by their names.
pub(crate) trait Operate {
    async fn create_user(&self, new: NewUser) -> Result<User>;
    async fn set_disabled(&self, user: Id, disabled: bool) -> Result<User>;
    async fn delete_user(&self, user: Id) -> Result<()>;
    async fn issue_token(&self, user: Id, token: NewToken) -> Result<User>;
    async fn issue_reset(&self, user: Id, code: SecretHash, expires_at: Timestamp) -> Result<User>;
    async fn set_registration(&self, policy: Policy) -> Result<()>;
    async fn create_instance_invite(&self, invite: InstanceInvite) -> Result<()>;
}

impl Operate for Sqlite {
    async fn create_user(&self, new: NewUser) -> Result<User> {
        let done = perform(self, Action::CreateUser(Box::new(new))).await?;
        Ok(done.account()?.user)
    }

    async fn set_disabled(&self, user: Id, disabled: bool) -> Result<User> {
        let action = if disabled {
            UserAction::Disable(None)
        } else {
            UserAction::Enable
        };
        let done = perform(self, Action::User(user, action)).await?;
        Ok(done.account()?.user)
    }

    async fn delete_user(&self, user: Id) -> Result<()> {
        perform(self, Action::User(user, UserAction::Delete))
            .await
            .map(drop)
    }

    async fn issue_token(&self, user: Id, token: NewToken) -> Result<User> {
        let done = perform(self, Action::User(user, UserAction::IssueToken(token))).await?;
        Ok(done.account()?.user)
    }

    async fn issue_reset(&self, user: Id, code: SecretHash, expires_at: Timestamp) -> Result<User> {
        let action = UserAction::IssueReset { code, expires_at };
        let done = perform(self, Action::User(user, action)).await?;
        Ok(done.account()?.user)
    }

    async fn set_registration(&self, policy: Policy) -> Result<()> {
        perform(self, Action::SetRegistration(policy))
            .await
            .map(drop)
    }

    async fn create_instance_invite(&self, invite: InstanceInvite) -> Result<()> {
        perform(self, Action::CreateInstanceInvite(invite))
            .await
            .map(drop)
    }
}
