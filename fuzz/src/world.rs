//! What requests are sent to: the whole server, in process, with people in it.

use std::sync::Arc;

use rocket::http::Method::{self, Get, Post};
use rocket::http::{Header, Status};
use rocket::local::blocking::Client;
use saryno::accounts::{Label, NewToken, Secret};
use saryno::actions::{Action, Deed};
use saryno::admins::{Admins, NewAdmin, WayIn};
use saryno::audit::Author;
use saryno::backups::{Keeper, Plan};
use saryno::config::Config;
use saryno::id::{Generator, Id};
use saryno::passwords::Hasher;
use saryno::store::sqlite::{DatabaseFile, Options, Sqlite};
use saryno::users::{Flags, NewUser};
use serde_json::Value;
use tempfile::TempDir;

use At::{Body, Cookie, Path};
use By::{Account, Admin, Nobody};

/// Who asks.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum By {
    Nobody,
    Account,
    Admin,
}

/// Where the input is put; in a path or a query at its end.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum At {
    Header(&'static str),
    Cookie(&'static str),
    Path,
    Body,
}

/// A server with an admin, an account that asks, and another.
pub(crate) struct World {
    client: Client,
    token: String,
    session: String,
    pub(crate) names: [(&'static str, String); 2],
    dm: String,
    _directory: TempDir,
}

pub(crate) type Answer = (u16, Vec<(String, String)>, String);

impl World {
    pub(crate) fn ask(&self, by: By, method: Method, path: &str, at: At, input: &[u8]) -> Answer {
        let mut request = self.client.req(method, path.to_owned());
        request.set_remote(([127, 0, 0, 1], 50_000).into());
        let text = str::from_utf8(input).unwrap_or_default();
        let given = |name| at == At::Header(name);
        let browser = by == Admin || path.starts_with("/account") || path.starts_with("/admin");
        if browser && !given("Sec-Fetch-Site") && !given("Origin") {
            request.add_header(Header::new("Sec-Fetch-Site", "same-origin"));
        }
        if !given("Content-Type") && method != Get {
            request.add_header(Header::new("Content-Type", "application/json"));
        }
        match by {
            Nobody => {}
            Account => request.add_header(Header::new(
                "Authorization",
                format!("Bearer {}", self.token),
            )),
            Admin => request = request.cookie(("saryno_admin", self.session.clone())),
        }
        match at {
            At::Header(name) => request.add_header(Header::new(name, text.to_owned())),
            Cookie(name) => request = request.cookie((name, text.to_owned())),
            Path | Body => {}
        }
        if at == Body {
            request.set_body(input);
        } else if method != Get {
            request.set_body(if path.ends_with("channels") {
                self.dm.as_str()
            } else {
                "{}"
            });
        }
        let response = request.dispatch();
        let headers = response
            .headers()
            .iter()
            .map(|header| (header.name().to_string(), header.value().to_owned()));
        let (status, headers) = (response.status().code, headers.collect());
        (status, headers, response.into_string().unwrap_or_default())
    }
}

thread_local! {
    pub(crate) static WORLD: World = make().expect("a server");
}

fn make() -> Result<World, Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let file = directory.path().join("saryno.db");
    let store = Arc::new(Sqlite::open(
        &file,
        Options {
            readers: 2,
            queue: 64,
            batch: 8,
            cache: 1 << 20,
        },
    )?);
    let ids = Generator::new(1, Id::MIN);
    let password = "a horse, a staple";
    let token = Secret::token();
    let mut new = Vec::new();
    for name in ["Ada", "Bea"] {
        new.push(NewUser {
            id: ids.next()?,
            username: name.parse()?,
            discriminator: None,
            random: 0,
            flags: Flags::default(),
            password: None,
            token: None,
        });
    }
    new[0].token = Some(NewToken {
        id: ids.next()?,
        hash: token.hash(),
        label: Label::command_line(),
        login: None,
    });
    let (me, other) = (new[0].id, new[1].id);
    let mut config = Config::default();
    config.limits.enabled = false;
    config.trusted_proxies = vec!["127.0.0.0/8".parse()?];
    let runtime = rocket::tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let way = WayIn::Password(
            Hasher::new(1)?
                .hash(
                    password
                        .parse()
                        .map_err(|_| saryno::error::Error::NotFound)?,
                )
                .await?,
        );
        let admin = NewAdmin {
            id: ids.next()?,
            name: "root".parse().map_err(|_| saryno::error::Error::NotFound)?,
            way,
        };
        let users = new
            .into_iter()
            .map(|user| Action::CreateUser(Box::new(user)));
        for action in users.chain([Action::CreateAdmin(admin)]) {
            let deed = Deed {
                entry: ids.next()?,
                action,
            };
            store.perform_one(Author::command_line(), deed).await?;
        }
        Ok::<_, saryno::error::Error>(())
    })?;
    let plan = Plan {
        every: None,
        keep: 1,
        directory: directory.path().join("backups"),
    };
    let keeper = Arc::new(Keeper::new(Box::new(DatabaseFile::at(&file)), plan));
    let server = saryno::server(&config, store, Generator::new(0, Id::MIN), keeper)?;
    let mut world = World {
        client: Client::untracked(server)?,
        token: token.reveal().to_owned(),
        session: String::new(),
        names: [("<other>", other.to_string()), ("<home>", String::new())],
        dm: format!("{{\"type\": 2, \"recipient_id\": \"{other}\"}}"),
        _directory: directory,
    };
    let log_in = format!("{{\"name\": \"root\", \"password\": \"{password}\"}}");
    let (_, headers, _) = world.ask(Nobody, Post, "/admin/api/login", Body, log_in.as_bytes());
    let cookie = headers
        .iter()
        .find(|(name, _)| name == "Set-Cookie")
        .ok_or("no session")?;
    let value = cookie.1.split(['=', ';']).nth(1).ok_or("no cookie")?;
    value.clone_into(&mut world.session);
    let (status, _, made) = world.ask(Account, Post, "/communities", Body, b"{\"name\": \"Home\"}");
    assert_eq!(status, Status::Created.code, "{made}");
    let made: Value = serde_json::from_str(&made)?;
    world.names[1].1 = made["id"].as_str().ok_or("no id")?.into();
    assert!(me < other);
    // What was logged in with ends with the runtime; the server has its own.
    drop(runtime);
    Ok(world)
}
