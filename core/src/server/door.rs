//! The doors of all accounts: one attempt at a time, failures counted, locks kept.
//!
//! A door is the part of a home that unknown names have, too; that is why nobody can tell them apart. It
//! is found by what was typed as a name. What a failed attempt changed is in the store before the
//! attempt is answered.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};

use super::action::Action;
use super::config::planted;
use super::cx::Cx;
use super::directory::Directory;
use super::envelope::{Knock, ToDoor, ToHome, ToSession};
use super::ledger::Order;
use crate::auth::lockout::{Lockout, Verdict};
use crate::id::{ConnId, Seq, Ticket};
use crate::limits::Limits;
use crate::name::{AccountName, Name};
use crate::store::{FailureRecord, Write};
use crate::time::{Time, secs_rounded_up};
use crate::wire::{LoginName, LoginRefusal};

/// See the module. Only accounts with something to remember are in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doors {
    accounts: BTreeMap<AccountName, Account>,
    /// Unknown accounts with failures, oldest first, so that their number can be bounded.
    strangers: VecDeque<AccountName>,
    /// Passwords that are being checked, so that their number can be bounded.
    verifying: usize,
}

#[derive(Clone, Debug, Default)]
struct Account {
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
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The password is being checked.
    Verifying(Ticket),
    /// It was wrong; that is being written down.
    Recording(Ticket, Verdict),
    /// It was right; the user's home decides.
    Deciding,
}

impl Doors {
    pub(crate) fn recover(records: &[FailureRecord], directory: &Directory) -> Doors {
        let mut doors = Doors::default();
        for record in records {
            let stranger = !directory.has_account(record.account);
            let lockout = Lockout::recover(record.count, record.locked_until);
            let account = Account { lockout, stranger, ..Account::default() };
            doors.accounts.insert(record.account, account);
            if stranger {
                doors.strangers.push_back(record.account);
            }
        }
        doors
    }

    pub(crate) fn told(&mut self, letter: ToDoor, cx: &mut Cx<'_>) {
        match letter {
            ToDoor::Knock(knock) => self.knock(knock, cx),
            ToDoor::Decided(name) => self.next(name, cx),
        }
    }

    fn knock(&mut self, knock: Knock, cx: &mut Cx<'_>) {
        let name = AccountName::of(knock.name.as_bytes());
        let account = self.accounts.entry(name).or_default();
        if account.busy.is_none() {
            account.hear(name, knock, &mut self.verifying, cx);
            self.forget_if_clean(name, cx.now);
        } else if account.waiting.len() < cx.config.limits.attempts_waiting_max {
            account.waiting.push_back(knock);
        } else {
            cx.tell_session(knock.conn, ToSession::Refuse(LoginRefusal::Busy));
        }
    }

    /// The answer to an order to verify.
    pub(crate) fn verified(
        &mut self,
        name: AccountName,
        ticket: Ticket,
        right: bool,
        directory: &Directory,
        cx: &mut Cx<'_>,
    ) {
        let Some(account) = self.accounts.get_mut(&name) else { return };
        let Some(busy) = &mut account.busy else { return };
        if !matches!(busy.stage, Stage::Verifying(t) if t == ticket) {
            return;
        }
        self.verifying -= 1;
        let user = Name::parse(busy.name.as_bytes()).ok().and_then(|name| directory.find(name));
        match user.filter(|_| right) {
            Some(user) => {
                busy.stage = Stage::Deciding;
                cx.tell_home(user, ToHome::Enter { conn: busy.conn, seen: busy.seen });
                if account.lockout.success() {
                    cx.keep(Order::Failures { account: name, attempt: None });
                }
            }
            None => {
                let verdict = fail(&mut account.lockout, cx);
                busy.stage = Stage::Recording(ticket, verdict);
                if user.is_none() && !account.stranger {
                    account.stranger = true;
                    self.strangers.push_back(name);
                }
                cx.keep(Order::Failures { account: name, attempt: Some(ticket) });
                self.bound_strangers(cx);
            }
        }
    }

    /// What is to be written about an account.
    pub(crate) fn record(&self, name: AccountName) -> Write {
        let lockout = self.accounts.get(&name).map(|account| account.lockout).unwrap_or_default();
        let (count, locked_until) = lockout.record();
        Write::Failures { account: name, count, locked_until }
    }

    /// The failure of the attempt under way is written down, or could not be: it is answered.
    pub(crate) fn recorded(&mut self, name: AccountName, attempt: Ticket, cx: &mut Cx<'_>) {
        let Some(account) = self.accounts.get(&name) else { return };
        let Some(busy) = &account.busy else { return };
        let Stage::Recording(ticket, verdict) = busy.stage else { return };
        if ticket != attempt {
            return;
        }
        let refusal = match verdict {
            Verdict::TryAgain => LoginRefusal::TryAgain,
            Verdict::Locked(_) => LoginRefusal::LockedNow { seconds: seconds(cx.config.block_duration) },
        };
        cx.tell_session(busy.conn, ToSession::Refuse(refusal));
        self.next(name, cx);
    }

    /// The attempt under way is over: the next is heard.
    fn next(&mut self, name: AccountName, cx: &mut Cx<'_>) {
        let Some(account) = self.accounts.get_mut(&name) else { return };
        account.busy = None;
        while account.busy.is_none() {
            let Some(knock) = account.waiting.pop_front() else { break };
            account.hear(name, knock, &mut self.verifying, cx);
        }
        self.forget_if_clean(name, cx.now);
    }

    fn forget_if_clean(&mut self, name: AccountName, now: Time) {
        let forget = self
            .accounts
            .get(&name)
            .is_some_and(|account| account.is_idle() && account.lockout.is_clean(now));
        if forget {
            self.accounts.remove(&name);
        }
    }

    /// Unknown accounts must look like known ones, but their number has a bound: the oldest is forgotten.
    fn bound_strangers(&mut self, cx: &mut Cx<'_>) {
        while self.strangers.len() > cx.config.limits.strangers_max {
            let Some(oldest) = self.strangers.pop_front() else { return };
            let Some(account) = self.accounts.get_mut(&oldest) else { continue };
            if !account.is_idle() {
                self.strangers.push_back(oldest);
                return;
            }
            self.accounts.remove(&oldest);
            cx.keep(Order::Failures { account: oldest, attempt: None });
        }
    }

    pub(crate) fn check(&self, limits: &Limits) {
        for account in self.accounts.values() {
            assert!(account.busy.is_some() || account.waiting.is_empty(), "nobody waits at a free door");
        }
        let verifying = self.accounts.values().filter(|account| account.is_verifying()).count();
        assert_eq!(verifying, self.verifying, "every check of a password is counted");
        assert!(verifying <= limits.verify_waiting_max, "few passwords are checked at once");
    }
}

impl Account {
    /// Hears an attempt: a locked door does not look at the password, and nobody does while there are too
    /// many of them (`verifying`).
    fn hear(&mut self, name: AccountName, knock: Knock, verifying: &mut usize, cx: &mut Cx<'_>) {
        if let Some(left) = self.lockout.remaining(cx.now) {
            let refusal = LoginRefusal::Locked { seconds: seconds(left) };
            cx.tell_session(knock.conn, ToSession::Refuse(refusal));
            return;
        }
        if *verifying >= cx.config.limits.verify_waiting_max {
            cx.tell_session(knock.conn, ToSession::Refuse(LoginRefusal::Busy));
            return;
        }
        *verifying += 1;
        let ticket = cx.ticket();
        let Knock { conn, name: typed, password, seen } = knock;
        cx.out.push(Action::Verify { account: name, ticket, name: typed.clone(), password });
        self.busy = Some(Box::new(Busy { conn, name: typed, seen, stage: Stage::Verifying(ticket) }));
    }

    fn is_verifying(&self) -> bool {
        self.busy.as_ref().is_some_and(|busy| matches!(busy.stage, Stage::Verifying(_)))
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
