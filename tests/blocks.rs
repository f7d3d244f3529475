//! Blocks, by the words of the contract.

use futures::future::join;
use serde_json::json;

use crate::channels::{ask, count, dm, group, ids, pages, people, shown};
use crate::groups::ask_group;
use crate::operate::Operate;
use crate::support::{Account, Server, failure};

const BLOCKS: &str = "/users/@me/blocks";

fn path(of: &Account) -> String {
    format!("{BLOCKS}/{}", of.id())
}

async fn block(server: &Server, by: &Account, whom: &Account) {
    server.put(&path(whom), by).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_set_seen_listed_and_taken_back_each_as_often_as_one_likes() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    assert_eq!(
        server.get(&path(&b), &a).await.fails(),
        failure(404, "not_found")
    );
    for _ in 0..2 {
        block(&server, &a, &b).await;
    }
    block(&server, &a, &c).await;
    server.get(&path(&b), &a).await.expect(204);
    let list = server.get(BLOCKS, &a).await.expect(200);
    assert_eq!(list, json!([b.user, c.user]));
    for _ in 0..2 {
        server.delete(&path(&b), &a).await.expect(204);
    }
    assert_eq!(ids(&server.get(BLOCKS, &a).await.expect(200)), [c.id()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_are_listed_page_by_page_ascending() {
    let server = Server::start().await;
    let everybody: [Account; 6] = people(&server).await;
    let [me, others @ ..] = &everybody;
    for other in others {
        block(&server, me, other).await;
    }
    let found = pages(&server, me, &format!("{BLOCKS}?limit=2")).await;
    assert_eq!(found.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let expected: Vec<_> = others.iter().map(Account::id).collect();
    assert_eq!(found.concat(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_is_nobody_elses_to_see() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    block(&server, &a, &b).await;
    assert_eq!(server.get(BLOCKS, &b).await.expect(200), json!([]));
    assert_eq!(
        server.get(&path(&a), &b).await.fails(),
        failure(404, "not_found")
    );
    let seen = server.get(&format!("/users/{}", a.id()), &b).await;
    assert_eq!(seen.expect(200), json!(a.user));
}

#[tokio::test(flavor = "multi_thread")]
async fn oneself_nobody_and_a_tombstone_are_not_blocked() {
    let server = Server::start().await;
    let [a, gone] = people(&server).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    let oneself = server.put(&path(&a), &a).await;
    assert_eq!(
        oneself.faults(),
        [("user.id".to_owned(), "self".to_owned())]
    );
    for unknown in [path(&gone), format!("{BLOCKS}/1")] {
        let answer = server.put(&unknown, &a).await;
        assert_eq!(answer.fails(), failure(404, "unknown_user"));
    }
    let malformed = server.put(&format!("{BLOCKS}/x"), &a).await;
    assert_eq!(malformed.fails(), failure(400, "invalid_request"));
    assert_eq!(count(&server, "SELECT count(*) FROM blocks"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_opens_no_new_dm_and_the_blocker_does() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    block(&server, &a, &b).await;
    assert_eq!(ask(&server, &b, &a).await.fails(), failure(403, "blocked"));
    assert_eq!(shown(&server, &a).await, Vec::<String>::new());
    let dm = dm(&server, &a, &b).await;
    assert_eq!(shown(&server, &b).await, [dm]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_that_stands_stays_and_is_shown_again() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let standing = dm(&server, &b, &a).await;
    block(&server, &a, &b).await;
    server
        .delete(&format!("/channels/{standing}"), &b)
        .await
        .expect(204);
    assert_eq!(dm(&server, &b, &a).await, standing);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_brings_the_blocker_into_no_group() {
    let server = Server::start().await;
    let [a, b, c, d] = people(&server).await;
    block(&server, &a, &b).await;
    let made = ask_group(&server, &b, &[&a, &c]).await;
    assert_eq!(made.fails(), failure(403, "blocked"));
    let group = group(&server, &b, &[&c, &d]).await;
    let recipient = format!("{group}/recipients/{}", a.id());
    assert_eq!(
        server.put(&recipient, &b).await.fails(),
        failure(403, "blocked")
    );
    // Somebody else may; and the blocker may be there already.
    server.put(&recipient, &c).await.expect(204);
    server.put(&recipient, &b).await.expect(204);
    assert_eq!(count(&server, "SELECT count(*) FROM channels"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unblocking_lets_in_again_and_changes_nothing_else() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    block(&server, &a, &b).await;
    block(&server, &b, &a).await;
    server.delete(&path(&b), &a).await.expect(204);
    assert_eq!(shown(&server, &a).await, Vec::<String>::new());
    assert_eq!(ask(&server, &a, &b).await.fails(), failure(403, "blocked"));
    dm(&server, &b, &a).await;
    group(&server, &b, &[&a, &c]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocks_of_a_deleted_account_and_against_it_go_with_it() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    for (by, whom) in [(&a, &b), (&b, &c), (&c, &a)] {
        block(&server, by, whom).await;
    }
    server.store.delete_user(b.user.id).await.unwrap();
    assert_eq!(server.get(BLOCKS, &a).await.expect(200), json!([]));
    assert_eq!(count(&server, "SELECT count(*) FROM blocks"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_block_and_a_dm_at_once_one_comes_first_whichever() {
    let server = Server::start().await;
    for round in 0..50 {
        let [a, b] = people(&server).await;
        let open = async { ask(&server, &b, &a).await };
        let shut = async { server.put(&path(&b), &a).await };
        let (opened, blocked) = if round % 2 == 0 {
            Box::pin(join(open, shut)).await
        } else {
            let (blocked, opened) = Box::pin(join(shut, open)).await;
            (opened, blocked)
        };
        blocked.expect(204);
        // Either the DM was there before the block, and stays, or there is none.
        if opened.status == 200 {
            assert_eq!(shown(&server, &a).await.len(), 1);
            ask(&server, &b, &a).await.expect(200);
        } else {
            assert_eq!(opened.fails(), failure(403, "blocked"));
            assert_eq!(shown(&server, &a).await, Vec::<String>::new());
            assert_eq!(ask(&server, &b, &a).await.fails(), failure(403, "blocked"));
        }
    }
    let unshared = "SELECT count(*) FROM (SELECT channel_id FROM participants GROUP BY channel_id HAVING count(*) <> 2)";
    assert_eq!(count(&server, unshared), 0);
    assert_eq!(count(&server, "SELECT count(*) FROM blocks"), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_comes_first_of_a_block_and_what_it_forbids_the_block_undoes_nothing() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    // First what it forbids, then the block: all of it stays.
    let standing = dm(&server, &b, &a).await;
    let group = group(&server, &b, &[&a, &c]).await;
    block(&server, &a, &b).await;
    assert_eq!(shown(&server, &a).await.len(), 2);
    assert_eq!(dm(&server, &b, &a).await, standing);
    server.get(&group, &b).await.expect(200);
    let made = ask_group(&server, &b, &[&a, &c]).await;
    assert_eq!(made.fails(), failure(403, "blocked"));
    // Who has left is not brought back in by who is blocked.
    server.delete(&group, &a).await.expect(204);
    let recipient = format!("{group}/recipients/{}", a.id());
    let added = server.put(&recipient, &b).await;
    assert_eq!(added.fails(), failure(403, "blocked"));
    server.delete(&path(&b), &a).await.expect(204);
    server.put(&recipient, &b).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_not_told_who_blocks_whom() {
    let server = Server::start().await;
    let [a, b, c, d] = people(&server).await;
    for (by, whom) in [(&a, &b), (&a, &c)] {
        block(&server, by, whom).await;
    }
    let refused = ask_group(&server, &b, &[&a, &d]).await;
    assert_eq!(refused.fails(), failure(403, "blocked"));
    let text = refused.text();
    assert!(
        ![&a, &c, &d].iter().any(|other| text.contains(&other.id())),
        "{text}"
    );
    // Nobody sees another's list, nor does it show at what it is about.
    for viewer in [&b, &c, &d] {
        for own in [BLOCKS.to_owned(), path(&a)] {
            let answer = server.get(&own, viewer).await;
            assert!(
                matches!(answer.text().as_str(), "[]") || answer.status == 404,
                "{own}"
            );
        }
        let export = server.get("/users/@me/export", viewer).await.expect(200);
        assert_eq!(export["blocks"], json!([]));
    }
}
