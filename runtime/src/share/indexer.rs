//! The threads that find out what files are.

use std::fs::File;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use rustix::io::Errno;
use starling_core::filename::FileName;
use starling_core::swarm::{Layout, Manifest};

use super::hashing::{self, PIECE_BYTES};
use super::index::Shared;
use super::record::Known;
use super::stamp::Stamp;
use super::watch::Signal;

/// Names that one thread takes at a time.
const BATCH: usize = 32;
/// A file that is larger has others wait, so that they are given to another thread first.
const LARGE_BYTES: u64 = 4 * 1024 * 1024;

/// A file to look at, and what was known of it.
struct Task {
    name: FileName,
    known: Option<Known>,
}

/// What a look at a file found.
enum Look {
    /// It is as it was, or it has been hashed: then the manifest is there.
    Offered(Known, Option<Manifest>),
    /// It is none to be offered.
    Gone,
    /// It changed meanwhile, or the end came.
    Later,
}

/// Looks at files until it is over.
pub(super) fn work(shared: &Shared) {
    let mut piece = vec![0; PIECE_BYTES];
    while let Some(mut batch) = take(shared) {
        let mut looks = Vec::with_capacity(batch.len());
        while let Some(task) = batch.pop() {
            let look = look(shared, &task, &mut piece, || {
                report(shared, std::mem::take(&mut looks));
                give_back(shared, std::mem::take(&mut batch));
            });
            looks.push((task.name, look));
        }
        report(shared, looks);
    }
}

/// Waits for files to look at; nothing once there will be none.
fn take(shared: &Shared) -> Option<Vec<Task>> {
    let mut state = shared.lock();
    loop {
        if shared.is_over.load(Ordering::Relaxed) {
            return None;
        }
        let (mut batch, mut others) = (Vec::new(), Vec::new());
        while let Some(name) = state.queue.pop_first() {
            if state.busy.contains(&name) {
                others.push(name);
                continue;
            }
            state.busy.insert(name.clone());
            let known = state.cache.get(&name).copied();
            batch.push(Task { name, known });
            if batch.len() == BATCH {
                break;
            }
        }
        state.queue.extend(others);
        if !batch.is_empty() {
            return Some(batch);
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Says what was found. If nothing is left to do, it is written down.
fn report(shared: &Shared, looks: Vec<(FileName, Look)>) {
    let (mut changes, mut again) = (Vec::new(), Vec::new());
    let mut state = shared.lock();
    for (name, look) in looks {
        state.busy.remove(&name);
        match look {
            Look::Offered(known, manifest) => {
                let list = manifest.as_ref().map(|manifest| &manifest.list()[..]);
                changes.extend(state.offer(&name, known, list));
                if !known.is_settled {
                    again.push((name, known.stamp.margin()));
                }
            }
            Look::Gone => changes.extend(state.remove(&name)),
            Look::Later => {
                changes.extend(state.withdraw(&name));
                again.push((name, shared.quiet));
            }
        }
    }
    if state.queue.is_empty() && state.busy.is_empty() {
        state.cache.flush();
    } else {
        // Something may wait for what was busy until now.
        shared.changed.notify_all();
    }
    drop(state);
    again.into_iter().for_each(|(name, after)| shared.signal(Signal::Look(name, after)));
    shared.tell(changes);
}

/// Looks at one file. `before_long` is called before it takes its time.
fn look(shared: &Shared, task: &Task, piece: &mut [u8], before_long: impl FnOnce()) -> Look {
    match shared.folder.open_stamped(&task.name) {
        Ok(Some((file, stamp))) => {
            let found = identify(shared, task, (&file, stamp), piece, before_long);
            found.unwrap_or_else(|error| unread(&error))
        }
        Ok(None) => Look::Gone,
        Err(error) => unread(&error),
    }
}

/// One that cannot be read cannot be offered either; but it may only be the wrong moment.
fn unread(error: &io::Error) -> Look {
    let no_room = [Errno::MFILE, Errno::NFILE, Errno::NOMEM].map(|errno| errno.raw_os_error());
    let is_over_soon = error.raw_os_error().is_some_and(|number| no_room.contains(&number));
    // It became shorter while it was read, or the end came.
    let is_new = matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted);
    if is_over_soon || is_new { Look::Later } else { Look::Gone }
}

/// Finds out what an open file is, by its stamp or by its bytes.
fn identify(
    shared: &Shared,
    task: &Task,
    (file, stamp): (&File, Stamp),
    piece: &mut [u8],
    before_long: impl FnOnce(),
) -> io::Result<Look> {
    let is_settled = stamp.is_settled(SystemTime::now());
    let same = task.known.filter(|known| known.stamp == stamp);
    if let Some(known) = same.filter(|known| known.is_settled || !is_settled) {
        return Ok(Look::Offered(known, None));
    }
    let Some(layout) = Layout::new(stamp.size, shared.bounds) else { return Ok(Look::Gone) };
    if stamp.size > LARGE_BYTES {
        before_long();
        if same.is_none() {
            let change = shared.lock().withdraw(&task.name);
            shared.tell(change.into_iter().collect());
        }
    }
    let manifest = hashing::manifest(file, layout, piece, &shared.is_over)?;
    // What is changed later than its stamp was taken is noticed whenever it is used. To look once more only spares
    // others a content that there never was, and is not worth it where the moment was short.
    let is_same = stamp.size <= PIECE_BYTES as u64 || Stamp::of(file)? == stamp;
    let known = Known::new(stamp, &manifest, is_settled);
    Ok(if is_same { Look::Offered(known, Some(manifest)) } else { Look::Later })
}

/// Lets another thread look at what was taken.
fn give_back(shared: &Shared, tasks: Vec<Task>) {
    if tasks.is_empty() {
        return;
    }
    let mut state = shared.lock();
    for Task { name, .. } in tasks {
        state.busy.remove(&name);
        state.queue.insert(name);
    }
    drop(state);
    shared.changed.notify_all();
}
