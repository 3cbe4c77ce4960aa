//! Hashing a file piece by piece: however large it is, a piece is all that is held of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};

use starling_core::swarm::{ChunkHasher, Layout, Manifest};

/// Bytes of a piece: it stays in the cache of a core between being read and being hashed.
pub(super) const PIECE_BYTES: usize = 256 * 1024;

/// The manifest of a file that has as many bytes as `layout` says.
///
/// # Errors
/// As reading; [`io::ErrorKind::UnexpectedEof`] if it is shorter, [`io::ErrorKind::Interrupted`] once `is_over`.
pub(super) fn manifest(
    file: &File,
    layout: Layout,
    piece: &mut [u8],
    is_over: &AtomicBool,
) -> io::Result<Manifest> {
    let mut list = Vec::with_capacity(layout.count() as usize * size_of::<[u8; 32]>());
    for chunk in 0..layout.count() {
        list.extend_from_slice(&hash(file, layout, chunk, piece, is_over)?);
    }
    Manifest::of(layout, &list).ok_or_else(|| io::Error::other("a hash is missing"))
}

fn hash(
    file: &File,
    layout: Layout,
    chunk: u32,
    piece: &mut [u8],
    is_over: &AtomicBool,
) -> io::Result<[u8; 32]> {
    let gone = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let range = layout.range(chunk).ok_or_else(gone)?;
    let mut hasher = ChunkHasher::new(layout, chunk).ok_or_else(gone)?;
    let mut at = range.start;
    while at < range.end {
        if is_over.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let wanted = usize::try_from(range.end - at).map_or(piece.len(), |left| left.min(piece.len()));
        let read = match file.read_at(&mut piece[..wanted], at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 || !hasher.update(&piece[..read]) {
            return Err(gone());
        }
        at += read as u64;
    }
    hasher.finish().ok_or_else(gone)
}
