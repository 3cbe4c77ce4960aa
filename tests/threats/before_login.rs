//! Doing something without a login.

use std::time::Duration;

use starling_core::id::ConnId;
use starling_core::wire::{Hello, Kind, PeerFault, Phase, ServerFrame};

use crate::support::frames::{any_frame, between_clients, requests};
use crate::support::house::{House, encoded};
use crate::support::{dice, noise, pick};

/// Connections, each with up to a dozen frames, in each of three states in turn.
const SEQUENCES: usize = 100_000;

/// How far a connection has come.
#[derive(Clone, Copy, Debug)]
enum State {
    /// It has said nothing.
    Silent,
    /// It has said hello.
    Greeted,
    /// Its password is being looked at.
    Knocking,
}

const STATES: [State; 3] = [State::Silent, State::Greeted, State::Knocking];

/// A connection in that state. An attempt that is under way is on an account of its own: no other waits for it.
fn connection(house: &mut House, state: State) -> ConnId {
    match state {
        State::Silent => house.open(),
        State::Greeted => house.greeted(),
        State::Knocking => {
            let conn = house.greeted();
            house.verdicts = Some(Vec::new());
            house.knock(conn, format!("guest{}", house.verified.len()).as_bytes(), b"guess");
            house.verdicts = None;
            conn
        }
    }
}

/// Every request in every state: a fault and the end.
#[test]
fn t10_nothing_can_be_done_before_login() {
    let mut house = House::new(&["hans", "luke"]);
    let luke = house.login("luke");
    for state in STATES {
        for request in requests(1, "luke") {
            let frame = request.frame();
            if frame.kind().body_max(Phase::BeforeLogin).is_ok() {
                continue;
            }
            let conn = connection(&mut house, state);
            house.say(conn, &frame);
            assert_eq!(
                house.take(conn),
                [ServerFrame::Fault(PeerFault::OutOfState)],
                "{state:?} {request:?}"
            );
            assert!(house.is_closed(conn));
            assert_eq!(house.store.writes, 0);
        }
        for frame in between_clients() {
            let conn = connection(&mut house, state);
            house.bytes(conn, frame);
            assert_eq!(house.take(conn), [ServerFrame::Fault(PeerFault::OutOfState)], "{state:?}");
            assert!(house.is_closed(conn));
        }
    }
    assert_eq!(house.take(luke), []);
}

/// Any frames in any order: no effect, and no answer but to what may be said before a login.
#[test]
fn t10_no_sequence_of_frames_is_a_way_in() {
    let mut house = House::new(&["hans", "luke"]);
    let luke = house.login("luke");
    let mut dice = dice(10);
    for sequence in 0..SEQUENCES {
        let conn = connection(&mut house, STATES[sequence % 3]);
        for _ in 0..1 + pick(&mut dice, 12) {
            if house.is_closed(conn) {
                break;
            }
            let frame = any_frame(&mut dice);
            house.bytes(conn, frame);
            let said = house.take(conn);
            assert!(said.iter().all(is_harmless), "{said:?}");
            let fault = said.iter().any(|frame| matches!(frame, ServerFrame::Fault(_)));
            assert!(!fault || house.is_closed(conn), "a fault is the end");
        }
        house.forget(conn);
        house.pass(Duration::from_millis(10));
    }
    house.server.check();
    assert_eq!(house.take(luke), [], "nobody noticed anything");
}

/// What a stranger may be told. The guesses are all wrong.
fn is_harmless(frame: &ServerFrame) -> bool {
    matches!(
        frame,
        ServerFrame::Greeting(_)
            | ServerFrame::LoginRefused(_)
            | ServerFrame::Fault(_)
            | ServerFrame::Pong { .. }
    )
}

/// The decoder before login knows four kinds and no more, whatever the machine would make of others.
#[test]
fn t10_the_decoder_before_login_knows_four_kinds() {
    let known = |kind: &Kind| kind.body_max(Phase::BeforeLogin).is_ok();
    let kinds: Vec<Kind> = (0..=u8::MAX).map(Kind).filter(known).collect();
    assert_eq!(kinds, [Kind::HELLO, Kind::LOGIN, Kind::PING, Kind::PONG]);
}

/// The first frame is a hello of ours or the end: another protocol gets one answer and no conversation.
#[test]
fn t10_a_connection_begins_with_a_hello() {
    let mut house = House::new(&["hans"]);
    let mut dice = dice(11);
    let foreign: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: example\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"EHLO example\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"*1\r\n$4\r\nPING\r\n",
    ];
    let random: Vec<Vec<u8>> = (0..2_000).map(|_| noise(&mut dice, 64)).collect();
    let login = encoded(&crate::support::house::login(b"hans", b"secret").frame());
    let ping = encoded(&Hello::Ping { nonce: 1 }.frame());
    for bytes in foreign.iter().map(|bytes| bytes.to_vec()).chain(random).chain([login, ping]) {
        let conn = house.open();
        house.bytes(conn, bytes);
        let said = house.take(conn);
        assert!(
            said.len() <= 1 && said.iter().all(|frame| matches!(frame, ServerFrame::Fault(_))),
            "{said:?}"
        );
        house.forget(conn);
    }
    assert!(house.verified.is_empty());
}
