//! What a key means while a line is edited: the keys of a shell.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::InputRequest;

/// The meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Nothing.
    Nothing,
    /// Edit the line.
    Edit(InputRequest),
    /// The line is done.
    Enter,
    /// Complete the word.
    Complete,
    /// The command before.
    Older,
    /// The command after.
    Newer,
    /// Clear the screen.
    Clear,
    /// End the input, or delete a character if there is one.
    EndOrDelete,
    /// Out.
    Interrupt,
}

/// What `key` means.
pub(super) fn meaning(key: KeyEvent) -> Meaning {
    if key.kind == KeyEventKind::Release {
        return Meaning::Nothing;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alt = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Char(c) if control && !alt => with_control(c),
        KeyCode::Char(c) if alt && !control => with_alt(c),
        KeyCode::Char(c) => Meaning::Edit(InputRequest::InsertChar(c)),
        KeyCode::Enter => Meaning::Enter,
        KeyCode::Tab => Meaning::Complete,
        KeyCode::Up => Meaning::Older,
        KeyCode::Down => Meaning::Newer,
        code => editing(code, control || alt).map_or(Meaning::Nothing, Meaning::Edit),
    }
}

fn editing(code: KeyCode, by_word: bool) -> Option<InputRequest> {
    Some(match (code, by_word) {
        (KeyCode::Backspace, false) => InputRequest::DeletePrevChar,
        (KeyCode::Backspace, true) => InputRequest::DeletePrevWord,
        (KeyCode::Delete, false) => InputRequest::DeleteNextChar,
        (KeyCode::Delete, true) => InputRequest::DeleteNextWord,
        (KeyCode::Left, false) => InputRequest::GoToPrevChar,
        (KeyCode::Left, true) => InputRequest::GoToPrevWord,
        (KeyCode::Right, false) => InputRequest::GoToNextChar,
        (KeyCode::Right, true) => InputRequest::GoToNextWord,
        (KeyCode::Home, _) => InputRequest::GoToStart,
        (KeyCode::End, _) => InputRequest::GoToEnd,
        _ => return None,
    })
}

fn with_control(c: char) -> Meaning {
    Meaning::Edit(match c.to_ascii_lowercase() {
        'c' => return Meaning::Interrupt,
        'd' => return Meaning::EndOrDelete,
        'j' | 'm' => return Meaning::Enter,
        'i' => return Meaning::Complete,
        'l' => return Meaning::Clear,
        'n' => return Meaning::Newer,
        'p' => return Meaning::Older,
        'a' => InputRequest::GoToStart,
        'b' => InputRequest::GoToPrevChar,
        'e' => InputRequest::GoToEnd,
        'f' => InputRequest::GoToNextChar,
        'h' => InputRequest::DeletePrevChar,
        'k' => InputRequest::DeleteTillEnd,
        'u' => InputRequest::DeleteFromStart,
        'w' => InputRequest::DeletePrevWord,
        'y' => InputRequest::Yank,
        _ => return Meaning::Nothing,
    })
}

fn with_alt(c: char) -> Meaning {
    Meaning::Edit(match c.to_ascii_lowercase() {
        'b' => InputRequest::GoToPrevWord,
        'd' => InputRequest::DeleteNextWord,
        'f' => InputRequest::GoToNextWord,
        _ => return Meaning::Nothing,
    })
}
