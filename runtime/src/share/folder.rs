//! The folder whose files are offered, and into which downloads go.
//!
//! It is opened once, and every file by its handle and a [`FileName`], which is one path component: nothing
//! outside it can be named. No link is followed, and only regular files are opened.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;
use starling_core::filename::FileName;

use super::stamp::Stamp;

/// Why a folder is refused: what to tell the person.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Everything on the computer, or everything of a person, would be offered.
    #[error("{} cannot be the folder whose files are offered: name one inside it (--dir <folder>).", .0.display())]
    TooMuch(PathBuf),
    /// It is not there and cannot be made, or it is no folder.
    #[error("{} cannot be used as a folder: {}.", .0.display(), .1)]
    Unusable(PathBuf, io::Error),
}

/// A folder, held open: it stays the same one, whatever happens to its name.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

impl Folder {
    /// Opens the folder at `path`; made when missing.
    ///
    /// # Errors
    /// [`Refused`] in words: the root and the home folder itself are, under whatever name.
    pub fn open(path: &Path) -> Result<Folder, Refused> {
        let unusable = |error| Refused::Unusable(path.to_owned(), error);
        fs::create_dir_all(path).map_err(unusable)?;
        let real = path.canonicalize().map_err(unusable)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(&real, flags, Mode::empty()).map_err(|errno| unusable(errno.into()))?;
        let folder = File::from(handle);
        if is_too_much(&folder).map_err(unusable)? {
            return Err(Refused::TooMuch(path.to_owned()));
        }
        Ok(Folder { handle: folder.into(), path: real })
    }

    /// Where it was when it was opened: to watch it, and to tell it from other folders.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The names of what may be offered: regular files directly in it that are not private.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn names(&self) -> io::Result<impl Iterator<Item = io::Result<FileName>>> {
        let offered = |entry: rustix::io::Result<DirEntry>| match entry {
            Ok(entry) => {
                let may_be = matches!(entry.file_type(), FileType::RegularFile | FileType::Unknown);
                let name = FileName::parse(entry.file_name().to_bytes()).filter(|_| may_be);
                name.filter(|name| !is_private(name)).map(Ok)
            }
            Err(errno) => Some(Err(errno.into())),
        };
        Ok(Dir::read_from(&self.handle)?.filter_map(offered))
    }

    /// Opens a file to be offered. Nothing if there is none of this name, if it is anything but a regular file, or
    /// private: nobody can tell the one from the other.
    ///
    /// Never waits for somebody at the other end, as opening a FIFO would.
    ///
    /// # Errors
    /// If it cannot be opened although it is there.
    pub fn open_offered(&self, name: &FileName) -> io::Result<Option<File>> {
        Ok(self.open_stamped(name)?.map(|(file, _)| file))
    }

    /// As [`Folder::open_offered`], and in which state it was.
    pub(super) fn open_stamped(&self, name: &FileName) -> io::Result<Option<(File, Stamp)>> {
        if is_private(name) {
            return Ok(None);
        }
        let opened = self.open_regular(name.as_str(), OFlags::RDONLY)?;
        Ok(opened.map(|(file, stat)| (file, Stamp::from(&stat))))
    }

    /// In which state a file to be offered is, without opening it.
    pub(super) fn stamp(&self, name: &FileName) -> io::Result<Option<Stamp>> {
        match rustix::fs::statat(&self.handle, name.as_str(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok((is_regular(&stat) && !is_private(name)).then(|| Stamp::from(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Opens a file that is there, if it is a regular one.
    pub(super) fn open_regular(&self, name: &str, how: OFlags) -> io::Result<Option<(File, Stat)>> {
        let careful = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(&self.handle, name, how | careful, Mode::empty()) {
            Ok(handle) => File::from(handle),
            // No such file; a link; a FIFO or socket without another end; a folder that was to be written.
            Err(
                Errno::NOENT | Errno::LOOP | Errno::MLINK | Errno::NXIO | Errno::OPNOTSUPP | Errno::ISDIR,
            ) => {
                return Ok(None);
            }
            Err(errno) => return Err(errno.into()),
        };
        let stat = rustix::fs::fstat(&file)?;
        Ok(is_regular(&stat).then_some((file, stat)))
    }

    /// Makes a file that was not there.
    pub(super) fn create(&self, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH;
        Ok(rustix::fs::openat(&self.handle, name, flags, mode)?.into())
    }

    /// Whether anything at all has this name.
    pub(super) fn has(&self, name: &str) -> io::Result<bool> {
        match rustix::fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Gives a file another name, unless that is taken ([`io::ErrorKind::AlreadyExists`]).
    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let at = &self.handle;
        match rustix::fs::renameat_with(at, from, at, to, RenameFlags::NOREPLACE) {
            // The file system cannot do it in one step: a second name is refused in the same way if it is taken.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                rustix::fs::linkat(at, from, at, to, AtFlags::empty())?;
                self.remove(from)
            }
            renamed => Ok(renamed?),
        }
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until what was made, renamed and removed is safe.
    pub(super) fn sync(&self) -> io::Result<()> {
        match rustix::fs::fsync(&self.handle) {
            // Some file systems know no such thing.
            Ok(()) | Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode).is_file()
}

/// The root, or the home folder itself: compared by what they are, not by what they are called.
fn is_too_much(folder: &File) -> io::Result<bool> {
    let this = folder.metadata()?;
    let is = |path: &Path| {
        let other = fs::metadata(path);
        other.is_ok_and(|other| (other.dev(), other.ino()) == (this.dev(), this.ino()))
    };
    Ok(is(Path::new("/")) || env::home_dir().is_some_and(|home| is(&home)))
}

/// Keys, passwords and what programs keep: shared by accident, if at all. Names with a leading dot are no
/// [`FileName`]s.
fn is_private(name: &FileName) -> bool {
    let name = name.as_bytes();
    let is =
        |part: Option<&[u8]>, word: &str| part.is_some_and(|part| part.eq_ignore_ascii_case(word.as_bytes()));
    let begins =
        ["credentials.txt", "known_servers", "known_peers", "server.key", "server.toml", "starling.db"];
    let ends = [".part", ".key", ".key.new", ".pem", ".letters"];
    begins.iter().any(|word| is(name.get(..word.len()), word))
        || ends.iter().any(|word| is(name.len().checked_sub(word.len()).map(|at| &name[at..]), word))
}
