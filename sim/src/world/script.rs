//! A world that a test drives by hand: named persons, typed lines, moments.
//!
//! The same hosts, links, store and checkers as in a seeded run; only the decisions come from the test,
//! and nothing goes wrong but what it orders.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use starling_core::client::{ExitCode, Input};
use starling_core::server::Config;
use starling_core::time::Time;

use super::World;
use super::client::Typed;
use crate::checker::Violation;
use crate::folder::Folder;
use crate::options::{Habit, Options};
use crate::people::People;
use crate::person::Person;
use crate::queue::Due;
use crate::tape::{Lane, Tape};

/// Everything that reacts at once has done so after this: presence windows, commits, tidying.
const QUIET: Duration = Duration::from_millis(150);

/// See the module.
#[derive(Clone, Debug)]
pub struct Script {
    world: World,
    /// Terminals by the name that the script gives them.
    terminals: Vec<String>,
}

impl Script {
    /// A running server with these users (name, password), and nobody connected.
    #[must_use]
    pub fn new<'a>(config: Config, users: impl IntoIterator<Item = (&'a str, &'a str)>) -> Script {
        let people = Arc::new(People::named(users));
        let tape = Tape::of_lanes(Vec::new());
        let mut world = World::empty(Options::scripted(config), people, &tape, false);
        world.start_server();
        Script { world, terminals: Vec::new() }
    }

    /// Starts a client at a terminal. It begins to connect; the terminal keeps its folder, and what its device
    /// remembers.
    ///
    /// # Panics
    /// If a client still runs there.
    pub fn start(&mut self, terminal: &str) {
        let person = self.person(terminal);
        let number = u32::try_from(person).expect("few terminals");
        assert!(self.world.live_client(number).is_none(), "a client runs at {terminal} already");
        let client = self.world.start_client(number, 0);
        self.world.persons[person].client = Some(client);
    }

    /// The folder of a terminal, at which no client needs to have run yet.
    pub fn folder(&mut self, terminal: &str) -> &mut Folder {
        let person = self.person(terminal);
        self.world.folder(person)
    }

    /// Types a line, without its newline. A client takes it as soon as it wants one.
    ///
    /// # Panics
    /// If no client was ever started at the terminal.
    pub fn type_line(&mut self, terminal: &str, line: impl AsRef<[u8]>) {
        let client = self.client(terminal);
        let bytes = Bytes::copy_from_slice(line.as_ref());
        self.world.clients[client as usize].lines.push_back(Typed { bytes, command: None, aim: None });
        self.world.poke(client);
    }

    /// Ends the input of a client.
    pub fn end_input(&mut self, terminal: &str) {
        let client = self.client(terminal);
        self.world.clients[client as usize].ended = true;
        self.world.poke(client);
    }

    /// Presses Ctrl-C.
    pub fn interrupt(&mut self, terminal: &str) {
        let client = self.client(terminal);
        self.world.feed_client(client, Input::Interrupted);
    }

    /// Kills a client; its system closes the connection.
    pub fn kill(&mut self, terminal: &str) {
        let client = self.client(terminal);
        if self.world.clients[client as usize].is_alive() {
            self.world.end_client(client, None, true);
        }
    }

    /// The line of a client dies without a word: nothing passes in either direction.
    pub fn cut_off(&mut self, terminal: &str) {
        let link = self.link(terminal);
        let link = self.world.net.link(link);
        link.up.hold(Time::NEVER);
        link.down.hold(Time::NEVER);
    }

    /// A client does not run until it goes on: it neither reads nor says anything.
    pub fn stand_still(&mut self, terminal: &str) {
        let client = self.client(terminal);
        self.world.put_to_sleep(client, Duration::MAX);
    }

    /// A client that stood still goes on.
    pub fn go_on(&mut self, terminal: &str) {
        let client = self.client(terminal);
        self.world.wake_up(client);
    }

    /// Nothing more fits on the server's disk.
    pub fn fill_disk(&mut self) {
        self.world.disk.fill();
    }

    /// Something fits on the server's disk again.
    pub fn mend_disk(&mut self) {
        self.world.disk.heal();
    }

    /// The connection of a client is reset.
    pub fn reset(&mut self, terminal: &str) {
        let link = self.link(terminal);
        self.world.break_link(link, 0);
    }

    /// Kills the server: what is not on the disk is lost.
    pub fn kill_server(&mut self) {
        self.world.kill_server(true);
    }

    /// Starts the server again after a kill or a stop.
    pub fn restart_server(&mut self) {
        self.world.restart();
    }

    /// Asks the server to stop, as SIGTERM does, and lets it end.
    pub fn stop_server(&mut self) {
        self.world.stop_server();
        self.until_quiet();
        if self.world.server.machine.is_some() {
            self.world.kill_server(true);
        }
    }

    /// Lets a span of time pass.
    pub fn advance(&mut self, span: Duration) {
        self.advance_to(self.world.now + span);
    }

    /// Lets everything before and at a moment happen.
    pub fn advance_to(&mut self, until: Time) {
        while self.world.queue.next_at().is_some_and(|at| at <= until) && self.world.happen_next() {}
        self.world.now = self.world.now.max(until);
    }

    /// Lets everything happen that is under way: until nothing but distant alarms is left.
    pub fn until_quiet(&mut self) {
        while self.is_busy() && self.world.happen_next() {}
    }

    fn is_busy(&self) -> bool {
        let soon = self.world.now + QUIET;
        self.world.queue.iter().any(|(at, due)| match due {
            Due::ServerAlarm | Due::ClientAlarm { .. } | Due::Turn { .. } => at <= soon,
            Due::Linger { .. } | Due::Restart => false,
            _ => true,
        })
    }

    /// The lines that a terminal saw since it was last asked.
    pub fn take_lines(&mut self, terminal: &str) -> Vec<String> {
        let client = self.client(terminal);
        self.world.clients[client as usize].screen.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The exit status of the last client of a terminal; nothing while it runs, or if it was killed.
    #[must_use]
    pub fn exit(&self, terminal: &str) -> Option<u8> {
        self.world.clients[self.client(terminal) as usize].exit.map(status)
    }

    /// A client runs at the terminal.
    #[must_use]
    pub fn is_running(&self, terminal: &str) -> bool {
        self.world.clients[self.client(terminal) as usize].is_alive()
    }

    /// The time of the world, from its beginning.
    #[must_use]
    pub fn now(&self) -> Time {
        self.world.now
    }

    /// From now on every byte is kept that the server is told.
    pub fn record_server(&mut self) {
        self.world.server.heard = Some(Vec::new());
    }

    /// What the server was told since its bytes are kept: as it reads them, under any encryption.
    #[must_use]
    pub fn server_heard(&self) -> &[u8] {
        self.world.server.heard.as_deref().unwrap_or_default()
    }

    /// What the checkers found wrong.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.world.judge.violation.as_ref()
    }

    /// Whoever sits at a terminal; somebody new at a new one.
    fn person(&mut self, terminal: &str) -> usize {
        self.terminals.iter().position(|name| name == terminal).unwrap_or_else(|| {
            self.terminals.push(terminal.to_owned());
            let user = starling_core::name::Name::parse(terminal.as_bytes()).ok();
            let user = user.and_then(|name| self.world.people.find(name)).unwrap_or(0);
            let lane = Tape::of_lanes(Vec::new()).reader(Lane::Person(0));
            self.world.persons.push(Person::new(user, Habit::Talker, lane));
            self.terminals.len() - 1
        })
    }

    fn client(&self, terminal: &str) -> u32 {
        let person = self.terminals.iter().position(|name| name == terminal);
        let person = person.unwrap_or_else(|| panic!("no client was started at {terminal}"));
        self.world.persons[person].client.expect("a terminal begins with a client")
    }

    fn link(&self, terminal: &str) -> u32 {
        self.world.clients[self.client(terminal) as usize].link
    }
}

fn status(code: ExitCode) -> u8 {
    match code {
        ExitCode::LoggedOut => 0,
        ExitCode::Lost => 3,
        ExitCode::Refused => 4,
        ExitCode::Idle => 5,
    }
}
