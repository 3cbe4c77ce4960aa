//! How files travel from client to client: what is where, and chunk by chunk who gets which of them.

use alloc::vec::Vec;
use bytes::{BufMut, Bytes};

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, RawFrame, Start};
use super::kind::{CONTROL_MAX, Kind};
use super::swarm::about;
use crate::swarm::{Bitmap, Content, ContentId};

/// Bytes of a file in one PIECE at most: whole pages for a disk, and whole leaves for the hash.
pub const PIECE_MAX: usize = 64 * 1024;
/// Hashes in one HASHES at most.
pub const HASHES_MAX: usize = 1_024;
/// Chunks in one GOT at most.
pub const GOT_MAX: usize = 8 * 1024;

/// What two clients say to each other about files. A *transfer* is a chunk under way; the one who fetches gives it
/// a number, which he never used before on this connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// I take part in this content, and have these chunks of it.
    Has {
        /// Which content.
        content: Content,
        /// What of it.
        held: Bitmap,
    },
    /// I have nothing of it, or nothing any more.
    Lacks {
        /// Of what.
        content: Content,
    },
    /// I have got more of it.
    Got {
        /// Of what.
        content: Content,
        /// Which chunks, at most [`GOT_MAX`].
        chunks: Vec<u32>,
    },
    /// Tell me the hashes of its chunks.
    List {
        /// Of what.
        content: Content,
        /// From this chunk on.
        from: u32,
    },
    /// The answer to `List`.
    Hashes {
        /// Of what.
        content: Content,
        /// From this chunk on.
        from: u32,
        /// So many as fit, 32 bytes each; none if there are none.
        hashes: Bytes,
    },
    /// I want chunks of it.
    Bid {
        /// Of what.
        content: Content,
        /// How many more; this word replaces the last one. 0 withdraws.
        wants: u8,
        /// How many I have or am being sent.
        has: u32,
        /// Nothing of what you have now, only of what you will get.
        later: bool,
    },
    /// You may choose one of them.
    Grant {
        /// Of what.
        content: Content,
        /// One that nobody else was given.
        suggested: Option<u32>,
    },
    /// This one, in answer to `Grant`.
    Choose {
        /// Of what.
        content: Content,
        /// The number of the transfer.
        transfer: u32,
        /// Which chunk.
        chunk: u32,
    },
    /// None, in answer to `Grant`.
    Return {
        /// Of what.
        content: Content,
    },
    /// I do not need that chunk any more.
    Cancel {
        /// Which transfer.
        transfer: u32,
    },
    /// That chunk does not come.
    Refuse {
        /// Which transfer.
        transfer: u32,
        /// Why.
        why: Refused,
    },
    /// The next bytes of a chunk.
    Piece {
        /// Which transfer.
        transfer: u32,
        /// The bytes: at least one, at most [`PIECE_MAX`].
        bytes: Bytes,
    },
}

/// Why a chunk does not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// I do not have it.
    Lacking,
    /// I cannot go on with it: nothing was granted, or the file was changed while it was read.
    BrokenOff,
}

impl Transfer {
    pub(super) fn frame(&self) -> Frame {
        let about = |kind, content: &Content| about(kind, *content);
        let none = Bytes::new();
        match self {
            Transfer::Has { content, held } => {
                about(Kind::HAS, content).u32(held.chunks()).end(Bytes::copy_from_slice(held.bytes()))
            }
            Transfer::Lacks { content } => about(Kind::LACKS, content).end(none),
            Transfer::Got { content, chunks } => {
                assert!(chunks.len() <= GOT_MAX, "what has come is told in frames");
                about(Kind::GOT, content).end(numbers(chunks))
            }
            Transfer::List { content, from } => about(Kind::LIST, content).u32(*from).end(none),
            Transfer::Hashes { content, from, hashes } => {
                assert!(hashes.len() <= HASHES_MAX * ContentId::BYTES, "hashes are told in frames");
                about(Kind::HASHES, content).u32(*from).end(hashes.clone())
            }
            Transfer::Bid { content, wants, has, later } => {
                about(Kind::BID, content).u8(*wants).u32(*has).u8(u8::from(*later)).end(none)
            }
            Transfer::Grant { content, suggested: None } => about(Kind::GRANT, content).u8(0).end(none),
            Transfer::Grant { content, suggested: Some(chunk) } => {
                about(Kind::GRANT, content).u8(1).u32(*chunk).end(none)
            }
            Transfer::Choose { content, transfer, chunk } => {
                about(Kind::CHOOSE, content).u32(*transfer).u32(*chunk).end(none)
            }
            Transfer::Return { content } => about(Kind::RETURN, content).end(none),
            Transfer::Cancel { transfer } => Start::of(Kind::CANCEL).u32(*transfer).end(none),
            Transfer::Refuse { transfer, why } => {
                Start::of(Kind::REFUSE).u32(*transfer).u8(why.code()).end(none)
            }
            Transfer::Piece { transfer, bytes } => {
                assert!((1..=PIECE_MAX).contains(&bytes.len()), "a chunk is cut into pieces");
                Start::of(Kind::PIECE).u32(*transfer).end(bytes.clone())
            }
        }
    }

    /// Nothing if it is a frame of another kind.
    pub(super) fn decode(raw: &RawFrame) -> Result<Option<Transfer>, PeerFault> {
        let mut fields = Fields::of(raw.body.clone());
        let fields = &mut fields;
        let transfer = match raw.kind {
            Kind::HAS => Transfer::Has { content: content(fields)?, held: bitmap(fields)? },
            Kind::LACKS => Transfer::Lacks { content: content(fields)? },
            Kind::GOT => {
                let content = content(fields)?;
                let mut chunks = Vec::with_capacity(fields.len() / 4);
                while !fields.is_empty() {
                    chunks.push(fields.u32()?);
                }
                if chunks.len() > GOT_MAX {
                    return Err(PeerFault::TooLong);
                }
                Transfer::Got { content, chunks }
            }
            Kind::LIST => Transfer::List { content: content(fields)?, from: fields.u32()? },
            Kind::HASHES => {
                let (content, from) = (content(fields)?, fields.u32()?);
                if fields.len() > HASHES_MAX * ContentId::BYTES {
                    return Err(PeerFault::TooLong);
                }
                if !fields.len().is_multiple_of(ContentId::BYTES) {
                    return Err(PeerFault::Truncated);
                }
                Transfer::Hashes { content, from, hashes: fields.bytes(fields.len())? }
            }
            Kind::BID => {
                let (content, wants, has) = (content(fields)?, fields.u8()?, fields.u32()?);
                Transfer::Bid { content, wants, has, later: fields.flag()? }
            }
            Kind::GRANT => {
                let (content, suggests) = (content(fields)?, fields.flag()?);
                let suggested = if suggests { Some(fields.u32()?) } else { None };
                Transfer::Grant { content, suggested }
            }
            Kind::CHOOSE => {
                let (content, transfer) = (content(fields)?, fields.u32()?);
                Transfer::Choose { content, transfer, chunk: fields.u32()? }
            }
            Kind::RETURN => Transfer::Return { content: content(fields)? },
            Kind::CANCEL => Transfer::Cancel { transfer: fields.u32()? },
            Kind::REFUSE => Transfer::Refuse { transfer: fields.u32()?, why: Refused::read(fields)? },
            Kind::PIECE => {
                let transfer = fields.u32()?;
                if fields.is_empty() {
                    return Err(PeerFault::Truncated);
                }
                Transfer::Piece { transfer, bytes: fields.bytes(fields.len())? }
            }
            _ => return Ok(None),
        };
        if fields.is_empty() { Ok(Some(transfer)) } else { Err(PeerFault::Overlong) }
    }
}

impl Refused {
    const fn code(self) -> u8 {
        match self {
            Refused::Lacking => 1,
            Refused::BrokenOff => 2,
        }
    }

    fn read(fields: &mut Fields) -> Result<Refused, PeerFault> {
        match fields.u8()? {
            1 => Ok(Refused::Lacking),
            2 => Ok(Refused::BrokenOff),
            _ => Err(PeerFault::Malformed),
        }
    }
}

/// A content id and a size.
pub(super) fn content(fields: &mut Fields) -> Result<Content, PeerFault> {
    let (id, size) = (ContentId(fields.array()?), fields.u64()?);
    if size > crate::swarm::Layout::SIZE_MAX {
        return Err(PeerFault::Malformed);
    }
    Ok(Content { id, size })
}

/// A number of chunks, and a bitmap of so many to the end of the body.
fn bitmap(fields: &mut Fields) -> Result<Bitmap, PeerFault> {
    let chunks = fields.u32()?;
    let bytes = fields.bytes(fields.len())?;
    Bitmap::read(&bytes, chunks).ok_or(PeerFault::Malformed)
}

fn numbers(chunks: &[u32]) -> Bytes {
    let mut bytes = Vec::with_capacity(chunks.len() * 4);
    chunks.iter().for_each(|chunk| bytes.put_u32(*chunk));
    bytes.into()
}

const _: () = assert!(ContentId::BYTES + 8 + GOT_MAX * 4 <= CONTROL_MAX);
const _: () = assert!(ContentId::BYTES + 8 + 4 + HASHES_MAX * ContentId::BYTES <= CONTROL_MAX);
