//! Pages of lists are kept as they were answered with, and are exact: what changes somebody's list, or what is shown in it, shows in the
//! next answer (contract, section 5).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::join_all;
use saryno::actions::UserAction;
use saryno::channels::{CHANNELS, Channels, DmPair};
use saryno::etag::Precondition;
use saryno::id::{Generator, Id};
use saryno::idempotency::Terms;
use saryno::page::{Cursor, Page, WrittenPage};
use saryno::users::Users;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use crate::avatars::wear;
use crate::exact::{do_to, to};
use crate::operate::Operate;
use crate::painting::picture;
use crate::races::text;
use crate::support::{Account, Server, new_user, store};

/// The page, asked for so often that the last answer is from memory.
async fn hot(server: &Server, who: &Account, path: &str) -> Value {
    for _ in 0..2 {
        server.get(path, who).await.expect(200);
    }
    server.get(path, who).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_community_is_listed_as_it_is_and_not_at_all_once_it_is_gone() {
    let server = Server::start().await;
    let me = server.account("Ada").await;
    let mut made = Vec::new();
    for name in ["First", "Second"] {
        let body = json!({ "name": name });
        made.push(server.post("/communities", &me, &body).await.expect(201));
    }
    let listed = async || hot(&server, &me, "/users/@me/communities").await;
    assert_eq!(listed().await, json!(made));
    let path = format!("/communities/{}", text(&made[0]["id"]));
    for change in [json!({"name": "Renamed"}), json!({"icon": picture(1)})] {
        made[0] = server.patch(&path, &me, &change).await.expect(200);
        assert_eq!(listed().await, json!(made));
    }
    server.delete(&path, &me).await.expect(204);
    assert_eq!(listed().await, json!([made[1]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_page_of_channels_shows_its_people_as_they_are() {
    let server = Server::start().await;
    let [me, bob, eve] = [
        server.account("Ada").await,
        server.account_of("Bob", 1).await,
        server.account("Eve").await,
    ];
    let listed = async || hot(&server, &me, "/users/@me/channels").await;
    let open = async |body: Value| {
        let opened = server.post("/users/@me/channels", &me, &body).await;
        opened.expect(200)
    };
    let mut dm = open(json!({"type": 2, "recipient_id": bob.id()})).await;
    let mut group = open(json!({"type": 3, "recipient_ids": [bob.id(), eve.id()]})).await;
    assert_eq!(listed().await, json!([group, dm]));

    let renamed = json!({"username": "Robert"});
    let renamed = server.patch("/users/@me", &bob, &renamed).await.expect(200);
    let pictured = wear(&server, &bob, &json!(picture(1))).await.expect(200);
    assert_eq!(renamed["username"], pictured["username"]);
    dm["recipients"][0] = pictured.clone();
    group["recipients"][0] = pictured;
    assert_eq!(listed().await, json!([group, dm]));

    let path = format!("/channels/{}", text(&group["id"]));
    let change = json!({"name": "Tea"});
    group = server.patch(&path, &eve, &change).await.expect(200);
    group["recipient_ids"] = json!([bob.id(), eve.id()]);
    group["recipients"] = json!([dm["recipients"][0], eve.user]);
    assert_eq!(listed().await, json!([group, dm]));

    do_to(&server, &eve, UserAction::Delete).await;
    group["recipient_ids"] = json!([bob.id()]);
    group["recipients"] = dm["recipients"].clone();
    assert_eq!(listed().await, json!([group, dm]));

    do_to(&server, &bob, UserAction::Delete).await;
    let shown = listed().await;
    assert_eq!(shown[1]["recipients"][0]["username"], "Deleted User");
    assert_eq!(shown[0]["recipients"], json!([]));

    let path = format!("/channels/{}", text(&dm["id"]));
    server.delete(&path, &me).await.expect(204);
    assert_eq!(listed().await, json!([shown[0]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_page_tells_the_way_to_the_next_one() {
    let server = Server::start().await;
    let me = server.account("Ada").await;
    for name in ["First", "Second", "Third"] {
        let body = json!({ "name": name });
        server.post("/communities", &me, &body).await.expect(201);
    }
    let path = "/users/@me/communities?limit=2";
    let first = server.get(path, &me).await;
    let again = server.get(path, &me).await;
    assert_eq!(first.header("Link"), again.header("Link"));
    assert!(
        again
            .header("Link")
            .is_some_and(|link| link.contains("after="))
    );
    assert_eq!(first.expect(200), again.expect(200));
}

/// How many are renamed at once, all of them shown on one page, and how often each.
const PEOPLE: usize = 16;
const RENAMES: u64 = 150;
const READERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn of_thousands_of_renames_none_is_answered_before_the_page_that_shows_it_does() {
    let (_directory, store) = store();
    let ids = Generator::new(0, Id::MIN);
    let [me, people @ ..]: [Id; 1 + PEOPLE] = std::array::from_fn(|_| ids.next().unwrap());
    store.create_user(new_user(me, "Ada")).await.unwrap();
    for person in people {
        store.create_user(new_user(person, "0")).await.unwrap();
        let (pair, id) = (DmPair::new(me, person).unwrap(), ids.next().unwrap());
        let opened = store.open_dm(me, pair, id, Terms::default()).await;
        opened.unwrap().first().unwrap();
    }
    // The name that was answered, or shown, last of each.
    let seen: Arc<[_; PEOPLE]> = Arc::new(std::array::from_fn(|_| AtomicU64::new(0)));
    let is_over = Arc::new(AtomicBool::new(false));
    let runtime = Handle::current();
    let readers: Vec<_> = (0..READERS)
        .map(|_| {
            let (store, seen, is_over) = (store.clone(), seen.clone(), is_over.clone());
            let runtime = runtime.clone();
            std::thread::spawn(move || {
                let page = Page {
                    limit: CHANNELS.default,
                    cursor: Cursor::Start,
                };
                let mut kept = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let before = seen.each_ref().map(|seen| seen.load(Ordering::SeqCst));
                    let ask = || runtime.block_on(store.channels(me, page)).unwrap();
                    let [first, again] = [ask(), ask()];
                    kept += usize::from(Arc::ptr_eq(&first.json, &again.json));
                    for shown in [names(&first), names(&again)] {
                        for (place, (shown, before)) in shown.into_iter().zip(before).enumerate() {
                            assert!(shown >= before, "{shown} after {before}");
                            seen[place].fetch_max(shown, Ordering::SeqCst);
                        }
                    }
                }
                kept
            })
        })
        .collect();
    let rename = async |place: usize| {
        for name in 1..=RENAMES {
            let answer = store
                .modify_user(people[place], to(name), Precondition::Any, 0, None)
                .await;
            assert_eq!(answer.unwrap().username, name.to_string());
            seen[place].fetch_max(name, Ordering::SeqCst);
        }
    };
    join_all((0..PEOPLE).map(rename)).await;
    is_over.store(true, Ordering::SeqCst);
    let kept: usize = readers
        .into_iter()
        .map(|reader| reader.join().unwrap())
        .sum();
    assert!(kept > 0, "nothing was shown from memory");
}

/// What those are called whom a page of DMs shows, the first met first.
fn names(page: &WrittenPage) -> [u64; PEOPLE] {
    let page: Value = serde_json::from_slice(&page.json).unwrap();
    let names = page.as_array().unwrap().iter().rev();
    let names = names.map(|dm| text(&dm["recipients"][0]["username"]).parse().unwrap());
    names.collect::<Vec<_>>().try_into().unwrap()
}
