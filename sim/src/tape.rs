//! The choice tape: every decision of a run is read from it.
//!
//! A byte of 0 is the tamest choice everywhere, and past its end a lane reads 0 for ever. So deleting and
//! lowering bytes makes a run simpler, and that is all the shrinker does. Each part of a world reads a
//! lane of its own: an edit in one lane does not shift the decisions of another.
//!
//! A seed fills the lanes with SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number
//! Generators", 2014), computed where it is read: an unread lane costs nothing.

use std::fmt;
use std::sync::Arc;

/// Whose decisions a lane holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// The shape of the world: how many persons, which faults, how strong.
    Options,
    /// Delay, cut and join of every piece on its way.
    Network,
    /// Storms over the network: partitions, resets, stalls.
    Weather,
    /// What the store does with each order.
    Storage,
    /// Crashes and restarts of the server.
    Process,
    /// Drift of clocks, late timers, jumps of the wall clock.
    Clock,
    /// Hosts that misbehave.
    Rogue,
    /// What one person does.
    Person(u8),
}

impl Lane {
    /// Lanes before those of the persons.
    const SHARED: usize = 7;
    /// The most persons that have a lane.
    pub const PERSONS_MAX: u8 = 32;

    /// The lane's place in a tape.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Lane::Options => 0,
            Lane::Network => 1,
            Lane::Weather => 2,
            Lane::Storage => 3,
            Lane::Process => 4,
            Lane::Clock => 5,
            Lane::Rogue => 6,
            Lane::Person(n) => Lane::SHARED + usize::from(n),
        }
    }

    /// The lane at a place, the inverse of [`Lane::index`].
    #[must_use]
    pub fn at(index: usize) -> Lane {
        const SHARED: [Lane; Lane::SHARED] = [
            Lane::Options,
            Lane::Network,
            Lane::Weather,
            Lane::Storage,
            Lane::Process,
            Lane::Clock,
            Lane::Rogue,
        ];
        SHARED
            .get(index)
            .copied()
            .unwrap_or_else(|| Lane::Person(u8::try_from(index - Lane::SHARED).unwrap_or(u8::MAX)))
    }

    /// Lanes that are read in records of [`RECORD_BYTES`]: one deed or one fault each.
    #[must_use]
    pub fn is_record(self) -> bool {
        matches!(self, Lane::Weather | Lane::Process | Lane::Rogue | Lane::Person(_))
    }
}

/// Bytes of one record: what somebody does next, or what befalls the world next.
pub const RECORD_BYTES: usize = 8;
/// The byte of a record that says how long it is until the next; a higher one is longer.
pub const PAUSE_AT: usize = 1;

/// Where the bytes of all decisions come from.
#[derive(Clone, PartialEq, Eq)]
pub struct Tape(Source);

#[derive(Clone, PartialEq, Eq)]
enum Source {
    Seed(u64),
    Lanes(Vec<Arc<[u8]>>),
}

impl Tape {
    /// The tape that a seed fills.
    #[must_use]
    pub fn seeded(seed: u64) -> Tape {
        Tape(Source::Seed(seed))
    }

    /// A tape of given lanes; those that are missing are empty.
    #[must_use]
    pub fn of_lanes(lanes: Vec<Vec<u8>>) -> Tape {
        Tape(Source::Lanes(lanes.into_iter().map(Arc::from).collect()))
    }

    /// Any bytes are a tape: pieces of a lane's number, a length below 256, and so many bytes.
    ///
    /// What a fuzzer writes. The inverse of [`Tape::to_bytes`] for tapes of lanes.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Tape {
        let mut lanes = vec![Vec::new(); Lane::SHARED + usize::from(Lane::PERSONS_MAX)];
        let count = lanes.len();
        while let [lane, len, rest @ ..] = bytes {
            let (piece, tail) = rest.split_at(usize::from(*len).min(rest.len()));
            lanes[usize::from(*lane) % count].extend_from_slice(piece);
            bytes = tail;
        }
        Tape::of_lanes(lanes)
    }

    /// The lanes of a tape as bytes; nothing for a seed, which is written as a number.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, lane) in self.lanes().iter().enumerate() {
            for piece in lane.chunks(usize::from(u8::MAX)) {
                out.push(u8::try_from(index).unwrap_or(u8::MAX));
                out.push(u8::try_from(piece.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(piece);
            }
        }
        out
    }

    /// The lanes of a tape of lanes.
    #[must_use]
    pub fn lanes(&self) -> &[Arc<[u8]>] {
        match &self.0 {
            Source::Seed(_) => &[],
            Source::Lanes(lanes) => lanes,
        }
    }

    /// The same decisions written out: of each lane what was read of it.
    #[must_use]
    pub fn written_out(&self, read: &[usize]) -> Tape {
        let lane = |(index, len): (usize, &usize)| {
            let mut reader = self.reader(Lane::at(index));
            (0..*len).map(|_| reader.byte()).collect()
        };
        Tape::of_lanes(read.iter().enumerate().map(lane).collect())
    }

    /// Reads a lane from its beginning.
    #[must_use]
    pub fn reader(&self, lane: Lane) -> Reader {
        let source = match &self.0 {
            Source::Seed(seed) => Bytes::Seed { key: mix(seed ^ mix(index_word(lane))), word: 0 },
            Source::Lanes(lanes) => Bytes::Written(lanes.get(lane.index()).cloned()),
        };
        Reader { source, position: 0 }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Seed(seed) => write!(f, "Tape(seed {seed})"),
            Source::Lanes(lanes) => {
                write!(f, "Tape({} bytes)", lanes.iter().map(|lane| lane.len()).sum::<usize>())
            }
        }
    }
}

fn index_word(lane: Lane) -> u64 {
    u64::try_from(lane.index()).unwrap_or(u64::MAX) + 1
}

/// The finaliser of SplitMix64.
fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// One lane being read.
#[derive(Clone, Debug)]
pub struct Reader {
    source: Bytes,
    position: usize,
}

#[derive(Clone, Debug)]
enum Bytes {
    /// `word` holds the eight bytes around the position.
    Seed {
        key: u64,
        word: u64,
    },
    Written(Option<Arc<[u8]>>),
}

impl Reader {
    /// The next byte; 0 past the end.
    #[inline]
    pub fn byte(&mut self) -> u8 {
        let position = self.position;
        self.position += 1;
        match &mut self.source {
            Bytes::Seed { key, word } => {
                if position.is_multiple_of(8) {
                    let counter = u64::try_from(position / 8).unwrap_or(u64::MAX) + 1;
                    *word = mix(key.wrapping_add(counter.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
                }
                word.to_le_bytes()[position % 8]
            }
            Bytes::Written(lane) => lane.as_ref().and_then(|lane| lane.get(position)).copied().unwrap_or(0),
        }
    }

    /// The next two bytes as a number.
    pub fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    /// A number below `bound` from one byte: a byte of 0 gives 0.
    pub fn below(&mut self, bound: u8) -> u8 {
        scale(self.byte(), bound)
    }

    /// True for the `part` highest of the 256 values of the next byte.
    #[inline]
    pub fn chance(&mut self, part: u8) -> bool {
        self.byte() > u8::MAX - part
    }

    /// The next record.
    pub fn record(&mut self) -> [u8; RECORD_BYTES] {
        std::array::from_fn(|_| self.byte())
    }

    /// How many bytes were read.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }
}

/// A number below `bound` out of a byte, in proportion; at least one value is possible.
#[must_use]
pub fn scale(byte: u8, bound: u8) -> u8 {
    u8::try_from((u16::from(byte) * u16::from(bound.max(1))) >> 8).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_end_a_lane_is_tame() {
        let mut reader = Tape::of_lanes(vec![vec![7]]).reader(Lane::Options);
        assert_eq!((reader.byte(), reader.byte(), reader.word()), (7, 0, 0));
        assert_eq!(Tape::of_lanes(Vec::new()).reader(Lane::Person(3)).byte(), 0);
    }

    #[test]
    fn what_is_written_out_reads_the_same() {
        let seeded = Tape::seeded(42);
        let written = seeded.written_out(&[16, 0, 0, 0, 0, 0, 0, 9]);
        for lane in [Lane::Options, Lane::Person(0)] {
            let (mut one, mut other) = (seeded.reader(lane), written.reader(lane));
            assert!((0..9).all(|_| one.byte() == other.byte()));
        }
        assert_eq!(
            Tape::from_bytes(&written.to_bytes()).reader(Lane::Person(0)).record(),
            seeded.reader(Lane::Person(0)).record()
        );
    }

    #[test]
    fn every_lane_is_found_again() {
        assert!((0..39).all(|index| Lane::at(index).index() == index));
    }

    #[test]
    fn zero_is_the_tamest() {
        let mut reader = Tape::of_lanes(Vec::new()).reader(Lane::Network);
        assert!(!reader.chance(255));
        assert_eq!(reader.below(200), 0);
    }
}
