//! Which files are offered, by whom: what a server asks all clients, and what it makes of their answers.

use alloc::vec::Vec;
use bytes::{BufMut, Bytes};

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, HEAD_BYTES, Start};
use super::kind::{CONTROL_MAX, Kind};
use crate::filename::FileName;
use crate::id::RequestId;
use crate::name::Name;
use crate::pattern::Pattern;
use crate::swarm::{ContentId, Layout};

/// A file that is offered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offer {
    /// What it is called there.
    pub name: FileName,
    /// What it is.
    pub content: ContentId,
    /// Bytes of it, at most [`Layout::SIZE_MAX`].
    pub size: u64,
}

/// Files that a client offers: a page of its answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    /// Which question.
    pub question: u32,
    /// No page follows.
    pub last: bool,
    /// There is a file that fits, and what it is will be known later.
    pub indexing: bool,
    /// The files.
    pub offers: Vec<Offer>,
}

/// A file that somebody offers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file.
    pub offer: Offer,
    /// Who offers it.
    pub owner: Name,
}

/// Files that are offered: a page of the answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Which request.
    pub request: RequestId,
    /// No page follows.
    pub last: bool,
    /// How many have a file that fits, and do not know yet what it is.
    pub indexing: u32,
    /// The files.
    pub findings: Vec<Finding>,
}

/// Bytes of an offer at most.
const OFFER_MAX: usize = ContentId::BYTES + 8 + 1 + FileName::MAX;
/// Offers in one page: so many fit in any case.
const PAGE_MAX: usize = (CONTROL_MAX - 9) / (OFFER_MAX + 1 + Name::MAX);

impl Offers {
    /// The pages of an answer: at least one.
    pub fn pages(question: u32, indexing: bool, offers: Vec<Offer>) -> impl Iterator<Item = Offers> {
        pages(offers).map(move |(offers, last)| Offers { question, last, indexing, offers })
    }

    pub(super) fn frame(&self) -> Frame {
        let mut tail = Vec::new();
        self.offers.iter().for_each(|offer| put_offer(&mut tail, offer));
        let frame = Start::of(Kind::OFFERS)
            .u32(self.question)
            .u8(u8::from(self.last))
            .u8(u8::from(self.indexing))
            .end(Bytes::from(tail));
        assert!(frame.len() <= HEAD_BYTES + CONTROL_MAX, "offers are cut into pages");
        frame
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Offers, PeerFault> {
        let (question, last, indexing) = (fields.u32()?, fields.flag()?, fields.flag()?);
        let mut offers = Vec::new();
        while !fields.is_empty() {
            offers.push(offer(fields)?);
        }
        Ok(Offers { question, last, indexing, offers })
    }
}

impl Found {
    /// Files in one page at most: so many fit in any case.
    pub const PAGE_MAX: usize = PAGE_MAX;

    pub(super) fn frame(&self) -> Frame {
        let mut tail = Vec::new();
        for finding in &self.findings {
            put_offer(&mut tail, &finding.offer);
            tail.put_u8(finding.owner.len());
            tail.put_slice(finding.owner.as_bytes());
        }
        let frame = Start::of(Kind::FOUND)
            .request(self.request)
            .u8(u8::from(self.last))
            .u32(self.indexing)
            .end(Bytes::from(tail));
        assert!(frame.len() <= HEAD_BYTES + CONTROL_MAX, "findings are cut into pages");
        frame
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Found, PeerFault> {
        let (request, last, indexing) = (fields.request()?, fields.flag()?, fields.u32()?);
        let mut findings = Vec::new();
        while !fields.is_empty() {
            findings.push(Finding { offer: offer(fields)?, owner: fields.name()? });
        }
        Ok(Found { request, last, indexing, findings })
    }
}

/// All of `items`, so many at a time; the last page may be empty only if it is the first.
fn pages<T>(items: Vec<T>) -> impl Iterator<Item = (Vec<T>, bool)> {
    let mut items = items.into_iter();
    let mut done = false;
    core::iter::from_fn(move || {
        if done {
            return None;
        }
        let page: Vec<T> = items.by_ref().take(PAGE_MAX).collect();
        done = items.len() == 0;
        Some((page, done))
    })
}

fn put_offer(out: &mut Vec<u8>, offer: &Offer) {
    out.put_slice(&offer.content.0);
    out.put_u64(offer.size);
    out.put_u8(u8::try_from(offer.name.as_bytes().len()).unwrap_or(u8::MAX));
    out.put_slice(offer.name.as_bytes());
}

fn offer(fields: &mut Fields) -> Result<Offer, PeerFault> {
    let (content, size) = (ContentId(fields.array()?), fields.u64()?);
    let len = usize::from(fields.u8()?);
    let name = FileName::parse(&fields.bytes(len)?).ok_or(PeerFault::Malformed)?;
    if size > Layout::SIZE_MAX {
        return Err(PeerFault::Malformed);
    }
    Ok(Offer { name, content, size })
}

pub(super) fn pattern(fields: &mut Fields) -> Result<Pattern, PeerFault> {
    let len = fields.len();
    Pattern::parse(&fields.bytes(len)?).ok_or(PeerFault::Malformed)
}
