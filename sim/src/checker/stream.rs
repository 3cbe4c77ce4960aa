//! What the server says is what the client shows: letters, broadcasts and presence, in the same order.

use std::collections::VecDeque;

use starling_core::client::Line;
use starling_core::wire::{Presence, ServerFrame};

use super::book::Book;
use super::fact::{Fact, Target, number};
use super::{Finding, fail};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    /// By link: what was sent and is not shown.
    sent: Vec<VecDeque<Sent>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Letter(u32),
    Cast(u32),
    Came(u16),
    Went(u16),
}

impl Streams {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Told { link, frame } if book.sight(*link).honest => self.told(*link, frame, book),
            Fact::Cast { links, tag, .. } => {
                let sent = Sent::Cast(tag.unwrap_or(u32::MAX));
                for link in links.iter().filter(|link| book.sight(**link).honest) {
                    self.sent(*link).push_back(sent);
                }
            }
            Fact::Shown { link, line, tag, .. } => return self.shown(*link, line, *tag, book),
            Fact::Exited { link, .. } => {
                if let Some(sent) = self.sent.get_mut(*link as usize) {
                    *sent = VecDeque::new();
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn sent(&mut self, link: u32) -> &mut VecDeque<Sent> {
        let at = link as usize;
        if self.sent.len() <= at {
            self.sent.resize_with(at + 1, VecDeque::new);
        }
        &mut self.sent[at]
    }

    fn told(&mut self, link: u32, frame: &ServerFrame, book: &Book) {
        let user = |name| match book.target(name) {
            Target::User(user) => user,
            Target::Nobody | Target::Impossible => u16::MAX,
        };
        match frame {
            ServerFrame::Mail { text, .. } => {
                self.sent(link).push_back(Sent::Letter(number(text.bytes()).unwrap_or(u32::MAX)));
            }
            ServerFrame::Presence(list) => {
                let sent = |change: &Presence| match change.online {
                    true => Sent::Came(user(change.name)),
                    false => Sent::Went(user(change.name)),
                };
                self.sent(link).extend(list.changes.iter().map(sent));
            }
            _ => {}
        }
    }

    fn shown(&mut self, link: u32, line: &Line, tag: Option<u32>, book: &Book) -> Finding {
        let is_shown = |next: &Sent| match (line, *next) {
            (Line::Said(from, _), Sent::Letter(sent) | Sent::Cast(sent)) => {
                tag == Some(sent) && book.speaker(sent, *from).is_some()
            }
            (Line::Presence(presence), Sent::Came(user)) => {
                presence.online && book.target(presence.name) == Target::User(user)
            }
            (Line::Presence(presence), Sent::Went(user)) => {
                !presence.online && book.target(presence.name) == Target::User(user)
            }
            _ => false,
        };
        if !matches!(line, Line::Said(..) | Line::Presence(_)) {
            return Ok(());
        }
        let Some(sent) = self.sent.get_mut(link as usize) else { return fail!("\"{line}\" was never sent") };
        while let Some(next) = sent.pop_front() {
            if is_shown(&next) {
                return Ok(());
            }
            // Only a letter may be passed over: one that this device has shown before.
            if !matches!(next, Sent::Letter(..)) {
                return fail!("\"{line}\" is shown when {next:?} is next");
            }
        }
        fail!("\"{line}\" was not sent")
    }
}
