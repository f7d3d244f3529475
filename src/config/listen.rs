//! Where a server listens: how it is reached there, and why it might not listen.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// How a server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

impl Scheme {
    /// How this machine reaches a server that listens there: one that listens everywhere is reached over loopback.
    #[must_use]
    pub fn url(self, at: SocketAddr) -> String {
        let address = match at.ip() {
            IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            one => one,
        };
        format!("{self}://{}", SocketAddr::new(address, at.port()))
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

/// Why nobody can listen there, in a sentence; `settings` choose another place.
#[must_use]
pub fn cannot_listen(at: SocketAddr, error: &io::Error, settings: &str) -> String {
    let why = match error.kind() {
        ErrorKind::AddrInUse => "another program listens there already".to_owned(),
        ErrorKind::AddrNotAvailable => format!("{} is no address of this machine", at.ip()),
        ErrorKind::PermissionDenied => format!(
            "port {} is one of those that only root may use, or whom systemd lets (AmbientCapabilities=CAP_NET_BIND_SERVICE)",
            at.port()
        ),
        _ => error.to_string(),
    };
    format!("the server can't listen on {at}: {why}; {settings} chooses another place")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_nobody_can_listen_is_said_with_what_to_do() {
        let at = SocketAddr::from(([192, 0, 2, 1], 443));
        for (kind, words) in [
            (
                ErrorKind::AddrInUse,
                "another program listens there already",
            ),
            (
                ErrorKind::AddrNotAvailable,
                "192.0.2.1 is no address of this machine",
            ),
            (
                ErrorKind::PermissionDenied,
                "port 443 is one of those that only root may use",
            ),
        ] {
            let sentence = cannot_listen(at, &kind.into(), "port");
            assert!(sentence.contains(words), "{sentence}");
            assert!(
                sentence.contains("192.0.2.1:443")
                    && sentence.ends_with("port chooses another place")
            );
        }
    }
}
