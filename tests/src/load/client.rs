//! A person with the client machine of the core, as in the real client.

use std::collections::VecDeque;

use bytes::Bytes;
use starling_core::client::{Action, Client, Event, ExitCode, Input, Line, Memory, Prompt};
use starling_core::seed::Seed;
use starling_core::time::Time;

use super::crowd::{Ear, Heard, Voice};
use super::people;

/// See the module.
#[derive(Debug)]
pub(crate) struct Person {
    client: Client,
    name: Bytes,
    /// Lines that wait until the client takes one.
    unsaid: VecDeque<Bytes>,
    actions: Vec<Action>,
}

impl Person {
    /// The person with this number. He logs in by himself.
    ///
    /// `run` differs from run to run: a server that has seen the messages of an earlier one would take those
    /// of the same instance for repetitions.
    pub(crate) fn new(number: usize, run: u64, now: Time) -> Person {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&run.to_le_bytes());
        seed[8..16].copy_from_slice(&(number as u64).to_le_bytes());
        Person {
            client: Client::new(Seed(seed), now),
            name: people::name(number).into(),
            unsaid: VecDeque::new(),
            actions: Vec::new(),
        }
    }

    /// Types a line, as soon as the client takes one.
    pub(crate) fn say(&mut self, line: Bytes, ear: &mut Ear<'_>) {
        self.unsaid.push_back(line);
        self.go_on(ear);
    }

    fn step(&mut self, input: Input, ear: &mut Ear<'_>) {
        self.client.step_into(Event { at: ear.now(), input }, &mut self.actions);
        let mut answer = None;
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            answer = self.perform(action, ear).or(answer);
        }
        self.actions = actions;
        if let Some(input) = answer {
            self.step(input, ear);
        }
    }

    /// Does what the machine says. At most one order of a step wants an answer at once.
    fn perform(&self, action: Action, ear: &mut Ear<'_>) -> Option<Input> {
        match action {
            Action::Send(frame) => frame.encode_into(ear.out),
            Action::Recall { .. } => return Some(Input::Recalled(Memory::default())),
            Action::Ask(Prompt::Name) => return Some(Input::Typed(self.name.clone())),
            Action::Ask(Prompt::Password) => {
                return Some(Input::Typed(Bytes::from_static(people::PASSWORD.as_bytes())));
            }
            Action::Look { question, .. } => {
                return Some(Input::Looked { question, offers: Vec::new(), indexing: false });
            }
            Action::Ask(Prompt::Command)
            | Action::Hint(_)
            | Action::Expect { .. }
            | Action::Dial { .. }
            | Action::Abandon { .. }
            | Action::SendPeer { .. }
            | Action::ClosePeer { .. }
            | Action::Remember { .. }
            | Action::File(_) => {}
            Action::Show { line, .. } => show(&line, ear),
            Action::Exit(code) => ear.hears(Heard::Gone { planned: code == ExitCode::LoggedOut }),
        }
        None
    }

    fn go_on(&mut self, ear: &mut Ear<'_>) {
        while !self.unsaid.is_empty() && self.client.wants_line() {
            if let Some(line) = self.unsaid.pop_front() {
                self.step(Input::Typed(line), ear);
            }
        }
    }
}

impl Voice for Person {
    fn opened(&mut self, ear: &mut Ear<'_>) {
        self.step(Input::Opened, ear);
    }

    fn received(&mut self, bytes: Bytes, ear: &mut Ear<'_>) {
        self.step(Input::Received(bytes), ear);
        self.go_on(ear);
    }

    fn looked_at(&mut self, ear: &mut Ear<'_>) {
        if self.client.deadline().is_some_and(|at| at <= ear.now()) {
            self.step(Input::Chime, ear);
        }
    }

    fn closed(&mut self, ear: &mut Ear<'_>) {
        self.step(Input::Closed, ear);
    }
}

fn show(line: &Line, ear: &mut Ear<'_>) {
    ear.hears(match line {
        Line::Said(_, text) => match people::number(text.as_str()) {
            Some(number) => Heard::Text(number),
            None => Heard::Trouble("a text without a number"),
        },
        Line::Welcome(_) => Heard::Welcome,
        Line::Presence(_) => Heard::Presence { changes: 1, version: 0 },
        Line::Queued(_) => Heard::Queued,
        Line::LoggedOut => return,
        Line::LoginRefused(..) => Heard::Trouble("a login was refused"),
        Line::Refused(_) => Heard::Trouble("a command was refused"),
        Line::ConnectionLost => Heard::Trouble("a connection was lost"),
        Line::Busy => Heard::Trouble("the server was busy"),
        Line::TooManyCommands => Heard::Trouble("the server found commands too many"),
        _ => Heard::Trouble("a line that nothing asked for"),
    });
}
