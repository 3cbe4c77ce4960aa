//! What peers and disks say of files.

use std::path::{Component, Path};

use starling_core::filename::FileName;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::resume::Subject;
use starling_core::swarm::{Bitmap, ContentId, Layout, Manifest};

use super::data::Data;

/// The name of a file: whatever it is joined to, it lies directly in it.
pub fn file_name(given: &[u8]) {
    let Some(name) = FileName::parse(given) else { return };
    assert_eq!(name.as_bytes(), given, "nothing is rewritten");
    let folder = Path::new("/folder");
    let joined = folder.join(name.as_str());
    assert_eq!(joined.parent(), Some(folder), "{name:?} lies elsewhere");
    assert_eq!(joined.file_name().and_then(|name| name.to_str()), Some(name.as_str()));
    let parts: Vec<Component> = Path::new(name.as_str()).components().collect();
    assert_eq!(parts, [Component::Normal(name.as_str().as_ref())]);
    let foreign = |char: char| char.is_control() || "/\\:*?\"<>|".contains(char);
    assert!(!name.as_str().contains(foreign) && !name.as_str().starts_with('.'), "{name:?}");
    assert!(!name.as_str().ends_with(['.', ' ']) && given.len() <= FileName::MAX);
}

/// A size and a list of hashes: whatever list is taken agrees with the content id, and no other like it does.
pub fn chunk_list(given: &[u8]) {
    let mut data = Data::new(given);
    let Some(layout) = layout(&mut data) else { return };
    let flipped = data.number();
    let list = data.bytes();
    let Some(manifest) = Manifest::of(layout, &list) else { return };
    let content = manifest.content();
    assert_eq!(Manifest::check(content, layout, &list), Some(manifest.clone()));
    assert_eq!(list.len(), layout.count() as usize * ContentId::BYTES);
    assert!(manifest.hash(layout.count()).is_none());
    if !list.is_empty() {
        let mut other = list.to_vec();
        other[flipped as usize % list.len()] ^= 1;
        assert_eq!(Manifest::check(content, layout, &other), None, "another list agrees, too");
    }
}

/// The file that says which chunks of a download are here: what is read is written the same way.
pub fn resume_file(given: &[u8]) {
    let mut data = Data::new(given);
    let Some(layout) = layout(&mut data) else { return };
    let subject = Subject { content: ContentId([7; ContentId::BYTES]), layout };
    let file = data.bytes();
    if let Some(note) = subject.read(&file) {
        let (at, bytes) = subject.write(&note);
        let at = usize::try_from(at).expect("a file of notes is small");
        let is_there = |at: usize| file.get(at..).is_some_and(|rest| rest.starts_with(&bytes));
        assert!(is_there(at) || is_there(0), "it says what the file does not");
        assert!(note.held.iter().all(|chunk| chunk < layout.count()));
        for (chunk, hash) in subject.unnoted(&file, &note.held) {
            assert!(chunk < layout.count() && !note.held.contains(chunk) && hash != [0; ContentId::BYTES]);
        }
    }
    let named = subject.unnoted(&file, &Bitmap::none(layout.count())).count();
    assert!(named <= file.len() / ContentId::BYTES && named <= layout.count() as usize);
}

/// A file of up to 4 GiB in chunks of 1 KiB to 8 MiB.
fn layout(data: &mut Data) -> Option<Layout> {
    let [min, more] = [data.below(12), data.below(3)];
    let bounds = ChunkBounds { min: 1024 << min, max: 1024 << (min + more) };
    Layout::new(data.number().into(), bounds)
}
