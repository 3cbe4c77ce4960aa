//! The credentials file: who may log in, and with which password.
//!
//! One `username password` a line, one space between; the password is the rest of the line, or, where it
//! begins with [`HASH_PREFIX`], its hash. Blank lines and lines whose first character is `#` mean nothing.
//! Line ends are LF or CRLF, a byte-order mark may lead. What a message says about a broken line never
//! shows what stands in it: it might be a password.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::limits::PASSWORD_MAX;
use crate::name::{Name, NotAName};

/// What a hashed password begins with; no plain password does.
pub const HASH_PREFIX: &str = "$argon2id$";
/// Bytes of a hashed password: the longest salt and digest that its form allows take fewer.
pub const HASH_BYTES_MAX: usize = 512;

/// One user.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The name he logs in with.
    pub name: Name,
    /// What he has to know.
    pub password: Stored,
    /// The number of his line; the first line is 1.
    pub line: usize,
}

/// How a password is kept.
#[derive(Clone, Debug)]
pub enum Stored {
    /// As it is.
    Plain(Secret),
    /// As a hash in PHC form. Here it is only known by its prefix: whoever verifies reads the rest.
    Hashed(Secret),
}

/// A password, UTF-8, 1 to [`PASSWORD_MAX`] bytes; or a hash of one, at most [`HASH_BYTES_MAX`]. Never
/// printed, wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The text. Nobody prints it, and whoever compares it takes the same time for all.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a credentials file is refused. Shows as one line: what, why, and what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The first line that is wrong.
    Line {
        /// Its number; the first line is 1.
        number: usize,
        /// What is wrong with it.
        reason: Reason,
    },
    /// No line names a user.
    NoUsers,
}

/// What is wrong with a line of a credentials file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It does not begin with a user name.
    Name(NotAName),
    /// Nothing stands after the name.
    NoPassword,
    /// The password has more than [`PASSWORD_MAX`] bytes.
    PasswordTooLong,
    /// The password is not UTF-8.
    PasswordNotUtf8,
    /// The password is a hash, and has more than [`HASH_BYTES_MAX`] bytes.
    HashTooLong,
    /// The user has a line already.
    Duplicate {
        /// Who.
        name: Name,
        /// The number of his first line.
        first: usize,
    },
}

/// Reads a credentials file; the entries stand in its order.
///
/// # Errors
/// [`Broken`] tells the first line that is wrong, or that there are no users.
pub fn parse(file: &[u8]) -> Result<Vec<Entry>, Broken> {
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let mut entries = Vec::new();
    let mut seen = BTreeMap::new();
    for (number, line) in (1..).zip(file.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if means_nothing(line) {
            continue;
        }
        let entry = entry(line, number).and_then(|entry| once(&mut seen, entry));
        entries.push(entry.map_err(|reason| Broken::Line { number, reason })?);
    }
    if entries.is_empty() { Err(Broken::NoUsers) } else { Ok(entries) }
}

fn means_nothing(line: &[u8]) -> bool {
    line.starts_with(b"#") || line.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

fn entry(line: &[u8], number: usize) -> Result<Entry, Reason> {
    let name_end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
    let name = Name::parse(&line[..name_end]).map_err(Reason::Name)?;
    let password = line.get(name_end + 1..).unwrap_or_default();
    Ok(Entry { name, password: stored(password)?, line: number })
}

/// The one place that decides what may stand as a password, and whether it is a hash.
fn stored(password: &[u8]) -> Result<Stored, Reason> {
    if password.is_empty() {
        return Err(Reason::NoPassword);
    }
    let (kind, bytes_max, too_long): (fn(Secret) -> Stored, _, _) =
        if password.starts_with(HASH_PREFIX.as_bytes()) {
            (Stored::Hashed, HASH_BYTES_MAX, Reason::HashTooLong)
        } else {
            (Stored::Plain, PASSWORD_MAX, Reason::PasswordTooLong)
        };
    if password.len() > bytes_max {
        return Err(too_long);
    }
    let text = core::str::from_utf8(password).map_err(|_| Reason::PasswordNotUtf8)?;
    Ok(kind(Secret(Zeroizing::new(text.into()))))
}

fn once(seen: &mut BTreeMap<Name, usize>, entry: Entry) -> Result<Entry, Reason> {
    match seen.entry(entry.name) {
        btree_map::Entry::Vacant(place) => {
            place.insert(entry.line);
            Ok(entry)
        }
        btree_map::Entry::Occupied(first) => Err(Reason::Duplicate { name: entry.name, first: *first.get() }),
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Broken::Line { number, reason } => write!(f, "line {number}: {reason}"),
            Broken::NoUsers => f.write_str("no users in it; write one \"username password\" per line"),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Name(NotAName::Empty) => f.write_str(
                "begins with a space; begin it with the user name, or with # to make it a comment",
            ),
            Reason::Name(NotAName::TooLong) => {
                write!(f, "the user name is too long; use at most {} characters", Name::MAX)
            }
            Reason::Name(NotAName::Forbidden(_)) => f.write_str(
                "the user name has a character that is not allowed; \
                 use ASCII letters, digits, \"_\", \".\" and \"-\", then one space, then the password",
            ),
            Reason::NoPassword => f.write_str(
                "no password follows the user name; write \"username password\" with one space between",
            ),
            Reason::PasswordTooLong => {
                write!(f, "the password is too long; use at most {PASSWORD_MAX} bytes")
            }
            Reason::PasswordNotUtf8 => f.write_str("the password is not valid UTF-8; save the file as UTF-8"),
            Reason::HashTooLong => {
                write!(f, "the password hash is too long; a hash has at most {HASH_BYTES_MAX} bytes")
            }
            Reason::Duplicate { name, first } => {
                write!(f, "user {name} is on line {first} already; remove one of the two lines")
            }
        }
    }
}

impl core::error::Error for Broken {}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned;
    use alloc::format;
    use alloc::string::ToString;

    use super::*;

    /// The entries of a file that must be whole, as `name=password`.
    fn read(file: &[u8]) -> Vec<String> {
        let show = |entry: &Entry| match &entry.password {
            Stored::Plain(password) => format!("{}={}", entry.name, password.reveal()),
            Stored::Hashed(hash) => format!("{}#{}", entry.name, hash.reveal()),
        };
        parse(file).expect("a good file").iter().map(show).collect()
    }

    fn broken(file: &[u8]) -> Broken {
        parse(file).expect_err("a broken file")
    }

    fn reason(line: &[u8]) -> Reason {
        match broken(&[b"hans falcon\n\n", line].concat()) {
            Broken::Line { number: 3, reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_is_read_in_its_order() {
        assert_eq!(read(b"yoda wise\nhans falcon\n"), ["yoda=wise", "hans=falcon"]);
        assert_eq!(read(b"yoda wise\nhans falcon"), ["yoda=wise", "hans=falcon"]);
        assert_eq!(read(b"r2-d2.x_ socute"), ["r2-d2.x_=socute"]);
    }

    #[test]
    fn case_matters() {
        assert_eq!(read(b"Hans a\nhans b"), ["Hans=a", "hans=b"]);
    }

    #[test]
    fn comments_and_blank_lines_mean_nothing() {
        assert_eq!(read(b"# team\n\n  \n\t\nyoda wise\n#hans falcon\n# \xff\n"), ["yoda=wise"]);
    }

    #[test]
    fn windows_files_are_read() {
        assert_eq!(
            read(b"\xef\xbb\xbfyoda wise\r\n\r\n# x\r\nhans falcon\r\n"),
            ["yoda=wise", "hans=falcon"]
        );
        assert_eq!(read(b"\xef\xbb\xbf# x\nyoda wise"), ["yoda=wise"]);
    }

    #[test]
    fn a_password_is_the_rest_of_the_line() {
        assert_eq!(read(b"yoda may the  force "), ["yoda=may the  force "]);
        assert_eq!(read(b"yoda  wise"), ["yoda= wise"]);
        assert_eq!(read("yoda größe #1\t".as_bytes()), ["yoda=größe #1\t"]);
        assert_eq!(read(b"yoda a\rb\r\r\n"), ["yoda=a\rb\r"]);
        let longest = format!("yoda {}", "x".repeat(PASSWORD_MAX));
        assert_eq!(read(longest.as_bytes())[0].len(), PASSWORD_MAX + 5);
    }

    #[test]
    fn a_broken_line_is_told_by_number_and_reason() {
        assert_eq!(reason(b" yoda wise"), Reason::Name(NotAName::Empty));
        assert_eq!(reason(b"y@da wise"), Reason::Name(NotAName::Forbidden(b'@')));
        assert_eq!(reason(b"yoda\twise"), Reason::Name(NotAName::Forbidden(b'\t')));
        assert_eq!(reason(b"\xff\xfey"), Reason::Name(NotAName::Forbidden(0xff)));
        assert_eq!(reason(format!("{} wise", "y".repeat(33)).as_bytes()), Reason::Name(NotAName::TooLong));
        assert_eq!(reason(b"yoda"), Reason::NoPassword);
        assert_eq!(reason(b"yoda "), Reason::NoPassword);
        assert_eq!(reason(b"yoda \r\n"), Reason::NoPassword);
        assert_eq!(reason(b"yoda \xff"), Reason::PasswordNotUtf8);
        let too_long = format!("yoda {}", "x".repeat(PASSWORD_MAX + 1));
        assert_eq!(reason(too_long.as_bytes()), Reason::PasswordTooLong);
        let too_long = format!("yoda $argon2id${}", "x".repeat(HASH_BYTES_MAX));
        assert_eq!(reason(too_long.as_bytes()), Reason::HashTooLong);
        assert_eq!(reason(b"yoda $argon2id$\xff"), Reason::PasswordNotUtf8);
    }

    #[test]
    fn a_hash_is_told_from_a_password_by_its_prefix() {
        assert_eq!(
            read(b"yoda $argon2id$v=19$m=8\r\nhans falcon"),
            ["yoda#$argon2id$v=19$m=8", "hans=falcon"]
        );
        assert_eq!(read(b"yoda $argon2id$"), ["yoda#$argon2id$"]);
        assert_eq!(read(b"yoda $argon2i$v=19"), ["yoda=$argon2i$v=19"]);
        assert_eq!(read(b"yoda  $argon2id$"), ["yoda= $argon2id$"]);
        assert_eq!(read(b"yoda $ARGON2ID$"), ["yoda=$ARGON2ID$"]);
    }

    #[test]
    fn an_entry_knows_its_line() {
        let entries = parse(b"\xef\xbb\xbf# team\r\nyoda wise\r\n\r\nhans falcon").expect("a good file");
        assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [2, 4]);
    }

    #[test]
    fn the_first_broken_line_is_told() {
        assert_eq!(broken(b"yoda\nhans\n"), Broken::Line { number: 1, reason: Reason::NoPassword });
    }

    #[test]
    fn a_user_has_one_line() {
        let yoda = Name::parse(b"yoda").expect("a name");
        let file = b"# team\nyoda wise\nhans falcon\nyoda weird\n";
        assert_eq!(
            broken(file),
            Broken::Line { number: 4, reason: Reason::Duplicate { name: yoda, first: 2 } }
        );
    }

    #[test]
    fn a_file_without_users_is_refused() {
        for file in [&b""[..], b"\n\n", b"# nobody\n", b"\xef\xbb\xbf", b"\r\n"] {
            assert_eq!(broken(file), Broken::NoUsers);
        }
    }

    #[test]
    fn a_message_is_one_line_and_shows_no_password() {
        let lines: [&[u8]; 6] = [
            b"hunter2",
            b"y@da hunter2",
            b" hunter2",
            b"yoda hunter2\xff",
            b"yoda $argon2id$hunter2\xff",
            b"hunter2 ",
        ];
        for line in lines {
            let told = broken(line).to_string();
            assert!(told.starts_with("line 1: ") && told.contains(';'), "{told}");
            assert!(!told.contains("hunter2") && !told.contains('\n'), "{told}");
        }
    }

    #[test]
    fn a_password_is_never_in_debug_output() {
        let entries = parse(b"yoda wise\nhans $argon2id$v=19\n").expect("a good file");
        assert_eq!(
            format!("{entries:?}"),
            r#"[Entry { name: "yoda", password: Plain(Secret(..)), line: 1 }, "#.to_owned()
                + r#"Entry { name: "hans", password: Hashed(Secret(..)), line: 2 }]"#
        );
    }
}
