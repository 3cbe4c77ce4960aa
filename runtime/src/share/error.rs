//! Why a file cannot be written, in words.

use std::io;

/// Why a download cannot be written. Its text is what stands behind `Cannot write report.pdf: `.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Something else has the name.
    #[error("the name is taken")]
    Taken,
    /// Another program, or another download of this one, is writing the same file.
    #[error("it is being downloaded by another program")]
    Busy,
    /// Chunks are missing: it cannot be completed.
    #[error("chunks are missing")]
    Incomplete,
    /// What was written may not be on the disk, although a part of it seemed to be. What was safe before, is; the
    /// download must be opened anew.
    #[error("the disk has failed")]
    Broken,
    /// The system says so.
    #[error("{}", reason(.0))]
    Disk(#[source] io::Error),
}

impl WriteError {
    /// It will go on when there is room: nothing is lost.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, WriteError::Disk(error) if full.contains(&error.kind()))
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> WriteError {
        match error.kind() {
            io::ErrorKind::AlreadyExists => WriteError::Taken,
            _ => WriteError::Disk(error),
        }
    }
}

/// Without the number that only a programmer wants to know.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::QuotaExceeded => "your share of the disk is used up".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::FileTooLarge => "the file is too large for this disk".to_owned(),
        io::ErrorKind::InvalidFilename => "this disk cannot keep such a name".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error").next().unwrap_or(&text).to_lowercase()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn reasons_are_words() {
        for (errno, words) in [
            (Errno::NOSPC, "the disk is full"),
            (Errno::ACCESS, "permission denied"),
            (Errno::ROFS, "the disk is read-only"),
            (Errno::FBIG, "the file is too large for this disk"),
            (Errno::IO, "input/output error"),
            (Errno::EXIST, "the name is taken"),
        ] {
            assert_eq!(WriteError::from(io::Error::from(errno)).to_string(), words);
        }
        assert!(WriteError::from(io::Error::from(Errno::NOSPC)).is_full());
        assert!(!WriteError::from(io::Error::from(Errno::IO)).is_full());
    }
}
