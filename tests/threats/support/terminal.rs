//! A terminal that notes what it is told to do.

use vte::{Params, Parser, Perform};

/// What `stream` makes a terminal do beside showing characters, each with its kind and its name.
///
/// Bytes that are not UTF-8 are told, too: an older terminal takes them for controls of eight bits.
pub(crate) fn operations(stream: &[u8]) -> Vec<String> {
    let mut notes = Notes::default();
    Parser::new().advance(&mut notes, stream);
    for chunk in stream.utf8_chunks() {
        notes.0.extend(chunk.invalid().iter().map(|byte| format!("byte {byte:#x}")));
    }
    notes.0
}

/// The characters that `stream` shows.
pub(crate) fn shown(stream: &[u8]) -> String {
    let mut shown = Shown::default();
    Parser::new().advance(&mut shown, stream);
    shown.0
}

#[derive(Default)]
struct Shown(String);

impl Perform for Shown {
    fn print(&mut self, char: char) {
        self.0.push(char);
    }
}

#[derive(Default)]
struct Notes(Vec<String>);

impl Perform for Notes {
    fn print(&mut self, char: char) {
        if char.is_control() {
            self.0.push(format!("character {char:?}"));
        }
    }

    fn execute(&mut self, byte: u8) {
        self.0.push(format!("control {byte:#x}"));
    }

    fn hook(&mut self, _: &Params, _: &[u8], _: bool, action: char) {
        self.0.push(format!("device control string {action}"));
    }

    fn osc_dispatch(&mut self, _: &[&[u8]], _: bool) {
        self.0.push("operating system command".to_owned());
    }

    fn csi_dispatch(&mut self, _: &Params, intermediates: &[u8], _: bool, action: char) {
        self.0.push(format!("control sequence {}{action}", intermediates.escape_ascii()));
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _: bool, byte: u8) {
        self.0.push(format!("escape {}{}", intermediates.escape_ascii(), byte.escape_ascii()));
    }
}
