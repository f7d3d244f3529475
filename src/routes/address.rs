//! Where a request comes from: the peer, or what a proxy that is trusted says of it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use rocket::request::{FromRequest, Outcome, Request};

use super::App;

/// The client's address: the peer's, unless that is a trusted proxy. Then it is the right-most address of `X-Forwarded-For` that
/// is no trusted proxy: what stands further left, the client may have written itself.
pub(crate) fn client_address(request: &Request<'_>) -> Option<IpAddr> {
    let peer = request.client_ip()?.to_canonical();
    let trusted = &request.rocket().state::<App>()?.trusted_proxies;
    let hops = request.headers().get("X-Forwarded-For");
    let hops: Vec<_> = hops.flat_map(|header| header.split(',')).collect();
    Some(nearest(peer, &hops, trusted))
}

/// Where a request comes from, for a handler.
pub(crate) struct Address(pub(crate) Option<IpAddr>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Address {
    type Error = std::convert::Infallible;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Self::Error> {
        Outcome::Success(Self(client_address(request)))
    }
}

fn nearest(peer: IpAddr, hops: &[&str], trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut nearest = peer;
    for hop in hops.iter().rev() {
        if !is_trusted(&nearest) {
            break;
        }
        // A proxy that writes something else has not told us more than itself.
        let Some(address) = address_of(hop.trim()) else {
            break;
        };
        nearest = address.to_canonical();
    }
    nearest
}

/// Some proxies write the port, too.
fn address_of(hop: &str) -> Option<IpAddr> {
    let with_port = || hop.parse::<SocketAddr>().ok().map(|at| at.ip());
    hop.parse().ok().or_else(with_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nearest_of(peer: &str, hops: &[&str]) -> String {
        let trusted = ["127.0.0.0/8", "10.1.0.0/16", "2001:db8::/32"];
        let trusted = trusted.map(|net| net.parse().unwrap());
        nearest(peer.parse().unwrap(), hops, &trusted).to_string()
    }

    #[test]
    fn what_a_stranger_says_of_itself_counts_for_nothing() {
        assert_eq!(nearest_of("192.0.2.1", &[]), "192.0.2.1");
        assert_eq!(
            nearest_of("192.0.2.1", &["203.0.113.9", "127.0.0.1"]),
            "192.0.2.1"
        );
    }

    #[test]
    fn the_right_most_address_that_is_not_trusted_counts() {
        assert_eq!(nearest_of("127.0.0.1", &["203.0.113.9"]), "203.0.113.9");
        let chain = ["198.51.100.1", "203.0.113.9", " 10.1.2.3"];
        assert_eq!(nearest_of("127.0.0.1", &chain), "203.0.113.9");
        assert_eq!(nearest_of("2001:db8::1", &["10.1.2.3"]), "10.1.2.3");
        assert_eq!(nearest_of("127.0.0.1", &["203.0.113.9:80"]), "203.0.113.9");
        assert_eq!(
            nearest_of("127.0.0.1", &["[2001:db9::1]:80"]),
            "2001:db9::1"
        );
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        for hop in ["", "unknown", "203.0.113.9:", "x"] {
            assert_eq!(
                nearest_of("127.0.0.1", &["198.51.100.1", hop, "10.1.2.3"]),
                "10.1.2.3",
                "{hop}"
            );
        }
    }
}
