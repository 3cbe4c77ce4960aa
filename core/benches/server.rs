//! The server machine alone: what a step costs, without any socket.

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "the tests use more of it")]
mod common;

use std::hint::black_box;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::{World, message, text_of};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use starling_core::id::{ConnId, Epoch, RequestId, Seq};
use starling_core::server::{Action, Config, Event, Input};
use starling_core::wire::{Hello, LoginName, Password, Request, VERSION};

/// Nobody is slowed down: the machine's cost is measured, not its patience.
fn config() -> Config {
    let mut config = Config::new(Duration::from_secs(60), Duration::from_secs(1_000_000));
    config.limits.commands_per_second = 1_000_000;
    config.limits.commands_burst = 1_000_000;
    config.limits.broadcast_recipients_per_command = 1_000_000;
    config.limits.silence = Duration::from_secs(1_000_000);
    config
}

fn encode(request: &Request) -> Bytes {
    let mut bytes = Vec::new();
    request.frame().encode_into(&mut bytes);
    bytes.into()
}

/// A direct message of 100 bytes and its acknowledgement: two steps, a letter and a reply. What the
/// clients send is encoded beforehand.
fn relay(c: &mut Criterion) {
    const ROUND: u32 = 1_000;
    let mut world = World::with(config(), &["hans", "luke"]);
    let (hans, luke) = (world.login("hans"), world.login("luke"));
    world.pass(Duration::from_secs(1));
    let text = "x".repeat(100);
    let (mut counter, mut seq, mut out) = (0, Seq::before_first(Epoch(1)), Vec::new());
    let mut group = c.benchmark_group("server");
    group.throughput(Throughput::Elements(2));
    group.bench_function("direct message, two steps", |b| {
        b.iter_custom(|times| {
            let mut spent = Duration::ZERO;
            for _ in 0..times.div_ceil(u64::from(ROUND)) {
                let said: Vec<(Bytes, Bytes)> = (0..ROUND)
                    .map(|_| {
                        counter += 1;
                        seq = seq.next();
                        (encode(&message(counter, "luke", &text)), encode(&Request::Ack { seq }))
                    })
                    .collect();
                let start = Instant::now();
                for (message, ack) in said {
                    step(&mut world, Input::Received { conn: hans, bytes: message }, &mut out);
                    step(&mut world, Input::Received { conn: luke, bytes: ack }, &mut out);
                }
                spent += start.elapsed();
                black_box(out.len());
            }
            share(spent, times, u64::from(ROUND))
        });
    });
    group.finish();
}

/// The part of `spent` that belongs to `times`, where whole rounds were run.
fn share(spent: Duration, times: u64, round: u64) -> Duration {
    let run = times.next_multiple_of(round);
    Duration::from_nanos(u64::try_from(spent.as_nanos() * u128::from(times) / u128::from(run)).unwrap())
}

fn step(world: &mut World, input: Input, out: &mut Vec<Action>) {
    out.clear();
    world.now = world.now + Duration::from_micros(10);
    let at = world.now;
    world.server.step_into(Event { at, input }, out);
    while world.server.deadline().is_some_and(|due| due <= at) {
        world.server.step_into(Event { at, input: Input::Chime }, out);
    }
}

/// A broadcast of 100 bytes to 1,000 people.
fn broadcast(c: &mut Criterion) {
    let names: Vec<String> = (0..1_001).map(|n| format!("user{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut world = World::with(config(), &names);
    let conns: Vec<ConnId> = names.iter().map(|name| world.login(name)).collect();
    world.pass(Duration::from_secs(1));
    let text = text_of(&"x".repeat(100));
    let bytes = encode(&Request::Broadcast { request: RequestId(1), text });
    let mut out = Vec::new();
    let mut group = c.benchmark_group("server");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("broadcast to 1,000, one step", |b| {
        b.iter(|| {
            step(&mut world, Input::Received { conn: conns[0], bytes: bytes.clone() }, &mut out);
            assert!(out.iter().any(|action| matches!(action, Action::SendMany { .. })), "it is sent");
            black_box(out.len())
        });
    });
    group.finish();
}

/// Logins, their notices not yet told, with so many people online: the cost must not depend on them.
fn login(c: &mut Criterion) {
    const COMING: usize = 100;
    let mut group = c.benchmark_group("login, without its notices");
    for online in [10_usize, 1_000, 10_000] {
        let names: Vec<String> = (0..online + COMING).map(|n| format!("user{n}")).collect();
        let mut world = World::with(config(), &names.iter().map(String::as_str).collect::<Vec<_>>());
        for name in &names[..online] {
            quick_login(&mut world, name);
        }
        rest(&mut world);
        group.bench_function(format!("{online} online"), |b| {
            b.iter_custom(|times| {
                let mut spent = Duration::ZERO;
                for _ in 0..times.div_ceil(COMING as u64) {
                    let start = Instant::now();
                    let came: Vec<ConnId> =
                        names[online..].iter().map(|name| quick_login(&mut world, name)).collect();
                    spent += start.elapsed();
                    for conn in came {
                        step(&mut world, Input::Closed { conn }, &mut Vec::new());
                        world.free.push(conn.slot);
                    }
                    rest(&mut world);
                }
                share(spent, times, COMING as u64)
            });
        });
    }
    group.finish();
}

/// Failures under names that somebody has chosen so that they differ at the end of what is kept of them only (T56).
fn chosen_names(c: &mut Criterion) {
    let mut world = World::with(config(), &["hans"]);
    let mut number = 0;
    c.bench_function("a failed login under a chosen name", |b| {
        b.iter(|| {
            number += 1;
            let conn = attempt(&mut world, &format!("{:a<40}{number:08}{:b<900}", "", ""), false);
            step(&mut world, Input::Closed { conn }, &mut Vec::new());
            world.free.push(conn.slot);
        });
    });
}

/// Twenty seconds in which nobody does anything: the window is told, the restless have calmed down.
fn rest(world: &mut World) {
    world.now = world.now + Duration::from_secs(20);
    let at = world.now;
    world.server.step_into(Event { at, input: Input::Chime }, &mut Vec::new());
}

/// Everything a login takes, with nobody looking at what is sent.
fn quick_login(world: &mut World, name: &str) -> ConnId {
    attempt(world, name, true)
}

/// An attempt to log in, with the right password or a wrong one.
fn attempt(world: &mut World, name: &str, right: bool) -> ConnId {
    let conn = world.next_conn();
    let mut out = Vec::new();
    let hello = Hello::Hello { version: VERSION, product: "bench".into() };
    let login = Hello::Login {
        name: LoginName::cut(Bytes::copy_from_slice(name.as_bytes())).unwrap(),
        password: Password::cut(Bytes::from_static(b"secret")).unwrap(),
        seen: Seq::START,
        device: None,
    };
    let mut bytes = Vec::new();
    hello.frame().encode_into(&mut bytes);
    login.frame().encode_into(&mut bytes);
    let at = world.now;
    // Everybody has an address of his own: what one may ask for is not what is measured.
    let from = IpAddr::from((conn.generation.wrapping_mul(65_537) ^ conn.slot).to_be_bytes());
    world.server.step_into(Event { at, input: Input::Opened { conn, from } }, &mut out);
    world.server.step_into(Event { at, input: Input::Received { conn, bytes: bytes.into() } }, &mut out);
    let verify = out.iter().find_map(|action| match action {
        Action::Verify { account, ticket, .. } => Some((*account, *ticket)),
        _ => None,
    });
    let (account, ticket) = verify.expect("an order to verify");
    world.server.step_into(Event { at, input: Input::Verified { account, ticket, right } }, &mut out);
    black_box(out.len());
    conn
}

criterion_group!(benches, relay, broadcast, login, chosen_names);
criterion_main!(benches);
