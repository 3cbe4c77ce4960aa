//! From a name to one content: everybody who is online is asked, by the server, and the answers are put together.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Fetch, Hands, LATE_MAX, refuse, show};
use crate::client::asked::{Answer, Misfit};
use crate::client::file::FileOrder;
use crate::client::view::{Complaint, DownloadComplaint, DownloadLine, Line, Listing};
use crate::filename::FileName;
use crate::id::RequestId;
use crate::name::Name;
use crate::swarm::{Bitmap, Content, IdPrefix, Layout};
use crate::time::Time;
use crate::wire::{Finding, Found, Offer, Request};

/// How long owners are waited for who do not know yet what they have.
const INDEXING_MAX: Duration = Duration::from_secs(60);
/// When the person is told that they are.
const TOLD_AFTER: Duration = Duration::from_secs(2);
/// How long after an answer they are asked again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How long after somebody has logged in he is asked what he offers: his files must be looked through.
const SEEK_AFTER_LOGIN: Duration = Duration::from_secs(1);
/// Questions under way that no command waits for.
const SEEKS_MAX: usize = 32;
/// Findings of one name that are looked at; no team has so many people.
const FINDINGS_MAX: usize = 1 << 16;

/// A command that is not yet a download.
#[derive(Clone, Debug)]
pub(super) struct Seek {
    pub(super) name: FileName,
    id: Option<IdPrefix>,
    /// The command; nothing once it is answered.
    command: Option<RequestId>,
    began: Time,
    stage: Stage,
    /// How many did not know yet what they have.
    indexing: u32,
}

#[derive(Clone, Debug)]
enum Stage {
    /// The server was asked.
    Asked(RequestId, Vec<Finding>),
    /// It will be, then.
    Waiting(Time),
    /// It is this content, these have it, and the disk is being prepared.
    Preparing(Content, Vec<Name>),
}

impl Seek {
    pub(super) const fn is_preparing(&self) -> bool {
        matches!(self.stage, Stage::Preparing(..))
    }

    /// The question that has no answer yet.
    pub(super) const fn asked(&self) -> Option<RequestId> {
        match self.stage {
            Stage::Asked(request, _) => Some(request),
            Stage::Waiting(_) | Stage::Preparing(..) => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let again = match self.stage {
            Stage::Waiting(until) => Some(until),
            Stage::Asked(..) | Stage::Preparing(..) => None,
        };
        let told = (self.indexing > 0 && self.command.is_some()).then(|| self.began + TOLD_AFTER);
        again.into_iter().chain(told).min()
    }
}

/// What there is of a name.
struct Supply {
    /// Who else has it, by content.
    others: BTreeMap<Content, Vec<Name>>,
    /// What is in the own folder.
    own: Option<Content>,
}

impl Supply {
    fn of(findings: Vec<Finding>, own: Name) -> Supply {
        let mut supply = Supply { others: BTreeMap::new(), own: None };
        for Finding { offer, owner } in findings {
            let content = Content { id: offer.content, size: offer.size };
            if owner == own {
                supply.own = Some(content);
            } else {
                supply.others.entry(content).or_default().push(owner);
            }
        }
        supply.others.values_mut().for_each(|owners| {
            owners.sort_unstable();
            owners.dedup();
        });
        supply
    }
}

impl Fetch {
    /// Somebody wants a file of this name.
    pub(super) fn seek(
        &mut self,
        name: FileName,
        id: Option<IdPrefix>,
        command: RequestId,
        hands: &mut Hands<'_, '_>,
    ) {
        let is_sought = self.seeks.iter().any(|seek| seek.name == name);
        if is_sought || self.wanted.values().any(|wanted| wanted.name == name) {
            return refuse(command, DownloadComplaint::Running(name), hands);
        }
        let began = hands.cx.now();
        let request = hands.ids.next_request();
        hands.cx.send(Request::Seek { request, again: false, name: name.clone() }.frame());
        let stage = Stage::Asked(request, Vec::new());
        self.seeks.push(Seek { name, id, command: Some(command), began, stage, indexing: 0 });
    }

    /// It is not known yet what becomes of a command for this name.
    pub(super) fn is_undecided(&self, name: &FileName) -> bool {
        self.seeks.iter().any(|seek| seek.name == *name && seek.command.is_some())
    }

    /// Whether it is our question that the server answers.
    pub(in crate::client) fn is_seek(&self, request: RequestId) -> bool {
        self.seek_of(request).is_some()
            || self.wanted.values().any(|wanted| wanted.sought == Some(request))
            || self.late.contains(&request)
    }

    /// Nobody waits for the answer to a question any more.
    pub(super) fn not_sought(&mut self, request: Option<RequestId>) {
        self.late.extend(request);
        if self.late.len() > LATE_MAX {
            self.late.pop_front();
        }
    }

    /// Asks who offers a file that is being fetched: perhaps somebody who was not there before.
    pub(super) fn seek_more(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let is_room = self.has_room_to_seek();
        let Some(wanted) = self.wanted.get_mut(&content).filter(|wanted| wanted.sought.is_none()) else {
            return;
        };
        if !is_room {
            wanted.seek_at.get_or_insert(hands.cx.now() + AGAIN_AFTER);
            return;
        }
        let request = hands.ids.next_request();
        wanted.sought = Some(request);
        hands.cx.send(Request::Seek { request, again: true, name: wanted.name.clone() }.frame());
    }

    /// The server is not asked about everything at once.
    fn has_room_to_seek(&self) -> bool {
        let told = self.seeks.iter().filter(|seek| seek.command.is_none() && seek.asked().is_some());
        let sought = self.wanted.values().filter(|wanted| wanted.sought.is_some());
        told.count() + sought.count() + self.late.len() < SEEKS_MAX
    }

    /// Somebody came who may have something of what is fetched.
    pub(in crate::client) fn somebody_came(&mut self, now: Time) {
        for wanted in self.wanted.values_mut() {
            wanted.seek_at.get_or_insert(now + SEEK_AFTER_LOGIN);
        }
    }

    /// Whoever offers just this can be called.
    fn found_more(&mut self, page: &Found, hands: &mut Hands<'_, '_>) {
        if !page.last {
            hands.cx.send(Request::More { request: page.request }.frame());
        } else if let Some(place) = self.late.iter().position(|late| *late == page.request) {
            self.late.remove(place);
        }
        let own = self.own;
        let is_it = |wanted: &&mut super::Wanted| wanted.sought == Some(page.request);
        let Some(wanted) = self.wanted.values_mut().find(is_it) else { return };
        let content = wanted.content;
        let fits = |finding: &&Finding| {
            finding.owner != own && (finding.offer.content, finding.offer.size) == (content.id, content.size)
        };
        let Some(source) = self.sources.get_mut(&content) else { return };
        let owners = page.findings.iter().filter(fits).map(|finding| finding.owner);
        for owner in owners.filter(|owner| !wanted.download.is_barred(*owner)) {
            source.neighbours.met(owner);
            if !self.links.contains_key(&owner) {
                wanted.claims.insert(owner, Bitmap::all(wanted.layout.count()));
            }
        }
        if page.last {
            wanted.sought = None;
        }
        self.call_some(content, hands);
    }

    fn seek_of(&self, request: RequestId) -> Option<usize> {
        let is_it = |seek: &Seek| matches!(seek.stage, Stage::Asked(asked, _) if asked == request);
        self.seeks.iter().position(is_it)
    }

    /// The server answers.
    ///
    /// # Errors
    /// [`Misfit`]: nobody asked for that, or it is too much.
    pub(in crate::client) fn found(&mut self, page: Found, hands: &mut Hands<'_, '_>) -> Result<(), Misfit> {
        let Some(place) = self.seek_of(page.request) else {
            self.found_more(&page, hands);
            self.settle(hands);
            return Ok(());
        };
        let seek = &mut self.seeks[place];
        let Stage::Asked(_, findings) = &mut seek.stage else { return Err(Misfit) };
        // Whoever offers something else under this question is not heard.
        let fits = |finding: &Finding| finding.offer.name == seek.name;
        findings.extend(page.findings.into_iter().filter(fits));
        if findings.len() > FINDINGS_MAX {
            return Err(Misfit);
        }
        if !page.last {
            hands.cx.send(Request::More { request: page.request }.frame());
            return Ok(());
        }
        let findings = core::mem::take(findings);
        seek.indexing = page.indexing;
        let now = hands.cx.now();
        if page.indexing > 0 && now < seek.began + INDEXING_MAX {
            seek.stage = Stage::Waiting(now + AGAIN_AFTER);
        } else {
            self.decide(place, findings, hands);
        }
        self.settle(hands);
        Ok(())
    }

    /// Asks once more those who did not know yet, and tells the person that he waits for them.
    pub(super) fn seek_again(&mut self, hands: &mut Hands<'_, '_>) {
        let now = hands.cx.now();
        for place in 0..self.seeks.len() {
            let is_room = self.has_room_to_seek();
            let seek = &mut self.seeks[place];
            if seek.indexing > 0
                && now >= seek.began + TOLD_AFTER
                && let Some(command) = seek.command.take()
            {
                let line = DownloadLine::Waiting { name: seek.name.clone(), owners: seek.indexing };
                hands.replies.known(command, Answer::Line(Line::Download(line)));
            }
            if matches!(seek.stage, Stage::Waiting(until) if until <= now) {
                if seek.command.is_none() && !is_room {
                    seek.stage = Stage::Waiting(now + AGAIN_AFTER);
                    continue;
                }
                let request = hands.ids.next_request();
                let name = seek.name.clone();
                hands.cx.send(Request::Seek { request, again: true, name }.frame());
                seek.stage = Stage::Asked(request, Vec::new());
            }
        }
    }

    /// Which content it is, if it is one.
    fn decide(&mut self, place: usize, findings: Vec<Finding>, hands: &mut Hands<'_, '_>) {
        let seek = &mut self.seeks[place];
        let Supply { mut others, own } = Supply::of(findings, self.own);
        if let Some(id) = seek.id {
            others.retain(|content, _| id.fits(&content.id));
        }
        let name = seek.name.clone();
        let is_meant = |content: &Content| seek.id.is_none_or(|id| id.fits(&content.id));
        let is_here = own.is_some_and(|own| match others.is_empty() {
            true => is_meant(&own),
            false => others.contains_key(&own),
        });
        if is_here {
            return self.answer(place, Line::Download(DownloadLine::AlreadyHere(name)), hands);
        }
        let complain = |complaint| Line::Refused(Complaint::Download(complaint));
        match others.len() {
            0 => self.answer(place, complain(DownloadComplaint::Nobody(name)), hands),
            1 if own.is_some() => self.answer(place, complain(DownloadComplaint::Different(name)), hands),
            1 => {
                for (content, owners) in others {
                    self.prepare(place, content, owners, hands);
                }
            }
            _ => {
                let mut lines = Vec::from([complain(DownloadComplaint::Several(name.clone()))]);
                let choice = |(content, owners): (Content, Vec<Name>)| {
                    let offer = Offer { name: name.clone(), content: content.id, size: content.size };
                    Line::Download(DownloadLine::Choice(Listing { offer, owners }))
                };
                lines.extend(others.into_iter().map(choice));
                lines.push(Line::Download(DownloadLine::Choose(name)));
                self.answer_all(place, lines, hands);
            }
        }
    }

    fn prepare(&mut self, place: usize, content: Content, owners: Vec<Name>, hands: &mut Hands<'_, '_>) {
        let name = self.seeks[place].name.clone();
        let is_it = |seek: &&Seek| matches!(seek.stage, Stage::Preparing(other, _) if other == content);
        let begun = self.wanted.get(&content).map(|wanted| &wanted.name);
        if let Some(other) = begun.or_else(|| self.seeks.iter().find(is_it).map(|seek| &seek.name)) {
            // The same under another name: what comes belongs to that one.
            let complaint = DownloadComplaint::Running(other.clone());
            return self.answer(place, Line::Refused(Complaint::Download(complaint)), hands);
        }
        self.seeks[place].stage = Stage::Preparing(content, owners);
        hands.file(FileOrder::Prepare { name, content });
    }

    /// The disk is prepared for a download: its content, who offers it, and the command if it has no answer yet.
    pub(super) fn take_prepared(
        &mut self,
        name: &FileName,
    ) -> Option<(Content, Layout, Vec<Name>, Option<RequestId>)> {
        let is_it = |seek: &Seek| seek.name == *name && seek.is_preparing();
        let place = self.seeks.iter().position(is_it)?;
        let Seek { stage: Stage::Preparing(content, owners), command, .. } = self.seeks.swap_remove(place)
        else {
            return None;
        };
        let layout = Layout::new(content.size, self.terms.chunks)?;
        Some((content, layout, owners, command))
    }

    fn answer(&mut self, place: usize, line: Line, hands: &mut Hands<'_, '_>) {
        self.answer_all(place, Vec::from([line]), hands);
    }

    /// Nothing comes of it but these lines.
    fn answer_all(&mut self, place: usize, lines: Vec<Line>, hands: &mut Hands<'_, '_>) {
        match self.seeks.swap_remove(place).command {
            Some(command) => hands.replies.known(command, Answer::Lines(lines)),
            None => lines.into_iter().for_each(|line| hands.cx.show(line)),
        }
    }

    /// A search that the person was told of ends. False if there is none.
    pub(super) fn end_seek(
        &mut self,
        name: &FileName,
        command: RequestId,
        hands: &mut Hands<'_, '_>,
    ) -> bool {
        let Some(place) = self.seeks.iter().position(|seek| seek.name == *name) else { return false };
        let seek = self.seeks.swap_remove(place);
        self.not_sought(seek.asked());
        if seek.is_preparing() {
            hands.file(FileOrder::Release { name: seek.name });
        }
        let none = crate::client::view::Progress { held: 0, chunks: 0 };
        let line = Line::Download(DownloadLine::Cancelled(name.clone(), none));
        hands.replies.known(command, Answer::Line(line));
        true
    }
}

/// The person was told that it is waited for; what it comes to is told as it comes.
pub(super) fn tell(command: Option<RequestId>, complaint: DownloadComplaint, hands: &mut Hands<'_, '_>) {
    match command {
        Some(command) => refuse(command, complaint, hands),
        None => hands.cx.show(Line::Refused(Complaint::Download(complaint))),
    }
}

/// As [`tell`], for what is no complaint.
pub(super) fn say(command: Option<RequestId>, line: DownloadLine, hands: &mut Hands<'_, '_>) {
    match command {
        Some(command) => hands.replies.known(command, Answer::Line(Line::Download(line))),
        None => show(line, hands),
    }
}
