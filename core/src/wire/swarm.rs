//! Who takes part in which content: what a client tells the server, and what the server tells those who fetch it.

use alloc::vec::Vec;
use bytes::{BufMut, Bytes};

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, Start};
use super::kind::{CONTROL_MAX, Kind};
use super::transfer::content;
use crate::name::Name;
use crate::swarm::{Bitmap, Content, ContentId};

/// A client takes part in a content. A later word of the same client about the same content replaces this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// In which.
    pub content: Content,
    /// It fetches the content, and wants to be told of the others.
    pub watches: bool,
    /// What it has of it.
    pub held: Bitmap,
}

/// What has changed at a client that takes part in a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// In which.
    pub content: Content,
    /// What, in the order in which it happened. At most [`News::MAX`].
    pub items: Vec<Report>,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// A chunk is here.
    Gained(u32),
    /// A chunk is on its way here.
    Started(u32),
    /// It is not, any more.
    Dropped(u32),
    /// Somebody does not give a chunk that he said he has.
    Doubted(Name, u32),
}

/// Who takes part in a content, and how many copies there are of its chunks: all of it at first, then what changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwarmPage {
    /// Of which.
    pub content: Content,
    /// No page follows that belongs to this one.
    pub last: bool,
    /// How many chunks it has.
    pub chunks: u32,
    /// Who takes part now, and what he has; all bitmaps are of so many chunks.
    pub came: Vec<(Name, Bitmap)>,
    /// Who does not any more.
    pub left: Vec<Name>,
    /// Chunks, and how many copies there are of each, what is on its way counted.
    pub copies: Vec<(u32, u32)>,
}

const HEAD: usize = ContentId::BYTES + 8;
/// Kind, chunk and name.
const REPORT_MAX: usize = 1 + 4 + 1 + Name::MAX;

impl Share {
    pub(super) fn frame(&self) -> Frame {
        about(Kind::SHARE, self.content)
            .u8(u8::from(self.watches))
            .u32(self.held.chunks())
            .end(Bytes::copy_from_slice(self.held.bytes()))
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Share, PeerFault> {
        let (content, watches, chunks) = (content(fields)?, fields.flag()?, fields.u32()?);
        let bytes = fields.bytes(fields.len())?;
        let held = Bitmap::read(&bytes, chunks).ok_or(PeerFault::Malformed)?;
        Ok(Share { content, watches, held })
    }
}

impl News {
    /// Changes in one frame at most.
    pub const MAX: usize = (CONTROL_MAX - HEAD) / REPORT_MAX;

    pub(super) fn frame(&self) -> Frame {
        assert!(self.items.len() <= News::MAX, "news are cut into frames");
        let mut tail = Vec::new();
        for item in &self.items {
            let (code, chunk) = match item {
                Report::Gained(chunk) => (1, chunk),
                Report::Started(chunk) => (2, chunk),
                Report::Dropped(chunk) => (3, chunk),
                Report::Doubted(_, chunk) => (4, chunk),
            };
            tail.put_u8(code);
            tail.put_u32(*chunk);
            if let Report::Doubted(name, _) = item {
                put_name(&mut tail, *name);
            }
        }
        about(Kind::NEWS, self.content).end(tail.into())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<News, PeerFault> {
        let content = content(fields)?;
        let mut items = Vec::new();
        while !fields.is_empty() {
            if items.len() == News::MAX {
                return Err(PeerFault::TooLong);
            }
            let (code, chunk) = (fields.u8()?, fields.u32()?);
            items.push(match code {
                1 => Report::Gained(chunk),
                2 => Report::Started(chunk),
                3 => Report::Dropped(chunk),
                4 => Report::Doubted(fields.name()?, chunk),
                _ => return Err(PeerFault::Malformed),
            });
        }
        Ok(News { content, items })
    }
}

impl SwarmPage {
    /// So much in as many pages as it takes, at least one.
    pub fn pages(self) -> impl Iterator<Item = SwarmPage> {
        const ROOM: usize = CONTROL_MAX - HEAD - 1 - 4 - 2 - 2;
        let SwarmPage { content, chunks, came, left, copies, .. } = self;
        let owner = 1 + Name::MAX + chunks.div_ceil(8) as usize;
        let (mut came, mut left, mut copies) = (came.into_iter(), left.into_iter(), copies.into_iter());
        let mut done = false;
        core::iter::from_fn(move || {
            if done {
                return None;
            }
            let mut room = ROOM;
            let mut take = |each: usize, waiting: usize| {
                let count = waiting.min(room / each);
                room -= count * each;
                count
            };
            let counts = (take(owner, came.len()), take(1 + Name::MAX, left.len()), take(6, copies.len()));
            let came_now = came.by_ref().take(counts.0).collect();
            let left_now = left.by_ref().take(counts.1).collect();
            let copies_now = copies.by_ref().take(counts.2).collect();
            done = came.len() + left.len() + copies.len() == 0;
            Some(SwarmPage {
                content,
                last: done,
                chunks,
                came: came_now,
                left: left_now,
                copies: copies_now,
            })
        })
    }

    pub(super) fn frame(&self) -> Frame {
        let mut tail = Vec::new();
        tail.put_u16(count(self.came.len()));
        for (name, held) in &self.came {
            put_name(&mut tail, *name);
            assert_eq!(held.chunks(), self.chunks, "all bitmaps are of one file");
            tail.put_slice(held.bytes());
        }
        tail.put_u16(count(self.left.len()));
        self.left.iter().for_each(|name| put_name(&mut tail, *name));
        for (chunk, copies) in &self.copies {
            tail.put_u32(*chunk);
            tail.put_u16(u16::try_from(*copies).unwrap_or(u16::MAX));
        }
        about(Kind::SWARM, self.content).u8(u8::from(self.last)).u32(self.chunks).end(tail.into())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<SwarmPage, PeerFault> {
        let (content, last, chunks) = (content(fields)?, fields.flag()?, fields.u32()?);
        let bitmap_bytes = chunks.div_ceil(8) as usize;
        let (mut came, mut left, mut copies) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..fields.u16()? {
            let name = fields.name()?;
            let bytes = fields.bytes(bitmap_bytes)?;
            came.push((name, Bitmap::read(&bytes, chunks).ok_or(PeerFault::Malformed)?));
        }
        for _ in 0..fields.u16()? {
            left.push(fields.name()?);
        }
        while !fields.is_empty() {
            copies.push((fields.u32()?, u32::from(fields.u16()?)));
        }
        Ok(SwarmPage { content, last, chunks, came, left, copies })
    }
}

/// A frame about a content.
pub(super) fn about(kind: Kind, content: Content) -> Start {
    Start::of(kind).bytes(&content.id.0).u64(content.size)
}

fn put_name(out: &mut Vec<u8>, name: Name) {
    out.put_u8(name.len());
    out.put_slice(name.as_bytes());
}

fn count(items: usize) -> u16 {
    u16::try_from(items).expect("a page has fewer items")
}
