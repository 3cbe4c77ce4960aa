//! The shape of a world, drawn from its tape: who is in it, what can go wrong, and how much.

use std::fmt;
use std::time::Duration;

use starling_core::client::ClientFault;
use starling_core::limits::Limits;
use starling_core::server::{Config, Fault};

use crate::fault::{FaultKind, Mask};
use crate::rule::Rule;
use crate::stock::Stock;
use crate::tape::{Lane, Tape, scale};

/// A deliberate mistake of one of the machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planted {
    /// Of the server.
    Server(Fault),
    /// Of the clients.
    Client(ClientFault),
}

impl fmt::Display for Planted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Planted::Server(fault) => write!(f, "{fault:?}"),
            Planted::Client(fault) => write!(f, "{fault:?}"),
        }
    }
}

/// What kind of world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scenario {
    /// Persons with habits, and everything that can go wrong.
    #[default]
    Storm,
    /// The same persons in a world without faults.
    Calm,
    /// A hundred persons who talk all the time, for measuring.
    Busy,
    /// A thousand persons who say nothing for a day, for measuring.
    Idle,
}

impl Scenario {
    /// Every one with its name.
    pub const ALL: [(&'static str, Scenario); 4] = [
        ("default", Scenario::Storm),
        ("calm", Scenario::Calm),
        ("busy", Scenario::Busy),
        ("idle", Scenario::Idle),
    ];
}

/// How a person is. It decides what his tape means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Habit {
    /// Mostly talks.
    #[default]
    Talker,
    /// Comes and goes, is killed and cut off.
    Restless,
    /// Blocks and unblocks, and asks who is there.
    Blocker,
    /// Forgets passwords.
    Forgetful,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Options {
    /// What kind of world.
    pub scenario: Scenario,
    /// Persons with lanes of their own.
    pub persons: u16,
    /// Accounts of hosts that misbehave.
    pub rogues: u16,
    /// How persons are.
    pub habits: Vec<Habit>,
    /// How long the storm lasts.
    pub storm: Duration,
    /// How long a person thinks, at most, between two deeds.
    pub pause: Duration,
    /// How the server is configured.
    pub config: Config,
    /// What can go wrong.
    pub mask: Mask,
    /// How much, of 255.
    pub strength: u8,
    /// How the network is.
    pub rule: Rule,
    /// Which files there are; nothing where nobody has any.
    pub files: Option<Stock>,
    /// By how many parts of a million the clock of each client may run fast.
    pub drift_ppm: u16,
    /// The machines check themselves after every step.
    pub thorough: bool,
    /// The mistake that the clients make.
    pub client_fault: Option<ClientFault>,
}

impl Options {
    /// The shape that a tape describes.
    #[must_use]
    pub fn drawn(scenario: Scenario, tape: &Tape, planted: Option<Planted>) -> Options {
        let mut options = match scenario {
            Scenario::Storm | Scenario::Calm => stormy(scenario, tape),
            Scenario::Busy => plain(Scenario::Busy, 100, Duration::from_secs(300)),
            Scenario::Idle => plain(Scenario::Idle, 1_000, Duration::from_secs(24 * 3_600)),
        };
        match planted {
            Some(Planted::Server(fault)) => options.config.planted = Some(fault),
            Some(Planted::Client(fault)) => options.client_fault = Some(fault),
            None => {}
        }
        options
    }

    /// A world without faults or decisions, for a script.
    #[must_use]
    pub fn scripted(config: Config) -> Options {
        Options { config, ..plain(Scenario::Calm, 0, Duration::ZERO) }
    }
}

fn plain(scenario: Scenario, persons: u16, storm: Duration) -> Options {
    let week = Duration::from_secs(7 * 24 * 3_600);
    Options {
        scenario,
        persons,
        rogues: 0,
        habits: Vec::new(),
        storm,
        pause: Duration::from_secs(1),
        config: Config::new(Duration::from_secs(60), week),
        mask: Mask::NONE,
        strength: 0,
        rule: Rule::TAME,
        files: None,
        drift_ppm: 0,
        thorough: false,
        client_fault: None,
    }
}

fn stormy(scenario: Scenario, tape: &Tape) -> Options {
    let mut lane = tape.reader(Lane::Options);
    let [mood, strength, persons, storm, pause, timeout, block, thorough] = lane.record();
    let mask = Mask::of_bits(u64::from_be_bytes(lane.record()));
    // A few worlds know no fault; half of the others some at any strength, half all of them, weakly.
    let (mask, strength) = match (scenario, mood) {
        (Scenario::Calm, _) | (_, 0..=15) => (Mask::NONE, 0),
        (_, 16..=135) => (mask, strength),
        _ => (Mask::ALL, strength / 8 + 1),
    };
    let persons = 2 + u16::from(scale(persons, 5));
    let habit = |byte| match byte / 64 {
        0 => Habit::Talker,
        1 => Habit::Restless,
        2 => Habit::Blocker,
        _ => Habit::Forgetful,
    };
    let habits = lane.record().into_iter().map(habit).collect();
    let limits = limits(lane.record(), persons);
    let rule = Rule::drawn(mask, strength, &mut lane);
    let drift = lane.word();
    let files = Stock::drawn(&mut lane);
    let seconds = |byte: u8, least: u64, step: u64| Duration::from_secs(least + u64::from(byte) * step);
    let timeout = if timeout < 64 { seconds(timeout, 120, 1) } else { seconds(timeout / 8, 4, 1) };
    let mut config = Config::new(seconds(block / 16, 1, 1), timeout);
    config.limits = limits;
    if files.is_some() {
        config.chunks = Stock::BOUNDS;
    }
    Options {
        scenario,
        persons,
        rogues: 3,
        habits,
        storm: seconds(storm / 2, 20, 1),
        pause: Duration::from_millis(200 + u64::from(pause) * 20),
        config,
        mask,
        strength,
        rule,
        files,
        drift_ppm: if mask.has(FaultKind::Drift) { drift % 500 } else { 0 },
        thorough: thorough >= 252,
        client_fault: None,
    }
}

/// Small limits reach in seconds what the default ones reach in hours.
fn limits(record: [u8; 8], persons: u16) -> Limits {
    let [profile, greeting, waiting, commands, unread, mailbox, page, commit] = record;
    let mut limits = Limits::default();
    if profile < 64 {
        return limits;
    }
    limits.greeting_max = 4 + usize::from(greeting / 16);
    limits.attempts_waiting_max = 1 + usize::from(waiting / 64);
    limits.verify_waiting_max = 1 + usize::from(waiting % 8);
    if profile >= 192 {
        // In the calm everybody comes at once, a quarter of them from each address.
        let quarter = u32::from(persons.div_ceil(4));
        limits.address_connects_burst = quarter + u32::from(greeting % 2);
        limits.address_connects_per_second = 1 + u32::from(waiting % 4);
        limits.address_attempts_burst = quarter + u32::from(mailbox % 4);
        limits.address_attempts_per_second = 1 + u32::from(unread % 4);
    }
    limits.commands_burst = 8 + u32::from(commands / 4);
    limits.commands_per_second = 8 + u32::from(commands % 16);
    limits.unread_soft_bytes = 2 * 1024 + 64 * u32::from(unread);
    limits.unread_hard_bytes = 80 * 1024;
    limits.mailbox_letters_max = 20 + usize::from(mailbox);
    limits.mailbox_bytes_max = 400 * 1024;
    limits.mail_window_bytes = 256 + 64 * usize::from(page);
    limits.page_bytes = 128 + 16 * usize::from(page);
    limits.commit_bytes_max = 256 + 64 * usize::from(commit);
    limits
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Options { scenario, persons, habits, storm, config, strength, mask, rule, files, .. } = self;
        writeln!(f, "world: {scenario:?}, {persons} persons {habits:?}, storm of {storm:?}")?;
        writeln!(f, "server: block duration {:?}, time-out {:?}", config.block_duration, config.timeout)?;
        writeln!(f, "{:?}", config.limits)?;
        writeln!(f, "network: {rule:?}")?;
        if let Some(files) = files {
            writeln!(f, "{files:?}")?;
        }
        write!(f, "faults at strength {strength}: {mask}")
    }
}
