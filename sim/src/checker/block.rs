//! Blocks: each is answered as the relation is, and kept before it is answered.

use std::collections::BTreeSet;

use starling_core::store::Write;
use starling_core::wire::{Outcome, Refusal, ServerFrame};

use super::book::{Asked, Book, Known, Wish};
use super::fact::{Fact, Target};
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    /// What the disk says.
    kept: BTreeSet<(u16, u16)>,
}

impl Blocks {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Kept { write: Write::Block { by, whom, on } } => {
                let (Some(by), Some(whom)) = (book.user(*by), book.user(*whom)) else { return Ok(()) };
                if *on {
                    self.kept.insert((by, whom));
                } else {
                    self.kept.remove(&(by, whom));
                }
            }
            Fact::Told { link, frame: ServerFrame::Done { request, outcome } } => {
                if let Some(asked) = book.asked(*link, *request)
                    && let Wish::Block(whom, on) = asked.wish
                {
                    return self.answered(*link, asked, whom, on, *outcome, book);
                }
            }
            Fact::Crashed => {
                for (by, whom, relation) in book.relations().collect::<Vec<_>>() {
                    if relation.open == 0 && relation.on != self.kept.contains(&(by, whom)) {
                        let (by, whom) = (book.people.name(by), book.people.name(whom));
                        return fail!("the block of {whom} by {by} is not what is on the disk");
                    }
                    if relation.on {
                        book.marks.reach(Mark::BlockKept);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn answered(
        &self,
        link: u32,
        asked: Asked,
        whom: Target,
        on: bool,
        outcome: Outcome,
        book: &mut Book,
    ) -> Finding {
        let Some(by) = book.sight(link).user else { return Ok(()) };
        let whom = match whom {
            Target::User(whom) if whom == by => {
                return expect(outcome, Outcome::Refused(Refusal::Yourself));
            }
            Target::User(whom) => whom,
            Target::Nobody | Target::Impossible => {
                return expect(outcome, Outcome::Refused(Refusal::UnknownUser));
            }
        };
        // A change under way besides this one makes the answer open.
        let alone = book.relations().any(|(b, w, relation)| {
            (b, w) == (by, whom) && relation.open == 1 && relation.changed == asked.moment
        });
        let before =
            book.relations().find(|(b, w, _)| (*b, *w) == (by, whom)).map(|(_, _, relation)| relation.on);
        let kept = self.kept.contains(&(by, whom));
        match outcome {
            Outcome::Accepted if kept != on => fail!("a block is answered before it is kept"),
            Outcome::Accepted if alone && before == Some(on) => fail!("a block that was there is made again"),
            Outcome::Accepted => Ok(()),
            Outcome::Refused(Refusal::AlreadyBlocked) if on && (!alone || before == Some(true)) => Ok(()),
            Outcome::Refused(Refusal::NotBlocked) if !on && (!alone || before != Some(true)) => Ok(()),
            Outcome::Refused(Refusal::CannotStore) => {
                book.marks.reach(Mark::NotStored);
                Ok(())
            }
            _ => fail!("a block ends as {outcome:?}, and before it was {:?}", Known::Either),
        }
    }
}

fn expect(outcome: Outcome, expected: Outcome) -> Finding {
    if outcome == expected { Ok(()) } else { fail!("a block ends as {outcome:?}, not {expected:?}") }
}
