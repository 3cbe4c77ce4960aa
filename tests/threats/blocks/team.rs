//! A server and the connections of those who are online.

use std::time::Duration;

use starling_core::id::{ConnId, MsgId, RequestId};
use starling_core::server::Config;
use starling_core::wire::{Outcome, Request, ServerFrame};

use super::model::{Step, USERS};
use crate::support::frames::text_of;
use crate::support::house::{House, PASSWORD, name_of, read};

/// The server and the connections of those who are online.
pub(super) struct Team {
    pub(super) house: House,
    pub(super) conns: [Option<ConnId>; USERS.len()],
    pub(super) numbers: u32,
}

impl Team {
    pub(super) fn new(config: Config) -> Team {
        Team { house: House::with(config, &USERS), conns: [None; USERS.len()], numbers: 0 }
    }

    /// Does it; the number of the request, if it is one that somebody who is online made.
    pub(super) fn does(&mut self, step: Step) -> Option<u32> {
        self.numbers += 1;
        let number = self.numbers;
        let request = RequestId(number);
        let name = |user: usize| name_of(USERS[user]);
        let (user, wish) = match step {
            Step::Login(user) => {
                if self.conns[user].is_none() {
                    let conn = self.house.greeted();
                    self.house.knock(conn, USERS[user].as_bytes(), PASSWORD.as_bytes());
                    self.conns[user] = Some(conn);
                }
                return None;
            }
            Step::Breaks(user) => {
                if let Some(conn) = self.conns[user].take() {
                    self.house.forget(conn);
                }
                return None;
            }
            Step::Wait(milliseconds) => {
                self.house.pass(Duration::from_millis(milliseconds));
                return None;
            }
            Step::Logout(user) => (user, Request::Logout { request }),
            Step::Block(user, whom) => (user, Request::Block { request, whom: name(whom) }),
            Step::Unblock(user, whom) => (user, Request::Unblock { request, whom: name(whom) }),
            Step::Message(user, to) => {
                let id = MsgId { instance: 1, counter: number.into() };
                (user, Request::Message { request, id, to: name(to), text: said(number) })
            }
            Step::Broadcast(user) => (user, Request::Broadcast { request, text: said(number) }),
            Step::Who(user) => (user, Request::Who { request }),
            Step::Since(user, seconds) => (user, Request::Since { request, seconds }),
        };
        let conn = self.conns[user]?;
        self.house.ask(conn, &wish);
        Some(number)
    }

    /// What was sent since the last look, in order, and to whom; mail is acknowledged.
    pub(super) fn hears(&mut self) -> Vec<(usize, ServerFrame)> {
        let mut heard = Vec::new();
        for (user, conn) in self.conns.iter().enumerate() {
            let frames = conn.map(|conn| self.house.take_placed(conn)).unwrap_or_default();
            heard.extend(frames.into_iter().map(|(place, frame)| (place, user, read(&frame))));
        }
        heard.sort_by_key(|(place, ..)| *place);
        for (_, user, frame) in &heard {
            if let (ServerFrame::Mail { seq, .. }, Some(conn)) = (frame, self.conns[*user]) {
                self.house.ask(conn, &Request::Ack { seq: *seq });
            }
        }
        heard.into_iter().map(|(_, user, frame)| (user, frame)).collect()
    }

    /// Who has been let go is gone.
    pub(super) fn lets_go(&mut self, heard: &[(usize, ServerFrame)]) {
        for (user, frame) in heard {
            if matches!(frame, ServerFrame::Done { outcome: Outcome::LoggedOut, .. })
                && let Some(conn) = self.conns[*user].take()
            {
                self.house.forget(conn);
            }
        }
    }
}

fn said(number: u32) -> starling_core::text::Text {
    text_of(&format!("text {number}"))
}
