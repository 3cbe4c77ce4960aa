//! The table of commands, for people.

use alloc::string::String;
use core::fmt::Write as _;

use super::table::TABLE;

/// One line a command, for a terminal: its form, and what it does.
#[must_use]
pub fn text() -> String {
    let width = TABLE.iter().map(|row| row.form.len()).max().unwrap_or(0);
    lines(|out, row| write!(out, "  {:width$}  {}", row.form, row.help))
}

/// The Markdown table of the README: form, meaning, example. Ends with a newline.
#[must_use]
pub fn markdown_table() -> String {
    let head = "| Command | What it does | Example |\n|---|---|---|\n";
    let rows = lines(|out, row| write!(out, "| `{}` | {} | `{}` |", row.form, row.help, row.example));
    String::from(head) + &rows
}

fn lines(write_row: impl Fn(&mut String, &super::Row) -> core::fmt::Result) -> String {
    let mut out = String::new();
    for row in TABLE {
        write_row(&mut out, row).expect("a string takes everything");
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_shows_aligned_sentences() {
        let help = text();
        assert!(
            help.contains(
                "  message <user> <text>               Send a text to one person, online or not.\n"
            ),
            "{help}"
        );
        assert!(
            help.contains("  logout                              Log out and end the client.\n"),
            "{help}"
        );
        assert!(help.lines().all(|line| line.len() <= 120), "{help}");
    }

    #[test]
    fn the_readme_shows_a_row_a_command() {
        let table = markdown_table();
        assert_eq!(table.lines().count(), 2 + TABLE.len());
        assert!(table.contains("| `whoelse` | List who else is online. | `whoelse` |\n"), "{table}");
        assert!(table.lines().all(|line| line.matches('|').count() == 4), "{table}");
    }
}
