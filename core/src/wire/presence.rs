//! Who came and went: many changes in one frame, encoded once for everybody.

use alloc::vec::Vec;
use bytes::{BufMut, Bytes};

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::Frame;
use super::kind::CONTROL_MAX;
use crate::name::Name;

/// One change of presence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Who.
    pub name: Name,
    /// Came (true) or went.
    pub online: bool,
}

/// Changes of presence in the order they happened, up to `version` of the server's online set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresenceList {
    /// The version of the online set after the last of them.
    pub version: u64,
    /// What changed.
    pub changes: Vec<Presence>,
}

impl PresenceList {
    pub(super) fn frame(&self) -> Frame {
        let mut items = PresenceItems::default();
        self.changes.iter().for_each(|change| items.push(*change));
        Frame::presence(self.version, items.bytes.into())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<PresenceList, PeerFault> {
        let mut list = PresenceList { version: fields.u64()?, changes: Vec::new() };
        while !fields.is_empty() {
            let online = fields.flag()?;
            list.changes.push(Presence { name: fields.name()?, online });
        }
        Ok(list)
    }
}

/// The changes of a window that is still open, encoded as they come.
///
/// Whoever logs in meanwhile notes [`here`](PresenceItems::here) and is later sent only what follows.
#[derive(Clone, Debug, Default)]
pub struct PresenceItems {
    bytes: Vec<u8>,
}

/// A place between two items of a window. The default is its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PresenceMark(usize);

impl PresenceItems {
    /// Adds a change.
    pub fn push(&mut self, change: Presence) {
        self.bytes.reserve(2 + usize::from(change.name.len()));
        self.bytes.put_u8(u8::from(change.online));
        self.bytes.put_u8(change.name.len());
        self.bytes.put_slice(change.name.as_bytes());
    }

    /// The place where the next item will begin.
    #[must_use]
    pub fn here(&self) -> PresenceMark {
        PresenceMark(self.bytes.len())
    }

    /// Nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Closes the window, and begins the next with nothing in it.
    #[must_use]
    pub fn close(&mut self) -> PresenceWindow {
        PresenceWindow { bytes: core::mem::take(&mut self.bytes).into() }
    }
}

/// The changes of a closed window, in bytes that all its frames share.
#[derive(Clone, Debug)]
pub struct PresenceWindow {
    bytes: Bytes,
}

impl PresenceWindow {
    /// The frames for whoever has seen the changes before `from`: none if nothing follows, one if the rest
    /// fits, more if it does not. All of them carry `version`, that of the end of the window.
    ///
    /// # Panics
    /// If `from` is no mark of this window.
    pub fn frames(&self, version: u64, from: PresenceMark) -> impl Iterator<Item = Frame> + use<> {
        let mut rest = self.bytes.slice(from.0..);
        core::iter::from_fn(move || {
            let page = rest.split_to(page_len(&rest));
            (!page.is_empty()).then(|| Frame::presence(version, page))
        })
    }
}

/// Bytes of the items at the beginning of `items` that fit into one frame.
fn page_len(items: &[u8]) -> usize {
    const MAX: usize = CONTROL_MAX - 8;
    if items.len() <= MAX {
        return items.len();
    }
    let mut end = 0;
    loop {
        let next = end + 2 + usize::from(items[end + 1]);
        if next > MAX {
            return end;
        }
        end = next;
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::wire::{Kind, RawFrame, ServerFrame};

    fn change(number: usize) -> Presence {
        let name = Name::parse(format!("user{number}").as_bytes()).expect("a name");
        Presence { name, online: number.is_multiple_of(2) }
    }

    fn read(version: u64, frames: impl Iterator<Item = Frame>) -> Vec<Presence> {
        let mut changes = Vec::new();
        for frame in frames {
            let mut bytes = Vec::new();
            frame.encode_into(&mut bytes);
            let raw = RawFrame { kind: Kind::PRESENCE, body: Bytes::from(bytes).slice(4..) };
            let Ok(ServerFrame::Presence(list)) = ServerFrame::decode(raw) else { panic!("a list") };
            assert_eq!(list.version, version);
            changes.extend(list.changes);
        }
        changes
    }

    #[test]
    fn a_newcomer_gets_a_suffix_of_the_same_bytes() {
        let mut items = PresenceItems::default();
        items.push(change(0));
        let mark = items.here();
        items.push(change(1));
        let window = items.close();
        assert!(items.is_empty());

        let whole = window.frames(9, PresenceMark::default()).next().expect("a frame");
        let suffix = window.frames(9, mark).next().expect("a frame");
        assert_eq!(whole.body().as_ptr_range().end, suffix.body().as_ptr_range().end);
        assert_eq!(read(9, window.frames(9, mark)), [change(1)]);
        assert_eq!(window.frames(9, PresenceMark(window.bytes.len())).count(), 0);
    }

    #[test]
    fn a_crowd_is_cut_into_frames() {
        let mut items = PresenceItems::default();
        let crowd: Vec<_> = (0..20_000).map(change).collect();
        crowd.iter().for_each(|change| items.push(*change));
        let window = items.close();
        let frames: Vec<_> = window.frames(1, PresenceMark::default()).collect();
        assert_eq!(frames.len(), window.bytes.len().div_ceil(CONTROL_MAX - 8));
        assert_eq!(read(1, frames.into_iter()), crowd);
    }
}
