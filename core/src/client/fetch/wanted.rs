//! A download under way: what is known of it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::client::view::Progress;
use crate::filename::FileName;
use crate::id::RequestId;
use crate::name::Name;
use crate::swarm::{Batch, Bitmap, ChunkHash, Content, ContentId, Download, Layout, Manifest, Order};
use crate::time::Time;
use crate::wire::{HASHES_MAX, Report};

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) name: FileName,
    pub(super) content: Content,
    pub(super) layout: Layout,
    /// The command, until the beginning has been told.
    pub(super) command: Option<RequestId>,
    /// The beginning has been told.
    pub(super) is_announced: bool,
    /// Chunks that were here at the beginning.
    pub(super) resumed: u32,
    /// How far it had come, in tenths, when the person was told last.
    pub(super) tenths: u32,
    /// Who has something of it, as far as that was known at the beginning.
    pub(super) owners: BTreeSet<Name>,
    /// The server has told who takes part.
    pub(super) is_introduced: bool,
    pub(super) hashes: Hashes,
    pub(super) download: Download<Name>,
    pub(super) orders: Vec<Order<Name>>,
    /// What others have, as the server says: it holds until they say so themselves.
    pub(super) claims: BTreeMap<Name, Bitmap>,
    /// Slots that were granted before it is known what the chunks must be.
    pub(super) early: Vec<(Name, Option<u32>)>,
    /// What has come, for the others who take part.
    pub(super) gained: Batch<u32>,
    /// What has changed, for the server.
    pub(super) news: Batch<Report>,
    /// Who has nothing yet, as we have nothing for him.
    pub(super) empty_handed: BTreeSet<Name>,
    /// When those can be called.
    pub(super) meet_at: Option<Time>,
    /// When somebody is called again who was not reached, or had no room.
    pub(super) call_at: Option<Time>,
    /// When to ask anew who offers the file.
    pub(super) seek_at: Option<Time>,
    /// The question about that, if it has no answer.
    pub(super) sought: Option<RequestId>,
    pub(super) end: Option<End>,
}

/// How a download ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Everything is here; the file is given its name.
    Completing,
    /// It has its name.
    Done,
    /// There is something else of that name.
    Taken,
    /// It cannot be written.
    Failed(alloc::string::String),
    /// For too long nobody has had anything of it.
    Lonely,
}

/// What the chunks must be.
#[derive(Clone, Debug)]
pub(super) enum Hashes {
    /// Those that have come, of whom they are asked, and until when he is waited for; who had none, and until when
    /// those are left alone once there is nobody else.
    Coming { list: Vec<u8>, asked: Option<(Name, Time)>, not: BTreeSet<Name>, rests_until: Option<Time> },
    /// All of them.
    Known(Manifest),
}

impl Hashes {
    /// Of an empty file, or one of a single chunk, everything is known.
    pub(super) fn new(content: Content, layout: Layout) -> Hashes {
        let list: &[u8] = if layout.count() == 1 { &content.id.0 } else { &[] };
        match Manifest::check(content.id, layout, list) {
            Some(manifest) => Hashes::Known(manifest),
            None => Hashes::Coming { list: Vec::new(), asked: None, not: BTreeSet::new(), rests_until: None },
        }
    }

    pub(super) const fn manifest(&self) -> Option<&Manifest> {
        match self {
            Hashes::Known(manifest) => Some(manifest),
            Hashes::Coming { .. } => None,
        }
    }

    /// All of them come from `who` in one frame, and before anything that he is asked for from now on.
    pub(super) fn come_first_from(&self, who: Name, layout: Layout) -> bool {
        let Hashes::Coming { asked: Some((asked, _)), .. } = self else { return false };
        *asked == who && layout.count() as usize <= HASHES_MAX
    }

    /// Bytes of a whole list.
    pub(super) fn bytes(layout: Layout) -> usize {
        layout.count() as usize * ContentId::BYTES
    }
}

impl Wanted {
    pub(super) fn progress(&self) -> Progress {
        Progress { held: self.download.held().held(), chunks: self.layout.count() }
    }

    pub(super) fn hash(&self, chunk: u32) -> Option<ChunkHash> {
        self.hashes.manifest()?.hash(chunk)
    }

    /// When something has to happen by itself.
    pub(super) fn deadline(&self) -> Option<Time> {
        if self.end.is_some() {
            return None;
        }
        let list = match &self.hashes {
            Hashes::Coming { asked, rests_until, .. } => asked.map(|(_, until)| until).or(*rests_until),
            Hashes::Known(_) => None,
        };
        let news = self.gained.deadline().into_iter().chain(self.news.deadline()).min();
        let times = [self.download.deadline(), news, list, self.meet_at, self.call_at, self.seek_at];
        times.into_iter().flatten().min()
    }
}
