//! PROTOCOL.md says what the code does: its tables and its vectors are compared with it.

#[path = "checks/stream.rs"]
mod stream;
#[path = "checks/words.rs"]
mod words;

use std::collections::BTreeSet;

use bytes::Bytes;
use starling_core::client::SafetyNumber;
use starling_core::device::DeviceKey;
use starling_core::name::Name;
use starling_core::wire::{Hello, Kind, PeerFault, PeerFrame, Phase, RawFrame, Request, ServerFrame};
use stream::{again, encoded, hear};

const PAGE: &str = include_str!("../../PROTOCOL.md");

/// The cells of the table with this first row.
fn table(heads: &str) -> Vec<Vec<&'static str>> {
    let rows = PAGE.lines().skip_while(|line| *line != heads).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim).collect();
    let table: Vec<Vec<_>> = rows.map(cells).collect();
    assert!(!table.is_empty(), "there is a table {heads}");
    table
}

fn vectors() -> Vec<Vec<&'static str>> {
    table("| kind | bytes | values |")
}

/// The bytes of a cell such as `` `0a ff` ``.
fn bytes(cell: &str) -> Vec<u8> {
    let hex = cell.trim_matches('`').split(' ');
    hex.map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits")).collect()
}

const PHASES: [Phase; 4] = [Phase::BeforeLogin, Phase::Online, Phase::FromServer, Phase::FromPeer];

fn phase(kind: Kind) -> Phase {
    PHASES.into_iter().find(|phase| kind.body_max(*phase).is_ok()).expect("somebody may say it")
}

/// Who may say it and when, and how long it may be, as the page says it.
fn permission(kind: Kind) -> (&'static str, String) {
    match PHASES.map(|phase| kind.body_max(phase)) {
        [Ok(max), Ok(online), Ok(from_server), Ok(from_peer)]
            if [online, from_server, from_peer] == [max; 3] =>
        {
            ("anybody, always", max.to_string())
        }
        [Ok(max), Err(_), Err(_), Err(_)] => ("client, before login", max.to_string()),
        [Err(_), Ok(max), Err(_), Err(_)] => ("client, online", max.to_string()),
        [Err(_), Err(_), Ok(max), Err(_)] => ("server", max.to_string()),
        [Err(_), Err(_), Err(_), Ok(max)] => ("client to client", max.to_string()),
        [Err(PeerFault::Reserved), ..] => ("reserved", "–".into()),
        other => panic!("the page has no words for {other:?}"),
    }
}

/// The one frame in `stream`.
fn only(stream: &[u8]) -> RawFrame {
    let mut heard = hear(phase(Kind(stream[0])), [(stream, false)]);
    assert_eq!((heard.frames.len(), heard.fault), (1, None), "{stream:02x?}");
    heard.frames.remove(0)
}

/// The decoded frame in the words of the page, and the bytes it is encoded to.
fn decoded(raw: RawFrame) -> (String, Vec<u8>) {
    match phase(raw.kind) {
        Phase::BeforeLogin => {
            let hello = Hello::decode(raw).expect("a frame before login");
            (words::hello(&hello), encoded(&hello.frame()))
        }
        Phase::Online => {
            let request = Request::decode(raw).expect("a request");
            (words::request(&request), encoded(&request.frame()))
        }
        Phase::FromServer => {
            let frame = ServerFrame::decode(raw).expect("a frame of a server");
            (words::server_frame(&frame), encoded(&frame.frame()))
        }
        Phase::FromPeer => {
            let frame = PeerFrame::decode(raw).expect("a frame of another client");
            (words::peer_frame(&frame), encoded(&frame.frame()))
        }
    }
}

/// The values of the byte after `before` with which a frame can be read.
fn codes(kind: Kind, before: &[u8]) -> BTreeSet<u8> {
    let readable = |code: &u8| {
        [&b""[..], &[0, 0, 0, 60], b"\x04luke", b"\0\0\0\x3c\x04luke"].into_iter().any(|after| {
            let body = Bytes::from([before, &[*code], after].concat());
            again(phase(kind), RawFrame { kind, body }).is_ok()
        })
    };
    (0..=u8::MAX).filter(readable).collect()
}

fn numbers(table: &[Vec<&str>]) -> BTreeSet<u8> {
    table.iter().map(|row| row[0].parse().expect("a number")).collect()
}

#[test]
fn every_kind_has_its_row() {
    let rows = table("| kind | name | who, when | max | fields |");
    assert_eq!(rows.len(), Kind::all().count());
    for (row, kind) in rows.iter().zip(Kind::all()) {
        let (who, max) = permission(kind);
        let code = format!("{:#04x}", kind.0);
        assert_eq!(row[..4], [&code, kind.name().expect("a known kind"), who, &max]);
    }
}

#[test]
fn every_fault_has_its_row() {
    let rows = table("| fault | name | meaning |");
    assert_eq!(rows.len(), PeerFault::ALL.len());
    for (row, fault) in rows.iter().zip(PeerFault::ALL) {
        assert_eq!(row[..2], [fault.code().to_string(), format!("{fault:?}")]);
    }
}

#[test]
fn every_code_has_its_row() {
    let refusals = table("| reason | meaning | what the person is told | then |");
    assert_eq!(numbers(&refusals), codes(Kind::LOGIN_REFUSED, &[]));
    let farewells = table("| reason | meaning | what the person is told |");
    assert_eq!(numbers(&farewells), codes(Kind::FAREWELL, &[]));

    let roles = table("| role | who |");
    assert_eq!(numbers(&roles), codes(Kind::MEET, &[&[0, 1][..], &[7; 16]].concat()));
    let purposes = table("| purpose | what for |");
    assert_eq!(numbers(&purposes), codes(Kind::CALL, &[0, 0, 0, 1]));
    let changes = table("| change | what |");
    assert_eq!(numbers(&changes), codes(Kind::NEWS, &[0; 40]));
    let partings = table("| reason | meaning | what the other person is told |");
    assert_eq!(numbers(&partings), codes(Kind::BYE, &[]));

    let outcomes = table("| outcome | name | answers | what the person is told |");
    assert_eq!(numbers(&outcomes), codes(Kind::DONE, &[0, 0, 0, 1]));
    for row in outcomes {
        let code = row[0].parse().expect("a number");
        let raw = RawFrame { kind: Kind::DONE, body: Bytes::from(vec![0, 0, 0, 1, code]) };
        assert_eq!(decoded(raw).0, format!("request 1, {}", row[1]));
    }
}

#[test]
fn every_vector_holds() {
    for row in vectors() {
        let stream = bytes(row[1]);
        assert_eq!(Kind(stream[0]).name(), Some(row[0]));
        assert_eq!(decoded(only(&stream)), (row[2].into(), stream));
    }
}

#[test]
fn every_kind_has_a_vector() {
    let shown: BTreeSet<_> = vectors().into_iter().map(|row| row[0]).collect();
    let known: BTreeSet<_> = Kind::all().filter_map(Kind::name).filter(|name| *name != "RESUME").collect();
    assert_eq!(shown, known);
}

#[test]
fn the_safety_number_holds() {
    let login = vectors().into_iter().filter(|row| row[0] == "LOGIN").nth(2).expect("a login of a device");
    let Hello::Login { device: Some(proof), .. } = Hello::decode(only(&bytes(login[1]))).expect("a login")
    else {
        panic!("it proves a device")
    };
    let luke = DeviceKey([0x3d; DeviceKey::BYTES]);
    let name = |name: &str| Name::parse(name.as_bytes()).expect("a name");
    let number = SafetyNumber::of((name("luke"), luke), (name("hans"), proof.key));
    assert!(PAGE.contains(&format!("for `luke`, it is `{number}`")), "{number}");
}

#[test]
fn every_faulty_vector_is_its_fault() {
    let mut shown = BTreeSet::new();
    for row in table("| state | bytes | fault |") {
        let phase = match row[0] {
            "before login" => Phase::BeforeLogin,
            "online" => Phase::Online,
            "from server" => Phase::FromServer,
            "from peer" => Phase::FromPeer,
            other => panic!("the state {other}"),
        };
        let heard = hear(phase, [(&bytes(row[1])[..], false)]);
        let in_a_body = || heard.frames.into_iter().find_map(|raw| again(phase, raw).err());
        let fault = heard.fault.or_else(in_a_body).expect("a fault");
        assert_eq!(format!("{fault:?}"), row[2], "{row:?}");
        shown.insert(fault);
    }
    let of_sessions = [PeerFault::BadAck, PeerFault::TooMany, PeerFault::BadProof];
    assert!(PeerFault::ALL.iter().all(|fault| shown.contains(fault) || of_sessions.contains(fault)));
}
