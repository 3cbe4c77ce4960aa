//! A download under way: what is known of it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use crate::client::view::Progress;
use crate::filename::FileName;
use crate::id::RequestId;
use crate::name::Name;
use crate::swarm::{
    Batch, Bitmap, ChunkHash, Content, ContentId, Download, LONELY_MAX, Layout, Manifest, Order,
};
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
    /// Since when all is here, and nobody can say what it must be.
    pub(super) stranded_since: Option<Time>,
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

/// Hashes that have not all come. All of them are of one person: of a list from two nobody could say who lied.
#[derive(Clone, Debug, Default)]
pub(super) struct Coming {
    /// Those that have come.
    pub(super) list: Vec<u8>,
    /// From whom.
    pub(super) sender: Option<Name>,
    /// Of whom they are asked, and until when he is waited for.
    pub(super) asked: Option<(Name, Time)>,
    /// Who had none, was too late, or lied.
    pub(super) not: BTreeSet<Name>,
    /// Until when those are left alone once there is nobody else.
    pub(super) rests_until: Option<Time>,
}

impl Coming {
    fn deadline(&self) -> Option<Time> {
        self.asked.map(|(_, until)| until).or(self.rests_until)
    }

    /// Somebody is asked for those that are missing, until then: from which one on.
    pub(super) fn ask(&mut self, who: Name, until: Time) -> u32 {
        if self.sender != Some(who) {
            self.list.clear();
        }
        (self.sender, self.asked) = (Some(who), Some((who, until)));
        self.count()
    }

    /// How many have come: the number of the next.
    fn count(&self) -> u32 {
        u32::try_from(self.list.len() / ContentId::BYTES).unwrap_or(u32::MAX)
    }

    /// Some have come, of which there are `whole` bytes in all. False if nobody was asked for these; of whoever sends
    /// fewer than a frame holds nothing is taken.
    pub(super) fn take(&mut self, who: Name, from: u32, more: &[u8], whole: usize) -> bool {
        let is_next = self.count() == from;
        if self.asked.take_if(|(asked, _)| *asked == who && is_next).is_none() {
            return false;
        }
        if more.len() == (whole - self.list.len()).min(HASHES_MAX * ContentId::BYTES) {
            self.list.extend_from_slice(more);
        } else {
            self.fails(who);
        }
        true
    }

    /// Nothing is taken from somebody any more, as long as there are others.
    pub(super) fn fails(&mut self, who: Name) {
        self.not.insert(who);
        self.list.clear();
        self.sender = None;
    }
}

/// What the chunks must be.
#[derive(Clone, Debug)]
pub(super) enum Hashes {
    /// They are still to come.
    Coming(Coming),
    /// All of them.
    Known(Manifest),
}

impl Hashes {
    /// Of an empty file, or one of a single chunk, everything is known.
    pub(super) fn new(content: Content, layout: Layout) -> Hashes {
        let list: &[u8] = if layout.count() == 1 { &content.id.0 } else { &[] };
        match Manifest::check(content.id, layout, list) {
            Some(manifest) => Hashes::Known(manifest),
            None => Hashes::Coming(Coming::default()),
        }
    }

    pub(super) const fn manifest(&self) -> Option<&Manifest> {
        match self {
            Hashes::Known(manifest) => Some(manifest),
            Hashes::Coming(_) => None,
        }
    }

    /// All of them come from `who` in one frame, and before anything that he is asked for from now on.
    pub(super) fn come_first_from(&self, who: Name, layout: Layout) -> bool {
        let Hashes::Coming(Coming { asked: Some((asked, _)), .. }) = self else { return false };
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

    /// Notes whether all is here, but nobody is there to say what it must be. After a while that is the end.
    pub(super) fn note_stranded(&mut self, now: Time) -> bool {
        let nobody = matches!(&self.hashes, Hashes::Coming(coming) if coming.asked.is_none());
        if !self.download.is_complete() || !nobody {
            self.stranded_since = None;
            return false;
        }
        let since = *self.stranded_since.get_or_insert(now);
        if since + LONELY_MAX <= now {
            self.end.get_or_insert(End::Lonely);
        }
        true
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
            Hashes::Coming(coming) => coming.deadline(),
            Hashes::Known(_) => None,
        };
        let news = self.gained.deadline().into_iter().chain(self.news.deadline()).min();
        let times = [self.download.deadline(), news, list, self.meet_at, self.call_at, self.seek_at];
        times.into_iter().flatten().min()
    }
}
