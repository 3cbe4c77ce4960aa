//! Time as a value that is handed to a driver.
//!
//! A machine knows only the instants that its driver gives it, and a driver only those of its [`Clock`]: the
//! computer's own, or one that a test moves by hand.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};
use starling_core::time::{Time, micros};
use tokio::time::{Instant, Sleep, sleep};

use crate::store::boot_id;

/// Tokio's timers stand still while the computer sleeps. So a long wait is made of short ones, and what came
/// due meanwhile is noticed within such a time.
const NAP: Duration = Duration::from_secs(1);

/// Where a driver takes its time from.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Boot,
    Manual(Arc<Manual>),
}

impl Clock {
    /// The time since the boot of the computer, sleep included: a person's time-out goes on while it sleeps.
    #[must_use]
    pub fn boot() -> Clock {
        Clock(Source::Boot)
    }

    /// A clock that stands at `start` until its hand is moved.
    #[must_use]
    pub fn manual(start: Time) -> (Clock, ClockHand) {
        let manual = Arc::new(Manual { now: AtomicU64::new(start.as_micros()), sleepers: Mutex::default() });
        (Clock(Source::Manual(Arc::clone(&manual))), ClockHand(manual))
    }

    /// The time now. Never earlier than an answer before.
    #[must_use]
    pub fn now(&self) -> Time {
        match &self.0 {
            Source::Boot => time_of(clock_gettime(ClockId::Boottime)),
            Source::Manual(manual) => manual.now(),
        }
    }

    /// The wall clock, in microseconds since 1970; a manual clock's shows the same number as itself.
    #[must_use]
    pub fn wall(&self) -> u64 {
        match &self.0 {
            Source::Boot => time_of(clock_gettime(ClockId::Realtime)).as_micros(),
            Source::Manual(manual) => manual.now().as_micros(),
        }
    }

    /// Which boot of the computer the clock counts from, where that can be told; a manual clock outlives
    /// its servers and is one boot.
    #[must_use]
    pub fn boot_id(&self) -> Option<u128> {
        match &self.0 {
            Source::Boot => boot_id(),
            Source::Manual(_) => Some(0),
        }
    }

    /// An alarm of this clock, inside the tokio runtime of the caller.
    #[must_use]
    pub fn alarm(&self) -> Alarm {
        let bell = match &self.0 {
            Source::Boot => Bell::Timer(Box::pin(sleep(NAP))),
            Source::Manual(manual) => Bell::Hand(Arc::clone(manual)),
        };
        Alarm { bell, rings_at: Time::NEVER }
    }
}

/// Moves a manual clock.
#[derive(Clone, Debug)]
pub struct ClockHand(Arc<Manual>);

impl ClockHand {
    /// Moves the clock on and wakes whoever waits for it.
    pub fn advance(&self, span: Duration) {
        self.0.now.fetch_add(micros(span), Ordering::SeqCst);
        for sleeper in self.0.sleepers().drain(..) {
            sleeper.wake();
        }
    }

    /// Where the clock stands.
    #[must_use]
    pub fn now(&self) -> Time {
        self.0.now()
    }
}

struct Manual {
    now: AtomicU64,
    sleepers: Mutex<Vec<Waker>>,
}

impl Manual {
    fn now(&self) -> Time {
        Time::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn sleepers(&self) -> MutexGuard<'_, Vec<Waker>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Manual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Manual({})", self.now())
    }
}

/// Wakes a task once its clock has come to an instant. It may ring early, never late.
#[derive(Debug)]
pub struct Alarm {
    bell: Bell,
    rings_at: Time,
}

#[derive(Debug)]
enum Bell {
    Timer(Pin<Box<Sleep>>),
    Hand(Arc<Manual>),
}

impl Alarm {
    /// Makes sure that the alarm rings at `at`.
    ///
    /// A later instant than the one it is set to costs nothing: the alarm then rings early, and whoever
    /// waits sets it again. So a deadline that moves with each message sets no timer each time.
    pub fn set(&mut self, at: Time) {
        if at >= self.rings_at {
            return;
        }
        self.rings_at = match &mut self.bell {
            Bell::Timer(timer) => {
                let now = Clock::boot().now();
                let nap = at.since(now).min(NAP);
                timer.as_mut().reset(Instant::now() + nap);
                now + nap
            }
            Bell::Hand(_) => at,
        };
    }

    /// Whether the alarm has rung; if not, the task is woken when it does. An alarm rings once.
    pub fn poll_rung(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.rings_at == Time::NEVER {
            return Poll::Pending;
        }
        match &mut self.bell {
            Bell::Timer(timer) => ready!(timer.as_mut().poll(cx)),
            Bell::Hand(manual) => ready!(poll_hand(manual, self.rings_at, cx)),
        }
        self.rings_at = Time::NEVER;
        Poll::Ready(())
    }

    /// Waits until the alarm rings.
    pub async fn rung(&mut self) {
        poll_fn(|cx| self.poll_rung(cx)).await;
    }
}

fn poll_hand(manual: &Manual, at: Time, cx: &mut Context<'_>) -> Poll<()> {
    if at <= manual.now() {
        return Poll::Ready(());
    }
    let mut sleepers = manual.sleepers();
    if !sleepers.iter().any(|sleeper| sleeper.will_wake(cx.waker())) {
        sleepers.push(cx.waker().clone());
    }
    drop(sleepers);
    // The hand may have moved between the look at the clock and the registration.
    if at <= manual.now() { Poll::Ready(()) } else { Poll::Pending }
}

fn time_of(spec: Timespec) -> Time {
    let secs = u64::try_from(spec.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(spec.tv_nsec).unwrap_or(0);
    Time::from_micros(secs.saturating_mul(1_000_000).saturating_add(nanos / 1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn a_manual_alarm_rings_when_the_hand_comes_to_it() {
        let (clock, hand) = Clock::manual(Time::from_secs(5));
        let mut alarm = clock.alarm();
        alarm.set(Time::from_secs(7));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(alarm.poll_rung(&mut cx).is_pending());
        hand.advance(Duration::from_micros(1_999_999));
        assert!(alarm.poll_rung(&mut cx).is_pending());
        hand.advance(Duration::from_micros(1));
        assert!(alarm.poll_rung(&mut cx).is_ready());
        assert!(alarm.poll_rung(&mut cx).is_pending(), "an alarm rings once");
    }

    #[test]
    fn a_boot_alarm_rings_for_an_instant_that_has_passed() {
        runtime().block_on(async {
            let clock = Clock::boot();
            let mut alarm = clock.alarm();
            alarm.set(clock.now());
            alarm.rung().await;
        });
    }

    #[test]
    fn a_boot_alarm_can_be_set_earlier() {
        runtime().block_on(async {
            let clock = Clock::boot();
            let mut alarm = clock.alarm();
            alarm.set(clock.now() + Duration::from_secs(3600));
            alarm.set(clock.now() + Duration::from_millis(1));
            alarm.rung().await;
        });
    }
}
