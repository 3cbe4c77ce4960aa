//! A line on as many rows of a terminal as it needs.
//!
//! Only the first row of a line begins at the left edge. Would the terminal fold the line itself, a text
//! could be padded so that its end stands there and looks like a line of somebody else.

use super::cells::{cells, thinned};

/// What the second and every further row of a line begins with: no line begins so.
pub const GUTTER: &str = "    ";
/// In fewer columns nothing is folded: there is hardly room for a gutter.
const COLUMNS_MIN: usize = 3 * GUTTER.len();
/// The columns between two stops of a tab.
const TAB_STOP: usize = 8;

/// `line`, which has no control character but tabs, in rows of `columns` at most. A tab is drawn as spaces.
pub(super) fn folded(line: &str, columns: usize) -> String {
    let line = thinned(line);
    let room = if columns < COLUMNS_MIN { usize::MAX } else { columns };
    let mut rows = String::with_capacity(line.len());
    let mut column = 0;
    for (number, piece) in line.split('\t').enumerate() {
        if number > 0 {
            let spaces = (TAB_STOP - column % TAB_STOP).min(room - column);
            rows.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        }
        for cell in cells(piece) {
            if column + cell.columns > room {
                rows.push_str("\r\n");
                rows.push_str(GUTTER);
                column = GUTTER.len();
            }
            rows.push_str(cell.text);
            column += cell.columns;
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_fits_stays_as_it_is() {
        assert_eq!(folded("hans: hello", 80), "hans: hello");
        assert_eq!(folded("hans: hello!", 12), "hans: hello!");
    }

    #[test]
    fn a_longer_one_goes_on_behind_a_gutter() {
        assert_eq!(folded("hans: 0123456789abcdefgh", 12), "hans: 012345\r\n    6789abcd\r\n    efgh");
        assert_eq!(folded("hans: 日本語の文", 12), "hans: 日本語\r\n    の文");
    }

    #[test]
    fn a_tab_is_drawn_as_spaces() {
        assert_eq!(folded("a\tb", 80), "a       b");
        assert_eq!(folded("0123456789a\t\tb", 12), "0123456789a \r\n    b");
    }

    #[test]
    fn a_very_narrow_terminal_folds_by_itself() {
        assert_eq!(folded("hans: hello", 5), "hans: hello");
    }
}
