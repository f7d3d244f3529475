//! What stands in no log, whoever asked for what, and in no address that is sent: a secret.

use std::path::Path;
use std::time::Duration;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ureq::http::Request;

use crate::access::{ENDPOINTS, OPEN};
use crate::executable::{Binary, agent, run_json};
use crate::races::{database, directory, text};
use crate::{account_desk, endpoint_tables};

pub(crate) const FORMATS: [&str; 2] = ["text", "json"];

/// Passwords: of the admin, of the account, the next one of both, and a wrong one.
const PASSWORDS: [&str; 4] = [
    "correct horse",
    "battery staple",
    "another horse",
    "wrong horse",
];

/// One request, with a cookie or a token; its status, the cookie it sets, and its body.
pub(crate) fn send(
    server: &Binary,
    method: &str,
    path: &str,
    pass: Option<(&str, &str)>,
    body: &str,
) -> (u16, String, Value) {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("{}{path}", server.url))
        .header("Content-Type", "application/json")
        .header("Sec-Fetch-Site", "same-origin");
    if let Some((name, value)) = pass {
        request = request.header(name, value);
    }
    let request = request.body(body.to_owned()).unwrap();
    let agent = agent();
    let request = agent.configure_request(request);
    let request = request.timeout_global(Some(Duration::from_mins(1))).build();
    let mut response = agent
        .run(request)
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
    let cookie = response.headers().get("Set-Cookie");
    let cookie = cookie
        .map_or("", |cookie| cookie.to_str().unwrap())
        .to_owned();
    let cookie = cookie
        .split(['=', ';'])
        .nth(1)
        .unwrap_or_default()
        .to_owned();
    let endless = path.ends_with("/live");
    let body = if endless {
        String::new()
    } else {
        response.body_mut().read_to_string().unwrap_or_default()
    };
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    (response.status().as_u16(), cookie, body)
}

/// Every secret of an instance in use.
struct Secrets {
    user: String,
    /// As headers that let somebody in.
    passes: Vec<(&'static str, String)>,
    /// As codes of links and invites.
    codes: Vec<String>,
}

impl Secrets {
    fn made(server: &mut Binary, data: &Path) -> Self {
        use std::io::BufRead;
        let lines = std::io::Read::by_ref(&mut server.output).lines();
        let link = lines
            .map(Result::unwrap)
            .find(|line| line.starts_with("http"))
            .unwrap();
        let last = |link: &str| link.rsplit('/').next().unwrap().to_owned();
        let set_up = last(&link);
        let body = json!({"code": set_up, "name": "root", "password": PASSWORDS[0]}).to_string();
        let (_, admin, _) = send(server, "POST", "/admin/api/setup", None, &body);
        let admin = format!("saryno_admin={admin}");
        let pass = Some(("Cookie", admin.as_str()));
        let made = send(
            server,
            "POST",
            "/admin/api/tokens",
            pass,
            r#"{"name": "x"}"#,
        )
        .2;
        let script = format!("Bearer {}", text(&made["token"]));
        run_json(data, &["registration", "open"]);
        let body = json!({"username": "Ada", "discriminator": "0001", "password": PASSWORDS[1]});
        let (_, account, made) = send(
            server,
            "POST",
            "/account/api/register",
            None,
            &body.to_string(),
        );
        let user = text(&made["id"]).to_owned();
        let token = text(&run_json(data, &["user", "token", &user])["token"]).to_owned();
        let body = json!({"tag": "Ada#0001", "password": PASSWORDS[1]}).to_string();
        let log_in = send(server, "POST", "/auth/login", None, &body).2;
        let bearer = format!("Bearer {token}");
        let pass = Some(("Authorization", bearer.as_str()));
        let home = send(server, "POST", "/communities", pass, r#"{"name": "Home"}"#).2;
        let path = format!("/communities/{}/invites", text(&home["id"]));
        let invite = send(server, "POST", &path, pass, "{}").2;
        let codes = [
            set_up,
            last(text(
                &run_json(data, &["admin", "create", "second"])["link"],
            )),
            last(text(
                &run_json(data, &["user", "reset-link", &user])["link"],
            )),
            last(text(&run_json(data, &["invite", "create"])["link"])),
            text(&invite["code"]).to_owned(),
        ];
        let passes = vec![
            ("Authorization", script),
            ("Authorization", bearer),
            (
                "Authorization",
                format!("Bearer {}", text(&log_in["token"])),
            ),
            ("Cookie", admin),
            ("Cookie", format!("saryno_account={account}")),
        ];
        Self {
            user,
            passes,
            codes: codes.into(),
        }
    }

    /// Every endpoint, with each of the codes where its path takes one: first what reads.
    fn requests(&self) -> Vec<(String, String, String)> {
        let mut found = Vec::new();
        let mut add = |method: rocket::http::Method, base: &str, path: &str, body: &str| {
            for code in &self.codes {
                let fill = |pattern: &str| {
                    pattern
                        .replace("<code>", code)
                        .replace("<reset>", &self.codes[2])
                        .replace("<password>", PASSWORDS[1])
                        .replace("<id>", &self.user)
                        .replace("<user>", &self.user)
                        .replace("<session>", "1")
                        .replace("<flag>", "bot")
                        .replace("<file>", "default.png")
                };
                let request = (
                    method.to_string(),
                    format!("{base}{}", fill(path)),
                    fill(body),
                );
                if !found.contains(&request) {
                    found.push(request);
                }
            }
        };
        for (method, path) in ENDPOINTS.iter().chain(&OPEN) {
            let body = json!({"tag": "Ada#0001", "username": "Bea", "password": PASSWORDS[3], "current": PASSWORDS[3],
                "new": PASSWORDS[2], "code": self.codes[2], "invite": self.codes[3]});
            add(*method, "/v1", path, &body.to_string());
            add(*method, "", path, PASSWORDS[2]);
        }
        for (method, path) in account_desk::READS.iter().chain(&account_desk::VISITS) {
            add(*method, "/account/api", path, "");
        }
        let all = account_desk::ENTRANCES
            .iter()
            .chain(&account_desk::CHANGES)
            .chain(&account_desk::ENDS);
        for (method, path, body, _) in all {
            add(*method, "/account/api", path, body);
        }
        for (method, path) in endpoint_tables::READS {
            add(method, "/admin/api", path, "");
        }
        for (method, path, body, _) in endpoint_tables::CHANGES.iter().chain(&endpoint_tables::OWN)
        {
            add(*method, "/admin/api", path, body);
        }
        for (method, path, body) in endpoint_tables::OPEN {
            add(
                method,
                "/admin/api",
                path,
                &body.replace("\"x\"", &format!("\"{}\"", self.codes[1])),
            );
        }
        found.sort_by_key(|(method, ..)| (method != "GET", method == "DELETE"));
        found
    }

    /// Each as it is, in base64, and its hash, which is what the store knows it by.
    fn forms(&self, data: &Path) -> Vec<String> {
        let passes = self
            .passes
            .iter()
            .map(|(_, pass)| pass.split([' ', '=']).nth(1).unwrap());
        let all = passes
            .chain(self.codes.iter().map(String::as_str))
            .chain(PASSWORDS);
        let mut forms = Vec::new();
        for secret in all {
            let hash: [u8; 32] = Sha256::digest(secret).into();
            let hex = hash
                .iter()
                .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
            // Without the end, which depends on what follows.
            let coded = Base64::encode_string(secret.as_bytes());
            let coded = coded[..coded.len() - 4].to_owned();
            forms.extend([
                secret.to_owned(),
                coded,
                hex.clone(),
                hex.to_uppercase(),
                Base64::encode_string(&hash),
                Base64UrlUnpadded::encode_string(&hash),
                format!("{hash:?}"),
            ]);
        }
        let database = database(data);
        let sql = "SELECT password FROM users WHERE password IS NOT NULL UNION SELECT password FROM admins WHERE password IS NOT NULL";
        let mut statement = database.prepare(sql).unwrap();
        let hashes = statement.query_map([], |row| row.get(0)).unwrap();
        forms.extend(hashes.map(|hash| hash.unwrap()));
        forms.push("$argon2".to_owned());
        forms
    }
}

#[test]
fn no_endpoint_has_a_secret_in_the_log() {
    for format in FORMATS {
        let (_kept, data) = directory();
        let metrics = "a-token-for-observers";
        let variables = [
            ("SARYNO_LOG__FORMAT", format),
            ("SARYNO_LOG__LEVEL", "debug"),
            ("SARYNO_METRICS__TOKEN", metrics),
        ];
        let mut server = Binary::start_with(&data, &[], &variables);
        let secrets = Secrets::made(&mut server, &data);
        for (index, (method, path, body)) in secrets.requests().iter().enumerate() {
            // Each with one of the ways in, and all with the one that is made for it.
            let fits = |(name, pass): &&(&str, String)| match path.split('/').nth(1) {
                Some("admin") => pass.contains("admin"),
                Some("account") => pass.contains("account"),
                _ => *name == "Authorization",
            };
            let fitting = secrets.passes.iter().find(fits);
            let any = &secrets.passes[index % secrets.passes.len()];
            for (name, pass) in fitting.into_iter().chain([any]) {
                let (status, ..) = send(&server, method, path, Some((name, pass)), body);
                assert!(status < 500, "{method} {path}: {status}");
            }
        }
        for token in [metrics, "wrong-token-for-observers"] {
            let bearer = format!("Bearer {token}");
            send(
                &server,
                "GET",
                "/metrics",
                Some(("Authorization", &bearer)),
                "",
            );
        }
        let log = server.log();
        assert!(log.lines().count() > 300, "{log}");
        let mut forms = secrets.forms(&data);
        forms.push(metrics.to_owned());
        for form in forms {
            assert!(!log.contains(&form), "{form} is in the log");
        }
        // Nor do the figures tell.
        let bearer = format!("Bearer {metrics}");
        let request =
            Request::get(format!("{}/metrics", server.url)).header("Authorization", bearer);
        let mut figures = agent().run(request.body(()).unwrap()).unwrap();
        let figures = figures.body_mut().read_to_string().unwrap();
        assert!(figures.contains("/invites/<code>"), "{figures}");
        for form in secrets.forms(&data) {
            assert!(!figures.contains(&form), "{form} is in the figures");
        }
    }
}

#[test]
fn the_codes_of_links_stand_behind_the_fragment_which_no_browser_sends() {
    let (_kept, data) = directory();
    let made = run_json(&data, &["user", "create", "Ada"]);
    let id = text(&made["user"]["id"]);
    run_json(&data, &["registration", "invite"]);
    for arguments in [
        &["admin", "create", "root"][..],
        &["admin", "reset-password", "root"],
        &["user", "reset-link", id],
        &["invite", "create"],
    ] {
        let made = run_json(&data, arguments);
        let (address, fragment) = text(&made["link"]).split_once('#').unwrap();
        assert!(fragment.rsplit('/').next().unwrap().len() >= 16, "{made}");
        assert!(!address.contains('?'), "{made}");
    }
}
