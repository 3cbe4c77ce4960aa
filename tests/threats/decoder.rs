//! Lengths, kinds, versions and bodies that no decoder should believe.

use allocation_counter::measure;
use bytes::Bytes;
use starling_core::id::ConnId;
use starling_core::wire::{
    HEAD_BYTES, Hello, Kind, PeerFault, Phase, RawFrame, Reader, Request, ServerFrame, VERSION,
};
use starling_sim::fuzzing;

use crate::support::frames::{LENGTHS, PHASES, any_frame, break_body, framed, head, requests};
use crate::support::house::{House, encoded, outcome};
use crate::support::{dice, noise, one_of, pick, tenth_of};

/// Bodies of noise for each length, on connections of their own, twice over.
const BODIES: usize = 1_000;
/// Frames of a user who breaks one in ten, if the attack is whole.
const BROKEN_STEPS: u32 = 100_000_000;
/// Streams of frames that are read and written again.
const ROUND_TRIPS: u32 = 1_000_000;

/// The head alone decides: whatever length it claims, nothing is allocated for it, and a claim beyond the
/// limit of its kind in this state is a fault at once.
#[test]
fn t01_a_length_is_judged_before_anything_is_allocated() {
    for phase in PHASES {
        for kind in 0..=u8::MAX {
            for len in LENGTHS {
                let mut reader = Reader::new();
                let claim = Bytes::copy_from_slice(&head(kind, len));
                let mut judged = Ok(None);
                let used = measure(|| {
                    reader.feed(claim);
                    judged = reader.next(phase);
                });
                let allowed = Kind(kind).body_max(phase).and_then(|max| match len <= max {
                    true => Ok(()),
                    false => Err(PeerFault::TooLong),
                });
                assert_eq!(judged.map(drop), allowed, "{kind:#x} {len} {phase:?}");
                assert!(used.bytes_max <= 16, "{} bytes for {kind:#x} {len} {phase:?}", used.bytes_max);
            }
        }
    }
}

/// While the body comes, piece by piece, the memory follows what came and not what was claimed.
#[test]
fn t01_memory_follows_what_came() {
    let mut dice = dice(1);
    for phase in PHASES {
        for kind in Kind::all() {
            let Ok(max) = kind.body_max(phase) else { continue };
            let mut reader = Reader::new();
            reader.feed(Bytes::copy_from_slice(&head(kind.0, max)));
            let mut came = HEAD_BYTES;
            while came < HEAD_BYTES + max {
                let piece = noise(&mut dice, 1_000.min(HEAD_BYTES + max - came));
                came += piece.len();
                let piece = Bytes::from(piece);
                let used = measure(|| {
                    reader.feed(piece);
                    let frame = reader.next(phase).expect("the head was good");
                    assert_eq!(frame.is_some(), came == HEAD_BYTES + max);
                });
                let most = 2 * u64::try_from(came).expect("it fits") + 64;
                assert!(used.bytes_max <= most, "{kind:?}: {} bytes after {came}", used.bytes_max);
            }
        }
    }
}

/// The same lengths at a server, with bodies of noise: each connection is waited for or closed with a fault,
/// and a thousand of them leave nothing behind.
#[test]
fn t01_noise_at_the_door_leaves_nothing_behind() {
    let mut house = House::new(&["hans", "luke"]);
    let luke = house.login("luke");
    let mut dice = dice(2);
    let mut attack = |house: &mut House| {
        for len in LENGTHS {
            for _ in 0..BODIES {
                let body = noise(&mut dice, len.min(5_000));
                let kind = one_of(&mut dice, &[1, 2, 3, 4, 5, 0x10, 0x50, 0x80, 0xff]);
                let conn = house.open();
                house.bytes(conn, [&head(*kind, len)[..], &body].concat());
                let said = house.take(conn);
                let fault = matches!(said[..], [ServerFrame::Fault(_)]);
                assert!(said.is_empty() || fault, "{said:?}");
                assert_eq!(house.is_closed(conn), fault);
                house.forget(conn);
            }
        }
    };
    attack(&mut house);
    let used = measure(|| attack(&mut house));
    assert!(used.bytes_current < 1024 * 1024, "{} bytes are left behind", used.bytes_current);
    assert_eq!(house.take(luke), []);
    assert_eq!((house.store.writes, house.verified.len()), (0, 1), "only luke's password was looked at");
}

/// What a reader and the decoder say of one frame of a user.
fn judged(frame: &[u8]) -> Result<Request, PeerFault> {
    let mut reader = Reader::new();
    reader.feed(Bytes::copy_from_slice(frame));
    reader.next(Phase::Online)?.map_or(Err(PeerFault::Truncated), Request::decode)
}

/// A broken frame ends the session it came on, with the fault that is its own, and no other.
#[test]
fn t12_a_broken_frame_ends_its_own_session_only() {
    let mut house = House::new(&["hans", "luke", "yoda"]);
    let (luke, yoda) = (house.login("luke"), house.login("yoda"));
    let mut hans = house.login("hans");
    let mut dice = dice(12);
    let mut faults = std::collections::BTreeSet::new();
    for step in 1..=tenth_of(BROKEN_STEPS) {
        // He may be as fast as he likes; that is another threat.
        house.pass(std::time::Duration::from_millis(3));
        let mut frame = encoded(&one_of(&mut dice, &requests(step, "luke")).frame());
        if dice.below(10) == 0 {
            match dice.below(2) {
                0 => break_body(&mut dice, &mut frame),
                _ => frame = any_frame(&mut dice),
            }
        }
        house.bytes(hans, frame.clone());
        match judged(&frame) {
            Err(fault) => {
                faults.insert(fault.code());
                assert_eq!(house.take(hans).pop(), Some(ServerFrame::Fault(fault)));
                assert!(house.is_closed(hans));
            }
            Ok(Request::Ack { seq }) if house.is_closed(hans) => {
                faults.insert(PeerFault::BadAck.code());
                assert!(seq > starling_core::id::Seq::START);
            }
            Ok(_) => {}
        }
        hans = again(&mut house, hans);
        if step % 64 == 0 {
            house.server.check();
            assert_eq!(serves(&mut house, luke, yoda, step), [true, true]);
        }
    }
    assert!(faults.len() >= 8, "only the faults {faults:?} were tried");
}

/// His next connection, if this one has ended.
fn again(house: &mut House, conn: ConnId) -> ConnId {
    if !house.is_closed(conn) {
        house.take_frames(conn);
        return conn;
    }
    house.forget(conn);
    house.login("hans")
}

/// Whether two others are still served: one asks, the other is told something.
fn serves(house: &mut House, asks: ConnId, hears: ConnId, number: u32) -> [bool; 2] {
    house.ask(hears, &Request::Active);
    house.take_frames(hears);
    let broadcast = requests(number, "yoda").swap_remove(1);
    let answered = outcome(&house.asked(asks, &broadcast), number).is_some();
    let heard = house.take(hears).iter().any(|frame| matches!(frame, ServerFrame::Cast { .. }));
    [answered, heard]
}

/// What is read is copied at most twice, however small the pieces are in which it comes, and a reader of
/// many small frames allocates for none of them.
#[test]
fn t56_reading_costs_what_was_sent() {
    let max = Kind::GREETING.body_max(Phase::FromServer).expect("allowed");
    let stream = framed(Kind::GREETING.0, &vec![b'x'; max]);
    let mut reader = Reader::new();
    let pieces: Vec<Bytes> = stream.chunks(1).map(Bytes::copy_from_slice).collect();
    let used = measure(|| {
        for piece in pieces {
            reader.feed(piece);
            drop(reader.next(Phase::FromServer));
        }
    });
    let most = 4 * u64::try_from(stream.len()).expect("it fits");
    assert!(used.bytes_total <= most, "{} bytes for {}", used.bytes_total, stream.len());

    let small = Bytes::from([Kind::ACTIVE.0, 0, 0, 0].repeat(16_000));
    let used = measure(|| {
        reader.feed(small);
        while let Ok(Some(_)) = reader.next(Phase::Online) {}
    });
    assert!(used.count_total <= 1, "{} allocations", used.count_total);
}

/// A frame makes no more work or memory than a small multiple of its bytes, whatever stands in it.
#[test]
fn t56_the_worst_bodies_are_decoded_in_proportion() {
    let max = Kind::NAMES.body_max(Phase::FromServer).expect("allowed");
    let mut names = vec![0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1];
    names.extend([1, b'x'].repeat((max - names.len()) / 2));
    let mut presence = vec![0; 8];
    presence.extend([1, 1, b'x'].repeat((max - presence.len()) / 3));
    for (kind, body) in [(Kind::NAMES, names), (Kind::PRESENCE, presence)] {
        let raw = RawFrame { kind, body: Bytes::from(body) };
        let mut decoded = None;
        let used = measure(|| decoded = Some(ServerFrame::decode(raw)));
        assert!(matches!(decoded, Some(Ok(_))), "{kind:?}");
        // A name of one letter takes two bytes on the wire and 33 here; a list that grows is copied once more.
        let most = 70 * u64::try_from(max).expect("it fits");
        assert!(used.bytes_total <= most, "{kind:?}: {} bytes", used.bytes_total);
        assert!(used.count_total <= 20, "{kind:?}: {} allocations", used.count_total);
    }
}

/// Every version but ours is told so by name, before anything else in the frame is looked at.
#[test]
fn t60_another_version_is_refused_by_name() {
    let mut house = House::new(&["hans"]);
    let good = encoded(&Hello::Hello { version: VERSION, product: "test".into() }.frame());
    let place = HEAD_BYTES + b"STARLING".len();
    for version in (0..=300).chain([0x0100, 0x7fff, 0x8000, u16::MAX - 1, u16::MAX]) {
        let mut hello = good.clone();
        hello[place..place + 2].copy_from_slice(&version.to_be_bytes());
        if version != VERSION {
            // A later version may say more, and nothing of it is understood.
            hello = framed(hello[0], &[&hello[HEAD_BYTES..], &[0xff; 100]].concat());
        }
        let conn = house.open();
        house.bytes(conn, hello);
        match house.take(conn)[..] {
            [ServerFrame::Greeting(_)] => assert_eq!(version, VERSION),
            [ServerFrame::Fault(PeerFault::Version)] => assert_ne!(version, VERSION),
            ref other => panic!("{version}: {other:?}"),
        }
        assert_eq!(house.is_closed(conn), version != VERSION);
        house.forget(conn);
    }
}

/// Unknown kinds, reserved bits and fields that follow the last one have an answer of their own; none is
/// passed over.
#[test]
fn t60_what_is_unknown_is_a_fault_and_not_ignored() {
    let mut house = House::new(&["hans", "luke"]);
    for kind in (0..=u8::MAX).filter(|kind| Kind(*kind).name().is_none()) {
        let hans = house.login("hans");
        house.bytes(hans, framed(kind, b""));
        assert_eq!(house.take(hans), [ServerFrame::Fault(PeerFault::UnknownKind)], "{kind:#x}");
        house.forget(hans);
    }
    for request in requests(1, "luke") {
        let frame = encoded(&request.frame());
        let extended = framed(frame[0], &[&frame[HEAD_BYTES..], b"\0"].concat());
        // A text may hold anything, also what looks like a further field; so may a pattern.
        let is_text =
            matches!(request, Request::Message { .. } | Request::Broadcast { .. } | Request::Files { .. });
        match judged(&extended) {
            Err(PeerFault::Overlong | PeerFault::TooLong) => assert!(!is_text, "{request:?}"),
            // A list may go on, but not with half an item.
            Err(PeerFault::Truncated) => assert!(matches!(request, Request::Offers(_)), "{request:?}"),
            other => assert!(is_text && other.is_ok(), "{request:?}: {other:?}"),
        }
    }
}

/// Whatever can be read at all is written the same way, and means the same however it is cut: two versions
/// of a program cannot understand two things by one frame.
#[test]
fn t60_what_is_read_is_written_the_same_way() {
    let mut dice = dice(60);
    for round in 0..ROUND_TRIPS {
        let mut stream = noise(&mut dice, 1);
        (0..1 + pick(&mut dice, 4)).for_each(|_| stream.extend(any_frame(&mut dice)));
        match round % 4 {
            0 => fuzzing::frame_before_login(&stream),
            1 => fuzzing::frame_online(&stream),
            2 => fuzzing::frame_from_server(&stream),
            _ => fuzzing::frame_from_peer(&stream),
        }
    }
}

/// A peer that closes in the middle of anything is forgotten.
#[test]
fn t12_a_peer_may_leave_in_the_middle_of_a_frame() {
    let mut house = House::new(&["hans", "luke"]);
    let whole = encoded(&requests(1, "luke")[0].frame());
    for cut in 1..whole.len() {
        let hans = house.login("hans");
        house.bytes(hans, whole[..cut].to_vec());
        house.forget(hans);
        house.server.check();
    }
    assert_eq!(house.store.writes, 0);
}
