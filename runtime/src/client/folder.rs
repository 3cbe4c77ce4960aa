//! The folder whose files a client offers.

use std::path::Path;

use crate::share::Folder;
use crate::share::folder::Refused;

/// The folder that is taken when none is named.
const DEFAULT: &str = "shared";

/// The folder that `named` or, by default, `shared` in the current folder means; made when missing.
///
/// # Errors
/// [`Refused`] in words. A default folder that cannot be made is no error: nothing is offered then.
pub(super) fn prepare(named: Option<&Path>) -> Result<Option<Folder>, Refused> {
    match named {
        Some(path) => Folder::open(path).map(Some),
        None => match Folder::open(Path::new(DEFAULT)) {
            Err(Refused::Unusable(..)) => Ok(None),
            Err(refused) => Err(refused),
            Ok(folder) => Ok(Some(folder)),
        },
    }
}
