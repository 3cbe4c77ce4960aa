//! Who the people are, and the folder of a server that knows them.

use std::io;
use std::path::Path;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "pw";

/// The name of the person with this number: the same length for all, so that frames have one size.
pub(crate) fn name(number: usize) -> String {
    format!("u{number:06}")
}

/// Bytes of a name.
pub(crate) const NAME_BYTES: usize = 7;

/// A text of `size` bytes that begins with its number in eight hexadecimal digits.
pub(crate) fn text(number: usize, size: usize) -> String {
    format!("{number:08x}{:x<pad$}", "", pad = size.saturating_sub(8))
}

/// The number in a text.
pub(crate) fn number(text: &str) -> Option<usize> {
    usize::from_str_radix(text.get(..8)?, 16).ok()
}

/// What the server of a scenario is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    /// How many people the credentials name.
    pub(crate) people: u32,
    /// The limits are lifted that a generator meets and no person does.
    pub(crate) lifted: bool,
    /// The credentials hold hashes.
    pub(crate) hashed: bool,
    /// Descriptors that it may have; as many as the generator, if nothing is said.
    pub(crate) descriptors: Option<u32>,
}

impl Setup {
    /// Lifted limits and plain passwords.
    pub(crate) fn of(people: u32) -> Setup {
        Setup { people, lifted: true, hashed: false, descriptors: None }
    }
}

/// Writes `credentials.txt` with so many people, whose password is written as `password`, and, if the limits are
/// lifted, a `server.toml`.
///
/// # Errors
/// What the system says.
pub(crate) fn write_folder(path: &Path, setup: Setup, password: &str) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    let credentials: String =
        (0..setup.people).map(|person| format!("{} {password}\n", name(person as usize))).collect();
    std::fs::write(path.join("credentials.txt"), credentials)?;
    if setup.lifted { std::fs::write(path.join("server.toml"), LIMITS) } else { Ok(()) }
}

/// What a generator needs that no person does. All else stays as it is by default.
const LIMITS: &str = "\
[limits]
# More than a million a second is no limit.
commands_burst = 1000000
commands_per_second = 2000000
greeting_max = 100000
address_connects_burst = 1000000
address_connects_per_second = 1000000
address_attempts_burst = 1000000
address_attempts_per_second = 1000000
mailbox_letters_max = 10000000
mailbox_bytes_max = 2000000000
mailbox_sender_part = 1
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_leads_back_to_its_number() {
        for (message, size) in [(0, 8), (255, 100), (10_000_000, 9), (7, 16_384)] {
            let text = text(message, size);
            assert_eq!(text.len(), size);
            assert_eq!(number(&text), Some(message));
        }
        assert_eq!(number("hello"), None);
        assert_eq!(number("not a number"), None);
    }

    #[test]
    fn names_have_one_length() {
        for person in [0, 7, 999_999] {
            assert_eq!(name(person).len(), NAME_BYTES);
        }
    }
}
