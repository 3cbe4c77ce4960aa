//! Broadcasts: exactly once to everybody online who has not blocked the sender.

use starling_core::wire::{Outcome, ServerFrame};

use super::book::{Book, Known, Wish};
use super::fact::Fact;
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Casts {
    /// Broadcasts sent in this step, and where.
    sent: Vec<(u32, Vec<u32>)>,
    /// By link: the last broadcast that was found to be sent there.
    reached: Vec<u32>,
}

impl Casts {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Cast { links, from, tag } => {
                let Some(tag) = tag.filter(|tag| book.speaker(*tag, *from).is_some()) else {
                    return fail!("a broadcast that nobody made");
                };
                self.sent.push((tag, links.to_vec()));
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
                let there =
                    |tag| book.spoke(tag).is_some_and(|from| book.online[usize::from(from)].is_some());
                if let Some((tag, _)) = self.sent.drain(..).find(|(tag, _)| there(*tag)) {
                    return fail!("broadcast {tag} is sent and not answered");
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Notes where a broadcast was sent. Returns to how many.
    fn mark(&mut self, tag: u32, links: &[u32]) -> Result<usize, String> {
        let most = links.iter().max().map_or(0, |link| *link as usize + 1);
        if self.reached.len() < most {
            self.reached.resize(most, 0);
        }
        for link in links {
            if std::mem::replace(&mut self.reached[*link as usize], tag) == tag {
                return fail!("broadcast {tag} is sent twice on one connection");
            }
        }
        Ok(links.len())
    }

    fn answered(&mut self, link: u32, tag: u32, outcome: Outcome, book: &mut Book) -> Finding {
        let Some(sender) = book.sight(link).user else { return Ok(()) };
        let at = self.sent.iter().position(|(other, _)| *other == tag);
        let links = at.map_or_else(Vec::new, |at| self.sent.swap_remove(at).1);
        let reached = self.mark(tag, &links)?;
        let (mut others, mut withheld, mut unknown) = (0, 0, 0);
        for user in (0_u16..).zip(&book.online).filter_map(|(user, to)| to.map(|to| (user, to))) {
            let (user, to) = user;
            if user == sender {
                continue;
            }
            let got = self.reached.get(to as usize) == Some(&tag);
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
        if others - withheld != reached {
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
