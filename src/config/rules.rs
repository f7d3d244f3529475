//! What the settings must be whatever the machine: ranges, and what of them goes together.

use super::{Config, Store};
use crate::id::COMMAND_LINE_WORKER;
use crate::tokens::MetricsToken;

/// The people in a group are read with every channel of a list; more than this is a community.
const LARGEST_GROUP: usize = 100;

/// The largest cache, in MiB: a tebibyte.
const LARGEST_CACHE: u64 = 1024 * 1024;

/// Room for writes that wait is made at the start.
const LONGEST_QUEUE: usize = 1_000_000;

impl Config {
    /// Every setting that breaks a rule, with a sentence that names it and says what it should be.
    pub(super) fn broken_rules(&self) -> Vec<(&'static str, String)> {
        let token = self.metrics.token.as_ref().map(MetricsToken::reveal);
        let limits = &self.limits;
        let (certificate, key) = (self.tls.certificate.is_some(), self.tls.key.is_some());
        let listeners_meet = self.metrics.address.is_some_and(|metrics| {
            let same = metrics.ip() == self.address;
            let covers = metrics.ip().is_unspecified() || self.address.is_unspecified();
            metrics.port() != 0 && metrics.port() == self.port && (same || covers)
        });
        let rules = [
            (
                self.public_url.as_deref().is_none_or(is_origin),
                "public_url",
                "public_url is http:// or https://, a name and perhaps a port, as in https://chat.example, and nothing behind them: neither a path nor a slash, neither a name nor a password".into(),
            ),
            (
                key || !certificate,
                "tls.key",
                "tls.certificate is set and tls.key is not; set both, or none for plain HTTP".into(),
            ),
            (
                certificate || !key,
                "tls.certificate",
                "tls.key is set and tls.certificate is not; set both, or none for plain HTTP".into(),
            ),
            (
                (1..=1_024).contains(&self.workers),
                "workers",
                format!("workers is 1 to 1024; it is {}", self.workers),
            ),
            (
                self.worker_id < COMMAND_LINE_WORKER,
                "worker_id",
                format!(
                    "worker_id is 0 to 1022 ({COMMAND_LINE_WORKER} is the command line's); it is {}",
                    self.worker_id
                ),
            ),
            (
                self.cors.origins.iter().all(|origin| is_sent(origin)),
                "cors.origins",
                format!(
                    "cors.origins is a list of origins as browsers send them, as in [\"https://chat.example\"]: lower case, a port only where it is not the usual one, nothing behind it; or [\"*\"] for all. It is {:?}",
                    self.cors.origins
                ),
            ),
            (
                (3..=LARGEST_GROUP).contains(&self.group_dm_max),
                "group_dm_max",
                format!(
                    "group_dm_max is 3 to {LARGEST_GROUP}; it is {}",
                    self.group_dm_max
                ),
            ),
            (
                limits.requests_per_second <= 1_000_000,
                "limits.requests_per_second",
                format!(
                    "limits.requests_per_second is 0 to 1000000; it is {}",
                    limits.requests_per_second
                ),
            ),
            (
                token.is_none_or(|token| {
                    token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_graphic())
                }),
                "metrics.token",
                "metrics.token is 16 visible ASCII characters or more".into(),
            ),
            (
                !listeners_meet,
                "metrics.address",
                format!(
                    "metrics.address has the port of the server itself, {}; choose another, or leave it out and set metrics.token",
                    self.port
                ),
            ),
            (
                self.backup.keep > 0,
                "backup.keep",
                "backup.keep is 1 at least".into(),
            ),
        ];
        let broken = rules
            .into_iter()
            .chain(self.store.rules())
            .filter(|(holds, ..)| !holds);
        broken.map(|(_, key, rule)| (key, rule)).collect()
    }
}

impl Store {
    /// Each rule of these settings: whether it holds, the setting, and a sentence.
    fn rules(&self) -> [(bool, &'static str, String); 4] {
        [
            (
                (1..=1_024).contains(&self.readers),
                "store.readers",
                format!("store.readers is 1 to 1024; it is {}", self.readers),
            ),
            (
                (1..=LONGEST_QUEUE).contains(&self.queue),
                "store.queue",
                format!("store.queue is 1 to {LONGEST_QUEUE}; it is {}", self.queue),
            ),
            (
                self.cache_mib <= LARGEST_CACHE,
                "store.cache_mib",
                format!(
                    "store.cache_mib is 0 to {LARGEST_CACHE}; it is {}",
                    self.cache_mib
                ),
            ),
            (
                (1..=LONGEST_QUEUE).contains(&self.batch),
                "store.batch",
                format!("store.batch is 1 to {LONGEST_QUEUE}; it is {}", self.batch),
            ),
        ]
    }
}

/// Whether it is a scheme, a host and perhaps a port. Pages, links and cookies have fixed paths, so none can be in front of them.
fn is_origin(url: &str) -> bool {
    let authority = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(authority) = authority else {
        return false;
    };
    // A colon in brackets is part of an IPv6 address.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let named = |host: &str| {
        let letter = |letter: char| letter.is_alphanumeric() || "-._".contains(letter);
        !host.is_empty() && host.chars().all(letter)
    };
    let numbered = |host: &str| {
        let inner = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        inner.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
    };
    let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    good_port && (named(host) || numbered(host))
}

/// Whether a browser could send it as the origin of a page, or whether it stands for all (Fetch, section 3.2).
fn is_sent(origin: &str) -> bool {
    let usual = origin.starts_with("https://") && origin.ends_with(":443")
        || origin.starts_with("http://") && origin.ends_with(":80");
    let plain = origin.is_ascii() && !origin.bytes().any(|byte| byte.is_ascii_uppercase());
    origin == "*" || is_origin(origin) && plain && !usual
}

#[cfg(test)]
mod tests {
    use super::{is_origin, is_sent};

    #[test]
    fn an_origin_is_what_a_browser_would_send() {
        for good in [
            "*",
            "http://localhost:5173",
            "https://chat.example",
            "https://chat.example:8443",
            "http://[::1]:8080",
        ] {
            assert!(is_sent(good), "{good}");
        }
        for bad in [
            "",
            "null",
            "chat.example",
            "https://chat.example/",
            "https://Chat.example",
            "https://café.example",
            "https://chat.example:443",
            "http://chat.example:80",
            "https://*.example",
        ] {
            assert!(!is_sent(bad), "{bad}");
        }
    }

    #[test]
    fn a_public_url_is_a_scheme_a_host_and_perhaps_a_port() {
        for good in [
            "http://localhost",
            "https://chat.example",
            "https://chat.example:8443",
            "https://café.example",
            "http://192.0.2.7:8000",
            "https://[2001:db8::1]",
            "https://[2001:db8::1]:8443",
        ] {
            assert!(is_origin(good), "{good}");
        }
        for bad in [
            "",
            "chat.example",
            "ftp://chat.example",
            "https://",
            "https://:8000",
            "https://chat.example/",
            "https://chat.example/saryno",
            "https://chat.example?x",
            "https://chat.example#x",
            "https://me@chat.example",
            "https://me:secret@chat.example",
            "https://chat.example:port",
            "https://chat.example:0",
            "https://chat.example:65536",
            "https://chat example",
            "https://[2001:db8::1",
            "https://2001:db8::1",
        ] {
            assert!(!is_origin(bad), "{bad}");
        }
    }
}
