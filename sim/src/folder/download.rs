//! Orders about downloads: what comes in is verified chunk by chunk, and becomes a file when it is complete.

use bytes::Bytes;
use starling_core::client::{FileEvent, FileTrouble};
use starling_core::filename::FileName;
use starling_core::swarm::{ChunkHash, Content, Manifest};

use super::file::{File, hash};
use super::keeper::{Keeper, TransferId};
use super::{Folder, Part, Place};

/// A download that a client has begun.
#[derive(Clone, Debug)]
pub(super) struct Download {
    /// What it will be.
    pub(super) content: Content,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was asked for, and there is room for it; the client does not know yet.
    Prepared,
    /// It cannot be.
    Refused,
    /// Chunks are coming.
    Open,
    /// It was asked to be made a file; the client does not know yet what came of it.
    Completing,
    /// It is a file.
    Complete,
}

/// A chunk on its way.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    name: FileName,
    chunk: u32,
    hash: ChunkHash,
    bytes: Vec<u8>,
    end: Option<End>,
}

/// Why a chunk takes nothing more. The client does not know yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Last,
    Trouble,
}

/// What is to be written of a chunk.
pub(super) struct Piece<'a> {
    pub(super) chunk: u32,
    pub(super) hash: ChunkHash,
    pub(super) bytes: &'a Bytes,
    pub(super) last: bool,
}

impl Download {
    /// Where its chunks are, while it is no file.
    pub(super) fn part<'a>(&self, name: &FileName, folder: &'a mut Folder) -> Option<&'a mut Part> {
        let has_one = !matches!(self.state, State::Refused | State::Complete);
        has_one.then(|| folder.parts.get_mut(&(name.clone(), self.content))).flatten()
    }
}

impl Folder {
    /// Makes room for a download, or finds what there is of it.
    fn prepare(&mut self, name: &FileName, content: Content) -> Result<&mut Part, FileTrouble> {
        if let Some(trouble) = self.taken(name) {
            return Err(trouble);
        }
        if self.is_full {
            return Err(full());
        }
        let layout = self.layout(content);
        let part = self.parts.entry((name.clone(), content)).or_insert_with(|| Part::none(layout));
        if part.busy {
            return Err(FileTrouble::Failed("it is being downloaded by another program".to_owned()));
        }
        part.busy = true;
        Ok(part)
    }

    fn taken(&self, name: &FileName) -> Option<FileTrouble> {
        let place = self.files.get(name)?;
        Some(FileTrouble::Taken((!place.indexing).then(|| place.file.content())))
    }

    /// Makes a download that is complete a file.
    fn complete(&mut self, name: &FileName, content: Content) -> Result<(), FileTrouble> {
        if let Some(trouble) = self.taken(name) {
            return Err(trouble);
        }
        if self.is_full {
            return Err(full());
        }
        let part = self.parts.remove(&(name.clone(), content)).expect("it is under way");
        let file = File::of(part.bytes(), self.bounds);
        assert_eq!(file.content(), content, "the hashes were not those of {name}");
        self.files.insert(name.clone(), Place { file, indexing: false });
        Ok(())
    }
}

fn full() -> FileTrouble {
    FileTrouble::Failed("the disk is full".to_owned())
}

impl Keeper {
    pub(super) fn prepare(&mut self, folder: &mut Folder, name: &FileName, content: Content) {
        let before = self.downloads.get(name).map(|download| download.state);
        assert!(matches!(before, None | Some(State::Refused)), "Prepare: {name} is under way");
        let result = folder.prepare(name, content).map(|part| part.held.clone());
        let state = if result.is_ok() { State::Prepared } else { State::Refused };
        self.downloads.insert(name.clone(), Download { content, state });
        self.answers.push_back(FileEvent::Prepared { name: name.clone(), result });
    }

    pub(super) fn write(&mut self, folder: &mut Folder, name: &FileName, id: TransferId, piece: &Piece<'_>) {
        let (content, chunk) = (self.open(name, "Write").content, piece.chunk);
        let layout = folder.layout(content);
        let size = layout.range(chunk).expect("Write: there is no such chunk");
        assert!(!self.over.contains(&id), "Write: transfer {id:?} is over");
        let new = || Incoming { name: name.clone(), chunk, hash: piece.hash, bytes: Vec::new(), end: None };
        let incoming = self.incoming.entry(id).or_insert_with(new);
        let same = (incoming.chunk, incoming.hash) == (chunk, piece.hash) && incoming.name == *name;
        assert!(same, "Write: transfer {id:?} was of another chunk");
        match incoming.end {
            Some(End::Trouble) => return,
            Some(End::Last) => panic!("Write: transfer {id:?} had its last piece"),
            None => {}
        }
        assert!(!piece.bytes.is_empty(), "Write: an empty piece");
        incoming.bytes.extend_from_slice(piece.bytes);
        let missing = (size.end - size.start).checked_sub(incoming.bytes.len() as u64);
        let missing = missing.expect("Write: more than the chunk has");
        assert_eq!(missing == 0, piece.last, "Write: the last piece ends the chunk, and no other");
        let result = if folder.is_full {
            incoming.end = Some(End::Trouble);
            Err(full())
        } else if piece.last {
            incoming.end = Some(End::Last);
            Ok(hash(layout, chunk, &incoming.bytes) == Some(piece.hash))
        } else {
            return;
        };
        let bytes = std::mem::take(&mut incoming.bytes);
        if result == Ok(true) {
            let part = self.downloads[name].part(name, folder);
            part.expect("it is under way").keep(chunk, bytes.into());
        }
        let (name, (peer, transfer)) = (name.clone(), id);
        self.answers.push_back(FileEvent::Written { name, peer, transfer, result });
    }

    pub(super) fn forget(&mut self, name: &FileName, id: TransferId) {
        let known = self.incoming.remove(&id);
        let same = known.is_none_or(|incoming| incoming.name == *name);
        assert!(same, "Forget: transfer {id:?} is of another download");
        self.over.insert(id);
        self.answers.retain(|answer| written(answer) != Some(id));
    }

    pub(super) fn complete(&mut self, folder: &mut Folder, name: &FileName, manifest: &Manifest) {
        let download = self.open(name, "Complete");
        let content = download.content;
        assert_eq!(manifest.content(), content.id, "Complete: {name} is another content");
        assert_eq!(manifest.layout(), folder.layout(content), "Complete: {name} is cut in another way");
        let part = download.part(name, folder).expect("it is under way");
        assert!(part.safe.is_complete(), "Complete: {name} has {:?}", part.safe);
        let result = folder.complete(name, content);
        self.downloads.insert(name.clone(), Download { content, state: State::Completing });
        self.answers.push_back(FileEvent::Completed { name: name.clone(), result });
    }

    pub(super) fn release(&mut self, folder: &mut Folder, name: &FileName) {
        let download = self.downloads.remove(name).expect("Release: no such download is under way");
        if let Some(part) = download.part(name, folder) {
            part.sync();
            part.busy = false;
        }
        let (over, is_of) = (&mut self.over, |incoming: &Incoming| incoming.name == *name);
        over.extend(self.incoming.extract_if(.., |_, incoming| is_of(incoming)).map(|(id, _)| id));
        self.answers.retain(|answer| download_of(answer) != Some(name));
    }

    /// A download whose chunks are coming.
    fn open(&self, name: &FileName, order: &str) -> &Download {
        let download = self.downloads.get(name);
        let download = download.unwrap_or_else(|| panic!("{order}: no download of {name} is under way"));
        assert_eq!(download.state, State::Open, "{order}: {name} takes no chunks now");
        download
    }

    /// The client is told an answer.
    pub(super) fn is_told(&mut self, folder: &mut Folder, answer: &FileEvent) {
        match answer {
            FileEvent::Prepared { name, result: Ok(_) } => self.becomes(name, State::Open),
            FileEvent::Completed { name, result } => {
                self.becomes(name, if result.is_ok() { State::Complete } else { State::Open });
            }
            FileEvent::Written { name, peer, transfer, result } => {
                let id = (*peer, *transfer);
                let incoming = self.incoming.remove(&id).expect("it is answered once");
                self.over.insert(id);
                if *result == Ok(true)
                    && let Some(part) = self.downloads[name].part(name, folder)
                {
                    part.safe.insert(incoming.chunk);
                }
            }
            FileEvent::Prepared { .. } | FileEvent::Uploaded { .. } | FileEvent::Listed { .. } => {}
        }
    }

    fn becomes(&mut self, name: &FileName, state: State) {
        self.downloads.get_mut(name).expect("it is under way").state = state;
    }

    /// A chunk that can be sent: of a file that is offered, or of a download under way.
    pub(super) fn chunk(&self, folder: &Folder, content: Content, chunk: u32) -> Option<Bytes> {
        if let Some(file) = folder.offered(content) {
            return file.chunk(chunk);
        }
        let under_way = self.downloads.iter().filter(|(_, download)| download.content == content);
        let mut parts = under_way.filter_map(|(name, _)| folder.parts.get(&(name.clone(), content)));
        parts.find_map(|part| part.chunks.get(&chunk).cloned())
    }
}

/// Which download an answer is about, if it is about one.
fn download_of(answer: &FileEvent) -> Option<&FileName> {
    match answer {
        FileEvent::Prepared { name, .. }
        | FileEvent::Written { name, .. }
        | FileEvent::Completed { name, .. } => Some(name),
        FileEvent::Uploaded { .. } | FileEvent::Listed { .. } => None,
    }
}

/// Which chunk's end an answer tells, if it tells one.
fn written(answer: &FileEvent) -> Option<TransferId> {
    match answer {
        FileEvent::Written { peer, transfer, .. } => Some((*peer, *transfer)),
        _ => None,
    }
}
