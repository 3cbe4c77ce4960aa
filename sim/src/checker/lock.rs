//! Failed logins: three lock an account, for exactly as long as promised, and nothing else does.

use std::collections::{BTreeMap, VecDeque};

use starling_core::id::Ticket;
use starling_core::limits::FAILURES_MAX;
use starling_core::name::{AccountName, Name};
use starling_core::store::{Snapshot, StoreOutcome, Write};
use starling_core::time::{Time, micros, secs_rounded_up};
use starling_core::wire::{LoginRefusal, ServerFrame};

use super::book::Book;
use super::fact::Fact;
use super::{Finding, fail};
use crate::mark::Mark;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Locks {
    accounts: BTreeMap<AccountName, Account>,
    /// What the disk says.
    kept: BTreeMap<AccountName, (u8, Option<Time>)>,
    /// Commits that did not succeed.
    failed: u64,
    /// Unknown names that have ever been tried. Beyond a number the server may forget some.
    strangers: u32,
    /// Passwords that are being looked at.
    verifying: usize,
}

#[derive(Clone, Debug, Default)]
struct Account {
    failures: u8,
    locked_until: Option<Time>,
    verifying: Option<Ticket>,
    verdict: Option<Verdict>,
    /// `Locks::failed` when the last attempt was judged.
    failed: u64,
    /// Connections whose attempts have no answer, in the order of the attempts. Who is gone stays: the
    /// server may still have to look at what he tried.
    trying: VecDeque<(u32, Time)>,
    stranger: bool,
}

/// What the attempt under way must be answered with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    TryAgain,
    LockedNow,
    Right,
}

impl Account {
    fn locked(&self, now: Time) -> Option<Time> {
        self.locked_until.filter(|until| now < *until)
    }
}

impl Locks {
    /// When the lock of an account ends, if it is locked or was.
    #[must_use]
    pub fn end(&self, account: AccountName) -> Option<Time> {
        self.accounts.get(&account)?.locked_until
    }

    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, book: &mut Book) -> Finding {
        match fact {
            Fact::Began { snapshot, rebooted } => return self.begin(snapshot, *rebooted, book),
            Fact::Tried { link, account, .. } => self.tried(*link, *account, book),
            Fact::Verify { account, ticket } => return self.verify(*account, *ticket, book),
            Fact::Verified { account, ticket, right } => self.verified(*account, *ticket, *right, book),
            Fact::Told { link, frame } => {
                if let Some(account) = book.sight(*link).attempt {
                    return self.told(*link, account, frame, book);
                }
            }
            Fact::Kept { write: Write::Failures { account, device: None, count, locked_until } } => {
                self.kept.insert(*account, (*count, *locked_until));
            }
            Fact::Stored { outcome } if *outcome != StoreOutcome::Committed => self.failed += 1,
            _ => {}
        }
        Ok(())
    }

    fn account(&mut self, name: AccountName) -> &mut Account {
        self.accounts.entry(name).or_default()
    }

    /// A lock is kept over a restart as it is, and over a reboot never longer than it can be.
    fn begin(&mut self, snapshot: &Snapshot, rebooted: bool, book: &mut Book) -> Finding {
        let before = std::mem::take(&mut self.accounts);
        self.strangers = 0;
        self.verifying = 0;
        for record in &snapshot.failures {
            let Some(old) = self.kept.get(&record.account) else {
                return fail!("the failures of {:?} come from nowhere", record.account);
            };
            if !rebooted && (record.count, record.locked_until) != *old {
                return fail!("the lock of {:?} changed over a restart", record.account);
            }
            if record.locked_until.is_some_and(|until| until > book.now + book.config.block_duration) {
                return fail!("the lock of {:?} is longer than a lock can be", record.account);
            }
            if record.locked_until.is_some_and(|until| until > book.now) {
                book.marks.reach(if rebooted { Mark::LockRevived } else { Mark::LockKept });
            }
            let stranger = before.get(&record.account).is_some_and(|account| account.stranger);
            let account = Account {
                failures: record.count,
                locked_until: record.locked_until,
                stranger,
                ..Account::default()
            };
            self.strangers += u32::from(stranger);
            self.accounts.insert(record.account, account);
        }
        let records = snapshot.failures.iter();
        self.kept = records.map(|record| (record.account, (record.count, record.locked_until))).collect();
        Ok(())
    }

    fn tried(&mut self, link: u32, name: AccountName, book: &mut Book) {
        let known = Name::parse(name.as_bytes()).is_ok_and(|name| book.people.find(name).is_some());
        let now = book.now;
        let account = self.account(name);
        let fresh = !known && !account.stranger;
        account.stranger |= fresh;
        account.trying.push_back((link, now));
        if account.trying.len() > 1 {
            book.marks.reach(Mark::AttemptsQueued);
        }
        if account.locked_until == Some(now) {
            book.marks.reach(Mark::LockEnd);
        }
        self.strangers += u32::from(fresh);
    }

    fn verify(&mut self, name: AccountName, ticket: Ticket, book: &Book) -> Finding {
        let now = book.now;
        let account = self.account(name);
        if let Some(until) = account.locked(now) {
            return fail!("a password for {name:?} is looked at, though it is locked until {until}");
        }
        if account.verifying.is_some() {
            return fail!("two passwords for {name:?} are looked at at once");
        }
        account.verifying = Some(ticket);
        self.verifying += 1;
        if self.verifying > book.config.limits.verify_waiting_max {
            return fail!("{} passwords are looked at at once", self.verifying);
        }
        Ok(())
    }

    fn verified(&mut self, name: AccountName, ticket: Ticket, right: bool, book: &mut Book) {
        let (now, duration, failed) = (book.now, book.config.block_duration, self.failed);
        let account = self.account(name);
        if account.verifying.take_if(|waiting| *waiting == ticket).is_none() {
            return;
        }
        self.verifying -= 1;
        let account = self.account(name);
        account.failed = failed;
        if account.locked_until.take().is_some() {
            account.failures = 0;
        }
        if right {
            account.failures = 0;
            account.verdict = Some(Verdict::Right);
            return;
        }
        account.failures += 1;
        account.verdict = Some(Verdict::TryAgain);
        if account.failures == FAILURES_MAX {
            account.locked_until = Some(now + duration);
            account.verdict = Some(Verdict::LockedNow);
        }
    }

    fn told(&mut self, link: u32, name: AccountName, frame: &ServerFrame, book: &mut Book) -> Finding {
        let (now, duration) = (book.now, book.config.block_duration);
        // The server may forget a stranger when there are too many.
        let forgetful = self.strangers as usize > book.config.limits.strangers_max;
        let kept = self.kept.get(&name).copied().unwrap_or_default();
        let failed = self.failed;
        let waiting_max = book.config.limits.attempts_waiting_max;
        let turned_away = book.sight(link).turned_away;
        let too_many_checks = self.verifying >= book.config.limits.verify_waiting_max;
        let account = self.account(name);
        match frame {
            // Refused at the door; who was let in and then made room for others is still looked at. Who is
            // refused when his turn came, because of too many checks, goes with the next who is answered.
            ServerFrame::LoginRefused(LoginRefusal::Busy) => {
                account.trying.retain(|tried| *tried != (link, now))
            }
            ServerFrame::LoginRefused(_) | ServerFrame::Welcome { .. } => {
                // Attempts are looked at in their order.
                let before =
                    account.trying.iter().position(|(other, _)| *other == link).map_or(0, |at| at + 1);
                account.trying.drain(..before);
            }
            _ => return Ok(()),
        }
        if turned_away && !matches!(frame, ServerFrame::LoginRefused(LoginRefusal::Busy)) {
            return fail!("an attempt on {name:?} is answered, though its address has tried too often");
        }
        if account.stranger && forgetful {
            return Ok(());
        }
        match frame {
            ServerFrame::LoginRefused(LoginRefusal::Locked { seconds }) => {
                let Some(until) = account.locked(now) else {
                    return fail!("{name:?} is refused as locked, and is not");
                };
                if u64::from(*seconds) != secs_rounded_up(until - now) {
                    return fail!("{name:?} is told {seconds} seconds, and {:?} are left", until - now);
                }
                book.marks.reach(Mark::LockedOut);
                return Ok(());
            }
            ServerFrame::LoginRefused(LoginRefusal::Busy) => {
                let greeting = book.links.iter().filter(|sight| sight.open && sight.user.is_none()).count();
                if greeting >= book.config.limits.greeting_max {
                    book.marks.reach(Mark::MadeRoom);
                } else if turned_away {
                    book.marks.reach(Mark::AddressBusy);
                } else if too_many_checks {
                    book.marks.reach(Mark::ChecksFull);
                } else if !book.stopping && account.trying.len() < waiting_max {
                    return fail!("{name:?} is told that the server is busy, and it is not");
                }
                book.marks.reach(Mark::Busy);
                return Ok(());
            }
            _ => {}
        }
        let verdict = account.verdict.take();
        match (frame, verdict) {
            (ServerFrame::LoginRefused(LoginRefusal::TryAgain), Some(Verdict::TryAgain)) => {}
            (ServerFrame::LoginRefused(LoginRefusal::LockedNow { seconds }), Some(Verdict::LockedNow)) => {
                if u64::from(*seconds) * 1_000_000 != micros(duration) {
                    return fail!("{name:?} is locked for {seconds} seconds, not {duration:?}");
                }
                book.marks.reach(Mark::Locked);
            }
            (ServerFrame::LoginRefused(LoginRefusal::AlreadyOnline), Some(Verdict::Right)) => {
                book.marks.reach(Mark::AlreadyOnline);
                return Ok(());
            }
            (ServerFrame::Welcome { .. }, Some(Verdict::Right)) => return Ok(()),
            _ => return fail!("{name:?} is answered {frame:?} after {verdict:?}"),
        }
        // A failure is written down before it is answered, if the store can.
        if account.failed == failed && kept != (account.failures, account.locked_until) {
            let counted = (account.failures, account.locked_until);
            return fail!(
                "a failure of {name:?} is answered, and the disk says {kept:?} instead of {counted:?}"
            );
        }
        Ok(())
    }
}
