//! The export of an account: everything that is kept of it.

use base64ct::{Base64, Encoding};
use rocket::http::Method;
use saryno::clock::Timestamp;
use saryno::users::Flag;
use serde_json::{Value, json};

use crate::channels::{dm, group, id, people};
use crate::communities::{community_of, invite};
use crate::operate::Operate;
use crate::support::{Account, Server};

/// A GIF of 16 x 16 pixels, all of one colour.
const PICTURE: &str = "data:image/gif;base64,R0lGODdhEAAQAIAAAAAAAAAAACwAAAAAEAAQAEAIHQABCBxIsKDBgwgTKlzIsKHDhxAjSpxIsaLFgQEBADs=";

async fn export(server: &Server, of: &Account) -> Value {
    let answer = server.get("/users/@me/export", of).await;
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let save = answer.header("Content-Disposition").unwrap();
    assert!(save.starts_with("attachment"), "{save}");
    answer.expect(200)
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(id).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_anything_is_a_document_of_empty_lists() {
    let server = Server::start().await;
    let me = server.account_flagged("Ada", &[Flag::Bot]).await;
    let document = export(&server, &me).await;
    let account = &document["account"];
    assert_eq!(account["user"], json!(me.user));
    assert_eq!(
        (&account["disabled"], &account["password"]),
        (&json!(false), &json!(false))
    );
    for list in ["communities", "invites", "channels", "blocks"] {
        assert_eq!(document[list], json!([]), "{list}");
    }
    assert_eq!(document["sessions"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_an_account_is_in_it_hidden_dms_and_all_pages_too() {
    let server = Server::start().await;
    let [me, b, c] = people(&server).await;
    let hidden = dm(&server, &me, &b).await;
    server
        .delete(&format!("/channels/{hidden}"), &me)
        .await
        .expect(204);
    let group = group(&server, &c, &[&me, &b]).await;
    server
        .put(&format!("/users/@me/blocks/{}", b.id()), &me)
        .await
        .expect(204);
    let mut communities = Vec::new();
    for number in 0..450 {
        let body = json!({"name": format!("Place {number}")});
        communities.push(id(&server
            .post("/communities", &me, &body)
            .await
            .expect(201)));
    }
    server.store.set_disabled(me.user.id, true).await.unwrap();
    server.store.set_disabled(me.user.id, false).await.unwrap();

    let document = export(&server, &me).await;
    assert_eq!(ids(&document["communities"]), communities);
    let channels = ids(&document["channels"]);
    let group = group.rsplit('/').next().unwrap().to_owned();
    assert_eq!(channels, [group, hidden]);
    assert_eq!(ids(&document["blocks"]), [b.id()]);
    let told: Vec<_> = document["audit"]
        .as_array()
        .unwrap()
        .iter()
        .map(|deed| &deed["action"])
        .collect();
    assert_eq!(told, ["user.enable", "user.disable", "user.create"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_since_when_somebody_is_in_a_community_and_the_invites_to_their_own() {
    let server = Server::start().await;
    let [me, other] = people(&server).await;
    let mine = community_of(&server, &me, &[]).await;
    let theirs = community_of(&server, &other, &[&me]).await;
    let good = invite(&server, &me, &mine, &json!({"max_uses": 3})).await;
    invite(&server, &other, &theirs, &json!({})).await;

    let document = export(&server, &me).await;
    let communities = document["communities"].as_array().unwrap();
    assert_eq!(communities.len(), 2);
    for community in communities {
        let since = community["since"].as_str().unwrap();
        assert!(since.parse::<Timestamp>().is_ok(), "{since}");
    }
    let community = mine.rsplit('/').next().unwrap();
    let code = good.rsplit('/').next().unwrap();
    let expected = json!({
        "community_id": community, "code": code, "max_uses": 3, "expires_at": null, "uses": 0,
    });
    // The first one is how people got in when it was made.
    let invites = document["invites"].as_array().unwrap();
    assert_eq!((invites.len(), &invites[1]), (2, &expected));
    assert_eq!(invites[0]["community_id"], community);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_the_avatar_as_it_is_stored() {
    let server = Server::start().await;
    let me = server.account("Ada").await;
    assert_eq!(export(&server, &me).await["avatar"], Value::Null);
    let body = json!({"avatar": PICTURE});
    let set = server.patch("/users/@me", &me, &body).await.expect(200);
    let path = format!(
        "/avatars/{}/{}.png",
        me.id(),
        set["avatar"].as_str().unwrap()
    );
    let stored = server.send(Method::Get, &path, &[], None).await.bytes;
    let expected = format!("data:image/png;base64,{}", Base64::encode_string(&stored));
    assert_eq!(export(&server, &me).await["avatar"], json!(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_no_secret_nothing_of_others_and_nothing_of_the_admins() {
    let server = Server::start().await;
    let [me, other] = people(&server).await;
    server
        .put(&format!("/users/@me/blocks/{}", me.id()), &other)
        .await
        .expect(204);
    let text = export(&server, &me).await.to_string();
    for absent in [
        me.token.as_str(),
        "command line\",\"address",
        "admin\":",
        &other.id(),
        "hash",
    ] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_a_dm_is_hidden_is_told_of_oneself_and_not_of_the_other() {
    let server = Server::start().await;
    let [a, b] = people(&server).await;
    let dm = dm(&server, &a, &b).await;
    server
        .delete(&format!("/channels/{dm}"), &b)
        .await
        .expect(204);
    let hidden = async |of: &Account| export(&server, of).await["channels"][0]["hidden"].clone();
    assert_eq!(
        (hidden(&a).await, hidden(&b).await),
        (json!(false), json!(true))
    );
    let document = export(&server, &a).await.to_string();
    assert_eq!(document.matches("hidden").count(), 1, "{document}");
}
