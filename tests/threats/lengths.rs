//! Lengths that are lies, at the real port.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use starling_core::wire::{Hello, ServerFrame, VERSION};

use crate::support::frames::{LENGTHS, head};
use crate::support::house::encoded;
use crate::support::place::Place;
use crate::support::raw::connect_from;
use crate::support::visitor::Visitor;
use crate::support::{dice, noise, one_of, tenth_of};

/// Bodies for each length, if the attack is whole.
const BODIES: u32 = 2_000;
/// Bodies for each length after which the server has all the memory that it needs for such guests.
const BODIES_BEFORE: u32 = 50;
/// Bytes of a body at most: more than are allowed to anybody who has not logged in.
const BODY_MAX: usize = 20_000;
/// So many at once.
const ATTACKERS: u8 = 2;
/// Each has so many addresses, so that none uses up what one may ask for.
const ADDRESSES: u8 = 120;
/// By how much the server may have grown, KiB.
const GROWTH_MAX: i64 = 1_024;

/// Whatever a length claims and whatever follows it, a connection gets a greeting, a sign of life and a fault at
/// most, and the server stays as big as it was.
#[test]
fn t01_no_length_makes_the_server_grow() {
    let place = Place::new();
    let server = place.serve();
    let pid = server.program.id();
    attack(server.addr, BODIES_BEFORE);
    let before = resident(pid);
    attack(server.addr, tenth_of(BODIES));
    let grown = resident(pid) - before;
    assert!(grown < GROWTH_MAX, "it has grown by {grown} KiB over {before} KiB");
    server.ends();
}

fn attack(to: SocketAddr, bodies: u32) {
    thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let each = bodies / u32::from(ATTACKERS);
            scope.spawn(move || (0..each).for_each(|body| try_all(to, attacker, body)));
        }
    });
}

/// Every length once, half of them after a hello.
fn try_all(to: SocketAddr, attacker: u8, body: u32) {
    let mut dice = dice(u64::from(body) << 8 | u64::from(attacker));
    let hello = encoded(&Hello::Hello { version: VERSION, product: "test".into() }.frame());
    for len in LENGTHS {
        let address = u8::try_from(dice.below(ADDRESSES.into())).expect("a byte");
        let mut visitor = Visitor::over(connect_from(Ipv4Addr::new(127, 1, attacker, address), to));
        let greets = dice.below(2) == 0;
        let kind = *one_of(&mut dice, &[1, 2, 3, 4, 5, 0x10, 0x50, 0x80, 0xff]);
        let body = noise(&mut dice, len.min(BODY_MAX));
        let hello = if greets { &hello[..] } else { &[] };
        let said = visitor.says_all(&[hello, &head(kind, len), &body].concat());
        let allowed = said.iter().all(|frame| match frame {
            ServerFrame::Greeting(_) | ServerFrame::Pong { .. } => greets,
            frame => matches!(frame, ServerFrame::Fault(_)),
        });
        assert!(allowed, "kind {kind:#x}, {len} bytes: {said:?}");
    }
}

/// The memory of a process that is there, KiB.
fn resident(pid: u32) -> i64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}
