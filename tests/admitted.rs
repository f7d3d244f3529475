//! Whom the store refuses although they were admitted a moment ago: what changed meanwhile counts.

use saryno::accounts::{Accounts, PasswordHash};
use saryno::channels::{Channels, DmPair, NewGroup};
use saryno::communities::{Code, Communities, NewCommunity, NewInvite};
use saryno::error::{Error, Result};
use saryno::etag::Precondition;
use saryno::id::Id;
use saryno::idempotency::Terms;
use saryno::users::{Change, Users};

use crate::operate::Operate;
use crate::store::Bench;
use crate::support::{new_user, now};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_in_whose_password_changed_since_it_was_checked_is_refused() {
    let bench = Bench::new();
    let mut new = new_user(bench.id(), "Ada");
    let hash = |text: &str| PasswordHash::from_stored(text.to_owned());
    new.password = Some(hash("now"));
    let ada = bench.store.create_user(new).await.unwrap();
    for outdated in ["before", ""] {
        let outcome = bench
            .store
            .log_in(ada.id, hash(outdated), bench.token())
            .await;
        assert_eq!(outcome, Err(Error::InvalidCredentials));
    }
    assert_eq!(bench.count("tokens"), 0);
    let outcome = bench.store.log_in(ada.id, hash("now"), bench.token()).await;
    assert_eq!(outcome, Ok(ada));
    assert_eq!(bench.count("tokens"), 1);
}

/// Every write that somebody asks for, by one who may not any more.
async fn writes_of(bench: &Bench, who: Id, others: [Id; 2], code: &Code) -> Vec<Result<()>> {
    let store = &bench.store;
    let pair = DmPair::new(who, others[0]).unwrap();
    let group = NewGroup {
        recipient_ids: others.to_vec(),
        name: None,
    };
    let community = NewCommunity {
        name: "Home".parse().unwrap(),
        icon: None,
    };
    let change = Change {
        username: Some("Eve".parse().unwrap()),
        discriminator: None,
        avatar: None,
    };
    let join = store.join(who, code.clone(), bench.id(), now(), None);
    vec![
        store
            .open_dm(who, pair, bench.id(), Terms::default())
            .await
            .map(drop),
        store
            .create_group(who, group, bench.id(), Terms::default())
            .await
            .map(drop),
        store
            .create_community(who, community, bench.id(), None)
            .await
            .map(drop),
        join.await.map(drop),
        store
            .modify_user(who, change, Precondition::Any, 0, None)
            .await
            .map(drop),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_disabled_or_deleted_since_admission_writes_nothing() {
    let bench = Bench::new();
    let (ada, bob) = (bench.user("Ada").await.id, bench.user("Bob").await.id);
    let (disabled, deleted) = (bench.user("Cy").await.id, bench.user("Di").await.id);
    let (home, code) = (bench.community(ada).await.id, Code::mint());
    let invite = NewInvite {
        max_uses: Some(1),
        expires_at: None,
    };
    bench
        .store
        .create_invite(ada, home, invite, bench.id(), code.clone(), now(), None)
        .await
        .unwrap();
    bench.store.set_disabled(disabled, true).await.unwrap();
    bench.store.delete_user(deleted).await.unwrap();
    let cases = [
        (disabled, Error::AccountDisabled(None)),
        (deleted, Error::Unauthorized),
    ];
    for (who, error) in cases {
        for (index, outcome) in writes_of(&bench, who, [ada, bob], &code)
            .await
            .into_iter()
            .enumerate()
        {
            assert_eq!(outcome, Err(error.clone()), "{index}");
        }
    }
    assert_eq!(
        (bench.count("channels"), bench.count("communities")),
        (0, 1)
    );
    assert_eq!(
        (bench.count("participants"), bench.count("members")),
        (0, 1)
    );
    let invitation = bench.store.invite(code, now()).await.unwrap();
    assert_eq!(invitation.invite.uses, 0);
}
