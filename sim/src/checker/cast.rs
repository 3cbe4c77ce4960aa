//! Broadcasts: exactly once to everybody online who has not blocked the sender.

use starling_core::wire::{Outcome, ServerFrame};

use super::book::{Book, Known, Wish};
use super::fact::{Fact, number};
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Casts {
    /// Broadcasts sent in this step: number, sender, connection.
    sent: Vec<(u32, u16, u32)>,
}

impl Casts {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Told { link, frame: ServerFrame::Cast { from, text } } => {
                let made = number(text.bytes()).and_then(|tag| Some((tag, book.speaker(tag, *from)?)));
                let Some((tag, from)) = made else { return fail!("a broadcast that nobody made") };
                self.sent.push((tag, from, *link));
            }
            Fact::Told { link, frame: ServerFrame::Done { request, outcome } } => {
                if let Some(asked) = book.asked(*link, *request)
                    && let Wish::Broadcast(Some(tag)) = asked.wish
                {
                    return self.answered(*link, tag, *outcome, book);
                }
            }
            Fact::Stepped { .. } if !self.sent.is_empty() => {
                // Who logs out at once is not there for the answer.
                let (tag, from, _) = self.sent[0];
                self.sent.clear();
                if book.online[usize::from(from)].is_some() {
                    return fail!("broadcast {tag} is sent and not answered");
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answered(&mut self, link: u32, tag: u32, outcome: Outcome, book: &mut Book) -> Finding {
        let Some(sender) = book.sight(link).user else { return Ok(()) };
        let mut reached: Vec<u32> = Vec::with_capacity(self.sent.len());
        self.sent.retain(|(other, from, to)| {
            let mine = *other == tag && *from == sender;
            if mine {
                reached.push(*to);
            }
            !mine
        });
        reached.sort_unstable();
        if reached.windows(2).any(|pair| pair[0] == pair[1]) {
            return fail!("broadcast {tag} is sent twice on one connection");
        }
        let (mut others, mut withheld, mut unknown) = (0, 0, 0);
        for user in (0_u16..).zip(&book.online).filter_map(|(user, to)| to.map(|to| (user, to))) {
            let (user, to) = user;
            if user == sender {
                continue;
            }
            let got = reached.binary_search(&to).is_ok();
            if book.joined[usize::from(user)] == Known::Either && !got {
                unknown += 1;
                continue;
            }
            others += 1;
            withheld += usize::from(!got);
            let blocked = if book.is_liked() { Known::No } else { book.blocks(user, sender) };
            match (blocked, got) {
                (Known::Yes, true) => {
                    return fail!("broadcast {tag} passes the block of {}", book.people.name(user));
                }
                (Known::No, false) => {
                    return fail!("broadcast {tag} does not reach {}", book.people.name(user));
                }
                _ => {}
            }
        }
        if others - withheld != reached.len() {
            return fail!("broadcast {tag} reaches somebody who is not online, or its sender");
        }
        let expected = match (others, withheld) {
            (0, _) => Outcome::NobodyOnline,
            (_, 0) => Outcome::Accepted,
            _ => Outcome::Partly,
        };
        match outcome {
            Outcome::Partly => book.marks.reach(Mark::Partly),
            Outcome::NobodyOnline => book.marks.reach(Mark::NobodyOnline),
            _ => {}
        }
        let fits = outcome == expected || (unknown > 0 && outcome == Outcome::Partly);
        if fits { Ok(()) } else { fail!("broadcast {tag} ends as {outcome:?}, not {expected:?}") }
    }
}
