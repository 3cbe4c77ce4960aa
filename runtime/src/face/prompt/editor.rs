//! The line that is being typed.

use crossterm::event::KeyEvent;
use starling_core::client::{Prompt, TYPED_MAX};
use tui_input::{Input, InputRequest};

use super::completion;
use super::history::History;
use super::keys::{Meaning, meaning};

/// What came of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Edited {
    /// The text or the cursor changed, or nothing did.
    Text,
    /// These lines are done.
    Lines(Vec<String>),
    /// The screen is to be cleared.
    Clear,
    /// No more lines will come.
    End,
    /// The person wants out.
    Interrupted,
}

/// A half-typed line and what it is to answer.
#[derive(Debug, Default)]
pub(super) struct Editor {
    /// What is asked for; nothing while the client has no question.
    asked: Option<Prompt>,
    input: Input,
    history: History,
}

impl Editor {
    /// A question; true if it is another than before.
    pub(super) fn ask(&mut self, prompt: Prompt) -> bool {
        self.asked.replace(prompt) != Some(prompt)
    }

    /// A line was taken as the answer: how the question and the answer stay on the screen. A command may
    /// be followed by another; what else was asked for is answered.
    pub(super) fn taken(&mut self, line: &str) -> String {
        let words = self.prompt().unwrap_or_default();
        let echo = match self.asked {
            Some(Prompt::Password) => words.to_owned(),
            _ => format!("{words}{line}"),
        };
        if self.asked == Some(Prompt::Command) {
            self.history.add(line);
        } else {
            self.asked = None;
        }
        echo
    }

    /// The words of the question.
    pub(super) fn prompt(&self) -> Option<&'static str> {
        Some(match self.asked? {
            Prompt::Name => "Username: ",
            Prompt::Password => "Password: ",
            Prompt::Command => "> ",
        })
    }

    /// What may be seen of the text: before and after the cursor.
    pub(super) fn visible(&self) -> (&str, &str) {
        match self.asked {
            Some(Prompt::Name | Prompt::Command) => self.input.value().split_at(self.cursor_at()),
            Some(Prompt::Password) | None => ("", ""),
        }
    }

    /// Bytes before the cursor.
    fn cursor_at(&self) -> usize {
        let value = self.input.value();
        value.char_indices().nth(self.input.cursor()).map_or(value.len(), |(at, _)| at)
    }

    /// The row as it is left behind, if something stands in it.
    pub(super) fn unfinished(&self) -> Option<String> {
        let (before, after) = self.visible();
        let text = [before, after].concat();
        (!text.is_empty()).then(|| format!("{}{text}", self.prompt().unwrap_or_default()))
    }

    /// A key was pressed.
    pub(super) fn press(&mut self, key: KeyEvent) -> Edited {
        match meaning(key) {
            Meaning::Nothing => {}
            Meaning::Edit(InputRequest::InsertChar(c)) => self.insert(c.encode_utf8(&mut [0; 4])),
            Meaning::Edit(request) => drop(self.input.handle(request)),
            Meaning::Enter => return Edited::Lines(vec![self.input.value_and_reset()]),
            Meaning::Complete => self.complete(),
            Meaning::Older => self.leaf(|history, current| history.older(current)),
            Meaning::Newer => self.leaf(|history, _| history.newer()),
            Meaning::Clear => return Edited::Clear,
            Meaning::EndOrDelete if self.input.value().is_empty() => return Edited::End,
            Meaning::EndOrDelete => drop(self.input.handle(InputRequest::DeleteNextChar)),
            Meaning::Interrupt => return Edited::Interrupted,
        }
        Edited::Text
    }

    /// A text was pasted: each of its newlines ends a line.
    pub(super) fn paste(&mut self, text: &str) -> Edited {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let mut pieces = text.split('\n');
        self.insert(pieces.next().unwrap_or_default());
        let mut lines = Vec::new();
        for piece in pieces {
            lines.push(self.input.value_and_reset());
            self.insert(piece);
        }
        if lines.is_empty() { Edited::Text } else { Edited::Lines(lines) }
    }

    /// Puts a text before the cursor. A line that is too long already grows no further.
    fn insert(&mut self, text: &str) {
        let (value, cursor) = (self.input.value(), self.input.cursor());
        if value.len() >= TYPED_MAX {
            return;
        }
        let (before, after) = value.split_at(self.cursor_at());
        let text = &text[..text.floor_char_boundary(TYPED_MAX)];
        let cursor = cursor + text.chars().count();
        self.input = self.input.clone().with_value([before, text, after].concat()).with_cursor(cursor);
    }

    fn complete(&mut self) {
        let (value, cursor) = (self.input.value(), self.input.cursor());
        if self.asked == Some(Prompt::Command) && cursor == value.chars().count() {
            let rest = completion::rest(value);
            self.insert(&rest);
        }
    }

    fn leaf(&mut self, turn: impl FnOnce(&mut History, &str) -> Option<String>) {
        if self.asked != Some(Prompt::Command) {
            return;
        }
        if let Some(line) = turn(&mut self.history, self.input.value()) {
            self.input = self.input.clone().with_value(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;

    fn asked(prompt: Prompt) -> Editor {
        let mut editor = Editor::default();
        assert!(editor.ask(prompt));
        editor
    }

    fn press(editor: &mut Editor, code: KeyCode) -> Edited {
        editor.press(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn seen(editor: &Editor) -> String {
        let (before, after) = editor.visible();
        [before, after].concat()
    }

    fn control(editor: &mut Editor, c: char) -> Edited {
        editor.press(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
    }

    fn types(editor: &mut Editor, text: &str) {
        text.chars().for_each(|c| assert_eq!(press(editor, KeyCode::Char(c)), Edited::Text));
    }

    #[test]
    fn a_line_is_typed_mended_and_done() {
        let mut editor = asked(Prompt::Command);
        types(&mut editor, "mesage luke hi");
        (0..12).for_each(|_| drop(press(&mut editor, KeyCode::Left)));
        assert_eq!(editor.visible(), ("me", "sage luke hi"));
        types(&mut editor, "s");
        control(&mut editor, 'e');
        types(&mut editor, "!?");
        press(&mut editor, KeyCode::Backspace);
        assert_eq!(seen(&editor), "message luke hi!");
        assert_eq!(press(&mut editor, KeyCode::Enter), Edited::Lines(vec!["message luke hi!".into()]));
        assert_eq!(seen(&editor), "");
    }

    #[test]
    fn a_password_is_never_seen() {
        let mut editor = asked(Prompt::Password);
        types(&mut editor, "wise");
        assert_eq!((seen(&editor), editor.unfinished()), (String::new(), None));
        assert_eq!(press(&mut editor, KeyCode::Enter), Edited::Lines(vec!["wise".into()]));
        assert_eq!(editor.taken("wise"), "Password: ");
        assert_eq!(editor.prompt(), None);
        assert!(editor.ask(Prompt::Command));
        press(&mut editor, KeyCode::Up);
        assert_eq!(seen(&editor), "", "it is no command to come back to");
    }

    #[test]
    fn what_is_typed_before_a_question_is_not_seen() {
        let mut editor = Editor::default();
        types(&mut editor, "secret");
        assert_eq!(seen(&editor), "");
        editor.ask(Prompt::Password);
        assert_eq!(seen(&editor), "");
    }

    #[test]
    fn commands_come_back() {
        let mut editor = asked(Prompt::Command);
        assert_eq!(editor.taken("block hans"), "> block hans");
        types(&mut editor, "who");
        press(&mut editor, KeyCode::Up);
        assert_eq!(seen(&editor), "block hans");
        press(&mut editor, KeyCode::Down);
        assert_eq!(seen(&editor), "who");
        press(&mut editor, KeyCode::Tab);
        assert_eq!(seen(&editor), "whoelse");
    }

    #[test]
    fn a_paste_of_several_lines_is_several_lines() {
        let mut editor = asked(Prompt::Command);
        types(&mut editor, "x");
        control(&mut editor, 'a');
        let done = editor.paste("whoelse\r\nblock hans\rmessage ");
        assert_eq!(done, Edited::Lines(vec!["whoelsex".into(), "block hans".into()]));
        assert_eq!(seen(&editor), "message ");
        assert_eq!(editor.paste("luke\u{1b}[2J"), Edited::Text);
        assert_eq!(seen(&editor), "message luke\u{1b}[2J", "the screen makes it harmless");
    }

    #[test]
    fn an_endless_line_stops_growing() {
        let mut editor = asked(Prompt::Command);
        editor.paste(&"é".repeat(TYPED_MAX));
        editor.paste("more");
        types(&mut editor, "more");
        let Edited::Lines(lines) = press(&mut editor, KeyCode::Enter) else { panic!("a line") };
        assert_eq!(lines[0].len(), TYPED_MAX);
    }

    #[test]
    fn the_ways_out() {
        let mut editor = asked(Prompt::Command);
        assert_eq!(control(&mut editor, 'c'), Edited::Interrupted);
        types(&mut editor, "ab");
        control(&mut editor, 'a');
        assert_eq!(control(&mut editor, 'd'), Edited::Text);
        assert_eq!(seen(&editor), "b");
        control(&mut editor, 'u');
        control(&mut editor, 'k');
        assert_eq!(control(&mut editor, 'd'), Edited::End);
        assert_eq!(control(&mut editor, 'l'), Edited::Clear);
    }
}
