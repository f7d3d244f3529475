//! Groups, by the words of the contract.

use futures::future::join_all;
use saryno::store::Store;
use serde_json::json;

use crate::channels::{CHANNELS, ask, count, dm, group, id, people, shown};
use crate::operate::Operate;
use crate::support::{Account, Answer, Server, failure};

pub(crate) async fn ask_group(server: &Server, by: &Account, with: &[&Account]) -> Answer {
    let with: Vec<_> = with.iter().map(|account| account.id()).collect();
    let body = json!({"recipient_ids": with, "type": 3});
    server.post(CHANNELS, by, &body).await
}

fn recipient(group: &str, account: &Account) -> String {
    format!("{group}/recipients/{}", account.id())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_a_new_one_each_time_and_shows_the_others_ascending() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let mut made = Vec::new();
    for (given, name) in [
        (None, json!(null)),
        (Some(json!(null)), json!(null)),
        (Some(json!("Tea")), json!("Tea")),
    ] {
        let mut body = json!({"recipient_ids": [c.id(), a.id()], "type": 3});
        if let Some(given) = given {
            body["name"] = given;
        }
        let answer = server.post(CHANNELS, &b, &body).await;
        let channel = id(&answer.expect(200));
        let shape = |others: [&Account; 2]| {
            json!({"id": channel, "type": 3, "name": name, "owner_id": b.id(),
                "recipient_ids": [others[0].id(), others[1].id()], "recipients": [others[0].user, others[1].user]})
        };
        assert_eq!(answer.text(), shape([&a, &c]).to_string());
        let path = format!("/channels/{channel}");
        assert_eq!(
            server.get(&path, &a).await.text(),
            shape([&b, &c]).to_string()
        );
        made.insert(0, channel);
    }
    made.dedup();
    assert_eq!(made.len(), 3);
    assert_eq!(shown(&server, &c).await, made);
}

#[tokio::test(flavor = "multi_thread")]
async fn recipients_of_a_group_who_do_not_exist_are_named_by_their_index() {
    let server = Server::start().await;
    let [a, b, gone] = people(&server).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    let body = json!({"recipient_ids": [b.id(), "1", gone.id()], "type": 3});
    let answer = server.post(CHANNELS, &a, &body).await;
    assert_eq!(answer.fails(), failure(400, "invalid_request"));
    let fault = |index| (format!("recipient_ids[{index}]"), "unknown_user".to_owned());
    assert_eq!(answer.faults(), [fault(1), fault(2)]);
    assert_eq!(count(&server, "SELECT count(*) FROM channels"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_2_to_9_recipients() {
    let server = Server::start().await;
    let everybody: [Account; 11] = people(&server).await;
    let (a, others) = everybody.split_first().unwrap();
    let others: Vec<_> = others.iter().collect();
    let one = ask_group(&server, a, &others[..1]).await;
    assert_eq!(one.fails(), failure(400, "invalid_request"));
    assert!(one.text().contains("type 2"), "{}", one.text());
    let ten = ask_group(&server, a, &others).await;
    assert_eq!(ten.fails(), failure(400, "invalid_request"));
    assert_eq!(
        ten.faults(),
        [("recipient_ids".to_owned(), "too_long".to_owned())]
    );
    let nine = ask_group(&server, a, &others[1..]).await.expect(200);
    assert_eq!(nine["recipients"].as_array().unwrap().len(), 9);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_participant_names_a_group_and_takes_the_name_away() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    for (by, name) in [(&b, json!("Tea")), (&a, json!("Cake")), (&c, json!(null))] {
        let answer = server.patch(&group, by, &json!({"name": name})).await;
        assert_eq!(answer.expect(200)["name"], name);
        assert_eq!(server.get(&group, &b).await.expect(200)["name"], name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_hands_a_group_over_and_to_a_participant() {
    let server = Server::start().await;
    let [a, b, c, stranger] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    let hand = |to: &Account| json!({"name": "New", "owner_id": to.id()});
    let refusal = server.patch(&group, &b, &hand(&b)).await;
    assert_eq!(refusal.fails(), failure(403, "not_owner"));
    let outside = server.patch(&group, &a, &hand(&stranger)).await;
    assert_eq!(outside.fails(), failure(400, "invalid_request"));
    assert_eq!(outside.faults()[0].0, "owner_id");
    let before = server.get(&group, &a).await.expect(200);
    assert_eq!(before["name"], json!(null));
    assert_eq!(before["owner_id"], a.id());
    let after = server.patch(&group, &a, &hand(&b)).await.expect(200);
    assert_eq!(after["name"], json!("New"));
    assert_eq!(after["owner_id"], b.id());
    let refusal = server.patch(&group, &a, &hand(&a)).await;
    assert_eq!(refusal.fails(), failure(403, "not_owner"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dm_can_not_be_changed_like_a_group() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let channel = format!("/channels/{}", dm(&server, &a, &b).await);
    let forbidden = failure(403, "forbidden");
    for body in [json!({"name": "Tea"}), json!({"owner_id": a.id()})] {
        assert_eq!(server.patch(&channel, &a, &body).await.fails(), forbidden);
    }
    let refusal = server.put(&recipient(&channel, &c), &a).await;
    assert_eq!(refusal.fails(), forbidden);
    let refusal = server.delete(&recipient(&channel, &b), &a).await;
    assert_eq!(refusal.fails(), forbidden);
}

#[tokio::test(flavor = "multi_thread")]
async fn any_participant_brings_in_somebody_who_exists() {
    let server = Server::start().await;
    let [a, b, c, d, gone] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    for _ in 0..2 {
        assert!(
            server
                .put(&recipient(&group, &d), &b)
                .await
                .expect(204)
                .is_null()
        );
        let others = server.get(&group, &a).await.expect(200);
        assert_eq!(others["recipient_ids"], json!([b.id(), c.id(), d.id()]));
    }
    let unknown = failure(404, "unknown_user");
    let refusal = server.put(&format!("{group}/recipients/1"), &b).await;
    assert_eq!(refusal.fails(), unknown);
    let refusal = server.put(&recipient(&group, &gone), &b).await;
    assert_eq!(refusal.fails(), unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_comes_into_a_full_group() {
    let server = Server::start().await;
    let everybody: [Account; 11] = people(&server).await;
    let others: Vec<_> = everybody[1..10].iter().collect();
    let group = group(&server, &everybody[0], &others).await;
    let answer = server
        .put(&recipient(&group, &everybody[10]), &everybody[1])
        .await;
    assert_eq!(answer.fails(), failure(400, "invalid_request"));
    server
        .put(&recipient(&group, &everybody[9]), &everybody[1])
        .await
        .expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_race_for_the_last_places_never_overfills_a_group() {
    let server = Server::start().await;
    let everybody: [Account; 28] = people(&server).await;
    let others: Vec<_> = everybody[1..8].iter().collect();
    let group = group(&server, &everybody[0], &others).await;
    let paths: Vec<_> = everybody[8..]
        .iter()
        .map(|account| recipient(&group, account))
        .collect();
    let answers = join_all(
        paths
            .iter()
            .enumerate()
            .map(|(turn, path)| server.put(path, &everybody[turn % 8])),
    )
    .await;
    let (came, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 204);
    assert_eq!(came.len(), 2);
    for answer in refused {
        assert_eq!(answer.fails(), failure(400, "invalid_request"));
    }
    assert_eq!(count(&server, "SELECT count(*) FROM participants"), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_alone_removes_others() {
    let server = Server::start().await;
    let [a, b, c, stranger] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    let c_path = recipient(&group, &c);
    let refusal = server.delete(&c_path, &b).await;
    assert_eq!(refusal.fails(), failure(403, "not_owner"));
    let outside = server.delete(&recipient(&group, &stranger), &a).await;
    assert_eq!(outside.fails(), failure(404, "unknown_user"));
    assert!(server.delete(&c_path, &a).await.expect(204).is_null());
    let refusal = server.get(&group, &c).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_channel"));
    assert!(shown(&server, &c).await.is_empty());
    let refusal = server.delete(&c_path, &a).await;
    assert_eq!(refusal.fails(), failure(404, "unknown_user"));
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_oneself_is_leaving() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    server.delete(&recipient(&group, &c), &c).await.expect(204);
    server.delete(&recipient(&group, &a), &a).await.expect(204);
    let left = server.get(&group, &b).await.expect(200);
    assert_eq!(left["owner_id"], b.id());
    assert_eq!(left["recipients"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owners_place_goes_to_who_has_been_there_longest() {
    let server = Server::start().await;
    let [third, second, owner, first, leaver] = people(&server).await;
    let group = group(&server, &owner, &[&first, &leaver]).await;
    server.delete(&group, &leaver).await.expect(204);
    for late in [&second, &third] {
        server
            .put(&recipient(&group, late), &owner)
            .await
            .expect(204);
    }
    // Asking for who is there already must not make them a newcomer.
    server
        .put(&recipient(&group, &first), &owner)
        .await
        .expect(204);
    for (leaves, inherits) in [(&owner, &first), (&first, &second), (&second, &third)] {
        server.delete(&group, leaves).await.expect(204);
        let now = server.get(&group, &third).await.expect(200);
        assert_eq!(now["owner_id"], inherits.id());
        let refusal = server.get(&group, leaves).await;
        assert_eq!(refusal.fails(), failure(404, "unknown_channel"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_to_leave_deletes_a_group() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    for account in [&b, &a] {
        server.delete(&group, account).await.expect(204);
        assert_eq!(count(&server, "SELECT count(*) FROM channels"), 1);
    }
    server.delete(&group, &c).await.expect(204);
    assert_eq!(count(&server, "SELECT count(*) FROM channels"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_shrunk_to_two_is_not_their_dm() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    server.delete(&group, &c).await.expect(204);
    let made = ask(&server, &a, &b).await.expect(200);
    assert_eq!(made["type"], 2);
    assert_ne!(group, format!("/channels/{}", id(&made)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_leaves_its_groups_and_stays_in_its_dms() {
    let server = Server::start().await;
    let [a, b, c] = people(&server).await;
    let group = group(&server, &b, &[&a, &c]).await;
    let channel = dm(&server, &a, &b).await;
    server.delete(&group, &c).await.expect(204);
    server.store.delete_user(b.user.id).await.unwrap();
    let left = server.get(&group, &a).await.expect(200);
    assert_eq!(left["owner_id"], a.id());
    assert_eq!(left["recipients"], json!([]));
    let stands = server
        .get(&format!("/channels/{channel}"), &a)
        .await
        .expect(200);
    assert_eq!(stands["recipient_ids"], json!([b.id()]));
    server.store.delete_user(a.user.id).await.unwrap();
    assert_eq!(
        count(&server, "SELECT count(*) FROM channels WHERE type = 3"),
        0
    );
    assert_eq!(count(&server, "SELECT count(*) FROM participants"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_when_is_recorded_so_that_a_restart_orders_later_comers_behind() {
    let server = Server::start().await;
    let [a, b, c, d] = people(&server).await;
    let group = group(&server, &a, &[&b, &c]).await;
    server.put(&recipient(&group, &d), &a).await.expect(204);
    let since = count(&server, "SELECT max(since) FROM participants");
    let made: i64 = group.rsplit('/').next().unwrap().parse().unwrap();
    assert!(since > made, "a later comer's mark is a later snowflake");
    assert!(server.store.highest_id().await.unwrap().bits() >= since);
}
