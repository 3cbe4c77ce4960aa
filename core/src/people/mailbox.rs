//! The letters of one receiver that his client has not acknowledged.
//!
//! Every letter, also one to somebody who is online, gets a place ([`Seq`]) here and stays until it is
//! acknowledged. It is in exactly one of four states (`State`): not yet written, being written,
//! stored, or not to be stored. The texts of letters that are not stored are held in memory; a stored
//! letter is known by its head alone and loaded when its turn comes. So the order of delivery is the
//! order of places, across offline and online, and memory is bounded by what the store has not yet taken.
//!
//! The mailbox knows neither blocks nor connections. `R` is whatever the owner wants to get back when
//! the fate of a letter is decided.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::id::{MsgId, Seq, UserId};
use crate::name::Name;
use crate::store::LetterHead;
use crate::text::Text;

/// How much a mailbox may hold.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Letters in all.
    pub letters_max: usize,
    /// Bytes of text in all.
    pub bytes_max: usize,
    /// One sender may have one n-th of each.
    pub sender_part: usize,
}

/// The mailbox is full, for this sender or for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where a letter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In memory; not in any batch.
    Fresh,
    /// In memory, and in the batch under way.
    Writing,
    /// In the store.
    Stored,
    /// In memory; the store refused it, but it has been sent: its receiver may still acknowledge it.
    Unstorable,
}

#[derive(Clone, Debug)]
struct Entry {
    head: LetterHead,
    state: State,
}

/// A letter whose text is in memory.
#[derive(Clone, Debug)]
pub struct Held<R> {
    /// Its place.
    pub seq: Seq,
    /// Who said it.
    pub from: Name,
    /// The identity its sender gave it.
    pub id: MsgId,
    /// What was said.
    pub text: Text,
    /// For the owner, once.
    reply: Option<R>,
}

/// What the receiver's connection should get next.
#[derive(Debug)]
pub enum Next<'a, R> {
    /// This letter.
    Send(&'a Held<R>),
    /// These stored letters must be loaded: after the first place, up to and with the second.
    Load(Seq, Seq),
    /// All is sent.
    Nothing,
}

/// What one sender has in the mailbox.
#[derive(Clone, Copy, Debug)]
struct Share {
    from: UserId,
    letters: usize,
    bytes: usize,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Mailbox<R> {
    /// Ascending.
    entries: VecDeque<Entry>,
    /// Of these, so many from the front have been sent on the present connection.
    sent: usize,
    sent_bytes: usize,
    /// Ascending; exactly the entries that are not stored.
    held: VecDeque<Held<R>>,
    last: Seq,
    acked: Seq,
    bytes: usize,
    /// By sender, ascending; only those who have something here.
    shares: Vec<Share>,
}

impl<R> Mailbox<R> {
    /// A mailbox that gives places above `floor` and holds stored letters.
    #[must_use]
    pub fn recover(floor: Seq, letters: &[LetterHead]) -> Mailbox<R> {
        let mut mailbox = Mailbox {
            entries: VecDeque::with_capacity(letters.len()),
            sent: 0,
            sent_bytes: 0,
            held: VecDeque::new(),
            last: floor,
            acked: Seq::START,
            bytes: 0,
            shares: Vec::new(),
        };
        for head in letters {
            mailbox.count(head.from, bytes_of(head));
            mailbox.last = mailbox.last.max(head.seq);
            mailbox.entries.push_back(Entry { head: *head, state: State::Stored });
        }
        mailbox
    }

    /// Whether a letter of `bytes` from `from` still fits.
    ///
    /// # Errors
    /// [`Full`] if it does not.
    pub fn room(&self, quota: Quota, from: UserId, bytes: usize) -> Result<(), Full> {
        let (own_letters, own_bytes) = match self.share(from) {
            Ok(at) => (self.shares[at].letters, self.shares[at].bytes),
            Err(_) => (0, 0),
        };
        let fits = self.entries.len() < quota.letters_max
            && self.bytes + bytes <= quota.bytes_max
            && own_letters < quota.letters_max / quota.sender_part
            && own_bytes + bytes <= quota.bytes_max / quota.sender_part;
        if fits { Ok(()) } else { Err(Full) }
    }

    /// Puts a letter at the end; there must be room.
    pub fn put(&mut self, from: UserId, name: Name, id: MsgId, text: Text, reply: R) -> Seq {
        let seq = self.last.next();
        self.last = seq;
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let head = LetterHead { seq, from, bytes };
        self.count(from, text.len());
        self.entries.push_back(Entry { head, state: State::Fresh });
        self.held.push_back(Held { seq, from: name, id, text, reply: Some(reply) });
        seq
    }

    /// A message that came again: if its letter's fate is open, the new reply takes the place of the old.
    ///
    /// # Errors
    /// The reply comes back if there is nothing to wait for: the letter is safe.
    pub fn repeated(&mut self, id: MsgId, reply: R) -> Result<(), R> {
        match self.held.iter_mut().find(|held| held.id == id && held.reply.is_some()) {
            Some(held) => {
                held.reply = Some(reply);
                Ok(())
            }
            None => Err(reply),
        }
    }

    /// What to send next while fewer than `window` bytes are on their way.
    #[must_use]
    pub fn next(&self, window: usize) -> Next<'_, R> {
        if self.sent_bytes >= window {
            return Next::Nothing;
        }
        let Some(entry) = self.entries.get(self.sent) else { return Next::Nothing };
        if entry.state != State::Stored {
            let held = self.find_held(entry.head.seq).map(|at| &self.held[at]);
            return held.map_or(Next::Nothing, Next::Send);
        }
        let after = match self.sent.checked_sub(1) {
            Some(before) => self.entries[before].head.seq,
            None => self.acked,
        };
        let run = self.entries.range(self.sent..).take_while(|entry| entry.state == State::Stored);
        Next::Load(after, run.last().map_or(after, |entry| entry.head.seq))
    }

    /// The letter at `seq` goes out now, and whatever stands before it counts as sent too.
    ///
    /// False if it is not a letter that waits for being sent.
    pub fn sent(&mut self, seq: Seq) -> bool {
        let Ok(at) = self.find(seq) else { return false };
        if at < self.sent {
            return false;
        }
        for entry in self.entries.range(self.sent..=at) {
            self.sent_bytes += bytes_of(&entry.head);
        }
        self.sent = at + 1;
        true
    }

    /// The last letter that was sent on the present connection, or was acknowledged.
    #[must_use]
    pub fn sent_upto(&self) -> Seq {
        match self.sent.checked_sub(1) {
            Some(last) => self.entries[last].head.seq,
            None => self.acked,
        }
    }

    /// Whether a letter up to `upto` still waits for being sent.
    #[must_use]
    pub fn has_unsent(&self, upto: Seq) -> bool {
        self.entries.get(self.sent).is_some_and(|entry| entry.head.seq <= upto)
    }

    /// The last letter there is, or was.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.entries.back().map_or(self.acked, |entry| entry.head.seq)
    }

    /// The receiver has everything up to `upto`. `settled` gets the replies that wait for it.
    ///
    /// Returns whether the store may have any of it, so that it must be told.
    pub fn acknowledge(&mut self, upto: Seq, mut settled: impl FnMut(R)) -> bool {
        // A device may claim more than was ever given; nobody acknowledges the future.
        let upto = upto.min(self.last);
        let mut stored = false;
        self.acked = self.acked.max(upto);
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.head.seq <= upto) {
            self.forget(&entry.head);
            if self.sent > 0 {
                self.sent -= 1;
                self.sent_bytes -= bytes_of(&entry.head);
            }
            stored |= matches!(entry.state, State::Writing | State::Stored);
        }
        while let Some(held) = self.held.pop_front_if(|held| held.seq <= upto) {
            held.reply.into_iter().for_each(&mut settled);
        }
        stored
    }

    /// Everything up to here has been acknowledged.
    #[must_use]
    pub fn acked(&self) -> Seq {
        self.acked
    }

    /// The letter at `seq` joins a batch, unless it need not be stored (any more).
    ///
    /// Its text is copied here into memory of its own: from now on it may be kept for long.
    pub fn write(&mut self, seq: Seq) -> Option<(UserId, &Held<R>)> {
        let at = self.find(seq).ok()?;
        let entry = &mut self.entries[at];
        if entry.state != State::Fresh {
            return None;
        }
        entry.state = State::Writing;
        let from = entry.head.from;
        let held = self.find_held(seq)?;
        self.held[held].text = self.held[held].text.kept();
        Some((from, &self.held[held]))
    }

    /// The letter at `seq` is stored: its text leaves memory. Returns the reply that waits for it.
    pub fn written(&mut self, seq: Seq) -> Option<R> {
        let at = self.find(seq).ok()?;
        debug_assert_eq!(self.entries[at].state, State::Writing);
        self.entries[at].state = State::Stored;
        let held = self.find_held(seq)?;
        self.held.remove(held)?.reply
    }

    /// The store refused the letter at `seq`. One that was sent waits for its acknowledgement; one that
    /// was not is gone: returns the reply that must tell so.
    pub fn refused(&mut self, seq: Seq) -> Option<R> {
        let at = self.find(seq).ok()?;
        if at < self.sent {
            self.entries[at].state = State::Unstorable;
            return None;
        }
        self.remove(at)
    }

    /// The receiver's connection is gone. Letters that were sent and could not be stored are gone with
    /// it: `lost` gets the replies that must tell so.
    pub fn disconnected(&mut self, mut lost: impl FnMut(R)) {
        self.sent = 0;
        self.sent_bytes = 0;
        let mut at = 0;
        while at < self.entries.len() {
            if self.entries[at].state == State::Unstorable {
                self.remove(at).into_iter().for_each(&mut lost);
            } else {
                at += 1;
            }
        }
    }

    fn remove(&mut self, at: usize) -> Option<R> {
        let entry = self.entries.remove(at)?;
        self.forget(&entry.head);
        let held = self.find_held(entry.head.seq)?;
        self.held.remove(held)?.reply
    }

    fn find(&self, seq: Seq) -> Result<usize, usize> {
        // Most questions are about the newest letter.
        match self.entries.back() {
            Some(entry) if entry.head.seq == seq => Ok(self.entries.len() - 1),
            _ => self.entries.binary_search_by_key(&seq, |entry| entry.head.seq),
        }
    }

    fn find_held(&self, seq: Seq) -> Option<usize> {
        match self.held.back() {
            Some(held) if held.seq == seq => Some(self.held.len() - 1),
            _ => self.held.binary_search_by_key(&seq, |held| held.seq).ok(),
        }
    }

    fn share(&self, from: UserId) -> Result<usize, usize> {
        self.shares.binary_search_by_key(&from, |share| share.from)
    }

    fn count(&mut self, from: UserId, bytes: usize) {
        self.bytes += bytes;
        match self.share(from) {
            Ok(at) => {
                self.shares[at].letters += 1;
                self.shares[at].bytes += bytes;
            }
            Err(at) => self.shares.insert(at, Share { from, letters: 1, bytes }),
        }
    }

    fn forget(&mut self, head: &LetterHead) {
        self.bytes -= bytes_of(head);
        let Ok(at) = self.share(head.from) else { return };
        let share = &mut self.shares[at];
        share.letters -= 1;
        share.bytes -= bytes_of(head);
        if share.letters == 0 {
            self.shares.remove(at);
        }
    }

    /// Asserts what must hold at any time.
    ///
    /// # Panics
    /// If it does not.
    pub fn check(&self) {
        let entries = || self.entries.iter();
        assert!(entries().zip(entries().skip(1)).all(|(a, b)| a.head.seq < b.head.seq), "places ascend");
        assert!(entries().all(|entry| entry.head.seq > self.acked), "what is acknowledged is gone");
        assert!(entries().all(|entry| entry.head.seq <= self.last), "no letter before its place is given");
        assert!(
            entries()
                .filter(|entry| entry.state != State::Stored)
                .map(|entry| entry.head.seq)
                .eq(self.held.iter().map(|held| held.seq)),
            "exactly the letters that are not stored are held in memory",
        );
        let sent = self.entries.range(..self.sent).map(|entry| bytes_of(&entry.head)).sum();
        assert_eq!(self.sent_bytes, sent, "bytes on their way");
        assert_eq!(self.bytes, entries().map(|entry| bytes_of(&entry.head)).sum(), "bytes in all");
        assert_eq!(self.entries.len(), self.shares.iter().map(|share| share.letters).sum(), "shares");
    }
}

fn bytes_of(head: &LetterHead) -> usize {
    head.bytes as usize
}
