//! The organs of a swarm: fair slots, a download that uses more than one owner.

use std::collections::BTreeMap;
use std::time::Duration;

use starling_core::id::UserId;
use starling_core::seed::{Dice, Seed};
use starling_core::swarm::policy;
use starling_core::swarm::{Bid, Bitmap, ChunkBounds, Download, Layout, Order, Slots};
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

/// Whoever seems to have least goes first mostly, but not always: others think so, too.
#[test]
fn few_chunks_are_an_advantage_and_no_more() {
    let first = |seed| {
        let (mut slots, mut dice) = (Slots::default(), Dice::public(Seed::from(seed)));
        for key in 0..20 {
            let bid = Bid { user: UserId(key), wants: 1, has: key, later: false, chunk_bytes: CHUNK };
            slots.bid(key, bid);
        }
        slots.grant(Time::ZERO, &mut dice, |_| true).expect("twenty bid")
    };
    let served: Vec<u32> = (0..200).map(first).collect();
    let has = served.iter().sum::<u32>();
    assert!((200..1_000).contains(&has), "{has} chunks together, of 1,900 by chance");
    assert!(served.iter().filter(|key| **key == 0).count() < 100, "{served:?}");
}

#[test]
fn receivers_are_served_beside_each_other() {
    for (receivers, accepted) in [(1, 2), (3, 6), (8, 16), (20, 16)] {
        let (mut slots, mut dice) = (Slots::abreast(8), Dice::public(Seed::from(1)));
        for key in 0..receivers {
            let bid = Bid { user: UserId(key), wants: 16, has: key, later: false, chunk_bytes: CHUNK };
            slots.bid(key, bid);
        }
        let mut granted = BTreeMap::<u32, u32>::new();
        while let Some(key) = slots.grant(Time::ZERO, &mut dice, |_| true) {
            *granted.entry(key).or_default() += 1;
        }
        assert_eq!(slots.accepted(), accepted, "{granted:?}");
        let [least, most] =
            [granted.values().min(), granted.values().max()].map(|count| count.copied().unwrap_or(0));
        assert!(most - least <= 1, "{granted:?}");
    }
}

/// An answer belongs to the oldest grant: who is granted more meanwhile has not answered sooner.
#[test]
fn what_is_sent_while_an_answer_travels_is_accepted_ahead() {
    let (mut slots, mut dice) = (Slots::default(), Dice::public(Seed::from(1)));
    let at = |millis: u64| Time::from_micros(millis * 1000);
    let bid = |wants| Bid { user: UserId(1), wants, has: 0, later: false, chunk_bytes: CHUNK };
    for granted_at in [0, 40] {
        slots.bid(1, bid(1));
        assert_eq!(slots.grant(at(granted_at), &mut dice, |_| true), Some(1));
    }
    assert!(slots.chosen(1, at(50)));
    slots.sent(1, CHUNK, at(60));
    // A chunk takes 10 ms and an answer 50: ten go over the up-link during two, and one is being sent.
    slots.bid(1, bid(16));
    while slots.grant(at(60), &mut dice, |_| true).is_some() {}
    assert_eq!(slots.accepted(), 11);
}

/// Of so many chunks none is here.
fn download(chunks: u32) -> Download<char> {
    let layout = Layout::new(u64::from(chunks) * CHUNK, ChunkBounds::USUAL).expect("small");
    let rarest = policy("rarest").expect("a policy");
    Download::new(layout, Bitmap::none(chunks), rarest, Dice::public(Seed::from(4)), Time::ZERO)
}

/// With two chunks and two owners both are used, however late the second one is.
#[test]
fn the_last_chunk_is_kept_for_a_second_owner() {
    let (mut download, mut out) = (download(2), Vec::new());
    let at = Time::from_micros;
    let is_bid_at_a = |order: &Order<char>| matches!(order, Order::Bid { owner: 'a', later: false, .. });
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
    assert!(!out.iter().any(is_bid_at_a), "he would only get it back: {out:?}");
    assert!(download.deadline() <= Some(Time::from_secs(2)), "then it is not kept any longer");
    let mut late = download.clone();
    download.granted('b', None, at(6), &mut out);
    assert!(out.iter().any(|order| matches!(order, Order::Choose { owner: 'b', .. })), "{out:?}");
    out.clear();
    late.granted('a', None, Time::from_secs(2), &mut out);
    assert!(out.iter().any(|order| matches!(order, Order::Choose { owner: 'a', .. })), "{out:?}");
}

/// Until the first chunk of an owner is verified nothing else is taken from him; a slot that he grants meanwhile is kept.
#[test]
fn t29_a_liar_costs_one_chunk_though_it_takes_long_to_find_out() {
    let now = Time::from_micros(5);
    for right in [true, false] {
        let mut download = download(4);
        let mut out = Vec::new();
        download.owner_joined('a', Bitmap::all(4), now, &mut out);
        download.granted('a', Some(2), now, &mut out);
        assert!(out.contains(&Order::Choose { owner: 'a', chunk: 2 }), "{out:?}");
        download.piece('a', 2, CHUNK, now);
        out.clear();
        assert!(download.arrived('a', 2, now, &mut out));
        assert_eq!(out, [], "a slot more is bid for already");
        out.clear();
        download.granted('a', Some(1), now, &mut out);
        assert_eq!(out, [], "it is kept");
        download.granted('a', Some(3), now, &mut out);
        assert_eq!(out, [Order::Return { owner: 'a' }], "one is");
        out.clear();
        let mut slow = download.clone();
        slow.chime(now + Duration::from_secs(1), &mut out);
        assert!(
            out.contains(&Order::Return { owner: 'a' }),
            "not for so long that he thinks nobody answers: {out:?}"
        );
        out.clear();
        download.verified('a', 2, right, now, &mut out);
        let is_asked = out.contains(&Order::Choose { owner: 'a', chunk: 1 });
        let is_barred = out.contains(&Order::Bar { owner: 'a' });
        assert_eq!((is_asked, is_barred), (right, !right), "{out:?}");
    }
}

/// One who sent something wrong is not asked again, even if he goes and comes back; one who left has still delivered.
#[test]
fn t29_a_liar_who_comes_back_is_not_asked_again() {
    let mut download = download(4);
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

/// One who grants and never sends is asked ever more rarely, though he is replaced and comes back each time.
#[test]
fn t32_a_staller_who_comes_back_is_not_trusted_anew() {
    let mut download = download(4);
    let (mut now, mut orders, mut asked) = (Time::ZERO, Vec::new(), Vec::new());
    download.owner_joined('a', Bitmap::all(4), now, &mut orders);
    while now < Time::from_secs(300) {
        while let Some(order) = orders.pop() {
            match order {
                Order::Bid { later: false, .. } => download.granted('a', None, now, &mut orders),
                Order::Choose { .. } => asked.push(now),
                Order::Replace { .. } => {
                    download.owner_left('a', now, &mut orders);
                    download.owner_joined('a', Bitmap::all(4), now, &mut orders);
                }
                _ => {}
            }
        }
        now = download.deadline().expect("it is not complete");
        download.chime(now, &mut orders);
    }
    // He is silent for 4 s each time, and then rests for 4, 8, 16, 32 and from then on 64 s.
    assert_eq!(asked, [0, 8, 20, 40, 76, 144, 212, 280].map(Time::from_secs));
}

/// The last chunk is under way from one who is silent: another is asked for it long before silence alone would be a fault,
/// whether he has ever sent anything or not.
#[test]
fn t32_at_the_end_one_who_is_silent_is_not_waited_for() {
    assert!(time_with_a_silent_one(Duration::from_millis(20), true) < Time::from_secs(1));
    // What others take is over when he might just still have come.
    for millis in [20, 100, 120, 150, 200] {
        let least = Duration::from_millis(millis * 9);
        let took = time_with_a_silent_one(Duration::from_millis(millis), false) - Time::ZERO;
        assert!(took < least + Duration::from_secs(1), "{took:?} instead of {least:?}");
    }
}

/// However many grant and send nothing, after a second somebody else is asked, too.
#[test]
fn t32_those_who_are_silent_take_nobodys_place() {
    let (mut download, mut orders) = (download(64), Vec::new());
    let silent: Vec<char> = ('a'..='t').collect();
    let is_choice = |order: &Order<char>| matches!(order, Order::Choose { .. });
    for owner in &silent {
        download.owner_joined(*owner, Bitmap::all(64), Time::ZERO, &mut orders);
        download.granted(*owner, None, Time::ZERO, &mut orders);
    }
    let under_way = orders.iter().filter(|order| is_choice(order)).count();
    assert!(under_way < silent.len(), "there is room for fewer");
    download.owner_joined('z', Bitmap::all(64), Time::ZERO, &mut orders);
    orders.clear();
    download.granted('z', None, Time::ZERO, &mut orders);
    assert!(orders.contains(&Order::Return { owner: 'z' }), "{orders:?}");
    let second = Time::from_secs(1);
    assert!(download.deadline() <= Some(second));
    orders.clear();
    download.chime(second, &mut orders);
    assert!(orders.iter().any(|order| matches!(order, Order::Bid { owner: 'z', .. })), "{orders:?}");
    orders.clear();
    download.granted('z', None, second, &mut orders);
    assert!(orders.iter().any(is_choice), "{orders:?}");
}

/// How long nine chunks take from three, of whom one sends nothing, or nothing more than a chunk.
fn time_with_a_silent_one(chunk_takes: Duration, has_more: bool) -> Time {
    let mut download = download(9);
    let (mut now, mut orders, mut has_sent) = (Time::ZERO, Vec::new(), !has_more);
    for owner in ['a', 'b', 'c'] {
        download.owner_joined(owner, Bitmap::all(9), now, &mut orders);
    }
    // All grant whatever is bid for. They send what is chosen, but one of them does not.
    while !download.is_complete() {
        assert!(now < Time::from_secs(60), "it never ends");
        while !orders.is_empty() {
            let order = orders.remove(0);
            match order {
                Order::Bid { owner, later: false, .. } => download.granted(owner, None, now, &mut orders),
                Order::Choose { owner: 'b', .. } if std::mem::replace(&mut has_sent, true) => {}
                Order::Choose { owner, chunk } => {
                    now = now + chunk_takes;
                    download.piece(owner, chunk, CHUNK, now);
                    assert!(download.arrived(owner, chunk, now, &mut orders));
                    download.verified(owner, chunk, true, now, &mut orders);
                }
                _ => {}
            }
        }
        if let Some(deadline) = download.deadline() {
            now = now.max(deadline);
            download.chime(now, &mut orders);
        }
    }
    now
}
