//! What the cache says of one file, as bytes (integers big-endian):
//!
//! | bytes | |
//! |---|---|
//! | 4 | how many follow |
//! | 2, and the name | its length, and the name |
//! | 1 | 1 if its times lay back far enough when it was hashed, else 0 |
//! | 8 × 7 | size; seconds and nanoseconds of its writing and of its change; inode; device |
//! | 32 | content id |
//! | 8 | bytes of a chunk |
//! | 32 a chunk | the list of hashes, if there are two or more |
//! | 16 | the first half of the BLAKE3 hash of all that follows the first 4 |

use starling_core::filename::FileName;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{ContentId, Layout, Manifest};

use super::stamp::Stamp;

const SUM_BYTES: usize = 16;
const FIXED_BYTES: usize = 2 + 1 + 8 * 7 + ContentId::BYTES + 8 + SUM_BYTES;
/// Bytes behind the length at most.
pub(super) const BODY_MAX: usize =
    FIXED_BYTES + FileName::MAX + Layout::CHUNKS_MAX as usize * ContentId::BYTES;

/// What is known of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) stamp: Stamp,
    pub(super) content: ContentId,
    pub(super) layout: Layout,
    /// A later change would show in the stamp.
    pub(super) is_settled: bool,
}

impl Known {
    /// What a manifest says of the file with this stamp.
    pub(super) const fn new(stamp: Stamp, manifest: &Manifest, is_settled: bool) -> Known {
        Known { stamp, content: manifest.content(), layout: manifest.layout(), is_settled }
    }

    /// Whether a list of hashes is written: one hash is the content id.
    pub(super) fn list_bytes(&self) -> usize {
        match self.layout.count() {
            0 | 1 => 0,
            more => more as usize * ContentId::BYTES,
        }
    }

    /// Where the list begins in a record, and where the record ends.
    pub(super) fn extent(&self, name: &FileName) -> (usize, usize) {
        let start = 4 + FIXED_BYTES - SUM_BYTES + name.as_bytes().len();
        (start, start + self.list_bytes() + SUM_BYTES)
    }
}

/// Appends a record.
pub(super) fn write(out: &mut Vec<u8>, name: &FileName, known: &Known, list: &[u8]) {
    let stamp = &known.stamp;
    let (name, (_, end), start) = (name.as_bytes(), known.extent(name), out.len());
    out.extend_from_slice(&u32::try_from(end - 4).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(name);
    out.push(known.is_settled.into());
    out.extend_from_slice(&stamp.size.to_be_bytes());
    for (secs, nanos) in [stamp.written, stamp.changed] {
        out.extend_from_slice(&secs.to_be_bytes());
        out.extend_from_slice(&nanos.to_be_bytes());
    }
    out.extend_from_slice(&stamp.inode.to_be_bytes());
    out.extend_from_slice(&stamp.device.to_be_bytes());
    out.extend_from_slice(&known.content.0);
    out.extend_from_slice(&known.layout.chunk_bytes().to_be_bytes());
    out.extend_from_slice(&list[..known.list_bytes()]);
    let sum = sum(&out[start + 4..]);
    out.extend_from_slice(&sum);
}

/// Reads what follows the length. Nothing if it is damaged, or of a file that is cut in another way by now.
pub(super) fn read(body: &[u8], bounds: ChunkBounds) -> Option<(FileName, Known)> {
    let (said, rest) = body.split_at_checked(body.len().checked_sub(SUM_BYTES)?)?;
    if rest != sum(said) {
        return None;
    }
    let mut fields = Fields(said);
    let name_bytes = u16::from_be_bytes(fields.take()?);
    let name = FileName::parse(fields.0.split_off(..usize::from(name_bytes))?)?;
    let is_settled = fields.take()? == [1];
    let size = fields.number()?;
    let written = (fields.signed()?, fields.signed()?);
    let changed = (fields.signed()?, fields.signed()?);
    let stamp = Stamp { size, written, changed, inode: fields.number()?, device: fields.number()? };
    let content = ContentId(fields.take()?);
    let layout = Layout::new(size, bounds)?;
    let known = Known { stamp, content, layout, is_settled };
    let is_cut_so = fields.number()? == layout.chunk_bytes() && fields.0.len() == known.list_bytes();
    is_cut_so.then_some((name, known))
}

struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn number(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    fn signed(&mut self) -> Option<i64> {
        self.take().map(i64::from_be_bytes)
    }
}

fn sum(bytes: &[u8]) -> [u8; SUM_BYTES] {
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&blake3::hash(bytes).as_bytes()[..SUM_BYTES]);
    sum
}
