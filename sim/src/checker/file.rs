//! Files: a download that ends has just the bytes that were offered, no file is ever changed, and between two of whom
//! one blocks the other nothing goes.

use std::collections::{BTreeMap, BTreeSet};

use starling_core::client::{Complaint, DownloadComplaint, DownloadLine, Line, Progress};
use starling_core::filename::FileName;
use starling_core::name::Name;
use starling_core::swarm::Content;

use super::book::Book;
use super::fact::{Command, Fact, Target};
use super::{Finding, fail};
use crate::folder::Folder;
use crate::mark::Mark;
use crate::stock::Stock;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// By link of the client.
    sides: BTreeMap<u32, Side>,
    /// What was once seen in a folder, by user and device.
    seen: BTreeMap<(u16, u8), BTreeMap<FileName, Content>>,
}

/// A client as its person sees it.
#[derive(Clone, Debug)]
struct Side {
    user: u16,
    /// Whom he has been told that he blocks.
    blocked: BTreeSet<u16>,
    /// Whom he has asked to unblock: when that holds he is told only later, after all that he has typed before.
    freed: BTreeSet<u16>,
}

impl Files {
    /// Looks at a fact.
    pub fn see(&mut self, fact: &Fact<'_>, stock: &Stock, book: &mut Book) -> Finding {
        match fact {
            Fact::Typed { link, command: Command::Block(Target::User(whom), false) } => {
                self.side(*link)?.freed.insert(*whom);
                Ok(())
            }
            Fact::Shown { link, line, .. } => self.shown(*link, line, stock, book),
            Fact::Exited { link, .. } => {
                self.sides.remove(link);
                Ok(())
            }
            Fact::Folder { user, device, folder } => self.folder(*user, *device, folder, stock),
            Fact::Piece { link, with } => self.piece(*link, *with),
            _ => Ok(()),
        }
    }

    fn shown(&mut self, link: u32, line: &Line, stock: &Stock, book: &mut Book) -> Finding {
        let user = |name: Name| book.people.find(name).ok_or(format!("\"{line}\" is about nobody"));
        match line {
            Line::Welcome(name) => {
                let side = Side { user: user(*name)?, blocked: BTreeSet::new(), freed: BTreeSet::new() };
                self.sides.insert(link, side);
            }
            Line::Blocked(name) => _ = self.side(link)?.blocked.insert(user(*name)?),
            Line::Unblocked(name) => _ = self.side(link)?.blocked.remove(&user(*name)?),
            Line::Refused(Complaint::Download(DownloadComplaint::Different(_))) => {
                book.marks.reach(Mark::FileDiffers);
            }
            Line::Download(told) => return self.told(link, told, stock, book),
            _ => {}
        }
        Ok(())
    }

    fn side(&mut self, link: u32) -> Result<&mut Side, String> {
        self.sides.get_mut(&link).ok_or_else(|| "a line for somebody who was not welcomed".to_owned())
    }

    fn told(&mut self, link: u32, line: &DownloadLine, stock: &Stock, book: &mut Book) -> Finding {
        let fetches = |name: &FileName| book.sight(link).fetching.contains(name);
        match line {
            DownloadLine::Downloading { name, size, chunks, .. } => {
                if fetches(name) {
                    return fail!("\"{line}\", and it is under way");
                }
                fits(stock, name, Some(*size), *chunks)
            }
            DownloadLine::Resuming(name, progress) => {
                if fetches(name) || progress.held == 0 {
                    return fail!("\"{line}\", and it is under way or has nothing");
                }
                book.marks.reach(Mark::FetchResumed);
                part_fits(stock, name, *progress)
            }
            DownloadLine::Downloaded { name, size, chunks, from } => {
                if !fetches(name) {
                    return fail!("\"{line}\", and it was not under way");
                }
                fits(stock, name, Some(*size), *chunks)?;
                self.delivered(link, name, from, book)
            }
            DownloadLine::Stopped(name, progress) => {
                if !fetches(name) {
                    return fail!("\"{line}\", and it was not under way");
                }
                book.marks.reach(Mark::FetchStopped);
                part_fits(stock, name, *progress)
            }
            DownloadLine::Cancelled(name, progress) => {
                if fetches(name) {
                    book.marks.reach(Mark::FetchCancelled);
                    return part_fits(stock, name, *progress);
                }
                Ok(())
            }
            DownloadLine::Running(name, progress) => part_fits(stock, name, *progress),
            DownloadLine::AlreadyHere(_)
            | DownloadLine::Waiting { .. }
            | DownloadLine::None
            | DownloadLine::Choice(_)
            | DownloadLine::Choose(_) => Ok(()),
        }
    }

    /// Those who delivered are others, each named once, in order.
    fn delivered(&mut self, link: u32, name: &FileName, from: &[Name], book: &mut Book) -> Finding {
        let own = book.people.name(self.side(link)?.user);
        if from.contains(&own) || !from.is_sorted_by(|one, other| one < other) {
            return fail!("{name} comes to {own} from {from:?}");
        }
        if from.len() > 1 {
            book.marks.reach(Mark::FetchedFromTwo);
        }
        let is_under_way = |user: u16| {
            self.sides
                .iter()
                .any(|(link, side)| side.user == user && book.sight(*link).fetching.contains(name))
        };
        let users = from.iter().filter_map(|name| book.people.find(*name));
        if users.into_iter().any(is_under_way) {
            book.marks.reach(Mark::GivenOn);
        }
        Ok(())
    }

    /// Everything that can be seen in a folder was offered under its name, and stays what it is.
    fn folder(&mut self, user: u16, device: u8, folder: &Folder, stock: &Stock) -> Finding {
        let seen = self.seen.entry((user, device)).or_default();
        for (name, file) in folder.files() {
            let content = file.content();
            if !stock.has(name, content) {
                return fail!("{name} in a folder is {content:?}, which nobody has offered");
            }
            if *seen.entry(name.clone()).or_insert(content) != content {
                return fail!("{name} in a folder has become {content:?}");
            }
        }
        let gone = seen.keys().find(|name| folder.read(name).is_none());
        gone.map_or(Ok(()), |name| fail!("{name} is gone from a folder"))
    }

    /// Nobody gives to whom he has been told that he blocks, nor takes from him.
    fn piece(&mut self, link: u32, with: u16) -> Finding {
        let Some(side) = self.sides.get(&link) else {
            return fail!("a piece of a file for somebody who was not welcomed");
        };
        match side.blocked.contains(&with) && !side.freed.contains(&with) {
            true => fail!("a piece goes between {} and {with}, whom he has blocked", side.user),
            false => Ok(()),
        }
    }
}

/// There is a file of this name, this size and so many chunks.
fn fits(stock: &Stock, name: &FileName, size: Option<u64>, chunks: u32) -> Finding {
    let is_it = |layout: starling_core::swarm::Layout| {
        layout.count() == chunks && size.is_none_or(|size| layout.size() == size)
    };
    match stock.versions(name).iter().any(|file| is_it(file.layout())) {
        true => Ok(()),
        false => fail!("{name} has {size:?} bytes in {chunks} chunks, and no such file was offered"),
    }
}

fn part_fits(stock: &Stock, name: &FileName, progress: Progress) -> Finding {
    if progress.held > progress.chunks {
        return fail!("{name} has {progress}");
    }
    fits(stock, name, None, progress.chunks)
}
