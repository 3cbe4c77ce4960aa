//! Which files there are in a folder, and what is known of each.

use std::collections::{BTreeMap, BTreeSet};

use starling_core::filename::FileName;
use starling_core::swarm::ContentId;

use super::cache::Cache;
use super::index::{Change, Found, Offer};
use super::record::Known;
use super::stamp::Stamp;

/// What is known, and what is to be done.
#[derive(Debug)]
pub(super) struct State {
    pub(super) cache: Cache,
    pub(super) files: BTreeMap<FileName, Status>,
    /// Those that are offered, by what they are.
    contents: BTreeMap<ContentId, BTreeSet<FileName>>,
    pub(super) queue: BTreeSet<FileName>,
    /// Some thread looks at them.
    pub(super) busy: BTreeSet<FileName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    BeingIndexed,
    /// And the cache knows what it is.
    Offered,
}

impl State {
    /// Nothing has been looked at yet.
    pub(super) fn new(cache: Cache) -> State {
        let (files, contents) = (BTreeMap::new(), BTreeMap::new());
        let (queue, busy) = (BTreeSet::new(), BTreeSet::new());
        State { cache, files, contents, queue, busy }
    }

    pub(super) fn find(&self, name: &FileName) -> Found {
        match (self.files.get(name), self.cache.get(name)) {
            (None, _) => Found::Nothing,
            (Some(Status::Offered), Some(known)) => {
                Found::Offered(Offer { content: known.content, layout: known.layout })
            }
            (Some(_), _) => Found::BeingIndexed,
        }
    }

    /// The files that are offered, and the state in which they are offered for good.
    pub(super) fn offered(&self) -> Vec<(FileName, Stamp)> {
        let names = self.files.iter().filter(|(_, status)| **status == Status::Offered).map(|(name, _)| name);
        let known = names.filter_map(|name| self.cache.get(name).map(|known| (name, known)));
        known.filter(|(_, known)| known.is_settled).map(|(name, known)| (name.clone(), known.stamp)).collect()
    }

    pub(super) fn names_of(&self, content: &ContentId) -> impl Iterator<Item = &FileName> {
        self.contents.get(content).into_iter().flatten()
    }

    /// It is there: if nothing is known of it, that will change.
    pub(super) fn notice(&mut self, name: &FileName) -> Option<Change> {
        if self.files.contains_key(name) {
            return None;
        }
        self.files.insert(name.clone(), Status::BeingIndexed);
        Some(Change { name: name.clone(), found: Found::BeingIndexed })
    }

    /// It is offered from now on, with `list` if it was hashed.
    pub(super) fn offer(&mut self, name: &FileName, known: Known, list: Option<&[u8]>) -> Option<Change> {
        let before = self.find(name);
        self.unlink(name, before);
        if let Some(list) = list {
            self.cache.put(name, known, list);
        }
        self.files.insert(name.clone(), Status::Offered);
        self.contents.entry(known.content).or_default().insert(name.clone());
        self.change(name, before)
    }

    pub(super) fn withdraw(&mut self, name: &FileName) -> Option<Change> {
        let before = self.find(name);
        self.unlink(name, before);
        self.files.insert(name.clone(), Status::BeingIndexed);
        self.change(name, before)
    }

    pub(super) fn remove(&mut self, name: &FileName) -> Option<Change> {
        let before = self.find(name);
        self.unlink(name, before);
        self.files.remove(name);
        self.cache.forget(name);
        self.change(name, before)
    }

    fn unlink(&mut self, name: &FileName, found: Found) {
        let Found::Offered(offer) = found else { return };
        let Some(names) = self.contents.get_mut(&offer.content) else { return };
        names.remove(name);
        if names.is_empty() {
            self.contents.remove(&offer.content);
        }
    }

    fn change(&self, name: &FileName, before: Found) -> Option<Change> {
        let found = self.find(name);
        (found != before).then(|| Change { name: name.clone(), found })
    }
}
