//! Asking for a new password: twice without echo on a terminal, one line from a pipe.

use std::io::{self, BufRead, IsTerminal, Write, stderr, stdin};

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, read};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use starling_core::limits::PASSWORD_MAX;
use starling_core::name::Name;
use zeroize::Zeroizing;

/// A password that nobody has yet. Wiped when dropped.
pub(super) type Fresh = Zeroizing<String>;

/// Why there is no new password. Displayed as one line: what, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoPassword {
    #[error("The password is empty; nothing was changed. Give at least one character.")]
    Empty,
    #[error("The password is too long; nothing was changed. Give at most {PASSWORD_MAX} bytes.")]
    TooLong,
    #[error("The password is not valid UTF-8; nothing was changed. Give it as UTF-8.")]
    NotUtf8,
    #[error("The two passwords differ; nothing was changed. Try again.")]
    Differ,
    #[error("Interrupted; nothing was changed.")]
    Interrupted,
    #[error("Cannot read the password: {0}. Give it on a terminal, or as a line of standard input.")]
    Unreadable(#[from] io::Error),
}

/// Asks for the new password of `whom`.
pub(super) fn new_password(whom: Name) -> Result<Fresh, NoPassword> {
    if !stdin().is_terminal() {
        return first_line(stdin().lock());
    }
    let _raw = RawMode::enter()?;
    let first = hidden(&format!("New password for {whom}: "))?;
    let again = hidden("The same again: ")?;
    if first == again { Ok(first) } else { Err(NoPassword::Differ) }
}

/// The first line, without its end.
fn first_line(typed: impl BufRead) -> Result<Fresh, NoPassword> {
    let bytes_max = PASSWORD_MAX + "\r\n".len();
    let mut line = Zeroizing::new(Vec::with_capacity(bytes_max));
    typed.take(bytes_max as u64).read_until(b'\n', &mut line)?;
    let end = line.strip_suffix(b"\n").unwrap_or(&line);
    let end = end.strip_suffix(b"\r").unwrap_or(end);
    checked(std::str::from_utf8(end).map_err(|_| NoPassword::NotUtf8)?)
}

fn checked(password: &str) -> Result<Fresh, NoPassword> {
    match password.len() {
        0 => Err(NoPassword::Empty),
        1..=PASSWORD_MAX => Ok(Zeroizing::new(password.to_owned())),
        _ => Err(NoPassword::TooLong),
    }
}

/// The terminal hands over keys as they are pressed and shows none of them, until this is dropped.
struct RawMode;

impl RawMode {
    fn enter() -> io::Result<RawMode> {
        enable_raw_mode()?;
        Ok(RawMode)
    }
}

impl Drop for RawMode {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = disable_raw_mode();
    }
}

/// Asks, and reads keys until the line is done.
fn hidden(prompt: &str) -> Result<Fresh, NoPassword> {
    let mut shown = stderr();
    write!(shown, "{prompt}")?;
    shown.flush()?;
    let mut typed = Typed::default();
    let done = loop {
        if let Event::Key(key) = read()?
            && let Some(done) = typed.press(key)
        {
            break done;
        }
    };
    write!(shown, "\r\n")?;
    done.and_then(|()| checked(&typed.0))
}

/// What has been typed.
struct Typed(Fresh);

impl Default for Typed {
    fn default() -> Self {
        // Whatever grows leaves copies behind.
        Typed(Zeroizing::new(String::with_capacity(PASSWORD_MAX + 4)))
    }
}

impl Typed {
    /// A key was pressed. Tells when the line is done, and how.
    fn press(&mut self, key: KeyEvent) -> Option<Result<(), NoPassword>> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Enter, _) | (KeyCode::Char('j' | 'm'), true) => return Some(Ok(())),
            (KeyCode::Char('c'), true) => return Some(Err(NoPassword::Interrupted)),
            (KeyCode::Char('d'), true) if self.0.is_empty() => return Some(Err(NoPassword::Interrupted)),
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => drop(self.0.pop()),
            (KeyCode::Char('u'), true) => self.0.clear(),
            (KeyCode::Char(char), false) => {
                if self.0.len() > PASSWORD_MAX {
                    return Some(Err(NoPassword::TooLong));
                }
                self.0.push(char);
            }
            (KeyCode::Tab, _) => self.0.push('\t'),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(bytes: &[u8]) -> Result<String, String> {
        first_line(bytes).map(|fresh| fresh.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_piped_password_is_the_first_line() {
        assert_eq!(line(b"may the  force \nyoda\n").unwrap(), "may the  force ");
        assert_eq!(line(b"wise").unwrap(), "wise");
        assert_eq!(line(b"wise\r\n").unwrap(), "wise");
        let longest = "x".repeat(PASSWORD_MAX);
        for end in ["", "\n", "\r\n"] {
            assert_eq!(line(format!("{longest}{end}").as_bytes()).unwrap(), longest);
        }
    }

    #[test]
    fn what_cannot_be_a_password_is_refused_in_one_line() {
        let too_long = [b'x'; PASSWORD_MAX + 1];
        let cases: [(&[u8], &str); 5] = [
            (b"", "The password is empty"),
            (b"\n", "The password is empty"),
            (b"\r\n", "The password is empty"),
            (b"\xff\n", "The password is not valid UTF-8"),
            (&too_long, "The password is too long"),
        ];
        for (bytes, told) in cases {
            let refused = line(bytes).unwrap_err();
            assert!(refused.starts_with(told) && !refused.contains('\n'), "{refused}");
        }
    }

    fn typed(keys: &[(KeyCode, KeyModifiers)]) -> (String, Option<bool>) {
        let mut typed = Typed::default();
        let mut done = None;
        for (code, modifiers) in keys {
            assert!(done.is_none(), "nothing is read after the end");
            done = typed.press(KeyEvent::new(*code, *modifiers)).map(|done| done.is_ok());
        }
        (typed.0.to_string(), done)
    }

    #[test]
    fn a_typed_password_can_be_corrected() {
        let key = |char| (KeyCode::Char(char), KeyModifiers::NONE);
        let control = |char| (KeyCode::Char(char), KeyModifiers::CONTROL);
        let enter = (KeyCode::Enter, KeyModifiers::NONE);
        let back = (KeyCode::Backspace, KeyModifiers::NONE);
        assert_eq!(typed(&[key('a'), key('ß'), back, key('b'), enter]), ("ab".to_owned(), Some(true)));
        assert_eq!(typed(&[key('a'), control('u'), key('b')]), ("b".to_owned(), None));
        assert_eq!(typed(&[key('a'), control('c')]).1, Some(false));
        assert_eq!(typed(&[control('d')]).1, Some(false));
        assert_eq!(typed(&vec![key('x'); PASSWORD_MAX + 2]).1, Some(false));
    }
}
