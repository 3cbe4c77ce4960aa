//! What every inner machine of a server is handed with each call.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::action::Action;
use super::addresses::{Addresses, Network, Share};
use super::config::Config;
use super::envelope::{Envelope, ReplyTo, ToDoor, ToExchange, ToHome, ToRoster, ToSession, ToSwarms};
use super::ledger::{Ledger, Order};
use crate::alarms::Alarms;
use crate::bucket::Rate;
use crate::direct::Pass;
use crate::id::{ConnId, Ticket, UserId};
use crate::seed::Dice;
use crate::time::Time;
use crate::wire::{Frame, Outcome, Refusal};

/// Who can be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sleeper {
    /// A session looks at its deadlines.
    Session(ConnId),
    /// A home asks again for mail that could not be loaded.
    Mail(UserId),
    /// The ledger commits, or asks again.
    Ledger,
    /// The roster tells who came and went.
    Window,
    /// The roster looks at restless users.
    Restless,
    /// The exchange answers without those who have not.
    Exchange,
    /// Those who fetch are told what has changed.
    Swarms,
}

/// The surroundings of a step: time, configuration, and where things go.
pub(crate) struct Cx<'a> {
    pub(crate) now: Time,
    pub(crate) config: &'a Config,
    /// How many people are online.
    pub(crate) online: usize,
    pub(crate) alarms: &'a mut Alarms<Sleeper>,
    pub(crate) addresses: &'a mut Addresses,
    pub(crate) ledger: &'a mut Ledger,
    pub(crate) tickets: &'a mut u64,
    /// What is drawn from it is told to those whom it concerns, and to nobody else.
    pub(crate) secrets: &'a mut Dice,
    pub(crate) post: &'a mut VecDeque<Envelope>,
    /// Connections that ended in this step. Homes and the roster hear of it by envelope; until then
    /// nothing is sent to them.
    pub(crate) over: &'a mut Vec<ConnId>,
    pub(crate) out: &'a mut Vec<Action>,
}

impl Cx<'_> {
    /// A number for a round trip.
    pub(crate) fn ticket(&mut self) -> Ticket {
        *self.tickets += 1;
        Ticket(*self.tickets)
    }

    /// A pass that nobody can guess.
    pub(crate) fn pass(&mut self) -> Pass {
        let mut pass = [0; Pass::BYTES];
        pass[..8].copy_from_slice(&self.secrets.bits().to_be_bytes());
        pass[8..].copy_from_slice(&self.secrets.bits().to_be_bytes());
        Pass(pass)
    }

    /// Something is to be stored with the next commit.
    pub(crate) fn keep(&mut self, order: Order) {
        self.ledger.put(order, self.now, &self.config.limits, self.alarms);
    }

    /// Whether another connection may come from there.
    pub(crate) fn may_connect(&mut self, from: Network) -> bool {
        let share = self.share();
        self.addresses.may_connect(from, share, self.now)
    }

    /// Whether another login attempt may come from there.
    pub(crate) fn may_attempt(&mut self, from: Network) -> bool {
        let share = self.share();
        self.addresses.may_attempt(from, share, self.now)
    }

    fn share(&self) -> Share {
        let limits = &self.config.limits;
        Share {
            connects: Rate::new(limits.address_connects_burst, limits.address_connects_per_second),
            attempts: Rate::new(limits.address_attempts_burst, limits.address_attempts_per_second),
            networks_max: limits.addresses_max,
        }
    }

    pub(crate) fn send(&mut self, conn: ConnId, frame: Frame) {
        if !self.over.contains(&conn) {
            self.out.push(Action::Send { conn, frame });
        }
    }

    pub(crate) fn send_many(&mut self, mut to: Vec<ConnId>, frame: Frame) {
        if !self.over.is_empty() {
            to.retain(|conn| !self.over.contains(conn));
        }
        if !to.is_empty() {
            self.out.push(Action::SendMany { to, frame });
        }
    }

    pub(crate) fn tell_door(&mut self, letter: ToDoor) {
        self.post.push_back(Envelope::Door(letter));
    }

    pub(crate) fn tell_home(&mut self, user: UserId, letter: ToHome) {
        self.post.push_back(Envelope::Home(user, letter));
    }

    pub(crate) fn tell_roster(&mut self, letter: ToRoster) {
        self.post.push_back(Envelope::Roster(letter));
    }

    pub(crate) fn tell_exchange(&mut self, letter: ToExchange) {
        self.post.push_back(Envelope::Exchange(letter));
    }

    pub(crate) fn tell_swarms(&mut self, letter: ToSwarms) {
        self.post.push_back(Envelope::Swarms(letter));
    }

    pub(crate) fn tell_session(&mut self, conn: ConnId, letter: ToSession) {
        self.post.push_back(Envelope::Session(conn, letter));
    }

    pub(crate) fn reply(&mut self, to: ReplyTo, outcome: Outcome) {
        self.tell_session(to.conn, ToSession::Reply { request: to.request, outcome });
    }

    pub(crate) fn refuse(&mut self, to: ReplyTo, refusal: Refusal) {
        self.reply(to, Outcome::Refused(refusal));
    }
}
