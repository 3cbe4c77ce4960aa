//! What one address may still ask for, counted another way than the server counts it: a level that fills with
//! time and is drawn from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use starling_core::time::{Time, micros};

/// How much each address has left.
#[derive(Clone, Debug, Default)]
pub struct Shares(BTreeMap<IpAddr, (Time, u64)>);

impl Shares {
    /// Draws one piece of the share of `from`, if there is a whole one: `burst` at once, then `per_second` a second.
    pub fn draw(&mut self, from: IpAddr, burst: u32, per_second: u32, now: Time) -> bool {
        let piece = 1_000_000 / u64::from(per_second.max(1));
        let full = piece * u64::from(burst.max(1));
        let (then, level) = self.0.get(&from).copied().unwrap_or((now, full));
        let passed: Duration = now.since(then);
        let level = level.saturating_add(micros(passed)).min(full);
        let granted = level >= piece;
        self.0.insert(from, (now, if granted { level - piece } else { level }));
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_drawn_and_fills_again() {
        let mut shares = Shares::default();
        let from = IpAddr::from([10, 0, 0, 1]);
        let now = Time::from_secs(9);
        assert!(shares.draw(from, 2, 1, now) && shares.draw(from, 2, 1, now));
        assert!(!shares.draw(from, 2, 1, now));
        assert!(!shares.draw(from, 2, 1, now + Duration::from_micros(999_999)));
        assert!(shares.draw(from, 2, 1, now + Duration::from_secs(1)));
    }
}
