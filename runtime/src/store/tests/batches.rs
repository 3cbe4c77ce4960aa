//! Keys, repetitions, deletions, and a disk that is full.

use starling_core::people::marks::INSTANCES_MAX;

use super::*;

#[test]
fn a_batch_that_is_ordered_again_is_applied_once() {
    let mut home = Home::new();
    let letter = home.letter(1);
    let batch = home.batch(vec![letter]);
    home.store().commit(&batch, AT).unwrap();
    let luke = home.user("luke");
    let arrived = vec![Write::Arrived { user: luke, upto: home.seq(1) }];
    home.commit(arrived).unwrap();
    home.store().commit(&batch, AT).unwrap();
    assert_eq!(home.mailbox(), []);
}

#[test]
fn a_batch_of_another_life_is_refused() {
    let mut home = Home::new();
    let letter = home.letter(1);
    let batch = home.batch(vec![letter]);
    home.reopen();
    let refused = home.store().commit(&batch, AT);
    assert!(matches!(refused, Err(StoreError::Failed(_))), "{refused:?}");
    let key = BatchKey { epoch: Epoch(3), number: 1 };
    assert!(matches!(home.store().commit(&Batch { key, writes: vec![] }, AT), Err(StoreError::Failed(_))));
    assert_eq!(home.mailbox(), []);
}

#[test]
fn keeping_a_letter_again_changes_nothing() {
    let mut home = Home::new();
    let (first, second) = (home.letter_of(1, 9, "first"), home.letter_of(2, 9, "second"));
    home.commit(vec![first.clone(), second]).unwrap();
    let other = home.letter_of(1, 9, "other");
    home.commit(vec![other, first]).unwrap();
    let letters: Vec<_> = home.mailbox().iter().map(|l| l.text.as_str().to_owned()).collect();
    assert_eq!(letters, ["first", "second"]);
    let hans = home.user("hans");
    assert_eq!(record(home.reopen(), "luke").marks, [(hans, MsgId { instance: 9, counter: 2 })]);
}

#[test]
fn letters_that_arrived_are_gone_and_their_marks_stay() {
    let mut home = Home::new();
    let (hans, luke) = (home.user("hans"), home.user("luke"));
    let letters = (1..=5).map(|count| home.letter_of(count, count % 2, "hello")).collect();
    home.commit(letters).unwrap();
    let upto = home.seq(4);
    home.commit(vec![Write::Arrived { user: luke, upto }]).unwrap();
    assert_eq!(home.mailbox().len(), 1);
    let marks = [(hans, MsgId { instance: 0, counter: 4 }), (hans, MsgId { instance: 1, counter: 5 })];
    assert_eq!(record(home.reopen(), "luke").marks, marks);
    home.commit(vec![Write::Arrived { user: luke, upto: Seq::from_bits(u64::MAX) }]).unwrap();
    let after = home.reopen().clone();
    let luke = record(&after, "luke");
    assert_eq!((luke.letters.as_slice(), luke.marks.as_slice()), ([].as_slice(), marks.as_slice()));
}

#[test]
fn a_mark_does_not_fall_back_however_large_the_counters_are() {
    let mut home = Home::new();
    let (hans, luke, yoda) = (home.user("hans"), home.user("luke"), home.user("yoda"));
    for (count, counter) in [(1, 5), (2, u64::MAX / 2), (3, u64::MAX - 1), (4, u64::MAX)] {
        let (seq, id) = (home.seq(count), MsgId { instance: u64::MAX, counter });
        let letter = Write::Letter { to: luke, seq, from: hans, id, text: text("x") };
        home.commit(vec![letter, Write::Arrived { user: luke, upto: seq }]).unwrap();
        assert_eq!(record(home.reopen(), "luke").marks, [(hans, id)]);
    }
    assert_eq!(record(&home.snapshot, "yoda").id, yoda);
    assert_eq!(record(&home.snapshot, "yoda").marks, []);
}

#[test]
fn the_four_latest_instances_of_a_sender_are_remembered() {
    let mut home = Home::new();
    let (hans, luke) = (home.user("hans"), home.user("luke"));
    let latest = |from: u64| (from..from + INSTANCES_MAX as u64).map(|n| (hans, n)).collect::<Vec<_>>();
    let of = |snapshot: &Snapshot| {
        record(snapshot, "luke").marks.iter().map(|(from, id)| (*from, id.instance)).collect::<Vec<_>>()
    };
    let letters = (1..=10).map(|count| home.letter_of(count, count, "hello")).collect();
    let upto = [home.seq(3), home.seq(10)];
    home.commit(letters).unwrap();
    assert_eq!(of(home.reopen()), latest(7));
    for upto in upto {
        home.commit(vec![Write::Arrived { user: luke, upto }]).unwrap();
        assert_eq!(of(home.reopen()), latest(7));
    }
    let rows: i64 = home.store().conn.query_row("SELECT count(*) FROM marks", [], |row| row.get(0)).unwrap();
    assert_eq!(usize::try_from(rows), Ok(INSTANCES_MAX));
}

#[test]
fn a_full_disk_fails_the_whole_batch_and_heals() {
    let mut home = Home::new();
    let before = home.letter(1);
    home.commit(vec![before]).unwrap();
    let conn = &home.store().conn;
    let used: u32 = conn.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    conn.pragma_update_and_check(None, "max_page_count", used, |_| Ok(())).unwrap();
    let large = "x".repeat(16 * 1024);
    let writes = vec![home.letter(2), home.letter_of(3, 1, &large)];
    let batch = home.batch(writes);
    let full = home.store().commit(&batch, AT);
    assert!(matches!(&full, Err(StoreError::Failed(why)) if why.contains("full")), "{full:?}");
    assert_eq!(home.mailbox().len(), 1, "nothing of it is kept");
    home.store().tidy().unwrap();

    home.store().conn.pragma_update_and_check(None, "max_page_count", used + 100, |_| Ok(())).unwrap();
    home.store().commit(&batch, AT).unwrap();
    assert_eq!(home.mailbox().len(), 3);
}

#[test]
fn a_broken_store_says_nothing_else_any_more() {
    let mut home = Home::new();
    home.store().note(StoreError::Broken("fsync".to_owned()));
    let broken = Err(StoreError::Broken("fsync".to_owned()));
    let letter = home.letter(1);
    assert_eq!(home.commit(vec![letter]), broken);
    let luke = home.user("luke");
    assert!(matches!(home.store().load(&page(luke, Seq::START, Seq::START, 1)), Err(StoreError::Broken(_))));
    assert!(matches!(home.store().assign(&[]), Err(StoreError::Broken(_))));
    home.close();
    assert!(home.path.join("starling.db-wal").exists(), "no checkpoint at its end");
}

#[test]
fn the_log_is_copied_and_used_again() {
    let mut home = Home::new();
    let large = "x".repeat(16 * 1024);
    let luke = home.user("luke");
    for round in 0..60 {
        let letters = (1..=16).map(|n| home.letter_of(16 * round + n, 1, &large)).collect();
        home.commit(letters).unwrap();
        let upto = home.seq(16 * round + 16);
        home.commit(vec![Write::Arrived { user: luke, upto }]).unwrap();
        home.store().tidy().unwrap();
    }
    let log = std::fs::metadata(home.path.join("starling.db-wal")).unwrap().len();
    assert!(log < 12 << 20, "{log} bytes of log");
    let database = std::fs::metadata(home.path.join("starling.db")).unwrap().len();
    assert!(database < 1 << 20, "{database} bytes of database");
}
