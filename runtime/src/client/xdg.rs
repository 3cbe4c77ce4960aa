//! The folders of a person for what programs keep (XDG Base Directory Specification 0.8).

use std::env;
use std::path::{Path, PathBuf};

/// The folder of a product within each of them.
const PRODUCT: &str = "starling";

/// `$XDG_STATE_HOME/starling`, by default `~/.local/state/starling`; nothing if there is no home folder.
pub(super) fn state() -> Option<PathBuf> {
    folder("XDG_STATE_HOME", Path::new(".local/state"))
}

/// `$XDG_DATA_HOME/starling`, by default `~/.local/share/starling`; nothing if there is no home folder.
pub(super) fn data() -> Option<PathBuf> {
    folder("XDG_DATA_HOME", Path::new(".local/share"))
}

/// A relative path in a variable counts as none, as the specification says.
fn folder(variable: &str, default: &Path) -> Option<PathBuf> {
    let named = env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = named.or_else(|| env::home_dir().map(|home| home.join(default)));
    base.map(|base| base.join(PRODUCT))
}
