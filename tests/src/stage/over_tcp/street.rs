//! Where a seat meets others: connections that it dials and accepts, encrypted, with keys proven on both sides.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, ServerConnection};
use starling_core::client::Input;
use starling_core::device::DeviceKey;
use starling_core::direct::place::may_dial;
use starling_core::direct::{Pass, Reach};
use starling_core::id::ConnId;
use starling_core::time::Time;
use starling_core::wire::Frame;
use starling_runtime::tls::peer::{PEER_ALPN, PeerConfigs, proven};

use super::hear::hear;
use crate::line::Line;

/// Where everybody lives.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Whoever dials may be so much earlier than the server's word, as with the real driver.
const EARLY_MAX: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Street {
    listener: TcpListener,
    /// Nobody is met before the device has its key.
    configs: Option<PeerConfigs>,
    /// Whose keys are looked for, and until when.
    expected: BTreeMap<DeviceKey, Time>,
    /// Who is looked for by a pass.
    introduced: BTreeMap<Pass, DeviceKey>,
    encounters: Vec<Encounter>,
    peers: BTreeMap<ConnId, Line>,
    /// Closed on this side; what was written still goes out.
    leaving: Vec<Line>,
    opened: u32,
}

/// A connection that the machine does not know yet.
struct Encounter {
    line: Line,
    /// For which introduction it was dialed, and who must be there; nothing if it was accepted.
    dialed: Option<(Pass, DeviceKey)>,
    since: Time,
    /// What was said right behind the handshake.
    early: Vec<u8>,
}

/// What to do with an encounter.
enum Judgement {
    Wait,
    Meet(DeviceKey),
    Drop,
}

impl Street {
    /// A listener at a port that the system chooses.
    pub(super) fn open() -> Street {
        let listener = TcpListener::bind((HERE, 0)).expect("there is a port");
        listener.set_nonblocking(true).expect("a socket can be set so");
        Street {
            listener,
            configs: None,
            expected: BTreeMap::new(),
            introduced: BTreeMap::new(),
            encounters: Vec::new(),
            peers: BTreeMap::new(),
            leaving: Vec::new(),
            opened: 0,
        }
    }

    pub(super) fn reach(&self) -> Reach {
        let port = self.listener.local_addr().expect("it has an address").port();
        Reach { port, hosts: vec![HERE] }
    }

    /// From now on others are met with this key.
    pub(super) fn begin(&mut self, configs: PeerConfigs) {
        self.configs = Some(configs);
    }

    pub(super) fn expect(&mut self, key: DeviceKey, until: Time) {
        self.expected.insert(key, until);
    }

    /// Connects to all of these: on the loopback that succeeds at once, or never.
    pub(super) fn dial(&mut self, pass: Pass, key: DeviceKey, candidates: &[SocketAddr], now: Time) {
        let Some(configs) = &self.configs else { return };
        self.introduced.insert(pass, key);
        for candidate in candidates.iter().filter(|candidate| may_dial(**candidate, HERE)) {
            let Ok(stream) = TcpStream::connect(candidate) else { continue };
            let session = ClientConnection::new(Arc::clone(&configs.client), ServerName::from(HERE));
            let session = session.expect("the configuration is good");
            if let Ok(line) = Line::over(stream, Some(session.into())) {
                self.encounters.push(Encounter {
                    line,
                    dialed: Some((pass, key)),
                    since: now,
                    early: Vec::new(),
                });
            }
        }
    }

    pub(super) fn abandon(&mut self, pass: Pass) {
        if let Some(key) = self.introduced.remove(&pass) {
            self.expected.remove(&key);
        }
        self.encounters.retain(|encounter| encounter.dialed.is_none_or(|(dialed, _)| dialed != pass));
    }

    pub(super) fn send(&mut self, peer: ConnId, frame: &Frame) {
        if let Some(line) = self.peers.get_mut(&peer) {
            frame.encode_into(&mut line.out);
            // A broken connection is noticed when it is read.
            let _ = line.flush();
        }
    }

    /// What was written to a connection is with the system.
    pub(super) fn has_room(&self, peer: ConnId) -> bool {
        self.peers.get(&peer).is_some_and(|line| !line.is_pending())
    }

    pub(super) fn close(&mut self, peer: ConnId) {
        if let Some(mut line) = self.peers.remove(&peer)
            // Whoever is gone misses nothing.
            && line.end().is_ok()
        {
            self.leaving.push(line);
        }
    }

    /// Everything is closed at once.
    pub(super) fn leave(&mut self) {
        let peers: Vec<ConnId> = self.peers.keys().copied().collect();
        peers.into_iter().for_each(|peer| self.close(peer));
        self.encounters.clear();
        self.configs = None;
    }

    /// The sockets on which something may come that is waited for.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &TcpStream> {
        let shaking = self.encounters.iter().map(|encounter| &encounter.line);
        let shaking = shaking.filter(|line| line.session().is_none());
        shaking.chain(self.peers.values()).map(Line::socket)
    }

    /// Reads and writes, as far as that goes now: what the machine should know. Says whether anything happened.
    pub(super) fn pump(&mut self, now: Time) -> (Vec<Input>, bool) {
        let mut told = Vec::new();
        let mut happened = self.accept(now);
        happened |= self.shake_hands(now, &mut told);
        happened |= self.listen(&mut told);
        self.leaving.retain_mut(|line| hear(line).stays);
        (told, happened)
    }

    fn accept(&mut self, now: Time) -> bool {
        let Some(configs) = &self.configs else { return false };
        let mut happened = false;
        while let Ok((stream, _)) = self.listener.accept() {
            happened = true;
            let session = ServerConnection::new(Arc::clone(&configs.server));
            let session = session.expect("the configuration is good");
            if let Ok(line) = Line::over(stream, Some(session.into())) {
                self.encounters.push(Encounter { line, dialed: None, since: now, early: Vec::new() });
            }
        }
        happened
    }

    fn shake_hands(&mut self, now: Time, told: &mut Vec<Input>) -> bool {
        self.expected.retain(|_, until| now < *until);
        let mut happened = false;
        for mut encounter in std::mem::take(&mut self.encounters) {
            let (progress, judgement) = encounter.pump(&self.expected, now);
            happened |= progress;
            match judgement {
                Judgement::Wait => self.encounters.push(encounter),
                Judgement::Drop => {}
                Judgement::Meet(key) => {
                    happened = true;
                    self.opened += 1;
                    let peer = ConnId { slot: self.opened, generation: 1 };
                    self.peers.insert(peer, encounter.line);
                    told.push(Input::PeerOpened { peer, key, pass: encounter.dialed.map(|(pass, _)| pass) });
                    if !encounter.early.is_empty() {
                        told.push(Input::PeerReceived { peer, bytes: encounter.early.into() });
                    }
                }
            }
        }
        happened
    }

    fn listen(&mut self, told: &mut Vec<Input>) -> bool {
        let mut happened = false;
        self.peers.retain(|peer, line| {
            let heard = hear(line);
            happened |= heard.happened;
            if !heard.bytes.is_empty() {
                told.push(Input::PeerReceived { peer: *peer, bytes: heard.bytes.into() });
            }
            if !heard.stays {
                told.push(Input::PeerClosed { peer: *peer });
            }
            heard.stays
        });
        happened
    }
}

impl Encounter {
    /// Goes on with the handshake, and judges by the key that it proves. Says whether anything happened, too.
    fn pump(&mut self, expected: &BTreeMap<DeviceKey, Time>, now: Time) -> (bool, Judgement) {
        let mut happened = false;
        if self.line.session().is_none() {
            let heard = hear(&mut self.line);
            happened = heard.happened;
            self.early.extend(heard.bytes);
            if !heard.stays {
                return (happened, Judgement::Drop);
            }
        }
        let Some(session) = self.line.session() else { return (happened, Judgement::Wait) };
        let key = proven(session).filter(|_| session.alpn_protocol() == Some(PEER_ALPN));
        let judgement = match (key, self.dialed) {
            (Some(key), Some((_, meant))) if key == meant => Judgement::Meet(key),
            (Some(key), None) if expected.contains_key(&key) => Judgement::Meet(key),
            (Some(_), None) if now.since(self.since) < EARLY_MAX => Judgement::Wait,
            _ => Judgement::Drop,
        };
        (happened, judgement)
    }
}
