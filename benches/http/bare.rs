//! The yardsticks: Rocket with routes that answer a constant. Each runs as a process of its own, of this very program.

use std::borrow::Cow;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use rocket::config::Ident;
use rocket::http::{ContentType, Header};
use rocket::request::Request;
use rocket::response::{self, Responder, Response};
use rocket::serde::json::Json;
use rocket::shield::Shield;
use rocket::{Config, State, get, patch, post, routes};
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::server::{Result, Server};

/// An answer of the real server, to be given again and again.
#[derive(Clone, Deserialize, Serialize)]
pub(crate) struct Constant {
    content_type: String,
    /// Without those that Rocket and hyper set.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// How much of the real answer a yardstick bears.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Headers {
    /// None of its own headers.
    None,
    /// The request's id and the five of the limits.
    Six,
    /// All of them.
    All,
}

impl Constant {
    /// What a server answers to a request.
    pub(crate) fn of(url: &str, request: &str) -> Result<Self> {
        let answer = Client::connect(url)?.ask(request)?;
        let mut content_type = String::new();
        let mut headers = Vec::new();
        for (name, value) in answer.headers {
            match name.to_ascii_lowercase().as_str() {
                "content-type" => content_type = value,
                "content-length" | "date" | "server" => {}
                _ => headers.push((name, value)),
            }
        }
        Ok(Self {
            content_type,
            headers,
            body: answer.body,
        })
    }

    /// How many bytes it has.
    pub(crate) fn len(&self) -> usize {
        self.body.len()
    }

    /// Starts a process that answers so.
    pub(crate) fn serve(&self, headers: Headers, directory: &Path) -> Result<Server> {
        let mut constant = self.clone();
        constant.headers.retain(|(name, _)| match headers {
            Headers::None => false,
            Headers::Six => {
                let name = name.to_ascii_lowercase();
                name == "x-request-id" || name.starts_with("x-ratelimit-")
            }
            Headers::All => true,
        });
        let file = tempfile::NamedTempFile::new_in(directory)?;
        serde_json::to_writer(file.as_file(), &constant)?;
        let program = std::env::current_exe()?;
        Server::start(Command::new(program).arg("--bare").arg(file.path()))
    }
}

/// What is answered: the body with its type alone.
struct Bare {
    content_type: ContentType,
    body: &'static [u8],
    headers: &'static [(String, String)],
}

impl<'r> Responder<'r, 'static> for &'r Bare {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        let mut answer = Response::build();
        answer.header(self.content_type.clone());
        for (name, value) in self.headers {
            answer.header(Header {
                name: name.as_str().into(),
                value: Cow::Borrowed(value),
            });
        }
        answer
            .sized_body(self.body.len(), Cursor::new(self.body))
            .ok()
    }
}

/// The bodies of the cases that post and patch.
#[derive(Deserialize)]
#[expect(dead_code, reason = "they are parsed, and that is all")]
struct NewDm {
    recipient_id: String,
    r#type: u8,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "they are parsed, and that is all")]
struct Change {
    username: String,
}

#[get("/<_..>")]
fn got(constant: &State<Bare>) -> &Bare {
    constant.inner()
}

#[post("/<_..>", data = "<_body>")]
fn posted(_body: Json<NewDm>, constant: &State<Bare>) -> &Bare {
    constant.inner()
}

#[patch("/<_..>", data = "<_body>")]
fn patched(_body: Json<Change>, constant: &State<Bare>) -> &Bare {
    constant.inner()
}

/// Answers until it is killed.
pub(crate) fn serve(file: &PathBuf) -> Result<()> {
    // For ever: this process does nothing else.
    let constant: &Constant = Box::leak(Box::new(serde_json::from_slice(&fs::read(file)?)?));
    let content_type = ContentType::parse_flexible(&constant.content_type);
    let bare = Bare {
        content_type: content_type.ok_or("no content type")?,
        body: &constant.body,
        headers: &constant.headers,
    };
    let ident = match constant.headers.as_slice() {
        // As Rocket comes.
        [] => Ident::default(),
        // All that the real answer bears, and nothing else.
        _ => Ident::none(),
    };
    let config = Config {
        port: 0,
        ident,
        log_level: rocket::config::LogLevel::Off,
        ..Config::release_default()
    };
    let announce = rocket::fairing::AdHoc::on_liftoff("where it listens", |rocket| {
        Box::pin(async move { println!("listening on http://127.0.0.1:{}", rocket.config().port) })
    });
    let server = rocket::custom(config)
        // In place of the one that Rocket puts on by itself, which sets headers.
        .attach(Shield::new())
        .manage(bare)
        .mount("/", routes![got, posted, patched])
        .attach(announce);
    rocket::execute(server.launch())?;
    Ok(())
}
