//! The folder whose files a client offers.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The folder that is taken when none is named.
const DEFAULT: &str = "shared";

/// Why a folder is refused: what to tell the person.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    /// Everything on the computer, or everything of a person, would be offered.
    #[error("{} cannot be the folder whose files are offered: name one inside it (--dir <folder>).", .0.display())]
    TooMuch(PathBuf),
    /// It is not there and cannot be made, or it is no folder.
    #[error("{} cannot be used as a folder: {}.", .0.display(), .1)]
    Unusable(PathBuf, io::Error),
}

/// The folder that `named` or, by default, `shared` in the current folder means; made when missing.
///
/// # Errors
/// [`Refused`] in words. A default folder that cannot be made is no error: nothing is offered then.
pub(super) fn prepare(named: Option<&Path>) -> Result<Option<PathBuf>, Refused> {
    match named {
        Some(path) => made(path).map(Some),
        None => match made(Path::new(DEFAULT)) {
            Err(Refused::Unusable(..)) => Ok(None),
            Err(refused) => Err(refused),
            Ok(path) => Ok(Some(path)),
        },
    }
}

fn made(path: &Path) -> Result<PathBuf, Refused> {
    let unusable = |error| Refused::Unusable(path.to_owned(), error);
    fs::create_dir_all(path).map_err(unusable)?;
    let real = path.canonicalize().map_err(unusable)?;
    if is_too_much(&real) { Err(Refused::TooMuch(path.to_owned())) } else { Ok(real) }
}

/// The root, or the home folder itself.
fn is_too_much(real: &Path) -> bool {
    let home = env::home_dir().and_then(|home| home.canonicalize().ok());
    real.parent().is_none() || home.as_deref() == Some(real)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_and_the_home_are_refused() {
        let home = env::home_dir().expect("a home");
        for path in [Path::new("/"), Path::new("/.."), Path::new("//."), &home, &home.join(".")] {
            let refused = prepare(Some(path));
            assert!(matches!(refused, Err(Refused::TooMuch(_))), "{path:?} gave {refused:?}");
        }
    }

    #[test]
    fn a_missing_folder_is_made() {
        let place = tempfile::tempdir().unwrap();
        let wanted = place.path().join("a/b");
        assert_eq!(prepare(Some(&wanted)).unwrap(), Some(wanted.canonicalize().unwrap()));
        assert!(wanted.is_dir());
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let refused = prepare(Some(file.path())).unwrap_err().to_string();
        assert!(refused.contains("cannot be used as a folder") && !refused.contains('\n'), "{refused}");
    }
}
