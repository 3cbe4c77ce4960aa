//! Private keys in files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// A larger file is not what it seems to be.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// Keeps a key at `path`, for its owner alone. Until it is on the disk it stands at `fresh`, in the same
/// folder and nobody else's: half a key would be worse than none.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] if a key is there: it is never replaced.
pub(crate) fn keep(path: &Path, fresh: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh)?;
    // Unlike a rename, a link never takes the place of a key that is there.
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    let linked = written.and_then(|()| fs::hard_link(fresh, path));
    fs::remove_file(fresh)?;
    linked?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Reads a file that may be a key.
///
/// # Errors
/// What the system says, also if it is far too large.
pub(crate) fn read(path: &Path) -> io::Result<Vec<u8>> {
    fs::metadata(path).and_then(|about| match about.len() {
        len if len > FILE_MAX_BYTES => Err(io::ErrorKind::FileTooLarge.into()),
        _ => fs::read(path),
    })
}
