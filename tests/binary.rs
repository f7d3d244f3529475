//! The real executable as a process: how it ends, what it prints, logs and leaves on the disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::executable::{Binary, agent, http, run_json, saryno};
use crate::races::{database, directory, number, people, text};

#[test]
fn sigterm_and_sigint_end_a_server_with_an_idle_connection_and_fold_the_wal_in() {
    let (_directory, data) = directory();
    let person = people(&data, 1).remove(0);
    for signal in ["TERM", "INT"] {
        let mut server = Binary::start(&data);
        let agent = agent();
        let url = format!("{}/communities", server.url);
        let written = http(&agent, "POST", &url, &person.token, r#"{"name": "Idle"}"#);
        assert_eq!(written.unwrap().0, 201);
        assert!(data.join("saryno.db-wal").exists());
        let silent = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
        server.signal(signal);
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
        assert!(!data.join("saryno.db-wal").exists(), "{signal}");
        drop((agent, silent));
    }
    assert_eq!(
        number(&database(&data), "SELECT count(*) FROM communities"),
        2
    );
}

#[test]
fn the_data_directory_and_what_is_in_it_are_the_owners_alone_whatever_the_umask() {
    let (directory, data) = directory();
    let create = saryno(&data, &["user", "create", "Owner"]);
    let shell = Command::new("sh")
        .args(["-c", "umask 0; exec \"$@\"", "sh"])
        .arg(create.get_program())
        .args(create.get_args())
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(shell.status.success());
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("saryno.db")), 0o600);
    let _server = Binary::start(&data);
    run_json(&data, &["user", "create", "Writer"]);
    for file in std::fs::read_dir(&data).unwrap() {
        let path = file.unwrap().path();
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

#[test]
fn where_it_listens_is_the_only_line_on_standard_output_whatever_the_log_format() {
    let directory = tempfile::tempdir().unwrap();
    for format in ["text", "json"] {
        let data = directory.path().join(format);
        // Without one, the link that makes the first admin follows.
        run_json(&data, &["admin", "create", "root"]);
        let mut child = saryno(&data, &["serve", "--port", "0"])
            .env("SARYNO_LOG__FORMAT", format)
            .env("SARYNO_LOG__LEVEL", "debug")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        output.read_line(&mut first).unwrap();
        let port = first
            .trim_end()
            .strip_prefix("listening on http://127.0.0.1:");
        let port: u16 = port.unwrap_or_else(|| panic!("{first}")).parse().unwrap();
        let url = format!("http://127.0.0.1:{port}/health");
        let answer = http(&agent(), "GET", &url, "", "");
        let id = child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        assert!(child.wait().unwrap().success());
        assert_eq!(answer.unwrap(), (200, json!({"status": "ok"})));
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }
}

#[test]
fn an_unknown_method_gets_the_error_body_and_the_headers_of_every_answer() {
    let directory = tempfile::tempdir().unwrap();
    let server = Binary::start(&directory.path().join("data"));
    let methods = Some("delete, get, head, options, patch");
    for (path, status, code, allow) in [
        ("/users/@me", 405, "method_not_allowed", methods),
        ("/nowhere", 400, "invalid_request", None),
    ] {
        let (head, body) = brew(&server, path);
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
        assert!(head.contains("\r\nx-request-id: "), "{head}");
        assert!(
            head.contains("\r\nx-content-type-options: nosniff"),
            "{head}"
        );
        let allowed = head.lines().find_map(|line| line.strip_prefix("allow: "));
        assert_eq!(allowed, allow, "{head}");
        assert_eq!(body["code"], code);
        assert!(!body["message"].as_str().unwrap().is_empty());
    }
}

/// The answer to a method that HTTP doesn't have: its head in lower case, and its body.
fn brew(server: &Binary, path: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let request = format!("BREW {path} HTTP/1.1\r\nHost: saryno\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), serde_json::from_str(body).unwrap())
}

#[test]
fn a_log_line_tells_the_request_and_none_tells_a_secret() {
    let (_directory, data) = directory();
    run_json(&data, &["user", "create", "Ada", "--discriminator", "0001"]);
    for format in ["text", "json"] {
        let variables = [
            ("SARYNO_LOG__FORMAT", format),
            ("SARYNO_LOG__LEVEL", "debug"),
        ];
        let server = Binary::start_with(&data, &[], &variables);
        let before = server.log().len();
        let made = run_json(&data, &["user", "token", "Ada#0001"]);
        let token = text(&made["token"]);
        let get = agent().get(format!("{}/users/@me", server.url));
        let answer = get
            .header("Authorization", format!("Bearer {token}"))
            .call()
            .unwrap();
        let request = answer.headers()["X-Request-Id"]
            .to_str()
            .unwrap()
            .to_owned();
        let log = server.log();
        let line = log[before..]
            .lines()
            .find(|line| line.contains(&request))
            .unwrap();
        if format == "json" {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(
                (&line["account"], &line["status"]),
                (&made["user"]["id"], &json!(200))
            );
            assert!(text(&line["route"]).contains("/users/@me") && line["microseconds"].is_u64());
        }

        run_json(&data, &["registration", "invite"]);
        let instance = run_json(&data, &["invite", "create"]);
        let instance = text(&instance["code"]);
        let reset = run_json(&data, &["user", "reset-link", "Ada#0001"]);
        let reset = text(&reset["code"]);
        let unknown = format!("srn_{}", "Q".repeat(43));
        let mut secrets = vec![
            token.to_owned(),
            unknown.clone(),
            instance.to_owned(),
            reset.to_owned(),
        ];
        secrets.extend(["pass-word", "srn_short", "invite-code", "reset-code"].map(str::to_owned));
        let call = |method: &str, path: &str, token: &str, body: &Value| {
            let url = format!("{}{path}", server.url);
            http(&agent(), method, &url, token, &body.to_string()).unwrap()
        };
        let post = |path: &str, body: Value| call("POST", path, token, &body).1;
        let community = post("/communities", json!({"name": "Secretive"}));
        let invites = format!("/communities/{}/invites", text(&community["id"]));
        let code = text(&post(&invites, json!({}))["code"]).to_owned();
        for code in [code.as_str(), "invite-code"] {
            for path in [
                format!("/invites/{code}"),
                format!("/v1/invites/{code}"),
                format!("/nowhere/{code}"),
            ] {
                for method in ["GET", "POST", "PATCH", "DELETE"] {
                    call(method, &path, token, &json!({}));
                }
            }
        }
        secrets.push(code);
        for token in [&unknown, "srn_short", token] {
            call("GET", "/users/@me", token, &Value::Null);
            let query = format!("/users?tag=ada%230001&token={token}&password=pass-word");
            call("GET", &query, token, &Value::Null);
        }
        for body in [
            json!({"username": "Bo", "password": "pass-word", "invite": "invite-code"}),
            json!({"username": "Bo", "password": "pass-word", "invite": instance}),
            json!({"username": "@", "password": ["pass-word"], "pass-word": 1}),
            json!("pass-word"),
        ] {
            let admitted = post("/auth/register", body);
            secrets.extend(admitted["token"].as_str().map(str::to_owned));
        }
        post(
            "/auth/reset",
            json!({"code": "reset-code", "new": "pass-word"}),
        );
        post(
            "/auth/login",
            json!({"tag": "Ada#0001", "password": "pass-word"}),
        );
        post(
            "/auth/password",
            json!({"current": "pass-word", "new": "pass-word"}),
        );
        post(
            "/auth/reset",
            json!({"code": reset, "new": "pass-word again"}),
        );
        let admitted = post(
            "/auth/login",
            json!({"tag": "Ada#0001", "password": "pass-word again"}),
        );
        assert!(admitted["token"].is_string());
        secrets.push(text(&admitted["token"]).to_owned());
        let cut = http(
            &agent(),
            "POST",
            &format!("{}/auth/login", server.url),
            token,
            r#"{"password": "pass-word"#,
        );
        assert_eq!(cut.unwrap().0, 400);
        assert!(server.terminate().success());
        let log = std::fs::read_to_string(data.with_extension("log")).unwrap();
        for secret in secrets {
            assert!(!log.contains(&secret), "{secret} is in the log");
        }
        for line in log[before..].lines().filter(|_| format == "json") {
            assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
        }
    }
}

#[test]
fn a_storm_of_log_ins_takes_a_bounded_part_of_memory() {
    let (_kept, data) = directory();
    let server = Binary::start(&data);
    std::thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                let agent = agent();
                for _ in 0..4 {
                    let body = r#"{"tag": "nobody#0001", "password": "wrong horse"}"#;
                    let answer = http(
                        &agent,
                        "POST",
                        &format!("{}/auth/login", server.url),
                        "",
                        body,
                    )
                    .unwrap();
                    assert_eq!(answer.0, 401);
                }
            });
        }
    });
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
    // A hash takes 19 MiB, and there is one a core at a time.
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!(
        kibibytes < (64 + 20 * cores) * 1024,
        "{kibibytes} KiB at the most"
    );
}
