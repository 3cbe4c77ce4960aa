//! The bounds of a page.

use super::*;

/// The counts of the letters that a page of a mailbox with ten letters of five bytes has.
fn counts(after: u64, upto: u64, bytes_max: usize) -> Vec<u64> {
    let mut home = Home::new();
    let letters = (1..=10).map(|count| home.letter(count)).collect();
    home.commit(letters).unwrap();
    let order = page(home.user("luke"), home.seq(after), home.seq(upto), bytes_max);
    let letters = home.store().load(&order).unwrap();
    letters.iter().map(|l| l.seq.to_bits() - home.seq(0).to_bits()).collect()
}

#[test]
fn a_page_begins_after_and_ends_with_its_bounds() {
    assert_eq!(counts(2, 5, usize::MAX), [3, 4, 5]);
    assert_eq!(counts(0, 99, usize::MAX), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    assert_eq!(counts(10, 99, usize::MAX), []);
    assert_eq!(counts(5, 5, usize::MAX), []);
}

#[test]
fn a_page_ends_with_the_letter_that_fills_it() {
    assert_eq!(counts(0, 10, 10), [1, 2]);
    assert_eq!(counts(0, 10, 11), [1, 2, 3]);
}

#[test]
fn a_page_has_at_least_one_letter() {
    assert_eq!(counts(3, 10, 0), [4]);
    assert_eq!(counts(3, 10, 1), [4]);
}

#[test]
fn a_cursor_beyond_all_letters_finds_nothing() {
    let mut home = Home::new();
    let letter = home.letter(1);
    home.commit(vec![letter]).unwrap();
    let all = Seq::from_bits(u64::MAX);
    let luke = home.user("luke");
    assert_eq!(home.store().load(&page(luke, all, all, 1)).unwrap(), []);
    assert_eq!(home.store().load(&page(UserId(99), Seq::START, all, 1)).unwrap(), []);
}
