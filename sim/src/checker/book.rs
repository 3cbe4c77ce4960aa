//! What all checkers know: who is connected, who is online, who blocks whom, what was said.
//!
//! The book is kept from facts alone. A checker is handed the book as it was before the fact that it
//! looks at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use starling_core::client::{DownloadLine, Line};
use starling_core::direct::{Purpose, Role};
use starling_core::id::{RequestId, UserId};
use starling_core::name::Name;
use starling_core::server::Config;
use starling_core::store::Snapshot;
use starling_core::time::Time;
use starling_core::wire::{Outcome, Refusal, Request, ServerFrame};

use super::fact::{Fact, Target};
use super::share::Shares;
pub use super::sight::{Asked, Known, Relation, Sight, Wish};
use crate::mark::Marks;
use crate::people::People;

/// See the module.
#[derive(Clone, Debug)]
pub struct Book {
    /// The users.
    pub people: Arc<People>,
    /// How the server is configured.
    pub config: Config,
    /// An alarm may ring so much late.
    pub late: Duration,
    /// Rare states.
    pub marks: Marks,
    /// The server's time.
    pub now: Time,
    /// Counts facts.
    pub moment: u64,
    /// When this life of the server began; nothing if there is none.
    pub began: Option<Time>,
    /// The operator wants this life to end.
    pub stopping: bool,
    /// By link.
    pub links: Vec<Sight>,
    /// By user: where he is logged in.
    pub online: Vec<Option<u32>>,
    /// By user: whether he counts as online. Between his welcome and the end of the mail that waited for
    /// him nobody outside can tell.
    pub joined: Vec<Known>,
    /// By user: when he left, in this life of the server.
    pub left: Vec<Option<Time>>,
    /// By user: he surely counted as online before he left.
    pub left_surely: Vec<bool>,
    connects: Shares,
    attempts: Shares,
    /// Who says what, by the number of what is said.
    speakers: Vec<u16>,
    relations: BTreeMap<(u16, u16), Relation>,
    numbers: Vec<u16>,
}

impl Book {
    /// An empty book.
    #[must_use]
    pub fn new(people: Arc<People>, config: Config, late: Duration) -> Book {
        let count = people.count();
        Book {
            people,
            config,
            late,
            marks: Marks::default(),
            now: Time::ZERO,
            moment: 0,
            began: None,
            stopping: false,
            links: Vec::new(),
            online: vec![None; count],
            joined: vec![Known::No; count],
            left: vec![None; count],
            left_surely: vec![true; count],
            connects: Shares::default(),
            attempts: Shares::default(),
            speakers: Vec::new(),
            relations: BTreeMap::new(),
            numbers: Vec::new(),
        }
    }

    /// A connection.
    #[must_use]
    pub fn sight(&self, link: u32) -> &Sight {
        &self.links[link as usize]
    }

    fn sight_mut(&mut self, link: u32) -> &mut Sight {
        let at = link as usize;
        if self.links.len() <= at {
            self.links.resize_with(at + 1, Sight::default);
        }
        &mut self.links[at]
    }

    /// `from` is about to say what has this number.
    pub fn speaks(&mut self, tag: u32, from: u16) {
        let at = tag as usize;
        if self.speakers.len() <= at {
            self.speakers.resize(at + 1, u16::MAX);
        }
        self.speakers[at] = from;
    }

    /// Who says what has this number.
    #[must_use]
    pub fn spoke(&self, tag: u32) -> Option<u16> {
        self.speakers.get(tag as usize).copied()
    }

    /// Who says what has this number, if it is `name`.
    #[must_use]
    pub fn speaker(&self, tag: u32, name: Name) -> Option<u16> {
        let from = self.speakers.get(tag as usize).copied()?;
        self.people.names().get(usize::from(from)).is_some_and(|from| *from == name).then_some(from)
    }

    /// Whom a name stands for.
    #[must_use]
    pub fn target(&self, name: Name) -> Target {
        self.people.find(name).map_or(Target::Nobody, Target::User)
    }

    /// Whether `by` blocks `whom` now.
    #[must_use]
    pub fn blocks(&self, by: u16, whom: u16) -> Known {
        self.blocks_since(by, whom, u64::MAX)
    }

    /// Whether `by` has blocked `whom` from the fact `since` until now.
    #[must_use]
    pub fn blocks_since(&self, by: u16, whom: u16, since: u64) -> Known {
        match self.relations.get(&(by, whom)) {
            None => Known::No,
            Some(relation) if relation.open > 0 || relation.changed > since => Known::Either,
            Some(Relation { on: true, .. }) => Known::Yes,
            Some(_) => Known::No,
        }
    }

    /// Who is logged in on `link` and does not yet surely count as online.
    #[must_use]
    pub fn joining(&self, link: u32) -> Option<u16> {
        self.sight(link).user.filter(|user| self.joined[usize::from(*user)] == Known::Either)
    }

    /// Pairs that have ever been in a block relation.
    pub fn relations(&self) -> impl Iterator<Item = (u16, u16, Relation)> + '_ {
        self.relations.iter().map(|((by, whom), relation)| (*by, *whom, *relation))
    }

    /// Nobody has ever blocked `user`.
    #[must_use]
    pub fn is_liked(&self) -> bool {
        self.relations.is_empty()
    }

    /// The user that a store's number stands for.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<u16> {
        self.numbers.get(id.index()).copied().filter(|user| *user != u16::MAX)
    }

    /// The request that a reply on `link` answers.
    #[must_use]
    pub fn asked(&self, link: u32, request: RequestId) -> Option<Asked> {
        let sight = self.sight(link);
        sight.asked.iter().find(|(id, _)| *id == request).map(|(_, asked)| *asked)
    }

    /// The book after a fact.
    pub fn note(&mut self, fact: &Fact<'_>) {
        self.moment += 1;
        let now = self.now;
        match fact {
            Fact::Began { snapshot, .. } => self.begin(snapshot),
            Fact::Crashed => self.crash(),
            Fact::Stopping => self.stopping = true,
            Fact::Opened { link, from } => {
                let limits = &self.config.limits;
                let (burst, per_second) = (limits.address_connects_burst, limits.address_connects_per_second);
                let welcome = self.connects.draw(*from, burst, per_second, now);
                let sight = self.sight_mut(*link);
                (sight.from, sight.unwelcome) = (Some(*from), !welcome);
                sight.open = true;
                sight.opened = now;
                sight.heard = now;
            }
            Fact::Heard { link } => {
                let sight = self.sight_mut(*link);
                sight.heard = now;
                if !sight.probed_deaf {
                    sight.probed = None;
                }
            }
            Fact::Tried { link, account, .. } => {
                let limits = &self.config.limits;
                let (burst, per_second) = (limits.address_attempts_burst, limits.address_attempts_per_second);
                let from = self.sight(*link).from;
                let heard = from.is_none_or(|from| self.attempts.draw(from, burst, per_second, now));
                let sight = self.sight_mut(*link);
                (sight.attempt, sight.turned_away) = (Some(*account), !heard);
            }
            Fact::Asked { link, request } => self.ask(*link, request),
            Fact::Gone { link } | Fact::Shut { link, .. } => self.end(*link),
            Fact::Paused { link, on } => {
                let sight = self.sight_mut(*link);
                sight.paused = *on;
                sight.vague = true;
                sight.was_paused = true;
                sight.heard = if *on { sight.heard } else { now };
            }
            Fact::Unread { link, bytes } => {
                let sight = self.sight_mut(*link);
                if *bytes < sight.unread || sight.unread == 0 {
                    sight.stuck = now;
                }
                sight.unread = *bytes;
            }
            Fact::Told { link, frame } => self.tell(*link, frame),
            Fact::Joined { link, .. } => {
                if let Some(user) = self.sight(*link).user {
                    self.joined[usize::from(user)] = Known::Yes;
                }
            }
            Fact::Started { link, user, device } => {
                let sight = self.sight_mut(*link);
                sight.honest = user.is_some();
                sight.device = *device;
            }
            Fact::Shown { link, line: Line::Download(line), .. } => self.fetch(*link, line),
            Fact::Exited { link, .. } => self.sight_mut(*link).honest = false,
            _ => {}
        }
    }

    fn fetch(&mut self, link: u32, line: &DownloadLine) {
        let fetching = &mut self.sight_mut(link).fetching;
        match line {
            DownloadLine::Downloading { name, .. } | DownloadLine::Resuming(name, _) => {
                fetching.insert(name.clone());
            }
            DownloadLine::Downloaded { name, .. }
            | DownloadLine::Stopped(name, _)
            | DownloadLine::Cancelled(name, _) => _ = fetching.remove(name),
            _ => {}
        }
    }

    fn begin(&mut self, snapshot: &Snapshot) {
        self.began = Some(self.now);
        (self.connects, self.attempts) = (Shares::default(), Shares::default());
        self.stopping = false;
        self.left.fill(None);
        for record in &snapshot.users {
            let at = record.id.index();
            if self.numbers.len() <= at {
                self.numbers.resize(at + 1, u16::MAX);
            }
            self.numbers[at] = self.people.find(record.name).unwrap_or(u16::MAX);
        }
        let moment = self.moment;
        self.relations
            .values_mut()
            .for_each(|relation| *relation = Relation { changed: moment, ..Relation::default() });
        for record in &snapshot.users {
            for whom in &record.blocks {
                if let (Some(by), Some(whom)) = (self.user(record.id), self.user(*whom)) {
                    self.relations.insert((by, whom), Relation { on: true, open: 0, changed: moment });
                }
            }
        }
    }

    fn crash(&mut self) {
        self.began = None;
        self.online.fill(None);
        self.joined.fill(Known::No);
        for sight in self.links.iter_mut().filter(|sight| sight.open) {
            sight.open = false;
            sight.user = None;
            sight.asked.clear();
        }
    }

    fn end(&mut self, link: u32) {
        let now = self.now;
        let sight = self.sight_mut(link);
        sight.open = false;
        sight.asked = Vec::new();
        sight.vouched = Vec::new();
        if let Some(user) = sight.user.take() {
            let user = usize::from(user);
            if self.online[user] == Some(link) {
                self.online[user] = None;
                let joined = std::mem::replace(&mut self.joined[user], Known::No);
                self.left[user] = Some(now).filter(|_| joined != Known::No);
                self.left_surely[user] = joined == Known::Yes;
            }
        }
    }

    fn ask(&mut self, link: u32, request: &Request) {
        let (now, moment) = (self.now, self.moment);
        let wish = self.wish(request);
        let sight = self.sight_mut(link);
        let is_life = matches!(
            request,
            Request::Ack { .. }
                | Request::Offers(_)
                | Request::More { .. }
                | Request::Ping { .. }
                | Request::Pong { .. }
                | Request::Reach(_)
                | Request::Share(_)
                | Request::News(_)
                | Request::Leave { .. }
                | Request::Seek { again: true, .. }
                | Request::Call { purpose: Purpose::Fetch, .. }
        );
        if matches!(request, Request::Pong { .. }) {
            sight.probed = None;
        }
        if !is_life {
            sight.active = now;
            sight.vague = sight.paused;
        }
        let Some((id, wish)) = wish else { return };
        sight.asked.push((id, Asked { wish, moment }));
        let user = sight.user;
        if let (Wish::Block(Target::User(whom), _), Some(by)) = (wish, user) {
            let relation = self.relations.entry((by, whom)).or_default();
            relation.open += 1;
            relation.changed = moment;
        }
    }

    /// What a request asks for; nothing if it has no reply.
    #[must_use]
    pub fn wish(&self, request: &Request) -> Option<(RequestId, Wish)> {
        Some(match request {
            Request::Message { request, to, text, .. } => {
                (*request, Wish::Message(self.target(*to), super::fact::number(text.bytes())))
            }
            Request::Broadcast { request, text } => {
                (*request, Wish::Broadcast(super::fact::number(text.bytes())))
            }
            Request::Who { request } => (*request, Wish::Who(None)),
            Request::Since { request, seconds } => (*request, Wish::Who(Some(*seconds))),
            Request::Block { request, whom } => (*request, Wish::Block(self.target(*whom), true)),
            Request::Unblock { request, whom } => (*request, Wish::Block(self.target(*whom), false)),
            Request::Logout { request } => (*request, Wish::Logout),
            Request::Call { request, whom, .. } => (*request, Wish::Call(self.target(*whom))),
            Request::Know { request, whom } => (*request, Wish::Know(self.target(*whom))),
            Request::Files { request, .. } => (*request, Wish::Files),
            Request::Seek { request, .. } => (*request, Wish::Files),
            Request::Ack { .. }
            | Request::Active
            | Request::Share(_)
            | Request::News(_)
            | Request::Leave { .. }
            | Request::Offers(_)
            | Request::More { .. }
            | Request::Reach(_)
            | Request::Ping { .. }
            | Request::Pong { .. } => {
                return None;
            }
        })
    }

    fn tell(&mut self, link: u32, frame: &ServerFrame) {
        let now = self.now;
        match frame {
            ServerFrame::Welcome { name } => {
                let user = self.people.find(*name);
                let sight = self.sight_mut(link);
                (sight.user, sight.attempt) = (user, None);
                (sight.welcomed, sight.active, sight.heard, sight.vague) = (now, now, now, false);
                if let Some(user) = user {
                    self.online[usize::from(user)] = Some(link);
                    self.joined[usize::from(user)] = Known::Either;
                }
            }
            ServerFrame::Greeting(_) => self.sight_mut(link).greeted = true,
            ServerFrame::LoginRefused(_) => self.sight_mut(link).attempt = None,
            ServerFrame::Ping { .. } => {
                let sight = self.sight_mut(link);
                (sight.probed, sight.probed_deaf) = (Some(now), sight.paused);
            }
            ServerFrame::Done { request, outcome } => self.done(link, *request, *outcome),
            ServerFrame::Vouch(vouch) if vouch.role == Role::Caller => {
                let sight = self.sight_mut(link);
                sight.asked.retain(|(id, _)| *id != vouch.request);
                sight.vouched.push(vouch.request);
            }
            ServerFrame::Found(page) if page.last => {
                self.sight_mut(link).asked.retain(|(id, _)| *id != page.request);
            }
            ServerFrame::Names(page) if page.last => {
                self.sight_mut(link).asked.retain(|(id, _)| *id != page.request);
            }
            _ => {}
        }
    }

    fn done(&mut self, link: u32, request: RequestId, outcome: Outcome) {
        let moment = self.moment;
        let sight = self.sight_mut(link);
        let Some(at) = sight.asked.iter().position(|(id, _)| *id == request) else { return };
        let (_, asked) = sight.asked.remove(at);
        // Two who ask for each other at once are introduced once; for both a block may still end it.
        if matches!(asked.wish, Wish::Call(_)) && outcome == Outcome::Accepted {
            sight.vouched.push(request);
        }
        if let (Wish::Block(Target::User(whom), on), Some(by)) = (asked.wish, sight.user) {
            let same =
                |other: &Asked| matches!(other.wish, Wish::Block(Target::User(other), _) if other == whom);
            let left = sight.asked.iter().filter(|(_, other)| same(other)).count();
            let relation = self.relations.entry((by, whom)).or_default();
            relation.changed = moment;
            let now_on = match outcome {
                Outcome::Accepted => Some(on),
                Outcome::Refused(Refusal::AlreadyBlocked) => Some(true),
                Outcome::Refused(Refusal::NotBlocked) => Some(false),
                _ => None,
            };
            match now_on {
                // Changes are made in the order in which they were asked for, over connections too.
                Some(now_on) => {
                    (relation.on, relation.open) = (now_on, u32::try_from(left).unwrap_or(u32::MAX))
                }
                None => relation.open = relation.open.saturating_sub(1),
            }
        }
    }
}
