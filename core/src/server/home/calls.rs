//! Introductions: a user asks for another, and both are told where the other one is.
//!
//! The server remembers an introduction only as long as it may take to make use of it: so that a block in that
//! time ends it, and two who ask for each other at once for the same purpose are introduced once. Introductions for
//! different purposes know nothing of each other.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::Home;
use crate::device::DeviceKey;
use crate::direct::{Purpose, Reach, Role};
use crate::id::{ConnId, RequestId, UserId};
use crate::name::Name;
use crate::server::cx::Cx;
use crate::server::directory::Directory;
use crate::server::envelope::{Called, Found, ReplyTo, ToHome};
use crate::time::Time;
use crate::wire::{Outcome, Refusal, ServerFrame, Vouch};

/// Where a user who is online can be found, and by which key he is known there.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) key: DeviceKey,
    pub(crate) seen: IpAddr,
    pub(crate) reach: Reach,
}

impl Place {
    /// Where somebody may look for him who is seen at `seeker`.
    fn candidates(&self, seeker: IpAddr) -> Vec<SocketAddr> {
        self.reach.candidates(self.seen, seeker)
    }
}

/// What a user has to do with introductions.
#[derive(Clone, Debug, Default)]
pub(super) struct Calls {
    /// The device on which he is logged in, if it has proven its key.
    device: Option<DeviceKey>,
    place: Option<Box<Place>>,
    /// Whom he has asked for lately: of each user and purpose the last.
    made: Vec<Made>,
    /// Who has asked for him lately: of each user and purpose the last.
    received: Vec<Received>,
}

#[derive(Clone, Copy, Debug)]
struct Made {
    whom: UserId,
    purpose: Purpose,
    reply: ReplyTo,
    until: Time,
}

#[derive(Clone, Copy, Debug)]
struct Received {
    by: UserId,
    purpose: Purpose,
    until: Time,
}

impl Calls {
    /// He has logged in, from that device.
    pub(super) fn entered(&mut self, device: Option<DeviceKey>) {
        *self = Calls { device, ..Calls::default() };
    }

    fn forget_made(&mut self, whom: UserId, purpose: Purpose) {
        self.made.retain(|call| (call.whom, call.purpose) != (whom, purpose));
    }

    fn forget_old(&mut self, now: Time) {
        self.made.retain(|call| now < call.until);
        self.received.retain(|call| now < call.until);
    }
}

impl Home {
    /// His client says where it listens.
    pub(super) fn reachable(&mut self, conn: ConnId, seen: IpAddr, reach: Reach) {
        if self.live.is_some_and(|live| live.conn == conn)
            && let Some(key) = self.calls.device
        {
            self.calls.place = Some(Box::new(Place { key, seen, reach }));
        }
    }

    /// He asks for somebody. The checks stand in the order in which their errors are listed.
    pub(super) fn call(
        &mut self,
        reply: ReplyTo,
        purpose: Purpose,
        whom: Name,
        directory: &Directory,
        cx: &mut Cx<'_>,
    ) {
        match self.may_call(whom, directory) {
            Err(refusal) => cx.refuse(reply, refusal),
            Ok(whom) => {
                self.calls.forget_old(cx.now);
                let until = cx.now + cx.config.limits.call_window;
                self.calls.forget_made(whom, purpose);
                self.calls.made.push(Made { whom, purpose, reply, until });
                // The other one has asked for him: that introduction is for both of them. If he asks once more, it
                // is over for him, and he wants another.
                let crosses = |call: &mut Received| call.by == whom && call.purpose == purpose;
                if self.calls.received.extract_if(.., crosses).next().is_some() {
                    return cx.reply(reply, Outcome::Accepted);
                }
                let (pass, place) = (cx.pass(), self.calls.place.clone());
                let called = Called { by: self.user, name: self.name, purpose, pass, place, reply };
                cx.tell_home(whom, ToHome::Called(called));
            }
        }
    }

    /// He asks whether there is somebody.
    pub(super) fn know(&mut self, reply: ReplyTo, whom: Name, directory: &Directory, cx: &mut Cx<'_>) {
        match directory.find(whom) {
            None => cx.refuse(reply, Refusal::UnknownUser),
            Some(whom) if whom == self.user => cx.refuse(reply, Refusal::Yourself),
            Some(_) => cx.reply(reply, Outcome::Accepted),
        }
    }

    fn may_call(&self, whom: Name, directory: &Directory) -> Result<UserId, Refusal> {
        let whom = directory.find(whom).ok_or(Refusal::UnknownUser)?;
        if whom == self.user {
            Err(Refusal::Yourself)
        } else if self.blocks.is_blocked_by(whom) {
            Err(Refusal::BlockedBy)
        } else if self.blocks.blocks(whom) {
            Err(Refusal::BlockedByYou)
        } else {
            Ok(whom)
        }
    }

    /// Somebody asks for him. Both are told of each other, or only the other one why not.
    pub(super) fn called(&mut self, call: Called, cx: &mut Cx<'_>) {
        let (by, purpose, reply) = (call.by, call.purpose, call.reply);
        let found = self.introduce(call, cx);
        cx.tell_home(by, ToHome::Answered { whom: self.user, purpose, reply, found });
    }

    fn introduce(&mut self, call: Called, cx: &mut Cx<'_>) -> Result<Found, Refusal> {
        let Called { by, name, purpose, pass, place: other, .. } = call;
        let conn = self.online().ok_or(Refusal::Offline)?;
        let own = self.calls.place.as_deref().ok_or(Refusal::Unreachable)?;
        let other = other.ok_or(Refusal::Unreachable)?;
        let vouch = Vouch {
            pass,
            role: Role::Called,
            purpose,
            request: RequestId(0),
            name,
            key: other.key,
            candidates: other.candidates(own.seen),
        };
        cx.send(conn, ServerFrame::Vouch(vouch).frame());
        let candidates = own.candidates(other.seen);
        let found = Found { name: self.name, pass, key: own.key, candidates };
        self.calls.forget_old(cx.now);
        self.calls.received.retain(|call| (call.by, call.purpose) != (by, purpose));
        let until = cx.now + cx.config.limits.call_window;
        self.calls.received.push(Received { by, purpose, until });
        Ok(found)
    }

    /// The one he asked for was found, or not.
    pub(super) fn answered(
        &mut self,
        whom: UserId,
        purpose: Purpose,
        reply: ReplyTo,
        found: Result<Found, Refusal>,
        cx: &mut Cx<'_>,
    ) {
        match found {
            Err(refusal) => {
                self.calls.forget_made(whom, purpose);
                cx.refuse(reply, refusal);
            }
            Ok(Found { name, pass, key, candidates }) => {
                if self.live.is_some_and(|live| live.conn == reply.conn) {
                    let request = reply.request;
                    let vouch = Vouch { pass, role: Role::Caller, purpose, request, name, key, candidates };
                    cx.send(reply.conn, ServerFrame::Vouch(vouch).frame());
                }
            }
        }
    }

    /// Somebody blocks him: what he has asked of him, and what was not yet made use of, ends.
    pub(super) fn call_blocked_by(&mut self, by: UserId, cx: &mut Cx<'_>) {
        self.calls.forget_old(cx.now);
        for call in self.calls.made.extract_if(.., |call| call.whom == by) {
            cx.refuse(call.reply, Refusal::BlockedBy);
        }
        self.calls.received.retain(|call| call.by != by);
    }

    /// He blocks somebody, who may no longer be introduced to him by what he asked before.
    pub(super) fn call_blocks(&mut self, whom: UserId) {
        self.calls.received.retain(|call| call.by != whom);
        self.calls.made.retain(|call| call.whom != whom);
    }
}
