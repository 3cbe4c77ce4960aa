//! What a person is told of downloads.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::{ID_DIGITS, Listing};
use crate::escape;
use crate::filename::FileName;
use crate::name::Name;

/// How far a download has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Chunks that are here, verified.
    pub held: u32,
    /// All chunks.
    pub chunks: u32,
}

/// A line about a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadLine {
    /// `Downloading report.pdf: 1048576 bytes in 16 chunks from 2 owners.`
    Downloading {
        /// Its name.
        name: FileName,
        /// Bytes.
        size: u64,
        /// Chunks.
        chunks: u32,
        /// How many have something of it.
        owners: usize,
    },
    /// `Resuming report.pdf: 7 of 16 chunks are already here.`
    Resuming(FileName, Progress),
    /// `Downloaded report.pdf: 1048576 bytes in 16 chunks from luke, yoda.`
    Downloaded {
        /// Its name.
        name: FileName,
        /// Bytes.
        size: u64,
        /// Chunks.
        chunks: u32,
        /// Who delivered, sorted.
        from: Vec<Name>,
    },
    /// `report.pdf is already complete in your folder.`
    AlreadyHere(FileName),
    /// `Waiting for 1 owner to index report.pdf.`
    Waiting {
        /// Its name.
        name: FileName,
        /// How many.
        owners: u32,
    },
    /// `Download of report.pdf stopped: 7 of 16 chunks. Repeat the command to resume.`
    Stopped(FileName, Progress),
    /// `Download of report.pdf cancelled: 7 of 16 chunks.`
    Cancelled(FileName, Progress),
    /// `report.pdf: 7 of 16 chunks`
    Running(FileName, Progress),
    /// `No downloads.`
    None,
    /// `  0123456789abcdef 1048576 bytes, owners: luke, yoda`: one of several contents.
    Choice(Listing),
    /// `Choose one: p2pDownload --id <id> report.pdf`
    Choose(FileName),
}

/// Why a file is not downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DownloadComplaint {
    /// `Error. Invalid file name.`
    InvalidName,
    /// `Error. Nobody online offers report.pdf.`
    Nobody(FileName),
    /// `Error. A different report.pdf is already in your folder.`
    Different(FileName),
    /// `Error. Several different files are named report.pdf:`; the choice follows.
    Several(FileName),
    /// `Error. report.pdf is already being downloaded.`
    Running(FileName),
    /// `Error. report.pdf is not being downloaded.`; what was typed need be no name of a file.
    NotRunning(String),
    /// `Error. Cannot write report.pdf: the disk is full`
    CannotWrite(FileName, String),
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.held, Count(self.chunks.into(), "chunk"))
    }
}

impl fmt::Display for DownloadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DownloadLine::Downloading { name, size, chunks, owners } => write!(
                f,
                "Downloading {}: {} from {}.",
                shown(name),
                Extent(*size, *chunks),
                Count(*owners as u64, "owner")
            ),
            DownloadLine::Resuming(name, progress) => {
                let verb = if progress.chunks == 1 { "is" } else { "are" };
                write!(f, "Resuming {}: {progress} {verb} already here.", shown(name))
            }
            DownloadLine::Downloaded { name, size, chunks, from } => {
                write!(f, "Downloaded {}: {} from ", shown(name), Extent(*size, *chunks))?;
                match from.as_slice() {
                    [] => f.write_str("nobody")?,
                    owners => super::names(f, owners)?,
                }
                f.write_str(".")
            }
            DownloadLine::AlreadyHere(name) => {
                write!(f, "{} is already complete in your folder.", shown(name))
            }
            DownloadLine::Waiting { name, owners } => {
                write!(f, "Waiting for {} to index {}.", Count(u64::from(*owners), "owner"), shown(name))
            }
            DownloadLine::Stopped(name, progress) => {
                write!(f, "Download of {} stopped: {progress}. Repeat the command to resume.", shown(name))
            }
            DownloadLine::Cancelled(name, progress) => {
                write!(f, "Download of {} cancelled: {progress}.", shown(name))
            }
            DownloadLine::Running(name, progress) => write!(f, "{}: {progress}", shown(name)),
            DownloadLine::None => f.write_str("No downloads."),
            DownloadLine::Choice(Listing { offer, owners }) => {
                let bytes = Count(offer.size, "byte");
                write!(f, "  {:.ID_DIGITS$} {bytes}, owners: ", offer.content)?;
                super::names(f, owners)
            }
            DownloadLine::Choose(name) => {
                write!(f, "Choose one: p2pDownload --id <id> {}", shown(name))
            }
        }
    }
}

impl fmt::Display for DownloadComplaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DownloadComplaint::InvalidName => f.write_str("Invalid file name."),
            DownloadComplaint::Nobody(name) => write!(f, "Nobody online offers {}.", shown(name)),
            DownloadComplaint::Different(name) => {
                write!(f, "A different {} is already in your folder.", shown(name))
            }
            DownloadComplaint::Several(name) => {
                write!(f, "Several different files are named {}:", shown(name))
            }
            DownloadComplaint::Running(name) => {
                write!(f, "{} is already being downloaded.", shown(name))
            }
            DownloadComplaint::NotRunning(word) => {
                write!(f, "{} is not being downloaded.", escape::name(word))
            }
            DownloadComplaint::CannotWrite(name, reason) => {
                write!(f, "Cannot write {}: {}", shown(name), escape::name(reason))
            }
        }
    }
}

/// A name as it may be shown.
fn shown(name: &FileName) -> impl fmt::Display + '_ {
    escape::name(name.as_str())
}

/// So many of something in words: one is singular.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(count, what) = self;
        write!(f, "{count} {what}{}", if *count == 1 { "" } else { "s" })
    }
}

/// How much there is of a file.
struct Extent(u64, u32);

impl fmt::Display for Extent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", Count(self.0, "byte"), Count(u64::from(self.1), "chunk"))
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;
    use crate::swarm::ContentId;
    use crate::wire::Offer;

    fn file() -> FileName {
        FileName::parse(b"report.pdf").expect("a good name")
    }

    fn name(text: &str) -> Name {
        Name::parse(text.as_bytes()).expect("a good name")
    }

    #[test]
    fn lines_read_as_they_should() {
        let some = Progress { held: 7, chunks: 16 };
        let one = Progress { held: 0, chunks: 1 };
        let whole = |owners, size, chunks| DownloadLine::Downloading { name: file(), size, chunks, owners };
        let done = |from, size, chunks| DownloadLine::Downloaded { name: file(), size, chunks, from };
        let offer = Offer { name: file(), content: ContentId([0xab; 32]), size: 1 };
        let choice = Listing { offer, owners: [name("luke"), name("yoda")].into() };
        for (line, text) in [
            (whole(2, 1_048_576, 16), "Downloading report.pdf: 1048576 bytes in 16 chunks from 2 owners."),
            (whole(1, 1, 1), "Downloading report.pdf: 1 byte in 1 chunk from 1 owner."),
            (DownloadLine::Resuming(file(), some), "Resuming report.pdf: 7 of 16 chunks are already here."),
            (DownloadLine::Resuming(file(), one), "Resuming report.pdf: 0 of 1 chunk is already here."),
            (
                done([name("luke"), name("yoda")].into(), 1_048_576, 16),
                "Downloaded report.pdf: 1048576 bytes in 16 chunks from luke, yoda.",
            ),
            (done(Vec::new(), 0, 0), "Downloaded report.pdf: 0 bytes in 0 chunks from nobody."),
            (DownloadLine::AlreadyHere(file()), "report.pdf is already complete in your folder."),
            (DownloadLine::Waiting { name: file(), owners: 1 }, "Waiting for 1 owner to index report.pdf."),
            (DownloadLine::Waiting { name: file(), owners: 2 }, "Waiting for 2 owners to index report.pdf."),
            (
                DownloadLine::Stopped(file(), some),
                "Download of report.pdf stopped: 7 of 16 chunks. Repeat the command to resume.",
            ),
            (DownloadLine::Cancelled(file(), some), "Download of report.pdf cancelled: 7 of 16 chunks."),
            (DownloadLine::Running(file(), some), "report.pdf: 7 of 16 chunks"),
            (DownloadLine::None, "No downloads."),
            (DownloadLine::Choice(choice), "  abababababababab 1 byte, owners: luke, yoda"),
            (DownloadLine::Choose(file()), "Choose one: p2pDownload --id <id> report.pdf"),
        ] {
            assert_eq!(line.to_string(), text);
        }
    }

    #[test]
    fn complaints_read_as_they_should() {
        for (complaint, text) in [
            (DownloadComplaint::InvalidName, "Invalid file name."),
            (DownloadComplaint::Nobody(file()), "Nobody online offers report.pdf."),
            (DownloadComplaint::Different(file()), "A different report.pdf is already in your folder."),
            (DownloadComplaint::Several(file()), "Several different files are named report.pdf:"),
            (DownloadComplaint::Running(file()), "report.pdf is already being downloaded."),
            (DownloadComplaint::NotRunning("a\u{1b}".into()), "a\\u{1b} is not being downloaded."),
            (
                DownloadComplaint::CannotWrite(file(), "the disk is full".into()),
                "Cannot write report.pdf: the disk is full",
            ),
        ] {
            assert_eq!(complaint.to_string(), text);
        }
    }
}
