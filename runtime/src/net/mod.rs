//! Sockets, without a word about what travels on them.

pub(crate) mod complaints;
pub(crate) mod connection;
pub(crate) mod inbound;
pub(crate) mod leavers;
pub(crate) mod listen;
pub(crate) mod outbuf;
pub(crate) mod ready;
pub(crate) mod slots;
pub(crate) mod streams;
pub(crate) mod tls;
pub(crate) mod transport;
