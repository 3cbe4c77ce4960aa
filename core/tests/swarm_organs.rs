//! The organs of a swarm: fair slots, a tracker against a model, a download that uses more than one owner.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use starling_core::id::UserId;
use starling_core::seed::{Dice, Seed};
use starling_core::swarm::policy;
use starling_core::swarm::{
    Bid, Bitmap, ChunkBounds, Content, ContentId, Download, Layout, Order, Slots, Snapshot, Tracker,
    TrackerLimits,
};
use starling_core::time::Time;

const CHUNK: u64 = 65_536;

/// What each user was granted when `bidders` (key, user, chunks said to be there) bid for everything all the time.
fn grants(bidders: &[(u32, u32, u32)], count: u32) -> BTreeMap<u32, u32> {
    let (mut slots, mut dice, mut granted) = (Slots::default(), Dice::public(Seed::from(1)), BTreeMap::new());
    for step in 0..count {
        let now = Time::from_micros(u64::from(step) * 10_000);
        for (key, user, has) in bidders {
            let bid =
                Bid { user: UserId(*user), wants: u32::MAX, has: *has, later: false, chunk_bytes: CHUNK };
            slots.bid(*key, bid);
        }
        let key = slots.grant(now, &mut dice, |_| true).expect("a slot is free");
        assert!(slots.chosen(key, now));
        slots.sent(key, CHUNK, now);
        let user = bidders.iter().find(|(other, ..)| *other == key).map(|(_, user, _)| *user);
        *granted.entry(user.expect("a bidder")).or_default() += 1;
    }
    granted
}

#[test]
fn t33_who_bids_for_everything_and_says_he_has_nothing_gets_his_share() {
    let granted = grants(&[(0, 0, 500), (1, 1, 0), (2, 2, 0), (3, 3, 0)], 400);
    assert!(granted[&0] >= 70, "{granted:?}");
}

#[test]
fn t34_a_hundred_connections_of_one_user_get_the_share_of_one() {
    let mut bidders: Vec<(u32, u32, u32)> = (0..100).map(|key| (key, 0, 0)).collect();
    bidders.push((100, 1, 0));
    let granted = grants(&bidders, 400);
    assert!(granted[&1] >= 184, "{granted:?}");
}

#[test]
fn no_more_than_two_are_accepted_and_sixteen_granted() {
    let (mut slots, mut dice) = (Slots::default(), Dice::public(Seed::from(1)));
    let bid = Bid { user: UserId(1), wants: 100, has: 0, later: false, chunk_bytes: CHUNK };
    slots.bid(1, bid);
    let granted = std::iter::from_fn(|| slots.grant(Time::ZERO, &mut dice, |_| true)).count();
    assert_eq!(granted, 2);
    slots.chime(Time::from_secs(2));
    assert_eq!(slots.accepted(), 0, "who does not answer loses his grants");
    assert_eq!(slots.grant(Time::from_secs(2), &mut dice, |_| true), None, "and his bid");
    slots.bid(2, Bid { later: true, ..bid });
    assert_eq!(slots.grant(Time::from_secs(2), &mut dice, |_| true), None, "he waits for something more");
    slots.got(|_| true);
    assert_eq!(slots.grant(Time::from_secs(2), &mut dice, |_| true), Some(2));
}

const CHUNKS: u32 = 20;
const CONTENT: Content = Content { id: ContentId([1; 32]), size: CHUNKS as u64 * CHUNK };

/// Somebody watches the content, and is told so many others at most.
fn watch(tracker: &mut Tracker, user: u32, hidden: &[UserId], owners_max: usize) -> Option<Snapshot> {
    tracker.watch(UserId(user), CONTENT, hidden, owners_max, &mut Dice::public(Seed::from(3)))
}

#[derive(Clone, Debug)]
enum Step {
    Join(u32, Vec<u32>),
    Gain(u32, u32),
    Start(u32, u32),
    Drop(u32, u32),
    Leave(u32),
    /// One of the watchers must not see somebody from now on, or may.
    See(u32, bool),
    Tell,
}

fn step() -> impl Strategy<Value = Step> {
    let user = 1..6_u32;
    let chunk = 0..CHUNKS + 3;
    prop_oneof![
        (user.clone(), prop::collection::vec(0..CHUNKS, 0..5))
            .prop_map(|(user, held)| Step::Join(user, held)),
        (user.clone(), chunk.clone()).prop_map(|(user, chunk)| Step::Gain(user, chunk)),
        (user.clone(), chunk.clone()).prop_map(|(user, chunk)| Step::Start(user, chunk)),
        (user.clone(), chunk).prop_map(|(user, chunk)| Step::Drop(user, chunk)),
        user.clone().prop_map(Step::Leave),
        (user, any::<bool>()).prop_map(|(user, on)| Step::See(user, on)),
        Just(Step::Tell),
    ]
}

proptest! {
    /// Whoever watches knows in the end who is there and how many copies there are; whoever must not see somebody
    /// knows what would be so without him.
    #[test]
    fn the_tracker_counts_as_two_sets_do(steps in prop::collection::vec(step(), 0..80)) {
        let mut tracker = Tracker::new(TrackerLimits::default());
        let mut model: BTreeMap<u32, [BTreeSet<u32>; 2]> = BTreeMap::new();
        let watchers = [10, 11];
        let mut hidden = BTreeSet::from([1]);
        let mut known = [[0_u32; CHUNKS as usize]; 2];
        let mut there = [BTreeSet::new(), BTreeSet::new()];
        for watcher in watchers {
            prop_assert!(tracker.register(UserId(watcher), CONTENT, &Bitmap::none(CHUNKS)).is_ok());
            prop_assert!(watch(&mut tracker, watcher, &[UserId(1)], 64).is_some());
        }
        for (number, step) in steps.into_iter().enumerate() {
            let tells = matches!(step, Step::Tell);
            match step {
                Step::Join(user, held) => {
                    let mut bitmap = Bitmap::none(CHUNKS);
                    held.iter().for_each(|chunk| _ = bitmap.insert(*chunk));
                    prop_assert!(tracker.register(UserId(user), CONTENT, &bitmap).is_ok());
                    let [has, flies] = model.entry(user).or_default();
                    *has = held.iter().copied().collect();
                    flies.retain(|chunk| !held.contains(chunk));
                }
                Step::Gain(user, chunk) => {
                    tracker.gained(UserId(user), CONTENT, &[chunk]);
                    if let Some([has, flies]) = model.get_mut(&user).filter(|_| chunk < CHUNKS) {
                        has.insert(chunk);
                        flies.remove(&chunk);
                    }
                }
                Step::Start(user, chunk) => {
                    tracker.flying(UserId(user), CONTENT, &[chunk], &[]);
                    if let Some([_, flies]) = model.get_mut(&user).filter(|one| chunk < CHUNKS && !one[0].contains(&chunk)) {
                        flies.insert(chunk);
                    }
                }
                Step::Drop(user, chunk) => {
                    tracker.flying(UserId(user), CONTENT, &[], &[chunk]);
                    if let Some([_, flies]) = model.get_mut(&user) {
                        flies.remove(&chunk);
                    }
                }
                Step::Leave(user) => {
                    tracker.gone(UserId(user));
                    model.remove(&user);
                }
                Step::See(user, on) => {
                    let changes = if on { hidden.remove(&user) } else { hidden.insert(user) };
                    if changes {
                        tracker.sees(UserId(11), UserId(user), on);
                    }
                }
                Step::Tell => {}
            }
            tracker.check();
            if !tells {
                continue;
            }
            let now = Time::from_secs(number as u64 + 1);
            let set = || hidden.iter().copied().map(UserId).collect();
            for notice in tracker.take(now, |user| if user == UserId(11) { set() } else { vec![] }) {
                for (place, watcher) in watchers.iter().enumerate().filter(|(_, one)| notice.to.contains(&UserId(**one))) {
                    notice.copies.iter().for_each(|(chunk, copies)| known[place][*chunk as usize] = *copies);
                    notice.left.iter().for_each(|user| _ = there[place].remove(&user.0));
                    there[place].extend(notice.came.iter().map(|(user, _)| user.0));
                    prop_assert!(!there[place].contains(watcher));
                }
            }
            for place in [0, 1] {
                let is_seen = |user: &u32| place == 0 || !hidden.contains(user);
                for chunk in 0..CHUNKS {
                    let counts = |sets: &[BTreeSet<u32>; 2]| sets.iter().any(|set| set.contains(&chunk));
                    let copies = model.iter().filter(|(user, sets)| is_seen(user) && counts(sets)).count();
                    prop_assert_eq!(known[place][chunk as usize] as usize, copies);
                }
                let expected: BTreeSet<u32> = model.keys().copied().filter(is_seen).collect();
                prop_assert_eq!(&there[place], &expected);
            }
        }
        for user in (1..6).chain([10, 11]) {
            tracker.gone(UserId(user));
        }
        tracker.check();
        prop_assert_eq!(tracker.bytes(), 0);
        prop_assert_eq!(tracker.deadline(), None);
    }
}

/// Those who come are told some of many, those with something first, and not always the same.
#[test]
fn who_comes_is_told_some_of_many_by_chance() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    for user in 0..100 {
        let held = if user < 50 { Bitmap::all(CHUNKS) } else { Bitmap::none(CHUNKS) };
        tracker.register(UserId(user), CONTENT, &held).expect("room");
    }
    let mut dice = Dice::public(Seed::from(3));
    let mut told = |most: usize| {
        let snapshot = tracker.watch(UserId(99), CONTENT, &[UserId(7)], most, &mut dice).expect("a member");
        let with_some = snapshot.owners.iter().filter(|(_, held)| held.held() > 0).count();
        (
            snapshot.owners.len(),
            with_some,
            snapshot.owners.iter().map(|(user, _)| *user).collect::<BTreeSet<_>>(),
        )
    };
    let (first, second) = (told(20), told(20));
    assert_eq!((first.0, first.1, second.1), (20, 20, 20));
    assert_ne!(first.2, second.2);
    assert_eq!((told(64).0, told(64).1), (64, 49));
    let all = told(usize::MAX);
    assert!(all.0 == 98 && !all.2.contains(&UserId(99)) && !all.2.contains(&UserId(7)));
}

/// However many come at once, a notice fits what a connection may leave unread.
#[test]
fn newcomers_are_told_some_at_a_time() {
    let content = Content { size: u64::from(Layout::CHUNKS_MAX) * CHUNK, ..CONTENT };
    let mut tracker = Tracker::new(TrackerLimits::default());
    let none = Bitmap::none(Layout::CHUNKS_MAX);
    tracker.register(UserId(1_000), content, &none).expect("room");
    let mut dice = Dice::public(Seed::from(3));
    tracker.watch(UserId(1_000), content, &[], 64, &mut dice).expect("a member");
    for user in 0..40 {
        tracker.register(UserId(user), content, &none).expect("room");
    }
    let mut came = BTreeSet::new();
    let mut now = Time::ZERO;
    while let Some(at) = tracker.deadline() {
        now = now.max(at);
        for notice in tracker.take(now, |_| Vec::new()) {
            assert!(notice.came.len() <= 8);
            came.extend(notice.came.into_iter().map(|(user, _)| user.0));
        }
    }
    assert!(came.into_iter().eq(0..40));
}

#[test]
fn t30_three_reporters_drop_a_claim_and_no_user() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    tracker.register(UserId(1), CONTENT, &Bitmap::all(CHUNKS)).expect("room");
    for user in 2..6 {
        tracker.register(UserId(user), CONTENT, &Bitmap::none(CHUNKS)).expect("room");
    }
    let held = |tracker: &mut Tracker| {
        let snapshot = watch(tracker, 2, &[], 64).expect("a member");
        snapshot.owners.iter().find(|(user, _)| *user == UserId(1)).map(|(_, held)| held.held())
    };
    for _ in 0..5 {
        tracker.doubt(UserId(2), CONTENT, UserId(1), 7);
        tracker.doubt(UserId(3), CONTENT, UserId(1), 7);
        tracker.doubt(UserId(1), CONTENT, UserId(1), 7);
        tracker.doubt(UserId(9), CONTENT, UserId(1), 7);
    }
    assert_eq!(held(&mut tracker), Some(CHUNKS));
    tracker.doubt(UserId(4), CONTENT, UserId(1), 7);
    assert_eq!(held(&mut tracker), Some(CHUNKS - 1));
}

#[test]
fn t57_what_one_user_registers_is_bounded() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let held = Bitmap::all(Layout::CHUNKS_MAX);
    let mut refused = 0;
    for number in 0..100_000_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_le_bytes());
        refused += u32::from(
            tracker.register(UserId(number % 20), Content { id: ContentId(id), size: 5 }, &held).is_err(),
        );
    }
    assert!(refused > 99_000);
    assert!(tracker.bytes() <= TrackerLimits::default().bytes_max);
}

/// With two chunks and two owners both are used, however late the second one is.
#[test]
fn the_last_chunk_is_kept_for_a_second_owner() {
    let layout = Layout::new(2 * CHUNK, ChunkBounds::USUAL).expect("small");
    let rarest = policy("rarest").expect("a policy");
    let new = || Download::new(layout, Bitmap::none(2), rarest, Dice::public(Seed::from(4)), Time::ZERO);
    let (mut download, mut out) = (new(), Vec::new());
    let at = Time::from_micros;
    download.owner_joined('a', Bitmap::all(2), at(1), &mut out);
    download.owner_joined('b', Bitmap::all(2), at(1), &mut out);
    download.granted('a', None, at(2), &mut out);
    let Some(Order::Choose { owner: 'a', chunk }) =
        out.iter().rfind(|order| matches!(order, Order::Choose { .. })).copied()
    else {
        panic!("{out:?}")
    };
    download.piece('a', chunk, CHUNK, at(3));
    assert!(download.arrived('a', chunk, at(3), &mut out));
    download.verified('a', chunk, true, at(4), &mut out);
    out.clear();
    download.granted('a', None, at(5), &mut out);
    assert!(out.contains(&Order::Return { owner: 'a' }), "{out:?}");
    let mut late = download.clone();
    download.granted('b', None, at(6), &mut out);
    assert!(out.iter().any(|order| matches!(order, Order::Choose { owner: 'b', .. })), "{out:?}");
    out.clear();
    late.granted('a', None, Time::from_secs(2), &mut out);
    assert!(out.iter().any(|order| matches!(order, Order::Choose { owner: 'a', .. })), "{out:?}");
}

/// One who sent something wrong is not asked again, even if he goes and comes back; one who left has still delivered.
#[test]
fn t29_a_liar_who_comes_back_is_not_asked_again() {
    let layout = Layout::new(4 * CHUNK, ChunkBounds::USUAL).expect("small");
    let rarest = policy("rarest").expect("a policy");
    let mut download =
        Download::new(layout, Bitmap::none(4), rarest, Dice::public(Seed::from(4)), Time::ZERO);
    let now = Time::from_micros(5);
    let one_chunk = |download: &mut Download<char>, owner, right| {
        let mut out = Vec::new();
        download.owner_joined(owner, Bitmap::all(4), now, &mut out);
        download.granted(owner, None, now, &mut out);
        let chunk = out.iter().find_map(|order| match order {
            Order::Choose { chunk, .. } => Some(*chunk),
            _ => None,
        })?;
        download.piece(owner, chunk, CHUNK, now);
        assert!(download.arrived(owner, chunk, now, &mut out));
        download.verified(owner, chunk, right, now, &mut out);
        download.owner_left(owner, now, &mut out);
        Some(chunk)
    };
    assert!(one_chunk(&mut download, 'a', false).is_some());
    assert!(one_chunk(&mut download, 'b', true).is_some());
    assert_eq!(one_chunk(&mut download, 'a', true), None);
    assert_eq!(download.deliverers().collect::<Vec<_>>(), ['b']);
    assert_eq!(download.held().held(), 1);
}
