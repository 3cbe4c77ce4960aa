//! A client machine before a server that says anything.

use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{Action, Client, Event, Input, Memory, TYPED_MAX};
use starling_core::seed::Seed;
use starling_core::time::Time;

use super::data::Data;

/// Lines that mean something.
const LINES: [&str; 7] =
    ["hans", "falcon", "whoelse", "message yoda hi", "block luke", "whoelsesince 9", "logout"];

/// A hostile server, and a person who types anything.
///
/// # Panics
/// If the machine does, or does what it must not.
pub fn client_step(data: &[u8]) {
    let mut data = Data::new(data);
    let mut toy = Toy { client: Client::new(Seed::from(1), Time::ZERO), now: Time::ZERO, is_over: false };
    toy.feed(Input::Opened);
    while !data.is_empty() {
        toy.act(&mut data);
    }
}

/// The simplest driver.
struct Toy {
    client: Client,
    now: Time,
    is_over: bool,
}

impl Toy {
    /// One thing happens.
    fn act(&mut self, data: &mut Data<'_>) {
        match data.below(8) {
            0..=2 => {
                let kind = data.byte();
                let body = data.bytes();
                self.feed(Input::Received(frame(kind, &body)));
            }
            3 => {
                let bytes = data.bytes();
                if !bytes.is_empty() {
                    self.feed(Input::Received(bytes));
                }
            }
            4 => self.types(data.bytes()),
            5 => {
                let line = LINES[usize::from(data.byte()) % LINES.len()];
                self.types(Bytes::from_static(line.as_bytes()));
            }
            6 => self.pass(Duration::from_millis(u64::from(data.byte()) * u64::from(data.byte()))),
            _ => self.end(data.byte()),
        }
    }

    fn types(&mut self, mut line: Bytes) {
        line.truncate(TYPED_MAX);
        if self.client.wants_line() {
            self.feed(Input::Typed(line));
        }
    }

    fn end(&mut self, how: u8) {
        match how {
            0..=9 => self.feed(Input::Closed),
            10..=19 => self.feed(Input::Interrupted),
            20..=29 if self.client.wants_line() => self.feed(Input::EndOfInput),
            _ => {}
        }
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.client.deadline().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.feed(Input::Chime);
        }
        self.now = until;
    }

    fn feed(&mut self, input: Input) {
        let actions = self.client.step(Event { at: self.now, input });
        self.client.check();
        actions.into_iter().for_each(|action| self.perform(action));
    }

    fn perform(&mut self, action: Action) {
        assert!(!self.is_over, "nothing follows the end");
        match action {
            Action::Recall { .. } => self.feed(Input::Recalled(Memory::default())),
            Action::Show { line, .. } => {
                let line = line.to_string();
                assert!(!line.contains(|char: char| char.is_control() && char != '\t'), "{line:?}");
            }
            Action::Exit(_) => self.is_over = true,
            Action::Send(_)
            | Action::Ask(_)
            | Action::Expect { .. }
            | Action::Dial { .. }
            | Action::Abandon { .. }
            | Action::SendPeer { .. }
            | Action::ClosePeer { .. }
            | Action::Remember { .. } => {}
        }
    }
}

/// A frame with a true head.
fn frame(kind: u8, body: &[u8]) -> Bytes {
    let [.., high, middle, low] = body.len().to_be_bytes();
    [&[kind, high, middle, low], body].concat().into()
}
