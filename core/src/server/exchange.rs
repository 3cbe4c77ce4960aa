//! Which files are offered: everybody who is online is asked, and the answers are put together.
//!
//! The server keeps no list of files. Whoever offers them knows them, and what he answers goes with the question: an
//! answer is complete when all have answered, and is given without those who take too long. It is handed out page by
//! page, the next when the last was read, so that a long one never fills a slow connection.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::cx::{Cx, Sleeper};
use super::envelope::{ReplyTo, ToExchange};
use crate::id::{ConnId, RequestId, UserId};
use crate::name::Name;
use crate::pattern::Pattern;
use crate::time::Time;
use crate::wire::{Finding, Found, Offers, ServerFrame};

/// Somebody who is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) user: UserId,
    pub(crate) name: Name,
    pub(crate) conn: ConnId,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    questions: BTreeMap<u32, Question>,
    /// Answers of which a page is yet to be sent.
    answers: BTreeMap<(ConnId, RequestId), Answer>,
    /// Files that are kept for a connection, all its questions and answers together.
    held: BTreeMap<ConnId, usize>,
    last: u32,
    armed: Option<Time>,
}

#[derive(Clone, Debug)]
struct Question {
    reply: ReplyTo,
    /// Who has not answered.
    missing: BTreeMap<UserId, Name>,
    findings: Vec<Finding>,
    /// Who has a file that fits, and will know later what it is.
    indexing: BTreeSet<UserId>,
    until: Time,
}

#[derive(Clone, Debug)]
struct Answer {
    /// The last comes first.
    findings: Vec<Finding>,
    indexing: u32,
}

impl Exchange {
    /// Nobody asks or answers any more.
    pub(crate) fn clear(&mut self) {
        *self = Exchange { last: self.last, armed: self.armed, ..Exchange::default() };
    }

    pub(crate) fn told(&mut self, letter: ToExchange, cx: &mut Cx<'_>) {
        match letter {
            ToExchange::Ask { reply, pattern, of } => self.ask(reply, pattern, &of, cx),
            ToExchange::Offers { user, offers } => self.offered(user, offers, cx),
            ToExchange::More { reply } => self.send_page(reply, cx),
            ToExchange::Left { user, name, conn } => self.left(user, name, conn, cx),
        }
    }

    fn ask(&mut self, reply: ReplyTo, pattern: Pattern, of: &[Asked], cx: &mut Cx<'_>) {
        self.last = self.last.wrapping_add(1);
        let until = cx.now + cx.config.limits.answer_window;
        let missing = of.iter().map(|asked| (asked.user, asked.name)).collect();
        let (findings, indexing) = (Vec::new(), BTreeSet::new());
        self.questions.insert(self.last, Question { reply, missing, findings, indexing, until });
        let frame = ServerFrame::Ask { question: self.last, pattern }.frame();
        cx.send_many(of.iter().map(|asked| asked.conn).collect(), frame);
        cx.alarms.arm(Sleeper::Exchange, &mut self.armed, until);
        self.answer_if_complete(self.last, cx);
    }

    /// A page of an answer. One that comes too late, or that nobody asked for, is nothing.
    fn offered(&mut self, user: UserId, page: Offers, cx: &mut Cx<'_>) {
        let Some(question) = self.questions.get_mut(&page.question) else { return };
        let Some(owner) = question.missing.get(&user).copied() else { return };
        let conn = question.reply.conn;
        let held = self.held.get(&conn).copied().unwrap_or_default();
        let taken = page.offers.len().min(cx.config.limits.findings_max.saturating_sub(held));
        question.findings.extend(page.offers.into_iter().take(taken).map(|offer| Finding { offer, owner }));
        if taken > 0 {
            self.held.insert(conn, held + taken);
        }
        if page.indexing {
            question.indexing.insert(user);
        }
        if page.last {
            question.missing.remove(&user);
            self.answer_if_complete(page.question, cx);
        }
    }

    /// Somebody is gone: what he offered is no longer offered, and he asks for nothing.
    fn left(&mut self, user: UserId, name: Name, conn: ConnId, cx: &mut Cx<'_>) {
        self.questions.retain(|_, question| question.reply.conn != conn);
        self.answers.retain(|(other, _), _| *other != conn);
        self.held.remove(&conn);
        let mut waited = Vec::new();
        for (number, question) in &mut self.questions {
            let before = question.findings.len();
            question.findings.retain(|finding| finding.owner != name);
            question.indexing.remove(&user);
            let gone = before - question.findings.len();
            release(&mut self.held, question.reply.conn, gone);
            if question.missing.remove(&user).is_some() {
                waited.push(*number);
            }
        }
        waited.into_iter().for_each(|number| self.answer_if_complete(number, cx));
    }

    /// Those who have not answered by now are left out.
    pub(crate) fn woken(&mut self, cx: &mut Cx<'_>) {
        self.armed = None;
        let late = |question: &Question| question.until <= cx.now;
        let due: Vec<u32> =
            self.questions.iter().filter(|(_, question)| late(question)).map(|(number, _)| *number).collect();
        due.into_iter().for_each(|number| self.answer(number, cx));
        if let Some(next) = self.questions.values().map(|question| question.until).min() {
            cx.alarms.arm(Sleeper::Exchange, &mut self.armed, next);
        }
    }

    fn answer_if_complete(&mut self, number: u32, cx: &mut Cx<'_>) {
        if self.questions.get(&number).is_some_and(|question| question.missing.is_empty()) {
            self.answer(number, cx);
        }
    }

    fn answer(&mut self, number: u32, cx: &mut Cx<'_>) {
        let Some(mut question) = self.questions.remove(&number) else { return };
        let (reply, before) = (question.reply, question.findings.len());
        question.findings.sort_unstable();
        question.findings.dedup();
        release(&mut self.held, reply.conn, before - question.findings.len());
        // The first come last, so that a page is taken from the end.
        question.findings.reverse();
        let indexing = u32::try_from(question.indexing.len()).unwrap_or(u32::MAX);
        let answer = Answer { findings: question.findings, indexing };
        if let Some(older) = self.answers.insert((reply.conn, reply.request), answer) {
            // Whoever uses a number twice gives up what it stood for.
            release(&mut self.held, reply.conn, older.findings.len());
        }
        self.send_page(reply, cx);
    }

    /// The next page of an answer, if there is one.
    fn send_page(&mut self, reply: ReplyTo, cx: &mut Cx<'_>) {
        let key = (reply.conn, reply.request);
        let Some(Answer { findings, indexing }) = self.answers.get_mut(&key) else { return };
        let rest = findings.len().saturating_sub(Found::PAGE_MAX);
        let page: Vec<Finding> = findings.drain(rest..).rev().collect();
        let last = findings.is_empty();
        let indexing = if last { *indexing } else { 0 };
        release(&mut self.held, reply.conn, page.len());
        if last {
            self.answers.remove(&key);
        }
        let found = Found { request: reply.request, last, indexing, findings: page };
        cx.send(reply.conn, ServerFrame::Found(found).frame());
    }

    pub(crate) fn check(&self, findings_max: usize) {
        let mut held = BTreeMap::new();
        let asked = self.questions.values().map(|question| (question.reply.conn, question.findings.len()));
        let answered = self.answers.iter().map(|((conn, _), answer)| (*conn, answer.findings.len()));
        for (conn, findings) in asked.chain(answered).filter(|(_, findings)| *findings > 0) {
            *held.entry(conn).or_default() += findings;
        }
        assert_eq!(self.held, held, "every file that is kept is counted");
        assert!(
            held.values().all(|held| *held <= findings_max),
            "what is kept for one connection is bounded"
        );
        assert!(
            self.questions.values().all(|question| !question.missing.is_empty()),
            "a question waits for somebody"
        );
        assert!(self.questions.is_empty() || self.armed.is_some(), "no question waits for ever");
    }
}

/// So many files are no longer kept for a connection.
fn release(held: &mut BTreeMap<ConnId, usize>, conn: ConnId, files: usize) {
    if let Some(count) = held.get_mut(&conn) {
        *count -= files;
        if *count == 0 {
            held.remove(&conn);
        }
    }
}
