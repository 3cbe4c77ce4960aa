//! Changing what is in a folder, in memory and on a disk.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::swarm::ChunkBounds;
use starling_core::swarm::resume::Subject;
use starling_runtime::share::{self, Part, Verdict};
use starling_sim::folder::{File, Folder};

use crate::transcript::Change;

/// Changes a folder in memory.
pub(super) fn make(folder: &mut Folder, change: &Change) {
    match change {
        Change::Puts(name, bytes) => folder.put(name.clone(), bytes.clone()),
        Change::Leaves(name, bytes, chunks) => folder.put_part(name.clone(), bytes.clone(), *chunks),
        Change::Removes(name) => folder.remove(name),
        Change::Indexes(name, indexing) => folder.set_indexing(name, *indexing),
        Change::Fills(is_full) => folder.set_full(*is_full),
        Change::Lies => folder.set_false(),
    }
}

/// Leaves the first chunks of a download on the disk, as an earlier run of the program does.
pub(super) fn leave(shared: &Path, name: &FileName, bytes: &Bytes, chunks: u32) {
    let file = File::of(bytes.clone(), ChunkBounds::USUAL);
    let folder = share::Folder::open(shared).expect("it is a good folder");
    let subject = Subject { content: file.content().id, layout: file.layout() };
    let part = Arc::new(Part::open(&folder, name, subject).expect("there is room"));
    for chunk in 0..chunks {
        let hash = file.manifest().hash(chunk).expect("the file has so many chunks");
        let mut writer = part.writer(chunk, hash).expect("it is not here yet");
        let bytes = file.chunk(chunk).expect("there is one");
        assert!(writer.write(&bytes).is_ok_and(|fits| fits), "it fits");
        assert_eq!(writer.finish().expect("it can be written"), Verdict::Right);
    }
    part.sync().expect("it can be written");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_on_a_disk_is_found_there() {
        let shared = tempfile::tempdir().expect("a folder can be made");
        let (name, bytes) = (FileName::parse(b"report.pdf").expect("a name"), Bytes::from(vec![7; 1 << 20]));
        leave(shared.path(), &name, &bytes, 7);
        let file = File::of(bytes, ChunkBounds::USUAL);
        let folder = share::Folder::open(shared.path()).expect("it is a good folder");
        let subject = Subject { content: file.content().id, layout: file.layout() };
        let part = Part::open(&folder, &name, subject).expect("it is there");
        assert_eq!(part.held().iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        assert!(!shared.path().join("report.pdf").exists(), "it is hidden");
    }
}
