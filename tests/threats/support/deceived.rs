//! A client whose server says what it likes.

use std::net::{Ipv4Addr, SocketAddr};

use starling_core::device::DeviceKey;
use starling_core::direct::{Pass, Purpose, Role};
use starling_core::id::RequestId;
use starling_core::wire::{Parting, PeerFrame, Request, ServerFrame, Vouch};
use starling_tests::program::Program;

use super::place::Place;
use super::ports::listening_port;
use super::street::{Caller, Device};
use crate::fake_server::{FakeServer, Guest, name};

const STARTED: &str = "hans started a private session with you.";

/// yoda's client, and a server that says what it likes.
pub(crate) struct Deceived {
    pub(crate) client: Program,
    pub(crate) guest: Guest,
    /// Where his client is met.
    pub(crate) port: u16,
    passes: u128,
}

impl Deceived {
    pub(crate) fn at(server: &FakeServer, place: &Place) -> Deceived {
        let port = server.port().parse().expect("a port");
        let trust = server.trust();
        let mut client = place.client("device", ("127.0.0.1", port), &[&trust[0], &trust[1]]);
        client.write(b"yoda\nwise\n");
        let (guest, _) = server.welcome();
        assert_eq!(client.line(), "Welcome, yoda.");
        let port = listening_port(client.id());
        Deceived { client, guest, port, passes: 0 }
    }

    /// The server vouches for somebody, in answer to that request, or unasked; by which pass.
    pub(crate) fn is_told_of(
        &mut self,
        who: &str,
        key: DeviceKey,
        asked: Option<RequestId>,
        candidates: &[SocketAddr],
    ) -> Pass {
        self.passes += 1;
        let pass = Pass(self.passes.to_be_bytes());
        self.guest.says(&vouch(who, key, pass, asked, candidates));
        pass
    }

    /// The server vouches for hans, who has called and comes to the client with this key.
    pub(crate) fn is_called_by_hans(&mut self, hans: &Device) -> Caller {
        let pass = self.is_told_of("hans", hans.key, None, &[]);
        let mut caller = hans.calls(self.port);
        caller.says(&[PeerFrame::meet(pass, Role::Caller), PeerFrame::Open]);
        caller
    }

    /// A private session with hans begins, and ends.
    pub(crate) fn talks_with(&mut self, hans: &Device, said_first: &[&str]) {
        let mut caller = self.is_called_by_hans(hans);
        assert!(matches!(caller.hears(), PeerFrame::Meet { role: Role::Called, .. }));
        assert_eq!(caller.hears(), PeerFrame::Opened);
        caller.says(&[PeerFrame::Bye(Parting::Stopped)]);
        let mut lines = said_first.to_vec();
        lines.extend([STARTED, "hans closed the private session."]);
        for line in lines {
            assert_eq!(self.client.line(), line);
        }
    }

    pub(crate) fn has_seen_nothing(&mut self) {
        self.guest.calls("anything?");
        assert_eq!(self.client.line(), "hans: anything?");
    }

    /// Whatever the server has said before has been heard.
    pub(crate) fn has_heard_all(&mut self) {
        self.guest.says(&ServerFrame::Ping { nonce: 7 });
        assert_eq!(self.guest.request(), Request::Pong { nonce: 7 });
    }

    /// The client asks the server for somebody, perhaps after other commands.
    pub(crate) fn calls(&mut self) -> RequestId {
        loop {
            match self.guest.request() {
                Request::Call { request, .. } => return request,
                Request::Active => {}
                other => panic!("no call but {other:?}"),
            }
        }
    }

    pub(crate) fn types(&mut self, line: &str) -> String {
        self.client.write(format!("{line}\n").as_bytes());
        self.client.line()
    }
}

pub(crate) fn vouch(
    who: &str,
    key: DeviceKey,
    pass: Pass,
    asked: Option<RequestId>,
    candidates: &[SocketAddr],
) -> ServerFrame {
    ServerFrame::Vouch(Vouch {
        pass,
        role: if asked.is_some() { Role::Caller } else { Role::Called },
        purpose: Purpose::Talk,
        request: asked.unwrap_or(RequestId(0)),
        name: name(who),
        key,
        candidates: candidates.to_vec(),
    })
}

pub(crate) fn here(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}
