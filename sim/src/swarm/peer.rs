//! One peer: the organs that a client will have, put together.

use std::collections::VecDeque;

use starling_core::seed::{Dice, Seed};
use starling_core::swarm::{Batch, Bitmap, Download, Fresh, Neighbours, Order, Slots};
use starling_core::time::Time;

use super::link::Link;
use super::setup::{Nature, PeerSetup, Setup};

/// Something that others will be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A chunk is here, since then.
    Gained(u32, Time),
    /// A chunk is under way, since then.
    Started(u32, Time),
    /// A chunk is not under way any more.
    Dropped(u32),
    /// Somebody did not give a chunk.
    Doubt(u32, u32),
}

/// A peer and what he knows.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// How he behaves.
    pub(super) nature: Nature,
    /// He has come and is not gone.
    pub(super) is_there: bool,
    /// His access link.
    pub(super) link: Link,
    /// What he fetches, if he does.
    pub(super) download: Option<Download<u32>>,
    /// What he has.
    pub(super) held: Bitmap,
    /// To whom he gives.
    pub(super) slots: Slots<u32>,
    /// What he has given to nobody.
    pub(super) fresh: Fresh<u32>,
    /// What he suggested, in the order of grants that are not answered.
    pub(super) suggested: VecDeque<(u32, Option<u32>)>,
    /// With whom he is connected.
    pub(super) neighbours: Neighbours<u32>,
    /// What he has got and has not told his neighbours yet.
    pub(super) gained: Batch<(u32, Time)>,
    /// What he has not told the tracker yet.
    pub(super) news: Batch<News>,
    /// His chance.
    pub(super) dice: Dice,
    /// For when his alarm is set.
    pub(super) alarm: Time,
    /// Orders of his download that are not performed.
    pub(super) orders: Vec<Order<u32>>,
    /// When he had everything.
    pub(super) done_at: Option<Time>,
    /// When each chunk was verified.
    pub(super) times: Vec<Time>,
    /// Bytes he sent.
    pub(super) sent: u64,
    /// Bytes he was sent.
    pub(super) got: u64,
    /// Wrong chunks that he got.
    pub(super) wrong: u32,
    /// He goes when he has sent so many bytes.
    pub(super) leaves_after: Option<u64>,
}

impl Peer {
    /// The peer at this place of a setup; he has not come yet.
    #[must_use]
    pub(super) fn new(setup: &Setup, place: usize) -> Peer {
        let PeerSetup { nature, seeds, up, down, .. } = setup.peers[place];
        let seed = Seed::from(setup.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(place as u64));
        let mut dice = Dice::public(seed);
        let chunks = setup.layout.count();
        let held = if seeds { Bitmap::all(chunks) } else { Bitmap::none(chunks) };
        let fresh = Fresh::new(&held, &mut dice);
        let size = setup.layout.size();
        Peer {
            nature,
            is_there: false,
            link: Link::new(up, down, setup.rtt),
            download: None,
            held,
            slots: Slots::default(),
            fresh,
            suggested: VecDeque::new(),
            neighbours: Neighbours::default(),
            gained: Batch::default(),
            news: Batch::default(),
            dice,
            alarm: Time::NEVER,
            orders: Vec::new(),
            done_at: None,
            times: Vec::new(),
            sent: 0,
            got: 0,
            wrong: 0,
            leaves_after: setup.peers[place].leaves_after_permille.map(|permille| size / 1_000 * permille),
        }
    }

    /// What he says he has.
    #[must_use]
    pub(super) fn claims(&self) -> Bitmap {
        match self.nature {
            Nature::Honest | Nature::Framer | Nature::Flooder => self.held.clone(),
            Nature::Poisoner | Nature::Denier | Nature::Staller => Bitmap::all(self.held.chunks()),
        }
    }

    /// When he wants to be woken.
    #[must_use]
    pub(super) fn deadline(&self) -> Option<Time> {
        let download = self.download.as_ref().and_then(Download::deadline);
        [download, self.slots.deadline(), self.news.deadline(), self.gained.deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Takes the suggestion that went with the oldest unanswered grant to somebody.
    pub(super) fn take_suggestion(&mut self, to: u32) -> Option<u32> {
        let place = self.suggested.iter().position(|(other, _)| *other == to)?;
        self.suggested.remove(place)?.1
    }
}
