//! The world: hosts, links, a store, persons, and the loop that lets them happen.
//!
//! A world is a plain value. Everything that will happen is in its [`Queue`]; [`World::happen_next`] lets the
//! first thing happen. Its parts are in the files beside this one: the server's host, the clients'
//! hosts and folders, the store's doings, what persons do, what misbehaving hosts do, storms, blows to the server,
//! the calm at the end, and scripts.

mod calm;
mod client;
mod disk;
mod files;
mod folders;
mod node;
mod orders;
mod peers;
mod persons;
mod process;
mod rogues;
pub mod script;
mod server;
mod talk;
mod weather;

use std::sync::Arc;
use std::time::Duration;

use starling_core::client::Action;
use starling_core::id::ServerId;
use starling_core::time::Time;

pub use client::ClientNode;
pub use node::ServerNode;

use crate::checker::Judge;
use crate::checker::book::Book;
use crate::checker::fact::Fact;
use crate::fault::{FaultKind, Mask};
use crate::network::Network;
use crate::options::{Habit, Options, Scenario};
use crate::people::People;
use crate::person::{Entry, Person};
use crate::queue::{Due, Queue};
use crate::rule::Rule;
use crate::store::Store;
use crate::story::{Deed, Step};
use crate::tally::Tally;
use crate::tape::{Lane, Reader, Tape};
use disk::Disk;
use files::DueFile;
use peers::PeerLink;
use rogues::Rogue;

/// See the module.
#[derive(Clone, Debug)]
pub struct World {
    /// The world's time.
    pub now: Time,
    /// What adds up.
    pub tally: Tally,
    /// The checkers.
    pub judge: Judge,
    /// What was done and what befell, so far.
    pub steps: Vec<Step>,
    /// Lines of a trace, if somebody wants to read them.
    pub trace: Option<Vec<String>>,
    options: Options,
    people: Arc<People>,
    queue: Queue,
    net: Network,
    server: ServerNode,
    disk: Disk,
    clients: Vec<ClientNode>,
    peer_links: Vec<PeerLink>,
    /// What a client orders, a list that is used again.
    client_actions: Vec<Action>,
    persons: Vec<Person>,
    rogues: Vec<Rogue>,
    /// What persons must have got before the end.
    due_files: Vec<DueFile>,
    /// Requests to connect are held up until then.
    connects_held: Time,
    lanes: Lanes,
    /// What can go wrong now: nothing more once it is calm.
    mask: Mask,
    said: u32,
    /// What has happened at this instant.
    crowd: u32,
    stage: Stage,
}

/// The lanes that belong to nobody in particular.
#[derive(Clone, Debug)]
struct Lanes {
    weather: Reader,
    process: Reader,
    clock: Reader,
    rogue: Reader,
}

/// How far the run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Storm,
    Calm(u8),
    Over,
}

/// More than that does not happen at one instant.
const CROWD_MAX: u32 = 100_000;
/// By how much an alarm of the server may ring late.
const LATE_MAX: Duration = Duration::from_millis(1_020);

impl World {
    /// The world that a tape describes.
    #[must_use]
    pub fn new(options: Options, tape: &Tape) -> World {
        let people = Arc::new(People::new(options.persons, options.rogues));
        let mut world = World::empty(options, people, tape, true);
        for user in 0..world.options.persons {
            let habit = world.options.habits.get(usize::from(user)).copied().unwrap_or_default();
            let lane = u8::try_from(user).unwrap_or(u8::MAX).min(Lane::PERSONS_MAX - 1);
            world.persons.push(Person::new(user, habit, tape.reader(Lane::Person(lane))));
            let begin = Duration::from_millis(1) * u32::from(user);
            world.queue.plan(Time::ZERO + begin, Due::Person { person: u32::from(user) });
        }
        world.hand_out_files();
        world.start_server();
        if world.mask != Mask::NONE {
            world.queue.plan(Time::ZERO, Due::Weather);
            world.queue.plan(Time::ZERO, Due::Process);
            world.plan_rogue(Time::ZERO);
        }
        world.queue.plan(Time::ZERO + world.options.storm, Due::Calm { stage: 0 });
        world
    }

    fn empty(options: Options, people: Arc<People>, tape: &Tape, numbered: bool) -> World {
        let late = if options.mask.has(FaultKind::LateAlarm) { LATE_MAX } else { Duration::ZERO };
        let book = Book::new(Arc::clone(&people), options.config.clone(), late);
        let net = Network::new(options.rule, tape.reader(Lane::Network));
        let lanes = Lanes {
            weather: tape.reader(Lane::Weather),
            process: tape.reader(Lane::Process),
            clock: tape.reader(Lane::Clock),
            rogue: tape.reader(Lane::Rogue),
        };
        World {
            now: Time::ZERO,
            tally: Tally::default(),
            judge: Judge::new(book, numbered),
            steps: Vec::new(),
            trace: None,
            people,
            queue: Queue::default(),
            net,
            server: ServerNode::new(),
            disk: Disk::new(Store::new(ServerId(1)), tape.reader(Lane::Storage)),
            clients: Vec::new(),
            peer_links: Vec::new(),
            client_actions: Vec::new(),
            persons: Vec::new(),
            rogues: Vec::new(),
            due_files: Vec::new(),
            connects_held: Time::ZERO,
            lanes,
            mask: options.mask,
            said: 0,
            crowd: 0,
            stage: Stage::Storm,
            options,
        }
    }

    /// Lets the next thing happen. False once the run is over, or something must not have been.
    pub fn happen_next(&mut self) -> bool {
        if self.stage == Stage::Over || self.judge.violation.is_some() {
            return false;
        }
        let Some((at, due)) = self.queue.pop() else { return false };
        self.crowd = if at == self.now { self.crowd + 1 } else { 0 };
        if self.crowd > CROWD_MAX {
            self.judge.accuse(at, "crowd", format!("the world does not get beyond this moment: {due:?}"));
        }
        self.now = at;
        self.happen(due);
        true
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Arrive { link, up: true } => self.arrive_at_server(link),
            Due::Arrive { link, up: false } => self.arrive_from_server(link),
            Due::Knock { link } => self.knock(link),
            Due::Answer { link } => self.answered(link),
            Due::Linger { link } => self.linger(link),
            Due::ServerAlarm => self.server_alarm(),
            Due::ClientAlarm { client } => self.client_alarm(client),
            Due::Turn { client } => self.turn(client),
            Due::Verified { order } => self.verified(order),
            Due::Commit { order } => self.commit(order),
            Due::Stored { order } => self.stored(order),
            Due::Loaded { order } => self.loaded(order),
            Due::Person { person } => self.person_acts(person),
            Due::Enter { person } => self.enter_as(person, Entry::Right, 0),
            Due::Rogue { rogue } => self.rogue_acts(rogue),
            Due::Weather => self.weather(),
            Due::Process => self.process(),
            Due::Restart => self.restart(),
            Due::Calm { stage } => self.calm(stage),
        }
    }

    /// How the world is made.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The users.
    #[must_use]
    pub fn people(&self) -> &Arc<People> {
        &self.people
    }

    /// How much was read of each lane: enough to write the run's tape out.
    #[must_use]
    pub fn read(&self) -> Vec<usize> {
        // The options are drawn before the world is made: their part has a fixed length.
        const OPTIONS_BYTES: usize = 64;
        let shared = [
            OPTIONS_BYTES,
            self.net.lane.position(),
            self.lanes.weather.position(),
            self.disk.lane.position(),
            self.lanes.process.position(),
            self.lanes.clock.position(),
            self.lanes.rogue.position(),
        ];
        shared.into_iter().chain(self.persons.iter().map(|person| person.lane.position())).collect()
    }

    /// The machines check themselves.
    pub fn check(&self) {
        self.server.check();
        self.clients.iter().for_each(ClientNode::check);
    }

    /// Takes down a step.
    fn step(&mut self, who: Option<u16>, what: Deed) {
        self.steps.push(Step { at: self.now, who, what });
        self.tally.steps += 1;
    }

    /// A fault strikes.
    fn strike(&mut self, kind: FaultKind, who: Option<u16>) {
        self.check();
        self.tally.faults.count(kind);
        self.step(who, Deed::Struck(kind));
        self.note(|_| format!("FAULT {kind}"));
    }

    /// Adds a line to the trace.
    fn note(&mut self, line: impl FnOnce(&World) -> String) {
        if self.trace.is_some() {
            let line = format!("{} {}", self.now, line(self));
            self.trace.get_or_insert_default().push(line);
        }
    }

    /// Tells the checkers.
    fn tell(&mut self, fact: &Fact<'_>) {
        self.judge.see(self.now, fact);
    }

    /// Whether the world is one for measuring, and nobody reads his tape.
    fn is_plain(&self) -> bool {
        matches!(self.options.scenario, Scenario::Busy | Scenario::Idle)
    }

    /// From now on the network does its best.
    fn tame(&mut self) {
        self.mask = Mask::NONE;
        self.net.rule = Rule::TAME;
    }

    /// How a person is.
    fn habit(&self, person: u32) -> Habit {
        self.persons[person as usize].habit
    }
}
