//! What a user's client has of files: his home adds whom he must not see, and knows of whom he speaks.

use super::Home;
use crate::id::ConnId;
use crate::server::cx::Cx;
use crate::server::directory::Directory;
use crate::server::envelope::{Hidden, ToSwarms, Told};
use crate::swarm::Content;
use crate::wire::{News, Report, Share};

impl Home {
    /// Whom he must not see, nor they him, where files are concerned: neither offers to the other.
    pub(super) fn hidden(&self) -> Hidden {
        [self.blocks.blocked(), self.blocks.blocked_by()]
    }

    pub(super) fn share(&self, conn: ConnId, share: Share, cx: &mut Cx<'_>) {
        if self.is_on(conn) {
            let (user, name, hidden) = (self.user, self.name, self.hidden());
            cx.tell_swarms(ToSwarms::Share { user, name, conn, hidden, share });
        }
    }

    /// A doubt about somebody who does not exist is none.
    pub(super) fn news(&self, conn: ConnId, news: News, directory: &Directory, cx: &mut Cx<'_>) {
        let told = |report| {
            Some(match report {
                Report::Gained(chunk) => Told::Gained(chunk),
                Report::Started(chunk) => Told::Started(chunk),
                Report::Dropped(chunk) => Told::Dropped(chunk),
                Report::Doubted(owner, chunk) => Told::Doubted(directory.find(owner)?, chunk),
            })
        };
        if self.is_on(conn) {
            let items = news.items.into_iter().filter_map(told).collect();
            cx.tell_swarms(ToSwarms::News { user: self.user, content: news.content, items });
        }
    }

    pub(super) fn leave(&self, conn: ConnId, content: Content, cx: &mut Cx<'_>) {
        if self.is_on(conn) {
            cx.tell_swarms(ToSwarms::Leave { user: self.user, content });
        }
    }

    /// Somebody was blocked, or is no longer: it holds for files at once.
    pub(super) fn hide_in_swarms(&self, cx: &mut Cx<'_>) {
        if self.live.is_some() {
            cx.tell_swarms(ToSwarms::Hide { user: self.user, hidden: self.hidden() });
        }
    }

    fn is_on(&self, conn: ConnId) -> bool {
        self.live.is_some_and(|live| live.conn == conn)
    }
}
