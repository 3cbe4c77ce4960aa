//! What happens in a simulated swarm.

use crate::queue::Planned;

/// Something planned. Small: it is copied about the heap. Peers are named by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// A peer comes.
    Come { peer: u32 },
    /// A peer is killed.
    Kill { peer: u32 },
    /// A call is answered.
    Call { from: u32, to: u32 },
    /// A peer calls whom he may.
    CallAgain { peer: u32 },
    /// Others learn that a peer is gone.
    Lost { peer: u32, by: u32 },
    /// A bid arrives.
    Bid { from: u32, to: u32, wants: u32, has: u32, later: bool },
    /// A grant arrives.
    Grant { from: u32, to: u32, suggested: Option<u32> },
    /// A choice arrives.
    Choose { from: u32, to: u32, chunk: u32 },
    /// A slot comes back.
    Return { from: u32, to: u32 },
    /// Word that a chunk is not given.
    Refuse { from: u32, to: u32, chunk: u32 },
    /// Word that a chunk is not needed any more.
    Cancel { from: u32, to: u32, chunk: u32 },
    /// An up-link has sent a piece.
    Sent { peer: u32, flow: u32, bytes: u32 },
    /// An up-link looks again whether a receiver can take something.
    Wake { peer: u32 },
    /// A piece has passed the receiver's down-link.
    Piece { flow: u32, generation: u32, bytes: u32 },
    /// A sender learns that a piece was lost.
    Lose { flow: u32, generation: u32, bytes: u32 },
    /// A chunk has been verified.
    Verified { peer: u32, from: u32, chunk: u32, right: bool },
    /// A batch arrives at a peer's neighbours.
    Have { batch: u32 },
    /// A batch arrives at the tracker.
    Report { batch: u32 },
    /// A notice of the tracker arrives.
    Notice { batch: u32 },
    /// A flooder bids again.
    Flood { peer: u32 },
    /// A peer's alarm.
    Alarm { peer: u32 },
    /// The tracker's alarm.
    TrackerAlarm,
}

impl Planned for Due {
    fn rank(self) -> u8 {
        u8::from(matches!(self, Due::Alarm { .. } | Due::TrackerAlarm))
    }
}
