//! What only admins see: all that is known of an account, a name's picture, the fullest names, who is in a channel.

use rusqlite::params;
use saryno::users::Flag;
use serde_json::{Value, json};

use crate::channels::{dm, group, id, people};
use crate::communities::community;
use crate::desk::Desk;
use crate::operate::Operate;
use crate::support::{Account, failure};

/// The discriminators that a name's picture shows as taken.
pub(crate) fn taken(picture: &Value) -> Vec<u16> {
    let taken = picture["taken"].as_str().unwrap();
    assert_eq!(taken.len(), 2_500);
    let byte = |index: usize| u8::from_str_radix(&taken[2 * index..2 * index + 2], 16).unwrap();
    let is_set = |number: &u16| byte(usize::from(number / 8)) & (1 << (number % 8)) != 0;
    (0..10_000).filter(is_set).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_shown_with_what_its_id_decodes_to_and_whether_it_has_a_password() {
    let desk = Desk::open().await;
    let a = desk.server.account("Ada").await;
    let path = format!("/users/{}", a.id());
    let at = a.user.id;
    let made = json!({"at": at.time(), "worker": 1, "sequence": at.sequence()});
    let shape =
        json!({"user": a.user, "disabled": false, "reason": null, "password": false, "made": made});
    assert_eq!(desk.get(&path).await.text(), shape.to_string());
    let body = json!({"username": "Bob", "password": "a horse, a staple"});
    let made = desk.post("/users", &body).await.expect(201);
    let path = format!("/users/{}", id(&made["account"]["user"]));
    let details = desk.get(&path).await.expect(200);
    assert_eq!(
        (&details["password"], &details["made"]["worker"]),
        (&json!(true), &json!(0))
    );
    desk.delete(&path).await.expect(204);
    let details = desk.get(&path).await.expect(200);
    assert_eq!(details["user"]["discriminator"], "0000");
    assert_eq!(
        (&details["password"], &details["disabled"]),
        (&json!(false), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_is_told_so() {
    let desk = Desk::open().await;
    for (path, code) in [
        ("/users/1", "unknown_user"),
        ("/users/1/channels", "unknown_user"),
        ("/channels/1", "unknown_channel"),
        ("/communities/1", "unknown_community"),
        ("/communities/1/members", "unknown_community"),
        ("/communities/1/invites", "unknown_community"),
    ] {
        assert_eq!(desk.get(path).await.fails(), failure(404, code), "{path}");
    }
    for path in ["/users/x", "/users/01", "/channels/x", "/communities/-1"] {
        assert_eq!(
            desk.get(path).await.fails(),
            failure(400, "invalid_request"),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_picture_of_a_name_has_a_bit_for_every_holder_whatever_the_case() {
    let desk = Desk::open().await;
    let numbers = [1, 7, 8, 9, 63, 64, 4321, 9999];
    for number in numbers {
        let name = if number % 2 == 0 { "ada" } else { "ADA" };
        desk.server.account_of(name, number).await;
    }
    desk.server.account_of("Adam", 2).await;
    let picture = desk.get("/names?username=Ada").await.expect(200);
    assert_eq!(
        (&picture["username"], &picture["holders"], &picture["free"]),
        (&json!("Ada"), &json!(8), &json!(9_991))
    );
    assert_eq!(taken(&picture), numbers);
    let nobody = desk.get("/names?username=Nobody").await.expect(200);
    assert_eq!(
        (&nobody["holders"], &nobody["free"]),
        (&json!(0), &json!(9_999))
    );
    assert_eq!(nobody["taken"], "00".repeat(1_250));
    for (query, code) in [
        ("", "required"),
        ("username=", "too_short"),
        ("username=a%40b", "forbidden_character"),
        ("username=here", "reserved"),
    ] {
        let answer = desk.get(&format!("/names?{query}")).await;
        assert_eq!(
            answer.faults(),
            [("username".to_owned(), code.to_owned())],
            "{query}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fullest_names_come_first_and_lonely_ones_not_at_all() {
    let desk = Desk::open().await;
    let database = desk.server.database();
    let insert = "INSERT INTO users (id, username, username_key, discriminator) VALUES (?1, ?2, lower(?2), ?3)";
    let mut next = 1;
    // 60 names with 2 to 61 holders, and one with a single one.
    for number in 1..=61 {
        for discriminator in 1..=number {
            let name = if discriminator == 1 {
                format!("Name{number:02}")
            } else {
                format!("name{number:02}")
            };
            database
                .execute(insert, params![next, name, discriminator])
                .unwrap();
            next += 1;
        }
    }
    let fullest = desk.get("/names/fullest").await.expect(200);
    let expected: Vec<_> = (12..=61)
        .rev()
        .map(|number| json!({"username": format!("Name{number:02}"), "holders": number}))
        .collect();
    assert_eq!(fullest, json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_channels_are_shown_with_who_is_in_them_since_when_and_who_hides_them() {
    let desk = Desk::open().await;
    let [a, b, c] = people(&desk.server).await;
    let first = dm(&desk.server, &a, &b).await;
    let group = group(&desk.server, &b, &[&a, &c]).await;
    let last = dm(&desk.server, &c, &a).await;
    desk.server
        .delete(&format!("/channels/{first}"), &a)
        .await
        .expect(204);
    let path = format!("/users/{}/channels", a.id());
    let group = group.trim_start_matches("/channels/").to_owned();
    let ids = |pages: Vec<Vec<Value>>| -> Vec<String> { pages.concat().iter().map(id).collect() };
    let all = [last.clone(), group.clone(), first.clone()];
    assert_eq!(ids(desk.pages(&path).await), all);
    assert_eq!(ids(desk.pages(&format!("{path}?limit=1")).await), all);
    let view = async |id: &str| desk.get(&format!("/channels/{id}")).await;
    let time = |id: &str| id.parse::<saryno::id::Id>().unwrap().time().to_string();
    let channel = |id: &str| {
        let since = time(id);
        move |account: &Account, hidden: bool| json!({"user": account.user, "since": since, "hidden": hidden})
    };
    let hidden = view(&first).await.expect(200);
    let part = channel(&first);
    let shape = json!({"id": first, "type": 2, "name": null, "owner_id": null, "participants": [part(&a, true), part(&b, false)]});
    assert_eq!(hidden, shape);
    let seen = view(&group).await.expect(200);
    assert_eq!(
        (&seen["type"], &seen["owner_id"]),
        (&json!(3), &json!(b.id()))
    );
    let participants: Vec<_> = seen["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| id(&part["user"]))
        .collect();
    assert_eq!(participants, [a.id(), b.id(), c.id()]);
    let listed = desk.get(&path).await.expect(200);
    assert_eq!([&listed[1], &listed[2]], [&seen, &hidden]);
    desk.server.store.delete_user(b.user.id).await.unwrap();
    let seen = view(&first).await.expect(200);
    assert_eq!(seen["participants"][1]["user"]["username"], "Deleted User");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_tells_how_much_there_is_of_everything_and_how_the_file_does() {
    let desk = Desk::open().await;
    let server = &desk.server;
    let [a, b, c, gone] = people(server).await;
    server.account_flagged("Bot", &[Flag::Bot]).await;
    dm(server, &a, &b).await;
    dm(server, &b, &a).await;
    dm(server, &a, &gone).await;
    group(server, &a, &[&b, &c]).await;
    community(server, &a).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    let overview = desk.get("/overview").await.expect(200);
    let counts = json!({"users": 4, "bots": 1, "communities": 1, "dms": 2, "groups": 1});
    assert_eq!(overview["counts"], counts);
    assert_eq!(overview["dms"], json!({"created": 2, "stood": 1}));
    assert_eq!(overview["registration"], "closed");
    assert_eq!(overview["version"], env!("CARGO_PKG_VERSION"));
    assert!(overview["uptime"].is_u64() && overview["history"].is_array());
    let file = &overview["database"];
    let size = |name: &str| {
        let file = server.directory.path().join(name);
        std::fs::metadata(file).unwrap().len()
    };
    assert_eq!(file["bytes"], size("saryno.db"));
    assert_eq!(file["wal_bytes"], size("saryno.db-wal"));
    let batches = file["batches"].as_array().unwrap();
    assert!(batches.len() > 5 && batches.iter().all(|size| size.as_u64() > Some(0)));
}
