//! Tokens and codes: secrets that admit whoever has them (contract, section 1, "tokens").

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64ct::{Base64UrlUnpadded, Encoding};
use rand::distr::{Alphanumeric, SampleString};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::{Problem, Result};
use crate::id::Id;
use crate::names::Name;
use crate::users::{Flag, User};

/// A log-in's token ends after so long without use (contract, section 1, "tokens").
pub const UNUSED_END: Duration = Duration::from_hours(90 * 24);

/// And is forgotten after so long: not at once, for a clock that is a year ahead for an hour would take away for good what is in use.
pub const FORGOTTEN: Duration = Duration::from_hours(3 * 365 * 24);

/// How exactly the last use of a token is kept: a write an hour, not one a request.
pub const USE_PRECISION: Duration = Duration::from_hours(1);

/// Whether a use is to be noted now: the last one noted is long enough ago, or of a clock that was ahead, which would let what it
/// admits live on for as long as that was.
#[must_use]
pub fn is_noted(last_used: Option<Timestamp>, precision: Duration, now: Timestamp) -> bool {
    last_used.is_none_or(|last| last.after(precision) <= now || last > now.after(precision))
}

/// A secret of 256 random bits in base64url behind a prefix. Shown once; has no `Debug`.
pub struct Secret(String);

impl Secret {
    /// A fresh token.
    #[must_use]
    pub fn token() -> Self {
        Self::mint(TOKEN_PREFIX)
    }

    /// A fresh one-time code, for a link.
    #[must_use]
    pub fn code() -> Self {
        Self::mint("")
    }

    /// A fresh token of an admin's.
    #[must_use]
    pub fn admin_token() -> Self {
        Self::mint(ADMIN_TOKEN_PREFIX)
    }

    /// What the cookie of a page's session holds. It lacks a token's prefix, so the REST API admits nobody by it.
    #[must_use]
    pub fn session() -> Self {
        Self::mint("")
    }

    fn mint(prefix: &str) -> Self {
        let mut bits = [0_u8; 32];
        rand::fill(&mut bits);
        Self(format!(
            "{prefix}{}",
            Base64UrlUnpadded::encode_string(&bits)
        ))
    }

    /// What the store knows it by.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// The secret itself, for the one answer that hands it out.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What every token begins with, so that one that leaked is recognised.
pub const TOKEN_PREFIX: &str = "srn_";

/// What an admin's token begins with.
pub const ADMIN_TOKEN_PREFIX: &str = "sra_";

/// The SHA-256 of a [`Secret`], 32 bytes: all that is stored. A secret of 256 random bits can't be guessed from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// The hash of a one-time code as somebody sends it.
    #[must_use]
    pub fn of_code(code: &Code) -> Self {
        Self::of(&code.0)
    }

    /// The hash of a session's cookie as a browser sends it; `None` if it can't be one, a token above all.
    #[must_use]
    pub fn of_session(cookie: &str) -> Option<Self> {
        Self::of_prefixed("", cookie)
    }

    /// The hash of a token as a client sends it; `None` if it can't be one.
    #[must_use]
    pub fn of_token(token: &str) -> Option<Self> {
        Self::of_prefixed(TOKEN_PREFIX, token)
    }

    /// The hash of an admin's token as a script sends it; `None` if it can't be one.
    #[must_use]
    pub fn of_admin_token(token: &str) -> Option<Self> {
        Self::of_prefixed(ADMIN_TOKEN_PREFIX, token)
    }

    fn of_prefixed(prefix: &str, token: &str) -> Option<Self> {
        let bits = token.strip_prefix(prefix)?;
        let wellformed = bits.len() == 43
            && bits
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        wellformed.then(|| Self::of(token))
    }
}

/// A code that admits whoever has it, 16 letters and digits (95 bits): of an invite to a community or to this server.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = "dRq3z6Ghg8yxCtLw")]
pub struct Code(pub String);

impl fmt::Debug for Code {
    /// Its beginning only: whoever has the whole is let in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({})", self.beginning())
    }
}

impl Code {
    /// A fresh one.
    #[must_use]
    pub fn mint() -> Self {
        Self(Alphanumeric.sample_string(&mut rand::rng(), 16))
    }

    /// Its beginning, for a log: tells two codes apart, and lets nobody in.
    #[must_use]
    pub fn beginning(&self) -> String {
        self.0.chars().take(4).chain(['…']).collect()
    }
}

impl FromStr for Code {
    type Err = Problem;

    /// Any text: one that is no code is simply unknown.
    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.to_owned()))
    }
}

/// The secret with which `/metrics` is read, a setting; does not print.
#[derive(Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct MetricsToken(String);

impl MetricsToken {
    /// The secret.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MetricsToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsToken(..)")
    }
}

/// Browsers by what their `User-Agent` has in it, those before others whose marks they bear, too.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// What they run on; the same holds of these.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// What a session or token is called in the account's list: at most 200 visible characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Label(pub String);

impl Label {
    /// A label out of whatever a client calls itself.
    #[must_use]
    pub fn of_client(user_agent: Option<&str>) -> Self {
        Self::of_visible(user_agent.unwrap_or_default())
    }

    /// A session of the account page: in which browser, on what, as far as its `User-Agent` tells; else all that it says.
    #[must_use]
    pub fn of_browser(user_agent: Option<&str>) -> Self {
        let user_agent = user_agent.unwrap_or("unnamed browser");
        let named = |names: &[(&str, &'static str)]| {
            let found = names.iter().find(|(mark, _)| user_agent.contains(mark));
            found.map(|(_, name)| *name)
        };
        Self::of_visible(&match named(&BROWSERS).zip(named(&SYSTEMS)) {
            Some((browser, system)) => format!("account page: {browser} on {system}"),
            None => format!("account page: {user_agent}"),
        })
    }

    fn of_visible(text: &str) -> Self {
        let visible: String = text
            .chars()
            .filter(|sign| !sign.is_control())
            .take(200)
            .collect();
        Self(if visible.trim().is_empty() {
            "unnamed client".into()
        } else {
            visible
        })
    }

    /// A token made by the command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self("command line".into())
    }

    /// A token made on the account page, of no other name.
    #[must_use]
    pub fn account_page() -> Self {
        Self("account page".into())
    }

    /// A token made on the admin page, of no other name.
    #[must_use]
    pub fn admin_page() -> Self {
        Self("admin page".into())
    }
}

impl FromStr for Label {
    type Err = Problem;

    /// As somebody types it: by the rules of a [`Name`].
    fn from_str(text: &str) -> Result<Self, Problem> {
        Ok(Self(text.parse::<Name>()?.as_str().to_owned()))
    }
}

/// A token to be stored.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its id, fresh from the generator.
    pub id: Id,
    /// Its hash.
    pub hash: SecretHash,
    /// What it is called.
    pub label: Label,
    /// Of a log-in, at this moment: ends after [`UNUSED_END`] without use. `None`: does not end by itself.
    pub login: Option<Timestamp>,
}

/// Whom a token admits.
#[derive(Debug, Clone, PartialEq)]
pub struct Caller {
    /// The account.
    pub user: User,
    /// The token.
    pub token: Id,
    /// Whether an admin has disabled the account; then it can't act.
    pub disabled: bool,
    /// Why, if the admin said so.
    pub reason: Option<String>,
}

impl Caller {
    /// Whether the header `Authorization: Bot <token>` may be used.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.user.flags.contains(Flag::Bot)
    }
}

/// A token as its account sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Session {
    /// The token's id; tells when it was made.
    pub id: Id,
    /// What the client called itself.
    pub name: String,
    /// To the hour; null if it was never used.
    #[schema(required = true)]
    pub last_used: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_prefix_and_256_bits_in_base64url_and_never_one_twice() {
        let (one, other) = (Secret::token(), Secret::token());
        assert_eq!((one.reveal().len(), &one.reveal()[..4]), (47, "srn_"));
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(SecretHash::of_token(one.reveal()), Some(one.hash()));
    }

    #[test]
    fn a_code_prints_its_beginning_only() {
        let code = Code::mint();
        let printed = format!("{code:?}");
        assert!(printed.contains(&code.0[..4]) && !printed.contains(&code.0[..5]));
    }

    #[test]
    fn what_can_not_be_a_token_is_not_looked_up() {
        let token = Secret::token();
        let bits = &token.reveal()[4..];
        for text in [
            "",
            "srn_",
            bits,
            &format!("SRN_{bits}"),
            &format!("srn_{bits}x"),
            &format!("srn_{}=", &bits[1..]),
        ] {
            assert_eq!(SecretHash::of_token(text), None, "{text}");
        }
    }

    #[test]
    fn a_session_of_the_account_page_tells_the_browser_and_what_it_runs_on() {
        let of = |user_agent| Label::of_browser(user_agent).0;
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        assert_eq!(of(Some(chrome)), "account page: Chrome on Linux");
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0";
        assert_eq!(of(Some(edge)), "account page: Edge on Windows");
        let safari = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1";
        assert_eq!(of(Some(safari)), "account page: Safari on an iPhone");
        assert_eq!(of(Some("curl/8.5")), "account page: curl/8.5");
        assert_eq!(of(None), "account page: unnamed browser");
    }

    #[test]
    fn a_label_is_short_and_without_control_characters() {
        assert_eq!(
            Label::of_client(Some("curl/8.5\r\n\u{1b}[31m")).0,
            "curl/8.5[31m"
        );
        assert_eq!(Label::of_client(Some(&"x".repeat(500))).0.len(), 200);
        assert_eq!(Label::of_client(Some(" ")), Label::of_client(None));
    }
}
