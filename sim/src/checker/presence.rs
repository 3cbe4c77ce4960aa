//! Presence: exactly one line per change to everybody who may know, none to those who may not, and the
//! views agree with who is online once it is quiet.

use std::collections::VecDeque;
use std::time::Duration;

use starling_core::time::Time;
use starling_core::wire::{PresenceList, ServerFrame};

use super::book::{Book, Known};
use super::fact::Fact;
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Presences {
    users: Vec<User>,
    /// By link: what each was told of each user.
    told: Vec<Vec<Told>>,
    /// Changes that must have been told by then, in order of time: user and number of his changes then.
    due: VecDeque<(Time, u16, u32)>,
    damped_due: VecDeque<(Time, u16, u32)>,
}

/// How a user's presence changed, in this life of the server.
#[derive(Clone, Debug, Default)]
struct User {
    /// Each: came or went, and whether it must be told by itself.
    changes: Vec<Change>,
    /// Changes since he was last calm.
    run: u32,
    last: Time,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    online: bool,
    prompt: bool,
    moment: u64,
}

/// What one connection was told of one user.
///
/// A net effect can stand for any of several restless changes, so there may be several possibilities of
/// how far the telling has come.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// So many of his changes, at the most.
    upto: u32,
    /// Bit n: it may be n fewer. The lowest is always set.
    fewer: u32,
    /// The fact that told it. If a block was made or undone since, what follows may begin anywhere.
    moment: u64,
    /// When he began to listen is not known: what follows may begin anywhere.
    loose: bool,
}

impl Told {
    fn new(upto: u32, moment: u64, loose: bool) -> Told {
        Told { upto, fewer: 1, moment, loose }
    }

    fn possible(self) -> impl Iterator<Item = usize> + Clone {
        (0..32)
            .filter(move |n| self.fewer >> n & 1 == 1)
            .filter_map(move |n| self.upto.checked_sub(n))
            .map(|upto| upto as usize)
    }

    /// Only these remain possible. False if there are none.
    fn narrow(&mut self, possible: impl Iterator<Item = usize> + Clone) -> bool {
        let Some(most) = possible.clone().max() else { return false };
        self.upto = u32::try_from(most).unwrap_or(u32::MAX);
        self.fewer = possible.filter(|upto| most - upto < 32).fold(0, |bits, upto| bits | 1 << (most - upto));
        true
    }
}

impl Presences {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Began { .. } => {
                *self =
                    Presences { users: vec![User::default(); book.people.count()], ..Presences::default() }
            }
            Fact::Told { link, frame: ServerFrame::Welcome { .. } } => self.begin(*link, book, true),
            Fact::Joined { link, now } => {
                if let Some(user) = book.sight(*link).user {
                    if *now {
                        self.change(user, true, book);
                        self.begin(*link, book, false);
                    } else {
                        self.perhaps(user, &[true], book);
                    }
                }
            }
            Fact::Gone { link } | Fact::Shut { link, .. } => {
                if let Some(user) = book.sight(*link).user.filter(|_| !book.stopping) {
                    self.leave(user, book);
                }
                if let Some(told) = self.told.get_mut(*link as usize) {
                    *told = Vec::new();
                }
            }
            Fact::Told { link, frame: ServerFrame::Presence(list) } => return self.told(*link, list, book),
            Fact::Stepped { .. } => return self.overdue(book),
            _ => {}
        }
        Ok(())
    }

    /// The user is gone, if he ever counted as online.
    fn leave(&mut self, user: u16, book: &Book) {
        if book.joined[usize::from(user)] == Known::Yes {
            return self.change(user, false, book);
        }
        // He may have come and gone.
        self.perhaps(user, &[true, false], book);
    }

    /// Changes at a time that is not known: others may be told, or may have come later.
    fn perhaps(&mut self, user: u16, changes: &[bool], book: &Book) {
        let moment = book.moment;
        let entry = &mut self.users[usize::from(user)];
        entry.run += u32::try_from(changes.len()).unwrap_or(u32::MAX);
        entry.last = book.now;
        entry.changes.extend(changes.iter().map(|online| Change { online: *online, prompt: false, moment }));
    }

    /// The user's presence changes.
    fn change(&mut self, user: u16, online: bool, book: &Book) {
        let limits = &book.config.limits;
        let entry = &mut self.users[usize::from(user)];
        // A restless user is trusted again at the first tick after he was calm.
        if book.now.since(entry.last) >= limits.presence_calm + limits.presence_tick + book.late {
            entry.run = 0;
        }
        entry.run += 1;
        entry.last = book.now;
        let prompt = entry.run as usize <= limits.presence_burst;
        entry.changes.push(Change { online, prompt, moment: book.moment });
        let count = u32::try_from(entry.changes.len()).unwrap_or(u32::MAX);
        let slack = book.late + Duration::from_micros(1);
        if prompt {
            self.due.push_back((book.now + limits.presence_window + slack, user, count));
        }
        // Restless or not, the net effect is known after a tick and a window.
        let net = limits.presence_tick + limits.presence_window + slack + book.late;
        self.damped_due.push_back((book.now + net, user, count));
    }

    /// Somebody begins to listen: what was before is none of his business. Of a user who may or may not
    /// count as online just then, nobody knows what he believes.
    fn begin(&mut self, link: u32, book: &Book, loose: bool) {
        let at = link as usize;
        if self.told.len() <= at {
            self.told.resize_with(at + 1, Vec::new);
        }
        let told = |(user, joined): (&User, &Known)| {
            let upto = u32::try_from(user.changes.len()).unwrap_or(u32::MAX);
            Told::new(upto, book.moment, loose || *joined == Known::Either)
        };
        self.told[at] = self.users.iter().zip(&book.joined).map(told).collect();
    }

    fn told(&mut self, link: u32, list: &PresenceList, book: &mut Book) -> Finding {
        let Some(watcher) = book.sight(link).user else { return fail!("presence is told to nobody") };
        if list.changes.len() > 1 {
            book.marks.reach(Mark::PresenceList);
        }
        for (at, change) in list.changes.iter().enumerate() {
            let later = list.changes[at + 1..].iter().filter(|later| later.name == change.name).count();
            let Some(user) = book.people.find(change.name) else { return fail!("presence of nobody") };
            if user == watcher {
                return fail!("{} is told of himself", change.name);
            }
            if !book.is_liked() && book.blocks(user, watcher) == Known::Yes {
                return fail!(
                    "{} is told of {}, who has blocked him",
                    book.people.name(watcher),
                    change.name
                );
            }
            let Told { moment: since, loose, .. } = self.told[link as usize][usize::from(user)];
            let open = loose || !book.is_liked() && book.blocks_since(user, watcher, since) == Known::Either;
            let later = open.then_some(later);
            let restless = self.advance(link, user, change.online, later, book.moment)?;
            if restless {
                book.marks.reach(Mark::Restless);
            }
        }
        Ok(())
    }

    /// One line about `user`. Returns whether some of his changes were skipped. If a block came between,
    /// any may be skipped; `open` then says how many more lines about him follow in the same list.
    fn advance(
        &mut self,
        link: u32,
        user: u16,
        online: bool,
        open: Option<usize>,
        moment: u64,
    ) -> Result<bool, String> {
        let changes = &self.users[usize::from(user)].changes;
        let told = &mut self.told[link as usize][usize::from(user)];
        let fits = |at: &usize| changes[*at].online == online;
        let (before, mut found) = (told.upto as usize, Vec::new());
        if let Some(later) = open {
            found.extend((before..changes.len().saturating_sub(later)).rfind(fits).map(|at| at + 1));
        } else {
            for from in told.possible() {
                // Only restless changes may be passed over.
                let prompt = (from..changes.len()).find(|at| changes[*at].prompt);
                let end = prompt.map_or(changes.len(), |at| at + 1);
                found.extend((from..end).filter(fits).map(|at| at + 1));
            }
        }
        if !told.narrow(found.iter().copied()) {
            let state = if online { "online" } else { "offline" };
            let known: Vec<_> = told.possible().collect();
            return fail!(
                "the watcher on link {link} is told that user {user} is {state}, and there was no such change \
                 after {known:?} of {}",
                changes.len(),
            );
        }
        (told.moment, told.loose) = (moment, false);
        Ok(told.upto as usize > before + 1)
    }

    /// What had to be told has been.
    fn overdue(&mut self, book: &mut Book) -> Finding {
        while let Some((_, user, count)) = self.due.pop_front_if(|(at, ..)| *at <= book.now) {
            self.complete(user, count, true, book)?;
        }
        while let Some((_, user, count)) = self.damped_due.pop_front_if(|(at, ..)| *at <= book.now) {
            let last = self.users[usize::from(user)].changes.len() == count as usize;
            if last && book.joined[usize::from(user)] != Known::Either {
                self.complete(user, count, false, book)?;
            }
        }
        Ok(())
    }

    /// Everybody who may know has been told of the first `count` changes of `user`, or of their net effect.
    fn complete(&mut self, user: u16, count: u32, each: bool, book: &mut Book) -> Finding {
        let changes = &self.users[usize::from(user)].changes;
        for (watcher, link) in
            (0_u16..).zip(&book.online).filter_map(|(watcher, link)| link.map(|link| (watcher, link)))
        {
            let Some(told) =
                self.told.get_mut(link as usize).and_then(|told| told.get_mut(usize::from(user)))
            else {
                continue;
            };
            if watcher == user || told.loose || (told.upto >= count && told.fewer == 1) {
                continue;
            }
            let count = count as usize;
            let since = if each { changes[count - 1].moment } else { told.moment };
            match if book.is_liked() { Known::No } else { book.blocks_since(user, watcher, since) } {
                Known::Yes => {
                    book.marks.reach(Mark::Hidden);
                    continue;
                }
                Known::Either => continue,
                Known::No => {}
            }
            // Restless changes that cancel out are not told.
            let settled = |upto: usize| match upto {
                upto if upto >= count => Some(upto),
                upto if !each
                    && (count - upto).is_multiple_of(2)
                    && changes[upto..count].iter().all(|change| !change.prompt) =>
                {
                    Some(count)
                }
                _ => None,
            };
            if told.narrow(told.possible().filter_map(settled).collect::<Vec<_>>().into_iter()) {
                continue;
            }
            let upto = told.upto as usize;
            let (watcher, user) = (book.people.name(watcher), book.people.name(user));
            let (missing, was) = (count - upto, changes[upto]);
            return fail!(
                "{watcher} is not told that {user} came or went ({missing} changes, the first {was:?})"
            );
        }
        Ok(())
    }
}
