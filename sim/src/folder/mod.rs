//! A model of a folder whose files are offered and into which downloads go, in memory.
//!
//! A [`Folder`] is what lies on a disk, and outlives the client. A [`Keeper`] does to it what one run of a client
//! orders, as the driver does with the real disk, and insists on the contract of
//! [`FileOrder`](starling_core::client::FileOrder): a machine that breaks it is found at the order that does.

mod download;
mod file;
mod keeper;
#[cfg(test)]
mod tests;
mod uploads;

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::pattern::Pattern;
use starling_core::swarm::{Bitmap, ChunkBounds, Content, Layout};
use starling_core::wire::Offer;

pub use file::File;
pub use keeper::{Done, Keeper};

/// See the module.
#[derive(Clone)]
pub struct Folder {
    bounds: ChunkBounds,
    files: BTreeMap<FileName, Place>,
    parts: BTreeMap<(FileName, Content), Part>,
    is_full: bool,
    /// Whatever is given of it is wrong.
    is_false: bool,
    /// Wrong chunks that were given.
    lies: u32,
    /// Nothing is ever given of it.
    is_silent: bool,
    /// Chunks that were asked for and not given.
    silences: u32,
}

/// A file under its name.
#[derive(Clone, Debug)]
struct Place {
    file: File,
    /// It is not yet known what it is.
    indexing: bool,
}

/// What there is of a download. It is hidden.
#[derive(Clone, Debug)]
struct Part {
    chunks: BTreeMap<u32, Bytes>,
    /// Verified.
    held: Bitmap,
    /// Those of them that a crash does not take.
    safe: Bitmap,
    /// A client is downloading it.
    busy: bool,
}

impl Default for Folder {
    /// An empty one, with the usual chunks.
    fn default() -> Folder {
        Folder::new(ChunkBounds::USUAL)
    }
}

impl Folder {
    /// An empty one. Files are cut between these bounds, which must be the same for everybody.
    #[must_use]
    pub fn new(bounds: ChunkBounds) -> Folder {
        Folder {
            bounds,
            files: BTreeMap::new(),
            parts: BTreeMap::new(),
            is_full: false,
            is_false: false,
            lies: 0,
            is_silent: false,
            silences: 0,
        }
    }

    // --- What its owner does with it ---

    /// Puts a file there, in the place of another of that name. It is offered at once.
    pub fn put(&mut self, name: FileName, bytes: Bytes) {
        let file = File::of(bytes, self.bounds);
        self.files.insert(name, Place { file, indexing: false });
    }

    /// Removes a file.
    pub fn remove(&mut self, name: &FileName) {
        self.files.remove(name);
    }

    /// It is not yet known, or it is known from now on, what a file is.
    ///
    /// # Panics
    /// If there is none of this name.
    pub fn set_indexing(&mut self, name: &FileName, indexing: bool) {
        self.files.get_mut(name).expect("there is such a file").indexing = indexing;
    }

    /// Leaves there what an earlier run has got of a download: the first so many chunks.
    ///
    /// # Panics
    /// If it has not so many.
    pub fn put_part(&mut self, name: FileName, bytes: Bytes, chunks: u32) {
        let file = File::of(bytes, self.bounds);
        let mut part = Part::none(file.layout());
        for chunk in 0..chunks {
            part.keep(chunk, file.chunk(chunk).expect("the file has so many chunks"));
        }
        part.sync();
        self.parts.insert((name, file.content()), part);
    }

    /// What can be seen there.
    pub fn files(&self) -> impl Iterator<Item = (&FileName, &File)> {
        self.files.iter().map(|(name, place)| (name, &place.file))
    }

    /// What is in a file that can be seen there.
    #[must_use]
    pub fn read(&self, name: &FileName) -> Option<&Bytes> {
        self.files.get(name).map(|place| place.file.bytes())
    }

    /// The chunks that are there, and safe, of a download that is not complete.
    #[must_use]
    pub fn kept(&self, name: &FileName, content: Content) -> Option<&Bitmap> {
        self.parts.get(&(name.clone(), content)).map(|part| &part.safe)
    }

    /// Nothing more can be written; or it can again.
    pub fn set_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    /// From now on every chunk that is given of it is wrong.
    pub fn set_false(&mut self) {
        self.is_false = true;
    }

    /// How many wrong chunks were given.
    #[must_use]
    pub fn lies(&self) -> u32 {
        self.lies
    }

    /// From now on no chunk that is asked of it is given, though each is granted.
    pub fn set_silent(&mut self) {
        self.is_silent = true;
    }

    /// How many chunks were asked for and not given.
    #[must_use]
    pub fn silences(&self) -> u32 {
        self.silences
    }

    /// A chunk is asked for. False if it will not be given.
    fn note_asked(&mut self) -> bool {
        self.silences += u32::from(self.is_silent);
        !self.is_silent
    }

    /// The end of a chunk as it is given.
    fn given(&mut self, piece: Bytes, is_last: bool) -> Bytes {
        if !self.is_false || !is_last {
            return piece;
        }
        self.lies += 1;
        let mut wrong = piece.to_vec();
        wrong.iter_mut().for_each(|byte| *byte ^= 1);
        wrong.into()
    }

    // --- What it offers ---

    /// The files that fit, and whether there is one more whose content is not known yet.
    #[must_use]
    pub fn look(&self, pattern: &Pattern) -> (Vec<Offer>, bool) {
        let fitting = || self.files.iter().filter(|(name, _)| pattern.fits(name));
        let known = fitting().filter(|(_, place)| !place.indexing);
        let offers = known.map(|(name, place)| {
            let Content { id, size } = place.file.content();
            Offer { name: name.clone(), content: id, size }
        });
        (offers.collect(), fitting().any(|(_, place)| place.indexing))
    }

    /// An offered file with this content.
    fn offered(&self, content: Content) -> Option<&File> {
        let files = self.files.values().filter(|place| !place.indexing).map(|place| &place.file);
        files.into_iter().find(|file| file.content() == content)
    }

    /// How a file of this content is cut.
    fn layout(&self, content: Content) -> Layout {
        Layout::new(content.size, self.bounds).expect("contents have sizes that there are")
    }
}

impl Part {
    fn none(layout: Layout) -> Part {
        let none = Bitmap::none(layout.count());
        Part { chunks: BTreeMap::new(), held: none.clone(), safe: none, busy: false }
    }

    /// A chunk is there, verified.
    fn keep(&mut self, chunk: u32, bytes: Bytes) {
        self.held.insert(chunk);
        self.chunks.insert(chunk, bytes);
    }

    /// Everything that is held is safe.
    fn sync(&mut self) {
        self.safe = self.held.clone();
    }

    /// What is not safe is gone.
    fn crash(&mut self) {
        self.held = self.safe.clone();
        let held = &self.held;
        self.chunks.retain(|chunk, _| held.contains(*chunk));
    }

    /// The whole file.
    fn bytes(&self) -> Bytes {
        self.chunks.values().flatten().copied().collect::<Vec<u8>>().into()
    }
}

impl fmt::Debug for Folder {
    /// Names, not contents.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder")
            .field("files", &self.files.keys())
            .field("parts", &self.parts.keys())
            .finish_non_exhaustive()
    }
}
