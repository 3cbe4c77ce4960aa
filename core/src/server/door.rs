//! The doors of all accounts: one attempt at a time, failures counted, locks kept.
//!
//! A door is the part of a home that unknown names have, too; that is why nobody can tell them apart. It
//! is found by what was typed as a name. What a failed attempt changed is in the store before the
//! attempt is answered.
//!
//! If the operator wants it, a device from which the user has logged in has a door of its own, so that
//! nobody else can lock it. The doors of an account lead into one home, one at a time.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use super::action::Action;
use super::config::LockoutScope;
use super::config::planted;
use super::cx::Cx;
use super::directory::Directory;
use super::envelope::{Enter, Knock, ToDoor, ToHome, ToSession};
use super::lane::Lane;
use super::ledger::Order;
use crate::auth::devices::Devices;
use crate::auth::lockout::{Lockout, Verdict};
use crate::device::DeviceKey;
use crate::id::{ConnId, Seq, Ticket, UserId};
use crate::limits::Limits;
use crate::name::{AccountName, Name};
use crate::store::{Snapshot, Write};
use crate::time::secs_rounded_up;
use crate::wire::{LoginName, LoginRefusal};

/// See the module. Only doors with something to remember are in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doors {
    doors: BTreeMap<Lane, Door>,
    /// Doors of unknown accounts with failures, oldest first, so that their number can be bounded.
    strangers: VecDeque<Lane>,
    /// Passwords that are being checked, so that their number can be bounded.
    verifying: BTreeMap<Ticket, Lane>,
    /// The lanes of each account whose attempts were right; the home decides about the first.
    entering: BTreeMap<AccountName, VecDeque<Lane>>,
    devices: BTreeMap<AccountName, Devices>,
}

#[derive(Clone, Debug, Default)]
struct Door {
    lockout: Lockout,
    busy: Option<Box<Busy>>,
    waiting: VecDeque<Knock>,
    stranger: bool,
}

/// The attempt under way. Its password is with whoever checks it.
#[derive(Clone, Debug)]
struct Busy {
    conn: ConnId,
    name: LoginName,
    seen: Seq,
    device: Option<DeviceKey>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The password is being checked.
    Verifying,
    /// It was wrong; that is being written down.
    Recording(Ticket, Verdict),
    /// It was right; the user's home decides, or will.
    Deciding(UserId),
}

impl Doors {
    pub(crate) fn recover(snapshot: &Snapshot, directory: &Directory, scope: LockoutScope) -> Doors {
        let mut doors = Doors::default();
        for user in snapshot.users.iter().filter(|user| !user.devices.is_empty()) {
            doors.devices.insert(AccountName::from(user.name), user.devices.iter().copied().collect());
        }
        for record in &snapshot.failures {
            let lane = doors.lane(record.account, record.device, scope);
            if lane.device != record.device {
                // It has no door of its own now, and its failures were never those of others.
                continue;
            }
            let stranger = !directory.has_account(record.account);
            let lockout = Lockout::recover(record.count, record.locked_until);
            doors.doors.insert(lane, Door { lockout, stranger, ..Door::default() });
            if stranger {
                doors.strangers.push_back(lane);
            }
        }
        doors
    }

    /// Which way to `account` a device has.
    fn lane(&self, account: AccountName, device: Option<DeviceKey>, scope: LockoutScope) -> Lane {
        let own = |key: &DeviceKey| scope == LockoutScope::Device && self.knows(account, *key);
        Lane { account, device: device.filter(own) }
    }

    /// Whether the user of `account` has logged in from that device.
    pub(crate) fn knows(&self, account: AccountName, key: DeviceKey) -> bool {
        self.devices.get(&account).is_some_and(|devices| devices.knows(key))
    }

    pub(crate) fn told(&mut self, letter: ToDoor, cx: &mut Cx<'_>) {
        match letter {
            ToDoor::Knock(knock) => self.knock(knock, cx),
            ToDoor::Decided(account) => self.decided(account, cx),
        }
    }

    fn knock(&mut self, knock: Knock, cx: &mut Cx<'_>) {
        let account = AccountName::of(knock.name.as_bytes());
        let lane = self.lane(account, knock.device, cx.config.lockout_scope);
        let door = self.doors.entry(lane).or_default();
        if door.busy.is_none() {
            door.hear(lane, knock, &mut self.verifying, cx);
            self.forget_if_useless(lane, cx);
        } else if door.waiting.len() < cx.config.limits.attempts_waiting_max {
            door.waiting.push_back(knock);
        } else {
            cx.tell_session(knock.conn, ToSession::Refuse(LoginRefusal::Busy));
        }
    }

    /// The answer to an order to verify.
    pub(crate) fn verified(&mut self, ticket: Ticket, right: bool, directory: &Directory, cx: &mut Cx<'_>) {
        let Some(lane) = self.verifying.remove(&ticket) else { return };
        let Some(door) = self.doors.get_mut(&lane) else { return };
        let Some(busy) = &mut door.busy else { return };
        let user = Name::parse(busy.name.as_bytes()).ok().and_then(|name| directory.find(name));
        match user.filter(|_| right) {
            Some(user) => {
                busy.stage = Stage::Deciding(user);
                let device = busy.device;
                if door.lockout.success() {
                    cx.keep(Order::Failures { lane, attempt: None });
                }
                if let Some(key) = device {
                    self.remember(user, lane.account, key, cx);
                }
                self.enter(lane, cx);
            }
            None => {
                let verdict = fail(&mut door.lockout, cx);
                busy.stage = Stage::Recording(ticket, verdict);
                if user.is_none() && !door.stranger {
                    door.stranger = true;
                    self.strangers.push_back(lane);
                }
                cx.keep(Order::Failures { lane, attempt: Some(ticket) });
                self.bound_strangers(cx);
            }
        }
    }

    /// A user has logged in from a device: it is one of his latest.
    fn remember(&mut self, user: UserId, account: AccountName, key: DeviceKey, cx: &mut Cx<'_>) {
        let devices = self.devices.entry(account).or_default();
        if !devices.note(key) {
            return;
        }
        cx.keep(Order::Device { user, account, key });
        let most = cx.config.limits.devices_max;
        let gone: Vec<DeviceKey> = core::iter::from_fn(|| devices.shrink(most)).collect();
        for key in gone {
            let lane = Lane { account, device: Some(key) };
            self.forget_if_useless(lane, cx);
            cx.keep(Order::Device { user, account, key });
            // Also where no door is left: a lock that has ended is still written down.
            cx.keep(Order::Failures { lane, attempt: None });
        }
    }

    /// It could not be kept that the device is remembered, or no longer: at its next login it is new.
    pub(crate) fn device_lost(&mut self, account: AccountName, key: DeviceKey, cx: &mut Cx<'_>) {
        if let Some(devices) = self.devices.get_mut(&account) {
            devices.forget(key);
        }
        self.forget_if_useless(Lane { account, device: Some(key) }, cx);
    }

    /// The right password was given in `lane`; another lane of the account may be before it.
    fn enter(&mut self, lane: Lane, cx: &mut Cx<'_>) {
        let queue = self.entering.entry(lane.account).or_default();
        queue.push_back(lane);
        if queue.len() == 1 {
            self.ask_home(lane, cx);
        }
    }

    fn ask_home(&self, lane: Lane, cx: &mut Cx<'_>) {
        if let Some(busy) = self.doors.get(&lane).and_then(|door| door.busy.as_ref())
            && let Stage::Deciding(user) = busy.stage
        {
            cx.tell_home(
                user,
                ToHome::Enter(Enter { conn: busy.conn, seen: busy.seen, device: busy.device }),
            );
        }
    }

    /// The home has decided about the attempt that it was asked about.
    fn decided(&mut self, account: AccountName, cx: &mut Cx<'_>) {
        let Some(queue) = self.entering.get_mut(&account) else { return };
        let done = queue.pop_front();
        match queue.front().copied() {
            Some(lane) => self.ask_home(lane, cx),
            None => drop(self.entering.remove(&account)),
        }
        if let Some(lane) = done {
            self.next(lane, cx);
        }
    }

    /// What is to be written about a lane.
    pub(crate) fn record(&self, lane: Lane) -> Write {
        let lockout = self.doors.get(&lane).map(|door| door.lockout).unwrap_or_default();
        let (count, locked_until) = lockout.record();
        Write::Failures { account: lane.account, device: lane.device, count, locked_until }
    }

    /// The failure of the attempt under way is written down, or could not be: it is answered.
    pub(crate) fn recorded(&mut self, lane: Lane, attempt: Ticket, cx: &mut Cx<'_>) {
        let Some(door) = self.doors.get(&lane) else { return };
        let Some(busy) = &door.busy else { return };
        let Stage::Recording(ticket, verdict) = busy.stage else { return };
        if ticket != attempt {
            return;
        }
        let refusal = match verdict {
            Verdict::TryAgain => LoginRefusal::TryAgain,
            Verdict::Locked(_) => LoginRefusal::LockedNow { seconds: seconds(cx.config.block_duration) },
        };
        cx.tell_session(busy.conn, ToSession::Refuse(refusal));
        self.next(lane, cx);
    }

    /// The attempt under way is over: the next is heard.
    fn next(&mut self, lane: Lane, cx: &mut Cx<'_>) {
        let Some(door) = self.doors.get_mut(&lane) else { return };
        door.busy = None;
        while door.busy.is_none() {
            let Some(knock) = door.waiting.pop_front() else { break };
            door.hear(lane, knock, &mut self.verifying, cx);
        }
        self.forget_if_useless(lane, cx);
    }

    /// A door goes when nobody is at it and it has nothing to remember, or its device is forgotten.
    fn forget_if_useless(&mut self, lane: Lane, cx: &mut Cx<'_>) {
        let Some(door) = self.doors.get(&lane).filter(|door| door.is_idle()) else { return };
        if door.lockout.is_clean(cx.now) {
            self.doors.remove(&lane);
        } else if lane.device.is_some_and(|key| !self.knows(lane.account, key)) {
            self.doors.remove(&lane);
            cx.keep(Order::Failures { lane, attempt: None });
        }
    }

    /// Unknown accounts must look like known ones, but their number has a bound: the oldest is forgotten.
    fn bound_strangers(&mut self, cx: &mut Cx<'_>) {
        while self.strangers.len() > cx.config.limits.strangers_max {
            let Some(oldest) = self.strangers.pop_front() else { return };
            let Some(door) = self.doors.get_mut(&oldest) else { continue };
            if !door.is_idle() {
                self.strangers.push_back(oldest);
                return;
            }
            self.doors.remove(&oldest);
            cx.keep(Order::Failures { lane: oldest, attempt: None });
        }
    }

    pub(crate) fn check(&self, limits: &Limits) {
        for door in self.doors.values() {
            assert!(door.busy.is_some() || door.waiting.is_empty(), "nobody waits at a free door");
        }
        let in_stage = |wanted: fn(&Stage) -> bool| {
            let busy = self.doors.values().filter_map(|door| door.busy.as_ref());
            busy.filter(|busy| wanted(&busy.stage)).count()
        };
        let verifying = in_stage(|stage| matches!(stage, Stage::Verifying));
        assert_eq!(verifying, self.verifying.len(), "every check of a password is counted");
        assert!(verifying <= limits.verify_waiting_max, "few passwords are checked at once");
        let entering = self.entering.values().map(VecDeque::len).sum();
        assert_eq!(in_stage(|stage| matches!(stage, Stage::Deciding(_))), entering, "all who enter queue");
        assert!(self.entering.values().all(|queue| !queue.is_empty()), "an empty queue is forgotten");
    }
}

impl Door {
    /// Hears an attempt: a locked door does not look at the password, and nobody does while there are too
    /// many of them (`verifying`).
    fn hear(&mut self, lane: Lane, knock: Knock, verifying: &mut BTreeMap<Ticket, Lane>, cx: &mut Cx<'_>) {
        if let Some(left) = self.lockout.remaining(cx.now) {
            let refusal = LoginRefusal::Locked { seconds: seconds(left) };
            cx.tell_session(knock.conn, ToSession::Refuse(refusal));
            return;
        }
        if verifying.len() >= cx.config.limits.verify_waiting_max {
            cx.tell_session(knock.conn, ToSession::Refuse(LoginRefusal::Busy));
            return;
        }
        let ticket = cx.ticket();
        verifying.insert(ticket, lane);
        let Knock { conn, name, password, seen, device } = knock;
        cx.out.push(Action::Verify { account: lane.account, ticket, name: name.clone(), password });
        let stage = Stage::Verifying;
        self.busy = Some(Box::new(Busy { conn, name, seen, device, stage }));
    }

    fn is_idle(&self) -> bool {
        self.busy.is_none() && self.waiting.is_empty()
    }
}

fn fail(lockout: &mut Lockout, cx: &Cx<'_>) -> Verdict {
    let late = u64::from(planted!(cx.config, LockEndsLate));
    let duration = cx.config.block_duration + core::time::Duration::from_micros(late);
    match lockout.failure(cx.now, duration) {
        Verdict::TryAgain if planted!(cx.config, FailureCountedTwice) => lockout.failure(cx.now, duration),
        verdict => verdict,
    }
}

fn seconds(span: core::time::Duration) -> u32 {
    u32::try_from(secs_rounded_up(span)).unwrap_or(u32::MAX)
}
