//! How many columns of a terminal a text takes, character by character as a reader sees them.
//!
//! What one person wrote must neither cost another's terminal more than its length, nor smear over the
//! lines above and below. So a [`Cell`] has a bounded number of characters, and everything here takes
//! one pass.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Marks and joiners that may follow one another. Biblical Hebrew and Tibetan need four or five, the flag
/// of Scotland has six tags.
pub const MARKS_MAX: usize = 8;
/// Characters of one cell. A family of four, each with a colour of skin, has eleven.
pub const CELL_CHARS_MAX: usize = 16;
/// Stands where there were more marks.
const MARKS_LEFT_OUT: char = '\u{fffd}';
/// Joins what stands around it to one picture.
const JOINER: char = '\u{200d}';
/// Shown as a hyphen by some terminals, not at all by others.
const SOFT_HYPHEN: char = '\u{ad}';

/// What a reader sees as one character: a character with the marks on it, or several that are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell<'a> {
    pub(super) text: &'a str,
    /// Columns. Where terminals differ, the most that one of them needs.
    pub(super) columns: usize,
}

/// `text` with at most [`MARKS_MAX`] marks on one character; what is left out is told by one sign.
pub(super) fn thinned(text: &str) -> String {
    let mut marks = 0;
    let thin = |char: char| {
        marks = if is_mark(char) { marks + 1 } else { 0 };
        match marks {
            0..=MARKS_MAX => Some(char),
            // The sign is a character like any other: it neither joins nor is joined.
            _ if marks == MARKS_MAX + 1 => Some(MARKS_LEFT_OUT),
            _ => None,
        }
    };
    text.chars().filter_map(thin).collect()
}

/// The cells of a thinned text without control characters.
pub(super) fn cells(text: &str) -> impl Iterator<Item = Cell<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (text, after) = rest.split_at(first_cell(rest));
        rest = after;
        (!text.is_empty()).then(|| Cell { text, columns: columns(text) })
    })
}

/// Bytes of the first cell of `text`.
fn first_cell(text: &str) -> usize {
    let mut before = None;
    let mut flag = false;
    for (count, (at, char)) in text.char_indices().enumerate() {
        let joined = match before {
            None => true,
            Some(JOINER) => true,
            Some(before) if is_regional(before) && is_regional(char) && !flag => {
                flag = true;
                true
            }
            Some(_) => is_mark(char),
        };
        if !joined || count == CELL_CHARS_MAX {
            return at;
        }
        before = Some(char);
    }
    text.len()
}

/// A terminal that does not know a joined picture shows its parts; one that does shows it in two columns.
fn columns(cell: &str) -> usize {
    let parts: usize = cell.chars().map(width).sum();
    parts.max(cell.width())
}

fn width(char: char) -> usize {
    if char == SOFT_HYPHEN { 1 } else { char.width().unwrap_or(0) }
}

/// A tab has no width of its own, but stands on nothing either.
fn is_mark(char: char) -> bool {
    char != '\t' && width(char) == 0
}

/// Two of them are a flag.
const fn is_regional(char: char) -> bool {
    matches!(char, '\u{1f1e6}'..='\u{1f1ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(&str, usize)> {
        cells(text).map(|cell| (cell.text, cell.columns)).collect()
    }

    #[test]
    fn a_cell_is_what_a_reader_sees_as_one_character() {
        assert_eq!(split("ab"), [("a", 1), ("b", 1)]);
        assert_eq!(split("e\u{301}日"), [("e\u{301}", 1), ("日", 2)]);
        assert_eq!(split("🇩🇪🇫🇷"), [("🇩🇪", 2), ("🇫🇷", 2)]);
        assert_eq!(split("한a"), [("한", 2), ("a", 1)]);
        assert_eq!(split("\u{301}a"), [("\u{301}", 0), ("a", 1)]);
        assert_eq!(split(""), []);
    }

    #[test]
    fn where_terminals_differ_the_most_counts() {
        let family = "👨\u{200d}👩\u{200d}👧";
        assert_eq!(split(family), [(family, 6)]);
        assert_eq!(split("☺\u{fe0f}"), [("☺\u{fe0f}", 2)]);
        assert_eq!(split("\u{ad}"), [("\u{ad}", 1)]);
    }

    #[test]
    fn marks_beyond_the_most_are_left_out_and_told() {
        let bomb = format!("a{}b", "\u{301}".repeat(1_000));
        assert_eq!(thinned(&bomb), format!("a{}\u{fffd}b", "\u{301}".repeat(MARKS_MAX)));
        for honest in ["e\u{301}", "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}", "שָׁלוֹם"]
        {
            assert_eq!(thinned(honest), honest);
        }
    }

    #[test]
    fn tabs_are_no_marks() {
        let tabs = "\t".repeat(MARKS_MAX + 1);
        assert_eq!(thinned(&tabs), tabs);
    }

    #[test]
    fn a_chain_of_joined_pictures_is_cut_into_cells() {
        let chain = "😀\u{200d}".repeat(1_000);
        assert!(cells(&chain).all(|cell| cell.text.chars().count() <= CELL_CHARS_MAX));
        assert_eq!(cells(&chain).map(|cell| cell.text).collect::<String>(), chain);
    }
}
