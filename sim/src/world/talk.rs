//! What persons type: lines with numbers in their texts, so that each can be followed.

use bytes::{BufMut, Bytes};
use starling_core::time::Time;

use super::World;
use super::client::Typed;
use crate::checker::fact::{Command, Target};
use crate::stock::Stock;

/// What texts are filled up with: letters of several alphabets, spaces that must stay, and a character
/// that must not reach a terminal.
const FILLER: &str = "  Grüße,  \t\u{1f600} λόγος \u{1b}[0m end  ";

impl World {
    /// A number for what `from` is about to say, and the text.
    pub(super) fn words(&mut self, from: u16, to: Option<u16>, bytes: usize) -> (u32, Bytes) {
        let (tag, text) = self.numbered(bytes);
        self.judge.say(tag, from, to, &text);
        (tag, text)
    }

    /// A number for what is about to be said in private, and the text.
    pub(super) fn numbered(&mut self, bytes: usize) -> (u32, Bytes) {
        self.said += 1;
        let tag = self.said;
        let plain = self.is_plain();
        let text = self.net.bytes(bytes + 16, |out| {
            out.put_u8(b'm');
            put_number(out, tag);
            if bytes > 0 {
                out.put_u8(b' ');
                if plain { out.put_bytes(b'.', bytes) } else { fill(out, bytes) }
            }
        });
        (tag, text)
    }

    /// A command as a line.
    pub(super) fn line(&mut self, command: Command, text: &[u8], aim: Option<Time>) -> Typed {
        let name = |target| match target {
            Target::User(user) => self.people.names()[usize::from(user)].as_str().to_owned(),
            Target::Nobody => Target::NOBODY.to_owned(),
            Target::Impossible => Target::IMPOSSIBLE.to_owned(),
        };
        let (word, who) = match command {
            Command::Message(to, _) => ("message", Some(name(to))),
            Command::Broadcast(_) => ("broadcast", None),
            Command::Who => ("whoelse", None),
            Command::Since(seconds) => ("whoelsesince", Some(seconds.to_string())),
            Command::Block(whom, true) => ("block", Some(name(whom))),
            Command::Block(whom, false) => ("unblock", Some(name(whom))),
            Command::Start(whom) => ("startprivate", Some(name(whom))),
            Command::Whisper(to, _) => ("private", Some(name(to))),
            Command::Stop(whom) => ("stopprivate", Some(name(whom))),
            Command::Fetch(which, version) => {
                let name = Stock::NAMES[usize::from(which)];
                let digits =
                    version.and_then(|version| Some(self.options.files.as_ref()?.digits(which, version)));
                let what = digits.map_or(name.to_owned(), |digits| format!("--id {digits} {name}"));
                ("p2pDownload", Some(what))
            }
            Command::Cancel(which) => ("cancel", Some(Stock::NAMES[usize::from(which)].to_owned())),
            Command::Downloads => ("downloads", None),
            Command::Files => ("files", None),
            Command::Logout => ("logout", None),
            Command::Slip(slip) => {
                let bytes = Bytes::from_static(Command::SLIPS[usize::from(slip)].0);
                return Typed { bytes, command: Some(command), aim };
            }
        };
        let len = word.len() + who.as_ref().map_or(0, String::len) + text.len() + 2;
        let bytes = self.net.bytes(len, |out| {
            out.put_slice(word.as_bytes());
            for part in who.iter().map(String::as_bytes).chain((!text.is_empty()).then_some(text)) {
                out.put_u8(b' ');
                out.put_slice(part);
            }
        });
        Typed { bytes, command: Some(command), aim }
    }
}

fn put_number(out: &mut impl BufMut, number: u32) {
    let mut digits = [0_u8; 10];
    let mut left = number;
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.put_slice(&digits[at..]);
}

/// So many bytes of filler, cut between characters.
fn fill(out: &mut impl BufMut, mut bytes: usize) {
    while bytes > 0 {
        let part = FILLER.floor_char_boundary(bytes.min(FILLER.len()));
        if part == 0 {
            return (0..bytes).for_each(|_| out.put_u8(b'.'));
        }
        out.put_slice(&FILLER.as_bytes()[..part]);
        bytes -= part;
    }
}
