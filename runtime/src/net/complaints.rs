//! Whom the log may speak of: nobody fills it by being wrong often.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use starling_core::time::Time;

/// An address is spoken of once in such a time.
const EVERY: Duration = Duration::from_secs(60);
/// Addresses that are remembered; while so many are, no other is spoken of.
const ADDRESSES_MAX: usize = 1024;

/// When each address was last spoken of.
#[derive(Debug, Default)]
pub(crate) struct Complaints(HashMap<IpAddr, Time>);

impl Complaints {
    /// Whether the log may say something about `address` now; if so, it is taken to do it.
    pub(crate) fn may_complain(&mut self, address: IpAddr, now: Time) -> bool {
        let is_fresh = |said: &Time| now.since(*said) < EVERY;
        if self.0.get(&address).is_some_and(is_fresh) {
            return false;
        }
        if self.0.len() >= ADDRESSES_MAX {
            self.0.retain(|_, said| is_fresh(said));
        }
        let has_room = self.0.len() < ADDRESSES_MAX;
        if has_room {
            self.0.insert(address, now);
        }
        has_room
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_spoken_of_once_a_minute() {
        let mut complaints = Complaints::default();
        let (one, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let at = Time::from_secs;
        assert!(complaints.may_complain(one, at(1)));
        assert!(complaints.may_complain(other, at(2)));
        assert!((1..=60).all(|s| !complaints.may_complain(one, at(s))));
        assert!(complaints.may_complain(one, at(61)));
    }

    #[test]
    fn many_addresses_are_not_spoken_of() {
        let mut complaints = Complaints::default();
        let spoken =
            (0..100_000_u32).filter(|n| complaints.may_complain(IpAddr::from(n.to_be_bytes()), Time::ZERO));
        assert_eq!(spoken.count(), ADDRESSES_MAX);
    }
}
