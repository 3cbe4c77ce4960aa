//! Hosts that misbehave: they flood, babble, say nothing, read nothing, and try passwords.

use std::time::Duration;

use bytes::Bytes;
use starling_core::id::{MsgId, RequestId, Seq};
use starling_core::text::Text;
use starling_core::wire::{
    Frame, Hello, LoginName, LoginRefusal, Password, Phase, Reader, Request, ServerFrame, VERSION,
};

use super::{Stage, World};
use crate::checker::fact::Fact;
use crate::device;
use crate::fault::FaultKind;
use crate::network::{End, Far};
use crate::queue::Due;
use crate::tape::{RECORD_BYTES, scale};

/// A host that misbehaves in one way.
#[derive(Clone, Debug)]
pub(super) struct Rogue {
    kind: FaultKind,
    link: u32,
    /// The account that he has, or that he guesses at.
    user: u16,
    record: [u8; RECORD_BYTES],
    reader: Reader,
    online: bool,
    over: bool,
    turns: u32,
    /// What he sends a byte at a time.
    drops: Bytes,
}

/// What a host can do wrong.
const KINDS: [FaultKind; 9] = [
    FaultKind::NeverLogin,
    FaultKind::Garbage,
    FaultKind::Oversize,
    FaultKind::WrongState,
    FaultKind::Dribble,
    FaultKind::Guess,
    FaultKind::Flood,
    FaultKind::NeverRead,
    FaultKind::GarbageOnline,
];

impl World {
    /// Reads from the tape which host comes next, and when.
    pub(super) fn plan_rogue(&mut self, from: starling_core::time::Time) {
        let record = self.lanes.rogue.record();
        let [what, pause, who, strong, ..] = record;
        if what == 0 {
            return;
        }
        let kind = KINDS[usize::from(scale(what, 9)).min(KINDS.len() - 1)];
        let allowed = self.mask.has(kind) && u16::from(strong) <= 64 + u16::from(self.options.strength);
        let guesses = matches!(kind, FaultKind::Guess | FaultKind::Dribble);
        let users = if guesses { self.options.persons } else { self.options.rogues };
        let first = if guesses { 0 } else { self.options.persons };
        let user = first + u16::from(scale(who, u8::try_from(users).unwrap_or(u8::MAX)));
        let rogue = u32::try_from(self.rogues.len()).expect("few rogues");
        self.rogues.push(Rogue {
            kind,
            link: u32::MAX,
            user,
            record,
            reader: Reader::new(),
            online: false,
            over: !allowed,
            turns: 0,
            drops: Bytes::new(),
        });
        let pause = Duration::from_millis(100) + Duration::from_millis(90) * u32::from(pause);
        self.queue.plan(from + pause, Due::Rogue { rogue });
    }

    /// A misbehaving host comes, or does the next thing.
    pub(super) fn rogue_acts(&mut self, rogue: u32) {
        if self.stage != Stage::Storm {
            return;
        }
        let at = rogue as usize;
        if self.rogues[at].link != u32::MAX {
            return self.rogue_goes_on(rogue);
        }
        self.plan_rogue(self.now);
        if self.rogues[at].over {
            self.rogues[at].link = 0;
            return;
        }
        let link = self.net.add(Far::Rogue(rogue));
        self.rogues[at].link = link;
        self.tally.sessions += 1;
        self.strike(self.rogues[at].kind, Some(self.rogues[at].user));
        self.tell(&Fact::Started { link, user: None, device: u8::MAX });
        self.weather_over_connects(link);
        self.queue.plan(self.now + self.net.rule.latency, Due::Knock { link });
    }

    /// The connection of a misbehaving host is there, or not.
    pub(super) fn rogue_answered(&mut self, link: u32) {
        let Far::Rogue(rogue) = self.net.link(link).far else { return };
        let node = &mut self.rogues[rogue as usize];
        if self.net.link(link).conn.is_none() {
            node.over = true;
            return;
        }
        self.rogue_begins(rogue);
    }

    fn rogue_begins(&mut self, rogue: u32) {
        let Rogue { kind, record, .. } = self.rogues[rogue as usize];
        let [.., more, _, _, _] = record;
        let hello = Hello::Hello { version: VERSION, product: "rogue/0".into() }.frame();
        match kind {
            FaultKind::NeverLogin => {
                if more >= 128 {
                    self.rogue_sends(rogue, &[hello]);
                }
            }
            FaultKind::Garbage => {
                if more >= 128 {
                    self.rogue_sends(rogue, &[hello]);
                }
                self.rogue_babbles(rogue);
            }
            FaultKind::Oversize => {
                let head = [if more >= 128 { 1 } else { 2 }, 0xff, 0xff, 0xff];
                self.rogue_writes(rogue, Bytes::copy_from_slice(&head));
            }
            FaultKind::WrongState => {
                let who = Request::Who { request: RequestId(1) }.frame();
                let pong = ServerFrame::Pong { nonce: 7 }.frame();
                let frames = match more % 4 {
                    0 => [hello.clone(), hello],
                    1 => [hello, who],
                    2 => [who, hello],
                    _ => [pong, hello],
                };
                self.rogue_sends(rogue, &frames);
            }
            FaultKind::Dribble => {
                let login = self.rogue_login(rogue, b"wrong");
                let mut all = Vec::new();
                hello.encode_into(&mut all);
                login.encode_into(&mut all);
                self.rogues[rogue as usize].drops = Bytes::from(all);
                self.rogue_goes_on(rogue);
            }
            FaultKind::Guess => {
                let login = self.rogue_login(rogue, b"guess");
                self.rogue_sends(rogue, &[hello, login]);
            }
            _ => {
                let password = self.people.password(self.rogues[rogue as usize].user);
                let login = self.rogue_login(rogue, &password);
                self.rogue_sends(rogue, &[hello, login]);
            }
        }
    }

    fn rogue_login(&self, rogue: u32, password: &[u8]) -> Frame {
        let node = &self.rogues[rogue as usize];
        let name = Bytes::copy_from_slice(self.people.name(node.user).as_bytes());
        let name = LoginName::cut(name).expect("a name is not empty");
        let password = Password::cut(Bytes::copy_from_slice(password)).expect("a password is not empty");
        // Some claim to have seen letters that were never written.
        let seen = match node.record[7] {
            0..=199 => Seq::START,
            200..=229 => Seq::from_bits(u64::from(node.record[6]) << 41),
            _ => Seq::from_bits(u64::MAX >> 1),
        };
        // Some guess in the name of a device whose key they have not.
        let false_proof = node.kind == FaultKind::Guess && node.record[5] >= 224;
        let device = if false_proof { device::proof(node.user, 0, u32::MAX) } else { None };
        Hello::Login { name, password, seen, device }.frame()
    }

    /// The next turn of somebody who has several.
    fn rogue_goes_on(&mut self, rogue: u32) {
        let node = &mut self.rogues[rogue as usize];
        if node.over {
            return;
        }
        node.turns += 1;
        let Rogue { kind, record, turns, .. } = *node;
        let [.., more, speed, _, _] = record;
        match kind {
            FaultKind::Dribble => {
                let node = &mut self.rogues[rogue as usize];
                if node.drops.is_empty() {
                    return;
                }
                let drop = node.drops.split_to(1);
                self.rogue_writes(rogue, drop);
            }
            FaultKind::Flood if node.online => self.rogue_floods(rogue, u32::from(more) + 1),
            FaultKind::GarbageOnline if node.online => match more % 4 {
                0 => self.rogue_sends(rogue, &[Request::Ack { seq: Seq::from_bits(u64::MAX >> 1) }.frame()]),
                1 => self.rogue_sends(
                    rogue,
                    &[Hello::Ping { nonce: 1 }.frame(), ServerFrame::Pong { nonce: 2 }.frame()],
                ),
                _ => self.rogue_babbles(rogue),
            },
            _ => return,
        }
        let turns_max = if kind == FaultKind::Dribble { 200 } else { 6 };
        if turns < turns_max {
            let pause = Duration::from_millis(20) + Duration::from_millis(8) * u32::from(speed);
            self.queue.plan(self.now + pause, Due::Rogue { rogue });
        }
    }

    /// The server says something to a misbehaving host.
    pub(super) fn rogue_hears(&mut self, rogue: u32, bytes: Bytes) {
        self.tally.event(self.now, u64::from(rogue), 40, &[]);
        let mut reader = std::mem::take(&mut self.rogues[rogue as usize].reader);
        reader.feed(bytes);
        while let Ok(Some(raw)) = reader.next(Phase::FromServer) {
            match ServerFrame::decode(raw) {
                Ok(ServerFrame::Welcome { .. }) => self.rogue_is_in(rogue),
                Ok(ServerFrame::LoginRefused(LoginRefusal::TryAgain)) => self.rogue_tries_again(rogue),
                _ => {}
            }
        }
        self.rogues[rogue as usize].reader = reader;
    }

    fn rogue_is_in(&mut self, rogue: u32) {
        let node = &mut self.rogues[rogue as usize];
        node.online = true;
        let (kind, link) = (node.kind, node.link);
        if kind == FaultKind::NeverRead {
            self.net.link(link).down.set_unread(true);
            return;
        }
        self.queue.plan(self.now + Duration::from_millis(10), Due::Rogue { rogue });
    }

    fn rogue_tries_again(&mut self, rogue: u32) {
        let node = &mut self.rogues[rogue as usize];
        node.turns += 1;
        if node.kind == FaultKind::Guess
            && node.turns <= u32::from(node.record[4] % 4)
            && self.stage == Stage::Storm
        {
            let login = self.rogue_login(rogue, b"again");
            self.rogue_sends(rogue, &[login]);
        }
    }

    /// The server, or the network, ended the connection of a misbehaving host.
    pub(super) fn rogue_closed(&mut self, rogue: u32) {
        self.tally.event(self.now, u64::from(rogue), 41, &[]);
        let node = &mut self.rogues[rogue as usize];
        node.over = true;
        let link = node.link;
        self.net.link(link).up.finish(End::Fin, false);
        self.net.flush(link, true, self.now, &mut self.queue, &mut self.tally.faults);
    }

    fn rogue_floods(&mut self, rogue: u32, count: u32) {
        let user = self.rogues[rogue as usize].user;
        let turns = self.rogues[rogue as usize].turns;
        let mut frames = Vec::new();
        for n in 0..count {
            let request = RequestId(turns * 1_000 + n);
            let frame = match n % 8 {
                0 => {
                    let to = u16::try_from(n / 8 % u32::from(self.options.persons)).unwrap_or(0);
                    let (_, text) = self.words(user, Some(to), 20);
                    let id =
                        MsgId { instance: u64::MAX - u64::from(rogue), counter: u64::from(request.0) + 1 };
                    let text = Text::parse(text).expect("a text");
                    Request::Message { request, id, to: self.people.name(to), text }
                }
                1 => Request::Since { request, seconds: u64::from(n) },
                2 => Request::Ping { nonce: n },
                _ => Request::Who { request },
            };
            frames.push(frame.frame());
        }
        self.rogue_sends(rogue, &frames);
    }

    fn rogue_babbles(&mut self, rogue: u32) {
        let len = usize::from(self.lanes.rogue.byte()) + 1;
        let noise: Vec<u8> = (0..len).map(|_| self.lanes.rogue.byte()).collect();
        self.rogue_writes(rogue, Bytes::from(noise));
    }

    fn rogue_sends(&mut self, rogue: u32, frames: &[Frame]) {
        let len = frames.iter().map(Frame::len).sum();
        let bytes = self.net.bytes(len, |arena| frames.iter().for_each(|frame| frame.encode_into(arena)));
        self.rogue_writes(rogue, bytes);
    }

    fn rogue_writes(&mut self, rogue: u32, bytes: Bytes) {
        let link = self.rogues[rogue as usize].link;
        if !bytes.is_empty() && !self.rogues[rogue as usize].over {
            self.net.link(link).up.write(bytes);
            self.net.flush(link, true, self.now, &mut self.queue, &mut self.tally.faults);
        }
    }
}
