//! Folders that cannot be opened, and what a person reads then.

use std::fs;

use rusqlite::Connection;

use super::*;

fn database(home: &Home) -> PathBuf {
    home.path.join("starling.db")
}

/// A home with some letters, closed.
fn closed_home() -> Home {
    let mut home = Home::new();
    let letters = (1..=200).map(|count| home.letter(count)).collect();
    home.commit(letters).unwrap();
    home.commit(vec![failures(b"hans", 0, Some(AT.now))]).unwrap();
    home.close();
    home
}

#[test]
fn a_second_server_is_refused() {
    let home = Home::new();
    let path = &home.path;
    assert!(refused(path).starts_with(&format!("The data folder {path:?} is in use by another server.")));
}

#[test]
fn newer_data_is_refused_and_left_alone() {
    let home = closed_home();
    Connection::open(database(&home)).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let before = fs::read(database(&home)).unwrap();
    let said = format!(
        "The data in {:?} was written by a newer Starling (schema 2, this one knows 1). Start that version, or name \
         another folder with --data-dir.",
        database(&home)
    );
    assert_eq!(refused(&home.path), said);
    assert_eq!(fs::read(database(&home)).unwrap(), before);
}

#[test]
fn the_database_of_another_program_is_refused() {
    let home = closed_home();
    fs::remove_file(database(&home)).unwrap();
    Connection::open(database(&home)).unwrap().execute_batch("CREATE TABLE cats (name)").unwrap();
    assert!(refused(&home.path).contains("was not written by Starling"));
}

#[test]
fn a_file_that_is_no_database_is_damage() {
    let home = closed_home();
    fs::write(database(&home), vec![b'x'; 5000]).unwrap();
    assert!(refused(&home.path).contains("is damaged: file is not a database"));
}

#[test]
fn a_database_that_became_empty_or_vanished_is_damage_and_not_a_new_one() {
    let home = closed_home();
    fs::write(database(&home), []).unwrap();
    assert!(refused(&home.path).contains("is damaged: the file is cut short"));
    fs::remove_file(database(&home)).unwrap();
    fs::write(home.path.join("starling.db-wal"), [1]).unwrap();
    assert!(refused(&home.path).contains("is damaged: its log is there, but it is not itself"));
}

#[test]
fn a_database_cut_anywhere_is_damage() {
    let home = closed_home();
    let whole = fs::read(database(&home)).unwrap();
    for left in (1..whole.len()).step_by(3001) {
        fs::write(database(&home), &whole[..left]).unwrap();
        let said = refused(&home.path);
        assert!(said.contains(" is damaged: "), "{left} bytes: {said}");
    }
}

#[test]
fn a_database_with_a_page_of_rubbish_opens_or_is_refused_but_never_panics() {
    let home = closed_home();
    let whole = fs::read(database(&home)).unwrap();
    let mut damaged = 0;
    for page in 0..whole.len() / 4096 {
        for filling in [0x00, 0xff, 0x0d] {
            let mut torn = whole.clone();
            torn[page * 4096..(page + 1) * 4096].fill(filling);
            fs::write(database(&home), torn).unwrap();
            damaged += usize::from(open(&home.path).is_err());
            let _ = fs::remove_file(home.path.join("starling.db-wal"));
        }
    }
    assert!(damaged > whole.len() / 4096, "{damaged}");
}

#[test]
fn rows_that_contradict_their_types_are_damage() {
    for sql in [
        "UPDATE users SET name = 'no name' WHERE id = 1",
        "UPDATE users SET name = '' WHERE id = 1",
        "UPDATE letters SET seq = -seq",
        "UPDATE letters SET seq = seq + (5 << 40)",
        "UPDATE letters SET sender = 99",
        "UPDATE failures SET account = zeroblob(49)",
        "UPDATE failures SET count = 256",
        "UPDATE failures SET boot = x'01'",
        "DELETE FROM meta",
        "DROP TABLE marks",
    ] {
        let home = closed_home();
        let conn = Connection::open(database(&home)).unwrap();
        conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
        conn.execute_batch(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
        drop(conn);
        let said = refused(&home.path);
        assert!(said.contains(" is damaged: "), "{sql}: {said}");
    }
}

#[test]
fn a_letter_that_cannot_be_read_is_an_error_and_not_a_panic() {
    let mut home = closed_home();
    let conn = Connection::open(database(&home)).unwrap();
    conn.execute_batch("UPDATE letters SET text = '   ' WHERE seq & 7 = 7").unwrap();
    drop(conn);
    home.reopen();
    let luke = home.user("luke");
    let read = home.store().load(&page(luke, Seq::START, Seq::from_bits(u64::MAX), usize::MAX));
    assert!(matches!(read, Err(StoreError::Failed(_))), "{read:?}");
}

#[test]
fn the_last_epoch_is_the_last() {
    let home = closed_home();
    let conn = Connection::open(database(&home)).unwrap();
    conn.execute("UPDATE meta SET epoch = ?1", [Epoch::MAX.0 - 1]).unwrap();
    drop(conn);
    let (_, snapshot) = open(&home.path).unwrap();
    assert_eq!(snapshot.epoch, Epoch::MAX);
    assert!(refused(&home.path).contains("was started too often"));
}

#[test]
fn what_a_server_left_that_died_in_its_first_start_does_not_matter() {
    let parent = tempfile::tempdir().unwrap();
    fs::write(parent.path().join("starling.db.new"), b"half a database").unwrap();
    fs::write(parent.path().join("starling.db.new-journal"), b"half a journal").unwrap();
    let (_, snapshot) = open(parent.path()).unwrap();
    assert_eq!(snapshot.epoch, Epoch(1));
}
