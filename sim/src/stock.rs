//! The files of a world: a few contents under a few names, and in whose folder they lie at the beginning.

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::swarm::{ChunkBounds, Content};

use crate::folder::{File, Folder};
use crate::tape::{Lane, Reader, Tape, scale};

/// See the module.
#[derive(Clone, Debug)]
pub struct Stock {
    /// By name, its contents: one, or two of which nobody has both.
    versions: [Vec<File>; Stock::NAMES.len()],
    /// By person, what lies in his folder, a bit each.
    holders: [u8; 8],
}

impl Stock {
    /// What files are called: one is empty, one has a single chunk, one has several.
    pub const NAMES: [&'static str; 3] = ["empty.txt", "note.txt", "film.bin"];
    /// How files are cut in a world that has some: small, so that there are several chunks.
    pub const BOUNDS: ChunkBounds = ChunkBounds { min: 1_024, max: 1_024 };
    /// A world has files if its byte is at least this.
    const RARE: u8 = 192;

    /// What a tape says; nothing in most worlds.
    #[must_use]
    pub fn drawn(lane: &mut Reader) -> Option<Stock> {
        let [there, chunks, rest, versions, seed, ..] = lane.record();
        let holders = lane.record();
        if there < Stock::RARE {
            return None;
        }
        let rest = 1 + usize::from(rest) * 4;
        let whole = 4 + usize::from(scale(chunks, 8));
        let film = whole * 1_024 + rest;
        // The second content of a name may be of the same size, or of another.
        let other = if versions % 2 == 0 { film } else { film - 1_024 };
        let mut films = vec![file(seed, 2, film)];
        if versions >= 160 {
            films.push(file(seed, 3, other));
        }
        Some(Stock { versions: [vec![file(seed, 0, 0)], vec![file(seed, 1, rest)], films], holders })
    }

    /// The name of a file.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    pub fn name(which: u8) -> FileName {
        FileName::parse(Stock::NAMES[usize::from(which)].as_bytes()).expect("a name of a file")
    }

    /// What there is under a name; nothing if nobody has begun with such a file.
    #[must_use]
    pub fn versions(&self, name: &FileName) -> &[File] {
        let which = Stock::NAMES.iter().position(|other| *other == name.as_str());
        which.map_or(&[], |which| &self.versions[which])
    }

    /// A file has this name and this content.
    #[must_use]
    pub fn has(&self, name: &FileName, content: Content) -> bool {
        self.versions(name).iter().any(|file| file.content() == content)
    }

    /// Digits that name one content of a name.
    ///
    /// # Panics
    /// If there is no such file.
    #[must_use]
    pub fn digits(&self, which: u8, version: u8) -> String {
        let versions = &self.versions[usize::from(which)];
        let content = versions[usize::from(version) % versions.len()].content();
        content.id.0.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether somebody has his files on both devices.
    #[must_use]
    pub fn has_two_devices(&self, person: usize) -> bool {
        self.holders[person % self.holders.len()] & 16 > 0
    }

    /// The folder with which somebody begins.
    #[must_use]
    pub fn folder(&self, person: usize) -> Folder {
        let mut folder = Folder::new(Stock::BOUNDS);
        let bits = self.holders[person % self.holders.len()];
        let film = match bits / 4 % 4 {
            1 => self.versions[2].first(),
            2 => self.versions[2].last(),
            _ => None,
        };
        let plain = [0, 1].map(|which| self.versions[which].first().filter(|_| bits >> which & 1 == 1));
        for (which, file) in (0..).zip(plain.into_iter().chain([film])) {
            if let Some(file) = file {
                folder.put(Stock::name(which), file.bytes().clone());
            }
        }
        folder
    }
}

/// So many bytes that nobody guesses.
fn file(seed: u8, which: u64, bytes: usize) -> File {
    let mut noise = Tape::seeded(u64::from(seed) << 8 | which).reader(Lane::Options);
    let bytes: Bytes = (0..bytes).map(|_| noise.byte()).collect();
    File::of(bytes, Stock::BOUNDS)
}
