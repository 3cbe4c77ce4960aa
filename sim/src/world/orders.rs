//! What the server machine orders: frames, closes, checks and commits, and the end of each turn.

use std::time::Duration;

use bytes::Bytes;
use starling_core::id::ConnId;
use starling_core::server::{Action, Input};
use starling_core::time::Time;
use starling_core::wire::{Frame, HEAD_BYTES, RawFrame, ServerFrame};

use super::World;
use super::node::Verifying;
use crate::checker::fact::{Fact, number};
use crate::fault::FaultKind;
use crate::mark::Mark;
use crate::network::End;
use crate::queue::Due;

/// How long a closed connection may take to be read out.
const LINGER: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn perform(&mut self, action: Action) {
        match action {
            Action::Send { conn, frame } => self.send(conn, &frame),
            Action::SendMany { to, frame } => self.send_many(&to, &frame),
            Action::Pause { conn } => self.pause_reading(conn, true),
            Action::Resume { conn } => self.pause_reading(conn, false),
            Action::Close { conn, flush } => self.close(conn, flush),
            Action::Prove { .. } => unreachable!("a proof is looked at by whoever feeds the machine"),
            Action::Verify { account, ticket, name, password } => {
                let right = self.people.opens(name.as_bytes(), password.reveal());
                self.note(|_| format!("server -> Verify {{ {account:?}, {ticket:?} }}"));
                self.tell(&Fact::Verify { account, ticket });
                let delay = self.disk.verify_delay(self.mask);
                let order = u32::try_from(self.server.verifying.len()).expect("few orders");
                self.server.verifying.push(Some(Verifying { account, ticket, right }));
                self.queue.plan(self.now + delay, Due::Verified { order });
            }
            Action::Store(batch) => {
                self.note(|_| format!("server -> Store {:?} of {} writes", batch.key, batch.writes.len()));
                self.order_batch(batch);
            }
            Action::Load(order) => {
                self.note(|_| format!("server -> {order:?}"));
                self.order_page(order);
            }
            Action::Stopped => self.stopped(),
        }
    }

    fn send(&mut self, conn: ConnId, frame: &Frame) {
        let Some(link) = self.addressed(conn, "Send") else { return };
        let bytes = self.net.bytes(frame.len(), |arena| frame.encode_into(arena));
        let Some(frame) = self.reread(frame, &bytes) else { return };
        self.note(|_| format!("server -> link {link}: {frame:?}"));
        self.tell(&Fact::Told { link, frame: &frame });
        self.write_down(conn, link, bytes);
    }

    fn send_many(&mut self, to: &[ConnId], frame: &Frame) {
        let bytes = self.net.bytes(frame.len(), |arena| frame.encode_into(arena));
        let Some(frame) = self.reread(frame, &bytes) else { return };
        let mut links = std::mem::take(&mut self.server.links);
        for conn in to {
            let Some(link) = self.addressed(*conn, "SendMany") else { return };
            self.note(|_| format!("server -> link {link}: {frame:?}"));
            links.push(link);
            self.write_down(*conn, link, bytes.clone());
        }
        match &frame {
            ServerFrame::Cast { from, text } => {
                self.tell(&Fact::Cast { links: &links, from: *from, tag: number(text.bytes()) });
            }
            frame => links.iter().for_each(|link| self.tell(&Fact::Told { link: *link, frame })),
        }
        links.clear();
        self.server.links = links;
    }

    /// What the other side will read.
    fn reread(&mut self, frame: &Frame, bytes: &Bytes) -> Option<ServerFrame> {
        let decoded = ServerFrame::decode(RawFrame { kind: frame.kind(), body: bytes.slice(HEAD_BYTES..) });
        if decoded.is_err() {
            self.judge.accuse(self.now, "wire", format!("{frame:?} cannot be read: {decoded:?}"));
        }
        decoded.ok()
    }

    fn addressed(&mut self, conn: ConnId, what: &str) -> Option<u32> {
        let link = self.server.link(conn);
        if link.is_none() {
            self.judge.accuse(self.now, "session", format!("{what} for {conn:?}, which is closed"));
        }
        link
    }

    fn write_down(&mut self, conn: ConnId, link: u32, bytes: Bytes) {
        self.net.link(link).down.write(bytes);
        let slot = &mut self.server.slots[conn.index()];
        if !slot.dirty {
            slot.dirty = true;
            self.server.dirty.push(conn.slot);
        }
    }

    fn pause_reading(&mut self, conn: ConnId, on: bool) {
        let Some(link) = self.addressed(conn, "Pause or Resume") else { return };
        self.note(|_| format!("server -> link {link}: {}", if on { "Pause" } else { "Resume" }));
        self.judge.book.marks.reach(if on { Mark::Throttled } else { Mark::Resumed });
        self.tell(&Fact::Paused { link, on });
        self.net.link(link).up.set_unread(on);
        self.net.plan(link, true, self.now, &mut self.queue);
    }

    fn close(&mut self, conn: ConnId, flush: bool) {
        let Some(link) = self.addressed(conn, "Close") else { return };
        self.note(|_| format!("server -> link {link}: Close {{ flush: {flush} }}"));
        self.tell(&Fact::Shut { link, flush });
        self.server.release(conn);
        let rude = self.mask.has(FaultKind::RudeClose);
        let entry = self.net.link(link);
        entry.conn = None;
        let unread = entry.up.is_busy();
        entry.up.deafen();
        if rude && unread && entry.down.is_busy() {
            let kept = usize::from(self.net.lane.word()) % (entry_bytes(&mut self.net, link) + 1);
            self.tally.faults.count(FaultKind::RudeClose);
            let entry = self.net.link(link);
            entry.down.reset(kept);
        } else {
            entry.down.finish(End::Fin, flush);
        }
        if self.flush_down(link) > 0 {
            self.queue.plan(self.now + LINGER, Due::Linger { link });
        }
    }

    // --- The end of a turn ---

    /// Writes out what was sent, tells the machine what was not taken, and sets the alarm.
    pub(super) fn settle(&mut self) {
        while let Some(slot) = self.server.dirty.pop() {
            let entry = &mut self.server.slots[slot as usize];
            entry.dirty = false;
            let (link, generation) = (entry.link, entry.generation);
            if let Some(link) = link {
                let left = self.flush_down(link);
                self.report_unread(ConnId { slot, generation }, link, left);
            }
        }
        self.set_alarm();
    }

    pub(super) fn flush_down(&mut self, link: u32) -> usize {
        self.net.flush(link, false, self.now, &mut self.queue, &mut self.tally.faults)
    }

    fn report_unread(&mut self, conn: ConnId, link: u32, left: usize) {
        let bytes = u32::try_from(left).unwrap_or(u32::MAX);
        let told = &mut self.server.slots[conn.index()].unread;
        if *told != bytes {
            *told = bytes;
            self.feed(Input::Unread { conn, bytes }, Some(link));
        }
    }

    /// The peer has read something: more can be written.
    pub(super) fn drained(&mut self, link: u32) {
        if self.net.link(link).down.waiting_bytes() == 0 {
            return;
        }
        let left = self.flush_down(link);
        if let Some(conn) = self.net.link(link).conn {
            self.report_unread(conn, link, left);
            self.settle();
        }
    }

    fn set_alarm(&mut self) {
        let Some(deadline) = self.server.machine.as_ref().and_then(|machine| machine.deadline()) else {
            return;
        };
        if deadline == Time::NEVER {
            return;
        }
        let mut at = self.server.clock.world(deadline).max(self.now);
        if self.server.alarm.is_some_and(|planned| planned <= at) {
            return;
        }
        if self.mask.has(FaultKind::LateAlarm) && self.lanes.clock.chance(8) {
            at = at + Duration::from_millis(4) * u32::from(self.lanes.clock.byte());
            self.tally.faults.count(FaultKind::LateAlarm);
        }
        // However late, an alarm that is set is not put off.
        if self.server.alarm.is_none_or(|planned| at < planned) {
            self.server.alarm = Some(at);
            self.queue.plan(at, Due::ServerAlarm);
        }
    }
}

/// Bytes that are under way down a link.
fn entry_bytes(net: &mut crate::network::Network, link: u32) -> usize {
    net.link(link).down.under_way()
}
