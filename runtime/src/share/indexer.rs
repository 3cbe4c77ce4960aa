//! The threads that find out what files are.

use std::fs::File;
use std::io;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use starling_core::filename::FileName;
use starling_core::swarm::{Layout, Manifest};

use super::hashing::{self, PIECE_BYTES};
use super::index::{Change, Shared};
use super::record::Known;
use super::stamp::Stamp;
use super::watch::Signal;

/// Names that one thread takes at a time.
const BATCH: usize = 32;
/// A file that is larger has others wait, so that they are given to another thread first.
const LARGE_BYTES: u64 = 4 * 1024 * 1024;

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
        let mut changes = Vec::new();
        batch.reverse();
        while let Some(name) = batch.pop() {
            look(shared, &name, &mut piece, &mut batch, &mut changes);
        }
        settle(shared);
        shared.tell(changes);
    }
}

/// Waits for names to look at; nothing once there will be none.
fn take(shared: &Shared) -> Option<Vec<FileName>> {
    let mut state = shared.lock();
    loop {
        if shared.is_over.load(Ordering::Relaxed) {
            return None;
        }
        let free = state.queue.iter().filter(|name| !state.busy.contains(*name)).take(BATCH);
        let batch: Vec<FileName> = free.cloned().collect();
        if !batch.is_empty() {
            for name in &batch {
                state.queue.remove(name);
                state.busy.insert(name.clone());
            }
            return Some(batch);
        }
        state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// If nothing is left to do, what was found out is written down.
fn settle(shared: &Shared) {
    let mut state = shared.lock();
    if state.queue.is_empty() && state.busy.is_empty() {
        state.cache.flush();
    }
}

fn look(
    shared: &Shared,
    name: &FileName,
    piece: &mut [u8],
    others: &mut Vec<FileName>,
    changes: &mut Vec<Change>,
) {
    let found = match shared.folder.open_stamped(name) {
        Ok(Some((file, stamp))) => identify(shared, name, (&file, stamp), piece, others, changes),
        // One that cannot be read cannot be offered either.
        Ok(None) | Err(_) => Ok(Look::Gone),
    };
    let mut state = shared.lock();
    state.busy.remove(name);
    let is_wanted_again = state.queue.contains(name);
    match found.unwrap_or(Look::Gone) {
        Look::Offered(known, manifest) => {
            changes.extend(state.offer(name, known, manifest.as_ref().map(|manifest| &manifest.list()[..])));
            drop(state);
            if !known.is_settled {
                shared.signal(Signal::Look(name.clone(), known.stamp.margin()));
            }
        }
        Look::Gone => changes.extend(state.remove(name)),
        Look::Later => {
            changes.extend(state.withdraw(name));
            drop(state);
            shared.signal(Signal::Look(name.clone(), shared.quiet));
        }
    }
    if is_wanted_again {
        shared.changed.notify_one();
    }
}

/// Finds out what an open file is, by its stamp or by its bytes.
fn identify(
    shared: &Shared,
    name: &FileName,
    (file, stamp): (&File, Stamp),
    piece: &mut [u8],
    others: &mut Vec<FileName>,
    changes: &mut Vec<Change>,
) -> io::Result<Look> {
    let is_settled = stamp.is_settled(SystemTime::now());
    let known = shared.lock().cache.get(name).copied();
    if let Some(known) = known {
        if known.stamp == stamp && (known.is_settled || !is_settled) {
            return Ok(Look::Offered(known, None));
        }
        if known.stamp != stamp {
            changes.extend(shared.lock().withdraw(name));
        }
    }
    let Some(layout) = Layout::new(stamp.size, shared.bounds) else { return Ok(Look::Gone) };
    if stamp.size > LARGE_BYTES {
        give_back(shared, others);
        shared.tell(std::mem::take(changes));
    }
    let manifest = match hashing::manifest(file, layout, piece, &shared.is_over) {
        Err(error) if is_passing(&error) => return Ok(Look::Later),
        manifest => manifest?,
    };
    let is_same = Stamp::of(file)? == stamp;
    let known = Known::new(stamp, &manifest, is_settled);
    Ok(if is_same { Look::Offered(known, Some(manifest)) } else { Look::Later })
}

/// It became shorter while it was read, or the end came.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted)
}

/// Lets another thread look at what was taken.
fn give_back(shared: &Shared, names: &mut Vec<FileName>) {
    if names.is_empty() {
        return;
    }
    let mut state = shared.lock();
    for name in names.drain(..) {
        state.busy.remove(&name);
        state.queue.insert(name);
    }
    drop(state);
    shared.changed.notify_all();
}
