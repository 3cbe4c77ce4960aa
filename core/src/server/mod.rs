//! The server machine: events in, actions out.
//!
//! Inside are machines that know little of each other: `session` (one a connection), `door` (one an
//! account), `home` (one a user), `roster` (who is online), `exchange` (which files are offered), `swarms`
//! (who fetches which file from whom), and the `ledger` of what waits for the store. They talk by envelopes, which are emptied before a step returns. One step reads no more than
//! one user's state at a time, so that one day homes can live on many nodes.

pub mod action;
mod addresses;
mod check;
pub mod config;
mod cx;
mod directory;
mod door;
mod envelope;
pub mod event;
mod exchange;
mod home;
mod lane;
mod ledger;
#[cfg(feature = "planted")]
mod planted;
mod probe;
mod roster;
mod session;
mod sessions;
mod swarms;
mod wish;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use bytes::Bytes;
use core::net::IpAddr;

pub use action::Action;
pub use config::{Config, LockoutScope};
pub use event::{Event, Input, PageOrder};
#[cfg(feature = "planted")]
pub use planted::Fault;

use crate::alarms::Alarms;
use crate::id::{ConnId, Epoch, UserId};
use crate::name::Name;
use crate::seed::{Dice, Seed};
use crate::store::{BatchKey, Snapshot, StoreOutcome, Write};
use crate::time::Time;
use crate::wire::{Farewell, LoginRefusal};
use addresses::{Addresses, Network};
use config::planted;
use cx::{Cx, Sleeper};
use directory::Directory;
use door::Doors;
use envelope::{Envelope, ToHome, ToSession};
use exchange::Exchange;
use home::Home;
use ledger::{Due, Ledger, Order};
use roster::Roster;
use session::{Identity, Life, Session};
use sessions::Sessions;
use swarms::Swarms;

/// A server: who is connected, who is who, and what they have to tell each other.
#[derive(Clone, Debug)]
pub struct Server {
    config: Config,
    identity: Identity,
    now: Time,
    directory: Directory,
    sessions: Sessions,
    doors: Doors,
    /// By user.
    homes: Vec<Option<Home>>,
    roster: Roster,
    exchange: Exchange,
    swarms: Swarms,
    addresses: Addresses,
    ledger: Ledger,
    alarms: Alarms<Sleeper>,
    tickets: u64,
    secrets: Dice,
    post: VecDeque<Envelope>,
    /// Connections that ended in this step.
    over: Vec<ConnId>,
    stopping: Stopping,
}

/// How far a stop has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopping {
    No,
    /// Everybody has been told; what was accepted is still being stored.
    Storing,
    /// All is stored.
    Done,
}

impl Server {
    /// A new life of a server, from what its store has kept. What nobody may guess is drawn from `seed`.
    #[must_use]
    pub fn recover(config: Config, seed: Seed, snapshot: &Snapshot, now: Time) -> Server {
        let kept = planted!(config, EpochNotRaised);
        let epoch = if kept { Epoch(1) } else { snapshot.epoch };
        let directory =
            Directory::new(snapshot.users.iter().filter(|user| user.listed).map(|user| (user.id, user.name)));
        let doors = Doors::recover(snapshot, &directory, config.lockout_scope);
        let swarms = Swarms::new(config.swarms, Dice::public(seed));
        let mut server = Server {
            config,
            identity: Identity { server: snapshot.server, epoch: snapshot.epoch },
            now,
            directory,
            sessions: Sessions::default(),
            doors,
            homes: Vec::new(),
            roster: Roster::default(),
            exchange: Exchange::default(),
            swarms,
            addresses: Addresses::default(),
            ledger: Ledger::new(snapshot.epoch),
            alarms: Alarms::default(),
            tickets: 0,
            secrets: Dice::secrets(seed),
            post: VecDeque::new(),
            over: Vec::new(),
            stopping: Stopping::No,
        };
        for user in &snapshot.users {
            server.settle(user.id, Home::recover(user, epoch));
        }
        server.tell_blocked();
        server
    }

    fn settle(&mut self, user: UserId, home: Home) {
        if self.homes.len() <= user.index() {
            self.homes.resize(user.index() + 1, None);
        }
        self.homes[user.index()] = Some(home);
    }

    /// Every home learns who blocks it.
    fn tell_blocked(&mut self) {
        let homes = || self.homes.iter().enumerate();
        let pairs: Vec<(usize, usize)> = homes()
            .filter_map(|(by, home)| home.as_ref().map(|home| (by, home)))
            .flat_map(|(by, home)| home.blocks().map(move |whom| (by, whom.index())))
            .collect();
        for (by, whom) in pairs {
            let by = u32::try_from(by).map(UserId).expect("users are numbered with 32 bits");
            if let Some(Some(home)) = self.homes.get_mut(whom) {
                home.blocked_by(by);
            }
        }
    }

    /// What follows from `event`. Never waits, never fails.
    #[must_use]
    pub fn step(&mut self, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.step_into(event, &mut out);
        out
    }

    /// As [`step`](Server::step), into a list that a driver uses again.
    pub fn step_into(&mut self, event: Event, out: &mut Vec<Action>) {
        debug_assert!(event.at >= self.now, "time does not run backwards");
        self.now = self.now.max(event.at);
        self.over.clear();
        if self.stopping == Stopping::Done {
            // It has said its last word; what still comes finds nobody.
            return;
        }
        match event.input {
            Input::Opened { conn, from } => self.opened(conn, from, out),
            Input::Received { conn, bytes } => self.received(conn, bytes, out),
            Input::Unread { conn, bytes } => {
                self.with_session(conn, out, |session, identity, cx| session.unread(bytes, identity, cx));
            }
            Input::Closed { conn } => self.closed(conn, out),
            Input::Proven { conn, holds } => {
                self.with_session(conn, out, |session, _, cx| session.proven(holds, cx));
            }
            Input::Verified { ticket, right, .. } => {
                let (parts, mut cx) = self.parts(out);
                parts.doors.verified(ticket, right, parts.directory, &mut cx);
            }
            Input::Stored { key, outcome } => self.stored(key, outcome, out),
            Input::Loaded { user, ticket, letters } => {
                self.with_home(user, out, |home, _, cx| home.loaded(ticket, letters, cx));
            }
            Input::Users { users } => self.users(&users),
            Input::Stop => self.stop(out),
            Input::Chime => self.chime(out),
        }
        self.deliver(out);
        self.finish(out);
    }

    /// When the machine wants to be woken. Earlier is harmless.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match self.stopping {
            Stopping::Done => None,
            Stopping::No | Stopping::Storing => self.alarms.next(),
        }
    }

    // --- Events ---

    /// Too many from one address are closed without a word: a word would cost a handshake.
    fn opened(&mut self, conn: ConnId, from: IpAddr, out: &mut Vec<Action>) {
        let (_, mut cx) = self.parts(out);
        if !cx.may_connect(Network::of(from)) {
            cx.out.push(Action::Close { conn, flush: false });
            return;
        }
        let stopping = self.stopping != Stopping::No;
        let evicted = self.sessions.make_room(self.config.limits.greeting_max);
        let (parts, mut cx) = self.parts(out);
        parts.sessions.put(conn, Session::open(conn, from, &mut cx));
        if let Some(evicted) = evicted {
            cx.tell_session(evicted, ToSession::Refuse(LoginRefusal::Busy));
        }
        if stopping {
            cx.tell_session(conn, ToSession::End(Farewell::ShuttingDown));
        }
    }

    fn received(&mut self, conn: ConnId, bytes: Bytes, out: &mut Vec<Action>) {
        self.with_session(conn, out, |session, identity, cx| session.received(bytes, identity, cx));
    }

    fn closed(&mut self, conn: ConnId, out: &mut Vec<Action>) {
        self.with_session(conn, out, |session, _, cx| {
            session.closed(cx);
            Life::Over
        });
    }

    fn stored(&mut self, key: BatchKey, outcome: StoreOutcome, out: &mut Vec<Action>) {
        let (_, cx) = self.parts(out);
        let settled = cx.ledger.stored(key, outcome, cx.now, &cx.config.limits, cx.alarms);
        let Some((orders, kept)) = settled else { return };
        for order in orders {
            match order {
                Order::Letter { to, seq } => {
                    self.with_home(to, out, |home, _, cx| home.letter_stored(seq, kept, cx));
                }
                Order::Block { by, whom, on } => {
                    self.with_home(by, out, |home, directory, cx| {
                        home.block_stored(whom, on, kept, directory, cx);
                    });
                }
                Order::Failures { lane, attempt: Some(attempt) } => {
                    let (parts, mut cx) = self.parts(out);
                    parts.doors.recorded(lane, attempt, &mut cx);
                }
                Order::Device { account, key, .. } if !kept => {
                    let (parts, mut cx) = self.parts(out);
                    parts.doors.device_lost(account, key, &mut cx);
                }
                Order::Arrived { user } if !kept => {
                    let (_, mut cx) = self.parts(out);
                    cx.keep(Order::Arrived { user });
                }
                Order::Arrived { .. } | Order::Device { .. } | Order::Failures { attempt: None, .. } => {}
            }
        }
    }

    /// Who was never seen before gets a home; who is no longer listed cannot be found any more, but keeps his.
    fn users(&mut self, users: &[(UserId, Name)]) {
        self.directory = Directory::new(users.iter().copied());
        for (user, name) in users {
            let known = self.homes.get(user.index()).is_some_and(Option::is_some);
            if !known {
                self.settle(*user, Home::new(*user, *name, self.identity.epoch));
            }
        }
        self.tell_blocked();
    }

    fn stop(&mut self, out: &mut Vec<Action>) {
        if self.stopping != Stopping::No {
            return;
        }
        self.stopping = Stopping::Storing;
        self.roster.clear();
        self.exchange.clear();
        let conns: Vec<ConnId> = self.sessions.conns().collect();
        let (_, mut cx) = self.parts(out);
        for conn in conns {
            cx.tell_session(conn, ToSession::End(Farewell::ShuttingDown));
        }
        self.deliver(out);
        let (_, cx) = self.parts(out);
        cx.ledger.hurry_all(cx.now, cx.alarms);
    }

    fn chime(&mut self, out: &mut Vec<Action>) {
        while let Some(sleeper) = self.alarms.pop(self.now) {
            match sleeper {
                Sleeper::Session(conn) => self.with_session(conn, out, Session::woken),
                Sleeper::Mail(user) => self.with_home(user, out, |home, _, cx| home.woken(cx)),
                Sleeper::Ledger => self.commit(out),
                Sleeper::Window => {
                    let (parts, mut cx) = self.parts(out);
                    parts.roster.window_woken(&mut cx);
                }
                Sleeper::Exchange => {
                    let (parts, mut cx) = self.parts(out);
                    parts.exchange.woken(&mut cx);
                }
                Sleeper::Swarms => {
                    let (parts, mut cx) = self.parts(out);
                    parts.swarms.woken(&mut cx);
                }
                Sleeper::Restless => {
                    let (parts, mut cx) = self.parts(out);
                    parts.roster.restless_woken(&mut cx);
                }
            }
            self.deliver(out);
        }
    }

    // --- The store ---

    fn commit(&mut self, out: &mut Vec<Action>) {
        match self.ledger.woken(self.now) {
            Due::Nothing => {}
            Due::Again(batch) => out.push(Action::Store(batch)),
            Due::Commit => {
                let Server { ledger, homes, doors, config, .. } = self;
                let batch =
                    ledger.commit(self.now, &config.limits, |order| look_up(order, homes, doors, config));
                out.extend(batch.map(Action::Store));
            }
        }
        self.ledger.arm(&mut self.alarms);
    }

    /// A stop is complete once all is stored.
    fn finish(&mut self, out: &mut Vec<Action>) {
        if self.stopping == Stopping::Storing && self.ledger.is_idle() {
            self.stopping = Stopping::Done;
            out.push(Action::Stopped);
        }
    }

    // --- The post ---

    /// Hands out envelopes until there is none.
    fn deliver(&mut self, out: &mut Vec<Action>) {
        while let Some(envelope) = self.post.pop_front() {
            match envelope {
                Envelope::Door(letter) => {
                    let (parts, mut cx) = self.parts(out);
                    parts.doors.told(letter, &mut cx);
                }
                Envelope::Home(user, letter) => {
                    self.with_home(user, out, |home, directory, cx| home.told(letter, directory, cx));
                }
                Envelope::Roster(letter) => {
                    let (parts, mut cx) = self.parts(out);
                    parts.roster.told(letter, &mut cx);
                }
                Envelope::Exchange(letter) => {
                    let (parts, mut cx) = self.parts(out);
                    parts.exchange.told(letter, &mut cx);
                }
                Envelope::Swarms(letter) => {
                    let (parts, mut cx) = self.parts(out);
                    parts.swarms.told(letter, &mut cx);
                }
                Envelope::Session(conn, letter) => self.tell_session(conn, letter, out),
            }
        }
    }

    fn tell_session(&mut self, conn: ConnId, letter: ToSession, out: &mut Vec<Action>) {
        match (self.sessions.get_mut(conn).is_some(), letter) {
            (true, letter) => self.with_session(conn, out, |session, _, cx| session.told(letter, cx)),
            // Whoever gave the right password did not wait to be welcomed.
            (false, ToSession::Admit { user, bucket, .. }) => {
                let (_, mut cx) = self.parts(out);
                cx.tell_home(user, ToHome::Left { conn, bucket });
            }
            (false, _) => {}
        }
    }

    fn with_session(
        &mut self,
        conn: ConnId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Session, Identity, &mut Cx<'_>) -> Life,
    ) {
        let identity = self.identity;
        let (parts, mut cx) = self.parts(out);
        let Some(session) = parts.sessions.get_mut(conn) else { return };
        if act(session, identity, &mut cx) == Life::Over {
            cx.over.push(conn);
            parts.sessions.remove(conn);
        }
    }

    fn with_home(
        &mut self,
        user: UserId,
        out: &mut Vec<Action>,
        act: impl FnOnce(&mut Home, &Directory, &mut Cx<'_>),
    ) {
        let (parts, mut cx) = self.parts(out);
        if let Some(Some(home)) = parts.homes.get_mut(user.index()) {
            act(home, parts.directory, &mut cx);
        }
    }

    /// The inner machines on one side, the surroundings of their steps on the other.
    fn parts<'a>(&'a mut self, out: &'a mut Vec<Action>) -> (Parts<'a>, Cx<'a>) {
        let Server { config, directory, sessions, doors, homes, roster, exchange, swarms, .. } = self;
        let Server { addresses, ledger, alarms, tickets, secrets, post, over, .. } = self;
        let online = roster.len();
        let parts = Parts { directory, sessions, doors, homes, roster, exchange, swarms };
        (
            parts,
            Cx {
                now: self.now,
                config,
                online,
                alarms,
                addresses,
                ledger,
                tickets,
                secrets,
                post,
                over,
                out,
            },
        )
    }
}

struct Parts<'a> {
    directory: &'a Directory,
    sessions: &'a mut Sessions,
    doors: &'a mut Doors,
    homes: &'a mut Vec<Option<Home>>,
    roster: &'a mut Roster,
    exchange: &'a mut Exchange,
    swarms: &'a mut Swarms,
}

/// What an order has become by the time its batch is made; nothing if it is no longer needed.
fn look_up(order: &Order, homes: &mut [Option<Home>], doors: &Doors, config: &Config) -> Option<Write> {
    let nothing = |user| Write::Arrived { user, upto: crate::id::Seq::START };
    match *order {
        Order::Letter { to, seq } => homes[to.index()].as_mut()?.write_letter(seq),
        Order::Arrived { user } => Some(homes[user.index()].as_ref()?.write_arrived()),
        Order::Block { by, .. } if planted!(config, BlockNotStored) => Some(nothing(by)),
        Order::Failures { .. } if planted!(config, FailuresNotStored) => Some(nothing(UserId(0))),
        Order::Block { by, whom, on } => Some(Write::Block { by, whom, on }),
        Order::Failures { lane, .. } => Some(doors.record(lane)),
        Order::Device { user, account, key } => {
            Some(Write::Device { user, key, on: doors.knows(account, key) })
        }
    }
}
