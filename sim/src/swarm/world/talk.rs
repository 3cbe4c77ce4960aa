//! What peers and the tracker tell each other, in batches.

use starling_core::id::UserId;
use starling_core::swarm::Notice;
use starling_core::time::Time;

use super::super::due::Due;
use super::super::peer::News;
use super::{CONTENT, World};

/// Something longer than a number, on its way.
#[derive(Clone, Debug)]
pub(super) enum Letter {
    /// What a peer has got, to his neighbours, or to one who is granted a slot.
    Have(u32, Option<u32>, Vec<(u32, Time)>),
    /// A peer's news, to the tracker.
    News(u32, Vec<News>),
    /// The tracker's to its watchers.
    Notice(Notice),
}

impl World {
    fn post(&mut self, letter: Letter) -> u32 {
        let place = match self.free_letters.pop() {
            Some(place) => {
                self.letters[place] = Some(letter);
                place
            }
            None => {
                self.letters.push(Some(letter));
                self.letters.len() - 1
            }
        };
        super::name(place)
    }

    fn open(&mut self, batch: u32) -> Option<Letter> {
        self.free_letters.push(batch as usize);
        self.letters[batch as usize].take()
    }

    /// Sends a peer's news, if they are due.
    pub(super) fn tell(&mut self, place: u32) {
        let (now, heard) = (self.now, self.heard());
        if let Some(gained) = self.peer(place).gained.take(now) {
            self.traffic.haves += self.peers[place as usize].neighbours.iter().count() as u64;
            let batch = self.post(Letter::Have(place, None, gained));
            self.queue.plan(heard, Due::Have { batch });
        }
        if let Some(news) = self.peer(place).news.take(now) {
            self.traffic.reports += 1;
            let batch = self.post(Letter::News(place, news));
            self.queue.plan(heard, Due::Report { batch });
        }
    }

    /// Tells somebody at once what the others will hear of in a moment.
    pub(super) fn tell_waiting(&mut self, from: u32, to: u32) {
        let (heard, waiting) = (self.heard(), self.peer(from).gained.waiting().to_vec());
        if !waiting.is_empty() {
            let batch = self.post(Letter::Have(from, Some(to), waiting));
            self.queue.plan(heard, Due::Have { batch });
        }
    }

    pub(super) fn have(&mut self, batch: u32) {
        let Some(Letter::Have(from, whom, gained)) = self.open(batch) else { return };
        let now = self.now;
        let chunks: Vec<u32> = gained.iter().map(|(chunk, _)| *chunk).collect();
        let all = self.peer(from).neighbours.list();
        for to in all.into_iter().filter(|to| whom.is_none_or(|whom| whom == *to)) {
            let peer = self.peer(to);
            let Some(download) = peer.download.as_mut().filter(|one| peer.is_there && !one.is_complete())
            else {
                continue;
            };
            download.owner_has(from, &chunks, now, &mut peer.orders);
            if whom.is_none() {
                gained.iter().for_each(|(_, at)| self.knowledge.neighbour.note(now - *at));
            }
            self.settle(to);
        }
    }

    pub(super) fn report(&mut self, batch: u32) {
        let Some(Letter::News(from, news)) = self.open(batch) else { return };
        if !self.is_there(from) {
            return;
        }
        let user = UserId(from);
        for one in news {
            match one {
                News::Gained(chunk, at) => {
                    self.tracker.gained(user, CONTENT, &[chunk]);
                    self.knowledge.untold.push(at);
                }
                News::Started(chunk, at) => {
                    self.tracker.flying(user, CONTENT, &[chunk], &[]);
                    self.knowledge.untold.push(at);
                }
                News::Dropped(chunk) => self.tracker.flying(user, CONTENT, &[], &[chunk]),
                News::Doubt(owner, chunk) => self.tracker.doubt(user, CONTENT, UserId(owner), chunk),
            }
        }
        self.watch_tracker();
    }

    /// Sets the tracker's alarm.
    pub(super) fn watch_tracker(&mut self) {
        let at = self.tracker.deadline().map(|at| at.max(self.now));
        if let Some(at) = at.filter(|at| *at < self.tracker_alarm) {
            self.tracker_alarm = at;
            self.queue.plan(at, Due::TrackerAlarm);
        }
    }

    pub(super) fn tracker_chimes(&mut self) {
        if self.tracker_alarm > self.now {
            return;
        }
        self.tracker_alarm = Time::NEVER;
        let (now, heard) = (self.now, self.heard());
        for at in std::mem::take(&mut self.knowledge.untold) {
            self.knowledge.tracker.note(heard - at);
        }
        for notice in self.tracker.take(now, |_| Vec::new()) {
            self.traffic.notices += notice.to.len() as u64;
            self.traffic.notice_entries += (notice.to.len() * notice.copies.len()) as u64;
            let batch = self.post(Letter::Notice(notice));
            self.queue.plan(heard, Due::Notice { batch });
        }
        self.watch_tracker();
    }

    pub(super) fn notice(&mut self, batch: u32) {
        let Some(Letter::Notice(notice)) = self.open(batch) else { return };
        for user in &notice.to {
            let peer = self.peer(user.0);
            if !peer.is_there {
                continue;
            }
            if let Some(download) = &mut peer.download {
                download.copies(&notice.copies);
            }
            notice.came.iter().for_each(|(owner, _)| peer.neighbours.met(owner.0));
            if !notice.came.is_empty() {
                self.call_some(user.0);
            }
        }
    }

    /// A framer says of everybody that he gives nothing.
    pub(super) fn frames(&mut self, framer: u32) {
        let chunks = self.setup.layout.count();
        for owner in 0..super::name(self.peers.len()) {
            (0..chunks).for_each(|chunk| self.tracker.doubt(UserId(framer), CONTENT, UserId(owner), chunk));
        }
    }
}
