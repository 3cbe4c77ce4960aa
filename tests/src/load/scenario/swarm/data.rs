//! The bytes of a swarm: where they lie, how they are made and compared.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A file system in memory, on most systems.
const MEMORY: &str = "/dev/shm";
/// What `statfs` says of such a file system.
const TMPFS: u64 = 0x0102_1994;
const PIECE_BYTES: usize = 1 << 20;

/// A folder that goes with its value.
#[derive(Debug)]
pub(super) struct Place {
    folder: TempDir,
    /// Its files end on a disk.
    pub(super) is_disk: bool,
}

impl Place {
    /// In `named`, or else in memory, or else where temporary files are.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn make(named: Option<&Path>) -> io::Result<Place> {
        let memory = Path::new(MEMORY);
        let temporary = std::env::temp_dir();
        let parent = named.unwrap_or(if memory.is_dir() { memory } else { &temporary }).canonicalize()?;
        let folder = tempfile::Builder::new().prefix("swarm-").tempdir_in(parent)?;
        let kind = rustix::fs::statfs(folder.path())?.f_type;
        Ok(Place { is_disk: u64::try_from(kind) != Ok(TMPFS), folder })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes a file of `size` bytes that nothing can make smaller; its hash.
///
/// # Errors
/// What the system says.
pub(super) fn make(path: &Path, size: u64) -> io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut bytes = blake3::Hasher::new().update(b"swarm").finalize_xof();
    let mut file = File::create(path)?;
    let mut piece = vec![0; PIECE_BYTES];
    for length in pieces(size) {
        bytes.fill(&mut piece[..length]);
        file.write_all(&piece[..length])?;
        hasher.update(&piece[..length]);
    }
    Ok(hasher.finalize())
}

/// The lengths of the pieces in which so many bytes are written.
fn pieces(size: u64) -> impl Iterator<Item = usize> {
    let piece = PIECE_BYTES as u64;
    let lengths = (0..size.div_ceil(piece)).map(move |number| piece.min(size - number * piece));
    lengths.map(|length| usize::try_from(length).unwrap_or(PIECE_BYTES))
}

/// The hash of a file.
///
/// # Errors
/// What the system says.
pub(super) fn hash(path: &Path) -> io::Result<blake3::Hash> {
    let mut file = File::open(path)?;
    let (mut hasher, mut piece) = (blake3::Hasher::new(), vec![0; PIECE_BYTES]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hasher.finalize()),
            length => hasher.update(&piece[..length]),
        };
    }
}

/// How long it takes to write `size` bytes there, until they are safe: what no download can do without. In memory it is
/// also what makes figures comparable: a virtual machine may have to find each page first, which costs more than all
/// the rest, and those who come later are given the same pages again.
///
/// # Errors
/// What the system says.
pub(super) fn plain_write(folder: &Path, size: u64) -> io::Result<Duration> {
    let path = folder.join("plain");
    let mut file = File::create(&path)?;
    let piece = vec![0x5a; PIECE_BYTES];
    let begin = Instant::now();
    pieces(size).try_for_each(|length| file.write_all(&piece[..length]))?;
    file.sync_all()?;
    let took = begin.elapsed();
    std::fs::remove_file(path)?;
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_its_size_and_its_hash() {
        let place = Place::make(None).expect("a folder");
        for size in [1, PIECE_BYTES as u64, PIECE_BYTES as u64 + 7] {
            let path = place.path().join("file");
            let made = make(&path, size).expect("a file");
            assert_eq!(std::fs::metadata(&path).expect("it is there").len(), size);
            assert_eq!(hash(&path).expect("it can be read"), made);
        }
        assert!(plain_write(place.path(), PIECE_BYTES as u64 + 10).is_ok());
    }
}
