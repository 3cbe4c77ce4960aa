//! The end of a download.

use alloc::vec::Vec;

use super::wanted::End;
use super::{Fetch, Hands, refuse, show};
use crate::client::asked::Answer;
use crate::client::file::{FileOrder, FileTrouble};
use crate::client::view::{Complaint, DownloadComplaint, DownloadLine, Line};
use crate::filename::FileName;
use crate::id::RequestId;
use crate::name::Name;
use crate::swarm::{Bitmap, Content};
use crate::wire::{Request, Share};

impl Fetch {
    /// Ends a download whose end has come, once its beginning was told.
    pub(super) fn end_if_over(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let Some(wanted) = self.wanted.get_mut(&content) else { return };
        if wanted.end.is_none()
            && wanted.download.is_complete()
            && wanted.is_introduced
            && let Some(manifest) = wanted.hashes.manifest()
        {
            let order = FileOrder::Complete { name: wanted.name.clone(), manifest: manifest.clone() };
            wanted.end = Some(End::Completing);
            hands.file(order);
        }
        let is_over = wanted.end.as_ref().is_some_and(|end| *end != End::Completing);
        if !is_over || !wanted.is_announced {
            return;
        }
        let (end, name, progress) = (wanted.end.clone(), wanted.name.clone(), wanted.progress());
        match end {
            None | Some(End::Completing) => {}
            Some(End::Done) => self.is_done(content, hands),
            Some(End::Lonely) => {
                show(DownloadLine::Stopped(name, progress), hands);
                self.give_up(content, hands);
            }
            Some(End::Taken) => self.fail(content, DownloadComplaint::Different(name), hands),
            Some(End::Failed(reason)) => {
                self.fail(content, DownloadComplaint::CannotWrite(name, reason), hands);
            }
        }
    }

    fn fail(&mut self, content: Content, complaint: DownloadComplaint, hands: &mut Hands<'_, '_>) {
        hands.cx.show(Line::Refused(Complaint::Download(complaint)));
        self.give_up(content, hands);
    }

    /// The file has its name, or cannot get it.
    pub(super) fn completed(&mut self, name: &FileName, result: Result<(), FileTrouble>) {
        let is_it = |wanted: &&mut super::Wanted| wanted.name == *name && wanted.end == Some(End::Completing);
        if let Some(wanted) = self.wanted.values_mut().find(is_it) {
            wanted.end = Some(match result {
                Ok(()) => End::Done,
                Err(FileTrouble::Taken(_)) => End::Taken,
                Err(FileTrouble::Failed(reason)) => End::Failed(reason),
            });
        }
    }

    /// From now on it is a file like others. What others get of it, they go on to get.
    fn is_done(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        let Some(mut wanted) = self.wanted.remove(&content) else { return };
        self.not_sought(wanted.sought);
        // The last of what has come was perhaps not told yet; the server hears that it is all.
        self.forget_all_incoming(content);
        let held = Bitmap::all(wanted.layout.count());
        hands.cx.send(Request::Share(Share { content, watches: false, held: held.clone() }).frame());
        self.make_room(hands);
        self.offered.insert(content);
        let from: Vec<Name> = wanted.download.deliverers().collect();
        wanted.orders.clear();
        for (who, link) in &self.links {
            if link.greeted.contains(&content) {
                hands.tell(*who, crate::wire::Transfer::Has { content, held: held.clone() });
            }
        }
        self.remove_if_left(content);
        let (name, size, chunks) = (wanted.name.clone(), content.size, wanted.layout.count());
        show(DownloadLine::Downloaded { name: name.clone(), size, chunks, from }, hands);
        hands.file(FileOrder::Release { name });
        hands.cx.send(Request::Active.frame());
    }

    /// It goes no further; what is verified stays on the disk.
    pub(super) fn give_up(&mut self, content: Content, hands: &mut Hands<'_, '_>) {
        self.part_from_all(content, hands);
        self.sources.remove(&content);
        self.forget_all_incoming(content);
        if let Some(wanted) = self.wanted.remove(&content) {
            self.not_sought(wanted.sought);
            hands.file(FileOrder::Release { name: wanted.name });
        }
        match self.held(content) {
            // It is here under another name.
            Some(held) => hands.cx.send(Request::Share(Share { content, watches: false, held }).frame()),
            None => self.leave(content, hands),
        }
        hands.cx.send(Request::Active.frame());
    }

    /// What is still on its way is not waited for: with the download its transfers end.
    fn forget_all_incoming(&mut self, content: Content) {
        self.incoming.retain(|_, incoming| incoming.content != content);
    }

    /// The person ends a download.
    pub(super) fn cancel(&mut self, name: &FileName, request: RequestId, hands: &mut Hands<'_, '_>) {
        let Some(wanted) = self.wanted.values().find(|wanted| wanted.name == *name) else {
            if !self.end_seek(name, request, hands) {
                refuse(request, DownloadComplaint::NotRunning(name.as_str().into()), hands);
            }
            return;
        };
        let line = DownloadLine::Cancelled(name.clone(), wanted.progress());
        let content = wanted.content;
        hands.replies.known(request, Answer::Line(Line::Download(line)));
        self.give_up(content, hands);
    }
}
