//! Clocks that jump: a day forwards, a day back, to the beginning of time and to its end.

use std::time::Duration;

use starling_core::name::{AccountName, Name};
use starling_core::seed::Dice;
use starling_core::store::{Batch, BatchKey, StoredDeadline, Write};
use starling_core::time::{Time, micros};
use starling_runtime::store::{Config, Moment, Store};
use starling_sim::Plan;
use starling_sim::fault::FaultKind;
use starling_sim::sweep::Sweep;

use crate::support::{dice, one_of};

const BLOCK_DURATION: Duration = Duration::from_secs(60);
const HOUR: u64 = 3_600_000_000;
/// Reboots after which the wall clock says anything. There are 10,000.
const REBOOTS: usize = 10_000;
/// Simulated worlds in which the server's computer boots with a wrong clock, among everything else.
const WORLDS: u64 = 500;
/// The wall clock at the beginning, microseconds since 1970.
const WALL: u64 = 1_700_000_000_000_000;

/// What a wall clock may say after a while that was `passed` long.
fn wall_after(dice: &mut Dice, passed: u64) -> u64 {
    let honest = WALL + passed;
    let jump = dice.below(25 * HOUR);
    match dice.below(7) {
        0 => honest,
        1 => honest + jump,
        2 => honest - jump,
        // Summer begins, or ends.
        3 => honest + HOUR,
        4 => honest - HOUR,
        5 => *one_of(dice, &[0, 1, u64::MAX - 1, u64::MAX]),
        _ => dice.bits(),
    }
}

/// In the boot in which it was made a lock is exact, whatever the wall clock does; after a reboot it is never
/// longer than promised, and exact if the clock tells the truth.
#[test]
fn t53_a_lock_is_never_longer_than_promised() {
    let mut dice = dice(53);
    for _ in 0..REBOOTS {
        let made = Time::from_micros(dice.below(100 * HOUR));
        let until = made + BLOCK_DURATION;
        let kept = StoredDeadline { boot: 1, until, wall_until: WALL + micros(BLOCK_DURATION) };
        let passed = dice.below(2 * micros(BLOCK_DURATION));
        let wall = wall_after(&mut dice, passed);

        let same = kept.revive(1, made + Duration::from_micros(passed), wall, BLOCK_DURATION);
        assert_eq!(same, until);

        let now = Time::from_micros(dice.below(100 * HOUR));
        let revived = kept.revive(2, now, wall, BLOCK_DURATION);
        assert!(revived >= now && revived - now <= BLOCK_DURATION, "{:?}", revived - now);
        if wall == WALL + passed {
            let left = micros(BLOCK_DURATION).saturating_sub(passed);
            assert_eq!(revived - now, Duration::from_micros(left));
        }
    }
}

/// The same with the real store, over reboots in a row, each with a clock of its own.
#[test]
fn t53_the_store_keeps_a_lock_over_reboots_and_no_longer_than_promised() {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let hans = Name::parse(b"hans").expect("a name");
    let account = AccountName::from(hans);
    let mut dice = dice(54);
    for boot in 1..=20 {
        let now = Time::from_micros(dice.below(HOUR));
        let at = Moment { now, wall: wall_after(&mut dice, 0) };
        let config = Config { block_duration: BLOCK_DURATION, boot, at, server: 7 };
        let (mut store, snapshot) = Store::open(folder.path(), &[hans], &config).expect("a store");
        for record in &snapshot.failures {
            let until = record.locked_until.expect("a lock");
            assert!(until <= now + BLOCK_DURATION, "boot {boot}: {:?} are left", until - now);
        }
        assert_eq!(snapshot.failures.len(), usize::from(boot > 1), "it is kept");
        let lock =
            Write::Failures { account, device: None, count: 3, locked_until: Some(now + BLOCK_DURATION) };
        let batch = Batch { key: BatchKey { epoch: snapshot.epoch, number: 1 }, writes: vec![lock] };
        store.commit(&batch, at).expect("it is committed");
    }
}

/// Everything together: locks and time-outs to the tick, in worlds whose clocks drift, jump and begin anew.
#[test]
fn t53_worlds_with_wrong_clocks_keep_every_promise() {
    let sweep = Sweep::over(Plan::default(), 1_000_000..1_000_000 + WORLDS);
    assert!(sweep.failed.is_empty(), "{:?}", sweep.failed.first());
    for fault in [FaultKind::WallJump, FaultKind::Drift, FaultKind::LateAlarm] {
        assert!(sweep.faults.of(fault) >= 10, "{fault} struck {} times", sweep.faults.of(fault));
    }
}
