//! Which files there are in a folder, and what is known of each.

use std::collections::{BTreeSet, HashMap, HashSet};

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
    pub(super) files: HashMap<FileName, Status>,
    /// Those that are offered, by what they are.
    contents: HashMap<ContentId, Vec<FileName>>,
    pub(super) queue: BTreeSet<FileName>,
    /// Some thread looks at them.
    pub(super) busy: HashSet<FileName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    BeingIndexed,
    Offered(Offer),
}

impl State {
    /// Nothing has been looked at yet.
    pub(super) fn new(cache: Cache) -> State {
        let (files, contents) = (HashMap::new(), HashMap::new());
        State { cache, files, contents, queue: BTreeSet::new(), busy: HashSet::new() }
    }

    pub(super) fn find(&self, name: &FileName) -> Found {
        match self.files.get(name) {
            None => Found::Nothing,
            Some(Status::BeingIndexed) => Found::BeingIndexed,
            Some(Status::Offered(offer)) => Found::Offered(*offer),
        }
    }

    /// The files that are offered, and the state in which they are offered for good.
    pub(super) fn offered(&self) -> Vec<(FileName, Stamp)> {
        let offered = self.files.iter().filter(|(_, status)| matches!(status, Status::Offered(_)));
        let known = offered.filter_map(|(name, _)| self.cache.get(name).map(|known| (name, known)));
        known.filter(|(_, known)| known.is_settled).map(|(name, known)| (name.clone(), known.stamp)).collect()
    }

    pub(super) fn names_of(&self, content: &ContentId) -> &[FileName] {
        self.contents.get(content).map_or(&[], |names| names)
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
        if let Some(list) = list {
            self.cache.put(name, known, list);
        }
        let offer = Offer { content: known.content, layout: known.layout };
        let before = self.files.insert(name.clone(), Status::Offered(offer));
        if before == Some(Status::Offered(offer)) {
            return None;
        }
        self.unlink(name, before);
        self.contents.entry(offer.content).or_default().push(name.clone());
        Some(Change { name: name.clone(), found: Found::Offered(offer) })
    }

    /// It is no longer what it was.
    pub(super) fn withdraw(&mut self, name: &FileName) -> Option<Change> {
        let before = self.files.insert(name.clone(), Status::BeingIndexed);
        self.unlink(name, before);
        let is_new = before != Some(Status::BeingIndexed);
        is_new.then(|| Change { name: name.clone(), found: Found::BeingIndexed })
    }

    /// It is not there, or none to be offered.
    pub(super) fn remove(&mut self, name: &FileName) -> Option<Change> {
        let before = self.files.remove(name);
        self.unlink(name, before);
        self.cache.forget(name);
        before.map(|_| Change { name: name.clone(), found: Found::Nothing })
    }

    /// The cache forgets what is not there.
    pub(super) fn forget_others(&mut self) {
        let State { cache, files, .. } = self;
        cache.keep(|name| files.contains_key(name));
    }

    fn unlink(&mut self, name: &FileName, before: Option<Status>) {
        let Some(Status::Offered(offer)) = before else { return };
        let Some(names) = self.contents.get_mut(&offer.content) else { return };
        names.retain(|other| other != name);
        if names.is_empty() {
            self.contents.remove(&offer.content);
        }
    }
}
