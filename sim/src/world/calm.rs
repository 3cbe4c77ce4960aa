//! The calm after the storm: everything heals, and then everything must finish.

use std::time::Duration;

use starling_core::client::{ExitCode, Input};
use starling_core::time::Time;

use super::{Stage, World};
use crate::checker::fact::{Command, Fact, Target};
use crate::options::Scenario;
use crate::queue::Due;

/// By then every dead connection has been noticed: by its silence, and by a probe.
const NOTICED: Duration = Duration::from_secs(36);
/// By then the slowest client has answers to all that it had under way, and has logged out.
const FINISHED: Duration = Duration::from_secs(12);
/// What people who are there need to log in or out.
const MOMENT: Duration = Duration::from_millis(500);
/// By then everybody has his mail.
const DELIVERED: Duration = Duration::from_secs(3);
/// By then a download of which nobody is left who has anything has been given up.
const GIVEN_UP: Duration = Duration::from_secs(40);
/// So often people say something while they wait for their files: nobody is to be timed out.
const ROUND: Duration = Duration::from_secs(2);
/// The stage at which everything has arrived, files as well.
const ARRIVED: u8 = 12;

impl World {
    pub(super) fn calm(&mut self, stage: u8) {
        if self.is_plain() {
            self.stage = Stage::Over;
            return self.check();
        }
        self.stage = Stage::Calm(stage);
        self.note(|_| format!("CALM {stage}"));
        let block = self.options.config.block_duration;
        let has_files = self.options.files.is_some();
        let next = match stage {
            0 => {
                self.heal();
                if has_files { NOTICED + GIVEN_UP } else { NOTICED }
            }
            1 => {
                self.nothing_is_under_way();
                self.send_home();
                block + FINISHED
            }
            2 => {
                self.everybody_is_gone(None);
                self.everybody_comes();
                MOMENT
            }
            3 => {
                self.everybody_talks();
                DELIVERED
            }
            4 if has_files => {
                self.everybody_fetches();
                ROUND
            }
            5..ARRIVED if has_files => {
                self.everybody_stays();
                ROUND
            }
            4 | ARRIVED => {
                self.everybody_has_files();
                self.everything_has_arrived();
                MOMENT
            }
            _ => {
                self.everybody_is_gone(Some(ExitCode::LoggedOut));
                self.look_into_folders();
                self.check();
                self.stage = Stage::Over;
                return;
            }
        };
        self.queue.plan(self.now + next, Due::Calm { stage: stage + 1 });
    }

    /// Nothing goes wrong any more, and what was held up moves on.
    fn heal(&mut self) {
        self.check();
        self.tame();
        self.disk.heal();
        self.connects_held = Time::ZERO;
        if self.server.machine.is_none() || self.server.stopping {
            self.restart();
        }
        for client in 0..self.clients.len() {
            let node = &mut self.clients[client];
            node.asleep = None;
            if node.is_alive() {
                let (link, peers) = (node.link, node.meetings.lines());
                self.net.link(link).knock_held = Time::ZERO;
                for link in [link].into_iter().chain(peers.into_iter().map(|line| line.0)) {
                    for up in [true, false] {
                        self.net.link(link).pipe(up).release(self.now);
                        self.net.flush(link, up, self.now, &mut self.queue, &mut self.tally.faults);
                    }
                }
                let client = u32::try_from(client).expect("few clients");
                self.set_client_alarm(client);
                self.take_lines(client);
            }
        }
        self.settle();
    }

    /// Whoever still sits at a client presses Ctrl-C.
    fn send_home(&mut self) {
        for client in 0..u32::try_from(self.clients.len()).expect("few clients") {
            if self.clients[client as usize].is_alive() {
                self.feed_client(client, Input::Interrupted);
            }
        }
    }

    /// No client runs, nobody is online, and everybody ended as he should.
    fn everybody_is_gone(&mut self, code: Option<ExitCode>) {
        for person in 0..self.persons.len() {
            let user = self.persons[person].user;
            let name = self.people.name(user);
            let running =
                self.clients.iter().any(|client| client.person as usize == person && client.is_alive());
            if running {
                self.judge.accuse(self.now, "calm", format!("a client of {name} does not end"));
            }
            if self.judge.book.online[usize::from(user)].is_some() {
                self.judge.accuse(self.now, "calm", format!("{name} is gone and still online"));
            }
            let last = self.persons[person].client.and_then(|client| self.clients[client as usize].exit);
            if code.is_some() && last != code {
                self.judge.accuse(self.now, "calm", format!("the client of {name} ends with {last:?}"));
            }
        }
    }

    fn everybody_comes(&mut self) {
        for person in 0..u32::try_from(self.persons.len()).expect("few persons") {
            // One after the other: few may stand in the door at once.
            self.queue.plan(self.now + Duration::from_millis(20) * person, Due::Enter { person });
        }
    }

    /// Everybody is welcome, says something to the next, and asks who is there.
    fn everybody_talks(&mut self) {
        for person in 0..self.persons.len() {
            let user = self.persons[person].user;
            let Some(client) = self.persons[person].client else { continue };
            if !self.clients[client as usize].welcomed {
                let name = self.people.name(user);
                return self.judge.accuse(self.now, "calm", format!("{name} is not welcomed"));
            }
            let next = self.persons[(person + 1) % self.persons.len()].user;
            let (tag, text) = self.words(user, Some(next), 3);
            let say = Command::Message(Target::User(next), tag);
            for (command, text) in [(say, &text[..]), (Command::Who, &[])] {
                let line = self.line(command, text, None);
                self.clients[client as usize].lines.push_back(line);
            }
            self.take_lines(client);
        }
    }

    /// Every reply has come, every mailbox is empty, every safe letter was shown; everybody logs out.
    fn everything_has_arrived(&mut self) {
        for person in 0..self.persons.len() {
            let user = self.persons[person].user;
            let name = self.people.name(user);
            let Some(client) = self.persons[person].client else { continue };
            let link = self.clients[client as usize].link;
            if let Some((_, asked)) = self.judge.book.sight(link).asked.first() {
                let story = format!("{name} has no answer to {:?}", asked.wish);
                self.judge.accuse(self.now, "calm", story);
            }
            let waiting = self.disk.store.number(name);
            let waiting = self.disk.store.waiting(waiting);
            if waiting > 0 {
                self.judge.accuse(
                    self.now,
                    "calm",
                    format!("{waiting} letters still wait for {name}, who is online"),
                );
            }
        }
        self.tell(&Fact::Over);
        for person in 0..self.persons.len() {
            let Some(client) = self.persons[person].client else { continue };
            let line = self.line(Command::Logout, &[], None);
            self.clients[client as usize].lines.push_back(line);
            self.take_lines(client);
        }
    }

    /// Whether the scenario ends with a calm.
    #[must_use]
    pub fn ends_calmly(&self) -> bool {
        matches!(self.options.scenario, Scenario::Storm | Scenario::Calm)
    }
}
