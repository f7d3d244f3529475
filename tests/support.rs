//! What tests stand on: a server in process, or the real binary; each with a directory and a database file of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;

use crate::operate::Operate;
use rocket::http::{Header, Method};
use rocket::local::asynchronous::{Client, LocalRequest};
use saryno::accounts::{Label, NewToken, PasswordHash, Secret};
use saryno::clock::Timestamp;
use saryno::config::Config;
use saryno::id::{Generator, Id};
use saryno::store::sqlite::{Options, Sqlite};
use saryno::users::{Discriminator, Flag, Flags, NewUser, User};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const OPTIONS: Options = Options {
    readers: 4,
    queue: 4096,
    batch: 256,
};

/// A store in a file of its own.
pub(crate) fn store() -> (TempDir, Arc<Sqlite>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&directory.path().join("saryno.db"), OPTIONS).unwrap();
    (directory, Arc::new(store))
}

/// An account to be made: a name, and the rest as little as possible.
pub(crate) fn new_user(id: Id, name: &str) -> NewUser {
    NewUser {
        id,
        username: name.parse().unwrap(),
        discriminator: None,
        random: rand::random(),
        flags: Flags::default(),
        password: None,
        token: None,
    }
}

/// The server in process, spoken to over HTTP without a socket.
pub(crate) struct Server {
    pub(crate) client: Client,
    pub(crate) store: Arc<Sqlite>,
    /// Ids for what tests put into the store themselves; the server's own worker is 0.
    pub(crate) ids: Generator,
    pub(crate) directory: TempDir,
}

/// An account that a test made, and a token that admits it.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: User,
    pub(crate) token: String,
}

impl Account {
    pub(crate) fn id(&self) -> String {
        self.user.id.to_string()
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let (directory, store) = store();
        Self::over(directory, store).await
    }

    pub(crate) async fn over(directory: TempDir, store: Arc<Sqlite>) -> Self {
        let server = saryno::server(
            &Config::default(),
            store.clone(),
            Generator::new(0, Id::MIN),
        )
        .unwrap();
        let client = Client::untracked(server).await.unwrap();
        Self {
            client,
            store,
            ids: Generator::new(1, Id::MIN),
            directory,
        }
    }

    /// An account with a token and a drawn discriminator, straight into the store.
    pub(crate) async fn account(&self, name: &str) -> Account {
        self.account_with(new_user(self.ids.next().unwrap(), name))
            .await
    }

    /// The same with this discriminator.
    pub(crate) async fn account_of(&self, name: &str, discriminator: u16) -> Account {
        let mut new = new_user(self.ids.next().unwrap(), name);
        new.discriminator = Discriminator::new(discriminator);
        self.account_with(new).await
    }

    /// The same with these flags.
    pub(crate) async fn account_flagged(&self, name: &str, flags: &[Flag]) -> Account {
        let mut new = new_user(self.ids.next().unwrap(), name);
        new.flags = flags.iter().copied().collect();
        self.account_with(new).await
    }

    /// The same with this stored password.
    pub(crate) async fn account_with_password(
        &self,
        name: &str,
        password: PasswordHash,
    ) -> Account {
        let mut new = new_user(self.ids.next().unwrap(), name);
        new.password = Some(password);
        self.account_with(new).await
    }

    pub(crate) async fn account_with(&self, mut new: NewUser) -> Account {
        let secret = Secret::token();
        let label = Label::command_line();
        new.token = Some(NewToken {
            id: self.ids.next().unwrap(),
            hash: secret.hash(),
            label,
            login: None,
        });
        let user = self.store.create_user(new).await.unwrap();
        Account {
            user,
            token: secret.reveal().to_owned(),
        }
    }

    /// One request, with a token or without.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&str>,
    ) -> Answer {
        let mut headers = Vec::new();
        if let Some(token) = token {
            headers.push(("Authorization".to_owned(), format!("Bearer {token}")));
        }
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        self.send(method, path, &headers, body.map(str::as_bytes))
            .await
    }

    /// One request with headers and body as they are given.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<&[u8]>,
    ) -> Answer {
        let mut request = self.client.req(method, path);
        for (name, value) in headers {
            request.add_header(Header::new(name.clone(), value.clone()));
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        Answer::to(request).await
    }

    pub(crate) async fn get(&self, path: &str, by: &Account) -> Answer {
        self.call(Method::Get, path, Some(&by.token), None).await
    }

    pub(crate) async fn post(&self, path: &str, by: &Account, body: &Value) -> Answer {
        self.call(Method::Post, path, Some(&by.token), Some(&body.to_string()))
            .await
    }

    pub(crate) async fn patch(&self, path: &str, by: &Account, body: &Value) -> Answer {
        self.call(
            Method::Patch,
            path,
            Some(&by.token),
            Some(&body.to_string()),
        )
        .await
    }

    pub(crate) async fn put(&self, path: &str, by: &Account) -> Answer {
        self.call(Method::Put, path, Some(&by.token), None).await
    }

    pub(crate) async fn delete(&self, path: &str, by: &Account) -> Answer {
        self.call(Method::Delete, path, Some(&by.token), None).await
    }

    /// A second connection to the same file, to look at what is stored.
    pub(crate) fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.directory.path().join("saryno.db")).unwrap()
    }
}

/// What an error's body may hold; the last two if it is a 429.
const KEYS: [&str; 5] = ["code", "message", "errors", "retry_after", "global"];

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    /// What a request is answered with.
    pub(crate) async fn to(request: LocalRequest<'_>) -> Self {
        let response = request.dispatch().await;
        let status = response.status().code;
        let headers = response
            .headers()
            .iter()
            .map(|header| (header.name().to_string(), header.value().to_owned()))
            .collect();
        let bytes = response.into_bytes().await.unwrap_or_default();
        Self {
            status,
            headers,
            bytes,
        }
    }

    /// The body; null where there is none.
    pub(crate) fn json(&self) -> Value {
        if self.bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&self.bytes).unwrap()
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body of a success with this status; panics with the body otherwise.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// Holds an error against the contract's shape and returns its code.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        let body = self.json();
        let object = body
            .as_object()
            .unwrap_or_else(|| panic!("no error body: {} {}", self.status, self.text()));
        assert!(
            object.keys().all(|key| KEYS.contains(&key.as_str())),
            "{body}"
        );
        assert!(!body["message"].as_str().unwrap().is_empty());
        for fault in body["errors"].as_array().unwrap_or(&Vec::new()) {
            assert!(
                fault["field"].is_string()
                    && fault["code"].is_string()
                    && fault["message"].is_string(),
                "{body}"
            );
        }
        if self.status == 401 {
            assert_eq!(self.header("WWW-Authenticate"), Some("Bearer"));
        }
        let limited = ["retry_after", "global"].map(|key| !body[key].is_null());
        assert_eq!(limited, [self.status == 429; 2], "{body}");
        if [429, 503].contains(&self.status) {
            assert!(self.header("Retry-After").is_some());
        }
        assert!(self.header("X-Request-Id").is_some());
        body["code"].as_str().unwrap().to_owned()
    }

    /// Status and code of an error, to compare with what is expected.
    #[track_caller]
    pub(crate) fn fails(&self) -> (u16, String) {
        (self.status, self.error())
    }

    /// The faults of an error as (field, code), in the order of the answer.
    #[track_caller]
    pub(crate) fn faults(&self) -> Vec<(String, String)> {
        self.error();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let faults = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        faults
            .iter()
            .map(|fault| (text(&fault["field"]), text(&fault["code"])))
            .collect()
    }
}

/// An expected status and code.
pub(crate) fn failure(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The real executable, serving a directory on a port of its own.
pub(crate) struct Binary {
    pub(crate) child: Child,
    pub(crate) url: String,
    /// What it prints after the line that says where it listens.
    pub(crate) output: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Binary {
    /// Starts it and waits for the line that says where it listens.
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[], &[])
    }

    pub(crate) fn start_with(data: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let log = data.with_extension("log");
        let errors = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .unwrap();
        let mut child = saryno(data, &["serve", "--port", "0"])
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .stderr(errors)
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .map(ToOwned::to_owned);
        let url = url
            .unwrap_or_else(|| panic!("did not start: {}", std::fs::read_to_string(&log).unwrap()));
        Self {
            child,
            url,
            output,
            log,
        }
    }

    /// Starts it on an empty directory, and reads the link with which the first admin is made.
    pub(crate) fn start_without_admin(data: &Path) -> (Self, String) {
        let mut server = Self::start(data);
        let mut lines = server.output.by_ref().lines().map(Result::unwrap);
        let link = lines.find(|line| line.starts_with(&server.url)).unwrap();
        (server, link)
    }

    /// All it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Ends it the way an operator does and waits.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        self.signal("TERM");
        self.child.wait().unwrap()
    }

    /// Ends it the way a power cut does and waits.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The real executable with these arguments, on this directory, without the settings of the machine it runs on.
pub(crate) fn saryno(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_saryno"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SARYNO_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .arg("--data")
        .arg(data)
        .current_dir(data.parent().unwrap());
    command
}

/// Runs a command to its end.
pub(crate) fn run(data: &Path, arguments: &[&str]) -> Output {
    saryno(data, arguments).output().unwrap()
}

/// Runs a command with a line on its standard input.
pub(crate) fn run_with_input(data: &Path, arguments: &[&str], input: &str) -> Output {
    let piped = || Stdio::piped();
    let mut child = saryno(data, arguments)
        .stdin(piped())
        .stdout(piped())
        .stderr(piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

/// Runs a command that must succeed, with `--json`, and reads what it printed.
#[track_caller]
pub(crate) fn run_json(data: &Path, arguments: &[&str]) -> Value {
    let output = run(data, &[arguments, &["--json"]].concat());
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// An HTTP client that takes every status as an answer.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_idle_connections_per_host(256)
        .build()
        .new_agent()
}

/// One request to a real server; the status and the body.
pub(crate) fn http(
    agent: &ureq::Agent,
    method: &str,
    url: &str,
    token: &str,
    body: &str,
) -> Result<(u16, Value), ureq::Error> {
    let request = ureq::http::Request::builder()
        .method(method)
        .uri(url)
        .header("Authorization", format!("Bearer {token}"))
        .header("Content-Type", "application/json")
        .body(body.to_owned())?;
    let mut response = agent.run(request)?;
    let text = response.body_mut().read_to_string()?;
    Ok((
        response.status().as_u16(),
        serde_json::from_str(&text).unwrap_or(Value::Null),
    ))
}

/// Now, for what takes a moment.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
