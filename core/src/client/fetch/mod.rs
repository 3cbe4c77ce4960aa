//! Files: what this client fetches, and what others fetch from it.
//!
//! A command becomes a [`Seek`]: who offers a file of that name, and is it one content? Then it is a [`Wanted`]: an organ
//! ([`Download`]) decides which chunk is asked of whom, and this machine says it. What is given to others is in
//! `give.rs`. Both speak over the links of `peers`; bytes go to and from the disk by orders (`file.rs`).
//!
//! What a person is told of a download is told in the order of the commands: it begins for him when its line can be
//! shown, and ends after that.

mod begin;
mod chunks;
mod end;
mod get;
mod give;
mod hands;
mod link;
mod seek;
mod swarm;
mod terms;
mod wanted;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

pub use terms::Terms;

pub(super) use hands::Hands;

use super::action::Action;
use super::asked::Answer;
use super::file::{FileEvent, FileOrder};
use super::typed::Fetching;
use super::view::{Complaint, DownloadComplaint, DownloadLine, Line};
use crate::id::{ConnId, RequestId};
use crate::name::Name;
use crate::seed::{Dice, Seed};
use crate::swarm::{Content, Slots};
use crate::time::Time;
use crate::wire::Request;
use chunks::Incoming;
use give::{Source, Upload};
use link::Link;
use seek::Seek;
use wanted::Wanted;

/// Questions that have no answer yet and that nobody waits for: commands under way, and questions about downloads.
const LATE_MAX: usize = 4_096;
/// Contents that the server is told of because somebody asked for a file of that name.
const OFFERED_MAX: usize = 4_096;
/// Questions for one name that have no answer yet.
const ASKED_MAX: usize = 1_024;
/// To how many chunks go beside each other. Each has a connection of his own, and what a connection can take is unknown here.
const ABREAST: u32 = 8;
/// How often the server hears that a person who does nothing waits for a download.
const ACTIVE_SPAN: core::time::Duration = core::time::Duration::from_millis(500);

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    own: Name,
    terms: Terms,
    dice: Dice,
    /// Commands that wait for their turn, in order.
    turns: VecDeque<(RequestId, Fetching)>,
    seeks: Vec<Seek>,
    wanted: BTreeMap<Content, Wanted>,
    /// Questions for a file whose answers nobody waits for any more.
    late: VecDeque<RequestId>,
    /// What the server knows to be whole here.
    offered: BTreeSet<Content>,
    /// Questions of the server that name one file.
    asked: VecDeque<u32>,
    links: BTreeMap<Name, Link>,
    /// Chunks that come, or are being verified.
    incoming: BTreeMap<(ConnId, u32), Incoming>,
    /// What others get from here.
    sources: BTreeMap<Content, Source>,
    slots: Slots<(Name, Content), Name>,
    uploads: BTreeMap<(ConnId, u32), Upload>,
    /// Who waits for the hashes of what content, and from which chunk on.
    lists: BTreeMap<Content, Vec<(Name, u32)>>,
    active_at: Time,
}

impl Fetch {
    pub(super) fn new(own: Name, terms: Terms, seed: Seed) -> Fetch {
        Fetch {
            own,
            terms,
            dice: Dice::public(seed),
            turns: VecDeque::new(),
            seeks: Vec::new(),
            wanted: BTreeMap::new(),
            late: VecDeque::new(),
            offered: BTreeSet::new(),
            asked: VecDeque::new(),
            links: BTreeMap::new(),
            incoming: BTreeMap::new(),
            sources: BTreeMap::new(),
            slots: Slots::abreast(ABREAST),
            uploads: BTreeMap::new(),
            lists: BTreeMap::new(),
            active_at: Time::ZERO,
        }
    }

    /// Something is fetched, or looked for.
    pub(super) fn is_busy(&self) -> bool {
        !(self.turns.is_empty() && self.seeks.is_empty() && self.wanted.is_empty())
    }

    /// The program is to wait for it before it ends by itself.
    pub(super) fn is_waited_for(&self) -> bool {
        self.terms.waits && self.is_busy()
    }

    /// When something has to happen by itself.
    pub(super) fn deadline(&self) -> Option<Time> {
        let seeks = self.seeks.iter().filter_map(Seek::deadline).min();
        let wanted = self.wanted.values().filter_map(Wanted::deadline).min();
        let active = (!self.wanted.is_empty()).then_some(self.active_at);
        [seeks, wanted, active, self.slots.deadline(), self.idle_at()].into_iter().flatten().min()
    }

    /// The deadline came, or another one did.
    pub(super) fn on_chime(&mut self, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        self.seek_again(hands);
        self.close_idle(hands);
        for content in self.contents() {
            self.wake(content, hands);
        }
        if self.slots.deadline().is_some_and(|at| at <= now) {
            self.slots.chime(now);
        }
        if !self.wanted.is_empty() && self.active_at <= now {
            self.active_at = now + ACTIVE_SPAN;
            hands.cx.send(Request::Active.frame());
            self.hint(hands);
        }
        self.settle(hands);
    }

    /// Tells how far downloads have come, a tenth at a time.
    fn hint(&mut self, hands: &mut Hands<'_, '_>) {
        for wanted in self.wanted.values_mut().filter(|wanted| wanted.is_announced) {
            let progress = wanted.progress();
            let tenths = progress.held.saturating_mul(10) / progress.chunks.max(1);
            if tenths > wanted.tenths && wanted.end.is_none() {
                wanted.tenths = tenths;
                let line = Line::Download(DownloadLine::Running(wanted.name.clone(), progress));
                hands.cx.order(Action::Hint(line));
            }
        }
    }

    /// A command about downloads was typed.
    pub(super) fn on_typed(&mut self, fetching: Fetching, request: RequestId, hands: &mut Hands<'_, '_>) {
        hands.cx.send(Request::Active.frame());
        self.turns.push_back((request, fetching));
        self.go_on(hands);
    }

    /// Answers were shown: what waited for its turn goes on. False if nothing did.
    pub(super) fn go_on(&mut self, hands: &mut Hands<'_, '_>) -> bool {
        let mut went_on = false;
        while let Some((request, fetching)) = self.turns.front() {
            let request = *request;
            // To begin one more changes nothing for those before, unless it is the same; to list or to end one does.
            let is_next = match fetching {
                Fetching::Begin { name, .. } => !self.is_undecided(name),
                Fetching::List | Fetching::Cancel(_) => false,
            };
            let is_next = is_next || hands.replies.is_first(request);
            if !is_next {
                break;
            }
            went_on = true;
            match self.turns.pop_front() {
                Some((_, Fetching::Begin { name, id })) => self.seek(name, id, request, hands),
                Some((_, Fetching::List)) => self.list(request, hands),
                Some((_, Fetching::Cancel(name))) => self.cancel(&name, request, hands),
                None => {}
            }
        }
        went_on | self.announce_all(hands)
    }

    /// Something came of an order about files.
    pub(super) fn on_file(&mut self, event: FileEvent, hands: &mut Hands<'_, '_>) {
        match event {
            FileEvent::Prepared { name, result } => self.prepared(&name, result, hands),
            FileEvent::Written { peer, transfer, result, .. } => self.written(peer, transfer, result, hands),
            FileEvent::Completed { name, result } => self.completed(&name, result),
            FileEvent::Uploaded { peer, transfer, bytes, whole } => {
                self.uploaded(peer, transfer, bytes, whole, hands);
            }
            FileEvent::Listed { content, manifest } => self.listed(content, manifest.as_ref(), hands),
        }
        self.settle(hands);
    }

    /// The person goes: nothing is fetched or given any more.
    pub(super) fn part(&mut self, hands: &mut Hands<'_, '_>) {
        self.turns.clear();
        for seek in core::mem::take(&mut self.seeks) {
            self.not_sought(seek.asked());
            if seek.is_preparing() {
                hands.file(FileOrder::Release { name: seek.name });
            }
        }
        for (_, wanted) in core::mem::take(&mut self.wanted) {
            self.not_sought(wanted.sought);
            hands.file(FileOrder::Release { name: wanted.name });
        }
        self.offered.clear();
        self.links.clear();
        self.incoming.clear();
        self.sources.clear();
        self.uploads.clear();
        self.lists.clear();
        self.slots = Slots::abreast(ABREAST);
    }

    fn list(&self, request: RequestId, hands: &mut Hands<'_, '_>) {
        let mut running: Vec<&Wanted> = self.wanted.values().collect();
        running.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        let line = |wanted: &&Wanted| DownloadLine::Running(wanted.name.clone(), wanted.progress());
        let mut lines: Vec<DownloadLine> = running.iter().map(line).collect();
        if lines.is_empty() {
            lines.push(DownloadLine::None);
        }
        hands.replies.known(request, Answer::Lines(lines.into_iter().map(Line::Download).collect()));
    }

    fn contents(&self) -> Vec<Content> {
        self.wanted.keys().copied().collect()
    }

    /// Performs what was decided, tells what is due, and ends what is over.
    fn settle(&mut self, hands: &mut Hands<'_, '_>) {
        for content in self.contents() {
            self.perform(content, hands);
        }
        self.grant(hands);
        for content in self.contents() {
            self.tell_news(content, hands);
        }
        self.announce_all(hands);
        for content in self.contents() {
            self.end_if_over(content, hands);
        }
    }

    pub(super) fn check(&self) {
        assert!(
            self.offered.len() <= OFFERED_MAX && self.asked.len() <= ASKED_MAX,
            "what is kept is bounded"
        );
        for incoming in self.incoming.values() {
            assert!(self.wanted.contains_key(&incoming.content), "a chunk comes for a download");
            assert!(incoming.got <= incoming.bytes, "and is no longer than it");
        }
        for upload in self.uploads.values() {
            assert!(self.sources.contains_key(&upload.content), "a chunk goes out of a source");
        }
        for (content, wanted) in &self.wanted {
            assert_eq!(wanted.content, *content);
            assert!(self.sources.contains_key(content), "who fetches gives");
            assert!(wanted.orders.is_empty(), "orders are performed at once");
        }
    }
}

/// A command is refused.
fn refuse(request: RequestId, complaint: DownloadComplaint, hands: &mut Hands<'_, '_>) {
    hands.replies.known(request, Answer::Line(Line::Refused(Complaint::Download(complaint))));
}

/// A line about a download, which answers nothing.
fn show(line: DownloadLine, hands: &mut Hands<'_, '_>) {
    hands.cx.show(Line::Download(line));
}
