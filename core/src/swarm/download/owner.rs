//! What a download knows of one owner.

use core::time::Duration;

use super::super::bitmap::Bitmap;
use super::super::meter::Meter;
use super::super::slots::OUTSTANDING_MAX;
use crate::time::{Time, micros};

/// A connection that delivers less than this in [`TRIAL`] is not worth its chunks.
const RATE_MIN: u64 = 4 * 1024;
/// How long a connection is watched.
const TRIAL: Duration = Duration::from_secs(10);
/// A connection may be silent for so long at least while chunks are under way.
const SILENCE_MIN: Duration = Duration::from_secs(2);
/// The up-link of an owner of whom nothing is known: a slow one.
const RATE_UNKNOWN: u64 = 64 * 1024;
/// How long an owner rests after he failed; twice as long after each further time.
const REST: Duration = Duration::from_secs(4);
/// Bids that wait at an owner beside those that travel. They name no chunk, so they cost nothing; but an owner who has
/// none left gives nothing until the next one has come.
const WAITING: u32 = 6;
/// Failures after which another is called in his place.
const FAILURES_MAX: u32 = 2;
/// How often in a row a chunk may be broken off before that is a failure.
const BROKEN_OFF_MAX: u32 = 3;
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(64);
/// Until an owner has shown that he sends what is right, he is asked for one chunk, and a slot more is kept for the next.
const WINDOW_UNPROVEN: u32 = 2;
/// How long it is kept: half of the time after which he thinks that nobody answers.
const KEPT_MAX: Duration = Duration::from_secs(1);
/// A bid that was not answered for so long no longer keeps others from being asked.
const BID_FRESH: Duration = Duration::from_secs(1);
/// A bid that was not answered for so long is said anew: an owner forgets those of whoever was late to answer a grant.
const BID_MAX: Duration = Duration::from_secs(5);

/// How somebody has failed since he last proved good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failures {
    count: u32,
    /// He is left alone until then.
    rests_until: Time,
    /// For how long after the next one.
    rest: Duration,
}

impl Default for Failures {
    fn default() -> Failures {
        Failures { count: 0, rests_until: Time::ZERO, rest: REST }
    }
}

/// One who has something of the content, or will have.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    /// Which chunks he has, as far as he has told.
    pub(super) has: Bitmap,
    /// He has sent something wrong.
    pub(super) barred: bool,
    failures: Failures,
    /// How often he broke off what he sent, since then.
    broken_off: u32,
    /// Chunks for which we bid and which he has not granted.
    bids: u32,
    /// Our bids are for what he will get, not for what he has.
    pub(super) later: bool,
    /// When we last did.
    bid_at: Time,
    /// When we last said for how many.
    said_at: Time,
    /// Chunks that are chosen and not here.
    pub(super) under_way: u32,
    /// When something last came, or began to be waited for.
    moved_at: Time,
    /// He has sent something right.
    pub(super) delivered: u32,
    /// His first chunk is here, and not yet known to be right.
    is_judged: bool,
    /// A slot that he granted meanwhile, its suggestion, and when.
    kept: Option<(Option<u32>, Time)>,
    meter: Meter,
    /// The least time from a choice to its first piece.
    trip: Duration,
    trial_since: Time,
    trial_bytes: u64,
}

impl Owner {
    pub(super) fn new(has: Bitmap, failures: Failures) -> Owner {
        Owner {
            has,
            barred: false,
            failures,
            broken_off: 0,
            bids: 0,
            later: false,
            bid_at: Time::ZERO,
            said_at: Time::ZERO,
            under_way: 0,
            moved_at: Time::ZERO,
            delivered: 0,
            is_judged: false,
            kept: None,
            meter: Meter::default(),
            trip: Duration::MAX,
            trial_since: Time::ZERO,
            trial_bytes: 0,
        }
    }

    /// He can be asked now.
    pub(super) fn is_open(&self, now: Time) -> bool {
        !self.barred && self.failures.rests_until <= now
    }

    /// What is remembered of him, if anything is.
    pub(super) fn into_failures(self) -> Option<Failures> {
        (self.failures.count > 0).then_some(self.failures)
    }

    /// His first chunk is on its way or being judged: he is asked for no other before it has proven right.
    pub(super) const fn is_on_probation(&self) -> bool {
        self.delivered == 0 && (self.under_way > 0 || self.is_judged)
    }

    /// His first chunk is here and is being verified, or is not any more.
    pub(super) const fn judge(&mut self, is_judged: bool) {
        self.is_judged = is_judged;
    }

    /// Keeps a slot until he has proven good. False if it is not to be kept.
    pub(super) fn keep(&mut self, suggested: Option<u32>, now: Time) -> bool {
        let is_kept = self.is_on_probation() && self.kept.is_none();
        if is_kept {
            self.kept = Some((suggested, now));
        }
        is_kept
    }

    /// Until when a slot is kept.
    pub(super) fn kept_until(&self) -> Option<Time> {
        self.kept.map(|(_, since)| since + KEPT_MAX)
    }

    /// Takes a slot that is not to be kept any longer, and what was suggested with it.
    pub(super) fn take_kept(&mut self, now: Time) -> Option<Option<u32>> {
        let is_late = self.kept_until().is_some_and(|until| until <= now);
        let taken =
            self.kept.take_if(|_| is_late || self.delivered > 0 || (self.under_way == 0 && !self.is_judged));
        taken.map(|(suggested, _)| suggested)
    }

    /// Chunks for which we bid, however long ago.
    pub(super) const fn bids(&self) -> u32 {
        self.bids
    }

    /// Bids that may soon be granted.
    pub(super) fn fresh_bids(&self, now: Time) -> u32 {
        if !self.later && now < self.bid_at + BID_FRESH { self.bids } else { 0 }
    }

    /// When bids are no longer fresh, or are to be said anew.
    pub(super) fn bids_age_at(&self, now: Time) -> Option<Time> {
        let times = [self.bid_at + BID_FRESH, self.said_at + BID_MAX];
        times.into_iter().filter(|at| self.bids > 0 && *at > now).min()
    }

    /// Whether bids are to be said anew; then they are, now.
    pub(super) fn repeats_bids(&mut self, now: Time) -> bool {
        let repeats = self.bids > 0 && now >= self.said_at + BID_MAX;
        if repeats {
            self.said_at = now;
        }
        repeats
    }

    /// Another chunk is bid for.
    pub(super) const fn bid(&mut self, later: bool, now: Time) {
        if self.later != later {
            (self.later, self.bids) = (later, 0);
        }
        self.bids += 1;
        (self.bid_at, self.said_at) = (now, now);
    }

    /// He has got something that is wanted: what was bid for later is bid for anew.
    pub(super) const fn has_news(&mut self) {
        if self.later {
            (self.later, self.bids) = (false, 0);
        }
    }

    /// A bid was granted.
    pub(super) const fn granted(&mut self) {
        self.bids = self.bids.saturating_sub(1);
    }

    /// Chunks that are under way or bid for, of what he has.
    pub(super) const fn engaged(&self) -> u32 {
        let taken = self.under_way + self.is_judged as u32 + self.kept.is_some() as u32;
        if self.later { taken } else { self.bids + taken }
    }

    /// A chunk was chosen.
    pub(super) fn chosen(&mut self, now: Time) {
        if self.under_way == 0 {
            self.moved_at = now;
            (self.trial_since, self.trial_bytes) = (now, 0);
        }
        self.under_way += 1;
    }

    /// Bytes came; `waited` since the chunk was chosen, if they are its first.
    pub(super) fn moved(&mut self, bytes: u64, waited: Option<Duration>, now: Time) {
        self.trip = self.trip.min(waited.unwrap_or(Duration::MAX));
        self.meter.note(bytes, now - self.moved_at);
        self.moved_at = now;
        self.trial_bytes = self.trial_bytes.saturating_add(bytes);
        if !self.crawls(now) {
            self.renew_trial(now);
        }
    }

    /// He failed: he is left alone for a while. True if another in his place would be better.
    pub(super) fn fails(&mut self, now: Time) -> bool {
        let Failures { count, rest, .. } = self.failures;
        let rests_until = now + rest;
        self.failures = Failures { count: count + 1, rests_until, rest: (rest * 2).min(REST_MAX) };
        self.bids = 0;
        self.failures.count >= FAILURES_MAX
    }

    /// He broke off what he sent: no fault, unless he never does anything else. True if another in his place would be
    /// better.
    pub(super) fn breaks_off(&mut self, now: Time) -> bool {
        self.broken_off += 1;
        self.broken_off > BROKEN_OFF_MAX && self.fails(now)
    }

    /// He proved good.
    pub(super) fn delivers(&mut self) {
        self.broken_off = 0;
        self.delivered += 1;
        self.failures = Failures::default();
    }

    /// How many chunks may be under way from him or bid for. When he has shown that he sends what is right, a bid takes a
    /// round trip to become a choice, and a choice another to become a chunk; and some wait at him.
    pub(super) fn window(&self, chunk_bytes: u64) -> u32 {
        if self.delivered == 0 {
            return WINDOW_UNPROVEN;
        }
        let travelling = self.meter.bytes_in(self.round_trip() * 2).div_ceil(chunk_bytes);
        u32::try_from(travelling).unwrap_or(OUTSTANDING_MAX).saturating_add(WAITING).min(OUTSTANDING_MAX)
    }

    /// From a choice to its first piece.
    pub(super) fn round_trip(&self) -> Duration {
        if self.trip == Duration::MAX { Duration::ZERO } else { self.trip }
    }

    /// How long a chunk of him takes, as far as is known.
    pub(super) fn expected(&self, chunk_bytes: u64) -> Duration {
        let unknown = Duration::from_micros(chunk_bytes.saturating_mul(1_000_000) / RATE_UNKNOWN);
        self.meter.span_of(chunk_bytes).unwrap_or(unknown)
    }

    /// What is under way from him comes too slowly to wait for it.
    pub(super) fn is_stalled(&self, chunk_bytes: u64, now: Time) -> bool {
        self.under_way > 0 && (self.silent_at(chunk_bytes) <= now || self.crawls(now))
    }

    /// When to look whether he stalls.
    pub(super) fn stalls_at(&self, chunk_bytes: u64) -> Option<Time> {
        let trial_ends = self.trial_since + TRIAL;
        (self.under_way > 0).then(|| self.silent_at(chunk_bytes).min(trial_ends))
    }

    /// When his silence becomes too long.
    fn silent_at(&self, chunk_bytes: u64) -> Time {
        self.moved_at + SILENCE_MIN.max(self.expected(chunk_bytes).saturating_mul(4))
    }

    /// His time of trial is over: another begins.
    pub(super) fn renew_trial(&mut self, now: Time) {
        if now - self.trial_since >= TRIAL {
            (self.trial_since, self.trial_bytes) = (now, 0);
        }
    }

    fn crawls(&self, now: Time) -> bool {
        let watched = now - self.trial_since;
        watched >= TRIAL && self.trial_bytes.saturating_mul(1_000_000) / micros(watched).max(1) < RATE_MIN
    }

    /// When he can be asked again, if he rests.
    pub(super) fn wakes_at(&self, now: Time) -> Option<Time> {
        (!self.barred && self.failures.rests_until > now).then_some(self.failures.rests_until)
    }
}
