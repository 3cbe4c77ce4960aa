//! The commands, a row each.

use super::words::{Words, Wrong};
use super::{Command, Private};

/// One command.
#[derive(Debug)]
pub struct Row {
    /// Its name and its parameters, as a usage error shows them: `message <user> <text>`.
    pub form: &'static str,
    /// What it does, in one sentence.
    pub help: &'static str,
    /// A line that someone could type.
    pub example: &'static str,
    /// Reads the parameters. What it leaves unread is too much.
    pub(super) read: fn(&mut Words<'_>) -> Result<Command, Wrong>,
}

impl Row {
    /// The first word: what is typed to mean this command.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.form.split(' ').next().unwrap_or_default()
    }

    /// What follows the name, in order: `<user>`, `<text>`, `<seconds>`. A completion offers names for
    /// the first of these.
    pub fn parameters(&self) -> impl Iterator<Item = &'static str> {
        self.form.split(' ').skip(1)
    }
}

/// Every command, in the order in which the help lists them.
pub static TABLE: &[Row] = &[
    Row {
        form: "message <user> <text>",
        help: "Send a text to one person, online or not.",
        example: "message yoda Hey Dude",
        read: |words| Ok(Command::Message { to: words.word()?, text: words.text()? }),
    },
    Row {
        form: "broadcast <text>",
        help: "Send a text to everybody who is online and has not blocked you.",
        example: "broadcast I rock",
        read: |words| Ok(Command::Broadcast { text: words.text()? }),
    },
    Row { form: "whoelse", help: "List who else is online.", example: "whoelse", read: |_| Ok(Command::Who) },
    Row {
        form: "whoelsesince <seconds>",
        help: "List who else was online at any moment of the last so many seconds.",
        example: "whoelsesince 3600",
        read: |words| Ok(Command::Since { seconds: words.number()? }),
    },
    Row {
        form: "block <user>",
        help: "Refuse messages from a person, who no longer sees whether you are online.",
        example: "block hans",
        read: |words| Ok(Command::Block { whom: words.word()? }),
    },
    Row {
        form: "unblock <user>",
        help: "Undo a block.",
        example: "unblock hans",
        read: |words| Ok(Command::Unblock { whom: words.word()? }),
    },
    Row {
        form: "startprivate <user>",
        help: "Connect to a person directly, past the server.",
        example: "startprivate luke",
        read: |words| Ok(Command::Private(Private::Start { whom: words.word()? })),
    },
    Row {
        form: "private <user> <text>",
        help: "Send a text on a direct connection; the server never sees it.",
        example: "private luke hey dude",
        read: |words| Ok(Command::Private(Private::Say { to: words.word()?, text: words.text()? })),
    },
    Row {
        form: "stopprivate <user>",
        help: "Close a direct connection.",
        example: "stopprivate luke",
        read: |words| Ok(Command::Private(Private::Stop { whom: words.word()? })),
    },
    Row {
        form: "verify <user> [ok]",
        help: "Show the number to compare with a person, or say that it was the same.",
        example: "verify luke",
        read: |words| Ok(Command::Private(Private::Verify { whom: words.word()?, ok: words.option("ok")? })),
    },
    Row {
        form: "files [<pattern>]",
        help: "List the files that people online offer; `*` is any characters, `?` one.",
        example: "files *.pdf",
        read: |words| Ok(Command::Files { pattern: words.rest() }),
    },
    Row {
        form: "p2pDownload [--id <id>] <filename>",
        help: "Fetch a file from everybody who has it; it goes on in the background.",
        example: "p2pDownload report.pdf",
        read: |words| Ok(Command::Download { id: words.id()?, name: words.rest().ok_or(Wrong::Form)? }),
    },
    Row {
        form: "downloads",
        help: "List the downloads that are under way.",
        example: "downloads",
        read: |_| Ok(Command::Downloads),
    },
    Row {
        form: "cancel <filename>",
        help: "Stop a download; what is already here stays for the next time.",
        example: "cancel report.pdf",
        read: |words| Ok(Command::Cancel { name: words.rest().ok_or(Wrong::Form)? }),
    },
    Row {
        form: "logout",
        help: "Log out and end the client.",
        example: "logout",
        read: |_| Ok(Command::Logout),
    },
];

/// The row that `word`, which holds no space, names exactly.
pub(super) fn find(word: &[u8]) -> Option<&'static Row> {
    TABLE.iter().find(|row| matches!(row.form.as_bytes().strip_prefix(word), Some([] | [b' ', ..])))
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use bytes::Bytes;

    use super::*;
    use crate::command::{Mistake, parse};

    #[test]
    fn every_example_is_a_line_of_its_row() {
        for row in TABLE {
            assert_eq!(row.example.split(' ').next(), Some(row.name()));
            assert!(
                matches!(parse(&Bytes::from_static(row.example.as_bytes())), Ok(Some(_))),
                "{}",
                row.example
            );
        }
    }

    #[test]
    fn every_form_says_what_its_row_reads() {
        for row in TABLE {
            let typed: Vec<&str> = core::iter::once(row.name()).chain(row.parameters().map(sample)).collect();
            let (whole, short, long) =
                (typed.join(" "), typed[..typed.len() - 1].join(" "), typed.join(" ") + " more");
            assert!(matches!(parse_str(&whole), Ok(Some(_))), "{whole}");
            let is_optional = row.parameters().last().is_some_and(|last| last.starts_with('['));
            match parse_str(&short) {
                _ if typed.len() == 1 => {}
                Ok(Some(_)) => assert!(is_optional, "{short}"),
                refused => assert_eq!((refused, is_optional), (Err(Mistake::Usage(row.form)), false)),
            }
            match row.parameters().last() {
                Some("<text>" | "[<pattern>]" | "<filename>") => {
                    assert!(matches!(parse_str(&long), Ok(Some(_))), "{long}")
                }
                _ => assert_eq!(parse_str(&long), Err(Mistake::Usage(row.form))),
            }
        }
    }

    #[test]
    fn names_differ() {
        for (n, row) in TABLE.iter().enumerate() {
            assert!(TABLE[..n].iter().all(|other| other.name() != row.name()), "{}", row.name());
        }
    }

    fn sample(parameter: &str) -> &'static str {
        match parameter {
            "<user>" => "yoda",
            "<text>" => "hello",
            "<seconds>" => "60",
            "[ok]" => "ok",
            "[<pattern>]" => "*.pdf",
            "[--id" => "--id",
            "<id>]" => "0123abcd",
            "<filename>" => "report.pdf",
            other => panic!("no sample of {other}"),
        }
    }

    fn parse_str(line: &str) -> Result<Option<Command>, Mistake> {
        parse(&Bytes::from(String::from(line)))
    }
}
