//! The beginning of a download: the disk is ready, those who have it are found and called, the person is told.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use super::give::Source;
use super::seek::{say, tell};
use super::wanted::{Hashes, Wanted};
use super::{Fetch, Hands};
use crate::client::asked::Answer;
use crate::client::file::{FileOrder, FileTrouble};
use crate::client::view::{DownloadComplaint, DownloadLine, Line};
use crate::filename::FileName;
use crate::id::RequestId;
use crate::name::Name;
use crate::seed::{Dice, Seed};
use crate::swarm::{Batch, Bitmap, Content, Download, Layout};
use crate::wire::{Request, Share};

/// When it is looked for the first time whether there is anybody to fetch from.
const SEEK_FIRST: Duration = Duration::from_secs(5);

impl Fetch {
    /// The disk is ready for a download, or is not.
    pub(super) fn prepared(
        &mut self,
        name: &FileName,
        result: Result<Bitmap, FileTrouble>,
        hands: &mut Hands<'_, '_>,
    ) {
        let Some((content, layout, owners, command)) = self.take_prepared(name) else { return };
        let name = name.clone();
        match result {
            Ok(held) if held.chunks() == layout.count() => {
                self.begin(name, content, layout, held, owners, command, hands);
            }
            // A driver that answers so has lost its way; nothing it says of this file can be used.
            Ok(_) => hands.file(FileOrder::Release { name }),
            Err(FileTrouble::Taken(Some(there))) if there == content => {
                say(command, DownloadLine::AlreadyHere(name), hands);
            }
            Err(FileTrouble::Taken(_)) => tell(command, DownloadComplaint::Different(name), hands),
            Err(FileTrouble::Failed(reason)) => {
                tell(command, DownloadComplaint::CannotWrite(name, reason), hands);
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "it is everything that is known of a download")]
    fn begin(
        &mut self,
        name: FileName,
        content: Content,
        layout: Layout,
        held: Bitmap,
        owners: Vec<Name>,
        command: Option<RequestId>,
        hands: &mut Hands<'_, '_>,
    ) {
        let now = hands.cx.now();
        let dice = Dice::public(Seed::from(self.dice.bits()));
        // What is here under another name is given as before. Those who take part begin anew, and say what they have.
        let gives = if self.offered.contains(&content) { Bitmap::all(layout.count()) } else { held.clone() };
        self.part_from_all(content, hands);
        let mut source = Source::new(layout, &gives, &mut self.dice);
        owners.iter().for_each(|owner| source.neighbours.met(*owner));
        self.sources.insert(content, source);
        let all = Bitmap::all(layout.count());
        let claims: BTreeMap<Name, Bitmap> = owners.iter().map(|owner| (*owner, all.clone())).collect();
        let share = Share { content, watches: true, held: gives };
        hands.cx.send(Request::Share(share).frame());
        let resumed = held.held();
        let wanted = Wanted {
            name,
            content,
            layout,
            command,
            is_announced: false,
            stranded_since: None,
            resumed,
            tenths: resumed.saturating_mul(10) / layout.count().max(1),
            owners: owners.into_iter().collect::<BTreeSet<Name>>(),
            is_introduced: false,
            hashes: Hashes::new(content, layout),
            download: Download::new(layout, held, self.terms.policy, dice, now),
            orders: Vec::new(),
            claims,
            early: Vec::new(),
            gained: Batch::default(),
            news: Batch::default(),
            empty_handed: BTreeSet::new(),
            meet_at: None,
            call_at: None,
            seek_at: Some(now + SEEK_FIRST),
            sought: None,
            end: None,
        };
        self.wanted.insert(content, wanted);
        self.call_some(content, hands);
    }

    /// Tells the beginning of those downloads that can be told now. False if there is none.
    pub(super) fn announce_all(&mut self, hands: &mut Hands<'_, '_>) -> bool {
        let mut told = false;
        for wanted in self.wanted.values_mut().filter(|wanted| wanted.is_introduced && !wanted.is_announced) {
            let is_next = wanted.command.is_none_or(|command| hands.replies.is_first(command));
            if !is_next {
                continue;
            }
            told = true;
            wanted.is_announced = true;
            let name = wanted.name.clone();
            let line = match wanted.resumed {
                0 => DownloadLine::Downloading {
                    name,
                    size: wanted.content.size,
                    chunks: wanted.layout.count(),
                    owners: wanted.owners.len(),
                },
                held => {
                    let progress = crate::client::view::Progress { held, ..wanted.progress() };
                    DownloadLine::Resuming(name, progress)
                }
            };
            match wanted.command.take() {
                Some(command) => {
                    hands.replies.known(command, Answer::Line(Line::Download(line)));
                    hands.replies.show_known(hands.cx);
                }
                None => hands.cx.show(Line::Download(line)),
            }
        }
        told
    }
}
