//! Lists of names, page by page.

use alloc::vec::Vec;
use bytes::BufMut;
use core::iter::{self, Peekable};

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::Frame;
use super::kind::CONTROL_MAX;
use crate::id::RequestId;
use crate::name::Name;

/// A page of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesPage {
    /// Which request this answers.
    pub request: RequestId,
    /// No page follows.
    pub last: bool,
    /// The version of the online set that the answer was read from.
    pub version: u64,
    /// The names.
    pub names: Vec<Name>,
}

impl NamesPage {
    pub(super) fn frame(&self) -> Frame {
        let mut items = Vec::new();
        self.names.iter().for_each(|name| put_name(&mut items, *name));
        Frame::names(self.request, self.last, self.version, items.into())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<NamesPage, PeerFault> {
        let (request, last, version) = (fields.request()?, fields.flag()?, fields.u64()?);
        let mut page = NamesPage { request, last, version, names: Vec::new() };
        while !fields.is_empty() {
            page.names.push(fields.name()?);
        }
        Ok(page)
    }
}

/// The frames of [`Frame::names_pages`].
pub(super) fn pages(
    request: RequestId,
    version: u64,
    names: impl Iterator<Item = Name>,
) -> impl Iterator<Item = Frame> {
    let mut names = names.peekable();
    let mut done = false;
    iter::from_fn(move || {
        if done {
            return None;
        }
        let items = page(&mut names);
        done = names.peek().is_none();
        Some(Frame::names(request, done, version, items.into()))
    })
}

/// As many of the next names as fit into one frame.
fn page(names: &mut Peekable<impl Iterator<Item = Name>>) -> Vec<u8> {
    const MAX: usize = CONTROL_MAX - 4 - 1 - 8;
    let mut items = Vec::new();
    while let Some(name) = names.next_if(|name| items.len() + 1 + usize::from(name.len()) <= MAX) {
        put_name(&mut items, name);
    }
    items
}

fn put_name(items: &mut Vec<u8>, name: Name) {
    items.put_u8(name.len());
    items.put_slice(name.as_bytes());
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use bytes::Bytes;

    use super::*;
    use crate::wire::{Kind, RawFrame, ServerFrame};

    fn read(frame: &Frame) -> NamesPage {
        let mut bytes = Vec::new();
        frame.encode_into(&mut bytes);
        let raw = RawFrame { kind: Kind::NAMES, body: Bytes::from(bytes).slice(4..) };
        let Ok(ServerFrame::Names(page)) = ServerFrame::decode(raw) else { panic!("a page") };
        page
    }

    #[test]
    fn nobody_is_one_page() {
        let frames: Vec<_> = Frame::names_pages(RequestId(3), 4, []).collect();
        let [frame] = &frames[..] else { panic!("one page") };
        let expected = NamesPage { request: RequestId(3), last: true, version: 4, names: Vec::new() };
        assert_eq!(read(frame), expected);
    }

    #[test]
    fn a_crowd_is_many_pages_and_the_last_says_so() {
        let crowd: Vec<_> =
            (0..20_000).map(|n| Name::parse(format!("user{n}").as_bytes()).expect("a name")).collect();
        let pages: Vec<_> =
            Frame::names_pages(RequestId(3), 4, crowd.clone()).map(|frame| read(&frame)).collect();
        let last: Vec<_> = pages.iter().map(|page| page.last).collect();
        assert_eq!(last, [false, false, true]);
        let names: Vec<_> = pages.into_iter().flat_map(|page| page.names).collect();
        assert_eq!(names, crowd);
    }
}
