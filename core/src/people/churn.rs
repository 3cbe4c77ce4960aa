//! How restless a user's presence is, and when others are told of it (behaviour.md §3).
//!
//! The first changes within a while are told at once. Beyond, only the net effect is told, at a tick,
//! until a while has passed without a change.

use core::time::Duration;

use crate::time::Time;

/// The most changes that can be told at once.
pub const BURST_MAX: usize = 8;

/// How much restlessness is borne.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Changes told at once within `calm`; at most [`BURST_MAX`].
    pub burst: usize,
    /// A while.
    pub calm: Duration,
    /// Between two tellings of the net effect.
    pub tick: Duration,
}

/// The recent changes of one user.
#[derive(Clone, Debug)]
pub struct Churn {
    /// The times of the latest changes that were told at once, as a ring.
    told_at: [Time; BURST_MAX],
    count: usize,
    last_change: Time,
    damped: Option<Damped>,
}

#[derive(Clone, Copy, Debug)]
struct Damped {
    /// What others believe.
    told: bool,
    tick: Time,
}

/// When a change is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// At once.
    Now,
    /// Its net effect, at a tick; ask then.
    AtTick(Time),
}

impl Churn {
    /// A user whose presence is about to change for the first time in a while.
    #[must_use]
    pub fn new() -> Churn {
        Churn { told_at: [Time::ZERO; BURST_MAX], count: 0, last_change: Time::ZERO, damped: None }
    }

    /// A change at `now` to `online`.
    pub fn change(&mut self, patience: Patience, now: Time, online: bool) -> Telling {
        self.last_change = now;
        if let Some(damped) = self.damped {
            return Telling::AtTick(damped.tick);
        }
        let burst = patience.burst.clamp(1, BURST_MAX);
        let oldest = self.told_at[self.count % burst];
        if self.count >= burst && now - oldest < patience.calm {
            let tick = now + patience.tick;
            self.damped = Some(Damped { told: !online, tick });
            return Telling::AtTick(tick);
        }
        self.told_at[self.count % burst] = now;
        self.count += 1;
        Telling::Now
    }

    /// A tick: whether others are to be told of `online`, and when to ask again.
    pub fn tick(&mut self, patience: Patience, now: Time, online: bool) -> (bool, Option<Time>) {
        let Some(damped) = &mut self.damped else { return (false, None) };
        if now < damped.tick {
            return (false, Some(damped.tick));
        }
        let tell = damped.told != online;
        damped.told = online;
        damped.tick = now + patience.tick;
        if now - self.last_change >= patience.calm {
            *self = Churn::new();
            return (tell, None);
        }
        (tell, Some(damped.tick))
    }

    /// Nothing to remember any more.
    #[must_use]
    pub fn is_calm(&self, patience: Patience, now: Time) -> bool {
        self.damped.is_none() && now - self.last_change >= patience.calm
    }
}

impl Default for Churn {
    fn default() -> Self {
        Churn::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { burst: 6, calm: Duration::from_secs(10), tick: Duration::from_secs(2) };

    /// A user who comes and goes 50 times a second for a minute: how often are others told?
    #[test]
    fn t17_a_flapper_causes_at_most_35_notices() {
        let (mut churn, mut online, mut notices, mut tick) = (Churn::new(), false, 0, None);
        for step in 0..3_100_u64 {
            let now = Time::from_micros(step * 20_000);
            if tick.is_some_and(|at| now >= at) {
                let (tell, next) = churn.tick(PATIENCE, now, online);
                notices += u32::from(tell);
                tick = next;
            }
            if step < 3_000 {
                online = !online;
                match churn.change(PATIENCE, now, online) {
                    Telling::Now => notices += 1,
                    Telling::AtTick(at) => tick = Some(at),
                }
            }
        }
        assert!((6..=35).contains(&notices), "{notices} notices");
    }

    #[test]
    fn the_net_effect_is_told_once_and_calm_returns() {
        let mut churn = Churn::new();
        for n in 0..6 {
            assert_eq!(churn.change(PATIENCE, Time::from_secs(n), n % 2 == 0), Telling::Now);
        }
        let seventh = Time::from_secs(6);
        assert_eq!(churn.change(PATIENCE, seventh, true), Telling::AtTick(Time::from_secs(8)));
        assert_eq!(churn.tick(PATIENCE, Time::from_secs(8), true), (true, Some(Time::from_secs(10))));
        assert_eq!(churn.tick(PATIENCE, Time::from_secs(10), true), (false, Some(Time::from_secs(12))));
        assert_eq!(churn.tick(PATIENCE, Time::from_secs(16), true), (false, None));
        assert_eq!(churn.change(PATIENCE, Time::from_secs(17), false), Telling::Now);
    }

    #[test]
    fn changes_that_cancel_out_are_not_told() {
        let mut churn = Churn::new();
        for n in 0..6 {
            churn.change(PATIENCE, Time::from_micros(n), n % 2 == 0);
        }
        churn.change(PATIENCE, Time::from_micros(7), true);
        churn.change(PATIENCE, Time::from_micros(8), false);
        assert!(!churn.tick(PATIENCE, Time::from_secs(3), false).0);
    }
}
