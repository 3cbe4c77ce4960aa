//! What may lie in a folder whose files are offered, and would lead elsewhere, give what is no file, or keep whoever
//! opens it waiting (threats.md T27).

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode};

/// A file, and a second name of it: what is to be offered.
pub const FILES: [&str; 2] = ["file", "second name"];
/// What is in them.
pub const CONTENT: &[u8] = b"content";
/// Everything else.
pub const TRAPS: [&str; 11] = [
    "absolute link",
    "dangling",
    "folder",
    "link inside",
    "link outside",
    "link to a device",
    "link to a folder",
    "link to an environment",
    "loop",
    "pipe",
    "socket",
];

/// Lays all of that into `folder`. Links lead to `secret`, a file that lies beside the folder.
///
/// # Panics
/// If it cannot be done.
pub fn lay(folder: &Path, secret: &Path) {
    let beside = Path::new("..").join(secret.file_name().expect("a file has a name"));
    fs::write(folder.join("file"), CONTENT).expect("a file");
    fs::hard_link(folder.join("file"), folder.join("second name")).expect("a second name");
    let link = |target: &Path, name: &str| symlink(target, folder.join(name)).expect("a link");
    link(secret, "absolute link");
    link(&beside, "link outside");
    for (target, name) in [
        ("nowhere", "dangling"),
        ("file", "link inside"),
        ("/dev/zero", "link to a device"),
        ("..", "link to a folder"),
        ("/proc/self/environ", "link to an environment"),
        ("loop", "loop"),
    ] {
        link(Path::new(target), name);
    }
    fs::create_dir(folder.join("folder")).expect("a folder");
    fs::hard_link(secret, folder.join("folder/inner")).expect("a file in it");
    lay_pipe(&folder.join("pipe"));
    // The socket stays when nobody listens any more.
    UnixListener::bind(folder.join("socket")).expect("a socket");
}

/// A pipe to which nobody writes: whoever opens it waits.
///
/// # Panics
/// If it cannot be made.
pub fn lay_pipe(path: &Path) {
    rustix::fs::mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
}
