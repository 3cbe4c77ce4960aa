//! Shutting a person out of his account, and coming as a device that one is not.

use std::time::Duration;

use starling_core::device::{DeviceKey, DeviceProof};
use starling_core::id::ConnId;
use starling_core::server::{Config, LockoutScope};
use starling_core::wire::{LoginRefusal, PeerFault, ServerFrame};

use crate::support::house::{House, PASSWORD, encoded, login, proof};

const BLOCK_DURATION: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How often the attacker comes: whenever the lock of the last time has just ended.
const WINDOW: Duration = Duration::from_millis(60_100);
/// Devices: of the victim, and of somebody else.
const HIS: u8 = 1;
const FOREIGN: u8 = 9;

fn house(scope: LockoutScope) -> House {
    let mut config = Config::new(BLOCK_DURATION, DAY);
    config.lockout_scope = scope;
    House::with(config, &["hans"])
}

/// An attempt on a connection of its own, from a device or from none: what came of it.
fn attempt(house: &mut House, device: Option<u8>, password: &str) -> ServerFrame {
    let conn = house.greeted();
    match device {
        Some(key) => house.knock_from(conn, b"hans", password.as_bytes(), proof(key, conn)),
        None => house.knock(conn, b"hans", password.as_bytes()),
    }
    house.pass(Duration::from_millis(10));
    let answer = house.take(conn).swap_remove(0);
    house.server.check();
    house.forget(conn);
    answer
}

fn is_welcome(answer: &ServerFrame) -> bool {
    matches!(answer, ServerFrame::Welcome { .. })
}

fn is_locked(answer: &ServerFrame) -> bool {
    matches!(answer, ServerFrame::LoginRefused(LoginRefusal::Locked { .. }))
}

/// Fails until that locks.
fn fail_thrice(house: &mut House, device: Option<u8>) {
    for left in [2, 1, 0] {
        let answer = attempt(house, device, "guess");
        let expected = match left {
            0 => LoginRefusal::LockedNow { seconds: 60 },
            _ => LoginRefusal::TryAgain,
        };
        assert_eq!(answer, ServerFrame::LoginRefused(expected));
    }
}

/// A day of an attacker who keeps the account locked, with devices and without.
#[test]
fn t07_a_lock_does_not_shut_out_a_known_device() {
    let mut house = house(LockoutScope::Device);
    assert!(is_welcome(&attempt(&mut house, Some(HIS), PASSWORD)));
    let mut welcomes = 0;
    for window in 0..DAY.as_millis() / WINDOW.as_millis() {
        let start = house.now;
        fail_thrice(&mut house, [None, Some(FOREIGN)][usize::from(window % 2 == 0)]);
        for other in [None, Some(FOREIGN)] {
            assert!(is_locked(&attempt(&mut house, other, PASSWORD)), "an unknown device stays refused");
        }
        assert!(is_welcome(&attempt(&mut house, Some(HIS), PASSWORD)), "window {window}");
        welcomes += 1;
        let spent = house.now - start;
        house.pass(WINDOW - spent);
    }
    assert!(welcomes >= 1_000);
}

#[test]
fn t07_a_known_device_locks_only_itself() {
    let mut house = house(LockoutScope::Device);
    for device in [1, 2] {
        assert!(is_welcome(&attempt(&mut house, Some(device), PASSWORD)));
    }
    fail_thrice(&mut house, Some(1));
    let looked_at = house.verified.len();
    assert!(is_locked(&attempt(&mut house, Some(1), PASSWORD)));
    assert_eq!(house.verified.len(), looked_at, "the password is not looked at");
    for free in [Some(2), Some(FOREIGN), None] {
        assert!(is_welcome(&attempt(&mut house, free, PASSWORD)), "{free:?}");
    }
    house.pass(BLOCK_DURATION);
    assert!(is_welcome(&attempt(&mut house, Some(1), PASSWORD)));
}

/// Only the latest are known: an older one is counted among all others again, and leaves nothing behind.
#[test]
fn t07_so_many_devices_are_known_and_no_more() {
    let mut house = house(LockoutScope::Device);
    for device in 0..=16 {
        assert!(is_welcome(&attempt(&mut house, Some(device), PASSWORD)));
        assert_eq!(
            attempt(&mut house, Some(device), "guess"),
            ServerFrame::LoginRefused(LoginRefusal::TryAgain)
        );
    }
    house.pass(Duration::from_secs(1));
    assert_eq!((house.store.devices.len(), house.store.failures.len()), (16, 16));
    fail_thrice(&mut house, None);
    assert!(is_locked(&attempt(&mut house, Some(0), PASSWORD)));
    assert!((1..=16).all(|device| is_welcome(&attempt(&mut house, Some(device), PASSWORD))));
}

/// Whoever has the password may come with new devices for ever: what is written of them is bounded, also of
/// those whose locks have ended.
#[test]
fn t07_devices_that_are_forgotten_leave_nothing_on_the_disk() {
    let mut house = house(LockoutScope::Device);
    for device in 0..60 {
        assert!(is_welcome(&attempt(&mut house, Some(device), PASSWORD)));
        fail_thrice(&mut house, Some(device));
        house.pass(WINDOW);
    }
    house.pass(Duration::from_secs(1));
    assert_eq!((house.store.devices.len(), house.store.failures.len()), (16, 16));
}

/// By default a lock is that of the account, whatever the device.
#[test]
fn t07_by_default_a_lock_is_for_all_devices() {
    let mut house = house(LockoutScope::Account);
    assert!(is_welcome(&attempt(&mut house, Some(HIS), PASSWORD)));
    fail_thrice(&mut house, None);
    for device in [Some(HIS), Some(FOREIGN), None] {
        assert!(is_locked(&attempt(&mut house, device, PASSWORD)));
    }
}

/// Right passwords at once from devices with doors of their own: one is inside, the others are told so.
#[test]
fn t18_doors_of_one_account_lead_into_one_home() {
    let mut house = house(LockoutScope::Device);
    for device in [1, 2] {
        assert!(is_welcome(&attempt(&mut house, Some(device), PASSWORD)));
    }
    house.verdicts = Some(Vec::new());
    let conns: Vec<ConnId> = (0..3).map(|_| house.greeted()).collect();
    for (conn, device) in conns.iter().zip([1, 2, FOREIGN]) {
        house.knock_from(*conn, b"hans", PASSWORD.as_bytes(), proof(device, *conn));
    }
    (0..3).for_each(|_| house.verdict());
    house.server.check();
    let insides = |house: &mut House| {
        let welcomed = conns.iter().map(|conn| house.take(*conn).iter().any(is_welcome));
        welcomed.collect::<Vec<_>>()
    };
    assert_eq!(insides(&mut house), [true, false, false]);
    // The first is silent when it is asked whether it is there, and so is each after it.
    house.pass(Duration::from_secs(3));
    assert_eq!(insides(&mut house), [false, true, false]);
    house.pass(Duration::from_secs(3));
    assert_eq!(insides(&mut house), [false, false, true]);
    house.server.check();
}

/// A proof that was overheard, relayed, or made up: the connection ends, no password is looked at, and nobody
/// has failed.
#[test]
fn t45_a_proof_is_good_for_its_device_and_its_connection() {
    for scope in [LockoutScope::Account, LockoutScope::Device] {
        let mut house = house(scope);
        assert!(is_welcome(&attempt(&mut house, Some(HIS), PASSWORD)));
        let (looked_at, written) = (house.verified.len(), house.store.writes);
        let elsewhere = house.greeted();
        let stolen = proof(HIS, elsewhere);
        let wrong: [fn(DeviceProof, DeviceProof) -> DeviceProof; 4] = [
            |_, stolen| stolen,
            |own, _| DeviceProof { key: DeviceKey([FOREIGN; DeviceKey::BYTES]), ..own },
            |own, stolen| DeviceProof { signature: stolen.signature, ..own },
            |mut own, _| {
                own.signature[63] ^= 1;
                own
            },
        ];
        for (number, make) in wrong.iter().enumerate() {
            let conn = house.greeted();
            let false_proof = make(proof(HIS, conn), stolen);
            house.knock_from(conn, b"hans", PASSWORD.as_bytes(), false_proof);
            assert_eq!(house.take(conn), [ServerFrame::Fault(PeerFault::BadProof)], "number {number}");
            assert!(house.is_closed(conn));
        }
        house.pass(Duration::from_secs(1));
        assert_eq!((house.verified.len(), house.store.writes), (looked_at, written), "nothing is counted");
        house.server.check();
    }
}

/// A proof that ends early, wherever it does.
#[test]
fn t45_half_a_proof_is_none() {
    let mut house = house(LockoutScope::Device);
    let whole = encoded(&login(b"hans", PASSWORD.as_bytes()).frame());
    let flag = whole.len() - 1;
    for len in 0..DeviceKey::BYTES + DeviceProof::SIGNATURE_BYTES {
        let conn = house.greeted();
        let mut bytes = [&whole[..flag], &[1], &vec![7; len]].concat();
        bytes[3] = u8::try_from(bytes.len() - 4).expect("a short frame");
        house.bytes(conn, bytes);
        assert_eq!(house.take(conn), [ServerFrame::Fault(PeerFault::Truncated)]);
        house.forget(conn);
    }
    assert!(house.verified.is_empty());
}
