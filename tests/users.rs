//! Users over HTTP: who somebody is, and what they change of themself.

use std::collections::HashSet;

use futures::future::join_all;
use saryno::names::Username;
use saryno::users::{Discriminator, Flag};
use serde_json::{Value, json};

use crate::operate::Operate;
use crate::support::{Account, Answer, Server, failure, new_user};

pub(crate) async fn start() -> (Server, Account) {
    let server = Server::start().await;
    let me = server.account_of("me", 7).await;
    (server, me)
}

async fn crowd(server: &Server, count: usize) -> Vec<Account> {
    let names: Vec<_> = (0..count).map(|number| format!("guest {number}")).collect();
    join_all(names.iter().map(|name| server.account(name))).await
}

/// Accounts of this name that hold the discriminators 1 to `last`, but for one.
pub(crate) fn hold(server: &Server, name: &str, last: u16, but: Option<u16>) {
    let key = name.parse::<Username>().unwrap().key().to_owned();
    let sql =
        "INSERT INTO users (id, username, username_key, discriminator) VALUES (?1, ?2, ?3, ?1)";
    let mut database = server.database();
    let transaction = database.transaction().unwrap();
    for held in (1..=last).filter(|held| Some(*held) != but) {
        transaction.execute(sql, (held, name, &key)).unwrap();
    }
    transaction.commit().unwrap();
}

async fn change(server: &Server, by: &Account, body: Value) -> Answer {
    server.patch("/users/@me", by, &body).await
}

type Failed = (u16, String);

async fn race(server: &Server, all: &[Account], body: Value) -> (Vec<Value>, Vec<Failed>) {
    let answers = join_all(all.iter().map(|by| change(server, by, body.clone()))).await;
    let (good, rest): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    let good = good.into_iter().map(Answer::json).collect();
    (good, rest.into_iter().map(Answer::fails).collect())
}

async fn find(server: &Server, tag: &str, by: &Account) -> Answer {
    let tag = tag.replace('#', "%23").replace(' ', "%20");
    server.get(&format!("/users?tag={tag}"), by).await
}

fn tag(user: &Value) -> (&str, &str) {
    let text = |field: &str| user[field].as_str().unwrap();
    (text("username"), text("discriminator"))
}

fn fault(field: &str, code: &str) -> Vec<(String, String)> {
    vec![(field.to_owned(), code.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_user_has_exactly_the_five_fields_in_their_order() {
    let server = Server::start().await;
    let mut new = new_user(server.ids.next().unwrap(), "NamesAreHardOkay?");
    new.discriminator = Discriminator::new(1);
    new.flags = [Flag::Bot, Flag::Developer].into_iter().collect();
    let me = server.account_with(new).await;
    let avatar = "53021917291361dbb71017991aff7f99fd943f71757c2ef764f79445c72eed79";
    let sql = "INSERT INTO images (hash, png) VALUES (unhex(?1), x'00')";
    server.database().execute(sql, [avatar]).unwrap();
    let sql = "UPDATE users SET avatar = unhex(?1)";
    server.database().execute(sql, [avatar]).unwrap();
    let answer = server.get("/users/@me", &me).await;
    let expected = format!(
        r#"{{"id":"{}","username":"NamesAreHardOkay?","discriminator":"0001","avatar":"{avatar}","flags":[1,10]}}"#,
        me.id()
    );
    assert_eq!((answer.status, answer.text()), (200, expected));
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_user_is_shown_to_whoever_asks() {
    let (server, me) = start().await;
    let other = server.account("other").await;
    let path = format!("/users/{}", other.id());
    let seen = server.get(&path, &me).await.expect(200);
    assert_eq!(seen, server.get("/users/@me", &other).await.expect(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_or_a_tag_that_nobody_has_is_an_unknown_user() {
    let (server, me) = start().await;
    for path in ["/users/42388375784780768", "/users?tag=me%230008"] {
        let answer = server.get(path, &me).await;
        assert_eq!(answer.fails(), failure(404, "unknown_user"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_account_is_shown_as_a_tombstone() {
    let (server, me) = start().await;
    let gone = server.account_flagged("gone", &[Flag::Developer]).await;
    server.store.delete_user(gone.user.id).await.unwrap();
    let answer = server.get(&format!("/users/{}", gone.id()), &me).await;
    let expected = format!(
        r#"{{"id":"{}","username":"Deleted User","discriminator":"0000","avatar":null,"flags":[]}}"#,
        gone.id()
    );
    assert_eq!((answer.status, answer.text()), (200, expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_snowflake_in_the_path_is_named() {
    let (server, me) = start().await;
    for id in ["me", "01", "-1", "+1", "1.0", "9223372036854775808"] {
        let answer = server.get(&format!("/users/{id}"), &me).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"), "{id}");
        assert_eq!(answer.faults()[0].0, "user.id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_found_by_tag_whatever_the_case() {
    let (server, me) = start().await;
    let other = server.account_of("Zoë Straße", 42).await;
    for tag in ["Zo%C3%AB Stra%C3%9Fe#0042", "ZO%C3%8B STRASSE#0042"] {
        let found = find(&server, tag, &me).await.expect(200);
        assert_eq!(found["id"], other.id());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_missing_or_malformed_is_named() {
    let (server, me) = start().await;
    let missing = server.get("/users", &me).await;
    assert_eq!(missing.fails(), failure(400, "invalid_request"));
    assert_eq!(missing.faults(), fault("tag", "required"));
    for tag in ["me", "me#1", "me#0000", "#0001", "me#00001", ""] {
        let answer = find(&server, tag, &me).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"), "{tag}");
        assert_eq!(answer.faults()[0].0, "tag");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_username_alone_keeps_the_discriminator_where_it_is_free() {
    let (server, me) = start().await;
    let changed = change(&server, &me, json!({"username": "you"})).await;
    let changed = changed.expect(200);
    assert_eq!(tag(&changed), ("you", "0007"));
    assert_eq!(changed, server.get("/users/@me", &me).await.expect(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_of_the_username_alone_never_takes_a_held_tag() {
    let (server, me) = start().await;
    let holder = server.account_of("Zoe", 7).await;
    let changed = change(&server, &me, json!({"username": "ZOE"})).await;
    let changed = changed.expect(200);
    assert_eq!(changed["username"], "ZOE");
    assert_ne!(changed["discriminator"], "0007");
    let found = find(&server, "zoe#0007", &me).await.expect(200);
    assert_eq!(found["id"], holder.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_is_held_is_taken_however_it_is_asked_for() {
    let (server, me) = start().await;
    server.account_of("Zoe", 1).await;
    let namesake = server.account_of("ZOE", 2).await;
    let both = json!({"username": "zoe", "discriminator": "0001"});
    for (by, body) in [(&me, both), (&namesake, json!({"discriminator": "0001"}))] {
        let before = server.get("/users/@me", by).await.expect(200);
        let answer = change(&server, by, body).await;
        assert_eq!(answer.fails(), failure(409, "tag_taken"));
        assert_eq!(answer.faults(), fault("discriminator", "taken"));
        assert_eq!(server.get("/users/@me", by).await.expect(200), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_user_has_already_is_no_change_and_no_error() {
    let (server, me) = start().await;
    let before = server.get("/users/@me", &me).await.expect(200);
    for body in [
        json!({}),
        json!({"username": "me"}),
        json!({"discriminator": "0007"}),
        json!({"username": "me", "discriminator": "0007"}),
    ] {
        assert_eq!(change(&server, &me, body).await.expect(200), before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_case_keeps_the_discriminator() {
    let server = Server::start().await;
    let me = server.account_of("straße", 7).await;
    let changed = change(&server, &me, json!({"username": "STRASSE"})).await;
    assert_eq!(tag(&changed.expect(200)), ("STRASSE", "0007"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tidied_name_is_stored_and_its_length_counts() {
    let (server, me) = start().await;
    let thirty = "é".repeat(30);
    for (username, stored) in [
        ("\u{3000} Zoe\u{308}\u{a0}\u{2003}B ", "Zoë B"),
        (&format!("  {}  ", "e\u{301}".repeat(30)), thirty.as_str()),
    ] {
        let changed = change(&server, &me, json!({"username": username})).await;
        assert_eq!(changed.expect(200)["username"], stored);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_against_the_rules_names_the_field_and_changes_nothing() {
    let (server, me) = start().await;
    let before = server.get("/users/@me", &me).await.expect(200);
    for (field, value, code) in [
        ("username", json!(" \u{3000} "), "too_short"),
        ("username", json!("a".repeat(31)), "too_long"),
        ("username", json!("EveryOne"), "reserved"),
        ("username", json!(null), "wrong_type"),
        ("discriminator", json!(null), "wrong_type"),
        ("flags", json!([1]), "not_allowed"),
        ("id", json!("1"), "unknown_field"),
    ] {
        let mut body = json!({"username": "you"});
        body[field] = value;
        let answer = change(&server, &me, body).await;
        assert_eq!(answer.fails(), failure(400, "invalid_request"));
        assert_eq!(answer.faults(), fault(field, code));
    }
    assert_eq!(server.get("/users/@me", &me).await.expect(200), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_was_given_up_can_be_taken_by_another() {
    let (server, me) = start().await;
    let other = server.account_of("other", 8).await;
    let wanted = json!({"username": "me", "discriminator": "0007"});
    change(&server, &me, json!({"username": "you"})).await;
    let taken = change(&server, &other, wanted).await.expect(200);
    assert_eq!(tag(&taken), ("me", "0007"));
    let found = find(&server, "me#0007", &me).await.expect(200);
    assert_eq!(found["id"], other.id());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_free_discriminator_is_found_and_then_the_name_is_full_until_one_goes() {
    let server = Server::start().await;
    hold(&server, "crowded", Discriminator::COUNT, Some(4242));
    let guests = crowd(&server, 2).await;
    let wanted = || json!({"username": "Crowded"});
    let last = change(&server, &guests[0], wanted()).await.expect(200);
    assert_eq!(tag(&last), ("Crowded", "4242"));
    let refused = change(&server, &guests[1], wanted()).await;
    assert_eq!(refused.fails(), failure(409, "username_full"));
    assert_eq!(refused.faults(), fault("username", "taken"));
    server.store.delete_user(guests[0].user.id).await.unwrap();
    let freed = change(&server, &guests[1], wanted()).await.expect(200);
    assert_eq!(tag(&freed), ("Crowded", "4242"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_who_race_for_fifty_free_tags_get_one_each_or_none() {
    let server = Server::start().await;
    hold(&server, "crowded", Discriminator::COUNT - 50, None);
    let guests = crowd(&server, 100).await;
    let (good, rest) = race(&server, &guests, json!({"username": "crowded"})).await;
    assert_eq!(rest, vec![failure(409, "username_full"); 50]);
    let tags: HashSet<_> = good.iter().map(tag).collect();
    assert_eq!((good.len(), tags.len()), (50, 50));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_who_take_one_tag_at_once_one_gets_it() {
    let server = Server::start().await;
    let guests = crowd(&server, 200).await;
    let wanted = json!({"username": "prize", "discriminator": "0001"});
    let (good, rest) = race(&server, &guests, wanted).await;
    assert_eq!(good.len(), 1);
    assert_eq!(rest, vec![failure(409, "tag_taken"); 199]);
}
