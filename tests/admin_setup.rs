//! The first set-up of the real server: the link that it prints, and who gets to be the first admin by it.

use std::io::{BufRead, Read};
use std::path::Path;
use std::sync::Barrier;

use serde_json::{Value, json};

use crate::desk::PASSWORD;
use crate::executable::{Binary, agent, run_json};
use crate::races::{directory, text};

/// A browser on the admin page of a real server.
pub(crate) struct Browser {
    agent: ureq::Agent,
    url: String,
    /// The header that carries its session, once it is in.
    pub(crate) cookie: Option<String>,
}

impl Browser {
    pub(crate) fn on(server: &Binary) -> Self {
        Self {
            agent: agent(),
            url: server.url.clone(),
            cookie: None,
        }
    }

    /// One request to the API; a session that it begins is this browser's from then on.
    pub(crate) fn send(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}/admin/api{path}", self.url))
            .header("Sec-Fetch-Site", "same-origin")
            .header("Content-Type", "application/json");
        if let Some(cookie) = &self.cookie {
            request = request.header("Cookie", cookie);
        }
        let body = if method == "GET" {
            String::new()
        } else {
            body.to_string()
        };
        let mut response = self.agent.run(request.body(body).unwrap()).unwrap();
        let set = response.headers().get("Set-Cookie");
        if let Some((cookie, _)) = set.and_then(|set| set.to_str().unwrap().split_once(';')) {
            self.cookie = Some(cookie.to_owned());
        }
        let text = response.body_mut().read_to_string().unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        (response.status().as_u16(), body)
    }

    /// Who is logged in here.
    pub(crate) fn who(&mut self) -> Value {
        let (status, state) = self.send("GET", "/state", &Value::Null);
        assert_eq!(status, 200, "{state}");
        state["admin"]["name"].clone()
    }

    pub(crate) fn log_in(&mut self, name: &str, password: &str) -> u16 {
        let body = json!({"name": name, "password": password});
        self.send("POST", "/login", &body).0
    }
}

/// The code of the link that a server without an admin prints.
fn code(link: &str, base: &str) -> String {
    let code = link.strip_prefix(&format!("{base}/admin/#/setup/"));
    code.unwrap_or_else(|| panic!("{link}")).to_owned()
}

fn start(data: &Path) -> (Binary, String) {
    let (server, link) = Binary::start_without_admin(data);
    let code = code(&link, &server.url);
    (server, code)
}

fn set_up(browser: &mut Browser, code: &str, name: &str, password: &str) -> (u16, Value) {
    let body = json!({"code": code, "name": name, "password": password});
    browser.send("POST", "/setup", &body)
}

/// Refused, with a sentence that says what to do.
#[track_caller]
fn assert_refused((status, body): &(u16, Value), sentence: &str) {
    assert_eq!((*status, text(&body["code"])), (403, "forbidden"));
    assert!(text(&body["message"]).contains(sentence), "{body}");
}

/// All that a server printed after the line that says where it listens, once it has ended.
fn rest(mut server: Binary) -> String {
    server.signal("TERM");
    assert!(server.child.wait().unwrap().success());
    let mut rest = String::new();
    server.output.read_to_string(&mut rest).unwrap();
    rest
}

#[test]
fn the_printed_link_makes_the_first_admin_and_logs_them_in_and_dies_with_that() {
    let (_directory, data) = directory();
    let (server, code) = start(&data);
    let (mut first, mut late) = (Browser::on(&server), Browser::on(&server));
    let state = first.send("GET", "/state", &Value::Null);
    assert_eq!(
        state,
        (
            200,
            json!({"set_up": false, "admin": null, "version": null})
        )
    );
    let (status, admin) = set_up(&mut first, &code, "Root", PASSWORD);
    assert_eq!((status, text(&admin["name"])), (201, "Root"));
    assert_eq!(first.who(), "Root");
    assert_eq!(
        first.send("GET", "/admins", &Value::Null).1[0]["id"],
        admin["id"]
    );
    assert_refused(&set_up(&mut late, &code, "late", PASSWORD), "used up");
    assert_eq!((late.who(), late.cookie.is_none()), (Value::Null, true));
    assert_eq!(late.send("GET", "/state", &Value::Null).1["set_up"], true);
    assert_eq!(late.log_in("root", PASSWORD), 200);
    let entries = first.send("GET", "/audit", &Value::Null).1;
    let set_up = entries.as_array().unwrap().last().unwrap();
    assert_eq!(set_up["action"], "admin.set_up");
    assert_eq!(
        (&set_up["via"], &set_up["address"]),
        (&json!("set-up link"), &json!("127.0.0.1"))
    );
    assert_eq!(
        set_up["target"],
        json!({"kind": "admin", "id": admin["id"], "name": "Root"})
    );
}

#[test]
fn a_set_up_that_fails_leaves_the_link_good() {
    let (_directory, data) = directory();
    let (server, code) = start(&data);
    let mut browser = Browser::on(&server);
    assert_refused(
        &set_up(&mut browser, "guessed", "root", PASSWORD),
        "each start prints a new one",
    );
    let (status, body) = set_up(&mut browser, &code, "every@one", "short");
    assert_eq!(status, 400);
    let fields: Vec<_> = body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| text(&fault["field"]))
        .collect();
    assert_eq!(fields, ["name", "password"]);
    assert_eq!(set_up(&mut browser, &code, "root", PASSWORD).0, 201);
}

#[test]
fn of_two_browsers_that_use_the_link_at_once_one_wins_and_the_other_is_told() {
    for _ in 0..3 {
        let (_directory, data) = directory();
        let (server, code) = start(&data);
        let (together, code, server) = (&Barrier::new(2), &code, &server);
        let race = |name: &'static str| {
            let mut browser = Browser::on(server);
            together.wait();
            (set_up(&mut browser, code, name, PASSWORD), browser.who())
        };
        let (one, other) = std::thread::scope(|scope| {
            let one = scope.spawn(|| race("one"));
            let other = scope.spawn(|| race("other"));
            (one.join().unwrap(), other.join().unwrap())
        });
        let (winner, loser) = if one.0.0 == 201 {
            (one, other)
        } else {
            (other, one)
        };
        assert_eq!((winner.0.0, &winner.1), (201, &winner.0.1["name"]));
        assert_refused(&loser.0, "");
        assert_eq!(loser.1, Value::Null);
        let admins = run_json(&data, &["admin", "list"]);
        assert_eq!(admins.as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_restart_prints_a_new_link_and_the_old_one_is_dead() {
    let (_directory, data) = directory();
    let (server, old) = start(&data);
    assert!(server.terminate().success());
    let (server, new) = start(&data);
    assert_ne!(old, new);
    let mut browser = Browser::on(&server);
    assert_refused(
        &set_up(&mut browser, &old, "root", PASSWORD),
        "another start",
    );
    assert_eq!(set_up(&mut browser, &new, "root", PASSWORD).0, 201);
}

#[test]
fn no_link_is_printed_where_there_is_an_admin_and_one_again_where_the_last_is_gone() {
    let (_directory, data) = directory();
    run_json(&data, &["admin", "create", "root"]);
    assert_eq!(rest(Binary::start(&data)), "");
    run_json(&data, &["admin", "remove", "root"]);
    start(&data);
}

#[test]
fn the_link_makes_no_second_admin_beside_one_that_the_command_line_made_meanwhile() {
    let (_directory, data) = directory();
    let (server, code) = start(&data);
    run_json(&data, &["admin", "create", "root"]);
    let mut browser = Browser::on(&server);
    assert_refused(&set_up(&mut browser, &code, "late", PASSWORD), "faster");
    assert_eq!(browser.who(), Value::Null);
    let admins = run_json(&data, &["admin", "list"]);
    assert_eq!(
        (&admins[0]["name"], &admins[1]),
        (&json!("root"), &Value::Null)
    );
}

#[test]
fn the_printed_link_leads_to_where_people_reach_the_server() {
    let (_directory, data) = directory();
    for (arguments, variables, base) in [
        (
            &[][..],
            &[("SARYNO_PUBLIC_URL", "https://chat.example")][..],
            "https://chat.example",
        ),
        (&["--address", "0.0.0.0"], &[], "http://127.0.0.1"),
    ] {
        let mut server = Binary::start_with(&data, arguments, variables);
        let mut lines = server.output.by_ref().lines().map(Result::unwrap);
        let (sentence, link) = (lines.next().unwrap(), lines.next().unwrap());
        assert!(sentence.starts_with("There is no admin yet"), "{sentence}");
        let port = server.url.rsplit(':').next().unwrap();
        let public = !variables.is_empty();
        let base = if public {
            base.to_owned()
        } else {
            format!("{base}:{port}")
        };
        code(&link, &base);
        assert!(server.terminate().success());
    }
}

#[test]
fn the_servers_log_tells_no_secret_of_the_admins() {
    let (_directory, data) = directory();
    let debug = [("SARYNO_LOG__LEVEL", "debug")];
    let mut server = Binary::start_with(&data, &[], &debug);
    let link = server.output.by_ref().lines().nth(1).unwrap().unwrap();
    let set_up_code = code(&link, &server.url);
    let mut browser = Browser::on(&server);
    assert_eq!(set_up(&mut browser, "guessed", "root", PASSWORD).0, 403);
    assert_eq!(set_up(&mut browser, &set_up_code, "root", PASSWORD).0, 201);
    assert_eq!(browser.log_in("root", "a wrong password"), 401);
    let (_, token) = browser.send("POST", "/tokens", &json!({"name": "nightly"}));
    let (_, second) = browser.send("POST", "/admins", &json!({"name": "second"}));
    let (_, invite) = browser.send("POST", "/invites", &json!({}));
    let removed = format!("/invites/{}", text(&invite["code"]));
    assert_eq!(browser.send("DELETE", &removed, &Value::Null).0, 204);
    let cookie = browser.cookie.unwrap();
    let secret_of = |text: &str| text.rsplit(['/', '=']).next().unwrap().to_owned();
    let log = server.log();
    assert_eq!(log.matches("/admin/api/").count(), 7, "{log}");
    for secret in [
        set_up_code,
        PASSWORD.to_owned(),
        "a wrong password".to_owned(),
        secret_of(&cookie),
        secret_of(text(&second["link"])),
        text(&token["token"]).to_owned(),
        text(&invite["code"]).to_owned(),
    ] {
        assert!(!log.contains(&secret), "{secret}\n{log}");
    }
}
