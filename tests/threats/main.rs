//! What an attacker may try, tried: a family of attacks in each file, and in the name of each test the
//! number of the threat that it proves harmless.
//!
//! | file | who tries what |
//! |---|---|
//! | `decoder.rs` | anybody: lengths, kinds, versions and bodies that no decoder should believe (T1, T12, T56, T60) |
//! | `lengths.rs` | anybody: the same lengths at the real port (T1) |
//! | `before_login.rs` | anybody: doing something without a login (T10) |
//! | `accounts.rs` | anybody: guessing, finding out who exists, racing (T6, T8, T18) |
//! | `devices.rs` | anybody: shutting a person out, coming as a device that one is not (T7, T18, T45) |
//! | `floods.rs` | a user: more than his share of time, memory, disk and attention (T13, T14, T16, T17) |
//! | `caps.rs` | a user: registering without end (T57) |
//! | `blocks.rs` | a user: getting past a block (T19) |
//! | `display.rs` | a user: lines that deceive, steer or choke a terminal (T20 to T23) |
//! | `logs.rs` | anybody: lines in the log that are none (T24) |
//! | `clocks.rs` | the environment: clocks that jump (T53) |
//! | `numbers.rs` | a user: numbers and arguments at the edge (T54) |
//! | `sockets.rs` | anybody, a user: more than his share of connections, handshakes and buffers (T2, T3, T4, T13, T15) |
//! | `transport.rs` | anybody: other protocols, and older ones (T11, T43) |
//! | `between_two.rs` | a server, and whoever holds it: what two clients say and give to each other (T39, P19) |
//! | `recording.rs` | an eavesdropper: what passes on the wire, then and again (T40, T44) |
//! | `names.rs` | a peer, an accident: names of files that lead elsewhere or should not be offered (T25, T26, T28) |
//! | `contents.rs` | a peer, an accident: files that are none, lists that lie, files that change, bombs (T27, T35, T52, T55) |
//! | `interrupted.rs` | an accident: a client that is killed while it downloads, a disk that is full (T51, P10) |
//! | `liars.rs` | a peer: bytes that are wrong, chunks that never come, bids without end (T29, T32, T33) |
//! | `swarms.rs` | peers: lying, slandering, stalling and flooding in whole swarms (T29 to T33) |
//! | `peers.rs` | a stranger, a peer, a server: coming where one is not expected, leading clients astray, other keys (T36, T37, T38, T45) |
//! | `trust.rs` | somebody in between: another key (T41, T42) |
//!
//! `between_two.rs`, `interrupted.rs`, `liars.rs`, `sockets.rs`, `transport.rs`, `recording.rs`, `peers.rs`, `trust.rs` and
//! `lengths.rs` are about bytes and sockets and try it on the real programs; `names.rs` and `contents.rs` are about files
//! and try it on a real folder. Most others drive the pure machines, so they need neither sockets nor time: an attack of
//! an hour is over in a moment, and what is counted are events, frames and bytes. Where the whole attack takes longer than
//! a test may, a tenth of it is run ([`support::tenth_of`]), and the whole by
//! `THREATS=whole cargo test --release -p starling-runtime --test threats -- t01 t12 t19 t21 t31 t32 t33 t36 t37 t52 p10`.

mod accounts;
mod before_login;
mod between_two;
mod blocks;
mod caps;
mod clocks;
mod contents;
mod decoder;
mod devices;
mod display;
#[expect(dead_code, reason = "the tests of the client need more of it")]
#[path = "../fake_server.rs"]
mod fake_server;
mod floods;
mod interrupted;
mod lengths;
mod liars;
mod logs;
mod names;
mod numbers;
mod peers;
mod recording;
mod sockets;
mod support;
mod swarms;
mod transport;
mod trust;
