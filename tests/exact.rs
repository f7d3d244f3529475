//! What is kept in memory is exact: once a write was answered, nobody is shown what was before it, and what another process writes
//! is seen within a second (contract, section 5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::future::join_all;
use rocket::http::Method::Post;
use saryno::accounts::{Accounts, Label, NewToken, Secret, SecretHash};
use saryno::actions::{Action, UserAction};
use saryno::clock::Timestamp;
use saryno::error::Error;
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::page::{Cursor, Page};
use saryno::store::Store;
use saryno::store::sqlite::Sqlite;
use saryno::tokens::{UNUSED_END, USE_PRECISION};
use saryno::users::{Change, Flag, Flags, Users};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::account_desk::resident;
use crate::avatars::wear;
use crate::desk::PASSWORD;
use crate::executable::{Binary, agent, http, run_json};
use crate::operate::{Operate, perform};
use crate::painting::picture;
use crate::races::{directory, text};
use crate::support::{Account, Server, new_user, now, store};

/// Two requests, so that the next is answered from memory.
async fn warm(server: &Server, account: &Account) {
    for _ in 0..2 {
        server.get("/users/@me", account).await.expect(200);
    }
}

/// A token that a log-in gave out.
async fn log_in(server: &Server, account: &Account) -> Account {
    let body = json!({"tag": account.user.to_string(), "password": PASSWORD});
    let answer = server
        .call(Post, "/auth/login", None, Some(&body.to_string()))
        .await
        .expect(200);
    let token = text(&answer["token"]).to_owned();
    let logged_in = Account {
        user: account.user.clone(),
        token,
    };
    warm(server, &logged_in).await;
    logged_in
}

pub(crate) async fn do_to(server: &Server, account: &Account, action: UserAction) {
    let action = Action::User(account.user.id, action);
    perform(&server.store, action).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_revokes_a_hot_token_shuts_it_out_at_the_next_request() {
    let server = Server::start().await;
    let me = resident(&server, "Ada", 1).await;
    let [mine, other] = [log_in(&server, &me).await, log_in(&server, &me).await];
    let status = async |of: &Account| server.get("/users/@me", of).await.status;

    server
        .call(Post, "/auth/logout", Some(&other.token), None)
        .await
        .expect(204);
    assert_eq!((status(&mine).await, status(&other).await), (200, 401));

    let other = log_in(&server, &me).await;
    let all = server.get("/auth/tokens", &me).await.expect(200);
    let last = text(&all.as_array().unwrap().last().unwrap()["id"]).to_owned();
    server
        .delete(&format!("/auth/tokens/{last}"), &mine)
        .await
        .expect(204);
    assert_eq!((status(&mine).await, status(&other).await), (200, 401));

    let other = log_in(&server, &me).await;
    let body = json!({"current": PASSWORD, "new": PASSWORD});
    server
        .post("/auth/password", &mine, &body)
        .await
        .expect(204);
    assert_eq!((status(&mine).await, status(&other).await), (200, 401));
    assert_eq!(status(&me).await, 401);

    let other = log_in(&server, &me).await;
    server.delete("/auth/tokens", &mine).await.expect(204);
    assert_eq!((status(&mine).await, status(&other).await), (401, 401));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_a_hot_account_shows_at_the_next_request_to_itself_and_to_others() {
    let server = Server::start().await;
    let [me, other] = [
        server.account_of("Ada", 1).await,
        server.account("Bob").await,
    ];
    let seen_by = async |who: &Account, path: &str| server.get(path, who).await;
    let path = format!("/users/{}", me.id());
    let both = async || {
        warm(&server, &me).await;
        let own = seen_by(&me, "/users/@me").await.expect(200);
        assert_eq!(seen_by(&other, &path).await.expect(200), own);
        own
    };
    let mut user = both().await;

    for name in ["Grace", "Edith"] {
        let body = json!({"username": name});
        user["username"] = json!(name);
        assert_eq!(
            server.patch("/users/@me", &me, &body).await.expect(200),
            user
        );
        assert_eq!(both().await, user);
    }
    for avatar in [json!(picture(1)), json!(picture(2)), Value::Null] {
        let worn = wear(&server, &me, &avatar).await.expect(200);
        assert!(worn["avatar"] != user["avatar"]);
        user = worn;
        assert_eq!(both().await, user);
    }
    for (set, clear, flags) in [
        (Flag::System, Flag::Bot, json!([11])),
        (Flag::Developer, Flag::System, json!([1])),
    ] {
        let flag = |flag: Flag| [flag].into_iter().collect::<Flags>();
        let (set, clear) = (flag(set), flag(clear));
        do_to(&server, &me, UserAction::ModifyFlags { set, clear }).await;
        user["flags"] = flags;
        assert_eq!(both().await, user);
    }
    for _ in 0..2 {
        do_to(&server, &me, UserAction::Disable(None)).await;
        assert_eq!(seen_by(&me, "/users/@me").await.error(), "account_disabled");
        assert_eq!(seen_by(&other, &path).await.expect(200), user);
        do_to(&server, &me, UserAction::Enable).await;
        assert_eq!(both().await, user);
    }
    do_to(&server, &me, UserAction::Delete).await;
    assert_eq!(seen_by(&me, "/users/@me").await.error(), "unauthorized");
    let tombstone = seen_by(&other, &path).await.expect(200);
    assert_eq!(tombstone["username"], "Deleted User");
}

/// How many accounts are renamed at once, and how often each.
const WRITERS: usize = 16;
const RENAMES: u64 = 150;
const READERS: usize = 4;

pub(crate) fn to(name: u64) -> Change {
    Change {
        username: Some(name.to_string().parse().unwrap()),
        discriminator: None,
        avatar: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thousands_of_renames_none_is_answered_before_every_reader_sees_it() {
    let (_directory, store) = store();
    let ids = Generator::new(0, Id::MIN);
    let accounts: Vec<_> = (0..WRITERS).map(|_| ids.next().unwrap()).collect();
    for id in &accounts {
        store.create_user(new_user(*id, "0")).await.unwrap();
    }
    // The name that was answered, or shown, last of each account.
    let seen: Arc<Vec<_>> = Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
    let is_over = Arc::new(AtomicBool::new(false));
    let runtime = Handle::current();
    let readers: Vec<_> = (0..READERS)
        .map(|reader| {
            let (store, seen, is_over) = (store.clone(), seen.clone(), is_over.clone());
            let (accounts, runtime) = (accounts.clone(), runtime.clone());
            std::thread::spawn(move || {
                let mut reads = 0;
                for place in (reader..).map(|count| count % WRITERS) {
                    let before = seen[place].load(Ordering::SeqCst);
                    let shown = runtime.block_on(store.user(accounts[place]));
                    let shown = shown.unwrap().username.parse().unwrap();
                    assert!(shown >= before, "{shown} after {before}");
                    seen[place].fetch_max(shown, Ordering::SeqCst);
                    reads += 1;
                    if is_over.load(Ordering::SeqCst) {
                        break;
                    }
                }
                reads
            })
        })
        .collect();
    let rename = async |place: usize| {
        for name in 1..=RENAMES {
            let answer = store
                .modify_user(accounts[place], to(name), Precondition::Any, 0, None)
                .await;
            assert_eq!(answer.unwrap().username, name.to_string());
            seen[place].fetch_max(name, Ordering::SeqCst);
        }
    };
    join_all((0..WRITERS).map(rename)).await;
    is_over.store(true, Ordering::SeqCst);
    let reads: u64 = readers
        .into_iter()
        .map(|reader| reader.join().unwrap())
        .sum();
    let kept = store.kept();
    assert!(kept.asked >= reads && kept.read < kept.asked, "{kept:?}");
}

fn token(ids: &Generator, login: Option<Timestamp>) -> NewToken {
    NewToken {
        id: ids.next().unwrap(),
        hash: Secret::token().hash(),
        label: Label::command_line(),
        login,
    }
}

async fn admits(store: &Sqlite, hash: SecretHash, at: Timestamp) -> bool {
    match store.caller(hash, at).await {
        Ok(_) => true,
        Err(Error::Unauthorized) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_thousand_tokens_revoked_under_load_none_admits_anybody_after_the_answer() {
    let (_directory, store) = store();
    let ids = Generator::new(0, Id::MIN);
    let user = ids.next().unwrap();
    store.create_user(new_user(user, "Ada")).await.unwrap();
    // Just used, so that no use is noted.
    let tokens: Vec<_> = (0..1_000).map(|_| token(&ids, Some(now()))).collect();
    join_all(
        tokens
            .iter()
            .map(|token| store.issue_token(user, token.clone())),
    )
    .await;
    // So many were revoked, and answered.
    let revoked = Arc::new(AtomicU64::new(0));
    let runtime = Handle::current();
    let hashes: Arc<Vec<_>> = Arc::new(tokens.iter().map(|token| token.hash).collect());
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (store, revoked, hashes) = (store.clone(), revoked.clone(), hashes.clone());
            let admits = {
                let runtime = runtime.clone();
                move |hash| runtime.block_on(admits(&store, hash, now()))
            };
            std::thread::spawn(move || {
                loop {
                    let answered = usize::try_from(revoked.load(Ordering::SeqCst)).unwrap();
                    let Some(hash) = hashes.get(answered) else {
                        break;
                    };
                    // The one that is about to go, hot; and the one that went last.
                    admits(*hash);
                    if let Some(gone) = answered.checked_sub(1) {
                        assert!(!admits(hashes[gone]));
                    }
                }
            })
        })
        .collect();
    for (token, answered) in tokens.iter().zip(1..) {
        store.revoke(user, token.id).await.unwrap();
        revoked.store(answered, Ordering::SeqCst);
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_use_of_a_hot_token_is_noted_to_the_hour() {
    let (_directory, store) = store();
    let ids = Generator::new(0, Id::MIN);
    let user = ids.next().unwrap();
    store.create_user(new_user(user, "Ada")).await.unwrap();
    let token = token(&ids, None);
    store.issue_token(user, token.clone()).await.unwrap();
    let minute = Duration::from_mins(1);
    let first = now();
    for (moment, noted) in [
        (first, first),
        (first.after(minute), first),
        (first.after(USE_PRECISION.saturating_sub(minute)), first),
        (
            first.after(USE_PRECISION + minute),
            first.after(USE_PRECISION + minute),
        ),
        (
            first.after(USE_PRECISION + minute * 2),
            first.after(USE_PRECISION + minute),
        ),
    ] {
        for _ in 0..3 {
            assert!(admits(&store, token.hash, moment).await);
            // It is noted without anybody waiting for it; what is written after it comes after it.
            store.ping().await.unwrap();
        }
        let page = Page {
            limit: 10,
            cursor: Cursor::Start,
        };
        let sessions = store.sessions(user, page, moment).await.unwrap();
        assert_eq!(sessions.items[0].last_used, Some(noted));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_token_of_a_log_in_ends_after_90_days_without_use_and_another_does_not() {
    let (_directory, store) = store();
    let ids = Generator::new(0, Id::MIN);
    let user = ids.next().unwrap();
    store.create_user(new_user(user, "Ada")).await.unwrap();
    let begun = now();
    let [login, handed_out] = [token(&ids, Some(begun)), token(&ids, None)];
    for token in [&login, &handed_out] {
        store.issue_token(user, token.clone()).await.unwrap();
        assert!(admits(&store, token.hash, begun).await);
        assert!(admits(&store, token.hash, begun).await);
    }
    let end = begun.after(UNUSED_END);
    assert!(!admits(&store, login.hash, end).await);
    assert!(admits(&store, handed_out.hash, end).await);
    // A clock that was wrong and is right again.
    assert!(admits(&store, login.hash, begun).await);
    assert!(admits(&store, login.hash, end.before(Duration::from_millis(1))).await);
}

fn ask(server: &Binary, method: &str, path: &str, token: &str) -> (u16, Value) {
    http(
        &agent(),
        method,
        &format!("{}{path}", server.url),
        token,
        "",
    )
    .unwrap()
}

#[test]
fn a_server_without_a_cache_shows_what_the_command_line_does_at_the_next_request() {
    let (_directory, data) = directory();
    let server = Binary::start_with(&data, &[], &[("SARYNO_STORE__CACHE_MIB", "0")]);
    let made = run_json(&data, &["user", "create", "Ada", "--token"]);
    let (id, token) = (text(&made["user"]["id"]), text(&made["token"]));
    for _ in 0..3 {
        assert_eq!(
            ask(&server, "GET", "/users/@me", token),
            (200, made["user"].clone())
        );
    }
    // Nothing is kept, so nothing is late.
    run_json(&data, &["user", "disable", id]);
    assert_eq!(ask(&server, "GET", "/users/@me", token).0, 403);
    run_json(&data, &["user", "enable", id]);
    assert_eq!(ask(&server, "POST", "/auth/logout", token).0, 204);
    assert_eq!(ask(&server, "GET", "/users/@me", token).0, 401);
}
