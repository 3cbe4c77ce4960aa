//! A text on one row of a terminal.

use super::cells::{Cell, cells};

/// The part of a tame text that fits into `columns` and shows the cursor, which stands between `before` and
/// `after`; and the column of the cursor in it.
pub(super) fn window(before: &str, after: &str, columns: usize) -> (String, usize) {
    let before: Vec<Cell<'_>> = cells(before).collect();
    let shown = fitting(before.iter().rev(), columns);
    let before = &before[before.len() - shown..];
    let column = before.iter().map(|cell| cell.columns).sum();
    let after: Vec<Cell<'_>> = cells(after).take(columns).collect();
    let after = &after[..fitting(after.iter(), columns - column)];
    (before.iter().chain(after).map(|cell| cell.text).collect(), column)
}

/// How many of the first cells have room in `columns`.
fn fitting<'a>(cells: impl Iterator<Item = &'a Cell<'a>>, columns: usize) -> usize {
    let mut left = columns;
    let room = |cell: &&Cell<'_>| match left.checked_sub(cell.columns) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    cells.take_while(room).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_shown_whole() {
        assert_eq!(window("hello", "", 10), ("hello".into(), 5));
        assert_eq!(window("", "hello", 5), ("hello".into(), 0));
        assert_eq!(window("", "", 10), (String::new(), 0));
    }

    #[test]
    fn a_longer_one_scrolls_with_the_cursor() {
        assert_eq!(window("0123456789", "", 4), ("6789".into(), 4));
        assert_eq!(window("01", "23456789", 4), ("0123".into(), 2));
        assert_eq!(window("012345", "6789", 4), ("2345".into(), 4));
    }

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(window("日本語", "", 5), ("本語".into(), 4));
        assert_eq!(window("", "日本語", 5), ("日本".into(), 0));
        assert_eq!(window("e\u{301}e\u{301}", "", 1), ("e\u{301}".into(), 1));
    }

    #[test]
    fn a_row_without_room_shows_nothing() {
        assert_eq!(window("hel", "lo", 0), (String::new(), 0));
    }
}
