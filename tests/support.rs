//! What tests stand on: a server in process, each with a directory and a database file of its own.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::described::check;
use crate::operate::Operate;
use rocket::http::{Header, Method};
use rocket::local::asynchronous::{Client, LocalRequest};
use saryno::accounts::{Label, NewToken, PasswordHash, Secret};
use saryno::backups::{Keeper, Plan};
use saryno::clock::Timestamp;
use saryno::config::Config;
use saryno::id::{Generator, Id};
use saryno::store::sqlite::{DatabaseFile, Options, Sqlite};
use saryno::users::{Discriminator, Flag, Flags, NewUser, User};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const OPTIONS: Options = Options {
    readers: 4,
    queue: 4096,
    batch: 256,
    cache: 4 << 20,
};

/// A store in a file of its own.
pub(crate) fn store() -> (TempDir, Arc<Sqlite>) {
    let directory = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&directory.path().join("saryno.db"), OPTIONS).unwrap();
    (directory, Arc::new(store))
}

/// A keeper of backups of the store in this directory. Not started: what it does, requests have it do.
pub(crate) fn keeper(directory: &Path) -> Arc<Keeper> {
    let plan = Plan {
        every: None,
        keep: 3,
        directory: directory.join("backups"),
    };
    let source = DatabaseFile::at(&directory.join("saryno.db"));
    Arc::new(Keeper::new(Box::new(source), plan))
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

/// The settings of most tests: they ask more often than anybody may.
pub(crate) fn unlimited() -> Config {
    let mut config = Config::default();
    config.limits.enabled = false;
    config
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

    /// With these settings.
    pub(crate) async fn start_with(config: &Config) -> Self {
        let (directory, store) = store();
        Self::set_up(config, directory, store).await
    }

    pub(crate) async fn over(directory: TempDir, store: Arc<Sqlite>) -> Self {
        Self::set_up(&unlimited(), directory, store).await
    }

    async fn set_up(config: &Config, directory: TempDir, store: Arc<Sqlite>) -> Self {
        let ids = Generator::new(0, Id::MIN);
        let keeper = keeper(directory.path());
        let server = saryno::server(config, store.clone(), ids, keeper).unwrap();
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
        let (method, path) = (request.method(), request.uri().clone());
        let response = request.dispatch().await;
        let status = response.status().code;
        let headers = response
            .headers()
            .iter()
            .map(|header| (header.name().to_string(), header.value().to_owned()))
            .collect();
        let bytes = response.into_bytes().await.unwrap_or_default();
        let answer = Self {
            status,
            headers,
            bytes,
        };
        check(method, &path.path().segments().collect::<Vec<_>>(), &answer);
        answer
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

/// The second within which a server sees what another process writes (contract, section 5).
pub(crate) struct Second {
    begun: Instant,
    is_over: bool,
}

impl Second {
    pub(crate) fn begins() -> Self {
        Self {
            begun: Instant::now(),
            is_over: false,
        }
    }

    /// To be called where it was not seen; panics if it was asked for after the second.
    #[track_caller]
    pub(crate) fn goes_on(&mut self) {
        assert!(!self.is_over, "not seen within a second");
        self.is_over = self.begun.elapsed() >= Duration::from_secs(1);
    }
}

/// Now, for what takes a moment.
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
