//! A person who is logged in: what he asks, what he is told, and whom he talks with.

use alloc::vec::Vec;

use bytes::Bytes;

use super::action::{Action, Note};
use super::asked::{Answer, Asked, Misfit};
use super::context::Context;
use super::fetch::{Fetch, Hands};
use super::file::FileEvent;
use super::letters::Letters;
use super::peers::{Change, Peers};
use super::replies::Replies;
use super::typed::{Direct, Fetching, Wish};
use super::view::{Complaint, Line};
use crate::device::DeviceKey;
use crate::direct::{Pass, Purpose};
use crate::id::{ConnId, MsgId, RequestId};
use crate::time::Time;
use crate::wire::{Offer, Offers, Outcome, Request, ServerFrame};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    ids: Ids,
    letters: Letters,
    replies: Replies,
    peers: Peers,
    fetch: Fetch,
}

/// The numbers that this run of the client gave out last.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    request: u32,
    message: MsgId,
}

impl Seat {
    pub(super) fn new(instance: u64, letters: Letters, peers: Peers, fetch: Fetch) -> Seat {
        let ids = Ids { request: 0, message: MsgId { instance, counter: 0 } };
        Seat { ids, letters, replies: Replies::default(), peers, fetch }
    }

    /// A line may be typed.
    pub(super) fn has_room(&self) -> bool {
        self.replies.has_room()
    }

    /// Commands whose answer was not shown yet.
    pub(super) fn unanswered(&self) -> usize {
        self.replies.len()
    }

    /// There are downloads that are to be finished before the end.
    pub(super) fn is_fetching(&self) -> bool {
        self.fetch.is_waited_for()
    }

    /// Nobody is talked with.
    pub(super) fn is_alone(&self) -> bool {
        self.peers.is_alone()
    }

    /// The number of the next request.
    pub(super) fn next_request(&mut self) -> RequestId {
        self.ids.next_request()
    }

    /// When something has to happen by itself.
    pub(super) fn deadline(&self) -> Option<Time> {
        let deadlines = [self.peers.deadline(), self.fetch.deadline()];
        deadlines.into_iter().flatten().min()
    }

    pub(super) fn check(&self, now: Time) {
        self.replies.check();
        self.peers.check(now);
        self.fetch.check();
    }

    // --- What the person wants ---

    /// The client itself has the answer.
    pub(super) fn answer(&mut self, line: Line, active: bool, cx: &mut Context<'_>) {
        if active {
            cx.send(Request::Active.frame());
        }
        self.replies.answer(line);
        self.show_known(cx);
    }

    /// The server must be asked.
    pub(super) fn ask(&mut self, wish: Wish, cx: &mut Context<'_>) {
        let request = self.ids.next_request();
        self.replies.expect(request, wish.asked());
        let frame = match wish {
            Wish::Message { to, text } => Request::Message { request, id: self.ids.next_message(), to, text },
            Wish::Broadcast { text } => Request::Broadcast { request, text },
            Wish::Who => Request::Who { request },
            Wish::Since { seconds } => Request::Since { request, seconds },
            Wish::Block { whom } => Request::Block { request, whom },
            Wish::Unblock { whom } => Request::Unblock { request, whom },
            Wish::Files { pattern } => Request::Files { request, pattern },
        };
        cx.send(frame.frame());
    }

    /// It is between this person and another one.
    pub(super) fn act(&mut self, direct: Direct, cx: &mut Context<'_>) {
        match direct {
            Direct::Start(who) if self.peers.is_talking_with(who) => {
                self.answer(Line::Refused(Complaint::PrivateActive(who)), true, cx);
                self.replies.pause();
            }
            Direct::Start(whom) => {
                let request = self.expect(Asked::Start(whom));
                self.replies.pause();
                self.peers.start(whom, request);
                cx.send(Request::Call { request, purpose: Purpose::Talk, whom }.frame());
            }
            Direct::Say(who, text) if self.peers.is_talking_with(who) => {
                let request = self.expect(Asked::Say(who));
                cx.send(Request::Active.frame());
                self.peers.say(who, text, request, cx);
            }
            // Whether there is such a person only the server knows.
            Direct::Say(whom, _) => {
                let request = self.expect(Asked::Say(whom));
                cx.send(Request::Know { request, whom }.frame());
            }
            Direct::Stop(who) => {
                let request = self.expect(Asked::Stop(who));
                cx.send(Request::Active.frame());
                self.replies.pause();
                if !self.peers.stop(who, request, cx) {
                    let complaint = Complaint::NoSession(who.as_str().into());
                    self.replies.known(request, Answer::Line(Line::Refused(complaint)));
                    self.show_known(cx);
                }
            }
            Direct::Compare(who) => {
                let number = self.peers.number(who).map(|number| Line::SafetyNumber(who, number));
                self.answer(number.unwrap_or(Line::Refused(Complaint::NoKey(who.as_str().into()))), true, cx);
            }
            Direct::Verify(who) => {
                let line = match self.peers.verify(who, cx) {
                    true => Line::Verified(who),
                    false => Line::Refused(Complaint::NoKey(who.as_str().into())),
                };
                self.answer(line, true, cx);
            }
        }
    }

    /// It is about downloads.
    pub(super) fn fetch(&mut self, fetching: Fetching, cx: &mut Context<'_>) {
        let request = self.expect(Asked::Fetch);
        self.with_fetch(cx, |fetch, hands| fetch.on_typed(fetching, request, hands));
        self.show_known(cx);
    }

    fn with_fetch<T>(
        &mut self,
        cx: &mut Context<'_>,
        act: impl FnOnce(&mut Fetch, &mut Hands<'_, '_>) -> T,
    ) -> T {
        let Seat { ids, replies, peers, fetch, .. } = self;
        act(fetch, &mut Hands { ids, replies, peers, cx })
    }

    fn expect(&mut self, asked: Asked) -> RequestId {
        let request = self.ids.next_request();
        self.replies.expect(request, asked);
        request
    }

    /// Whom he talks with is told that he goes.
    pub(super) fn part(&mut self, cx: &mut Context<'_>) {
        self.with_fetch(cx, Fetch::part);
        self.peers.part_all(cx);
    }

    // --- What the server says ---

    /// # Errors
    /// [`Misfit`]: nobody asked for that.
    pub(super) fn on_frame(&mut self, frame: ServerFrame, cx: &mut Context<'_>) -> Result<(), Misfit> {
        match frame {
            ServerFrame::Mail { seq, id, from, text } => {
                if self.letters.admit(seq, from, id) {
                    cx.show_letter(Line::Said(from, text), Note { seq, from, id });
                }
                cx.acknowledge(seq);
            }
            ServerFrame::Cast { from, text } => cx.show(Line::Said(from, text)),
            ServerFrame::Presence(list) => {
                if list.changes.iter().any(|change| change.online) {
                    self.fetch.somebody_came(cx.now());
                }
                list.changes.into_iter().for_each(|change| cx.show(Line::Presence(change)));
            }
            ServerFrame::Vouch(vouch) => {
                self.peers.on_vouch(vouch, &mut self.replies, cx);
                self.show_known(cx);
            }
            ServerFrame::Done { request, outcome } => {
                self.done(request, outcome, cx)?;
                self.show_known(cx);
            }
            ServerFrame::Ask { question, pattern } => {
                self.fetch.on_ask(question, &pattern);
                cx.order(Action::Look { question, pattern });
            }
            ServerFrame::Swarm(page) => {
                self.with_fetch(cx, |fetch, hands| fetch.on_page(page, hands));
                self.show_known(cx);
            }
            ServerFrame::Found(page) if self.fetch.is_seek(page.request) => {
                self.with_fetch(cx, |fetch, hands| fetch.found(page, hands))?;
                self.show_known(cx);
            }
            ServerFrame::Found(page) => {
                let (request, last) = (page.request, page.last);
                self.replies.found(page)?;
                if !last {
                    cx.send(Request::More { request }.frame());
                }
                self.show_known(cx);
            }
            ServerFrame::Names(page) => {
                self.replies.names(page)?;
                self.show_known(cx);
            }
            _ => return Err(Misfit),
        }
        Ok(())
    }

    fn done(&mut self, request: RequestId, outcome: Outcome, cx: &mut Context<'_>) -> Result<(), Misfit> {
        if self.peers.is_call(request) {
            return self.peers.on_call_done(request, outcome, &mut self.replies, cx);
        }
        let change = match (self.replies.asked(request), outcome) {
            (Some(Asked::Block(whom)), Outcome::Accepted) => Some(Change::Blocked(whom)),
            (Some(Asked::Unblock(whom)), Outcome::Accepted) => Some(Change::Unblocked(whom)),
            _ => None,
        };
        self.replies.done(request, outcome)?;
        if let Some(change) = change {
            self.peers.on_change(change, &mut self.replies, cx);
        }
        Ok(())
    }

    /// What this device offers, in answer to a question of the server.
    pub(super) fn looked(&mut self, question: u32, offers: Vec<Offer>, indexing: bool, cx: &mut Context<'_>) {
        self.with_fetch(cx, |fetch, hands| fetch.on_looked(question, &offers, hands));
        Offers::pages(question, indexing, offers).for_each(|page| cx.send(Request::Offers(page).frame()));
    }

    /// Something came of an order about files.
    pub(super) fn on_file(&mut self, event: FileEvent, cx: &mut Context<'_>) {
        self.with_fetch(cx, |fetch, hands| fetch.on_file(event, hands));
        self.show_known(cx);
    }

    // --- What other clients do ---

    pub(super) fn peer_opened(
        &mut self,
        peer: ConnId,
        key: DeviceKey,
        pass: Option<Pass>,
        cx: &mut Context<'_>,
    ) {
        self.peers.on_opened(peer, key, pass, &self.replies, cx);
        self.show_known(cx);
    }

    pub(super) fn peer_received(&mut self, peer: ConnId, bytes: Bytes, cx: &mut Context<'_>) {
        self.peers.on_received(peer, bytes, &mut self.replies, cx);
        self.show_known(cx);
    }

    pub(super) fn peer_closed(&mut self, peer: ConnId, cx: &mut Context<'_>) {
        self.peers.on_closed(peer, &mut self.replies, cx);
        self.show_known(cx);
    }

    pub(super) fn chime(&mut self, cx: &mut Context<'_>) {
        self.peers.on_chime(&mut self.replies, cx);
        self.with_fetch(cx, Fetch::on_chime);
        self.show_known(cx);
    }

    /// Shows the answers whose turn has come, and goes on with what waited for its turn.
    fn show_known(&mut self, cx: &mut Context<'_>) {
        loop {
            self.replies.show_known(cx);
            self.peers.go_on(&self.replies, cx);
            while let Some(told) = self.peers.next_told() {
                self.with_fetch(cx, |fetch, hands| fetch.on_told(told, hands));
            }
            if !self.with_fetch(cx, Fetch::go_on) {
                break;
            }
        }
    }
}

impl Ids {
    pub(super) fn next_request(&mut self) -> RequestId {
        self.request = self.request.wrapping_add(1);
        RequestId(self.request)
    }

    fn next_message(&mut self) -> MsgId {
        self.message.counter += 1;
        self.message
    }
}
