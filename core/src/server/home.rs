//! The home of one user: which session is his, whom he blocks, his mailbox.
//!
//! A home reads no other home. What concerns two users goes from one to the other in an envelope.

mod blocks;
mod calls;
mod shares;

use alloc::vec::Vec;

use super::action::Action;
use super::config::planted;
use super::cx::{Cx, Sleeper};
use super::directory::Directory;
use super::envelope::{Asker, Enter, ReplyTo, ToDoor, ToHome, ToRoster, ToSession, ToSwarms};
use super::event::PageOrder;
use super::ledger::Order;
use crate::bucket::Bucket;
use crate::id::{ConnId, Epoch, MsgId, Seq, Ticket, UserId};
use crate::name::{AccountName, Name};
use crate::people::blocklist::Blocklist;
use crate::people::mailbox::{Mailbox, Next, Quota};
use crate::people::marks::Marks;
use crate::store::{StoredLetter, UserRecord, Write};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Frame, LoginRefusal, Outcome, PeerFault, Refusal};
use calls::Calls;
pub(crate) use calls::Place;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    user: UserId,
    name: Name,
    live: Option<Live>,
    /// What he had left of his share of commands when he was last here: who comes back has no new one.
    bucket: Bucket,
    /// The right password was given, but he has not been welcomed yet.
    entering: Option<Entering>,
    blocks: Blocklist,
    /// Blocks and unblocks that are being written down: so many. The next waits, so that they keep their order.
    changes: Vec<Change>,
    mailbox: Mailbox<Waiting>,
    marks: Marks<UserId>,
    loading: Option<Ticket>,
    /// The page that follows the welcome.
    page: Option<Vec<StoredLetter>>,
    calls: Calls,
    /// A page could not be loaded: asked again then.
    retry: Option<Time>,
}

/// His session.
#[derive(Clone, Copy, Debug)]
struct Live {
    conn: ConnId,
    /// He has been welcomed.
    here: bool,
    /// He has been sent the mail that was there when he came; now others hear of him, and he of them.
    caught_up: bool,
    /// The last of that mail.
    backlog: Seq,
    /// Since he came he has said nothing; before he does, others must know that he is there.
    unheard: bool,
    /// His connection takes mail.
    flowing: bool,
}

#[derive(Clone, Debug)]
struct Entering {
    enter: Enter,
    waits: Waits,
}

/// What a welcome waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// The older session is asked whether it is there.
    Probe,
    /// The first page of his mail is loaded: it follows the welcome at once.
    Mail,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    reply: ReplyTo,
    whom: Name,
    on: bool,
}

/// The sender of a letter waits for its fate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Waiting {
    reply: ReplyTo,
    outcome: Outcome,
}

impl Home {
    pub(crate) fn recover(record: &UserRecord, epoch: Epoch) -> Home {
        let mut blocks = Blocklist::default();
        for whom in &record.blocks {
            blocks.set(*whom, true);
        }
        Home {
            user: record.id,
            name: record.name,
            live: None,
            bucket: Bucket::default(),
            entering: None,
            blocks,
            changes: Vec::new(),
            mailbox: Mailbox::recover(Seq::before_first(epoch), &record.letters),
            marks: record.marks.iter().copied().collect(),
            loading: None,
            page: None,
            calls: Calls::default(),
            retry: None,
        }
    }

    /// The home of somebody who was never seen before.
    pub(crate) fn new(user: UserId, name: Name, epoch: Epoch) -> Home {
        Home::recover(&UserRecord::new(user, name), epoch)
    }

    pub(crate) fn blocked_by(&mut self, by: UserId) {
        self.blocks.set_blocked_by(by, true);
    }

    /// Whom he blocks.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = UserId> {
        self.blocks.blocked().into_iter().flat_map(|set| set.to_vec())
    }

    pub(crate) fn told(&mut self, letter: ToHome, directory: &Directory, cx: &mut Cx<'_>) {
        match letter {
            ToHome::Enter(entering) => self.enter(entering, cx),
            ToHome::Arrived { conn } => self.arrived(conn, cx),
            ToHome::Alive { conn } => self.alive(conn, cx),
            ToHome::Left { conn, bucket } => self.left(conn, bucket, cx),
            ToHome::Say { reply, id, to, text } => self.say(reply, id, to, text, directory, cx),
            ToHome::Deliver { from, name, id, text, reply } => self.deliver(from, name, id, text, reply, cx),
            ToHome::Cast { asker, text } => self.cast(asker, text, cx),
            ToHome::Who { asker, seconds } => {
                let hidden = self.blocks.blocked_by();
                cx.tell_roster(ToRoster::Who { asker, hidden, seconds });
            }
            ToHome::Block { reply, whom, on } => self.block(Change { reply, whom, on }, directory, cx),
            ToHome::BlockedBy { by, on, reply } => self.note_blocked_by(by, on, reply, cx),
            ToHome::Reachable { conn, seen, reach } => self.reachable(conn, seen, reach),
            ToHome::Files { reply, pattern } => {
                cx.tell_roster(ToRoster::Files { reply, pattern, hidden: self.hidden() });
            }
            ToHome::Share { conn, share } => self.share(conn, share, cx),
            ToHome::News { conn, news } => self.news(conn, news, directory, cx),
            ToHome::Leave { conn, content } => self.leave(conn, content, cx),
            ToHome::Know { reply, whom } => self.know(reply, whom, directory, cx),
            ToHome::Call { reply, purpose, whom } => self.call(reply, purpose, whom, directory, cx),
            ToHome::Called(call) => self.called(call, cx),
            ToHome::Answered { whom, purpose, reply, found } => {
                self.answered(whom, purpose, reply, found, cx);
            }
            ToHome::Ack { conn, seq } => self.acknowledged(conn, seq, cx),
            ToHome::Flow { conn, on } => self.flow(conn, on, cx),
        }
    }

    // --- Coming and going ---

    /// The right password was given. Is there a session already? Then it has a moment to show that it lives.
    fn enter(&mut self, enter: Enter, cx: &mut Cx<'_>) {
        match self.live {
            Some(live) if !planted!(cx.config, TwoSessions) => {
                self.entering = Some(Entering { enter, waits: Waits::Probe });
                cx.tell_session(live.conn, ToSession::Probe);
            }
            _ => self.prepare(enter, cx),
        }
    }

    /// The older session lives: the newer is refused.
    fn alive(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        if self.live.is_none_or(|live| live.conn != conn) {
            return;
        }
        if let Some(entering) = self.entering.take() {
            cx.tell_session(entering.enter.conn, ToSession::Refuse(LoginRefusal::AlreadyOnline));
            cx.tell_door(ToDoor::Decided(AccountName::from(self.name)));
        }
    }

    /// Mail that waits is loaded before its reader is welcomed, so that it comes before anything else.
    fn prepare(&mut self, enter: Enter, cx: &mut Cx<'_>) {
        self.settle_upto(enter.seen, cx);
        match self.mailbox.next(cx.config.limits.mail_window_bytes) {
            Next::Load(after, upto) => {
                self.entering = Some(Entering { enter, waits: Waits::Mail });
                self.load(after, upto, cx);
            }
            Next::Send(_) | Next::Nothing => self.admit(enter, cx),
        }
    }

    /// Lets the session welcome its user. If it is gone meanwhile, nobody was here.
    fn admit(&mut self, Enter { conn, device, .. }: Enter, cx: &mut Cx<'_>) {
        let backlog = self.mailbox.last();
        self.calls.entered(device);
        self.live = Some(Live { conn, here: false, caught_up: false, backlog, unheard: true, flowing: true });
        cx.tell_session(conn, ToSession::Admit { user: self.user, name: self.name, bucket: self.bucket });
    }

    /// The session has welcomed its user: he gets his mail.
    fn arrived(&mut self, conn: ConnId, cx: &mut Cx<'_>) {
        let Some(live) = self.live.as_mut().filter(|live| live.conn == conn) else { return };
        live.here = true;
        if let Some(page) = self.page.take() {
            self.send_page(page, cx);
        }
        self.pump(cx);
        cx.tell_door(ToDoor::Decided(AccountName::from(self.name)));
    }

    /// Once he has been sent the mail that was there when he came, he is one of those who are online.
    fn join_when_caught_up(&mut self, cx: &mut Cx<'_>) {
        let Some(live) = self.live.as_mut().filter(|live| live.here && !live.caught_up) else { return };
        if self.mailbox.has_unsent(live.backlog) {
            return;
        }
        live.caught_up = true;
        let conn = live.conn;
        let hide_from = self.blocks.blocked();
        cx.tell_roster(ToRoster::Joined { user: self.user, name: self.name, conn, hide_from });
        cx.tell_session(conn, ToSession::Open);
    }

    fn left(&mut self, conn: ConnId, bucket: Bucket, cx: &mut Cx<'_>) {
        let Some(live) = self.live.take_if(|live| live.conn == conn) else { return };
        self.bucket = bucket;
        self.calls = Calls::default();
        cx.tell_swarms(ToSwarms::Left { user: self.user });
        self.loading = None;
        self.page = None;
        if planted!(cx.config, SentIsReceived) {
            self.settle_upto(self.mailbox.sent_upto(), cx);
        }
        self.mailbox.disconnected(|waiting| cx.refuse(waiting.reply, Refusal::CannotStore));
        if live.caught_up {
            cx.tell_roster(ToRoster::Left { user: self.user, hide_from: self.blocks.blocked() });
        }
        if !live.here {
            cx.tell_door(ToDoor::Decided(AccountName::from(self.name)));
        }
        if let Some(Entering { enter, .. }) = self.entering.take() {
            self.prepare(enter, cx);
        }
    }

    // --- Talking ---

    /// Others must have been told that he is there before they hear him.
    fn announce(&mut self, cx: &mut Cx<'_>) {
        if let Some(live) = &mut self.live
            && core::mem::take(&mut live.unheard)
        {
            cx.tell_roster(ToRoster::Announce);
        }
    }

    fn say(
        &mut self,
        reply: ReplyTo,
        id: MsgId,
        to: Name,
        text: Text,
        directory: &Directory,
        cx: &mut Cx<'_>,
    ) {
        let Some(receiver) = directory.find(to) else { return cx.refuse(reply, Refusal::UnknownUser) };
        if receiver == self.user {
            return cx.refuse(reply, Refusal::Yourself);
        }
        self.announce(cx);
        let letter = ToHome::Deliver { from: self.user, name: self.name, id, text, reply };
        cx.tell_home(receiver, letter);
    }

    fn deliver(&mut self, from: UserId, name: Name, id: MsgId, text: Text, reply: ReplyTo, cx: &mut Cx<'_>) {
        let skipped = planted!(cx.config, BlockSkippedOffline) && self.live.is_none();
        if self.blocks.blocks(from) && !skipped {
            return cx.refuse(reply, Refusal::BlockedBy);
        }
        let outcome = if self.live.is_some() { Outcome::Accepted } else { Outcome::Queued };
        let waiting = Waiting { reply, outcome };
        if !self.marks.is_new(from, id) {
            if let Err(waiting) = self.mailbox.repeated(id, waiting) {
                cx.reply(waiting.reply, waiting.outcome);
            }
            return;
        }
        let limits = &cx.config.limits;
        let quota = Quota {
            letters_max: limits.mailbox_letters_max,
            bytes_max: limits.mailbox_bytes_max,
            sender_part: limits.mailbox_sender_part,
        };
        if self.mailbox.room(quota, from, text.len()).is_err() {
            return cx.refuse(reply, Refusal::MailboxFull);
        }
        self.marks.note(from, id);
        if planted!(cx.config, AcceptedTooEarly) {
            cx.reply(reply, outcome);
        }
        let seq = self.mailbox.put(from, name, id, text, waiting);
        cx.keep(Order::Letter { to: self.user, seq });
        self.pump(cx);
    }

    fn cast(&mut self, asker: Asker, text: Text, cx: &mut Cx<'_>) {
        let withheld = self.blocks.blocked_by();
        cx.tell_roster(ToRoster::Cast { asker, name: self.name, text, withheld });
    }

    // --- Mail ---

    /// Sends what the connection may have, and counts him among those who are online once that was all that waited.
    fn pump(&mut self, cx: &mut Cx<'_>) {
        self.send_mail(cx);
        self.join_when_caught_up(cx);
    }

    /// Sends letters in order, while the connection takes them; loads what is not in memory.
    fn send_mail(&mut self, cx: &mut Cx<'_>) {
        let Some(live) = self.live.filter(|live| live.here && live.flowing) else { return };
        while self.loading.is_none() && self.retry.is_none() {
            match self.mailbox.next(cx.config.limits.mail_window_bytes) {
                Next::Send(held) => {
                    let seq = held.seq;
                    cx.send(live.conn, Frame::mail(seq, held.id, held.from, &held.text));
                    self.mailbox.sent(seq);
                }
                Next::Load(after, upto) => self.load(after, upto, cx),
                Next::Nothing => return,
            }
        }
    }

    fn load(&mut self, after: Seq, upto: Seq, cx: &mut Cx<'_>) {
        let ticket = cx.ticket();
        self.loading = Some(ticket);
        let (user, bytes_max) = (self.user, cx.config.limits.page_bytes);
        cx.out.push(Action::Load(PageOrder { user, ticket, after, upto, bytes_max }));
    }

    /// The connection takes more, or no more until it says so.
    fn flow(&mut self, conn: ConnId, on: bool, cx: &mut Cx<'_>) {
        if let Some(live) = self.live.as_mut().filter(|live| live.conn == conn) {
            live.flowing = on;
            self.pump(cx);
        }
    }

    /// A page came from the store.
    pub(crate) fn loaded(&mut self, ticket: Ticket, letters: Option<Vec<StoredLetter>>, cx: &mut Cx<'_>) {
        if self.loading.take_if(|loading| *loading == ticket).is_none() {
            return;
        }
        let letters = letters.unwrap_or_default();
        if letters.is_empty() {
            // The store could not read, or has not what it acknowledged: nothing is made up, it is asked again.
            let again = cx.now + cx.config.limits.store_retry;
            cx.alarms.arm(Sleeper::Mail(self.user), &mut self.retry, again);
        }
        match self.entering.take_if(|entering| entering.waits == Waits::Mail) {
            Some(entering) => {
                self.page = (!letters.is_empty()).then_some(letters);
                self.admit(entering.enter, cx);
            }
            None => {
                self.send_page(letters, cx);
                self.pump(cx);
            }
        }
    }

    fn send_page(&mut self, letters: Vec<StoredLetter>, cx: &mut Cx<'_>) {
        let Some(live) = self.live else { return };
        for letter in letters {
            if self.mailbox.sent(letter.seq) {
                cx.send(live.conn, Frame::mail(letter.seq, letter.id, letter.from, &letter.text));
            }
        }
    }

    /// Time to ask the store again.
    pub(crate) fn woken(&mut self, cx: &mut Cx<'_>) {
        self.retry = None;
        self.pump(cx);
    }

    fn acknowledged(&mut self, conn: ConnId, seq: Seq, cx: &mut Cx<'_>) {
        if self.live.is_none_or(|live| live.conn != conn) {
            return;
        }
        if seq > self.mailbox.sent_upto() {
            return cx.tell_session(conn, ToSession::Fault(PeerFault::BadAck));
        }
        self.settle_upto(seq, cx);
        self.pump(cx);
    }

    /// Letters up to `seq` have arrived; their senders hear of it.
    fn settle_upto(&mut self, seq: Seq, cx: &mut Cx<'_>) {
        let stored = self.mailbox.acknowledge(seq, |waiting| cx.reply(waiting.reply, waiting.outcome));
        if stored {
            cx.keep(Order::Arrived { user: self.user });
        }
    }

    /// What is to be written for the letter at `seq`, if that is still needed.
    pub(crate) fn write_letter(&mut self, seq: Seq) -> Option<Write> {
        let to = self.user;
        let (from, held) = self.mailbox.write(seq)?;
        Some(Write::Letter { to, seq, from, id: held.id, text: held.text.clone() })
    }

    /// What is to be written about letters that have arrived.
    pub(crate) fn write_arrived(&self) -> Write {
        Write::Arrived { user: self.user, upto: self.mailbox.acked() }
    }

    /// The letter at `seq` is stored, or cannot be.
    pub(crate) fn letter_stored(&mut self, seq: Seq, kept: bool, cx: &mut Cx<'_>) {
        if kept {
            if let Some(waiting) = self.mailbox.written(seq) {
                cx.reply(waiting.reply, waiting.outcome);
            }
        } else if let Some(waiting) = self.mailbox.refused(seq) {
            cx.refuse(waiting.reply, Refusal::CannotStore);
            self.pump(cx);
        }
    }

    pub(crate) fn check(&self) {
        self.mailbox.check();
        let waits = self.entering.as_ref().map(|entering| entering.waits);
        assert!(waits != Some(Waits::Probe) || self.live.is_some(), "only an older session is asked");
        assert!(waits != Some(Waits::Mail) || self.live.is_none(), "a welcome waits for one thing");
        let reader = self.live.is_some() || waits == Some(Waits::Mail);
        assert!(self.loading.is_none() || reader, "mail is loaded for somebody who is there");
        assert!(self.live.is_none_or(|live| live.here), "who is admitted is welcomed in the same step");
        assert!(self.page.is_none(), "a page is sent in the step that welcomes its reader");
    }

    /// His session, if he is online and others may know it.
    pub(crate) fn online(&self) -> Option<ConnId> {
        self.live.filter(|live| live.caught_up).map(|live| live.conn)
    }
}
