//! How the server introduces two users to each other, and when it does not.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use common::{World, name_of};
use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Purpose, Reach, Role};
use starling_core::id::{ConnId, RequestId};
use starling_core::store::StoreOutcome;
use starling_core::wire::{Outcome, Refusal, Request, ServerFrame, Vouch};

const SECOND: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(2);
const PORT: u16 = 4_001;

fn key(byte: u8) -> DeviceKey {
    DeviceKey([byte; DeviceKey::BYTES])
}

fn at(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn place(text: &str) -> SocketAddr {
    text.parse().expect("an address and a port")
}

/// Somebody who is online, seen at that address, from the device with that key, if any.
fn login(world: &mut World, name: &str, from: &str, device: Option<DeviceKey>) -> ConnId {
    let conn = world.open_from(at(from));
    world.knock_with(conn, name, "secret", device);
    if device.is_some() {
        // The door remembers the device before it opens.
        world.pass(TICK);
        while !world.batches.is_empty() {
            world.store(StoreOutcome::Committed);
        }
    }
    assert!(matches!(world.take(conn)[0], ServerFrame::Welcome { .. }), "{name} is welcome");
    conn
}

fn reach(world: &mut World, conn: ConnId, hosts: &[&str]) {
    let hosts = hosts.iter().map(|host| at(host)).collect();
    world.ask(conn, Request::Reach(Reach { port: PORT, hosts }));
}

/// Somebody who is online and can be reached.
fn reachable(world: &mut World, name: &str, from: &str, byte: u8) -> ConnId {
    let conn = login(world, name, from, Some(key(byte)));
    reach(world, conn, &[&format!("192.168.0.{byte}")]);
    conn
}

/// hans and luke, who see each other at different addresses and have nothing unread.
fn two() -> (World, ConnId, ConnId) {
    let mut world = World::new(&["hans", "luke", "yoda"]);
    let hans = reachable(&mut world, "hans", "198.51.100.1", 1);
    let luke = reachable(&mut world, "luke", "203.0.113.2", 2);
    settle(&mut world, &[hans, luke]);
    (world, hans, luke)
}

fn settle(world: &mut World, conns: &[ConnId]) {
    world.pass(SECOND);
    conns.iter().for_each(|conn| drop(world.take(*conn)));
}

fn call(world: &mut World, conn: ConnId, request: u32, whom: &str) {
    call_for(world, conn, request, Purpose::Talk, whom);
}

fn call_for(world: &mut World, conn: ConnId, request: u32, purpose: Purpose, whom: &str) {
    let (request, whom) = (RequestId(request), name_of(whom));
    world.ask(conn, Request::Call { request, purpose, whom });
}

fn block(world: &mut World, conn: ConnId, request: u32, whom: &str) {
    world.ask(conn, Request::Block { request: RequestId(request), whom: name_of(whom) });
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
}

fn done(request: u32, outcome: Outcome) -> ServerFrame {
    ServerFrame::Done { request: RequestId(request), outcome }
}

fn refused(request: u32, refusal: Refusal) -> ServerFrame {
    done(request, Outcome::Refused(refusal))
}

/// The only thing that somebody has been sent: the server's word.
fn vouch(world: &mut World, conn: ConnId) -> Vouch {
    match <[ServerFrame; 1]>::try_from(world.take(conn)) {
        Ok([ServerFrame::Vouch(vouch)]) => vouch,
        other => panic!("not one introduction: {other:?}"),
    }
}

#[test]
fn both_are_told_of_each_other() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 7, "luke");
    let (to_hans, to_luke) = (vouch(&mut world, hans), vouch(&mut world, luke));
    let pass = to_hans.pass;
    let purpose = Purpose::Talk;
    let expected = Vouch {
        pass,
        role: Role::Caller,
        purpose,
        request: RequestId(7),
        name: name_of("luke"),
        key: key(2),
        candidates: vec![place("203.0.113.2:4001")],
    };
    assert_eq!(to_hans, expected);
    let expected = Vouch {
        pass,
        role: Role::Called,
        purpose,
        request: RequestId(0),
        name: name_of("hans"),
        key: key(1),
        candidates: vec![place("198.51.100.1:4001")],
    };
    assert_eq!(to_luke, expected);
}

#[test]
fn no_two_introductions_have_the_same_pass() {
    let (mut world, hans, luke) = two();
    let mut passes: Vec<Pass> = Vec::new();
    for request in 1..100 {
        call(&mut world, hans, request, "luke");
        passes.push(vouch(&mut world, hans).pass);
        assert_eq!(vouch(&mut world, luke).pass, passes[passes.len() - 1]);
    }
    passes.sort_unstable();
    assert!(passes.windows(2).all(|pair| pair[0] != pair[1]));
}

/// Each refusal stands behind those before it: all its own conditions and those of the later ones hold.
#[test]
fn refusals_come_in_their_order_and_nobody_else_hears_of_them() {
    let mut world = World::new(&["hans", "luke", "yoda"]);
    let hans = login(&mut world, "hans", "198.51.100.1", None);
    call(&mut world, hans, 1, "nobody");
    call(&mut world, hans, 2, "hans");
    let luke = login(&mut world, "luke", "203.0.113.2", None);
    block(&mut world, luke, 1, "hans");
    block(&mut world, hans, 3, "luke");
    settle(&mut world, &[luke]);
    call(&mut world, hans, 4, "luke");
    world.ask(luke, Request::Unblock { request: RequestId(2), whom: name_of("hans") });
    world.pass(TICK);
    world.store(StoreOutcome::Committed);
    settle(&mut world, &[luke]);
    call(&mut world, hans, 5, "luke");
    call(&mut world, hans, 6, "yoda");
    let answers: Vec<_> =
        world.take(hans).into_iter().filter(|frame| matches!(frame, ServerFrame::Done { .. })).collect();
    assert_eq!(
        answers,
        [
            refused(1, Refusal::UnknownUser),
            refused(2, Refusal::Yourself),
            done(3, Outcome::Accepted),
            refused(4, Refusal::BlockedBy),
            refused(5, Refusal::BlockedByYou),
            refused(6, Refusal::Offline),
        ]
    );
    assert_eq!(world.take(luke), []);
}

/// Whoever is missing a device or a place, on either side, is not introduced; the other one hears nothing.
#[test]
fn without_a_device_and_a_place_on_both_sides_there_is_no_introduction() {
    let devices = [(None, Some(key(2))), (Some(key(1)), None), (None, None), (Some(key(1)), Some(key(2)))];
    for (own, other) in devices {
        for (own_reach, other_reach) in [(true, false), (false, true), (false, false), (true, true)] {
            let mut world = World::new(&["hans", "luke"]);
            let hans = login(&mut world, "hans", "198.51.100.1", own);
            let luke = login(&mut world, "luke", "203.0.113.2", other);
            for (conn, is_there) in [(hans, own_reach), (luke, other_reach)] {
                if is_there {
                    reach(&mut world, conn, &[]);
                }
            }
            settle(&mut world, &[hans, luke]);
            call(&mut world, hans, 1, "luke");
            if own.is_some() && other.is_some() && own_reach && other_reach {
                assert_eq!(vouch(&mut world, hans).pass, vouch(&mut world, luke).pass);
            } else {
                assert_eq!(world.take(hans), [refused(1, Refusal::Unreachable)]);
                assert_eq!(world.take(luke), []);
            }
        }
    }
}

#[test]
fn a_place_ends_with_its_login() {
    let (mut world, hans, luke) = two();
    world.ask(luke, Request::Logout { request: RequestId(1) });
    call(&mut world, hans, 1, "luke");
    let luke = login(&mut world, "luke", "203.0.113.2", Some(key(2)));
    call(&mut world, hans, 2, "luke");
    let answers = world.take(hans);
    assert_eq!(answers[0], refused(1, Refusal::Offline));
    assert_eq!(answers[answers.len() - 1], refused(2, Refusal::Unreachable));
    reach(&mut world, luke, &[]);
    settle(&mut world, &[hans, luke]);
    call(&mut world, hans, 3, "luke");
    assert_eq!(vouch(&mut world, hans).name, name_of("luke"));
}

#[test]
fn t36_a_host_is_told_only_to_somebody_at_the_same_address() {
    let mut world = World::new(&["hans", "luke", "yoda"]);
    let hans = reachable(&mut world, "hans", "203.0.113.2", 1);
    let luke = reachable(&mut world, "luke", "::ffff:203.0.113.2", 2);
    let yoda = reachable(&mut world, "yoda", "198.51.100.3", 3);
    settle(&mut world, &[hans, luke, yoda]);
    call(&mut world, hans, 1, "luke");
    let near = |byte| vec![place(&format!("192.168.0.{byte}:4001")), place("203.0.113.2:4001")];
    assert_eq!(vouch(&mut world, hans).candidates, near(2));
    assert_eq!(vouch(&mut world, luke).candidates, near(1));
    call(&mut world, hans, 2, "yoda");
    assert_eq!(vouch(&mut world, hans).candidates, [place("198.51.100.3:4001")]);
    assert_eq!(vouch(&mut world, yoda).candidates, [place("203.0.113.2:4001")]);
}

#[test]
fn two_who_call_at_once_are_introduced_once() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 1, "luke");
    call(&mut world, luke, 1, "hans");
    let pass = vouch(&mut world, hans).pass;
    let told = world.take(luke);
    let [ServerFrame::Vouch(to_luke), answer] = &told[..] else { panic!("{told:?}") };
    assert_eq!((to_luke.pass, to_luke.role), (pass, Role::Called));
    assert_eq!(*answer, done(1, Outcome::Accepted));
}

#[test]
fn two_who_call_for_different_purposes_are_introduced_for_both() {
    let (mut world, hans, luke) = two();
    call_for(&mut world, hans, 1, Purpose::Fetch, "luke");
    call_for(&mut world, luke, 1, Purpose::Talk, "hans");
    let [(fetch, asked), (talk, called)] = [hans, luke].map(|conn| match &world.take(conn)[..] {
        [ServerFrame::Vouch(one), ServerFrame::Vouch(two)] if one.role == Role::Caller => {
            (one.clone(), two.clone())
        }
        [ServerFrame::Vouch(one), ServerFrame::Vouch(two)] => (two.clone(), one.clone()),
        other => panic!("not two introductions: {other:?}"),
    });
    assert_eq!([fetch.purpose, called.purpose], [Purpose::Fetch; 2]);
    assert_eq!([talk.purpose, asked.purpose], [Purpose::Talk; 2]);
    assert_eq!([fetch.pass, talk.pass], [called.pass, asked.pass]);
    // Each is for both of them.
    call_for(&mut world, hans, 2, Purpose::Talk, "luke");
    call_for(&mut world, luke, 2, Purpose::Fetch, "hans");
    assert_eq!(
        [hans, luke].map(|conn| world.take(conn)),
        [[done(2, Outcome::Accepted)], [done(2, Outcome::Accepted)]]
    );
}

#[test]
fn a_block_ends_what_was_asked_for_any_purpose() {
    let (mut world, hans, luke) = two();
    for (request, purpose) in [(1, Purpose::Talk), (2, Purpose::Fetch), (3, Purpose::Talk)] {
        call_for(&mut world, hans, request, purpose, "luke");
    }
    settle(&mut world, &[hans, luke]);
    block(&mut world, luke, 1, "hans");
    assert_eq!(world.take(hans), [refused(2, Refusal::BlockedBy), refused(3, Refusal::BlockedBy)]);
}

#[test]
fn a_refusal_for_one_purpose_says_nothing_of_another() {
    let (mut world, hans, luke) = two();
    call_for(&mut world, hans, 1, Purpose::Talk, "luke");
    settle(&mut world, &[hans, luke]);
    world.ask(luke, Request::Logout { request: RequestId(9) });
    call_for(&mut world, hans, 2, Purpose::Fetch, "luke");
    assert!(world.take(hans).contains(&refused(2, Refusal::Offline)));
    let luke = login(&mut world, "luke", "203.0.113.2", Some(key(2)));
    settle(&mut world, &[hans, luke]);
    block(&mut world, luke, 1, "hans");
    assert_eq!(world.take(hans), [refused(1, Refusal::BlockedBy)]);
}

#[test]
fn who_was_called_and_calls_twice_is_introduced_anew() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 1, "luke");
    call(&mut world, luke, 1, "hans");
    settle(&mut world, &[hans, luke]);
    call(&mut world, luke, 1, "hans");
    assert_eq!(vouch(&mut world, luke).role, Role::Caller);
    assert_eq!(vouch(&mut world, hans).role, Role::Called);
}

#[test]
fn an_introduction_is_for_both_no_longer_than_ten_seconds() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 1, "luke");
    settle(&mut world, &[hans, luke]);
    world.pass(9 * SECOND);
    call(&mut world, luke, 1, "hans");
    assert_eq!(vouch(&mut world, luke).role, Role::Caller);
}

#[test]
fn a_block_ends_what_the_other_one_has_asked() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 7, "luke");
    vouch(&mut world, hans);
    vouch(&mut world, luke);
    block(&mut world, luke, 1, "hans");
    assert_eq!(world.take(hans), [refused(7, Refusal::BlockedBy)]);
    assert_eq!(world.take(luke), [done(1, Outcome::Accepted)]);
    call(&mut world, hans, 8, "luke");
    assert_eq!(world.take(hans), [refused(8, Refusal::BlockedBy)]);
}

#[test]
fn a_block_ends_a_call_that_crossed_another() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 1, "luke");
    call(&mut world, luke, 1, "hans");
    settle(&mut world, &[hans, luke]);
    block(&mut world, hans, 2, "luke");
    assert_eq!(world.take(luke), [refused(1, Refusal::BlockedBy)]);
    assert_eq!(world.take(hans), [done(2, Outcome::Accepted)]);
}

#[test]
fn a_block_says_nothing_of_a_call_of_long_ago() {
    let (mut world, hans, luke) = two();
    call(&mut world, hans, 1, "luke");
    settle(&mut world, &[hans, luke]);
    world.pass(9 * SECOND);
    block(&mut world, luke, 1, "hans");
    assert_eq!(world.take(hans), []);
}

#[test]
fn whoever_blocks_is_not_told_that_the_other_one_cannot_be_reached() {
    let (mut world, hans, luke) = two();
    block(&mut world, hans, 1, "luke");
    settle(&mut world, &[hans, luke]);
    call(&mut world, luke, 1, "hans");
    call(&mut world, hans, 2, "luke");
    assert_eq!(world.take(luke), [refused(1, Refusal::BlockedBy)]);
    assert_eq!(world.take(hans), [refused(2, Refusal::BlockedByYou)]);
}

#[test]
fn who_is_not_introduced_may_ask_who_there_is() {
    let (mut world, hans, luke) = two();
    for (request, whom) in [(1, "nobody"), (2, "hans"), (3, "luke"), (4, "yoda")] {
        world.ask(hans, Request::Know { request: RequestId(request), whom: name_of(whom) });
    }
    assert_eq!(
        world.take(hans),
        [
            refused(1, Refusal::UnknownUser),
            refused(2, Refusal::Yourself),
            done(3, Outcome::Accepted),
            done(4, Outcome::Accepted)
        ]
    );
    assert_eq!(world.take(luke), []);
}

#[test]
fn a_call_is_activity_and_saying_where_one_listens_is_none() {
    let call_for = |purpose| {
        move |request| Request::Call { request: RequestId(request), purpose, whom: name_of("luke") }
    };
    let (call, fetch) = (call_for(Purpose::Talk), call_for(Purpose::Fetch));
    let know = |request| Request::Know { request: RequestId(request), whom: name_of("luke") };
    let reach = |_| Request::Reach(Reach { port: PORT, hosts: Vec::new() });
    let requests: [(&dyn Fn(u32) -> Request, bool); 4] =
        [(&call, true), (&fetch, false), (&know, true), (&reach, false)];
    for (request, is_activity) in requests {
        let (mut world, hans, _) = two();
        for step in 0..13 {
            world.pass(10 * SECOND);
            if !world.is_closed(hans) {
                world.ask(hans, request(step));
            }
        }
        assert_eq!(world.is_closed(hans), !is_activity);
    }
}
