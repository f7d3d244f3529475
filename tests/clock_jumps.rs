//! A wall clock that jumps under the real executable, an hour back and a year ahead and back again: what it costs is over with it.

use std::time::{Duration, Instant};

use saryno::id::Id;
use serde_json::{Value, json};

use crate::clock::{Clock, id};
use crate::executable::{Binary, agent, run_json, run_with_input};
use crate::races::{directory, text};

/// The real executable under a clock that the test sets.
struct Server(Binary);

struct Answer {
    status: u16,
    replayed: bool,
    body: Value,
}

impl Server {
    fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        key: Option<&str>,
        body: &Value,
    ) -> Answer {
        let mut request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.0.url))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/json");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let mut response = agent()
            .run(request.body(body.to_string()).unwrap())
            .unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        Answer {
            status: response.status().as_u16(),
            replayed: response.headers().contains_key("Idempotency-Replayed"),
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        }
    }

    fn is_admitted(&self, token: &str) -> bool {
        let answer = self.ask("GET", "/users/@me", token, None, &json!({}));
        assert!([200, 401].contains(&answer.status), "{}", answer.body);
        answer.status == 200
    }

    fn log_in(&self, password: &str) -> String {
        let body = json!({"tag": "Ada#0001", "password": password});
        let answer = self.ask("POST", "/auth/login", "", None, &body);
        assert_eq!(answer.status, 200, "{}", answer.body);
        text(&answer.body["token"]).to_owned()
    }

    /// A community, made once under this key; whether it was made now, and its id, which is above all before.
    fn make(&self, token: &str, key: &str, highest: &mut Id) -> bool {
        let answer = self.ask(
            "POST",
            "/communities",
            token,
            Some(key),
            &json!({"name": "Clockmakers"}),
        );
        assert_eq!(answer.status, 201, "{}", answer.body);
        if !answer.replayed {
            assert!(id(&answer.body) > *highest);
            *highest = id(&answer.body);
        }
        !answer.replayed
    }

    fn rename(&self, token: &str, discriminator: u16) -> u16 {
        let body = json!({"discriminator": format!("{discriminator:04}")});
        self.ask("PATCH", "/users/@me", token, None, &body).status
    }
}

#[test]
fn a_clock_that_jumps_ends_no_session_for_good_keeps_nobody_out_and_makes_no_key_last() {
    let (directory, data) = directory();
    let clock = Clock::new(directory.path());
    let password = "correct horse battery";
    let create = [
        "user",
        "create",
        "Ada",
        "--discriminator",
        "0001",
        "--password-stdin",
    ];
    assert!(run_with_input(&data, &create, password).status.success());
    let other = run_json(&data, &["user", "create", "Bob", "--token"]);
    let bob = text(&other["token"]);
    let limited = [("SARYNO_LIMITS__ENABLED", "true")];
    let variables = [&clock.variables()[..], &limited].concat();
    let server = Server(Binary::start_with(&data, &[], &variables));
    let mut highest = Id::MIN;

    let before = server.log_in(password);
    assert!(server.is_admitted(&before));
    assert!(server.make(bob, "now", &mut highest));
    assert_eq!(server.rename(bob, 11), 200);

    clock.step("-1h");
    assert!(server.is_admitted(&before));
    assert!(!server.make(bob, "now", &mut highest));
    assert!(server.make(bob, "an-hour-ago", &mut highest));
    assert_eq!(server.rename(bob, 12), 200);

    clock.step("+365d");
    // Nobody has used it for a year, as far as anybody can tell.
    assert!(!server.is_admitted(&before));
    let ahead = server.log_in(password);
    assert!(server.is_admitted(&ahead) && server.is_admitted(bob));
    assert!(server.make(bob, "now", &mut highest));
    assert!(server.make(bob, "in-a-year", &mut highest));
    assert_eq!([server.rename(bob, 13), server.rename(bob, 14)], [200, 200]);
    assert_eq!(server.rename(bob, 15), 429);

    clock.step("+0");
    for token in [&before, &ahead, bob] {
        assert!(server.is_admitted(token));
    }
    // What was done in a year does not count, and what it left does not last that long.
    assert_eq!(server.rename(bob, 16), 200);
    assert!(server.make(bob, "in-a-year", &mut highest));
    assert!(!server.make(bob, "in-a-year", &mut highest));
    let body = json!({"tag": "Ada#0001", "password": "wrong horse battery"});
    assert_eq!(
        server.ask("POST", "/auth/login", "", None, &body).status,
        401
    );
    server.log_in(password);
    let sessions = server
        .ask("GET", "/auth/tokens", &ahead, None, &json!({}))
        .body;
    assert_eq!(sessions.as_array().unwrap().len(), 3, "{sessions}");

    // A session of a year ahead ends 90 days from its next use, and not a year later.
    clock.step("+91d");
    for token in [&before, &ahead] {
        assert!(!server.is_admitted(token));
    }
    assert!(server.is_admitted(bob));
    assert!(server.0.terminate().success());
    assert_eq!(run_json(&data, &["verify"])["findings"], json!([]));
    let server = Server(Binary::start_with(&data, &[], &variables));
    clock.step("-1h");
    assert!(server.make(bob, "after-a-restart", &mut highest));
}

#[test]
fn backups_go_on_after_a_clock_that_was_a_year_ahead_while_one_failed() {
    let (directory, data) = directory();
    let clock = Clock::new(directory.path());
    clock.step("+365d");
    run_json(&data, &["user", "create", "Ada"]);
    let place = directory.path().join("place");
    std::fs::write(&place, "in the way").unwrap();
    let schedule = [
        ("SARYNO_BACKUP__EVERY", "2s"),
        ("SARYNO_BACKUP__DIR", place.to_str().unwrap()),
    ];
    let variables = [&clock.variables()[..], &schedule].concat();
    let server = Binary::start_with(&data, &[], &variables);
    let eventually = |what: &str, is_so: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < Duration::from_secs(30), "never: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    eventually("one that fails", &|| {
        server.log().contains("no backup was made")
    });
    std::fs::remove_file(&place).unwrap();
    clock.step("+0");
    let made = || {
        server
            .log()
            .matches("a backup was made and verified")
            .count()
    };
    eventually("two after that", &|| made() > 1);
    clock.step("-1h");
    let so_far = made();
    eventually("another an hour before", &|| made() > so_far);
    assert!(server.terminate().success());
    assert_eq!(run_json(&data, &["verify"])["findings"], json!([]));
}
