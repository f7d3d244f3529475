//! The subcommands of the real executable, beside a running server and without one.

use std::process::Output;

use serde_json::{Value, json};

use crate::executable::{Binary, agent, http, run, run_json, run_with_input, saryno};
use crate::races::{directory, text};
use crate::support::Second;

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What it complained about; it must have failed in this way and printed no result.
#[track_caller]
pub(crate) fn complaint(output: &Output, status: i32) -> String {
    let complaint = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{complaint}");
    assert_eq!(said(output), "");
    assert!(!complaint.is_empty());
    complaint
}

fn call(server: &Binary, method: &str, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}{path}", server.url);
    http(&agent(), method, &url, token, &body.to_string()).unwrap()
}

fn me(server: &Binary, token: &str) -> (u16, Value) {
    call(server, "GET", "/users/@me", token, &Value::Null)
}

/// The same, once it is as expected: what another process does, a server sees within a second.
#[track_caller]
fn me_once(server: &Binary, token: &str, is_so: impl Fn(&(u16, Value)) -> bool) -> (u16, Value) {
    let mut second = Second::begins();
    loop {
        let answer = me(server, token);
        if is_so(&answer) {
            return answer;
        }
        second.goes_on();
    }
}

#[test]
fn user_create_prints_the_seeds_user_and_a_token_that_a_running_server_admits() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let arguments = "--discriminator 0001 --flag developer --flag bot --token --json";
    let arguments: Vec<_> = ["user", "create", "NamesAreHardOkay?"]
        .into_iter()
        .chain(arguments.split(' '))
        .collect();
    let output = run(&data, &arguments);
    assert!(output.status.success() && output.stderr.is_empty());
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (id, token) = (text(&result["user"]["id"]), text(&result["token"]));
    let user = format!(
        r#"{{"id":"{id}","username":"NamesAreHardOkay?","discriminator":"0001","avatar":null,"flags":[1,10]}}"#
    );
    assert_eq!(
        said(&output),
        format!("{{\"user\":{user},\"token\":\"{token}\"}}\n")
    );
    assert!(token.starts_with("srn_") && token.len() == 47);
    let (status, me) = me(&server, token);
    assert_eq!((status, me.to_string()), (200, user));
}

#[test]
fn every_user_command_takes_effect_within_a_second() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let made = run_json(&data, &["user", "create", "Ada", "--discriminator", "0007"]);
    assert_eq!(made.get("token"), None);
    let id = text(&made["user"]["id"]);
    let shown = json!({"user": made["user"], "disabled": false, "reason": null});
    assert_eq!(run_json(&data, &["user", "show", id]), shown);
    assert_eq!(run_json(&data, &["user", "show", "ADA#0007"]), shown);

    let issued = run_json(&data, &["user", "token", "ada#0007"]);
    assert_eq!(issued["user"], made["user"]);
    let token = text(&issued["token"]);
    assert_eq!(me(&server, token), (200, made["user"].clone()));

    let reason = ["--reason", "Spam, twice"];
    let disabled = json!({"user": made["user"], "disabled": true, "reason": reason[1]});
    let disable = [&["user", "disable", id], &reason[..]].concat();
    assert_eq!(run_json(&data, &disable), disabled);
    assert_eq!(run_json(&data, &["user", "show", id]), disabled);
    let (_, error) = me_once(&server, token, |(status, _)| *status == 403);
    assert_eq!(text(&error["code"]), "account_disabled");
    assert_eq!(run_json(&data, &["user", "enable", id]), shown);
    me_once(&server, token, |(status, _)| *status == 200);

    let set = run_json(
        &data,
        &["user", "flags", id, "--set", "system", "--set", "developer"],
    );
    assert_eq!(set["user"]["flags"], json!([1, 11]));
    me_once(&server, token, |(_, user)| user["flags"] == json!([1, 11]));
    let both = run_json(
        &data,
        &["user", "flags", id, "--set", "bot", "--clear", "system"],
    );
    assert_eq!(both["user"]["flags"], json!([1, 10]));
    assert_eq!(run_json(&data, &["user", "flags", id]), both);
    me_once(&server, token, |(_, user)| *user == both["user"]);

    let deleted = run_json(&data, &["user", "delete", "Ada#0007"]);
    assert_eq!(deleted, json!({"deleted": both["user"]}));
    me_once(&server, token, |(status, _)| *status == 401);
    assert!(complaint(&run(&data, &["user", "show", "Ada#0007"]), 1).starts_with("saryno: "));
    complaint(&run(&data, &["user", "token", id]), 1);
}

#[test]
fn a_reset_link_sets_a_password_once_and_ends_every_session() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let arguments = [
        "user",
        "create",
        "Ada",
        "--discriminator",
        "0001",
        "--token",
    ];
    let made = run_json(&data, &arguments);
    let reset = run_json(&data, &["user", "reset-link", "Ada#0001"]);
    assert_eq!(reset["user"], made["user"]);
    let code = text(&reset["code"]);
    // Where the running server listens, whatever the settings say.
    let link = format!("{}/account#/reset/{code}", server.url);
    assert_eq!(text(&reset["link"]), link);
    assert!(text(&reset["expires_at"]).ends_with('Z'));
    let body = json!({"code": code, "new": "a new password"});
    let (status, answer) = call(&server, "POST", "/auth/reset", "", &body);
    assert_eq!((status, answer), (204, Value::Null));
    assert_eq!(me(&server, text(&made["token"])).0, 401);
    assert_eq!(call(&server, "POST", "/auth/reset", "", &body).0, 401);
    let body = json!({"tag": "Ada#0001", "password": "a new password"});
    assert_eq!(call(&server, "POST", "/auth/login", "", &body).0, 200);

    let public = saryno(&data, &["user", "reset-link", "Ada#0001", "--json"])
        .env("SARYNO_PUBLIC_URL", "https://chat.example")
        .output()
        .unwrap();
    let public: Value = serde_json::from_slice(&public.stdout).unwrap();
    assert!(text(&public["link"]).starts_with("https://chat.example/account#/reset/"));
}

#[test]
fn a_password_on_standard_input_logs_in() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let create = [
        "user",
        "create",
        "Ada",
        "--discriminator",
        "0001",
        "--password-stdin",
    ];
    assert!(complaint(&run_with_input(&data, &create, "short\n"), 1).contains('8'));
    let output = run_with_input(&data, &create, "correct horse\r\nnot this line\n");
    assert!(output.status.success());
    assert!(said(&output).starts_with("Ada#0001 has the id "));
    let log_in = |password: &str| {
        let body = json!({"tag": "ada#0001", "password": password});
        call(&server, "POST", "/auth/login", "", &body)
    };
    let (status, admitted) = log_in("correct horse");
    assert_eq!(status, 200, "{admitted}");
    assert_eq!(me(&server, text(&admitted["token"])).1, admitted["user"]);
    assert_eq!(
        text(&log_in("correct horse\r").1["code"]),
        "invalid_credentials"
    );
}

#[test]
fn registration_and_instance_invites_take_effect_at_the_next_request() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let register = |invite: Option<&str>| {
        let mut body = json!({"username": "Newcomer", "password": "good enough"});
        if let Some(invite) = invite {
            body["invite"] = invite.into();
        }
        let (status, answer) = call(&server, "POST", "/auth/register", "", &body);
        (
            status,
            answer["code"].as_str().unwrap_or_default().to_owned(),
        )
    };
    let (closed, made) = (
        (403, "registration_closed".to_owned()),
        (201, String::new()),
    );
    assert_eq!(
        run_json(&data, &["registration"]),
        json!({"registration": "closed"})
    );
    assert_eq!(register(None), closed);
    let open = json!({"registration": "open"});
    assert_eq!(run_json(&data, &["registration", "open"]), open);
    assert_eq!(register(None), made);
    assert_eq!(
        said(&run(&data, &["registration", "invite"])),
        "Registration is invite.\n"
    );
    assert_eq!(register(None), closed);

    let one = run_json(&data, &["invite", "create"]);
    assert_eq!(
        [&one["max_uses"], &one["uses"], &one["expires_at"]],
        [&json!(1), &json!(0), &Value::Null]
    );
    let two = run_json(
        &data,
        &["invite", "create", "--uses", "2", "--expires", "7d"],
    );
    assert_eq!(
        (&two["max_uses"], text(&two["expires_at"]).ends_with('Z')),
        (&json!(2), true)
    );
    let short = run_json(&data, &["invite", "create", "--expires", "1ns"]);
    assert_eq!(register(Some(text(&short["code"]))), closed);
    for answer in [&made, &made, &closed] {
        assert_eq!(register(Some(text(&two["code"]))), *answer);
    }
    let removed = run_json(&data, &["invite", "remove", text(&one["code"])]);
    assert_eq!(removed, json!({"removed": one["code"]}));
    assert_eq!(register(Some(text(&one["code"]))), closed);
    complaint(&run(&data, &["invite", "remove", text(&one["code"])]), 1);
    let left = run_json(&data, &["invite", "list"]);
    let find = |invite: &Value| {
        let mut all = left.as_array().unwrap().iter();
        all.find(|one| one["code"] == invite["code"]).cloned()
    };
    assert_eq!(left.as_array().unwrap().len(), 2);
    assert_eq!(find(&two).unwrap()["uses"], 2);
    assert_eq!(find(&short).unwrap()["uses"], 0);
}

#[test]
fn what_fails_is_said_on_standard_error_with_1_and_wrong_usage_with_2() {
    let (_directory, data) = directory();
    run_json(&data, &["user", "create", "Ada", "--discriminator", "0001"]);
    let again = complaint(
        &run(
            &data,
            &["user", "create", "ada", "--discriminator", "0001", "--json"],
        ),
        1,
    );
    assert!(again.contains("taken"), "{again}");
    complaint(&run(&data, &["user", "show", "Nobody#0001"]), 1);
    complaint(&run(&data, &["user", "disable", "4194304"]), 1);
    for wrong in [
        "user",
        "user create",
        "user create a#b",
        "user create everyone",
        "user create A --discriminator 0000",
        "user create A --discriminator 1",
        "user create A --flag admin",
        "user show 01",
        "user show Ada#1",
        "user flags 1 --set 10",
        "registration ajar",
        "invite create --uses 0",
        "invite create --expires soon",
        "serve --port 65536",
        "serve --address here",
        "no-such-command",
        "health --no-such-flag",
    ] {
        complaint(&run(&data, &wrong.split(' ').collect::<Vec<_>>()), 2);
    }
}

#[test]
fn every_subcommand_explains_itself() {
    let (_directory, data) = directory();
    let commands = "serve,backup,restore,verify,export,import,user create,user show,user token,user reset-link,user disable,user enable,user delete,user flags,registration,invite create,invite list,invite remove,config show,config check,health,user,invite,config,";
    for command in commands.split(',') {
        let arguments: Vec<_> = command.split_whitespace().chain(["--help"]).collect();
        let output = run(&data, &arguments);
        assert!(output.status.success(), "{command}");
        let help = said(&output);
        for option in ["Usage: saryno", "--data <DIR>", "--config <FILE>"] {
            assert!(help.contains(option), "{command}: {help}");
        }
    }
    assert!(!data.exists());
}

#[test]
fn health_asks_the_configured_server() {
    let (_directory, data) = directory();
    let server = Binary::start(&data);
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let ok = json!({"status": "ok"});
    assert_eq!(run_json(&data, &["health"]), ok);
    assert_eq!(run_json(&data, &["health", "--port", &port]), ok);
    let by_variable = saryno(&data, &["health"])
        .env("SARYNO_PORT", &port)
        .output();
    let answers = format!("{}/health answers.\n", server.url);
    assert_eq!(said(&by_variable.unwrap()), answers);
    assert!(server.terminate().success());
    let gone = complaint(&run(&data, &["health", "--port", &port, "--json"]), 1);
    assert!(gone.contains(&port), "{gone}");
}

#[test]
fn an_invite_is_printed_as_a_link_and_a_closed_registration_is_told_of() {
    let (_directory, data) = directory();
    let made = said(&run(&data, &["invite", "create"]));
    assert!(
        made.contains("http://127.0.0.1:8000/account#/join/"),
        "{made}"
    );
    assert!(made.contains("Registration is closed"), "{made}");
    run_json(&data, &["registration", "invite"]);
    let made = said(&run(&data, &["invite", "create"]));
    assert!(!made.contains("Registration is closed"), "{made}");
}

#[test]
fn an_invite_that_is_good_for_no_time_is_wrong_usage() {
    let (_kept, data) = directory();
    for duration in ["0d", "soon", "-1d"] {
        let output = run(
            &data,
            &["invite", "create", &format!("--expires={duration}")],
        );
        assert_eq!(output.status.code(), Some(2), "{duration}");
    }
}

#[test]
fn without_a_server_links_go_where_the_settings_say() {
    let (_directory, data) = directory();
    Binary::start(&data).terminate();
    run_json(&data, &["user", "create", "Ada", "--discriminator", "0001"]);
    let link = || {
        let reset = run_json(&data, &["user", "reset-link", "Ada#0001"]);
        text(&reset["link"]).to_owned()
    };
    assert!(link().starts_with("http://127.0.0.1:8000/account#/reset/"));
}
