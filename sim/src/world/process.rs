//! Blows to the server process: kills, power cuts, stops, and how it starts again.

use std::time::Duration;

use starling_core::seed::Seed;
use starling_core::server::{Input, Server};
use starling_core::time::Time;

use super::{Stage, World};
use crate::checker::fact::Fact;
use crate::clock::Clock;
use crate::fault::FaultKind;
use crate::mark::Mark;
use crate::network::End;
use crate::queue::Due;
use crate::story::Deed;

/// How soon a stopping server is gone, whatever it still waits for.
const STOP_MAX: Duration = Duration::from_secs(5);

impl World {
    /// A new life of the server begins.
    pub(super) fn start_server(&mut self) {
        let moment = self.moment();
        let config = self.options.config.clone();
        let snapshot = self.disk.store.open(self.people.names(), moment, config.block_duration);
        self.judge.book.now = moment.now;
        let rebooted = std::mem::take(&mut self.server.rebooting);
        self.note(|_| format!("server begins its life {:?} at {}", snapshot.epoch, moment.now));
        self.tell(&Fact::Began { snapshot: &snapshot, rebooted });
        let machine = Server::recover(config, Seed::from(u64::from(snapshot.epoch.0)), &snapshot, moment.now);
        machine.check();
        self.server.machine = Some(machine);
        self.server.listening = true;
        self.deliver_stale();
        self.settle();
    }

    /// The next blow, as the tape says.
    pub(super) fn process(&mut self) {
        if self.stage != Stage::Storm {
            return;
        }
        let [what, pause, down, jump, ..] = self.lanes.process.record();
        if what == 0 {
            return;
        }
        // The first record only says when the first blow falls.
        let rest = Duration::from_millis(400) * u32::from(pause) + Duration::from_millis(100);
        self.queue.plan(self.now + rest, Due::Process);
        if self.now > Time::ZERO && self.server.machine.is_some() && !self.server.stopping {
            self.blow(what, down, jump);
        }
    }

    fn blow(&mut self, what: u8, down: u8, jump: u8) {
        let strength = u16::from(self.options.strength);
        if u16::from(what) > 64 + strength {
            return;
        }
        let down = Duration::from_millis(5) + Duration::from_millis(20) * u32::from(down);
        match what % 4 {
            // At a step of the store: before it commits, or before it answers.
            0 if self.mask.has(FaultKind::ServerKill) => self.server.doomed = Some(jump % 2 == 1),
            1 if self.mask.has(FaultKind::ServerKill) => {
                self.strike(FaultKind::ServerKill, None);
                self.kill_server(true);
                self.queue.plan(self.now + down, Due::Restart);
            }
            2 if self.mask.has(FaultKind::ServerPower) => {
                self.strike(FaultKind::ServerPower, None);
                self.kill_server(false);
                self.reboot(jump);
                self.queue.plan(self.now + down, Due::Restart);
            }
            3 if self.mask.has(FaultKind::ServerStop) => {
                self.strike(FaultKind::ServerStop, None);
                self.stop_server();
            }
            _ => {}
        }
    }

    /// A server that is to be killed at a step of the store meets it.
    pub(super) fn doom(&mut self, committed: bool) -> bool {
        let doomed = self.server.doomed == Some(committed) && self.stage == Stage::Storm;
        if doomed {
            self.strike(FaultKind::ServerKill, None);
            self.kill_server(true);
            self.queue.plan(self.now + Duration::from_millis(300), Due::Restart);
        }
        doomed
    }

    /// The process is gone. Its system closes its connections, unless that is gone, too.
    pub(super) fn kill_server(&mut self, politely: bool) {
        self.check();
        self.tell(&Fact::Crashed);
        self.server.forget();
        self.abandon_orders();
        let links: Vec<u32> =
            self.net.links().filter(|(_, link)| link.conn.is_some()).map(|(number, _)| number).collect();
        for number in links {
            let link = self.net.link(number);
            link.conn = None;
            link.up.deafen();
            if politely {
                link.down.finish(End::Reset, false);
                self.flush_down(number);
            } else {
                link.down.hold(Time::NEVER);
            }
        }
    }

    /// The computer boots: its clock begins anew, and the wall clock may be wrong.
    fn reboot(&mut self, jump: u8) {
        self.server.boot += 1;
        self.server.rebooting = true;
        if self.mask.has(FaultKind::WallJump) && jump > 0 {
            self.tally.faults.count(FaultKind::WallJump);
            let span = u64::from(jump & 0x7f) * 7_000_000;
            self.disk.wall = if jump < 128 { self.disk.wall + span } else { self.disk.wall - span };
        }
    }

    /// The server starts again, if it is down.
    pub(super) fn restart(&mut self) {
        if self.server.machine.is_some() {
            // It was to be gone by now; its operator waits no longer.
            if !self.server.stopping {
                return;
            }
            self.kill_server(true);
        }
        self.step(None, Deed::Restart);
        if self.server.rebooting {
            self.server.clock = Clock::started(BOOTED, self.now);
        }
        self.start_server();
    }

    /// The operator wants the server to stop; it starts again afterwards.
    pub(super) fn stop_server(&mut self) {
        self.server.stopping = true;
        self.server.listening = false;
        self.queue.plan(self.now + STOP_MAX, Due::Restart);
        self.feed(Input::Stop, None);
        self.settle();
    }

    /// The machine says that everything is told and stored.
    pub(super) fn stopped(&mut self) {
        self.note(|_| "server -> Stopped".into());
        self.judge.book.marks.reach(Mark::Stopped);
        let online = self.judge.book.online.iter().flatten().count();
        if online > 0 {
            self.judge.accuse(
                self.now,
                "stop",
                format!("{online} persons are online when the server has stopped"),
            );
        }
        // What it had to say is under way; the process ends with this turn.
        self.queue.plan(self.now + Duration::from_millis(50), Due::Restart);
    }
}

/// What the clock of a computer shows when its server starts after a boot: less than before, as a rule.
const BOOTED: Time = Time::from_secs(3);
