//! What persons do: decisions from their lanes, turned into typed lines, kills and new clients.

use std::time::Duration;

use bytes::Bytes;
use starling_core::client::Input;
use starling_core::name::AccountName;
use starling_core::time::Time;

use super::client::Typed;
use super::{Stage, World};
use crate::checker::fact::{Command, Target};
use crate::checker::said::DEVICES;
use crate::fault::FaultKind;
use crate::options::Scenario;
use crate::person::{Entry, Verb, pause};
use crate::queue::Due;
use crate::story::Deed;
use crate::tape::{RECORD_BYTES, scale};

/// How long somebody waits before he looks again whether he is welcome.
const PATIENCE: Duration = Duration::from_millis(200);
/// Names that nobody has.
const STRANGERS: [&str; 3] = ["bob", "nobody", "Hans"];

impl World {
    /// A person does the next thing.
    pub(super) fn person_acts(&mut self, person: u32) {
        if self.stage != Stage::Storm {
            return;
        }
        match self.options.scenario {
            Scenario::Busy => return self.busy(person),
            Scenario::Idle => return self.idle(person),
            Scenario::Storm | Scenario::Calm => {}
        }
        let lane = &mut self.persons[person as usize];
        let record = match lane.next.take() {
            Some(record) => record,
            None => lane.lane.record(),
        };
        let verb = self.habit(person).verb(record[0]);
        if record[0] == 0 || verb == Verb::Rest {
            self.persons[person as usize].resting = true;
            return;
        }
        let client = self.live_client(person);
        let wait = match client {
            None => {
                self.enter(person, record);
                Duration::ZERO
            }
            Some(client) => match self.act(person, client, verb, record) {
                Ok(wait) => wait,
                Err(later) => {
                    self.persons[person as usize].next = Some(record);
                    return self.queue.plan(later, Due::Person { person });
                }
            },
        };
        let pause = pause(self.longest_pause(record), record[1]) + wait;
        self.queue.plan(self.now + pause, Due::Person { person });
    }

    pub(super) fn live_client(&self, person: u32) -> Option<u32> {
        self.persons[person as usize].client.filter(|client| self.clients[*client as usize].is_alive())
    }

    // --- Logging in ---

    fn enter(&mut self, person: u32, record: [u8; RECORD_BYTES]) {
        let [_, _, what, more, device, ..] = record;
        let entry = Entry::of(self.habit(person), what, more);
        let device = self.free_device(person, u8::from(device >= 208));
        self.enter_as(person, entry, device);
    }

    /// A device of the person on which no client of his runs; on the last one he ends it.
    fn free_device(&mut self, person: u32, wanted: u8) -> u8 {
        let devices = u8::try_from(DEVICES).unwrap_or(1);
        let order = (0..devices).map(|n| (wanted + n) % devices);
        if let Some(free) = order.into_iter().find(|device| self.running_on(person, *device).is_none()) {
            return free;
        }
        if let Some(client) = self.running_on(person, wanted) {
            self.end_client(client, None, true);
        }
        wanted
    }

    fn running_on(&self, person: u32, device: u8) -> Option<u32> {
        let node = &self.persons[person as usize];
        node.older.iter().chain(&node.client).copied().find(|client| {
            let client = &self.clients[*client as usize];
            client.is_alive() && client.device == device
        })
    }

    pub(super) fn enter_as(&mut self, person: u32, entry: Entry, device: u8) {
        let user = self.persons[person as usize].user;
        self.step(Some(user), Deed::Enter(entry, device));
        let older = self.live_client(person);
        let client = self.start_client(person, device);
        let node = &mut self.persons[person as usize];
        node.older.extend(older);
        node.client = Some(client);
        let name = Bytes::copy_from_slice(self.people.name(user).as_bytes());
        let right = self.people.password(user);
        let lines = match entry {
            Entry::Right | Entry::AndGone => vec![name, right],
            Entry::Wrong(times) => {
                let wrong = (0..times).map(|_| Bytes::from_static(b"wrong"));
                [name].into_iter().chain(wrong).chain([right]).collect()
            }
            Entry::AtLockEnd(_) => vec![name, right],
            Entry::Stranger(which) => {
                let name = Bytes::from_static(STRANGERS[usize::from(which) % STRANGERS.len()].as_bytes());
                let guess = Bytes::from_static(b"guess");
                vec![name, guess.clone(), guess.clone(), guess]
            }
            Entry::Mute => Vec::new(),
            Entry::Empty => vec![Bytes::new(), name, Bytes::new(), right],
        };
        let aim = self.aim(user, entry);
        let last = lines.len().saturating_sub(1);
        let typed = lines.into_iter().enumerate();
        let typed = typed.map(|(at, bytes)| Typed { bytes, command: None, aim: aim.filter(|_| at == last) });
        self.clients[client as usize].lines.extend(typed);
        if entry == Entry::AndGone {
            self.clients[client as usize].ended = true;
        }
    }

    /// The moment at which a login is to reach the server.
    fn aim(&self, user: u16, entry: Entry) -> Option<Time> {
        let Entry::AtLockEnd(beside) = entry else { return None };
        let end = self.judge.locks.end(AccountName::from(self.people.name(user)))?;
        Some(beside_of(self.server.clock.world(end), beside))
    }

    // --- At a running client ---

    /// Does what a record says. If the person has to wait for a welcome, says until when.
    fn act(
        &mut self,
        person: u32,
        client: u32,
        verb: Verb,
        record: [u8; RECORD_BYTES],
    ) -> Result<Duration, Time> {
        let [_, _, what, more, ..] = record;
        let user = self.persons[person as usize].user;
        if let Some(kind) = fault_of(verb)
            && self.mask.has(kind)
        {
            self.harm(person, client, verb, what);
            return Ok(Duration::ZERO);
        }
        match verb {
            Verb::Interrupt => {
                self.step(Some(user), Deed::Do(verb));
                self.feed_client(client, Input::Interrupted);
                return Ok(Duration::ZERO);
            }
            Verb::End => {
                self.step(Some(user), Deed::Do(verb));
                self.clients[client as usize].ended = true;
                self.poke(client);
                return Ok(Duration::ZERO);
            }
            Verb::Second => {
                let device = self.free_device(person, 1);
                self.enter_as(person, Entry::Right, device);
                return Ok(Duration::ZERO);
            }
            _ => {}
        }
        if !self.clients[client as usize].welcomed {
            return Err(self.now + PATIENCE);
        }
        let about_files = self.file_commands(verb, record);
        if !about_files.is_empty() {
            about_files.into_iter().for_each(|command| self.type_command(client, user, command, &[], None));
            return Ok(Duration::ZERO);
        }
        let to = self.target(what);
        match verb {
            Verb::Paste => {
                // What the client answers itself is not slowed down where it is typed, only where it is heard.
                let to = if to == Target::Impossible { Target::Nobody } else { to };
                for _ in 0..=more {
                    self.say(client, user, to, 4, None);
                }
            }
            Verb::Long => self.say(client, user, to, 60 * usize::from(more) + 1_000, None),
            Verb::Late => return Ok(self.type_late(client, user, more)),
            _ => self.type_plain(client, user, verb, to, more, None),
        }
        Ok(Duration::ZERO)
    }

    fn type_plain(&mut self, client: u32, user: u16, verb: Verb, to: Target, more: u8, aim: Option<Time>) {
        match verb {
            Verb::Who => self.type_command(client, user, Command::Who, &[], aim),
            Verb::Cast => {
                let (tag, text) = self.words(user, None, usize::from(more / 4));
                self.type_command(client, user, Command::Broadcast(tag), &text, aim);
            }
            Verb::Since => {
                let seconds = if more > 250 { u64::MAX } else { u64::from(more) / 2 };
                self.type_command(client, user, Command::Since(seconds), &[], aim);
            }
            Verb::Slip => {
                let slip = scale(more, u8::try_from(Command::SLIPS.len()).unwrap_or(u8::MAX));
                self.type_command(client, user, Command::Slip(slip), &[], aim);
            }
            Verb::Block | Verb::Unblock => {
                self.type_command(client, user, Command::Block(to, verb == Verb::Block), &[], aim);
            }
            // To others there are answers that do not tell which command they are for.
            Verb::Start | Verb::Stop | Verb::Whisper if matches!(to, Target::User(other) if other != user) => {
                self.type_private(client, user, verb, to, more);
            }
            Verb::Logout => self.type_command(client, user, Command::Logout, &[], aim),
            _ => self.say(client, user, to, usize::from(more / 4), aim),
        }
    }

    fn type_private(&mut self, client: u32, user: u16, verb: Verb, other: Target, more: u8) {
        match verb {
            Verb::Start => self.type_command(client, user, Command::Start(other), &[], None),
            Verb::Stop => self.type_command(client, user, Command::Stop(other), &[], None),
            _ => {
                let (tag, text) = self.numbered(usize::from(more / 4));
                self.type_command(client, user, Command::Whisper(other, tag), &text, None);
            }
        }
    }

    fn say(&mut self, client: u32, user: u16, to: Target, bytes: usize, aim: Option<Time>) {
        let receiver = match to {
            Target::User(to) => Some(to),
            Target::Nobody | Target::Impossible => None,
        };
        let (tag, text) = self.words(user, receiver, bytes);
        self.type_command(client, user, Command::Message(to, tag), &text, aim);
    }

    fn type_command(&mut self, client: u32, user: u16, command: Command, text: &[u8], aim: Option<Time>) {
        self.step(Some(user), Deed::Type(command));
        let line = self.line(command, text, aim);
        self.clients[client as usize].lines.push_back(line);
        self.poke(client);
    }

    /// Types something that reaches the server when its user is timed out, or right beside it.
    fn type_late(&mut self, client: u32, user: u16, more: u8) -> Duration {
        let link = self.clients[client as usize].link;
        let sight = self.judge.book.sight(link);
        if !sight.open || sight.user != Some(user) {
            return Duration::ZERO;
        }
        let end = self.server.clock.world(sight.active + self.options.config.timeout);
        let aim = beside_of(end, i8::try_from(scale(more, 3)).unwrap_or(0) - 1);
        self.step(Some(user), Deed::Do(Verb::Late));
        self.type_plain(client, user, Verb::Who, Target::Nobody, 0, Some(aim));
        aim.since(self.now)
    }

    /// The client looks at its input.
    pub(super) fn poke(&mut self, client: u32) {
        let node = &self.clients[client as usize];
        let wants = node.machine.as_ref().is_some_and(|machine| machine.wants_line());
        if wants && node.asleep.is_none_or(|until| until <= self.now) {
            self.take_lines(client);
        }
    }

    /// Whom a byte means.
    fn target(&self, byte: u8) -> Target {
        let users = u8::try_from(self.people.count()).unwrap_or(u8::MAX - 2);
        let which = scale(byte, users + 2);
        match which {
            which if which < users => Target::User(u16::from(which)),
            which if which == users => Target::Nobody,
            _ => Target::Impossible,
        }
    }

    // --- Harm ---

    fn harm(&mut self, person: u32, client: u32, verb: Verb, what: u8) {
        let user = Some(self.persons[person as usize].user);
        match verb {
            Verb::Kill => {
                self.strike(FaultKind::ClientKill, user);
                self.end_client(client, None, true);
            }
            Verb::Power => {
                self.strike(FaultKind::ClientPower, user);
                self.end_client(client, None, false);
            }
            Verb::KillAtNote => {
                self.step(user, Deed::Do(verb));
                self.clients[client as usize].killed_at_note = true;
            }
            Verb::Sleep => {
                self.strike(FaultKind::ReaderStall, user);
                self.put_to_sleep(client, Duration::from_millis(150) * u32::from(what));
            }
            _ => {
                self.strike(FaultKind::HalfOpen, user);
                let link = self.net.link(self.clients[client as usize].link);
                link.up.hold(Time::NEVER);
                link.down.hold(Time::NEVER);
                let device = self.free_device(person, 1);
                self.enter_as(person, Entry::Right, device);
            }
        }
    }

    // --- Worlds for measuring ---

    /// A message a second and a broadcast every ten.
    fn busy(&mut self, person: u32) {
        let user = self.persons[person as usize].user;
        let second = self.persons[person as usize].lane.position();
        self.persons[person as usize].lane.byte();
        match self.live_client(person) {
            None => self.enter_as(person, Entry::Right, 0),
            Some(client) if self.clients[client as usize].welcomed => {
                let persons = usize::from(self.options.persons);
                let to = (usize::from(user) + 1 + second % (persons - 1)) % persons;
                let to = Target::User(u16::try_from(to).unwrap_or(0));
                self.say(client, user, to, 90, None);
                if second % 10 == usize::from(user) % 10 {
                    self.type_plain(client, user, Verb::Cast, to, 255, None);
                }
            }
            Some(_) => {}
        }
        self.steps.clear();
        self.queue.plan(self.now + Duration::from_secs(1), Due::Person { person });
    }

    /// A login, and silence.
    fn idle(&mut self, person: u32) {
        self.enter_as(person, Entry::Right, 0);
    }
}

/// The microsecond of a moment, or one beside it.
fn beside_of(at: Time, beside: i8) -> Time {
    Time::from_micros(at.as_micros().saturating_add_signed(i64::from(beside)))
}

/// The fault that a verb is, if it is one.
fn fault_of(verb: Verb) -> Option<FaultKind> {
    Some(match verb {
        Verb::Kill => FaultKind::ClientKill,
        Verb::Power => FaultKind::ClientPower,
        Verb::KillAtNote => FaultKind::KillAtNote,
        Verb::Sleep => FaultKind::ReaderStall,
        Verb::Abandon => FaultKind::HalfOpen,
        _ => return None,
    })
}
