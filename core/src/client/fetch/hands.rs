//! What the machine for files may do: ask the server, talk to others, answer commands, order files.

use crate::client::action::Action;
use crate::client::context::Context;
use crate::client::file::FileOrder;
use crate::client::peers::Peers;
use crate::client::replies::Replies;
use crate::client::seat::Ids;
use crate::name::Name;
use crate::wire::Transfer;

/// The hands of the machine for files during one step.
pub(in crate::client) struct Hands<'a, 'b> {
    pub(in crate::client) ids: &'a mut Ids,
    pub(in crate::client) replies: &'a mut Replies,
    pub(in crate::client) peers: &'a mut Peers,
    pub(in crate::client) cx: &'a mut Context<'b>,
}

impl Hands<'_, '_> {
    /// Orders something about files.
    pub(super) fn file(&mut self, order: FileOrder) {
        self.cx.order(Action::File(order));
    }

    /// Says something to somebody with whom there is a link.
    pub(super) fn tell(&mut self, who: Name, transfer: Transfer) {
        self.peers.tell(who, transfer, self.cx);
    }

    /// Has the server introduce somebody. False if too many are being called.
    pub(super) fn call(&mut self, whom: Name) -> bool {
        if self.peers.is_calling(whom) {
            return true;
        }
        let request = self.ids.next_request();
        self.peers.call(whom, request, self.cx)
    }
}
