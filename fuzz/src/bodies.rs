//! Bodies and queries: each is taken, or every field at fault is named; and one that was taken, written again, is the same.

use std::sync::OnceLock;

use rocket::tokio::runtime::{Builder, Runtime};
use saryno::accounts::{
    LogIn, PasswordChange, Registration, Reset, parse_farewell, parse_label, parse_reset_look,
};
use saryno::audit::Filter;
use saryno::channels::{ChannelChange, NewChannel};
use saryno::clock::Timestamp;
use saryno::communities::{CommunityChange, NewCommunity, NewInvite};
use saryno::directory::{Communities, Users};
use saryno::error::{Error, Result};
use saryno::fields::Fields;
use saryno::id::Id;
use saryno::images::Studio;
use saryno::page::{Cursor, Limits, Page};
use saryno::users::{Change, UsernameQuery};
use serde_json::{Map, Value, json};

/// What stands for a password or a code that was taken: those have no way back out.
const SECRET: &str = "a horse, a staple";

/// Reads a body, and writes what it was taken for; `None` where that has no way back into a body.
type Read = fn(Fields) -> Result<Option<Value>>;

/// Every body outside the admin page, with the fields that it knows. `requests` sends those of the admin page.
const BODIES: [(&str, Read); 14] = [
    ("username discriminator avatar flags", change),
    ("type recipient_id recipient_ids name", new_channel),
    ("name owner_id", channel_change),
    ("name icon", new_community),
    ("name owner_id icon", community_change),
    ("max_uses expires_at", new_invite),
    ("username password discriminator invite flags", registration),
    ("tag password", log_in),
    ("current new", password_change),
    ("code new", reset),
    ("code", |body| {
        parse_reset_look(body).map(|_| Some(json!({"code": SECRET})))
    }),
    ("password", |body| {
        parse_farewell(body).map(|_| Some(json!({"password": SECRET})))
    }),
    ("name", label),
    ("", |body| body.finish().map(|()| Some(json!({})))),
];

/// Every query, likewise.
const QUERIES: [(&str, Read); 5] = [
    ("limit before after", page),
    ("username invite", username_query),
    ("filter search order limit before after", |query| {
        Users::parse(query).map(|_| None)
    }),
    ("search order limit before after", |query| {
        Communities::parse(query).map(|_| None)
    }),
    ("admin action target", |mut query| {
        let filter = Filter::parse(&mut query);
        query.finish_known()?;
        Ok(filter.map(|_| None)?)
    }),
];

/// The first byte chooses the kind, the rest is the body or, as `name=value&...`, the query.
pub fn bodies(bytes: &[u8]) {
    let Some((kind, rest)) = bytes.split_first() else {
        return;
    };
    let kind = usize::from(*kind);
    if let Some((known, read)) = BODIES.get(kind) {
        held(known, Fields::parse(rest), *read, |body| {
            Fields::parse(body.to_string().as_bytes())
        });
    } else if let Some((known, read)) = QUERIES.get(kind.wrapping_sub(128)) {
        let Ok(query) = str::from_utf8(rest) else {
            return;
        };
        let pairs = query.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name.to_owned(), value.to_owned())
        });
        held(known, Ok(Fields::query(pairs)), *read, |query| {
            Ok(as_query(query))
        });
    }
}

fn held(known: &str, fields: Result<Fields>, read: Read, again: fn(&Value) -> Result<Fields>) {
    let taken = fields.and_then(read);
    match taken {
        Ok(Some(written)) => {
            let again = again(&written).and_then(read);
            assert_eq!(again, Ok(Some(written)), "written again it is another one");
        }
        Ok(None) => {}
        Err(error) => refused(known, &error),
    }
}

/// A refusal: 400, a sentence on one line, and a well-formed list of the fields at fault.
fn refused(known: &str, error: &Error) {
    assert_eq!(error.status(), 400, "{error}");
    assert!(!error.message().is_empty());
    let fields = error.fields();
    assert!(
        !matches!(error, Error::Invalid(_)) || !fields.is_empty(),
        "nothing is at fault"
    );
    for fault in &fields {
        let (name, _) = fault.field.split_once('[').unwrap_or((&fault.field, ""));
        let is_known = known.split(' ').any(|known| known == name);
        // Only a client's own field comes back by a name that is not known.
        assert!(
            is_known || ["unknown_field", "duplicate"].contains(&fault.code),
            "{fault:?}"
        );
        assert!(fault.field.chars().count() <= 64, "{fault:?}");
        assert!(!fault.message.contains(char::is_control), "{fault:?}");
    }
    let json = serde_json::to_string(&fields).expect("faults as JSON");
    assert!(
        serde_json::from_str::<Value>(&json).is_ok_and(|list| list.is_array()),
        "{json}"
    );
    if let Error::Malformed(message) = error {
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

/// A body of those members that are there.
fn body<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = |(name, value): (&str, Option<Value>)| Some((name.to_owned(), value?));
    Value::Object(members.into_iter().filter_map(there).collect::<Map<_, _>>())
}

fn as_query(query: &Value) -> Fields {
    let members = query.as_object().cloned().unwrap_or_default();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    Fields::query(
        members
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect::<Vec<_>>()
            .into_iter(),
    )
}

#[allow(clippy::needless_pass_by_value)] // for `map`
fn text(one: impl ToString) -> Value {
    json!(one.to_string())
}

fn runtime() -> &'static (Runtime, Studio) {
    static RUNTIME: OnceLock<(Runtime, Studio)> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).build();
        (runtime.expect("a runtime"), Studio::new(1))
    })
}

/// What a picture is to become; one that was sent has no way back.
#[allow(clippy::option_option, clippy::needless_pass_by_value)] // left out, taken away, or set
fn no_picture<T>(picture: Option<Option<T>>) -> Option<Option<Value>> {
    match picture {
        None => Some(None),
        Some(None) => Some(Some(Value::Null)),
        Some(Some(_)) => None,
    }
}

fn change(body: Fields) -> Result<Option<Value>> {
    let (runtime, studio) = runtime();
    let change = runtime.block_on(Change::parse(body, studio))?;
    Ok(no_picture(change.avatar).map(|avatar| {
        self::body([
            ("username", change.username.map(text)),
            ("discriminator", change.discriminator.map(text)),
            ("avatar", avatar),
        ])
    }))
}

fn new_channel(body: Fields) -> Result<Option<Value>> {
    let requester = Id::from_bits(1).unwrap_or(Id::MIN);
    Ok(match NewChannel::parse(body, requester, 10)? {
        NewChannel::Dm(pair) => {
            assert!(pair.lower() < pair.higher());
            let other = if pair.lower() == requester {
                pair.higher()
            } else {
                pair.lower()
            };
            Some(json!({"type": 2, "recipient_id": other}))
        }
        NewChannel::Group(group) => {
            assert!((2..=9).contains(&group.recipient_ids.len()));
            Some(json!({"type": 3, "recipient_ids": group.recipient_ids, "name": group.name}))
        }
    })
}

fn channel_change(body: Fields) -> Result<Option<Value>> {
    let change = ChannelChange::parse(body)?;
    Ok(Some(self::body([
        ("name", change.name.map(|name| json!(name))),
        ("owner_id", change.owner_id.map(text)),
    ])))
}

fn new_community(body: Fields) -> Result<Option<Value>> {
    let (runtime, studio) = runtime();
    let new = runtime.block_on(NewCommunity::parse(body, studio))?;
    Ok(new.icon.is_none().then(|| json!({"name": new.name})))
}

fn community_change(body: Fields) -> Result<Option<Value>> {
    let (runtime, studio) = runtime();
    let change = runtime.block_on(CommunityChange::parse(body, studio))?;
    Ok(no_picture(change.icon).map(|icon| {
        self::body([
            ("name", change.name.map(|name| json!(name))),
            ("owner_id", change.owner_id.map(text)),
            ("icon", icon),
        ])
    }))
}

fn new_invite(body: Fields) -> Result<Option<Value>> {
    let now = Timestamp(1_800_000_000_000);
    let invite = NewInvite::parse(body, now)?;
    assert!(invite.max_uses != Some(0) && invite.expires_at.is_none_or(|end| end > now));
    // A fraction of a millisecond does not come back, nor a year beyond 9999.
    Ok(Some(self::body([
        ("max_uses", invite.max_uses.map(|uses| json!(uses))),
        ("expires_at", invite.expires_at.map(text)),
    ])))
}

fn registration(body: Fields) -> Result<Option<Value>> {
    let wanted = Registration::parse(body)?;
    Ok(Some(self::body([
        ("username", Some(text(wanted.username))),
        ("password", Some(json!(SECRET))),
        ("discriminator", wanted.discriminator.map(text)),
        ("invite", wanted.invite.map(|code| json!(code.0))),
    ])))
}

fn log_in(body: Fields) -> Result<Option<Value>> {
    let attempt = LogIn::parse(body)?;
    Ok(Some(
        json!({"tag": attempt.tag.to_string(), "password": SECRET}),
    ))
}

fn password_change(body: Fields) -> Result<Option<Value>> {
    PasswordChange::parse(body)?;
    Ok(Some(json!({"current": SECRET, "new": SECRET})))
}

fn reset(body: Fields) -> Result<Option<Value>> {
    Reset::parse(body)?;
    Ok(Some(json!({"code": SECRET, "new": SECRET})))
}

fn label(body: Fields) -> Result<Option<Value>> {
    let label = parse_label(body)?;
    Ok(Some(self::body([(
        "name",
        label.map(|label| json!(label)),
    )])))
}

fn page(query: Fields) -> Result<Option<Value>> {
    let limits = Limits {
        most: 200,
        default: 50,
    };
    let page = Page::parse(query, limits)?;
    assert!((1..=200).contains(&page.limit));
    let (before, after) = match page.cursor {
        Cursor::Start => (None, None),
        Cursor::Before(id) => (Some(text(id)), None),
        Cursor::After(id) => (None, Some(text(id))),
    };
    Ok(Some(body([
        ("limit", Some(json!(page.limit))),
        ("before", before),
        ("after", after),
    ])))
}

fn username_query(query: Fields) -> Result<Option<Value>> {
    let query = UsernameQuery::parse(query)?;
    let invite = query.invite.map(|code| json!(code.0));
    Ok(query
        .username
        .ok()
        .map(|username| body([("username", Some(text(username))), ("invite", invite)])))
}
