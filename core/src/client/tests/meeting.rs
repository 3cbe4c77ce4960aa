//! Who is let in: passes, keys and roles, and the keys of others over time.

use super::pair::{HANS, LUKE, Pair, conn, key, person, vouch};
use super::*;
use crate::direct::{Pass, Role};
use crate::wire::PeerFrame;

const HANS_PASS: Pass = Pass([1; Pass::BYTES]);
const YODA_PASS: Pass = Pass([2; Pass::BYTES]);

/// luke, whom hans and yoda have asked for.
fn called_by_two() -> Rig {
    let mut luke = person("luke", key(2), Vec::new());
    for (named, byte, pass) in [("hans", 1, HANS_PASS), ("yoda", 3, YODA_PASS)] {
        luke.hears(vouch(named, key(byte), pass, Role::Called, RequestId(0)));
    }
    luke.did();
    luke
}

fn says(rig: &mut Rig, peer: u32, frames: &[PeerFrame]) {
    let mut bytes = Vec::new();
    frames.iter().for_each(|frame| frame.frame().encode_into(&mut bytes));
    rig.feed(Input::PeerReceived { peer: conn(peer), bytes: bytes.into() });
}

fn opens(rig: &mut Rig, peer: u32, byte: u8, pass: Option<Pass>) {
    rig.feed(Input::PeerOpened { peer: conn(peer), key: key(byte), pass });
}

/// hans comes by an honest connection, and is let in.
fn hans_is_still_welcome(luke: &mut Rig, peer: u32) {
    luke.did();
    opens(luke, peer, 1, None);
    says(luke, peer, &[PeerFrame::meet(HANS_PASS, Role::Caller), PeerFrame::Open]);
    let told = luke.told();
    assert_eq!(told[..2], [alloc::format!("{peer} < MEET"), alloc::format!("{peer} < OPENED")]);
    assert_eq!(told.last().map(String::as_str), Some("hans started a private session with you."));
}

#[test]
fn t45_only_key_pass_and_role_together_are_let_in() {
    let wrong_pass = Pass([7; Pass::BYTES]);
    for (byte, pass, role, why) in [
        (3, HANS_PASS, Role::Caller, "the pass of another one"),
        (1, YODA_PASS, Role::Caller, "a pass that is not for this key"),
        (1, wrong_pass, Role::Caller, "no pass of ours"),
        (1, HANS_PASS, Role::Called, "our own role"),
        (3, HANS_PASS, Role::Called, "the pass of another one, and our own role"),
        (3, wrong_pass, Role::Called, "nothing of it"),
    ] {
        let mut luke = called_by_two();
        opens(&mut luke, 1, byte, None);
        says(&mut luke, 1, &[PeerFrame::meet(pass, role), PeerFrame::Open]);
        assert_eq!(luke.told(), ["1 closed"], "{why}");
        hans_is_still_welcome(&mut luke, 2);
    }
}

#[test]
fn t45_a_key_that_nobody_vouched_for_is_not_listened_to() {
    let mut luke = called_by_two();
    opens(&mut luke, 1, 9, None);
    assert_eq!(luke.told(), ["1 closed"]);
    says(&mut luke, 1, &[PeerFrame::meet(HANS_PASS, Role::Caller)]);
    assert_eq!(luke.told(), [""; 0]);
    hans_is_still_welcome(&mut luke, 2);
}

#[test]
fn t45_what_we_say_is_no_use_when_it_comes_back() {
    let mut luke = called_by_two();
    opens(&mut luke, 1, 1, Some(HANS_PASS));
    assert_eq!(luke.told(), ["1 < MEET"]);
    says(&mut luke, 1, &[PeerFrame::meet(HANS_PASS, Role::Called)]);
    assert_eq!(luke.told(), ["1 closed"]);
    opens(&mut luke, 2, 1, Some(HANS_PASS));
    luke.did();
    says(&mut luke, 2, &[PeerFrame::meet(YODA_PASS, Role::Caller)]);
    assert_eq!(luke.told(), ["2 closed"], "what was dialed for one introduction is not for another");
    hans_is_still_welcome(&mut luke, 3);
}

#[test]
fn nothing_is_heard_before_the_first_frame() {
    let text = text("psst");
    for frame in [
        PeerFrame::Open,
        PeerFrame::Opened,
        PeerFrame::Whisper { text },
        PeerFrame::Heard { count: 0 },
        PeerFrame::Bye(crate::wire::Parting::Stopped),
    ] {
        let mut luke = called_by_two();
        opens(&mut luke, 1, 1, None);
        says(&mut luke, 1, core::slice::from_ref(&frame));
        assert_eq!(luke.told(), ["1 closed"], "{frame:?}");
        opens(&mut luke, 2, 1, None);
        says(&mut luke, 2, &[PeerFrame::meet(HANS_PASS, Role::Caller), frame.clone()]);
        let is_open = frame == PeerFrame::Open;
        assert_eq!(luke.told().contains(&"2 closed".into()), !is_open, "{frame:?}");
    }
}

#[test]
fn a_fault_ends_its_own_connection_only() {
    for bytes in [&b"\x70\0\0\x04\0\x02\xff\xff"[..], b"\xff\0\0\0", b"\x04\0\0\x05"] {
        let mut luke = called_by_two();
        opens(&mut luke, 1, 1, None);
        luke.feed(Input::PeerReceived { peer: conn(1), bytes: Bytes::copy_from_slice(bytes) });
        assert_eq!(luke.told(), ["1 closed"]);
        hans_is_still_welcome(&mut luke, 2);
    }
}

#[test]
fn counts_of_what_was_never_said_end_the_session() {
    for frames in [
        &[PeerFrame::Heard { count: 1 }][..],
        &[PeerFrame::Heard { count: u64::MAX }],
        &[PeerFrame::Open],
        &[PeerFrame::Opened],
        &[PeerFrame::meet(HANS_PASS, Role::Caller)],
    ] {
        let mut luke = called_by_two();
        hans_is_still_welcome(&mut luke, 1);
        says(&mut luke, 1, frames);
        assert_eq!(luke.told(), ["1 closed", "Private session with hans ended: connection lost."]);
    }
}

#[test]
fn a_flood_of_connections_is_bounded_and_forgotten() {
    let mut luke = called_by_two();
    for peer in 1..=10_000 {
        opens(&mut luke, peer, 1, None);
    }
    let closed = luke.told().len();
    assert!(closed >= 9_700, "{closed} of 10,000 were closed");
    luke.waits(Duration::from_secs(10));
    let late = luke.told().iter().filter(|words| words.ends_with(" closed")).count();
    assert_eq!(late, 10_000 - closed, "who says nothing is closed, too");
}

#[test]
fn a_flood_of_texts_after_a_goodbye_is_bounded() {
    let mut luke = called_by_two();
    hans_is_still_welcome(&mut luke, 1);
    luke.types("stopprivate hans");
    luke.did();
    let whispers: Vec<PeerFrame> = (0..100).map(|_| PeerFrame::Whisper { text: text("x") }).collect();
    says(&mut luke, 1, &whispers);
    assert_eq!(luke.told(), ["1 closed", "Private session with hans closed."]);
}

#[test]
fn who_was_not_asked_for_is_not_dialed() {
    let mut luke = person("luke", key(2), Vec::new());
    luke.hears(vouch("hans", key(1), HANS_PASS, Role::Caller, RequestId(1)));
    assert_eq!(luke.did(), [], "luke did not ask");
    luke.types("startprivate yoda");
    luke.did();
    luke.hears(vouch("hans", key(1), HANS_PASS, Role::Caller, RequestId(1)));
    luke.hears(vouch("yoda", key(3), YODA_PASS, Role::Caller, RequestId(2)));
    assert_eq!(luke.did(), [], "luke asked for somebody else, and with another number");
    luke.hears(vouch("yoda", key(3), YODA_PASS, Role::Caller, RequestId(1)));
    assert_eq!(luke.did().len(), 2, "he is expected and dialed");
}

#[test]
fn who_is_blocked_is_not_dialed() {
    let mut luke = person("luke", key(2), Vec::new());
    luke.types("block hans");
    luke.answers(1, Outcome::Accepted);
    luke.did();
    luke.hears(vouch("hans", key(1), HANS_PASS, Role::Called, RequestId(0)));
    assert_eq!(luke.did(), []);
}

/// What somebody knows of another one's key.
fn knows(named: &str, seen: u8, verified: Option<u8>) -> Vec<(Name, KnownKey)> {
    Vec::from([(name(named), KnownKey { key: key(seen), verified: verified.map(key) })])
}

#[test]
fn t38_a_changed_key_is_announced_on_both_sides() {
    let mut pair = Pair::knowing([knows("luke", 8, None), knows("hans", 9, None)]);
    pair.start(HANS);
    let warning = |of| alloc::format!("Warning. The key of {of} has changed. Compare it with: verify {of}");
    assert_eq!(pair.told(HANS), ["> CALL", &warning("luke"), "Private session with luke started."]);
    assert_eq!(pair.told(LUKE), [&warning("hans"), "hans started a private session with you."]);
    pair.types(HANS, "stopprivate luke");
    pair.deliver();
    pair.start(HANS);
    assert_eq!(pair.told(HANS)[1..], ["> CALL", "Private session with luke started."], "once");
}

#[test]
fn t38_a_changed_key_of_somebody_verified_is_refused() {
    let mut pair = Pair::knowing([knows("luke", 8, Some(8)), knows("hans", 1, Some(1))]);
    let changed = "Error. The key of luke has changed. Compare it with: verify luke";
    pair.types(HANS, "startprivate luke");
    pair.introduce(HANS);
    assert_eq!(pair.told(HANS), ["> CALL", changed]);
    pair.types(LUKE, "startprivate hans");
    pair.introduce(LUKE);
    pair.connect(LUKE);
    pair.deliver();
    assert_eq!((pair.told(HANS), pair.open()), (Vec::new(), Vec::new()), "who is called sees nothing");
    pair.waits(Duration::from_secs(10));
    assert_eq!(pair.told(LUKE), ["> CALL", "Error. Could not reach hans directly."]);

    pair.types(HANS, "verify luke ok");
    assert_eq!(pair.told(HANS), ["luke is verified."]);
    pair.start(HANS);
    assert_eq!(pair.told(HANS), ["> CALL", "Private session with luke started."]);
}

#[test]
fn both_read_the_same_number_once_a_key_is_known() {
    let mut pair = Pair::new();
    let unknown = "Error. No key of luke is known. Start a private session first.";
    for line in ["verify luke", "verify luke ok"] {
        pair.types(HANS, line);
        assert_eq!(pair.told(HANS), [unknown]);
    }
    pair.start(HANS);
    pair.told(HANS);
    pair.told(LUKE);
    pair.types(HANS, "verify luke");
    pair.types(LUKE, "verify hans");
    let numbers = [(HANS, "luke"), (LUKE, "hans")].map(|(who, other)| {
        let told = pair.told(who).remove(0);
        told.strip_prefix(&alloc::format!("Safety number with {other}: ")).expect("a number").to_string()
    });
    assert_eq!(numbers[0], numbers[1]);
    pair.types(HANS, "verify luke yes");
    assert_eq!(pair.told(HANS), ["Error. Usage: verify <user> [ok]"]);
}

#[test]
fn what_is_to_be_remembered_is_said_once() {
    let mut luke = called_by_two();
    opens(&mut luke, 1, 1, None);
    says(&mut luke, 1, &[PeerFrame::meet(HANS_PASS, Role::Caller), PeerFrame::Open]);
    let known = |verified| Action::Remember { user: name("hans"), known: KnownKey { key: key(1), verified } };
    assert!(luke.did().contains(&known(None)));
    luke.types("verify hans ok");
    assert!(luke.did().contains(&known(Some(key(1)))));
    luke.types("verify hans ok");
    assert!(!luke.did().iter().any(|action| matches!(action, Action::Remember { .. })));
}
