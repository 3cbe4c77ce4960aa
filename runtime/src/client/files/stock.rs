//! The folder of a client and what is known of it, for all who ask for it.

use std::io;
use std::sync::Arc;

use starling_core::filename::FileName;
use starling_core::swarm::layout::ChunkBounds;
use starling_core::swarm::{Content, Layout};
use tokio::sync::watch;

use crate::share::{Folder, Found, Index, Settings};

/// A folder and its index. Copies are the same.
#[derive(Clone, Debug)]
pub struct Stock {
    pub(super) folder: Arc<Folder>,
    pub(super) index: Arc<Index>,
    changed: watch::Receiver<()>,
    bounds: ChunkBounds,
}

impl Stock {
    /// Begins to find out what is in a folder.
    ///
    /// # Errors
    /// If it cannot be looked through.
    pub fn open(folder: Folder, settings: &Settings) -> io::Result<Stock> {
        let (tell, changed) = watch::channel(());
        let folder = Arc::new(folder);
        let index = Index::start(Arc::clone(&folder), settings, move |_| tell.send_replace(()))?;
        Ok(Stock { folder, index: Arc::new(index), changed, bounds: settings.bounds })
    }

    /// What is offered.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Waits until something may have changed since this copy waited last; false once nothing will.
    pub async fn changed(&mut self) -> bool {
        self.changed.changed().await.is_ok()
    }

    /// How a content is cut; nothing if it is larger than any.
    pub(super) fn layout(&self, content: &Content) -> Option<Layout> {
        Layout::new(content.size, self.bounds)
    }

    /// What is offered under this name, once that is known.
    pub(super) async fn find(&mut self, name: &FileName) -> Option<Content> {
        loop {
            match self.index.find(name) {
                Found::Offered(offer) => {
                    return Some(Content { id: offer.content, size: offer.layout.size() });
                }
                Found::BeingIndexed if self.changed().await => {}
                Found::BeingIndexed | Found::Nothing => return None,
            }
        }
    }
}
