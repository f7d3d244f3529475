//! Requests to the whole server, in process: headers, cookies, paths, queries, and the bodies that only the admin page takes.

use std::sync::Arc;

use rocket::http::Method::{self, Get, Patch, Post, Put};
use rocket::http::uri::Origin;
use rocket::http::{Header, RawStr, Status};
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

/// Who asks.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Nobody,
    Account,
    Admin,
}

/// Where the input is put; in a path or a query at its end.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Header(&'static str),
    Cookie(&'static str),
    Path,
    Body,
}

use At::{Body, Cookie, Path};
use By::{Account, Admin, Nobody};

/// The first byte chooses one: who asks, for what, where the input goes, and which fields an answer may name. `<other>` is the id of
/// an account that nothing else is about, `<home>` that of a community.
const REQUESTS: [(By, Method, &str, At, &str); 47] = [
    (Nobody, Get, "/users/@me", At::Header("Authorization"), ""),
    (
        Nobody,
        Get,
        "/admin/api/overview",
        At::Header("Authorization"),
        "",
    ),
    (
        Nobody,
        Get,
        "/account/api/users/@me",
        Cookie("saryno_account"),
        "",
    ),
    (
        Nobody,
        Get,
        "/admin/api/overview",
        Cookie("saryno_admin"),
        "",
    ),
    (
        Account,
        Post,
        "/users/@me/channels",
        At::Header("Idempotency-Key"),
        "",
    ),
    (Account, Patch, "/users/@me", At::Header("Content-Type"), ""),
    (
        Account,
        Get,
        "/users/@me",
        At::Header("X-Forwarded-For"),
        "",
    ),
    (
        Admin,
        Post,
        "/admin/api/invites",
        At::Header("Sec-Fetch-Site"),
        "",
    ),
    (Admin, Post, "/admin/api/invites", At::Header("Origin"), ""),
    (Nobody, Get, "/admin/", At::Header("If-None-Match"), ""),
    (Nobody, Get, "/admin/", At::Header("Accept-Encoding"), ""),
    (
        Nobody,
        Post,
        "/account/api/login",
        At::Header("User-Agent"),
        "tag password",
    ),
    (Account, Get, "/", Path, ""),
    (Nobody, Get, "/", Path, ""),
    (Nobody, Get, "/admin/", Path, ""),
    (Admin, Get, "/admin/api/", Path, ""),
    (Nobody, Get, "/avatars/", Path, ""),
    (Account, Get, "/users?", Path, "tag"),
    (
        Account,
        Get,
        "/users/@me/communities?",
        Path,
        "limit before after",
    ),
    (
        Account,
        Get,
        "/users/@me/channels?",
        Path,
        "limit before after",
    ),
    (Account, Get, "/auth/tokens?", Path, "limit before after"),
    (Nobody, Get, "/usernames/check?", Path, "username invite"),
    (
        Admin,
        Get,
        "/admin/api/users?",
        Path,
        "search filter order limit before after",
    ),
    (
        Admin,
        Get,
        "/admin/api/communities?",
        Path,
        "search order limit before after",
    ),
    (
        Admin,
        Get,
        "/admin/api/audit?",
        Path,
        "admin action target limit before after",
    ),
    (Admin, Get, "/admin/api/names?", Path, "username"),
    (Account, Post, "/invites/", Path, ""),
    (
        Account,
        Patch,
        "/users/@me",
        Body,
        "username discriminator avatar flags",
    ),
    (
        Account,
        Post,
        "/users/@me/channels",
        Body,
        "type recipient_id recipient_ids name",
    ),
    (Account, Post, "/communities", Body, "name icon"),
    (
        Nobody,
        Post,
        "/auth/register",
        Body,
        "username password discriminator invite flags",
    ),
    (
        Admin,
        Post,
        "/admin/api/users",
        Body,
        "username discriminator flags password token",
    ),
    (
        Admin,
        Post,
        "/admin/api/users/bulk",
        Body,
        "ids action flag reason",
    ),
    (
        Admin,
        Patch,
        "/admin/api/users/<other>",
        Body,
        "username discriminator avatar flags",
    ),
    (
        Admin,
        Put,
        "/admin/api/users/<other>/disabled",
        Body,
        "reason",
    ),
    (Admin, Post, "/admin/api/users/<other>/tokens", Body, "name"),
    (
        Admin,
        Post,
        "/admin/api/communities",
        Body,
        "name icon owner_id",
    ),
    (
        Admin,
        Patch,
        "/admin/api/communities/<home>",
        Body,
        "name icon owner_id",
    ),
    (
        Admin,
        Post,
        "/admin/api/communities/<home>/invites",
        Body,
        "max_uses expires_at",
    ),
    (Admin, Put, "/admin/api/registration", Body, "registration"),
    (
        Admin,
        Post,
        "/admin/api/invites",
        Body,
        "max_uses expires_at",
    ),
    (Admin, Post, "/admin/api/admins", Body, "name"),
    (Admin, Post, "/admin/api/tokens", Body, "name"),
    (Admin, Post, "/admin/api/password", Body, "current new"),
    (Nobody, Post, "/admin/api/setup", Body, "code name password"),
    (Nobody, Post, "/admin/api/login", Body, "name password"),
    (
        Nobody,
        Post,
        "/admin/api/password-link",
        Body,
        "code password",
    ),
];

/// A server with an admin, an account that asks, and another.
struct World {
    client: Client,
    token: String,
    session: String,
    names: [(&'static str, String); 2],
    dm: String,
    _directory: TempDir,
}

/// One request, with the input in its place: no panic and no failure, an answer of the contract's shape, and nobody is let in.
pub fn requests(bytes: &[u8]) {
    let Some((kind, input)) = bytes.split_first() else {
        return;
    };
    let Some((by, method, path, at, known)) = REQUESTS.get(usize::from(*kind)) else {
        return;
    };
    let text = str::from_utf8(input);
    // What hyper does not let through as a header's value, or as a path, is no request.
    if *at != Body
        && !text.is_ok_and(|text| text.chars().all(|sign| sign == '\t' || !sign.is_control()))
    {
        return;
    }
    let text = text.unwrap_or_default();
    WORLD.with(|world| {
        let names = world.names.iter();
        let mut path = names.fold((*path).to_owned(), |path, (name, id)| {
            path.replace(name, id)
        });
        if *at == Path {
            path.push_str(text);
            if Origin::parse(&path).is_err() || goes_on(&path) {
                return;
            }
        }
        let answer = world.ask(*by, *method, &path, *at, input);
        answered(&path, known, &answer);
        let shown = matches!(at, At::Header("Authorization") | Cookie(_));
        assert!(
            !shown || *by != Nobody || answer.0 == 401,
            "{path}: {answer:?}"
        );
    });
}

/// Whether an answer to this never ends.
fn goes_on(path: &str) -> bool {
    RawStr::new(path).percent_decode_lossy().contains("/live")
}

fn answered(path: &str, known: &str, (status, headers, body): &Answer) {
    assert!(*status < 500, "{path}: {status} {body}");
    assert!(
        headers.iter().any(|(name, _)| name == "X-Request-Id"),
        "{path}"
    );
    let plain = |value: &str| value.chars().all(|sign| (' '..='~').contains(&sign));
    assert!(
        headers.iter().all(|(_, value)| plain(value)),
        "{path}: {headers:?}"
    );
    if *status >= 400 {
        refused(known, body);
    }
}

fn refused(known: &str, body: &str) {
    let error: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body}"));
    let said = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    assert!(said(&error["code"]) && said(&error["message"]), "{body}");
    for fault in error["errors"].as_array().into_iter().flatten() {
        assert!(said(&fault["code"]) && said(&fault["message"]), "{body}");
        let field = fault["field"].as_str().unwrap_or_else(|| panic!("{body}"));
        let (name, _) = field.split_once('[').unwrap_or((field, ""));
        let own = ["unknown_field", "duplicate"].contains(&fault["code"].as_str().unwrap_or(""));
        assert!(
            own || known.is_empty() || known.split(' ').any(|known| known == name),
            "{body}"
        );
    }
}

type Answer = (u16, Vec<(String, String)>, String);

impl World {
    fn ask(&self, by: By, method: Method, path: &str, at: At, input: &[u8]) -> Answer {
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
    static WORLD: World = make().expect("a server");
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
