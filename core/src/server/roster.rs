//! Who is online, who was, and telling others of it.
//!
//! Changes of presence that fall into one short window go out as one list, encoded once. Whoever asks
//! who is online, or is heard by others, is preceded by the window: an answer never contradicts what was
//! told before it. The roster knows no block; homes hand it the sets to subtract.

mod online;
mod window;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::config::planted;
use super::cx::{Cx, Sleeper};
use super::envelope::{Asker, ToExchange, ToRoster};
use crate::id::{ConnId, UserId};
use crate::name::Name;
use crate::people::blocklist::{UserSet, contains};
use crate::people::churn::{Churn, Patience, Telling};
use crate::text::Text;
use crate::time::Time;
use crate::wire::{Frame, Outcome, Presence, PresenceItems, PresenceMark};
use online::{Online, Watcher};
use window::{Change, Window};

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    online: Online,
    /// Raised with each change of the online set.
    version: u64,
    /// Who was online and is not: when he left.
    past: BTreeMap<UserId, Past>,
    window: Window,
    armed_window: Option<Time>,
    /// Users whose presence changed within a while.
    churn: BTreeMap<UserId, Churn>,
    /// The same users, by the times of their changes: so the calm ones are forgotten.
    calming: VecDeque<(Time, UserId)>,
    /// Restless users: only the net effect of what they do is told.
    damped: BTreeMap<UserId, Damped>,
    armed_restless: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
struct Past {
    name: Name,
    left: Time,
}

/// A restless user. Others believe what was told last, but for those who came since.
#[derive(Clone, Debug)]
struct Damped {
    tick: Time,
    name: Name,
    hide_from: Option<UserSet>,
    /// Who came since the last telling, and whether the restless user was online then.
    newcomers: BTreeMap<UserId, bool>,
}

impl Roster {
    pub(crate) fn told(&mut self, letter: ToRoster, cx: &mut Cx<'_>) {
        match letter {
            ToRoster::Joined { user, name, conn, hide_from } => self.joined(user, name, conn, hide_from, cx),
            ToRoster::Left { user, hide_from } => self.left(user, hide_from, cx),
            ToRoster::Hide { user, hide_from } => self.hide(user, &hide_from),
            ToRoster::Announce => self.flush(cx),
            ToRoster::Cast { asker, name, text, withheld } => self.cast(asker, name, &text, &withheld, cx),
            ToRoster::Who { asker, hidden, seconds } => self.who(asker, &hidden, seconds, cx),
            ToRoster::Files { reply, pattern, hidden } => {
                let is_hidden = |user| hidden.iter().any(|set| contains(set, user));
                let of =
                    self.online.all().iter().filter(|watcher| !is_hidden(watcher.user)).map(Watcher::asked);
                cx.tell_exchange(ToExchange::Ask { reply, pattern, of: of.collect() });
            }
        }
    }

    // --- Coming and going ---

    fn joined(
        &mut self,
        user: UserId,
        name: Name,
        conn: ConnId,
        hide_from: Option<UserSet>,
        cx: &mut Cx<'_>,
    ) {
        self.version += 1;
        self.past.remove(&user);
        self.online.join(Watcher { user, name, conn, aside: false });
        self.changed(Change { user, presence: Presence { name, online: true }, hide_from }, cx);
        self.window.newcomer(user);
        for (restless, damped) in &mut self.damped {
            damped.newcomers.insert(user, self.online.contains(*restless));
        }
    }

    fn left(&mut self, user: UserId, hide_from: Option<UserSet>, cx: &mut Cx<'_>) {
        let Some(Watcher { name, conn, .. }) = self.online.leave(user) else { return };
        // By the same way as what he has asked for, so that it comes after that.
        cx.tell_exchange(ToExchange::Left { user, name, conn });
        self.version += 1;
        self.past.insert(user, Past { name, left: cx.now });
        self.changed(Change { user, presence: Presence { name, online: false }, hide_from }, cx);
    }

    /// A change goes into the window, unless its user is too restless.
    fn changed(&mut self, change: Change, cx: &mut Cx<'_>) {
        let patience = patience(cx);
        self.forget_calm(patience, cx.now);
        self.calming.push_back((cx.now, change.user));
        let churn = self.churn.entry(change.user).or_default();
        match churn.change(patience, cx.now, change.presence.online) {
            Telling::Now => self.tell(change, cx),
            Telling::AtTick(tick) => {
                let Change { user, presence: Presence { name, .. }, hide_from } = change;
                let damped = Damped { tick, name, hide_from: None, newcomers: BTreeMap::new() };
                self.damped.entry(user).or_insert(damped).hide_from = hide_from;
                cx.alarms.arm(Sleeper::Restless, &mut self.armed_restless, tick);
            }
        }
    }

    fn forget_calm(&mut self, patience: Patience, now: Time) {
        while let Some((_, user)) = self.calming.pop_front_if(|(at, _)| now - *at >= patience.calm) {
            if self.churn.get(&user).is_some_and(|churn| churn.is_calm(patience, now)) {
                self.churn.remove(&user);
            }
        }
    }

    fn tell(&mut self, change: Change, cx: &mut Cx<'_>) {
        self.window.push(change);
        let due = cx.now + cx.config.limits.presence_window;
        cx.alarms.arm(Sleeper::Window, &mut self.armed_window, due);
    }

    fn hide(&mut self, user: UserId, hide_from: &Option<UserSet>) {
        self.window.hide(user, hide_from);
        if let Some(damped) = self.damped.get_mut(&user) {
            damped.hide_from.clone_from(hide_from);
        }
    }

    /// The window has been open long enough.
    pub(crate) fn window_woken(&mut self, cx: &mut Cx<'_>) {
        self.armed_window = None;
        self.flush(cx);
    }

    /// Looks at the restless: the net effect of what they did is told, the calm are trusted again.
    pub(crate) fn restless_woken(&mut self, cx: &mut Cx<'_>) {
        self.armed_restless = None;
        self.flush(cx);
        let due: Vec<UserId> =
            self.damped.iter().filter(|(_, damped)| damped.tick <= cx.now).map(|(user, _)| *user).collect();
        for user in due {
            self.tick(user, cx);
        }
        if let Some(next) = self.damped.values().map(|damped| damped.tick).min() {
            cx.alarms.arm(Sleeper::Restless, &mut self.armed_restless, next);
        }
    }

    /// Tells of `user` those who believe what is not so.
    fn tick(&mut self, user: UserId, cx: &mut Cx<'_>) {
        let (Some(churn), Some(damped)) = (self.churn.get_mut(&user), self.damped.get_mut(&user)) else {
            return;
        };
        let online = self.online.contains(user);
        let (changed, next) = churn.tick(patience(cx), cx.now, online);
        let newcomers = core::mem::take(&mut damped.newcomers);
        let (name, hide_from) = (damped.name, damped.hide_from.clone());
        match next {
            Some(tick) => damped.tick = tick,
            None => {
                self.damped.remove(&user);
                self.churn.remove(&user);
            }
        }
        let mistaken = |watcher: &&Watcher| match newcomers.get(&watcher.user) {
            Some(believed) => *believed != online,
            None => changed,
        };
        let may_know = |watcher: &&Watcher| watcher.user != user && !contains(&hide_from, watcher.user);
        let watchers = self.online.all().iter().filter(mistaken).filter(may_know);
        let to: Vec<ConnId> = watchers.map(|watcher| watcher.conn).collect();
        let mut items = PresenceItems::default();
        items.push(Presence { name, online });
        for frame in items.close().frames(self.version, PresenceMark::default()) {
            cx.send_many(to.clone(), frame);
        }
    }

    /// Tells everybody what he may know of the changes in the window.
    fn flush(&mut self, cx: &mut Cx<'_>) {
        let closed = self.window.close();
        let mut special = closed.special();
        if planted!(cx.config, PresenceToBlocked) {
            special.clear();
        }
        for user in special {
            if let Some(watcher) = self.online.find(user) {
                watcher.aside = true;
                for frame in closed.for_one(self.version, user) {
                    cx.send(watcher.conn, frame);
                }
            }
        }
        let mut frames = closed.for_all(self.version).peekable();
        if frames.peek().is_none() {
            return self.online.all_mut().iter_mut().for_each(|watcher| watcher.aside = false);
        }
        let all = self.online.all_mut().iter_mut();
        let to: Vec<ConnId> = all
            .filter_map(|watcher| (!core::mem::take(&mut watcher.aside)).then_some(watcher.conn))
            .collect();
        for frame in frames {
            cx.send_many(to.clone(), frame);
        }
    }

    // --- Answers ---

    fn cast(&mut self, asker: Asker, name: Name, text: &Text, withheld: &Option<UserSet>, cx: &mut Cx<'_>) {
        self.flush(cx);
        let withheld = if planted!(cx.config, BroadcastIgnoresBlocks) { &None } else { withheld };
        let others = self.online.all().iter().filter(|watcher| watcher.user != asker.user);
        let to: Vec<ConnId> = match withheld {
            None => others.map(|watcher| watcher.conn).collect(),
            Some(_) => others
                .filter(|watcher| !contains(withheld, watcher.user))
                .map(|watcher| watcher.conn)
                .collect(),
        };
        let others = self.online.all().len() - usize::from(self.online.contains(asker.user));
        let outcome = match others {
            0 => Outcome::NobodyOnline,
            _ if to.len() < others => Outcome::Partly,
            _ => Outcome::Accepted,
        };
        if !to.is_empty() {
            cx.send_many(to, Frame::cast(name, text));
        }
        cx.reply(asker.reply, outcome);
    }

    fn who(&mut self, asker: Asker, hidden: &Option<UserSet>, seconds: Option<u64>, cx: &mut Cx<'_>) {
        self.flush(cx);
        let hidden = if planted!(cx.config, WhoShowsBlockers) { &None } else { hidden };
        let seen = |user: UserId| user != asker.user && !contains(hidden, user);
        let online =
            self.online.all().iter().filter(|watcher| seen(watcher.user)).map(|watcher| watcher.name);
        let since = seconds.map(|seconds| cx.now.before(Duration::from_secs(seconds)));
        let past = since.into_iter().flat_map(|since| {
            let within = self.past.iter().filter(move |(_, past)| past.left >= since);
            within.filter(|(user, _)| seen(**user)).map(|(_, past)| past.name)
        });
        let pages = Frame::names_pages(asker.reply.request, self.version, online.chain(past));
        for frame in pages {
            cx.send(asker.reply.conn, frame);
        }
    }

    /// Forgets everybody without a word: the server stops, and all have been told so.
    pub(crate) fn clear(&mut self) {
        *self = Roster::default();
    }

    /// How many people are online.
    pub(crate) fn len(&self) -> usize {
        self.online.all().len()
    }

    pub(crate) fn online(&self) -> impl Iterator<Item = (UserId, ConnId)> {
        self.online.all().iter().map(|watcher| (watcher.user, watcher.conn))
    }

    pub(crate) fn check(&self) {
        assert!(
            self.online.all().iter().all(|watcher| !watcher.aside),
            "nobody is left aside between two windows"
        );
        assert!(self.window.is_empty() || self.armed_window.is_some(), "an open window closes");
        assert!(self.damped.is_empty() || self.armed_restless.is_some(), "the restless are looked at");
        assert!(self.past.keys().all(|user| !self.online.contains(*user)), "who is online is not past");
    }
}

fn patience(cx: &Cx<'_>) -> Patience {
    let limits = &cx.config.limits;
    Patience { burst: limits.presence_burst, calm: limits.presence_calm, tick: limits.presence_tick }
}
