//! A client machine of somebody who is online as yoda, and the lines that it shows him.

use bytes::Bytes;
use starling_core::client::{Action, Client, Event, Input, Line, Memory};
use starling_core::id::{Epoch, MsgId, Seq, ServerId};
use starling_core::seed::Seed;
use starling_core::time::Time;
use starling_core::wire::{Greeting, ServerFrame, VERSION};

use super::frames::text_of;
use super::house::{encoded, name_of};

/// See the module.
pub(crate) struct Person {
    client: Client,
    letters: u64,
}

impl Person {
    pub(crate) fn online() -> Person {
        let mut person = Person { client: Client::new(Seed::from(1), Time::ZERO), letters: 0 };
        person.feed(Input::Opened);
        let greeting =
            Greeting { version: VERSION, product: "test".into(), server: ServerId(7), epoch: Epoch(1) };
        person.hears(&ServerFrame::Greeting(greeting));
        person.types(b"yoda");
        person.feed(Input::Recalled(Memory::default()));
        person.types(b"wise");
        let welcome = person.hears(&ServerFrame::Welcome { name: name_of("yoda") });
        assert!(matches!(welcome[..], [Line::Welcome(_)]));
        person
    }

    /// hans says something to everybody.
    pub(crate) fn is_called(&mut self, text: &str) -> Vec<Line> {
        self.hears(&ServerFrame::Cast { from: name_of("hans"), text: text_of(text) })
    }

    /// hans writes to yoda.
    pub(crate) fn gets_mail(&mut self, text: &str) -> Vec<Line> {
        self.letters += 1;
        let seq = Seq::from_bits(Seq::before_first(Epoch(1)).to_bits() + self.letters);
        let id = MsgId { instance: 5, counter: self.letters };
        self.hears(&ServerFrame::Mail { seq, id, from: name_of("hans"), text: text_of(text) })
    }

    /// He types, or pastes, a line.
    pub(crate) fn types(&mut self, line: &[u8]) -> Vec<Line> {
        self.feed(Input::Typed(Bytes::copy_from_slice(line)))
    }

    pub(crate) fn hears(&mut self, frame: &ServerFrame) -> Vec<Line> {
        self.feed(Input::Received(encoded(&frame.frame()).into()))
    }

    fn feed(&mut self, input: Input) -> Vec<Line> {
        let actions = self.client.step(Event { at: Time::ZERO, input });
        let lines = actions.into_iter().filter_map(|action| match action {
            Action::Show { line, .. } => Some(line),
            _ => None,
        });
        lines.collect()
    }
}
