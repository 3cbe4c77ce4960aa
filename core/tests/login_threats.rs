//! Who guesses, floods or listens at the door gains nothing. Tests are named after the row of the threat.

#[expect(unreachable_pub, dead_code, reason = "shared with other tests and the benches")]
mod common;

use std::collections::VecDeque;
use std::time::Duration;

use common::World;
use starling_core::id::ConnId;
use starling_core::server::{Config, Input};
use starling_core::store::StoreOutcome;
use starling_core::wire::{LoginRefusal, ServerFrame};

const BLOCK: Duration = Duration::from_secs(60);
const COMMIT: Duration = Duration::from_millis(2);

/// A server whose password checks are answered by hand, at most `waiting` at once.
fn slow_world(waiting: usize, names: &[&str]) -> World {
    let mut config = Config::new(BLOCK, Duration::from_secs(120));
    config.limits.verify_waiting_max = waiting;
    let mut world = World::with(config, names);
    world.checks = Some(VecDeque::new());
    world
}

fn knock(world: &mut World, name: &str, password: &str) -> ConnId {
    let conn = world.open();
    world.knock(conn, name, password);
    conn
}

fn waiting(world: &World) -> usize {
    world.checks.as_ref().map_or(0, VecDeque::len)
}

/// The oldest check is answered, and what it changed is stored.
fn answer(world: &mut World) {
    let answer = world.checks.as_mut().and_then(VecDeque::pop_front).expect("a check waits");
    world.feed(answer);
    store(world);
}

fn store(world: &mut World) {
    world.pass(COMMIT);
    if !world.batches.is_empty() {
        world.store(StoreOutcome::Committed);
    }
}

fn refused(world: &mut World, conn: ConnId, refusal: LoginRefusal) {
    assert_eq!(world.take(conn), [ServerFrame::LoginRefused(refusal)]);
    assert_eq!(world.is_closed(conn), refusal != LoginRefusal::TryAgain);
}

#[test]
fn t05_a_flood_of_logins_waits_in_a_short_queue_and_no_longer() {
    let mut world = slow_world(64, &["hans"]);
    let mut conns: Vec<ConnId> = Vec::new();
    for number in 0..1_000 {
        conns.push(knock(&mut world, &format!("stranger{number}"), "guess"));
        assert!(waiting(&world) <= 64);
    }
    assert_eq!(waiting(&world), 64);
    for conn in conns.split_off(64) {
        refused(&mut world, conn, LoginRefusal::Busy);
    }
    for conn in conns {
        assert_eq!(world.take(conn), []);
        answer(&mut world);
        refused(&mut world, conn, LoginRefusal::TryAgain);
    }
    let hans = knock(&mut world, "hans", "secret");
    answer(&mut world);
    assert!(matches!(world.take(hans)[0], ServerFrame::Welcome { .. }));
}

#[test]
fn t05_who_waits_for_his_turn_is_refused_if_it_comes_while_all_are_busy() {
    let mut world = slow_world(2, &["hans", "yoda"]);
    let (first, second) = (knock(&mut world, "hans", "x"), knock(&mut world, "hans", "secret"));
    let yoda = knock(&mut world, "yoda", "secret");
    assert_eq!(waiting(&world), 2, "one at a time for an account");
    let check = world.checks.as_mut().and_then(VecDeque::pop_front).expect("that of hans");
    world.feed(check);
    let bob = knock(&mut world, "bob", "x");
    assert_eq!(waiting(&world), 2);
    store(&mut world);
    refused(&mut world, first, LoginRefusal::TryAgain);
    refused(&mut world, second, LoginRefusal::Busy);
    assert_eq!(world.take(bob), []);
    answer(&mut world);
    assert!(matches!(world.take(yoda)[0], ServerFrame::Welcome { .. }));
}

#[test]
fn t05_a_refusal_because_of_too_many_is_no_failure() {
    let mut world = slow_world(1, &["hans"]);
    let other = knock(&mut world, "other", "x");
    for _ in 0..10 {
        let hans = knock(&mut world, "hans", "x");
        refused(&mut world, hans, LoginRefusal::Busy);
    }
    answer(&mut world);
    refused(&mut world, other, LoginRefusal::TryAgain);
    let hans = knock(&mut world, "hans", "x");
    answer(&mut world);
    refused(&mut world, hans, LoginRefusal::TryAgain);
}

#[test]
fn t05_who_hangs_up_does_not_make_room() {
    let mut world = slow_world(1, &["hans"]);
    let gone = knock(&mut world, "hans", "x");
    world.feed(Input::Closed { conn: gone });
    let next = knock(&mut world, "yoda", "x");
    refused(&mut world, next, LoginRefusal::Busy);
    assert_eq!(waiting(&world), 1);
}

#[test]
fn t06_of_all_guesses_of_a_day_three_in_a_window_are_looked_at() {
    for name in ["hans", "nobody"] {
        let mut world = slow_world(64, &["hans"]);
        let mut looked_at = Vec::new();
        for _ in 0..10_000 {
            knock(&mut world, name, "guess");
            if waiting(&world) > 0 {
                looked_at.push(world.now);
                answer(&mut world);
            }
            world.pass(Duration::from_micros(8_640_000) - COMMIT);
        }
        assert!(looked_at.windows(4).all(|four| four[3] - four[0] > BLOCK), "{name}");
        assert!(looked_at.len() >= 3_000, "{}", looked_at.len());
    }
}

#[test]
fn t08_nobody_can_tell_an_unknown_name_from_a_known_one() {
    let known: Vec<String> = (0..1_000).map(|number| format!("known{number}")).collect();
    let mut world = slow_world(64, &known.iter().map(String::as_str).collect::<Vec<_>>());
    let mut transcript = |name: &str| {
        let mut said = Vec::new();
        for _ in 0..4 {
            let conn = knock(&mut world, name, "guess");
            if waiting(&world) > 0 {
                answer(&mut world);
            }
            said.push((world.take(conn), world.is_closed(conn)));
            world.feed(Input::Closed { conn });
        }
        said
    };
    let first = transcript("known0");
    assert!(matches!(first[3].0[..], [ServerFrame::LoginRefused(LoginRefusal::Locked { .. })]));
    for name in &known[1..] {
        assert_eq!(transcript(name), first, "{name}");
        assert_eq!(transcript(&format!("un{name}")), first, "un{name}");
    }
}
