//! Connections: one live session a user, nothing but login replies before a login, every end has a
//! reason, and every deadline is met to the microsecond.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use starling_core::time::Time;
use starling_core::wire::{Farewell, Outcome, ServerFrame};

use super::book::{Book, Sight};
use super::fact::Fact;
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Sessions {
    /// When each open connection is looked at again, and whether for its silence or for its login.
    watch: BinaryHeap<Reverse<(Time, u32, Watch)>>,
    /// Connections that were told a last word in this step, and which.
    last_words: Vec<(u32, LastWord)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Watch {
    Login,
    Silence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LastWord {
    Refused,
    Fault,
    Farewell(Farewell),
    LoggedOut,
}

impl Sessions {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Opened { link, .. } => {
                let limits = &book.config.limits;
                // A connection of an address that has opened too many does not outlive its step.
                for wait in
                    [Duration::ZERO, limits.hello_deadline.min(limits.login_deadline), limits.login_deadline]
                {
                    self.watch.push(Reverse((book.now + wait, *link, Watch::Login)));
                }
            }
            Fact::Told { link, frame } => return self.told(*link, frame, book),
            Fact::Cast { links, .. } => return self.cast(links, book),
            Fact::Shut { link, flush } => return self.shut(*link, *flush, book),
            Fact::Gone { link } if book.sight(*link).attempt.is_some() => {
                book.marks.reach(Mark::GoneAtWelcome)
            }
            Fact::Crashed => self.watch.clear(),
            Fact::Stepped { chime } => {
                self.last_words.clear();
                return self.overdue(*chime, book);
            }
            Fact::Over => return lingering(book),
            _ => {}
        }
        Ok(())
    }

    fn cast(&self, links: &[u32], book: &Book) -> Finding {
        for link in links {
            let sight = book.sight(*link);
            if !sight.open || sight.user.is_none() || self.last_words.iter().any(|(other, _)| other == link) {
                return fail!("a broadcast is sent where nobody is");
            }
        }
        Ok(())
    }

    fn told(&mut self, link: u32, frame: &ServerFrame, book: &mut Book) -> Finding {
        let sight = book.sight(link);
        if !sight.open {
            return fail!("{frame:?} is sent on a closed connection");
        }
        if self.last_words.iter().any(|(other, _)| *other == link) {
            return fail!("{frame:?} follows the last word");
        }
        let word = match frame {
            ServerFrame::LoginRefused(refusal) => {
                if *refusal == starling_core::wire::LoginRefusal::TryAgain {
                    None
                } else {
                    Some(LastWord::Refused)
                }
            }
            ServerFrame::Fault(_) => {
                book.marks.reach(Mark::PeerFault);
                Some(LastWord::Fault)
            }
            ServerFrame::Farewell(farewell) => Some(LastWord::Farewell(*farewell)),
            ServerFrame::Done { outcome: Outcome::LoggedOut, .. } => Some(LastWord::LoggedOut),
            ServerFrame::Welcome { name } => {
                self.watch.push(Reverse((book.now + book.config.limits.silence, link, Watch::Silence)));
                return welcome(link, *name, book);
            }
            ServerFrame::Greeting(_) | ServerFrame::Pong { .. } => None,
            _ if book.sight(link).user.is_none() => return fail!("{frame:?} before a login"),
            _ => None,
        };
        self.last_words.extend(word.map(|word| (link, word)));
        Ok(())
    }

    fn shut(&mut self, link: u32, flush: bool, book: &mut Book) -> Finding {
        let sight = book.sight(link);
        if !sight.open {
            return fail!("a closed connection is closed again");
        }
        let word = self.last_words.iter().find(|(other, _)| *other == link).map(|(_, word)| *word);
        match (word, flush) {
            (Some(LastWord::Farewell(Farewell::TooManyCommands)), true) => book.marks.reach(Mark::TooMany),
            (Some(_), true) => {}
            (Some(word), false) => return fail!("the last word {word:?} is not flushed"),
            (None, _) => return cut(link, flush, book),
        }
        Ok(())
    }

    /// No connection outlives its deadlines.
    fn overdue(&mut self, chime: bool, book: &Book) -> Finding {
        while let Some(Reverse((at, link, watch))) = self.watch.peek().copied() {
            // An input of the same instant may come before the chime.
            if at + book.late > book.now || (at + book.late == book.now && !chime) {
                return Ok(());
            }
            self.watch.pop();
            let sight = book.sight(link);
            let login_is_over = sight.user.is_some() || (sight.greeted && at < login_due(sight, book));
            let over = watch == Watch::Login && login_is_over;
            if !sight.open || over {
                continue;
            }
            let due = if sight.unwelcome { sight.opened } else { due(sight, book) };
            if due + book.late < book.now || (due + book.late == book.now && chime) {
                return fail!(
                    "a connection opened at {} is still open at {}, due {due}",
                    sight.opened,
                    book.now
                );
            }
            let again = due.max(book.now + Duration::from_micros(1));
            self.watch.push(Reverse((again, link, watch)));
        }
        Ok(())
    }
}

/// When a connection must be over if nothing more comes.
fn due(sight: &Sight, book: &Book) -> Time {
    let limits = &book.config.limits;
    match sight.user {
        None => login_due(sight, book),
        // Nobody can say how silent a peer is that is not listened to; it is looked at again later.
        Some(_) if sight.paused => book.now + limits.silence,
        Some(_) => sight.heard + limits.silence,
    }
}

/// When a connection must be over if its client does not go on with the login.
fn login_due(sight: &Sight, book: &Book) -> Time {
    let limits = &book.config.limits;
    let wait =
        if sight.greeted { limits.login_deadline } else { limits.hello_deadline.min(limits.login_deadline) };
    sight.opened + wait
}

fn welcome(link: u32, name: starling_core::name::Name, book: &mut Book) -> Finding {
    let Some(user) = book.people.find(name) else { return fail!("{name} is welcomed and is no user") };
    if book.sight(link).user.is_some() {
        return fail!("{name} is welcomed twice");
    }
    if book.online[usize::from(user)].is_some() {
        return fail!("{name} has two live sessions");
    }
    Ok(())
}

/// An end without a word must have its reason.
fn cut(link: u32, flush: bool, book: &mut Book) -> Finding {
    let (now, limits) = (book.now, book.config.limits.clone());
    let sight = book.sight(link).clone();
    let mark = if sight.unwelcome {
        (!flush && now == sight.opened).then_some(Mark::AddressFull)
    } else if sight.unread > limits.unread_hard_bytes
        || (sight.unread > 0 && now.since(sight.stuck) >= limits.unread_stuck)
    {
        Some(Mark::CutUnread)
    } else if sight.user.is_none() {
        let mark = if sight.greeted { Mark::LoginDeadline } else { Mark::HelloDeadline };
        (flush && now >= login_due(&sight, book)).then_some(mark)
    } else if now.since(sight.heard) >= limits.silence {
        Some(Mark::Silent)
    } else if sight.probed.is_some_and(|at| now.since(at) >= limits.probe) {
        Some(Mark::TakenOver)
    } else {
        None
    };
    let Some(mark) = mark else {
        return fail!("a connection is cut without a reason, heard at {}", sight.heard);
    };
    book.marks.reach(mark);
    Ok(())
}

/// When all is calm, nobody is online whose client is gone.
fn lingering(book: &Book) -> Finding {
    for (user, link) in book.online.iter().enumerate() {
        if let Some(link) = link
            && book.sight(*link).device != u8::MAX
            && !book.sight(*link).honest
        {
            let name = book.people.names()[user];
            return fail!("{name} has logged out and is still online");
        }
    }
    Ok(())
}
