//! Where somebody may be reached.
//!
//! A server cannot know what lies between two of its users. It knows the address that it sees, and what a client
//! says of its own host; the former is told to everybody, the latter only to somebody who is seen at the same
//! address, so that a client can send nobody to a place where it is not (threats.md T36).

use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

/// Addresses of its own host that a client may tell.
pub const HOSTS_MAX: usize = 8;
/// Places where somebody may be reached, in all.
pub const CANDIDATES_MAX: usize = HOSTS_MAX + 1;
/// The lowest port at which a client may be reached: below it others listen.
pub const PORT_MIN: u16 = 1_024;

/// Where a client listens, as far as it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The port at which it listens, at least [`PORT_MIN`].
    pub port: u16,
    /// Addresses of its host, at most [`HOSTS_MAX`].
    pub hosts: Vec<IpAddr>,
}

impl Reach {
    /// Where it may be reached by somebody who is seen at `seeker`, while it is seen at `seen`: the likeliest first,
    /// each once.
    #[must_use]
    pub fn candidates(&self, seen: IpAddr, seeker: IpAddr) -> Vec<SocketAddr> {
        let mut candidates = Vec::new();
        let near = seen.to_canonical() == seeker.to_canonical();
        let hosts = self.hosts.iter().filter(|_| near);
        for address in hosts.chain([&seen]) {
            let candidate = SocketAddr::new(address.to_canonical(), self.port);
            if !candidates.contains(&candidate) {
                candidates.push(candidate);
            }
        }
        candidates
    }
}

/// Whether a client whose server is at `server` may dial `candidate`.
///
/// A server can name any address; it must not make its users knock at a place that only they can reach, or that is
/// no place (threats.md T37). Where the server itself is of that kind, its users are, too.
#[must_use]
pub fn may_dial(candidate: SocketAddr, server: IpAddr) -> bool {
    let (address, server) = (candidate.ip().to_canonical(), server.to_canonical());
    let is_place = !address.is_unspecified() && !address.is_multicast() && !is_broadcast(address);
    let is_seen = !address.is_loopback() || server.is_loopback();
    let is_linked = !is_link_local(address) || is_link_local(server);
    candidate.port() >= PORT_MIN && is_place && is_seen && is_linked
}

fn is_broadcast(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn place(text: &str) -> SocketAddr {
        text.parse().expect("an address and a port")
    }

    #[test]
    fn only_neighbours_hear_of_a_host() {
        let reach = Reach { port: 4_001, hosts: vec![at("192.168.0.7"), at("fd00::7"), at("203.0.113.5")] };
        let (seen, neighbour, stranger) = (at("203.0.113.5"), at("::ffff:203.0.113.5"), at("198.51.100.1"));
        assert_eq!(reach.candidates(seen, stranger), [place("203.0.113.5:4001")]);
        assert_eq!(
            reach.candidates(seen, neighbour),
            [place("192.168.0.7:4001"), place("[fd00::7]:4001"), place("203.0.113.5:4001")]
        );
    }

    #[test]
    fn t37_nobody_is_sent_to_a_place_that_only_he_can_reach() {
        let server = at("198.51.100.9");
        for bad in [
            "127.0.0.1:4001",
            "[::1]:4001",
            "[::ffff:127.0.0.1]:4001",
            "169.254.1.1:4001",
            "[fe80::1]:4001",
            "224.0.0.1:4001",
            "[ff02::1]:4001",
            "255.255.255.255:4001",
            "0.0.0.0:4001",
            "[::]:4001",
            "203.0.113.5:22",
            "203.0.113.5:0",
        ] {
            assert!(!may_dial(place(bad), server), "{bad}");
        }
        for good in ["203.0.113.5:4001", "192.168.0.7:1024", "[fd00::7]:65535"] {
            assert!(may_dial(place(good), server), "{good}");
        }
        assert!(may_dial(place("127.0.0.1:4001"), at("127.0.0.1")));
        assert!(may_dial(place("[fe80::1]:4001"), at("fe80::2")));
    }
}
