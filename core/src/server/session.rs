//! One connection: what its peer may say now, how fast, and by when.
//!
//! A session speaks for its connection only. It counts no failure, knows no block and no mailbox: what
//! a person wants is put into an envelope for his home.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::IpAddr;
use core::time::Duration;

use bytes::Bytes;

use super::action::Action;
use super::addresses::Network;
use super::config::planted;
use super::cx::{Cx, Sleeper};
use super::envelope::{Knock, ToDoor, ToHome, ToSession};
use super::probe::Probe;
use super::wish::{Wish, has_a_turn, is_activity, wish_of};
use crate::bucket::{Bucket, Rate};
use crate::device::DeviceProof;
use crate::id::{ConnId, Epoch, ServerId, UserId};
use crate::name::Name;
use crate::time::{Time, micros};
use crate::wire::{
    Farewell, Frame, Greeting, Hello, Kind, LoginRefusal, PeerFault, Phase, Reader, Request, ServerFrame,
    VERSION,
};

/// What the server calls itself.
const PRODUCT: &str = concat!("starling/", env!("CARGO_PKG_VERSION"));

/// Who the server says it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    pub(crate) server: ServerId,
    pub(crate) epoch: Epoch,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    conn: ConnId,
    from: IpAddr,
    reader: Reader,
    stage: Stage,
    /// When something last came.
    heard: Time,
    /// Bytes that the peer's system has not taken, and since when it took none.
    unread: u32,
    stuck_since: Time,
    /// The driver was told not to read.
    paused: bool,
    /// An attempt whose device is being proven: until then it is nobody's.
    proving: Option<Box<Knock>>,
    /// Requests that wait for the mail to be sent.
    early: Vec<Request>,
    armed: Option<Time>,
}

/// What the peer may say.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// It has said nothing.
    Silent { deadline: Time, hello_deadline: Time },
    /// It has said hello and may log in.
    Greeted { deadline: Time },
    /// An attempt is under way; nothing may be said but signs of life.
    Knocking { deadline: Time },
    /// Somebody is logged in.
    Online(Online),
}

#[derive(Clone, Copy, Debug)]
struct Online {
    user: UserId,
    /// When he last did something.
    active: Time,
    bucket: Bucket,
    /// Too fast: what he sent waits until then.
    throttled: Option<Time>,
    /// Another login waits for whether anybody is there.
    probed: Option<Probe>,
    /// The mail that was there at the login has been sent.
    open: bool,
    /// It has said where it listens.
    told: bool,
}

/// What one look into the reader brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Something,
    Nothing,
    Goodbye,
}

/// What became of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    Goes,
    Over,
}

impl Session {
    pub(crate) fn open(conn: ConnId, from: IpAddr, cx: &mut Cx<'_>) -> Session {
        let deadline = cx.now + cx.config.limits.login_deadline;
        let hello_deadline = deadline.min(cx.now + cx.config.limits.hello_deadline);
        let mut session = Session {
            conn,
            from,
            reader: Reader::new(),
            stage: Stage::Silent { deadline, hello_deadline },
            heard: cx.now,
            unread: 0,
            stuck_since: cx.now,
            paused: false,
            proving: None,
            early: Vec::new(),
            armed: None,
        };
        session.arm(cx);
        session
    }

    /// Who is logged in.
    pub(crate) fn user(&self) -> Option<UserId> {
        match self.stage {
            Stage::Online(online) => Some(online.user),
            _ => None,
        }
    }

    pub(crate) fn received(&mut self, bytes: Bytes, identity: Identity, cx: &mut Cx<'_>) -> Life {
        self.heard = cx.now;
        if let Stage::Online(online) = &mut self.stage
            && online.probed.take_if(|probe| probe.is_answered_by_anything()).is_some()
        {
            cx.tell_home(online.user, ToHome::Alive { conn: self.conn });
        }
        self.reader.feed(bytes);
        self.advance(identity, cx)
    }

    /// Handles what has been received, as far as the peer may go now.
    fn advance(&mut self, identity: Identity, cx: &mut Cx<'_>) -> Life {
        let life = loop {
            if self.held_back(cx) {
                break Life::Goes;
            }
            match self.next(identity, cx) {
                Ok(Said::Something) => {}
                Ok(Said::Nothing) => break Life::Goes,
                Ok(Said::Goodbye) => break self.close(true, cx),
                Err(fault) => break self.fault(fault, cx),
            }
        };
        match life {
            Life::Goes => self.settle(cx),
            Life::Over => Life::Over,
        }
    }

    /// The peer must wait: it is too fast, or does not read what it gets.
    fn held_back(&self, cx: &Cx<'_>) -> bool {
        let throttled =
            matches!(self.stage, Stage::Online(Online { throttled: Some(until), .. }) if until > cx.now);
        throttled || self.unread > cx.config.limits.unread_soft_bytes
    }

    /// Handles one frame, if there is one.
    fn next(&mut self, identity: Identity, cx: &mut Cx<'_>) -> Result<Said, PeerFault> {
        let phase = match self.stage {
            Stage::Online(_) => Phase::Online,
            _ => Phase::BeforeLogin,
        };
        if let Stage::Online(online) = &mut self.stage {
            online.throttled = None;
        }
        let Some(raw) = self.reader.next(phase)? else { return Ok(Said::Nothing) };
        match phase {
            Phase::Online => self.request(Request::decode(raw)?, cx),
            _ => self.hello(Hello::decode(raw)?, identity, cx).map(|()| Said::Something),
        }
    }

    fn hello(&mut self, hello: Hello, identity: Identity, cx: &mut Cx<'_>) -> Result<(), PeerFault> {
        match (self.stage, hello) {
            (Stage::Silent { deadline, .. }, Hello::Hello { version, .. }) => {
                if version != VERSION {
                    return Err(PeerFault::Version);
                }
                let Identity { server, epoch } = identity;
                let greeting = Greeting { version: VERSION, product: PRODUCT.into(), server, epoch };
                cx.send(self.conn, ServerFrame::Greeting(greeting).frame());
                self.stage = Stage::Greeted { deadline };
                Ok(())
            }
            (Stage::Silent { .. }, _) => Err(PeerFault::NotStarling),
            (Stage::Greeted { deadline }, Hello::Login { name, password, seen, device }) => {
                self.stage = Stage::Knocking { deadline };
                let key = device.map(|proof| proof.key);
                let knock = Knock { conn: self.conn, name, password, seen, device: key };
                self.knock(knock, device, cx);
                Ok(())
            }
            (_, Hello::Ping { nonce }) => {
                cx.send(self.conn, ServerFrame::Pong { nonce }.frame());
                Ok(())
            }
            (_, Hello::Pong { .. }) => Ok(()),
            (_, Hello::Hello { .. } | Hello::Login { .. }) => Err(PeerFault::OutOfState),
        }
    }

    /// An attempt to log in. Its proof comes first: a door must know the device before it decides whether it
    /// is locked, and an attempt with a false proof counts for nobody.
    fn knock(&mut self, knock: Knock, proof: Option<DeviceProof>, cx: &mut Cx<'_>) {
        if !cx.may_attempt(Network::of(self.from)) {
            return cx.tell_session(self.conn, ToSession::Refuse(LoginRefusal::Busy));
        }
        match proof {
            None => cx.tell_door(ToDoor::Knock(knock)),
            Some(proof) => {
                self.proving = Some(Box::new(knock));
                cx.out.push(Action::Prove { conn: self.conn, proof });
            }
        }
    }

    /// The answer to an order to prove.
    pub(crate) fn proven(&mut self, holds: bool, cx: &mut Cx<'_>) -> Life {
        let Some(knock) = self.proving.take() else { return Life::Goes };
        if !holds {
            return self.fault(PeerFault::BadProof, cx);
        }
        cx.tell_door(ToDoor::Knock(*knock));
        Life::Goes
    }

    /// A request came. One that has a turn waits until the mail that was there at the login has been sent.
    fn request(&mut self, request: Request, cx: &mut Cx<'_>) -> Result<Said, PeerFault> {
        let Stage::Online(online) = &mut self.stage else { return Err(PeerFault::OutOfState) };
        // An acknowledgement is paid for by the letter that it acknowledges, and the first word of where a client
        // listens by its login.
        let tells = matches!(request, Request::Reach(_)) && !core::mem::replace(&mut online.told, true);
        // What the server has asked for is paid for by whoever asked it.
        if !tells && !matches!(request, Request::Ack { .. } | Request::Offers(_)) {
            let limits = &cx.config.limits;
            let rate = Rate::new(limits.commands_burst, limits.commands_per_second);
            online.throttled = online.bucket.charge(cost(&request, cx), rate, cx.now);
        }
        if online.probed.take_if(|_| Probe::is_answered_by(&request, self.conn)).is_some() {
            cx.tell_home(online.user, ToHome::Alive { conn: self.conn });
        }
        if let Some(probe) = &mut online.probed {
            probe.put_off(cx.config.limits.probe, online.throttled);
        }
        if is_activity(&request) || planted!(cx.config, KeepAliveIsActivity) {
            online.active = cx.now;
        }
        if online.open || !has_a_turn(&request) {
            return Ok(self.grant(request, cx));
        }
        if self.early.len() >= cx.config.limits.under_way_max {
            return Err(PeerFault::TooMany);
        }
        self.early.push(request);
        Ok(Said::Something)
    }

    fn grant(&mut self, request: Request, cx: &mut Cx<'_>) -> Said {
        let Stage::Online(Online { user, .. }) = self.stage else { return Said::Nothing };
        match wish_of(request, user, self.conn, self.from) {
            Wish::Home(letter) => cx.tell_home(user, letter),
            Wish::Exchange(letter) => cx.tell_exchange(letter),
            Wish::Answer(frame) => cx.send(self.conn, frame),
            Wish::Nothing => {}
            Wish::Goodbye(frame) => {
                cx.send(self.conn, frame);
                return Said::Goodbye;
            }
        }
        Said::Something
    }

    /// The mail that was there at the login has been sent: requests are granted.
    fn open_up(&mut self, cx: &mut Cx<'_>) -> Life {
        if let Stage::Online(online) = &mut self.stage {
            online.open = true;
        }
        for request in core::mem::take(&mut self.early) {
            if self.grant(request, cx) == Said::Goodbye {
                return self.close(true, cx);
            }
        }
        Life::Goes
    }

    /// After what came was handled: who floods on although he must wait is cut; reading stops or goes on.
    fn settle(&mut self, cx: &mut Cx<'_>) -> Life {
        let held_back = self.held_back(cx);
        let patience = cx.config.limits.under_way_max;
        if held_back && self.reader.waiting_frames(patience + 1, Kind::is_request) > patience {
            return self.end(Farewell::TooManyCommands, cx);
        }
        if held_back {
            self.reader.let_go();
        }
        if held_back != self.paused {
            self.paused = held_back;
            // While it was not read, its silence said nothing.
            self.heard = cx.now;
            let conn = self.conn;
            cx.out.push(if held_back { Action::Pause { conn } } else { Action::Resume { conn } });
        }
        self.arm(cx);
        Life::Goes
    }

    pub(crate) fn unread(&mut self, bytes: u32, identity: Identity, cx: &mut Cx<'_>) -> Life {
        if bytes < self.unread || self.unread == 0 {
            self.stuck_since = cx.now;
        }
        self.unread = bytes;
        if bytes > cx.config.limits.unread_hard_bytes {
            return self.cut(cx);
        }
        if let Some(user) = self.user() {
            let on = bytes <= cx.config.limits.unread_soft_bytes;
            cx.tell_home(user, ToHome::Flow { conn: self.conn, on });
        }
        self.advance(identity, cx)
    }

    pub(crate) fn told(&mut self, letter: ToSession, cx: &mut Cx<'_>) -> Life {
        match letter {
            ToSession::Admit { user, name, bucket } => self.admit(user, name, bucket, cx),
            ToSession::Refuse(refusal) => self.refuse(refusal, cx),
            ToSession::Open => self.open_up(cx),
            ToSession::Probe => self.probe(cx),
            ToSession::Fault(fault) => self.fault(fault, cx),
            ToSession::End(farewell) => self.end(farewell, cx),
            ToSession::Reply { request, outcome } => {
                cx.send(self.conn, Frame::done(request, outcome));
                Life::Goes
            }
        }
    }

    fn admit(&mut self, user: UserId, name: Name, bucket: Bucket, cx: &mut Cx<'_>) -> Life {
        self.stage = Stage::Online(Online {
            user,
            active: cx.now,
            bucket,
            throttled: None,
            probed: None,
            open: false,
            told: false,
        });
        self.heard = cx.now;
        cx.send(self.conn, ServerFrame::Welcome { name }.frame());
        cx.tell_home(user, ToHome::Arrived { conn: self.conn });
        self.arm(cx);
        Life::Goes
    }

    fn refuse(&mut self, refusal: LoginRefusal, cx: &mut Cx<'_>) -> Life {
        cx.send(self.conn, ServerFrame::LoginRefused(refusal).frame());
        match (refusal, self.stage) {
            (LoginRefusal::TryAgain, Stage::Knocking { deadline }) => {
                self.stage = Stage::Greeted { deadline };
                Life::Goes
            }
            _ => self.close(true, cx),
        }
    }

    fn probe(&mut self, cx: &mut Cx<'_>) -> Life {
        let Stage::Online(online) = &mut self.stage else { return Life::Goes };
        online.probed = Some(Probe::new(cx.now, cx.config.limits.probe, online.throttled, self.paused));
        cx.send(self.conn, ServerFrame::Ping { nonce: self.conn.generation }.frame());
        self.arm(cx);
        Life::Goes
    }

    /// A deadline may have come.
    pub(crate) fn woken(&mut self, identity: Identity, cx: &mut Cx<'_>) -> Life {
        self.armed = None;
        let limits = &cx.config.limits;
        if let Stage::Online(online) = &mut self.stage {
            online.throttled = online.throttled.filter(|until| *until > cx.now);
        }
        if self.unread > 0 && cx.now - self.stuck_since >= limits.unread_stuck {
            return self.cut(cx);
        }
        match self.stage {
            Stage::Silent { hello_deadline: deadline, .. }
            | Stage::Greeted { deadline }
            | Stage::Knocking { deadline } => {
                if cx.now >= deadline {
                    return self.close(true, cx);
                }
            }
            Stage::Online(online) => {
                if !self.paused && cx.now - self.heard >= limits.silence {
                    return self.cut(cx);
                }
                if online.probed.is_some_and(|probe| cx.now >= probe.until()) {
                    return self.cut(cx);
                }
                if cx.now >= idle_deadline(&online, cx) {
                    let seconds = u32::try_from(cx.config.timeout.as_secs()).unwrap_or(u32::MAX);
                    return self.end(Farewell::Idle { seconds }, cx);
                }
            }
        }
        self.advance(identity, cx)
    }

    /// Everything this session waits for, the earliest.
    fn deadline(&self, cx: &Cx<'_>) -> Time {
        let limits = &cx.config.limits;
        let stuck = if self.unread > 0 { self.stuck_since + limits.unread_stuck } else { Time::NEVER };
        let own = match self.stage {
            Stage::Silent { hello_deadline: deadline, .. }
            | Stage::Greeted { deadline }
            | Stage::Knocking { deadline } => deadline,
            Stage::Online(online) => {
                let silence = if self.paused { Time::NEVER } else { self.heard + limits.silence };
                idle_deadline(&online, cx)
                    .min(silence)
                    .min(online.throttled.unwrap_or(Time::NEVER))
                    .min(online.probed.map_or(Time::NEVER, Probe::until))
            }
        };
        own.min(stuck)
    }

    fn arm(&mut self, cx: &mut Cx<'_>) {
        let wanted = self.deadline(cx);
        cx.alarms.arm(Sleeper::Session(self.conn), &mut self.armed, wanted);
    }

    fn fault(&mut self, fault: PeerFault, cx: &mut Cx<'_>) -> Life {
        cx.send(self.conn, ServerFrame::Fault(fault).frame());
        self.close(true, cx)
    }

    fn end(&mut self, farewell: Farewell, cx: &mut Cx<'_>) -> Life {
        cx.send(self.conn, ServerFrame::Farewell(farewell).frame());
        self.close(true, cx)
    }

    fn cut(&mut self, cx: &mut Cx<'_>) -> Life {
        self.close(false, cx)
    }

    fn close(&mut self, flush: bool, cx: &mut Cx<'_>) -> Life {
        cx.out.push(Action::Close { conn: self.conn, flush });
        self.closed(cx);
        Life::Over
    }

    /// The connection is gone; everybody who must know is told.
    pub(crate) fn closed(&mut self, cx: &mut Cx<'_>) {
        cx.alarms.disarm(Sleeper::Session(self.conn), &mut self.armed);
        if let Stage::Online(online) = self.stage {
            cx.tell_home(online.user, ToHome::Left { conn: self.conn, bucket: online.bucket });
        }
    }

    pub(crate) fn check(&self) {
        assert!(self.armed.is_some(), "a session always waits for something");
    }
}

/// What a request costs, in commands: a broadcast is paid for by the number of those whom it reaches.
fn cost(request: &Request, cx: &Cx<'_>) -> u32 {
    let asks_all =
        matches!(request, Request::Broadcast { .. } | Request::Files { .. } | Request::Seek { .. });
    let recipients = if asks_all { cx.online } else { 0 };
    let more = recipients / cx.config.limits.broadcast_recipients_per_command.max(1);
    1 + u32::try_from(more).unwrap_or(u32::MAX - 1)
}

/// When a person who does nothing is logged out.
fn idle_deadline(online: &Online, cx: &Cx<'_>) -> Time {
    let late = if planted!(cx.config, TimeoutLate) { 1 } else { 0 };
    online.active + Duration::from_micros(micros(cx.config.timeout) + late)
}
