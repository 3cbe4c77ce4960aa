//! Feeding the machine, and doing what it says.

use std::fmt::Display;

use starling_core::auth::credentials::Entry;
use starling_core::server::{Action, Event, Input};

use super::inbox::Note;
use super::shard::{Ended, Phase, Shard};
use super::verify::{Attempt, Difference};
use crate::store::{Answer, Moment, Order};
use crate::tls::device::holds;

impl Shard {
    /// Tells the machine what happened, and does what it says, with everything that follows from it now.
    pub(super) fn feed(&mut self, input: Input) {
        self.step(input);
        self.settle();
    }

    /// Tells the machine what is already known: answers, and what happened while writing.
    pub(super) fn settle(&mut self) {
        while let Some(input) = self.streams.next_report().or_else(|| self.answers.pop_front()) {
            self.step(input);
        }
    }

    fn step(&mut self, input: Input) {
        match input {
            Input::Received { conn, .. } | Input::Unread { conn, .. } if !self.streams.is_open(conn) => {
                return;
            }
            Input::Closed { conn } if !self.streams.forget(conn) => return,
            _ => {}
        }
        self.machine.step_into(Event { at: self.now, input }, &mut self.actions);
        let mut actions = std::mem::take(&mut self.actions);
        actions.drain(..).for_each(|action| self.perform(action));
        self.actions = actions;
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Send { conn, frame } => self.streams.send(conn, &frame),
            Action::SendMany { to, frame } => self.streams.send_many(&to, &frame),
            Action::Pause { conn } => self.streams.pause(conn),
            Action::Resume { conn } => self.streams.resume(conn),
            Action::Close { conn, flush } => self.streams.close(conn, flush),
            Action::Prove { conn, proof } => {
                let holds = self.streams.exported(conn).is_some_and(|exported| holds(&proof, &exported));
                self.answers.push_back(Input::Proven { conn, holds });
            }
            Action::Verify { account, ticket, name, password } => {
                let known = self.verifier.check(Attempt { account, ticket, name, password });
                self.answers.extend(known.map(|right| Input::Verified { account, ticket, right }));
            }
            Action::Store(batch) => {
                let at = Moment { now: self.now, wall: self.clock.wall() };
                self.order(Order::Store { batch, at });
            }
            Action::Load(page) => self.order(Order::Load(page)),
            Action::Stopped => self.drain(),
        }
    }

    fn order(&mut self, order: Order) {
        if let Err(refused) = self.store.order(order) {
            self.take_answer(refused);
        }
    }

    fn drain(&mut self) {
        if let Phase::Stopping { until } = self.phase {
            self.phase = Phase::Draining { until };
        }
    }

    /// Reads what other threads left.
    pub(super) fn take_notes(&mut self) {
        while let Some(note) = self.inbox.pop() {
            match note {
                Note::Answer(answer) => self.take_answer(answer),
                Note::Verified { account, ticket, right } => {
                    self.answers.push_back(Input::Verified { account, ticket, right });
                }
                Note::Credentials(entries) => self.renumber(&entries),
                Note::Stop => self.stop(),
                Note::Kill => self.phase = Phase::Over(Ended::Stopped),
            }
            self.settle();
        }
    }

    fn take_answer(&mut self, answer: Answer) {
        match answer {
            Answer::Assigned(users) => {
                if let Some(passwords) = self.passwords_to_come.pop_front() {
                    let Difference { added, removed, changed } = self.verifier.take_over(passwords);
                    tracing::info!(
                        users = users.len(),
                        added,
                        removed,
                        changed,
                        "the new credentials are in use"
                    );
                    self.verifier.warn_if_uneven();
                }
                self.answers.push_back(Input::Users { users });
            }
            Answer::NotAssigned(why) => {
                self.passwords_to_come.pop_front();
                keep_the_old(&why);
            }
            Answer::Broken(why) => self.phase = Phase::Over(Ended::StoreBroken(why)),
            Answer::Stored { .. } | Answer::Loaded { .. } => self.answers.extend(answer.into_input().ok()),
        }
    }

    fn renumber(&mut self, entries: &[Entry]) {
        match self.verifier.prepare(entries) {
            Ok(passwords) => {
                self.passwords_to_come.push_back(passwords);
                self.order(Order::Assign(entries.iter().map(|entry| entry.name).collect()));
            }
            Err(why) => keep_the_old(&why),
        }
    }
}

fn keep_the_old(why: &dyn Display) {
    tracing::error!(%why, "the new credentials cannot be used; the old ones stay");
}
