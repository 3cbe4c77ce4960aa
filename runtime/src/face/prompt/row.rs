//! A text on one row of a terminal.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// A text in which no character moves the cursor or commands the terminal: each control character is
/// replaced by its picture, or by a space.
pub(super) fn tame(text: &str) -> String {
    text.chars().map(picture).collect()
}

fn picture(c: char) -> char {
    match c {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(' '),
        '\x7f' => '\u{2421}',
        _ if c.is_control() => ' ',
        _ => c,
    }
}

/// The part of a tame text that fits into `columns` and shows the cursor, which stands before character
/// `cursor`; and the column of the cursor in it.
pub(super) fn window(text: &str, cursor: usize, columns: usize) -> (String, usize) {
    let at = text.char_indices().nth(cursor).map_or(text.len(), |(at, _)| at);
    let (before, after) = text.split_at(at);
    let (mut start, mut column) = (at, 0);
    for (index, grapheme) in before.grapheme_indices(true).rev() {
        if column + grapheme.width() > columns {
            break;
        }
        (start, column) = (index, column + grapheme.width());
    }
    let (mut end, mut width) = (at, column);
    for (index, grapheme) in after.grapheme_indices(true) {
        if width + grapheme.width() > columns {
            break;
        }
        (end, width) = (at + index + grapheme.len(), width + grapheme.width());
    }
    (text[start..end].to_owned(), column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_fits_is_shown_whole() {
        assert_eq!(window("hello", 5, 10), ("hello".into(), 5));
        assert_eq!(window("hello", 0, 5), ("hello".into(), 0));
        assert_eq!(window("", 0, 10), (String::new(), 0));
    }

    #[test]
    fn a_longer_one_scrolls_with_the_cursor() {
        assert_eq!(window("0123456789", 10, 4), ("6789".into(), 4));
        assert_eq!(window("0123456789", 2, 4), ("0123".into(), 2));
        assert_eq!(window("0123456789", 6, 4), ("2345".into(), 4));
    }

    #[test]
    fn wide_characters_are_never_cut_in_half() {
        assert_eq!(window("日本語", 3, 5), ("本語".into(), 4));
        assert_eq!(window("日本語", 0, 5), ("日本".into(), 0));
        assert_eq!(window("e\u{301}e\u{301}", 4, 1), ("e\u{301}".into(), 1));
    }

    #[test]
    fn a_row_without_room_shows_nothing() {
        assert_eq!(window("hello", 3, 0), (String::new(), 0));
    }

    #[test]
    fn nothing_typed_commands_the_terminal() {
        assert_eq!(tame("a\tb\u{1b}[2J\u{7f}\u{9b}c"), "a␉b␛[2J␡ c");
    }
}
