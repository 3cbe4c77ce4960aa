//! Private sessions: only between two who were introduced, nothing in them lost, doubled or out of order.
//!
//! Each client sees a session from its own side. What holds on both sides at once no client can know; what each must
//! be able to rely on is checked here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use starling_core::client::{Complaint, Line};
use starling_core::name::Name;

use super::book::Book;
use super::fact::{Command, Fact, Target, number};
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Talks {
    /// By link of the client.
    sides: BTreeMap<u32, Side>,
    /// What was typed in sessions and not yet shown: from whom, to whom, in which session of the sender's client.
    said: BTreeMap<(u16, u16), VecDeque<Said>>,
}

/// A client as its person sees it.
#[derive(Clone, Debug, Default)]
struct Side {
    user: u16,
    /// With whom there is a session.
    open: BTreeSet<u16>,
    /// Whom he has been told that he blocks.
    blocked: BTreeSet<u16>,
    /// Sessions that it has had.
    sessions: u32,
}

#[derive(Clone, Copy, Debug)]
struct Said {
    tag: u32,
    /// The client at which it was typed.
    link: u32,
}

/// Whether a line is about private sessions.
pub(super) fn is_private(line: &Line) -> bool {
    match line {
        Line::PrivateStarted(_)
        | Line::PrivateStartedBy(_)
        | Line::Whispered(..)
        | Line::PrivateClosed(_)
        | Line::PrivateClosedBy(_)
        | Line::PrivateLoggedOut(_)
        | Line::PrivateLost(_) => true,
        Line::Refused(complaint) => matches!(
            complaint,
            Complaint::PrivateYourself
                | Complaint::PrivateActive(_)
                | Complaint::HasBlockedYou(_)
                | Complaint::YouHaveBlocked(_)
                | Complaint::Offline(_)
                | Complaint::Unreached(_)
                | Complaint::NoSession(_)
                | Complaint::Gone(_)
                | Complaint::KeyChanged(_)
        ),
        _ => false,
    }
}

impl Talks {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Typed { link, command: Command::Whisper(Target::User(to), tag) } => {
                if let Some(side) = self.sides.get(link).filter(|side| side.open.contains(to)) {
                    let said = self.said.entry((side.user, *to)).or_default();
                    said.push_back(Said { tag: *tag, link: *link });
                }
                Ok(())
            }
            Fact::Shown { link, line, .. } => self.shown(*link, line, book),
            Fact::Exited { link, .. } => {
                self.sides.remove(link);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn shown(&mut self, link: u32, line: &Line, book: &mut Book) -> Finding {
        let user = |name: Name| book.people.find(name).ok_or(format!("\"{line}\" is about nobody"));
        match line {
            Line::Welcome(name) => {
                let side = Side { user: user(*name)?, ..Side::default() };
                self.sides.insert(link, side);
                return Ok(());
            }
            Line::Blocked(name) => _ = self.side(link)?.blocked.insert(user(*name)?),
            Line::Unblocked(name) => _ = self.side(link)?.blocked.remove(&user(*name)?),
            Line::PrivateStarted(name) | Line::PrivateStartedBy(name) => {
                book.marks.reach(Mark::Talked);
                let other = user(*name)?;
                return self.started(link, other);
            }
            Line::Whispered(name, text) => {
                let other = user(*name)?;
                return self.whispered(link, other, number(text.bytes()));
            }
            Line::PrivateClosedBy(name) | Line::PrivateLoggedOut(name) => {
                let other = user(*name)?;
                let own = self.side(link)?.user;
                self.ended(link, other)?;
                return self.nothing_is_left(other, own);
            }
            Line::PrivateClosed(name) => return self.ended(link, user(*name)?),
            Line::PrivateLost(name) | Line::Refused(Complaint::Gone(name)) => {
                book.marks.reach(Mark::TalkLost);
                let other = user(*name)?;
                return self.ended(link, other);
            }
            Line::Refused(Complaint::Unreached(_)) => book.marks.reach(Mark::Unreached),
            Line::Refused(Complaint::HasBlockedYou(_)) => book.marks.reach(Mark::TalkBlocked),
            _ => {}
        }
        Ok(())
    }

    fn side(&mut self, link: u32) -> Result<&mut Side, String> {
        self.sides.get_mut(&link).ok_or_else(|| "a line for somebody who was not welcomed".to_owned())
    }

    fn started(&mut self, link: u32, other: u16) -> Finding {
        let side = self.side(link)?;
        let own = side.user;
        if side.blocked.contains(&other) {
            return fail!("a session with {other} begins, whom {own} has blocked");
        }
        side.sessions += 1;
        if !side.open.insert(other) {
            return fail!("a session with {other} begins, and there is one");
        }
        // What was said in an older session that broke may never come.
        self.said.remove(&(other, own));
        Ok(())
    }

    fn whispered(&mut self, link: u32, other: u16, tag: Option<u32>) -> Finding {
        let side = self.side(link)?;
        let own = side.user;
        if !side.open.contains(&other) {
            return fail!("something is heard from {other} and there is no session");
        }
        let said = self.said.entry((other, own)).or_default();
        match said.pop_front() {
            Some(next) if Some(next.tag) == tag => Ok(()),
            next => fail!("{tag:?} is heard from {other} instead of {next:?}"),
        }
    }

    fn ended(&mut self, link: u32, other: u16) -> Finding {
        if self.side(link)?.open.remove(&other) {
            Ok(())
        } else {
            fail!("a session with {other} ends that never was")
        }
    }

    /// Whoever says goodbye has been heard to the end.
    fn nothing_is_left(&mut self, from: u16, to: u16) -> Finding {
        match self.said.remove(&(from, to)).and_then(|said| said.front().copied()) {
            None => Ok(()),
            Some(Said { tag, link }) => {
                fail!("{tag} was said on link {link} before the end and is not heard")
            }
        }
    }
}
