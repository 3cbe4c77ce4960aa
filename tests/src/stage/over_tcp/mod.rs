//! The server's driver in this process, over loopback TCP, with a clock that the test moves.
//!
//! Nothing here sleeps. A wait is a wait for bytes; while none come, the hand of the clock creeps on, as far
//! as the patience of the transcript allows, so that whatever the server has put off comes due.

mod hear;
mod seat;
mod street;
mod toy;
mod watcher;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use starling_core::auth::credentials;
use starling_core::client::Input;
use starling_core::filename::FileName;
use starling_core::seed::Seed;
use starling_core::server::Config;
use starling_core::time::Time;
use starling_runtime::clock::{Clock, ClockHand};
use starling_runtime::server::{Options, Security, Server};
use starling_sim::folder::Folder;
use tempfile::TempDir;

use super::folder::make;
use super::limits::limits;
use super::{Seen, Stage};
use crate::transcript::{Change, Deed, Fate, Setup, Who};
use seat::{Device, Seat, until_deadline};
pub use toy::Toy;
use watcher::Watcher;

/// Where the clock stands at first.
const BEGINNING: Time = Time::from_secs(1_000_000);
/// The longest way that the hand goes in one stroke.
const STROKE_MAX: Duration = Duration::from_secs(1);
/// Creeping, the hand goes so much faster than real time.
const CREEP: u32 = 4;
/// What has not come after so long in real time never will.
const REAL_PATIENCE: Duration = Duration::from_secs(30);

/// See the module.
pub struct OverTcp {
    setup: Setup,
    folder: TempDir,
    clock: Clock,
    hand: ClockHand,
    /// When the first moment was, less its number.
    origin: Option<Time>,
    server: Option<Server>,
    /// It was neither killed nor told to stop.
    is_serving: bool,
    addr: SocketAddr,
    watcher: Option<Watcher>,
    seats: BTreeMap<Who, Seat>,
    /// Of people who have no client now.
    devices: BTreeMap<Who, Device>,
    clients: u64,
}

impl Stage for OverTcp {
    fn does(&mut self, who: &Who, deed: &Deed) {
        let now = self.hand.now();
        if *deed == Deed::Connects {
            self.clients += 1;
            let device = self.leave(who);
            let seat = Seat::connect(self.addr, device, self.clients, now);
            self.seats.insert(who.clone(), seat);
            return;
        }
        let seat = self.seats.get_mut(who).expect("he has a client");
        match deed {
            Deed::Types(line) => seat.does(Input::Typed(Bytes::copy_from_slice(line)), now),
            Deed::EndsInput => seat.does(Input::EndOfInput, now),
            Deed::Interrupts => seat.does(Input::Interrupted, now),
            Deed::StandsStill => seat.still = true,
            Deed::GoesOn => seat.still = false,
            Deed::IsCut => seat.cut(),
            Deed::IsKilled => {
                let device = self.leave(who);
                self.devices.insert(who.clone(), device);
            }
            Deed::Connects | Deed::LogsIn => unreachable!("handled before"),
        }
        self.pump();
    }

    fn next(&mut self, who: &Who) -> Seen {
        let until = self.hand.now() + self.setup.patience;
        let give_up = Instant::now() + REAL_PATIENCE;
        let mut stroke = Duration::from_millis(1);
        loop {
            self.pump();
            if let Some(seen) = self.seen(who) {
                return seen;
            }
            if self.wait_for_bytes(stroke / CREEP) || self.settle(Some(who)) {
                continue;
            }
            let left = until.since(self.hand.now());
            if left > Duration::ZERO {
                self.hand.advance(stroke.min(left));
                stroke = (stroke * 2).min(STROKE_MAX);
            } else if Instant::now() >= give_up {
                return Seen::Nothing;
            }
        }
    }

    fn moment(&mut self, moment: Duration) {
        let now = self.hand.now();
        let origin = *self.origin.get_or_insert(now.before(moment));
        let target = origin + moment;
        assert!(target >= now, "@{} is over", moment.as_secs_f64());
        loop {
            self.settle(None);
            let now = self.hand.now();
            let left = target.since(now);
            if left == Duration::ZERO {
                return;
            }
            let due = until_deadline(self.seats.values(), now).filter(|due| *due > Duration::ZERO);
            self.hand.advance(left.min(STROKE_MAX).min(due.unwrap_or(left)));
        }
    }

    fn server(&mut self, fate: Fate) {
        self.watcher = None;
        self.is_serving = false;
        match fate {
            Fate::Killed => self.server = None,
            Fate::Stopped => self.server.as_ref().expect("a server runs").handle().stop(),
            Fate::Started => self.start(),
            Fate::DiskFull | Fate::DiskHasRoom => panic!("only the simulator has a disk of its own"),
        }
    }

    fn changes(&mut self, who: &Who, change: &Change) {
        make(self.folder(who), change);
    }

    fn file(&mut self, who: &Who, name: &FileName) -> Option<Bytes> {
        self.folder(who).read(name).cloned()
    }
}

impl OverTcp {
    /// A stage whose clock stands still until somebody waits.
    ///
    /// # Panics
    /// If the server does not start.
    #[must_use]
    pub fn open(setup: &Setup) -> OverTcp {
        let (clock, hand) = Clock::manual(BEGINNING);
        let mut stage = OverTcp {
            setup: setup.clone(),
            folder: tempfile::tempdir().expect("a folder can be made"),
            clock,
            hand,
            origin: None,
            server: None,
            is_serving: false,
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            watcher: None,
            seats: BTreeMap::new(),
            devices: BTreeMap::new(),
            clients: 0,
        };
        stage.start();
        stage
    }

    fn start(&mut self) {
        if let Some(server) = self.server.take() {
            server.join();
        }
        let users = self.setup.users.iter().map(|(name, password)| format!("{name} {password}\n"));
        let credentials = users.collect::<String>();
        let span = |seconds: u32| Duration::from_secs(seconds.into());
        let mut config = Config::new(span(self.setup.block_duration_s), span(self.setup.timeout_s));
        config.limits = limits(&self.setup);
        let options = Options {
            addr: (Ipv4Addr::LOCALHOST, 0).into(),
            data_dir: self.folder.path().join("starling-data"),
            credentials: credentials::parse(credentials.as_bytes()).expect("the transcript's users are good"),
            config,
            conns_max: 100,
            seed: Seed::from(1),
            security: Security::OwnKey,
        };
        let server = Server::start(options, self.clock.clone()).expect("the server can start");
        self.addr = server.local_addr();
        self.server = Some(server);
        self.is_serving = true;
    }

    fn folder(&mut self, who: &Who) -> &mut Folder {
        match self.seats.get_mut(who) {
            Some(seat) => &mut seat.device.folder,
            None => &mut self.devices.entry(who.clone()).or_default().folder,
        }
    }

    /// Somebody has no client any more; this is his device.
    fn leave(&mut self, who: &Who) -> Device {
        let kept = self.devices.remove(who).unwrap_or_default();
        self.seats.remove(who).map_or(kept, Seat::into_device)
    }

    fn seen(&mut self, who: &Who) -> Option<Seen> {
        let origin = self.origin;
        let seat = self.seats.get_mut(who).expect("he has a client");
        let line =
            seat.seen().map(|(at, text)| Seen::Line { text, at: origin.map(|origin| at.since(origin)) });
        line.or_else(|| seat.exit().map(Seen::End))
    }

    fn pump(&mut self) -> bool {
        let now = self.hand.now();
        self.seats.values_mut().fold(false, |happened, seat| seat.pump(now) | happened)
    }

    /// Waits until a client can read, `span` at most. Says whether one can.
    fn wait_for_bytes(&self, span: Duration) -> bool {
        let sockets = self.seats.values().flat_map(Seat::sockets);
        let mut fds: Vec<_> = sockets.map(|stream| PollFd::new(stream, PollFlags::IN)).collect();
        let span = Timespec::try_from(span).expect("a short span");
        poll(&mut fds, Some(&span)).is_ok_and(|ready| ready > 0)
    }

    /// Waits until everything that is due by now has been done, and seen; only the store may still be at
    /// work. It is not waited any longer once `who` has something to read: what he does then comes before the rest.
    /// Says whether anything happened.
    fn settle(&mut self, who: Option<&Who>) -> bool {
        let mut happened = self.pump();
        loop {
            self.watch();
            if !self.pump() {
                return happened;
            }
            happened = true;
            if who.and_then(|who| self.seats.get(who)).is_some_and(Seat::has_seen) {
                return happened;
            }
        }
    }

    fn watch(&mut self) {
        // Where few may stand in the door, the watcher must not be one of them.
        let crowds_nobody = self.setup.limits.iter().all(|(key, _)| key != "greeting_max");
        if !self.is_serving || !crowds_nobody {
            return;
        }
        if self.watcher.as_mut().is_some_and(|watcher| watcher.wait().is_ok()) {
            return;
        }
        let mut watcher = Watcher::connect(self.addr).expect("the server listens");
        watcher.wait().expect("the server answers");
        self.watcher = Some(watcher);
    }
}
