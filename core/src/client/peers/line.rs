//! One connection to another client.

use bytes::Bytes;
use core::time::Duration;

use crate::client::action::Action;
use crate::client::context::Context;
use crate::client::silence::Silence;
use crate::device::DeviceKey;
use crate::direct::{Pass, Purpose};
use crate::id::ConnId;
use crate::name::Name;
use crate::time::Time;
use crate::wire::{PeerFault, PeerFrame, Phase, Reader};

/// How long a stranger may take to say whom he wants to meet.
pub(super) const STRANGER_MAX: Duration = Duration::from_secs(10);

/// The bytes under way from another client, and how far the two have come.
#[derive(Clone, Debug)]
pub(super) struct PeerLine {
    conn: ConnId,
    /// The key that the other end has proven.
    pub(super) key: DeviceKey,
    pub(super) stage: Stage,
    reader: Reader,
    silence: Silence,
}

/// With whom, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tie {
    pub(super) who: Name,
    pub(super) purpose: Purpose,
}

impl Tie {
    pub(super) const fn talk(who: Name) -> Tie {
        Tie { who, purpose: Purpose::Talk }
    }

    pub(super) const fn fetch(who: Name) -> Tie {
        Tie { who, purpose: Purpose::Fetch }
    }
}

/// How far the two have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It came to us and has not said what for.
    Stranger {
        /// Until when it may.
        until: Time,
    },
    /// We have said what for; the other side has not.
    Dialed {
        /// Whom we want to meet, and what for.
        tie: Tie,
        /// By which introduction.
        pass: Pass,
    },
    /// Both have said what for.
    Met {
        /// Whom we have met, and what for.
        tie: Tie,
        /// By which introduction.
        pass: Pass,
    },
}

impl Stage {
    /// For which introduction it is.
    pub(super) fn introduction(self) -> Option<(Tie, Pass)> {
        match self {
            Stage::Stranger { .. } => None,
            Stage::Dialed { tie, pass } | Stage::Met { tie, pass } => Some((tie, pass)),
        }
    }
}

impl PeerLine {
    pub(super) fn new(conn: ConnId, key: DeviceKey, stage: Stage, now: Time) -> PeerLine {
        PeerLine { conn, key, stage, reader: Reader::new(), silence: Silence::new(now) }
    }

    pub(super) fn feed(&mut self, bytes: Bytes, now: Time) {
        self.silence.note_heard(now);
        self.reader.feed(bytes);
    }

    /// The next whole frame.
    ///
    /// # Errors
    /// The other side broke the protocol.
    pub(super) fn next(&mut self) -> Result<Option<PeerFrame>, PeerFault> {
        self.reader.next(Phase::FromPeer)?.map(PeerFrame::decode).transpose()
    }

    pub(super) fn send(&mut self, frame: &PeerFrame, cx: &mut Context<'_>) {
        self.silence.note_sent(cx.now());
        cx.order(Action::SendPeer { peer: self.conn, frame: frame.frame() });
    }

    /// Nobody is there any more, or never said what for.
    pub(super) fn is_over(&self, now: Time) -> bool {
        let too_late = matches!(self.stage, Stage::Stranger { until } if now >= until);
        too_late || self.silence.is_lost(now)
    }

    /// Says that it is there, if it is time.
    pub(super) fn keep_alive(&mut self, cx: &mut Context<'_>) {
        if let Some(nonce) = self.silence.ping(cx.now()) {
            self.send(&PeerFrame::Ping { nonce }, cx);
        }
    }

    /// When to look again.
    pub(super) fn deadline(&self) -> Time {
        match self.stage {
            Stage::Stranger { until } => until.min(self.silence.deadline()),
            Stage::Dialed { .. } | Stage::Met { .. } => self.silence.deadline(),
        }
    }

    pub(super) fn check(&self, now: Time) {
        self.silence.check(now);
    }
}
