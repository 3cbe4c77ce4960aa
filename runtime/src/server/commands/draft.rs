//! A credentials file that is being changed: whatever is not changed stays byte for byte.

use std::collections::BTreeMap;

use starling_core::auth::credentials::{self, Broken, Entry};
use starling_core::name::Name;
use zeroize::Zeroizing;

/// The bytes of a file with passwords. Wiped when dropped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// The entries of `file`; none of a file that has none.
///
/// # Errors
/// [`Broken`] tells the first line that is wrong.
pub(super) fn entries(file: &[u8]) -> Result<Vec<Entry>, Broken> {
    match credentials::parse(file) {
        Err(Broken::NoUsers) => Ok(Vec::new()),
        parsed => parsed,
    }
}

/// `file` with other passwords on some lines, each of which is a user's; the first line is 1.
pub(super) fn with_passwords(file: &[u8], passwords: &BTreeMap<usize, String>) -> Bytes {
    let mut out = room(file, passwords.values().map(String::len).sum());
    for (number, line) in lines(file) {
        let Some(password) = passwords.get(&number) else {
            out.extend_from_slice(line);
            continue;
        };
        let name_end = line.iter().position(|byte| *byte == b' ').map_or(line.len(), |at| at + 1);
        out.extend_from_slice(&line[..name_end]);
        out.extend_from_slice(password.as_bytes());
        out.extend_from_slice(end_of(line));
    }
    out
}

/// `file` with a further user at its end.
pub(super) fn with_user(file: &[u8], name: Name, password: &str) -> Bytes {
    let end = match lines(file).map(|(_, line)| end_of(line)).find(|end| !end.is_empty()) {
        Some(end) => end,
        None => b"\n",
    };
    let mut out = room(file, Name::MAX + password.len() + 1 + 2 * end.len());
    out.extend_from_slice(file);
    let is_begun = !matches!(file.strip_prefix(MARK).unwrap_or(file), [] | [.., b'\n']);
    if is_begun {
        out.extend_from_slice(end);
    }
    for part in [name.as_bytes(), b" ", password.as_bytes(), end] {
        out.extend_from_slice(part);
    }
    out
}

/// `file` without a line; the first is 1.
pub(super) fn without_line(file: &[u8], number: usize) -> Bytes {
    let mut out = room(file, 0);
    for (at, line) in lines(file) {
        let mark = if line.starts_with(MARK) && at == 1 { MARK } else { b"" };
        out.extend_from_slice(if at == number { mark } else { line });
    }
    out
}

/// Room for a whole new file: whatever grows leaves copies behind.
fn room(file: &[u8], more: usize) -> Bytes {
    Zeroizing::new(Vec::with_capacity(file.len() + more))
}

/// Lines with their ends and numbers, as [`credentials::parse`] counts them.
fn lines(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    (1..).zip(file.split_inclusive(|byte| *byte == b'\n'))
}

fn end_of(line: &[u8]) -> &[u8] {
    let ends: [&[u8]; 2] = [b"\r\n", b"\n"];
    ends.into_iter().find(|end| line.ends_with(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANS: &str = "hans";

    fn name(name: &str) -> Name {
        Name::parse(name.as_bytes()).unwrap()
    }

    fn set(file: &str, number: usize, password: &str) -> String {
        let changed = with_passwords(file.as_bytes(), &BTreeMap::from([(number, password.to_owned())]));
        String::from_utf8(changed.to_vec()).unwrap()
    }

    fn add(file: &str) -> String {
        String::from_utf8(with_user(file.as_bytes(), name(HANS), "$h").to_vec()).unwrap()
    }

    fn remove(file: &str, number: usize) -> String {
        String::from_utf8(without_line(file.as_bytes(), number).to_vec()).unwrap()
    }

    #[test]
    fn a_password_is_changed_and_nothing_else() {
        let file = "\u{feff}yoda wise\r\n\r\n# hans\r\nhans  two  words \nluke x";
        assert_eq!(set(file, 1, "$h"), "\u{feff}yoda $h\r\n\r\n# hans\r\nhans  two  words \nluke x");
        assert_eq!(set(file, 4, "$h"), "\u{feff}yoda wise\r\n\r\n# hans\r\nhans $h\nluke x");
        assert_eq!(set(file, 5, "$h"), "\u{feff}yoda wise\r\n\r\n# hans\r\nhans  two  words \nluke $h");
        assert_eq!(set("yoda a\r\r\nx y", 1, "$h"), "yoda $h\r\nx y");
    }

    #[test]
    fn a_user_is_added_at_the_end() {
        assert_eq!(add(""), "hans $h\n");
        assert_eq!(add("\u{feff}"), "\u{feff}hans $h\n");
        assert_eq!(add("yoda wise"), "yoda wise\nhans $h\n");
        assert_eq!(add("yoda wise\n"), "yoda wise\nhans $h\n");
        assert_eq!(add("yoda wise\n\n"), "yoda wise\n\nhans $h\n");
        assert_eq!(add("yoda wise\r\n# x"), "yoda wise\r\n# x\r\nhans $h\r\n");
    }

    #[test]
    fn a_user_is_removed_with_his_line() {
        let file = "\u{feff}yoda wise\r\n# x\nhans a";
        assert_eq!(remove(file, 1), "\u{feff}# x\nhans a");
        assert_eq!(remove(file, 3), "\u{feff}yoda wise\r\n# x\n");
    }

    #[test]
    fn a_changed_file_is_read_as_it_was_meant() {
        let file = "\u{feff}# team\r\nyoda wise\r\nhans a\n\nluke b";
        for entry in entries(file.as_bytes()).unwrap() {
            let changed = entries(set(file, entry.line, "new one").as_bytes()).unwrap();
            assert_eq!(changed.len(), 3);
            let his = changed.iter().find(|other| other.name == entry.name).unwrap();
            let told = format!("{:?}", his.password);
            assert!(told.starts_with("Plain") && his.line == entry.line);
            let left = entries(remove(file, entry.line).as_bytes()).unwrap();
            assert!(left.len() == 2 && left.iter().all(|other| other.name != entry.name));
        }
        assert!(entries(b"# nobody\n").unwrap().is_empty());
    }
}
