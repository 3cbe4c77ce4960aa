//! What a simulated swarm is made of.

use std::time::Duration;

use starling_core::swarm::{ChunkBounds, Layout, POLICIES, Policy};
use starling_core::time::Time;

/// How a peer behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// As he should.
    Honest,
    /// Says that he has everything and sends what is wrong.
    Poisoner,
    /// Says that he has everything and gives nothing when he is asked.
    Denier,
    /// Says that he has everything, grants, and never sends.
    Staller,
    /// Tells the tracker of everybody that he gives nothing.
    Framer,
    /// Bids for as much as he may, all the time, and says that he has nothing.
    Flooder,
}

/// One peer.
#[derive(Clone, Debug)]
pub struct PeerSetup {
    /// How he behaves.
    pub nature: Nature,
    /// He has everything from the start.
    pub seeds: bool,
    /// When he comes.
    pub comes: Time,
    /// When he goes, killed without a word.
    pub leaves: Option<Time>,
    /// He goes when he has sent so many thousandths of the file.
    pub leaves_after_permille: Option<u64>,
    /// Bytes a second.
    pub up: u64,
    /// Bytes a second.
    pub down: u64,
}

/// A whole swarm.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where chance comes from.
    pub seed: u64,
    /// Everybody.
    pub peers: Vec<PeerSetup>,
    /// The file.
    pub layout: Layout,
    /// How chunks are chosen.
    pub policy: &'static dyn Policy,
    /// Between any two.
    pub rtt: Duration,
    /// Of a million pieces, so many are lost and sent again.
    pub loss_ppm: u32,
    /// The world ends then, whatever is still missing.
    pub until: Time,
}

impl PeerSetup {
    /// An honest peer who comes at the start and stays, with so many bytes a second each way.
    #[must_use]
    pub const fn honest(rate: u64) -> PeerSetup {
        PeerSetup {
            nature: Nature::Honest,
            seeds: false,
            comes: Time::ZERO,
            leaves: None,
            leaves_after_permille: None,
            up: rate,
            down: rate,
        }
    }
}

impl Setup {
    /// So many seeders and downloaders with links of so many bytes a second, as near as neighbours in one house.
    #[must_use]
    pub fn equal(seeders: usize, downloaders: usize, layout: Layout, rate: u64) -> Setup {
        let seeder = PeerSetup { seeds: true, ..PeerSetup::honest(rate) };
        let mut peers = vec![seeder; seeders];
        peers.extend(vec![PeerSetup::honest(rate); downloaders]);
        let mut setup = Setup {
            seed: 0,
            peers,
            layout,
            policy: POLICIES[0],
            rtt: Duration::from_millis(1),
            loss_ppm: 0,
            until: Time::NEVER,
        };
        setup.until = Time::ZERO + setup.bound() * 20 + Duration::from_secs(300);
        setup
    }

    /// The same with so many more of some nature, with the links of the last one.
    #[must_use]
    pub fn and(mut self, nature: Nature, count: usize) -> Setup {
        if let Some(last) = self.peers.last().cloned() {
            self.peers.extend(vec![PeerSetup { nature, seeds: false, ..last }; count]);
        }
        self
    }

    /// The same with one downloader killed at a third of the least time, and the seeders after 1.05 copies.
    #[must_use]
    pub fn with_churn(mut self) -> Setup {
        let third = Time::ZERO + self.bound() / 3;
        self.peers
            .iter_mut()
            .filter(|peer| peer.seeds)
            .for_each(|peer| peer.leaves_after_permille = Some(1_050));
        if let Some(last) = self.peers.last_mut() {
            last.leaves = Some(third);
        }
        self
    }

    /// A file of so many chunks of this size.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    pub fn layout_of(chunks: u32, chunk_bytes: u64) -> Layout {
        let bounds = ChunkBounds { min: chunk_bytes, max: chunk_bytes };
        Layout::new(u64::from(chunks) * chunk_bytes, bounds).expect("a file that is not too big")
    }

    /// The least time in which any schedule could serve all honest downloaders of a swarm that starts together: the
    /// seeders' up-links, the slowest down-link, or all up-links together are the limit (Kumar and Ross, "Peer-assisted
    /// file distribution: the minimum distribution time", HotWeb 2006).
    #[must_use]
    pub fn bound(&self) -> Duration {
        let honest = || self.peers.iter().filter(|peer| peer.nature == Nature::Honest);
        let seed_up: u64 = honest().filter(|peer| peer.seeds).map(|peer| peer.up).sum();
        let all_up: u64 = honest().map(|peer| peer.up).sum();
        let downloaders = honest().filter(|peer| !peer.seeds);
        let (count, down) = downloaders.fold((0, u64::MAX), |(n, down), peer| (n + 1, down.min(peer.down)));
        let size = u128::from(self.layout.size()) * 1_000_000;
        let spans = [(1, seed_up), (1, down), (count, all_up)]
            .map(|(copies, rate): (u128, u64)| size * copies / u128::from(rate.max(1)));
        let longest = spans.into_iter().max().unwrap_or(0);
        Duration::from_micros(u64::try_from(longest).unwrap_or(u64::MAX))
    }
}
