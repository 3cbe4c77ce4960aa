//! The tracker against a model, and what it bears.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use starling_core::id::UserId;
use starling_core::seed::{Dice, Seed};
use starling_core::swarm::{Bitmap, Content, ContentId, Layout, Snapshot, Tracker, TrackerLimits};
use starling_core::time::Time;

const CHUNK: u64 = 65_536;
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
fn t57_what_is_registered_and_watched_is_bounded() {
    let mut tracker = Tracker::new(TrackerLimits::default());
    let held = Bitmap::all(Layout::CHUNKS_MAX);
    let (mut refused, mut unwatched) = (0, 0);
    let mut dice = Dice::public(Seed::from(3));
    for number in 0..100_000_u32 {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&number.to_le_bytes());
        let (user, content) = (UserId(number % 20), Content { id: ContentId(id), size: 5 });
        refused += u32::from(tracker.register(user, content, &held).is_err());
        if number < 200 {
            unwatched += u32::from(tracker.watch(user, content, &[], 64, &mut dice).is_none());
        }
        assert!(tracker.bytes() <= TrackerLimits::default().bytes_max);
    }
    assert!(refused > 90_000 && unwatched > 100, "{refused}, {unwatched}");
    tracker.check();
}
