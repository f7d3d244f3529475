//! What an operator's Prometheus is told, where and by which right.

use std::time::{Duration, Instant};

use crate::channels::{dm, people};
use crate::executable::{Binary, agent, run, saryno};
use crate::support::Server;
use saryno::config::Config;

const TOKEN: &str = "a-token-for-observers";

fn config(token: bool) -> Config {
    let mut config = Config::default();
    config.limits.enabled = false;
    if token {
        let json = format!("\"{TOKEN}\"");
        config.metrics.token = serde_json::from_str(&json).unwrap();
    }
    config
}

/// The value of a line of the document.
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|one| one.strip_prefix(line));
    let found = found.unwrap_or_else(|| panic!("no {line} in\n{text}"));
    found.trim().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn without_settings_there_are_none() {
    let server = Server::start_with(&config(false)).await;
    let answer = server
        .call(rocket::http::Method::Get, "/metrics", None, None)
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_the_token_sees_what_was_done_and_nobody_else_does() {
    let server = Server::start_with(&config(true)).await;
    let [a, b] = people(&server).await;
    dm(&server, &a, &b).await;
    dm(&server, &b, &a).await;
    let ask = async |token: Option<&str>| {
        server
            .call(rocket::http::Method::Get, "/metrics", token, None)
            .await
    };
    for token in [None, Some("x"), Some(a.token.as_str())] {
        assert_eq!(ask(token).await.status, 401);
    }
    let answer = ask(Some(TOKEN)).await;
    assert_eq!(answer.status, 200);
    let text = answer.text();
    assert_eq!(text.matches("# EOF").count(), 1);
    assert!(text.ends_with("# EOF\n"));
    let opened =
        "saryno_requests_total{method=\"POST\",route=\"/users/@me/channels\",status=\"200\"}";
    for (line, expected) in [
        ("saryno_users ", 2.0),
        ("saryno_dm_channels ", 1.0),
        ("saryno_dms_created_total ", 1.0),
        ("saryno_dms_reused_total ", 1.0),
        (opened, 2.0),
    ] {
        assert!(
            (value(&text, line) - expected).abs() < 0.1,
            "{line}\n{text}"
        );
    }
    // Two accounts, a DM, and whatever was noted of tokens.
    assert!(value(&text, "saryno_commit_batch_size_sum ") >= 3.0);
    assert!(value(&text, "saryno_commit_batch_size_count ") >= 1.0);
    for histogram in ["commit_batch_size", "request_duration_seconds"] {
        let all = value(&text, &format!("saryno_{histogram}_count "));
        let most = format!("saryno_{histogram}_bucket{{le=\"+Inf\"}} ");
        assert!((value(&text, &most) - all).abs() < 0.1, "{text}");
    }
    let refused = "saryno_requests_total{method=\"GET\",route=\"/metrics\",status=\"401\"}";
    assert!((value(&text, refused) - 3.0).abs() < 0.1);
    // Each of two people was admitted by a token and an account.
    let (asked, read) = (
        value(&text, "saryno_rows_asked_total "),
        value(&text, "saryno_rows_read_total "),
    );
    assert!(asked >= 4.0 && read >= 4.0 && read <= asked, "{text}");
    assert!(value(&text, "saryno_database_bytes ") > 4096.0);
    assert!(value(&text, "saryno_request_duration_seconds_count ") >= 5.0);
    assert!(!text.contains(&a.id()) && !text.contains("Ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_memory_is_asked_for_and_not_read() {
    let server = Server::start_with(&config(true)).await;
    let [a] = people(&server).await;
    let told = async || {
        let answer = server
            .call(rocket::http::Method::Get, "/metrics", Some(TOKEN), None)
            .await;
        let text = answer.text();
        ["asked", "read"].map(|what| value(&text, &format!("saryno_rows_{what}_total ")))
    };
    let mut before = told().await;
    // A machine that is busy with something else may have it read more than once; its first use is noted, which changes the token.
    for _ in 0..100 {
        server.get("/users/@me", &a).await.expect(200);
        let [asked, read] = told().await;
        assert!(asked >= before[0] + 2.0);
        if read - before[1] < 0.5 {
            return;
        }
        before = [asked, read];
    }
    panic!("it is read each time");
}

#[test]
fn a_listener_of_its_own_tells_them_and_the_servers_own_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let variables = [("SARYNO_METRICS__ADDRESS", "127.0.0.1:0")];
    let server = Binary::start_with(&data, &[], &variables);
    let log = server.log();
    let url = log.split("metrics are at ").nth(1).unwrap();
    let url = url.split(['"', '\n', ' ']).next().unwrap();
    let text = agent()
        .get(url)
        .call()
        .unwrap()
        .into_body()
        .read_to_string()
        .unwrap();
    assert!(text.contains("saryno_uptime_seconds"), "{text}");
    // A server makes its first backup by itself, and tells when it has.
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let text = agent()
            .get(url)
            .call()
            .unwrap()
            .into_body()
            .read_to_string()
            .unwrap();
        if text.contains("\nsaryno_backup_made_seconds ") {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let beside = format!("{}/metrics", server.url);
    assert_eq!(agent().get(&beside).call().unwrap().status(), 404);
}

#[test]
fn the_token_is_not_printed_and_a_short_one_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("saryno.toml");
    std::fs::write(&file, format!("[metrics]\ntoken = \"{TOKEN}\"\n")).unwrap();
    let show = || String::from_utf8(run(&data, &["config", "show"]).stdout).unwrap();
    let shown = show();
    assert!(shown.contains("metrics.token = \"(set)\""), "{shown}");
    std::fs::write(&file, "").unwrap();
    assert!(show().contains("metrics.token = null"), "{}", show());
    assert!(!shown.contains(TOKEN), "{shown}");
    std::fs::write(&file, "[metrics]\ntoken = \"short\"\n").unwrap();
    let refused = run(&data, &["config", "check"]);
    let sentence = String::from_utf8(refused.stderr).unwrap();
    assert!(
        sentence.contains("metrics.token is 16 visible"),
        "{sentence}"
    );
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn no_mistake_in_the_settings_has_the_token_printed() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let file = directory.path().join("saryno.toml");
    let digits = "12345678901234567";
    let mistakes = [
        (format!("[metrics]\ntoken = \"{TOKEN}\n"), "line 2, column"),
        (format!("[metrics]\ntoken = {TOKEN}\n"), "line 2, column"),
        (format!("[metrics]\ntoken = {digits}\n"), "quotation marks"),
        (
            format!("[metrics]\ntoken = [\"{TOKEN}\"]\n"),
            "metrics.token",
        ),
        (format!("metrics = \"{TOKEN}\"\n"), "metrics"),
    ];
    let mut said = Vec::new();
    for (text, word) in &mistakes {
        std::fs::write(&file, text).unwrap();
        said.push((run(&data, &["config", "check"]), *word));
    }
    std::fs::remove_file(&file).unwrap();
    for (name, value) in [
        ("SARYNO_METRICS__TOKEN", digits.to_owned()),
        ("SARYNO_METRICS__TOKEN__X", TOKEN.to_owned()),
        ("SARYNO_METRICS", format!("{{token=\"{TOKEN}\"")),
        ("SARYNO_METRICS", TOKEN.to_owned()),
    ] {
        let mut check = saryno(&data, &["config", "check"]);
        said.push((check.env(name, value).output().unwrap(), "METRICS"));
    }
    for (output, word) in said {
        let sentence = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{sentence}");
        assert!(sentence.contains(word), "{word} {sentence}");
        assert!(
            !sentence.contains(TOKEN) && !sentence.contains(digits),
            "{sentence}"
        );
        assert_eq!(sentence.trim_end().lines().count(), 1, "{sentence}");
    }
}
