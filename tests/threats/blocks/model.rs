//! What four users may do, and a naive model of what each of them must see.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;
use starling_core::time::Time;
use starling_core::wire::{Outcome, Refusal, ServerFrame};

/// The users, by their numbers.
pub(super) const USERS: [&str; 4] = ["hans", "leia", "luke", "yoda"];

/// Something that the user of that number does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Login(usize),
    Logout(usize),
    /// His connection breaks.
    Breaks(usize),
    Block(usize, usize),
    Unblock(usize, usize),
    Message(usize, usize),
    Broadcast(usize),
    Who(usize),
    Since(usize, u64),
    /// Milliseconds pass.
    Wait(u64),
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let user = 0..USERS.len();
    let pair = (user.clone(), user.clone());
    prop_oneof![
        4 => user.clone().prop_map(Step::Login),
        1 => user.clone().prop_map(Step::Logout),
        1 => user.clone().prop_map(Step::Breaks),
        3 => pair.clone().prop_map(|(by, whom)| Step::Block(by, whom)),
        2 => pair.clone().prop_map(|(by, whom)| Step::Unblock(by, whom)),
        4 => pair.prop_map(|(from, to)| Step::Message(from, to)),
        2 => user.clone().prop_map(Step::Broadcast),
        2 => user.clone().prop_map(Step::Who),
        2 => (user, 0..20u64).prop_map(|(who, seconds)| Step::Since(who, seconds)),
        2 => prop_oneof![0..100u64, 0..3_000u64].prop_map(Step::Wait),
    ]
}

/// The naive model: who is online, who blocks whom, what waits for whom, who left when.
#[derive(Default)]
pub(super) struct Model {
    online: BTreeSet<usize>,
    /// Blocker and blocked.
    blocks: BTreeSet<(usize, usize)>,
    mail: BTreeMap<usize, Vec<(usize, u32)>>,
    left: BTreeMap<usize, Time>,
}

/// What somebody sees, and who.
pub(super) type Sight = (usize, String);

impl Model {
    /// What everybody must see of a step, in no order.
    pub(super) fn does(&mut self, step: Step, number: u32, now: Time) -> Vec<Sight> {
        match step {
            Step::Login(user) if self.online.insert(user) => {
                self.left.remove(&user);
                let mail = self.mail.remove(&user).unwrap_or_default().into_iter();
                let own = mail.map(|(from, number)| (user, letter(from, number)));
                let own: Vec<Sight> = own.chain([(user, "welcome".to_owned())]).collect();
                [own, self.notices(user, "came")].concat()
            }
            Step::Login(_) | Step::Wait(_) => Vec::new(),
            Step::Breaks(user) => self.leaves(user, now),
            _ if !self.online.contains(&actor(step)) => Vec::new(),
            Step::Logout(user) => {
                let goodbye = (user, format!("{:?}", Outcome::LoggedOut));
                [vec![goodbye], self.leaves(user, now)].concat()
            }
            Step::Block(by, whom) => vec![(by, self.changes(by, whom, true))],
            Step::Unblock(by, whom) => vec![(by, self.changes(by, whom, false))],
            Step::Message(from, to) => self.says(from, to, number),
            Step::Broadcast(from) => self.calls(from, number),
            Step::Who(user) => vec![(user, self.list(user, None))],
            Step::Since(user, seconds) => {
                vec![(user, self.list(user, Some(now.before(Duration::from_secs(seconds)))))]
            }
        }
    }

    fn leaves(&mut self, user: usize, now: Time) -> Vec<Sight> {
        if !self.online.remove(&user) {
            return Vec::new();
        }
        self.left.insert(user, now);
        self.notices(user, "went")
    }

    fn notices(&self, user: usize, what: &str) -> Vec<Sight> {
        let told = self.others(user).filter(|other| !self.blocks.contains(&(user, *other)));
        told.map(|other| (other, format!("{} {what}", USERS[user]))).collect()
    }

    fn changes(&mut self, by: usize, whom: usize, on: bool) -> String {
        let outcome = match (by == whom, self.blocks.contains(&(by, whom)), on) {
            (true, ..) => Outcome::Refused(Refusal::Yourself),
            (_, true, true) => Outcome::Refused(Refusal::AlreadyBlocked),
            (_, false, false) => Outcome::Refused(Refusal::NotBlocked),
            (_, false, true) => {
                self.blocks.insert((by, whom));
                Outcome::Accepted
            }
            (_, true, false) => {
                self.blocks.remove(&(by, whom));
                Outcome::Accepted
            }
        };
        format!("{outcome:?}")
    }

    fn says(&mut self, from: usize, to: usize, number: u32) -> Vec<Sight> {
        let outcome = |outcome: Outcome| (from, format!("{outcome:?}"));
        if from == to {
            vec![outcome(Outcome::Refused(Refusal::Yourself))]
        } else if self.blocks.contains(&(to, from)) {
            vec![outcome(Outcome::Refused(Refusal::BlockedBy))]
        } else if self.online.contains(&to) {
            vec![outcome(Outcome::Accepted), (to, letter(from, number))]
        } else {
            self.mail.entry(to).or_default().push((from, number));
            vec![outcome(Outcome::Queued)]
        }
    }

    fn calls(&self, from: usize, number: u32) -> Vec<Sight> {
        let (told, blocked): (Vec<usize>, Vec<usize>) =
            self.others(from).partition(|other| !self.blocks.contains(&(*other, from)));
        let outcome = match (told.is_empty(), blocked.is_empty()) {
            (true, true) => Outcome::NobodyOnline,
            (_, false) => Outcome::Partly,
            (false, true) => Outcome::Accepted,
        };
        let heard = told.into_iter().map(|other| (other, letter(from, number)));
        heard.chain([(from, format!("{outcome:?}"))]).collect()
    }

    fn list(&self, user: usize, since: Option<Time>) -> String {
        let gone = self.left.iter().filter(|(_, left)| since.is_some_and(|since| **left >= since));
        let all = self.online.iter().chain(gone.map(|(user, _)| user));
        let seen = all.filter(|other| **other != user && !self.blocks.contains(&(**other, user)));
        let names: BTreeSet<&str> = seen.map(|other| USERS[*other]).collect();
        format!("{names:?}")
    }

    fn others(&self, user: usize) -> impl Iterator<Item = usize> {
        self.online.iter().copied().filter(move |other| *other != user)
    }
}

/// Who does it.
const fn actor(step: Step) -> usize {
    match step {
        Step::Login(user)
        | Step::Logout(user)
        | Step::Breaks(user)
        | Step::Block(user, _)
        | Step::Unblock(user, _)
        | Step::Message(user, _)
        | Step::Broadcast(user)
        | Step::Who(user)
        | Step::Since(user, _) => user,
        Step::Wait(_) => USERS.len(),
    }
}

fn letter(from: usize, number: u32) -> String {
    format!("{}: text {number}", USERS[from])
}

/// What somebody was sent, in the words of the model.
pub(super) fn sights(heard: &[(usize, ServerFrame)]) -> Vec<Sight> {
    let words = |frame: &ServerFrame| match frame {
        ServerFrame::Welcome { .. } => vec!["welcome".to_owned()],
        ServerFrame::Mail { from, text, .. } | ServerFrame::Cast { from, text } => {
            vec![format!("{from}: {}", text.as_str())]
        }
        ServerFrame::Presence(list) => {
            let what = |online| if online { "came" } else { "went" };
            list.changes.iter().map(|change| format!("{} {}", change.name, what(change.online))).collect()
        }
        ServerFrame::Done { outcome, .. } => vec![format!("{outcome:?}")],
        ServerFrame::Names(page) => {
            let names: BTreeSet<&str> = page.names.iter().map(|name| name.as_str()).collect();
            assert_eq!(names.len(), page.names.len(), "each name appears once");
            vec![format!("{names:?}")]
        }
        other => panic!("{other:?} was not asked for"),
    };
    heard.iter().flat_map(|(user, frame)| words(frame).into_iter().map(|words| (*user, words))).collect()
}
