//! Requests to the whole server, in process: headers, cookies, paths, queries, and the bodies that only the admin page takes.

use rocket::http::Method::{self, Get, Patch, Post, Put};
use rocket::http::RawStr;
use rocket::http::uri::Origin;
use serde_json::Value;

use super::world::At::{self, Body, Cookie, Path};
use super::world::By::{self, Account, Admin, Nobody};
use super::world::{Answer, WORLD};

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
