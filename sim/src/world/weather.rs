//! Storms over the network: what holds links up, and what breaks them.

use std::time::Duration;

use super::{Stage, World};
use crate::fault::FaultKind;
use crate::queue::Due;
use crate::tape::scale;

/// What a storm can be.
const STORMS: [FaultKind; 6] = [
    FaultKind::WriterStall,
    FaultKind::BlackHole,
    FaultKind::Partition,
    FaultKind::ResetMidway,
    FaultKind::ResetUndelivered,
    FaultKind::Hanging,
];

impl World {
    /// The next storm, as the tape says.
    pub(super) fn weather(&mut self) {
        if self.stage != Stage::Storm {
            return;
        }
        let [what, pause, who, span, more, strong, ..] = self.lanes.weather.record();
        if what == 0 {
            return;
        }
        let rest = Duration::from_millis(50) + Duration::from_millis(80) * u32::from(pause);
        self.queue.plan(self.now + rest, Due::Weather);
        if u16::from(strong) > 64 + u16::from(self.options.strength) {
            return;
        }
        let kind = STORMS[usize::from(scale(what, 6)).min(STORMS.len() - 1)];
        let person = u32::from(scale(who, u8::try_from(self.persons.len()).unwrap_or(u8::MAX)));
        if self.mask.has(kind) {
            self.storm(kind, person, span, more);
        }
    }

    fn storm(&mut self, kind: FaultKind, person: u32, span: u8, more: u8) {
        let client = self.persons[person as usize].client;
        let Some(node) = client.map(|client| &self.clients[client as usize]) else { return };
        // Connections to other clients are under the same sky.
        let links: Vec<u32> =
            [node.link].into_iter().chain(node.meetings.lines().iter().map(|line| line.0)).collect();
        let link = links[usize::from(more / 2) % links.len()];
        let user = Some(self.persons[person as usize].user);
        let brief = self.now + Duration::from_millis(25) * u32::from(span);
        let long = self.now + Duration::from_millis(160) * u32::from(span);
        let up = more.is_multiple_of(2);
        match kind {
            FaultKind::WriterStall => self.net.link(link).up.hold(brief),
            FaultKind::BlackHole => self.net.link(link).pipe(up).hold(long),
            FaultKind::Partition => {
                let clients = self.clients.iter().filter(|client| client.person == person);
                let links: Vec<u32> = clients.map(|client| client.link).collect();
                for link in links {
                    let link = self.net.link(link);
                    link.pipe(up).hold(long);
                    link.knock_held = long;
                }
            }
            FaultKind::Hanging => self.connects_held = brief,
            FaultKind::ResetMidway => self.break_link(link, 1 + usize::from(more)),
            _ => self.break_link(link, 0),
        }
        self.strike(kind, user.filter(|_| kind != FaultKind::Hanging));
    }

    /// A request to connect meets the weather.
    pub(super) fn weather_over_connects(&mut self, link: u32) -> Duration {
        let held = self.connects_held;
        if held > self.now {
            self.net.link(link).knock_held = held;
        }
        Duration::ZERO
    }

    /// A connection breaks: of what is under way only `kept` bytes arrive at either side.
    pub(super) fn break_link(&mut self, link: u32, kept: usize) {
        for up in [true, false] {
            let pipe = self.net.link(link).pipe(up);
            if !pipe.is_over() {
                pipe.reset(kept);
                self.net.flush(link, up, self.now, &mut self.queue, &mut self.tally.faults);
            }
        }
    }
}
