//! What is there again after a restart.

use starling_core::device::DeviceKey;
use starling_core::id::ServerId;
use starling_core::store::{FailureRecord, LetterHead};

use super::*;

#[test]
fn a_new_folder_is_empty_and_its_first_epoch_is_1() {
    let home = Home::new();
    assert_eq!(home.snapshot.epoch, Epoch(1));
    assert_eq!(home.snapshot.server, ServerId(CONFIG.server));
    assert_eq!(home.snapshot.failures, []);
    let mut users: Vec<_> = home.snapshot.users.iter().collect();
    users.sort_by_key(|user| user.id);
    for (user, name) in users.into_iter().zip(MEMBERS) {
        assert_eq!(user.name.as_str(), name);
        assert!(user.listed && user.blocks.is_empty() && user.letters.is_empty() && user.marks.is_empty());
    }
}

#[test]
fn everything_is_there_again() {
    let mut home = Home::new();
    let (hans, yoda, luke) = (home.user("hans"), home.user("yoda"), home.user("luke"));
    let odd = "two  spaces, a tab\t, a NUL\0, \u{202e}and \u{1f600}";
    let id = MsgId { instance: u64::MAX, counter: u64::MAX };
    let second = Write::Letter { to: luke, seq: home.seq(2), from: yoda, id, text: text(odd) };
    let first = home.letter(1);
    home.commit(vec![first, second, Write::Block { by: luke, whom: hans, on: true }]).unwrap();
    let lock = Some(AT.now + Duration::from_secs(60));
    home.commit(vec![
        Write::Block { by: yoda, whom: hans, on: true },
        Write::Block { by: yoda, whom: hans, on: false },
        failures(b"hans", 2, None),
        failures(b"not a name \xff", 0, lock),
        failures(b"yoda", 1, None),
        failures(b"yoda", 0, None),
    ])
    .unwrap();

    let (server, seqs) = (home.snapshot.server, [home.seq(1), home.seq(2)]);
    let snapshot = home.reopen().clone();
    assert_eq!((snapshot.server, snapshot.epoch), (server, Epoch(2)));
    assert_eq!([home.user("hans"), home.user("yoda"), home.user("luke")], [hans, yoda, luke]);
    let kept = record(&snapshot, "luke");
    assert_eq!(kept.blocks, [hans]);
    assert_eq!(record(&snapshot, "yoda").blocks, []);
    let bytes = u32::try_from(odd.len()).unwrap();
    let heads =
        [LetterHead { seq: seqs[0], from: hans, bytes: 5 }, LetterHead { seq: seqs[1], from: yoda, bytes }];
    assert_eq!(kept.letters, heads);
    assert_eq!(kept.marks, [(hans, MsgId { instance: 1, counter: 1 }), (yoda, id)]);
    let failed = |account, count, locked_until| {
        let account = AccountName::of(account);
        FailureRecord { account, device: None, count, locked_until }
    };
    let (hans_failed, locked) = (failed(b"hans", 2, None), failed(b"not a name \xff", 0, lock));
    assert_eq!(snapshot.failures, [hans_failed, locked]);
    let letters = home.mailbox();
    assert_eq!(letters[1], StoredLetter { seq: seqs[1], from: names(&["yoda"])[0], id, text: text(odd) });
}

#[test]
fn devices_and_their_failures_are_kept_in_order() {
    let mut home = Home::new();
    let (hans, yoda) = (home.user("hans"), home.user("yoda"));
    let [old, middle, new] = [9, 1, 5].map(|n| DeviceKey([n; DeviceKey::BYTES]));
    let device = |user, key, on| Write::Device { user, key, on };
    let failed = |device, count| Write::Failures {
        account: AccountName::of(b"hans"),
        device,
        count,
        locked_until: None,
    };
    home.commit(vec![device(hans, old, true), device(hans, middle, true), device(yoda, old, true)]).unwrap();
    home.commit(vec![failed(None, 1), failed(Some(old), 2), failed(Some(new), 2)]).unwrap();
    home.commit(vec![device(hans, new, true), device(hans, old, true), failed(Some(new), 0)]).unwrap();
    home.reopen();
    home.commit(vec![device(hans, middle, false), device(hans, middle, true)]).unwrap();
    let snapshot = home.reopen();
    assert_eq!(record(snapshot, "hans").devices, [old, new, middle]);
    assert_eq!(record(snapshot, "yoda").devices, [old]);
    let counted: Vec<_> = snapshot.failures.iter().map(|record| (record.device, record.count)).collect();
    assert_eq!(counted, [(None, 1), (Some(old), 2)]);
}

#[test]
fn a_user_number_is_never_used_again() {
    let mut home = Home::new();
    let yoda = home.user("yoda");
    let without = home.reopen_as(&["hans", "luke", "leia"], &CONFIG).clone();
    assert!(without.users.iter().all(|user| user.listed == (user.id != yoda)));
    home.reopen();
    assert_eq!(home.user("yoda"), yoda);
}

#[test]
fn what_belongs_to_those_who_left_waits_for_them() {
    let mut home = Home::new();
    let (hans, luke) = (home.user("hans"), home.user("luke"));
    let letter = home.letter(1);
    home.commit(vec![letter, Write::Block { by: luke, whom: hans, on: true }]).unwrap();
    home.reopen_as(&["hans", "yoda"], &CONFIG);
    let luke_alone = home.reopen_as(&["luke"], &CONFIG).clone();
    let record = record(&luke_alone, "luke");
    assert_eq!((record.letters.len(), record.blocks.as_slice()), (1, [hans].as_slice()));
    assert_eq!(home.mailbox()[0].from.as_str(), "hans");
}

#[test]
fn new_names_of_changed_credentials_are_numbered_and_stay_so() {
    let mut home = Home::new();
    let hans = home.user("hans");
    let numbered = home.store().assign(&names(&["leia", "hans"])).unwrap();
    assert_eq!(numbered[1], (hans, names(&["hans"])[0]));
    let again = home.store().assign(&names(&["leia"])).unwrap();
    assert_eq!(again, numbered[..1]);
    home.reopen_as(&["leia"], &CONFIG);
    assert_eq!(home.user("leia"), numbered[0].0);
}

#[test]
fn a_lock_is_exact_in_its_boot_whatever_the_wall_clock_does() {
    let mut home = Home::new();
    let until = AT.now + Duration::from_secs(60);
    home.commit(vec![failures(b"hans", 0, Some(until))]).unwrap();
    for wall in [0, AT.wall + 90_000_000_000] {
        let later = Config { at: Moment { now: AT.now + Duration::from_secs(30), wall }, ..CONFIG };
        assert_eq!(home.reopen_as(&MEMBERS, &later).failures[0].locked_until, Some(until));
    }
}

#[test]
fn a_lock_outlives_a_reboot_by_what_was_left_and_no_more() {
    let mut home = Home::new();
    home.commit(vec![failures(b"hans", 0, Some(AT.now + Duration::from_secs(60)))]).unwrap();
    let now = Time::from_secs(5);
    let rebooted = Config { boot: 8, at: Moment { now, wall: AT.wall + 20_000_000 }, ..CONFIG };
    let revived = Some(now + Duration::from_secs(40));
    assert_eq!(home.reopen_as(&MEMBERS, &rebooted).failures[0].locked_until, revived);
    // Now it counts in the new boot: a wall clock that is set back does not lengthen it.
    let set_back = Config { boot: 8, at: Moment { now: now + Duration::from_secs(10), wall: 0 }, ..CONFIG };
    assert_eq!(home.reopen_as(&MEMBERS, &set_back).failures[0].locked_until, revived);
    // After yet another reboot with a clock that lies, the remainder is the longest lock at most.
    let lying = Config { boot: 9, at: Moment { now, wall: 0 }, ..CONFIG };
    let longest = Some(now + CONFIG.block_duration);
    assert_eq!(home.reopen_as(&MEMBERS, &lying).failures[0].locked_until, longest);
}

#[test]
fn a_lock_that_ended_is_kept_as_it_is() {
    let mut home = Home::new();
    let until = AT.now + Duration::from_secs(1);
    home.commit(vec![failures(b"hans", 0, Some(until))]).unwrap();
    let later = Config { at: Moment { now: AT.now + Duration::from_secs(100), ..AT }, ..CONFIG };
    assert_eq!(home.reopen_as(&MEMBERS, &later).failures[0].locked_until, Some(until));
}

#[test]
fn a_copy_of_the_files_at_any_moment_opens_with_all_that_was_committed() {
    let mut home = Home::new();
    for count in 1..=5 {
        let letter = home.letter(count);
        home.commit(vec![letter]).unwrap();
        let copy = copy_of(&home.path);
        let (_store, snapshot) = open(copy.path()).unwrap();
        assert_eq!(record(&snapshot, "luke").letters.len() as u64, count);
        assert_eq!(snapshot.epoch, Epoch(2));
    }
}

#[test]
fn a_log_that_is_torn_anywhere_gives_whole_batches_up_to_there() {
    let mut home = Home::new();
    for count in 0..4 {
        let pair = vec![home.letter(2 * count + 1), home.letter(2 * count + 2)];
        home.commit(pair).unwrap();
    }
    let log = std::fs::metadata(home.path.join("starling.db-wal")).unwrap().len();
    let mut seen = 0;
    for left in (0..=log).step_by(2053).chain([log]) {
        let copy = copy_of(&home.path);
        let file = std::fs::OpenOptions::new().write(true).open(copy.path().join("starling.db-wal")).unwrap();
        file.set_len(left).unwrap();
        let (_store, snapshot) = open(copy.path()).unwrap();
        let letters = record(&snapshot, "luke").letters.len();
        assert!(letters.is_multiple_of(2) && letters >= seen, "{letters} letters of {left} bytes");
        seen = letters;
    }
    assert_eq!(seen, 8);
}

fn copy_of(path: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["starling.db", "starling.db-wal"] {
        std::fs::copy(path.join(file), copy.path().join(file)).unwrap();
    }
    copy
}
