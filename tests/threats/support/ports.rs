//! Which sockets a program has, as the system knows them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// States of a socket, as `/proc/net/tcp` writes them.
const LISTENS: &str = "0A";
const IS_DIALED: [&str; 2] = ["01", "02"];

/// The port at which process `id` listens.
///
/// # Panics
/// If there is none, or more than one.
pub(crate) fn listening_port(id: u32) -> u16 {
    let ports: Vec<u16> =
        sockets(id).into_iter().filter(|socket| socket.state == LISTENS).map(|socket| socket.own).collect();
    assert_eq!(ports.len(), 1, "it listens at one port");
    ports[0]
}

/// The connections that process `id` has, or tries to have, to one of `ports`.
pub(crate) fn dialed(id: u32, ports: &[u16]) -> usize {
    let is_meant = |socket: &Socket| IS_DIALED.contains(&&*socket.state) && ports.contains(&socket.other);
    sockets(id).iter().filter(|socket| is_meant(socket)).count()
}

struct Socket {
    own: u16,
    other: u16,
    state: String,
}

fn sockets(id: u32) -> Vec<Socket> {
    let own = inodes(id);
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(Path::new("/proc/net").join(table)));
    let tables: String = tables.into_iter().flatten().collect();
    // A table that changes while it is read may show a line twice.
    let sockets: BTreeMap<&str, Socket> = tables.lines().filter_map(|line| socket(line, &own)).collect();
    sockets.into_values().collect()
}

fn socket<'a>(line: &'a str, own: &BTreeSet<String>) -> Option<(&'a str, Socket)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let port = |place: &str| u16::from_str_radix(place.rsplit_once(':')?.1, 16).ok();
    let [_, here, there, state, _, _, _, _, _, inode, ..] = fields[..] else { return None };
    if !own.contains(inode) {
        return None;
    }
    Some((inode, Socket { own: port(here)?, other: port(there)?, state: state.to_owned() }))
}

fn inodes(id: u32) -> BTreeSet<String> {
    let descriptors = fs::read_dir(format!("/proc/{id}/fd")).expect("the process runs");
    let links = descriptors.flatten().flat_map(|descriptor| fs::read_link(descriptor.path()));
    links
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect()
}
