//! Which blocks certainly hold, and what must not be seen meanwhile.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use starling_core::wire::{Outcome, ServerFrame};

use super::model::{Step, USERS};
use super::team::Team;

/// See the module.
#[derive(Default)]
pub(super) struct Watch {
    /// Blocks that were asked for, by the number of the request.
    asked: BTreeMap<u32, (usize, usize)>,
    /// Blocker and blocked, and the last request before the reply was seen.
    holds: BTreeMap<(usize, usize), u32>,
}

impl Watch {
    /// A step is about to be done. If it ends a block, nothing is certain from here on.
    pub(super) fn begins(&mut self, step: Step, team: &Team) {
        if let Step::Unblock(by, whom) = step
            && team.conns[by].is_some()
        {
            self.holds.remove(&(by, whom));
            self.asked.retain(|_, asked| *asked != (by, whom));
        }
    }

    /// It was done, with a request of that number.
    pub(super) fn asks(&mut self, step: Step, number: Option<u32>) {
        if let (Some(number), Step::Block(by, whom)) = (number, step) {
            self.asked.insert(number, (by, whom));
        }
    }

    /// Replies to those who are gone are not seen.
    pub(super) fn forgets(&mut self, team: &Team) {
        self.asked.retain(|_, (by, _)| team.conns[*by].is_some());
    }

    /// Looks at what was sent up to the request `now`, in order.
    pub(super) fn sees(&mut self, heard: &[(usize, ServerFrame)], now: u32) -> Result<(), TestCaseError> {
        for (user, frame) in heard {
            match frame {
                ServerFrame::Done { request, outcome: Outcome::Accepted } => {
                    if let Some(pair) = self.asked.remove(&request.0) {
                        self.holds.insert(pair, now);
                    }
                }
                ServerFrame::Mail { from, text, .. } | ServerFrame::Cast { from, text } => {
                    let number: u32 = text.as_str()["text ".len()..].parse().expect("a number");
                    let since = self.holds.get(&(*user, place(from.as_str())));
                    let before = since.is_none_or(|since| number <= *since);
                    prop_assert!(before, "{} got through to {}", from, USERS[*user]);
                }
                ServerFrame::Presence(list) => {
                    for change in &list.changes {
                        self.is_hidden(change.name.as_str(), *user)?;
                    }
                }
                ServerFrame::Names(page) => {
                    for name in &page.names {
                        self.is_hidden(name.as_str(), *user)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn is_hidden(&self, name: &str, from: usize) -> Result<(), TestCaseError> {
        let hidden = !self.holds.contains_key(&(place(name), from));
        prop_assert!(hidden, "{} sees {}", USERS[from], name);
        Ok(())
    }
}

fn place(name: &str) -> usize {
    USERS.iter().position(|user| *user == name).expect("a user")
}
