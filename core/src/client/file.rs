//! What a client wants done with files, and what came of it: the orders to a driver about disks and bulk bytes.
//!
//! The bytes of files pass through no machine on their way out, and untouched on their way in. A *transfer* is a
//! chunk under way on a connection; its number is that of the protocol (PROTOCOL.md §16).

use alloc::string::String;
use bytes::Bytes;

use crate::filename::FileName;
use crate::id::ConnId;
use crate::swarm::{Bitmap, ChunkHash, Content, Manifest};

/// An order about files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileOrder {
    /// Take up a download where it was left, or make room for it. Answered with `Prepared`.
    Prepare {
        /// What it will be called. No other download has this name until `Release`.
        name: FileName,
        /// What it is.
        content: Content,
    },
    /// Verify and write the next piece of a chunk. The last one is answered with `Written`; so is an earlier one
    /// that cannot be written, and then nothing more is to be written of this transfer.
    Write {
        /// Of which download.
        name: FileName,
        /// From which connection.
        peer: ConnId,
        /// In which transfer.
        transfer: u32,
        /// Which chunk. The first piece of a transfer begins at its beginning.
        chunk: u32,
        /// What the chunk's hash must turn out to be.
        hash: ChunkHash,
        /// The next bytes; never more than the chunk has.
        bytes: Bytes,
        /// The chunk ends here.
        last: bool,
    },
    /// What has come in a transfer is thrown away: no more will. Not answered, nor is what was ordered of it before.
    Forget {
        /// Of which download.
        name: FileName,
        /// From which connection.
        peer: ConnId,
        /// In which transfer.
        transfer: u32,
    },
    /// All chunks are there: give the file its name, and offer it. Answered with `Completed`.
    Complete {
        /// Which download.
        name: FileName,
        /// What it is.
        manifest: Manifest,
    },
    /// The download is over, completed or not. What was verified stays on the disk for another one. Not answered,
    /// nor is what was ordered of it before.
    Release {
        /// Which.
        name: FileName,
    },
    /// Send a chunk as pieces: of a download under way with this content, or of a file that is offered. Answered with
    /// `Uploaded`.
    Upload {
        /// On which connection.
        peer: ConnId,
        /// In which transfer: the number that the other side gave it.
        transfer: u32,
        /// Of what.
        content: Content,
        /// Which chunk.
        chunk: u32,
    },
    /// Send no more of a chunk. Not answered, nor is the `Upload`.
    Stop {
        /// On which connection.
        peer: ConnId,
        /// In which transfer.
        transfer: u32,
    },
    /// Read the hashes of an offered file's chunks. Answered with `Listed`.
    List {
        /// Of what.
        content: Content,
    },
}

/// What came of an order about files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileEvent {
    /// The download can begin; or not.
    Prepared {
        /// Which.
        name: FileName,
        /// The chunks that are there, verified by an earlier run.
        result: Result<Bitmap, FileTrouble>,
    },
    /// A chunk came to its end, or could not be written.
    Written {
        /// Of which download.
        name: FileName,
        /// From which connection.
        peer: ConnId,
        /// In which transfer.
        transfer: u32,
        /// Whether it is right; then it is here.
        result: Result<bool, FileTrouble>,
    },
    /// The file has its name; or not, and what there is of it stays hidden.
    Completed {
        /// Which download.
        name: FileName,
        /// What came of it.
        result: Result<(), FileTrouble>,
    },
    /// A chunk was sent, or what was sent of it is not the whole and no more will be.
    Uploaded {
        /// On which connection.
        peer: ConnId,
        /// In which transfer.
        transfer: u32,
        /// Bytes of the chunk that were sent.
        bytes: u64,
        /// All of them.
        whole: bool,
    },
    /// The hashes of an offered file's chunks.
    Listed {
        /// Of what.
        content: Content,
        /// Their hashes; nothing if it is not offered (any more).
        manifest: Option<Manifest>,
    },
}

/// Why something cannot be done with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileTrouble {
    /// There is something of this name already; what it is, if it is a file that is offered.
    Taken(Option<Content>),
    /// The reason, as words behind `Cannot write report.pdf: `.
    Failed(String),
}
