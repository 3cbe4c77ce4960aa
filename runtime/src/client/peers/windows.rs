//! How much may be on its way to this client: what its line holds, and a little more.
//!
//! TCP lets each connection fill the queue before the narrowest place by itself. Eight that do so together overfill it,
//! so that much is lost and sent again, and whoever has what nobody else has yet waits behind all others. The window of
//! the receiver is the limit that he can set; here it is what comes in a round trip and a short queue, as in LEDBAT
//! (RFC 6817) and its receiver's side (RFC 9840), but for all connections together.
//!
//! It holds back nobody who has the line for himself: more than twice of what came in a round trip may be on its way, so
//! the windows grow as long as more comes. Beside others whose queue is longer they give way, but not below a bound.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The queue that all together may fill, in time.
const QUEUE: Duration = Duration::from_millis(70);
/// Round trips that all may have on their way at least. More than two, so that what comes can double in each, as where
/// TCP looks for its limit by itself.
const ROUND_TRIPS: f64 = 2.5;
/// How often it is thought over at most.
const SPAN: Duration = Duration::from_millis(50);
/// How far back it is looked.
const MEMORY: Duration = Duration::from_millis(300);
/// Bytes that are left to all together at least: until it is known what comes, and beside others on the same line.
const TOGETHER_MIN: f64 = 512.0 * 1024.0;
/// Bytes that are left to each at least: what a system begins with.
const EACH_MIN: f64 = 64.0 * 1024.0;
/// Bytes that one has at most: as much as no limit.
const EACH_MAX: f64 = (1 << 30) as f64;
/// Whoever is nearer is in the same network, which is no narrow place.
const FAR: Duration = Duration::from_millis(5);

/// The windows of all connections. Copies are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows(Arc<Mutex<Flows>>);

/// The window of one connection. Dropped, it leaves its part to the others.
#[derive(Debug)]
pub(super) struct Window {
    all: Windows,
    id: u64,
    seen: u64,
}

impl Windows {
    /// For a new connection over which something goes there and back in this time; nothing if it needs no limit.
    pub(super) fn open(&self, round_trip: Duration) -> Option<Window> {
        (round_trip >= FAR).then(|| Window {
            all: self.clone(),
            id: self.with(|flows| flows.add(round_trip)),
            seen: 0,
        })
    }

    fn with<R>(&self, act: impl FnOnce(&mut Flows) -> R) -> R {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Window {
    /// So many bytes came. The bytes of its window, if it is to be set: the system makes it larger again by itself.
    pub(super) fn came(&mut self, bytes: usize, now: Instant) -> Option<u32> {
        let (turn, size) = self.all.with(|flows| flows.came(self.id, bytes, now));
        (std::mem::replace(&mut self.seen, turn) != turn).then_some(size)
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.all.with(|flows| flows.flows.remove(&self.id));
    }
}

/// What comes over all connections.
#[derive(Debug, Default)]
struct Flows {
    flows: BTreeMap<u64, Flow>,
    opened: u64,
    /// How often it was thought over, when last, and what the windows are since.
    turn: u64,
    at: Option<Instant>,
    size: u32,
}

/// What comes over one.
#[derive(Debug)]
struct Flow {
    /// Seconds there and back.
    round_trip: f64,
    /// Bytes since it was last thought over.
    came: f64,
    /// Bytes a second.
    rate: f64,
}

impl Flows {
    fn add(&mut self, round_trip: Duration) -> u64 {
        self.opened += 1;
        self.flows.insert(self.opened, Flow { round_trip: round_trip.as_secs_f64(), came: 0.0, rate: 0.0 });
        self.opened
    }

    /// The number of this thought, and how large each window is.
    fn came(&mut self, id: u64, bytes: usize, now: Instant) -> (u64, u32) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.came += bytes as f64;
        }
        let since = now.saturating_duration_since(*self.at.get_or_insert(now));
        if since >= SPAN {
            self.at = Some(now);
            self.turn += 1;
            self.size = self.think(since);
        }
        (self.turn, self.size)
    }

    /// What each may have on its way, after so much time.
    fn think(&mut self, since: Duration) -> u32 {
        let weight = since.div_duration_f64(MEMORY).min(1.0);
        let (mut rates, mut squares, mut together) = (0.0, 0.0, 0.0);
        for flow in self.flows.values_mut() {
            let rate = std::mem::take(&mut flow.came) / since.as_secs_f64();
            flow.rate += (rate - flow.rate) * weight;
            rates += flow.rate;
            squares += flow.rate * flow.rate;
            together +=
                flow.rate * (flow.round_trip + QUEUE.as_secs_f64()).max(ROUND_TRIPS * flow.round_trip);
        }
        // As many as there would be if they were all the same: those over which next to nothing comes leave theirs to others.
        let flows = if squares > 0.0 { rates * rates / squares } else { 1.0 };
        let each = (together.max(TOGETHER_MIN) / flows).clamp(EACH_MIN, EACH_MAX);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it lies between the two bounds
        let size = each as u32;
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORTY: Duration = Duration::from_millis(40);
    const KIB: usize = 1024;

    /// Windows after so many seconds in which bytes come over each connection every 10 ms.
    fn after(seconds: u32, windows: &mut [(Window, usize)]) -> Vec<u32> {
        let (begin, mut sizes) = (Instant::now(), vec![0; windows.len()]);
        for tick in 0..seconds * 100 {
            let now = begin + Duration::from_millis(10) * tick;
            for ((window, bytes), size) in windows.iter_mut().zip(&mut sizes) {
                *size = window.came(*bytes, now).unwrap_or(*size);
            }
        }
        sizes
    }

    fn open(all: &Windows, round_trip: Duration) -> Window {
        all.open(round_trip).expect("it is far")
    }

    #[test]
    fn all_together_have_a_round_trip_and_a_queue_on_the_way() {
        let all = Windows::default();
        // 6,400 KiB a second: 704 KiB in 110 ms.
        let mut four: Vec<_> = (0..4).map(|_| (open(&all, FORTY), 16 * KIB)).collect();
        for size in after(3, &mut four) {
            assert!((170 * KIB..182 * KIB).contains(&(size as usize)), "{size}");
        }
    }

    #[test]
    fn whoever_alone_sends_has_what_others_leave() {
        let all = Windows::default();
        let mut two = [(open(&all, FORTY), 64 * KIB), (open(&all, FORTY), 0)];
        let size = after(3, &mut two)[0] as usize;
        assert!((690 * KIB..720 * KIB).contains(&size), "{size}");
    }

    #[test]
    fn a_window_is_never_what_holds_a_sender_back() {
        for round_trip in [FAR, FORTY, Duration::from_millis(300)] {
            let all = Windows::default();
            let mut one = [(open(&all, round_trip), 640 * KIB)];
            let in_a_round_trip = 64_000.0 * 1024.0 * round_trip.as_secs_f64();
            let size = f64::from(after(3, &mut one)[0]);
            assert!(size > 2.4 * in_a_round_trip, "{round_trip:?}: {size} of {in_a_round_trip}");
        }
    }

    #[test]
    fn little_is_left_to_each_whatever_comes() {
        let all = Windows::default();
        let mut many: Vec<_> = (0..50).map(|_| (open(&all, FORTY), 10)).collect();
        assert!(after(1, &mut many).iter().all(|size| *size == 64 * 1024));
        drop(many);
        assert!(all.with(|flows| flows.flows.is_empty()));
        let all = Windows::default();
        let mut one = [(open(&all, FORTY), 10)];
        assert_eq!(after(1, &mut one), [512 * 1024]);
    }

    #[test]
    fn whoever_is_near_is_not_limited() {
        let all = Windows::default();
        assert!(all.open(Duration::from_micros(80)).is_none());
        assert!(all.open(FAR).is_some());
    }

    #[test]
    fn a_window_is_set_when_it_was_thought_over() {
        let all = Windows::default();
        let (mut one, now) = (open(&all, FORTY), Instant::now());
        assert_eq!(one.came(KIB, now), None);
        assert_eq!(one.came(KIB, now + SPAN / 2), None);
        assert!(one.came(KIB, now + SPAN).is_some());
        assert_eq!(one.came(KIB, now + SPAN), None);
        assert!(one.came(KIB, now + SPAN * 2).is_some());
    }
}
