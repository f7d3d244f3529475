//! An hour of admin work through the API, and what the audit log must tell of it.

use serde_json::{Value, json};

use crate::admin_session::OTHER;
use crate::channels::id;
use crate::desk::{ADDRESS, Desk, PASSWORD};
use crate::races::text;

/// An hour of work, what the log must tell of it, and every secret that was used or made.
pub(crate) struct Hour {
    pub(crate) desk: Desk,
    /// Who works, and by what means.
    pub(crate) author: (Value, String),
    pub(crate) expected: Vec<Value>,
    pub(crate) secrets: Vec<String>,
}

pub(crate) fn user(of: &Value) -> Value {
    let tag = format!("{}#{}", text(&of["username"]), text(&of["discriminator"]));
    json!({"kind": "user", "id": of["id"], "name": tag})
}

pub(crate) fn target(kind: &str, id: &Value, name: &str) -> Value {
    json!({"kind": kind, "id": id, "name": name})
}

impl Hour {
    pub(crate) async fn begin() -> Self {
        let desk = Desk::open().await;
        let author = (
            json!({"id": desk.root.id, "name": "root"}),
            "page".to_owned(),
        );
        Self {
            desk,
            author,
            expected: Vec::new(),
            secrets: vec![PASSWORD.into(), OTHER.into()],
        }
    }

    fn keeps(&mut self, secret: &Value) {
        self.secrets.push(text(secret).to_owned());
    }

    pub(crate) fn tells(&mut self, action: &str, target: Value, before: Value, after: Value) {
        let (admin, via) = &self.author;
        let mut entry = json!({"admin": admin, "via": via, "address": ADDRESS, "action": action});
        for (part, value) in [("target", target), ("before", before), ("after", after)] {
            entry[part] = value;
        }
        self.expected.push(entry);
    }

    /// Accounts from their making to their end, with all that changes nothing in between.
    pub(crate) async fn with_accounts(&mut self) -> Value {
        let body = json!({"username": "Ada", "discriminator": "0001", "flags": [10], "password": PASSWORD, "token": true});
        let made = self.desk.post("/users", &body).await.expect(201);
        let ada = made["account"]["user"].clone();
        self.keeps(&made["token"]);
        let after = json!({"tag": "Ada#0001", "flags": [10], "password": true, "token": true});
        self.tells("user.create", user(&ada), json!(null), after);
        self.desk.post("/users", &body).await.fails();

        let path = format!("/users/{}", id(&ada));
        let renamed = self
            .desk
            .patch(&path, &json!({"username": "Bob"}))
            .await
            .expect(200)["user"]
            .clone();
        self.tells(
            "user.rename",
            user(&ada),
            json!({"tag": "Ada#0001"}),
            json!({"tag": "Bob#0001"}),
        );
        let target = user(&renamed);
        self.desk
            .patch(&path, &json!({"username": "Bob"}))
            .await
            .expect(200);
        self.desk
            .patch(&path, &json!({"username": ""}))
            .await
            .fails();

        let developer = format!("{path}/flags/developer");
        for _ in 0..2 {
            self.desk.put(&developer, &json!({})).await.expect(200);
        }
        self.tells(
            "user.flags",
            target.clone(),
            json!({"flags": [10]}),
            json!({"flags": [1, 10]}),
        );
        self.desk
            .delete(&format!("{path}/flags/system"))
            .await
            .expect(200);
        self.desk.delete(&developer).await.expect(200);
        self.tells(
            "user.flags",
            target.clone(),
            json!({"flags": [1, 10]}),
            json!({"flags": [10]}),
        );

        let disabled = format!("{path}/disabled");
        let state = |disabled: bool, reason: Value| json!({"disabled": disabled, "reason": reason});
        for _ in 0..2 {
            self.desk
                .put(&disabled, &json!({"reason": "Spam"}))
                .await
                .expect(200);
        }
        self.tells(
            "user.disable",
            target.clone(),
            state(false, json!(null)),
            state(true, json!("Spam")),
        );
        self.desk.put(&disabled, &json!({})).await.expect(200);
        self.tells(
            "user.disable",
            target.clone(),
            state(true, json!("Spam")),
            state(true, json!(null)),
        );
        for _ in 0..2 {
            self.desk.delete(&disabled).await.expect(200);
        }
        self.tells(
            "user.enable",
            target.clone(),
            state(true, json!(null)),
            state(false, json!(null)),
        );

        let issued = self
            .desk
            .post(&format!("{path}/tokens"), &json!({"name": "deploy"}))
            .await
            .expect(201);
        self.keeps(&issued["token"]);
        let sessions = format!("{path}/sessions");
        let session = self.desk.get(&sessions).await.expect(200)[1]["id"].clone();
        let told = json!({"session": session, "name": "deploy"});
        self.tells("user.token", target.clone(), json!(null), told.clone());
        let one = format!("{sessions}/{}", text(&session));
        self.desk.delete(&one).await.expect(204);
        self.tells("user.session_end", target.clone(), told, json!(null));
        self.desk.delete(&one).await.fails();
        for _ in 0..2 {
            self.desk.delete(&sessions).await.expect(204);
        }
        self.tells(
            "user.sessions_end",
            target.clone(),
            json!({"sessions": 1}),
            json!({"sessions": 0}),
        );

        let link = self
            .desk
            .post(&format!("{path}/reset-link"), &json!({}))
            .await
            .expect(201);
        self.keeps(&link["code"]);
        self.tells(
            "user.reset_link",
            target.clone(),
            json!(null),
            json!({"expires_at": link["expires_at"]}),
        );

        let cy = self
            .desk
            .post(
                "/users",
                &json!({"username": "Cy", "discriminator": "0003"}),
            )
            .await
            .expect(201);
        let cy = cy["account"]["user"].clone();
        let after = json!({"tag": "Cy#0003", "flags": [], "password": false, "token": false});
        self.tells("user.create", user(&cy), json!(null), after);
        let bulk = json!({"ids": [cy["id"], ada["id"]], "action": "set_flag", "flag": "bot"});
        self.desk.post("/users/bulk", &bulk).await.expect(200);
        self.tells(
            "user.flags",
            user(&cy),
            json!({"flags": []}),
            json!({"flags": [10]}),
        );
        let bulk = json!({"ids": [ada["id"], "1"], "action": "delete"});
        self.desk.post("/users/bulk", &bulk).await.fails();
        let bulk = json!({"ids": [cy["id"], ada["id"]], "action": "disable", "reason": "Raid"});
        self.desk.post("/users/bulk", &bulk).await.expect(200);
        for who in [user(&cy), target.clone()] {
            self.tells(
                "user.disable",
                who,
                state(false, json!(null)),
                state(true, json!("Raid")),
            );
        }
        self.desk
            .delete(&format!("/users/{}", id(&cy)))
            .await
            .expect(204);
        let before = json!({"tag": "Cy#0003", "flags": [10], "disabled": true, "reason": "Raid"});
        self.tells("user.delete", user(&cy), before, json!(null));
        self.desk
            .delete(&format!("/users/{}", id(&cy)))
            .await
            .fails();
        renamed
    }

    /// A community of this user's from its making to its end.
    pub(crate) async fn with_a_community(&mut self, owner: &Value) {
        let body = json!({"username": "Dora", "discriminator": "0004"});
        let other = self.desk.post("/users", &body).await.expect(201)["account"]["user"].clone();
        let after = json!({"tag": "Dora#0004", "flags": [], "password": false, "token": false});
        self.tells("user.create", user(&other), json!(null), after);
        let body = json!({"name": "Garden", "owner_id": owner["id"]});
        let made = self.desk.post("/communities", &body).await.expect(201);
        let community = |name: &str| target("community", &made["id"], name);
        let state = |name: &str, owner: &str, id: &Value| json!({"name": name, "owner": owner, "owner_id": id});
        let first = state("Garden", "Bob#0001", &owner["id"]);
        self.tells(
            "community.create",
            community("Garden"),
            json!(null),
            first.clone(),
        );
        let path = format!("/communities/{}", id(&made));

        let member = format!("{path}/members/{}", id(&other));
        let told = json!({"member": "Dora#0004", "member_id": other["id"]});
        self.desk.put(&member, &json!({})).await.expect(204);
        self.tells(
            "community.member_add",
            community("Garden"),
            json!(null),
            told,
        );
        self.desk.put(&member, &json!({})).await.fails();

        let change = json!({"name": "Grove", "owner_id": other["id"]});
        for _ in 0..2 {
            self.desk.patch(&path, &change).await.expect(200);
        }
        let second = state("Grove", "Dora#0004", &other["id"]);
        self.tells(
            "community.change",
            community("Garden"),
            first,
            second.clone(),
        );
        self.desk
            .patch(&path, &json!({"owner_id": "1"}))
            .await
            .fails();

        let left = format!("{path}/members/{}", id(owner));
        self.desk.delete(&left).await.expect(204);
        let told = json!({"member": "Bob#0001", "member_id": owner["id"]});
        self.tells(
            "community.member_remove",
            community("Grove"),
            told,
            json!(null),
        );
        self.desk.delete(&left).await.fails();
        self.desk.delete(&member).await.fails();

        let end = "2090-01-31T12:00:00Z";
        let body = json!({"max_uses": 2, "expires_at": end});
        let invite = self
            .desk
            .post(&format!("{path}/invites"), &body)
            .await
            .expect(201);
        self.keeps(&invite["code"]);
        let told = told_of(&invite["code"], 2, Some(end));
        self.tells(
            "community.invite",
            community("Grove"),
            json!(null),
            told.clone(),
        );
        let withdrawn = format!("{path}/invites/{}", text(&invite["code"]));
        self.desk.delete(&withdrawn).await.expect(204);
        self.tells(
            "community.invite_withdraw",
            community("Grove"),
            told,
            json!(null),
        );
        self.desk.delete(&withdrawn).await.fails();

        self.desk.delete(&path).await.expect(204);
        self.tells("community.delete", community("Grove"), second, json!(null));
        self.desk.delete(&path).await.fails();
    }

    pub(crate) async fn with_registration(&mut self) {
        for _ in 0..2 {
            self.desk
                .put("/registration", &json!({"registration": "invite"}))
                .await
                .expect(200);
        }
        let policy = |policy: &str| json!({"registration": policy});
        let registration = target("registration", &json!(null), "registration");
        self.tells(
            "registration.set",
            registration,
            policy("closed"),
            policy("invite"),
        );
        let server = target("invite", &json!(null), "to this server");
        let invite = self.desk.post("/invites", &json!({})).await.expect(201);
        self.keeps(&invite["code"]);
        let told = told_of(&invite["code"], 1, None);
        self.tells("invite.create", server.clone(), json!(null), told.clone());
        let path = format!("/invites/{}", text(&invite["code"]));
        self.desk.delete(&path).await.expect(204);
        self.tells("invite.remove", server, told, json!(null));
        self.desk.delete(&path).await.fails();
    }
}

/// What the log tells of an invite that nobody has used: of its code the beginning, by which nobody gets in.
fn told_of(code: &Value, max_uses: u32, expires_at: Option<&str>) -> Value {
    let beginning = format!("{}…", &text(code)[..4]);
    json!({"code": beginning, "max_uses": max_uses, "uses": 0, "expires_at": expires_at})
}
