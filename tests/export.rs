//! The export of an account: everything that is kept of it.

use saryno::users::Flag;
use serde_json::{Value, json};

use crate::channels::{dm, group, id, people};
use crate::operate::Operate;
use crate::support::{Account, Server};

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
    for list in ["communities", "channels", "blocks"] {
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
