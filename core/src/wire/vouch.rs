//! What a server tells two users of each other, and what a client tells of itself before.

use alloc::vec::Vec;
use bytes::{BufMut, Bytes};
use core::net::{IpAddr, SocketAddr};

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, Start};
use super::kind::Kind;
use crate::device::DeviceKey;
use crate::direct::place::{CANDIDATES_MAX, HOSTS_MAX, PORT_MIN};
use crate::direct::{Pass, Purpose, Reach, Role};
use crate::id::RequestId;
use crate::name::Name;

/// The server vouches for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouch {
    /// Which introduction it is.
    pub pass: Pass,
    /// What the one is who is told this.
    pub role: Role,
    /// What it is for.
    pub purpose: Purpose,
    /// The caller's request; 0 for the one who is called.
    pub request: RequestId,
    /// The other one.
    pub name: Name,
    /// The device on which the other one is logged in.
    pub key: DeviceKey,
    /// Where he may be reached, at most [`CANDIDATES_MAX`].
    pub candidates: Vec<SocketAddr>,
}

impl Vouch {
    pub(super) fn frame(&self) -> Frame {
        assert!(self.candidates.len() <= CANDIDATES_MAX, "candidates are bounded");
        let mut tail = Vec::with_capacity(DeviceKey::BYTES + 1 + self.candidates.len() * ADDRESS_MAX);
        tail.put_slice(&self.key.0);
        tail.put_u8(u8::try_from(self.candidates.len()).unwrap_or(u8::MAX));
        for candidate in &self.candidates {
            put_address(&mut tail, candidate.ip());
            tail.put_u16(candidate.port());
        }
        Start::of(Kind::VOUCH)
            .bytes(&self.pass.0)
            .u8(role_code(self.role))
            .u8(purpose_code(self.purpose))
            .request(self.request)
            .name(self.name)
            .end(tail.into())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Vouch, PeerFault> {
        let (pass, role, purpose) = (Pass(fields.array()?), role(fields)?, purpose(fields)?);
        let (request, name, key) = (fields.request()?, fields.name()?, DeviceKey(fields.array()?));
        let count = usize::from(fields.u8()?);
        if count > CANDIDATES_MAX {
            return Err(PeerFault::Malformed);
        }
        let mut candidates = Vec::with_capacity(count);
        for _ in 0..count {
            candidates.push(SocketAddr::new(address(fields)?, port(fields)?));
        }
        Ok(Vouch { pass, role, purpose, request, name, key, candidates })
    }
}

/// The most bytes of a VOUCH after its name.
pub(super) const KEY_AND_CANDIDATES_MAX: usize = DeviceKey::BYTES + 1 + CANDIDATES_MAX * (ADDRESS_MAX + 2);
/// The most bytes of a REACH.
pub(super) const REACH_MAX: usize = 2 + 1 + HOSTS_MAX * ADDRESS_MAX;
/// A byte for the family, and an address of IPv6.
const ADDRESS_MAX: usize = 1 + 16;

impl Reach {
    /// The frame that tells the server.
    ///
    /// # Panics
    /// If it breaks its bounds.
    pub(super) fn frame(&self) -> Frame {
        assert!(self.hosts.len() <= HOSTS_MAX && self.port >= PORT_MIN, "a reach is bounded");
        let mut tail = Vec::with_capacity(REACH_MAX);
        tail.put_u8(u8::try_from(self.hosts.len()).unwrap_or(u8::MAX));
        self.hosts.iter().for_each(|host| put_address(&mut tail, *host));
        Start::of(Kind::REACH).u16(self.port).end(Bytes::from(tail))
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Reach, PeerFault> {
        let port = port(fields)?;
        let count = usize::from(fields.u8()?);
        if count > HOSTS_MAX {
            return Err(PeerFault::Malformed);
        }
        let mut hosts = Vec::with_capacity(count);
        for _ in 0..count {
            hosts.push(address(fields)?);
        }
        Ok(Reach { port, hosts })
    }
}

fn port(fields: &mut Fields) -> Result<u16, PeerFault> {
    fields.u16().and_then(|port| if port >= PORT_MIN { Ok(port) } else { Err(PeerFault::Malformed) })
}

/// 4 or 6, and so many bytes as an address of that family has.
fn address(fields: &mut Fields) -> Result<IpAddr, PeerFault> {
    match fields.u8()? {
        4 => Ok(IpAddr::from(fields.array::<4>()?)),
        6 => match IpAddr::from(fields.array::<16>()?) {
            // An address has one form, so that what is read is written the same way.
            mapped if mapped.to_canonical() != mapped => Err(PeerFault::Malformed),
            address => Ok(address),
        },
        _ => Err(PeerFault::Malformed),
    }
}

fn put_address(out: &mut Vec<u8>, address: IpAddr) {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            out.put_u8(4);
            out.put_slice(&address.octets());
        }
        IpAddr::V6(address) => {
            out.put_u8(6);
            out.put_slice(&address.octets());
        }
    }
}

pub(super) fn role_code(role: Role) -> u8 {
    match role {
        Role::Caller => 0,
        Role::Called => 1,
    }
}

pub(super) fn role(fields: &mut Fields) -> Result<Role, PeerFault> {
    Ok(if fields.flag()? { Role::Called } else { Role::Caller })
}

pub(super) fn purpose_code(purpose: Purpose) -> u8 {
    match purpose {
        Purpose::Talk => 1,
        Purpose::Fetch => 2,
    }
}

pub(super) fn purpose(fields: &mut Fields) -> Result<Purpose, PeerFault> {
    match fields.u8()? {
        1 => Ok(Purpose::Talk),
        2 => Ok(Purpose::Fetch),
        _ => Err(PeerFault::Malformed),
    }
}
