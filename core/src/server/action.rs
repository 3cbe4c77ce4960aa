//! What a server wants done: orders.

use alloc::vec::Vec;

use super::event::PageOrder;
use crate::device::DeviceProof;
use crate::id::{ConnId, Ticket};
use crate::name::AccountName;
use crate::store::Batch;
use crate::wire::{Frame, LoginName, Password};

/// An order to the driver. Orders are carried out in the order in which they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Put a frame into the out-buffer of a connection.
    Send {
        /// Which connection.
        conn: ConnId,
        /// What.
        frame: Frame,
    },
    /// Put one frame into the out-buffers of many connections.
    SendMany {
        /// Which connections, each once.
        to: Vec<ConnId>,
        /// What.
        frame: Frame,
    },
    /// Read no more from a connection until told to resume.
    Pause {
        /// Which connection.
        conn: ConnId,
    },
    /// Read again from a connection.
    Resume {
        /// Which connection.
        conn: ConnId,
    },
    /// End a connection. The machine has forgotten it: nothing more is told about it.
    Close {
        /// Which connection.
        conn: ConnId,
        /// Write first what is in its out-buffer (for a few seconds at most), or drop it.
        flush: bool,
    },
    /// Check a device's proof against what TLS exports for its connection; answered with `Proven`. Where
    /// nothing is exported, none holds.
    Prove {
        /// On which connection.
        conn: ConnId,
        /// What came.
        proof: DeviceProof,
    },
    /// Check a password, in about the same time whether the name is known or not.
    Verify {
        /// The account, for the answer.
        account: AccountName,
        /// The number of the order, for the answer.
        ticket: Ticket,
        /// As typed.
        name: LoginName,
        /// As typed.
        password: Password,
    },
    /// Commit a batch. The next is ordered only after the answer.
    Store(Batch),
    /// Read a page of a mailbox.
    Load(PageOrder),
    /// Everybody has been told and everything is stored: end once the out-buffers are empty.
    Stopped,
}
