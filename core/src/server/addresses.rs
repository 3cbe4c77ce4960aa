//! How much one address may ask for: connections, and login attempts.
//!
//! Not a lock: it says "later", and nobody's account is touched. Its limits are wide, because a whole company
//! may sit behind one address; they keep one computer from taking all the server's time for handshakes and
//! passwords.

use alloc::collections::BTreeMap;
use core::net::IpAddr;
use core::time::Duration;

use crate::bucket::{Bucket, Rate};
use crate::time::Time;

/// How often it is looked who has rested, if there is no room.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// Whoever can have many addresses has one network: an IPv4 address, or 64 bits of an IPv6 address, which is
/// what a household is given (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Network {
    V4(u32),
    V6(u64),
}

impl Network {
    /// The network of an address. An IPv4 address in an IPv6 one is that IPv4 address.
    pub(crate) fn of(address: IpAddr) -> Network {
        match address.to_canonical() {
            IpAddr::V4(address) => Network::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let high = address.to_bits() >> 64;
                Network::V6(u64::try_from(high).expect("64 bits are left"))
            }
        }
    }
}

/// What one network has used of its share.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    connects: Bucket,
    attempts: Bucket,
}

/// What an address may ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) connects: Rate,
    pub(crate) attempts: Rate,
    /// Networks that are remembered.
    pub(crate) networks_max: usize,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses {
    networks: BTreeMap<Network, Used>,
    /// When it was last looked who has rested.
    swept: Option<Time>,
}

impl Addresses {
    /// Whether another connection may come from `network`; if so, it is counted.
    pub(crate) fn may_connect(&mut self, network: Network, share: Share, now: Time) -> bool {
        self.used(network, share, now).is_none_or(|used| used.connects.take(share.connects, now))
    }

    /// Whether another login attempt may come from `network`; if so, it is counted.
    pub(crate) fn may_attempt(&mut self, network: Network, share: Share, now: Time) -> bool {
        self.used(network, share, now).is_none_or(|used| used.attempts.take(share.attempts, now))
    }

    /// Nothing if so many others are remembered that there is no room: whoever commands so many networks is
    /// held only by the limits that count everybody.
    fn used(&mut self, network: Network, share: Share, now: Time) -> Option<&mut Used> {
        if !self.networks.contains_key(&network) && self.networks.len() >= share.networks_max {
            self.sweep(now);
            if self.len() >= share.networks_max {
                return None;
            }
        }
        Some(self.networks.entry(network).or_default())
    }

    /// Forgets those that have rested. To look at all of them for each newcomer would cost more than he does.
    fn sweep(&mut self, now: Time) {
        if self.swept.is_none_or(|swept| now.since(swept) >= SWEEP_EVERY) {
            self.swept = Some(now);
            self.networks.retain(|_, used| !(used.connects.is_full(now) && used.attempts.is_full(now)));
        }
    }

    /// Networks that are remembered.
    pub(crate) fn len(&self) -> usize {
        self.networks.len()
    }
}

#[cfg(test)]
mod tests {
    use core::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const SHARE: Share = Share { connects: Rate::PLENTY, attempts: Rate::PLENTY, networks_max: 3 };

    fn share(burst: u32) -> Share {
        Share { connects: Rate::new(burst, 1), attempts: Rate::new(1, 1), ..SHARE }
    }

    fn v4(n: u8) -> Network {
        Network::of(IpAddr::from([10, 0, 0, n]))
    }

    #[test]
    fn a_network_has_its_share_and_no_more() {
        let mut addresses = Addresses::default();
        let now = Time::from_secs(100);
        for _ in 0..5 {
            assert!(addresses.may_connect(v4(1), share(5), now));
        }
        assert!(!addresses.may_connect(v4(1), share(5), now));
        assert!(addresses.may_connect(v4(2), share(5), now), "another one is not touched");
        assert!(addresses.may_attempt(v4(1), share(5), now), "attempts are counted by themselves");
        assert!(!addresses.may_attempt(v4(1), share(5), now));
        let later = now + Duration::from_secs(1);
        assert!(addresses.may_connect(v4(1), share(5), later));
        assert!(!addresses.may_connect(v4(1), share(5), later), "what was refused was not counted");
    }

    #[test]
    fn a_household_is_one_network() {
        let of = |text: &str| Network::of(text.parse::<Ipv6Addr>().unwrap().into());
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::2"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_eq!(of("::ffff:10.0.0.7"), Network::of(Ipv4Addr::new(10, 0, 0, 7).into()));
    }

    #[test]
    fn many_networks_cost_no_more_memory_and_shut_nobody_out() {
        let mut addresses = Addresses::default();
        let now = Time::from_secs(100);
        assert!((0..100).all(|n| addresses.may_connect(v4(n), share(1), now)));
        assert_eq!(addresses.len(), SHARE.networks_max);
        let later = now + Duration::from_secs(60);
        assert!(addresses.may_connect(v4(200), share(1), later));
        assert!(!addresses.may_connect(v4(200), share(1), later), "the rested ones have made room");
    }

    #[test]
    fn newcomers_without_end_are_not_looked_over_each_time() {
        let mut addresses = Addresses::default();
        let start = Time::from_secs(100);
        let share = Share { connects: Rate::new(1, 10), ..SHARE };
        assert!((0..4).all(|n| addresses.may_connect(v4(n), share, start)));
        let soon = start + Duration::from_millis(500);
        assert!((0..9).all(|_| addresses.may_connect(v4(4), share, soon)), "there is no room to count him");
        let later = start + Duration::from_secs(1);
        assert!(addresses.may_connect(v4(4), share, later));
        assert!(!addresses.may_connect(v4(4), share, later), "the others have rested, and he is counted");
    }
}
