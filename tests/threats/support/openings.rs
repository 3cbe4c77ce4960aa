//! Which files are opened, as the system reports it.

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

/// Notes what is opened, by anybody, from its beginning.
pub(crate) struct Openings {
    queue: OwnedFd,
    /// The watches of single files.
    files: Vec<(i32, String)>,
}

impl Openings {
    /// Of what lies directly in `folder`, by its name, and of `others`.
    pub(crate) fn of(folder: &Path, others: &[&Path]) -> Openings {
        let queue = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).expect("a queue");
        let watch = |path: &Path| inotify::add_watch(&queue, path, WatchFlags::OPEN).expect("a watch");
        watch(folder);
        let files = others.iter().map(|path| (watch(path), path.display().to_string())).collect();
        Openings { queue, files }
    }

    /// What was opened so far.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut room = [MaybeUninit::uninit(); 4 * 1024];
        let mut reader = Reader::new(&self.queue, &mut room);
        let mut names = BTreeSet::new();
        loop {
            match reader.next() {
                Ok(event) => {
                    let file = self.files.iter().find(|(watch, _)| *watch == event.wd());
                    let inside = event.file_name().map(|name| name.to_string_lossy().into_owned());
                    // What has neither is the folder itself.
                    names.extend(file.map(|(_, path)| path.clone()).or(inside));
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return names,
                Err(error) => panic!("the system does not tell: {error}"),
            }
        }
    }
}
