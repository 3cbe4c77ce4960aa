//! Messages to one person: what is acknowledged is never lost and never shown twice, what is refused is
//! never shown, and two from one sender to one receiver keep their order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use starling_core::client::Line;
use starling_core::id::Seq;
use starling_core::name::Name;
use starling_core::store::Write;
use starling_core::text::Text;
use starling_core::wire::{Outcome, Refusal, Request, ServerFrame};

use super::book::{Asked, Book, Known, Wish};
use super::fact::{Fact, Target, number};
use super::said::{Answer, Backlog, DEVICES, Letter, print};
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Letters {
    letters: Vec<Letter>,
    /// Letters told on a connection and not acknowledged there.
    told: Vec<VecDeque<(Seq, u32)>>,
    /// By user: the places of letters that were sent to him and are not known to be deleted.
    placed: Vec<VecDeque<(Seq, u32)>>,
    /// By user: the letters that waited when he was welcomed and have not been sent since.
    backlog: Vec<Backlog>,
    /// By connection: what its device said that it has seen.
    seen: BTreeMap<u32, Seq>,
    /// Users whose account somebody has who claims to have seen what he never was sent.
    liars: BTreeSet<u16>,
    /// Lives of the server.
    lives: u32,
    /// By receiver's device, then by sender: the last letter shown.
    shown: Vec<Vec<u32>>,
}

impl Letters {
    /// A person says something to another; `to` is no user if it is a broadcast.
    pub fn say(&mut self, tag: u32, from: u16, to: Option<u16>, text: &[u8]) {
        let at = tag as usize;
        if self.letters.len() <= at {
            self.letters.resize(at + 1, Letter::default());
        }
        if let Some(to) = to {
            let (print, bytes) = (print(text), text.len());
            self.letters[at] =
                Letter { typed: true, number: Some(tag), from, to, print, bytes, ..Letter::default() };
        }
    }

    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Asked { link, request: Request::Message { text, .. } } => self.heard(*link, text, book)?,
            Fact::Asked { link, request: Request::Ack { seq } } => {
                return self.acknowledged(*link, *seq, book);
            }
            Fact::Told { link, frame: ServerFrame::Mail { seq, from, text, .. } } => {
                return self.told(*link, *seq, *from, text, book);
            }
            Fact::Told { link, frame: ServerFrame::Done { request, outcome } } => {
                if let Some(asked) = book.asked(*link, *request)
                    && let Wish::Message(to, tag) = asked.wish
                {
                    return self.answered(*link, asked, to, tag, *outcome, book);
                }
            }
            Fact::Kept { write: Write::Letter { text, .. } } => {
                if let Some(letter) = self.find(text) {
                    letter.durable = true;
                }
            }
            Fact::Shown { link, line: Line::Said(from, text), tag: Some(tag), killed } => {
                return self.shown(*link, *from, *tag, text, *killed, book);
            }
            Fact::Tried { link, account, seen } => {
                self.seen.insert(*link, *seen);
                let user = Name::parse(account.as_bytes()).ok().and_then(|name| book.people.find(name));
                if book.sight(*link).device == u8::MAX && *seen > Seq::START {
                    self.liars.extend(user);
                }
            }
            Fact::Told { link, frame: ServerFrame::Welcome { name } } => {
                if let Some(user) = book.people.find(*name) {
                    self.begin(*link, user, book);
                }
            }
            Fact::Kept { write: Write::Arrived { user, upto } } => {
                if let Some(user) = book.user(*user) {
                    self.deleted(user, *upto);
                }
            }
            Fact::Crashed => self.crashed(),
            Fact::Over => return self.over(book),
            _ => {}
        }
        Ok(())
    }

    /// Letters that have arrived are gone from the disk.
    fn deleted(&mut self, user: u16, upto: Seq) {
        let Some(placed) = self.placed.get_mut(usize::from(user)) else { return };
        while let Some((_, tag)) = placed.pop_front_if(|(seq, _)| *seq <= upto) {
            self.letters[tag as usize].deleted = true;
        }
    }

    /// What was acknowledged and is still on the disk waits again, until a device says that it has seen it.
    fn crashed(&mut self) {
        self.lives += 1;
        for letter in self.letters.iter_mut().filter(|letter| letter.durable && !letter.deleted) {
            letter.arrived = None;
        }
    }

    /// Whether all letters that waited for a user when he was welcomed have been sent; `Some(true)` if
    /// the last of them was sent just now, `Some(false)` if that may have been before.
    #[must_use]
    pub fn caught_up(&self, user: u16) -> Option<bool> {
        match self.backlog.get(usize::from(user)) {
            Some(backlog) if !backlog.left.is_empty() => None,
            Some(backlog) => Some(!backlog.vague),
            None => Some(true),
        }
    }

    fn begin(&mut self, link: u32, user: u16, book: &Book) {
        let lives = self.lives;
        let seen = self.seen.remove(&link).unwrap_or_default();
        let waits = |letter: &Letter| {
            let alive = letter.heard.is_some() && letter.life == lives;
            let arrived = letter.has_surely_arrived(book) || letter.seq.is_some_and(|seq| seq <= seen);
            letter.to == user
                && !arrived
                && !matches!(letter.answer, Some(Answer::Never | Answer::Perhaps))
                && ((letter.durable && !letter.deleted) || alive)
        };
        let mut backlog = Backlog::default();
        for letter in self.letters.iter().filter(|letter| letter.typed && waits(letter)) {
            let open = !letter.durable && letter.answer.is_none() && letter.tellings == 0;
            backlog.vague |= open && letter.heard_on.is_some_and(|link| book.sight(link).was_paused);
            backlog.left.extend(letter.number);
        }
        *row(&mut self.backlog, usize::from(user)) = backlog;
    }

    fn find(&mut self, text: &Text) -> Option<&mut Letter> {
        let tag = number(text.bytes())?;
        self.letters.get_mut(tag as usize).filter(|letter| letter.typed)
    }

    fn heard(&mut self, link: u32, text: &Text, book: &Book) -> Finding {
        let (user, moment) = (book.sight(link).user, book.moment);
        let lives = self.lives;
        let Some(letter) = self.find(text) else { return Ok(()) };
        if user != Some(letter.from) || letter.print != print(text.bytes()) {
            return fail!("the server hears something else than was typed");
        }
        letter.heard = Some(moment);
        letter.heard_on = Some(link);
        letter.life = lives;
        Ok(())
    }

    fn told(&mut self, link: u32, seq: Seq, from: Name, text: &Text, book: &mut Book) -> Finding {
        let at = link as usize;
        if self.told.len() <= at {
            self.told.resize_with(at + 1, VecDeque::new);
        }
        let (user, device) = (book.sight(link).user, usize::from(book.sight(link).device));
        let Some(tag) = number(text.bytes()) else { return fail!("a letter that nobody wrote") };
        let Some(letter) = self.letters.get_mut(tag as usize).filter(|letter| letter.typed) else {
            return fail!("letter {tag} is one that nobody wrote");
        };
        if book.people.name(letter.from) != from
            || user != Some(letter.to)
            || letter.print != print(text.bytes())
        {
            return fail!("letter {tag} is not what was written, or goes to somebody else");
        }
        if letter.answer == Some(Answer::Never) {
            return fail!("letter {tag} was refused and is sent");
        }
        // A letter that came after a block's reply is refused, whenever it is looked at.
        if let Some(moment) = letter.heard
            && book.blocks_since(letter.to, letter.from, moment) == Known::Yes
            && !letter.durable
            && letter.tellings == 0
        {
            return fail!("letter {tag} passes a block");
        }
        letter.tellings += 1;
        if letter.seq.replace(seq) != Some(seq) {
            row(&mut self.placed, usize::from(letter.to)).push_back((seq, tag));
        }
        if let Some(backlog) = self.backlog.get_mut(usize::from(letter.to)) {
            backlog.left.remove(&tag);
        }
        letter.stored_telling |= letter.durable;
        if letter.shown.get(device).is_some_and(|count| *count > 0) {
            book.marks.reach(Mark::SuppressedTwice);
        }
        let told = &mut self.told[at];
        if told.back().is_some_and(|(last, _)| *last >= seq) {
            return fail!("letter {tag} is sent at place {seq}, after a later one");
        }
        told.push_back((seq, tag));
        Ok(())
    }

    fn acknowledged(&mut self, link: u32, seq: Seq, book: &mut Book) -> Finding {
        let Some(told) = self.told.get_mut(link as usize) else { return Ok(()) };
        let sight = book.sight(link);
        let (device, client) = (usize::from(sight.device), sight.device != u8::MAX);
        // Who acknowledges what he was never sent breaks the protocol, and nothing else comes of it.
        if told.back().is_none_or(|(last, _)| *last < seq) {
            return Ok(());
        }
        while let Some((_, tag)) = told.pop_front_if(|(place, _)| *place <= seq) {
            let letter = &mut self.letters[tag as usize];
            if client && letter.shown.get(device).is_some_and(|count| *count == 0) {
                return fail!("letter {tag} is acknowledged and was not shown");
            }
            if !letter.durable {
                book.marks.reach(Mark::NoCommit);
            }
            letter.arrived = Some(link);
        }
        Ok(())
    }

    fn answered(
        &mut self,
        link: u32,
        asked: Asked,
        to: Target,
        tag: Option<u32>,
        outcome: Outcome,
        book: &mut Book,
    ) -> Finding {
        let from = book.sight(link).user;
        let expected = match to {
            Target::User(to) if Some(to) == from => Some(Refusal::Yourself),
            Target::User(_) => None,
            Target::Nobody | Target::Impossible => Some(Refusal::UnknownUser),
        };
        if let Some(expected) = expected {
            if let Some(letter) = tag.and_then(|tag| self.letters.get_mut(tag as usize)) {
                letter.answer = Some(Answer::Never);
            }
            return if outcome == Outcome::Refused(expected) {
                Ok(())
            } else {
                fail!("a message to {to:?} ends as {outcome:?}")
            };
        }
        let (Some(from), Target::User(to)) = (from, to) else { return Ok(()) };
        let barred = book.blocks_since(to, from, asked.moment);
        let online = book.online[usize::from(to)].is_some();
        let refused = outcome == Outcome::Refused(Refusal::BlockedBy);
        match barred {
            Known::Yes if !refused => return fail!("a message passes a block: {outcome:?}"),
            Known::No if refused => return fail!("a message is refused by a block that is not there"),
            Known::Either => book.marks.reach(Mark::BlockCrossing),
            Known::Yes => book.marks.reach(if online { Mark::BlockedBy } else { Mark::BlockedOffline }),
            Known::No => {}
        }
        let Some(letter) =
            tag.and_then(|tag| self.letters.get_mut(tag as usize)).filter(|letter| letter.typed)
        else {
            return Ok(());
        };
        if letter.answer.is_some() {
            return fail!("a message is answered twice");
        }
        let shown = letter.shown.iter().any(|count| *count > 0);
        letter.answer = Some(match outcome {
            Outcome::Accepted | Outcome::Queued => {
                let claimed = self.liars.contains(&to);
                if !letter.durable && !shown && letter.arrived.is_none() && !claimed {
                    return fail!("a message is acknowledged that is neither durable nor shown");
                }
                if outcome == Outcome::Queued {
                    book.marks.reach(Mark::Queued);
                }
                Answer::Safe
            }
            Outcome::Refused(Refusal::BlockedBy) => Answer::Never,
            Outcome::Refused(Refusal::MailboxFull) => {
                book.marks.reach(Mark::MailboxFull);
                return self.full(from, to, tag, book);
            }
            Outcome::Refused(Refusal::CannotStore) => {
                if letter.durable {
                    return fail!("a message is durable and refused as not storable");
                }
                book.marks.reach(Mark::CannotStore);
                Answer::Perhaps
            }
            _ => return fail!("a message ends as {outcome:?}"),
        });
        if letter.answer == Some(Answer::Never) && letter.tellings > 0 {
            return fail!("a message was sent and is refused");
        }
        Ok(())
    }

    /// A mailbox is called full only if it holds what fills it, or what fills one sender's part.
    fn full(&mut self, from: u16, to: u16, tag: Option<u32>, book: &Book) -> Finding {
        if let Some(letter) = tag.and_then(|tag| self.letters.get_mut(tag as usize)) {
            letter.answer = Some(Answer::Never);
        }
        let limits = &book.config.limits;
        let (mut letters, mut own, mut bytes, mut own_bytes) = (0, 0, 0, 0);
        for letter in &self.letters {
            let held = letter.typed && letter.to == to && letter.heard.is_some();
            let held = held && !letter.has_surely_arrived(book);
            if held && letter.answer != Some(Answer::Never) || letter.number == tag {
                letters += 1;
                bytes += letter.bytes;
                if letter.from == from {
                    own += 1;
                    own_bytes += letter.bytes;
                }
            }
        }
        let part = limits.mailbox_sender_part;
        let full = letters > limits.mailbox_letters_max
            || bytes > limits.mailbox_bytes_max
            || own > limits.mailbox_letters_max / part
            || own_bytes > limits.mailbox_bytes_max / part;
        if full {
            return Ok(());
        }
        fail!(
            "a mailbox of {letters} letters ({bytes} bytes), {own} ({own_bytes}) of the sender, is called full"
        )
    }

    fn shown(
        &mut self,
        link: u32,
        from: Name,
        tag: u32,
        text: &Text,
        killed: bool,
        book: &mut Book,
    ) -> Finding {
        let device = book.sight(link).device;
        let Some(letter) = self.letters.get_mut(tag as usize).filter(|letter| letter.typed) else {
            return Ok(());
        };
        if book.people.name(letter.from) != from || letter.print != print(text.bytes()) {
            return fail!("letter {tag} is shown as something else");
        }
        let place = usize::from(device);
        let (count, again) = (&mut letter.shown[place], &mut letter.again[place]);
        *count += 1;
        if *count > 1 {
            if !std::mem::take(again) {
                return fail!("letter {tag} is shown twice on one device");
            }
            book.marks.reach(Mark::ShownOnceMore);
        }
        *again = killed;
        let repeated = *count > 1;
        if letter.answer == Some(Answer::Never) {
            return fail!("letter {tag} was refused and is shown");
        }
        if letter.shown.iter().filter(|count| **count > 0).count() > 1 {
            book.marks.reach(Mark::SecondDevice);
        }
        if letter.stored_telling {
            book.marks.reach(Mark::Delivered);
        }
        let device = usize::from(letter.to) * DEVICES + usize::from(device);
        let last = row(row(&mut self.shown, device), usize::from(letter.from));
        if *last > tag && !repeated {
            return fail!("letter {tag} is shown after letter {last} of the same sender");
        }
        *last = tag.max(*last);
        Ok(())
    }

    /// When all is calm: what is safe has been shown.
    fn over(&self, book: &Book) -> Finding {
        for (tag, letter) in self.letters.iter().enumerate().filter(|(_, letter)| letter.typed) {
            let safe = letter.durable || letter.answer == Some(Answer::Safe);
            let shown = letter.shown.iter().any(|count| *count > 0);
            let person = book.online[usize::from(letter.to)].is_some_and(|link| book.sight(link).honest);
            if safe && !shown && person {
                return fail!("letter {tag} to {} is lost", book.people.name(letter.to));
            }
        }
        Ok(())
    }
}

/// One row of a table that grows as it is used.
fn row<T: Default>(table: &mut Vec<T>, at: usize) -> &mut T {
    if table.len() <= at {
        table.resize_with(at + 1, T::default);
    }
    &mut table[at]
}
