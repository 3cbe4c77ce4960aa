//! The first frames of a connection: greeting and login. The decoder before login knows nothing else.

use alloc::string::String;
use alloc::vec::Vec;
use bytes::{BufMut, Bytes};
use zeroize::Zeroizing;

use super::fault::PeerFault;
use super::fields::Fields;
use super::frame::{Frame, RawFrame, Start};
use super::kind::Kind;
use crate::device::{DeviceKey, DeviceProof};
use crate::id::{Epoch, Seq, ServerId};

/// The version of the protocol that this code speaks.
pub const VERSION: u16 = 1;
/// Bytes of a product string.
pub const PRODUCT_MAX: usize = 64;
/// Bytes of a proof that a device has its key.
pub(super) const PROOF_BYTES: usize = DeviceKey::BYTES + DeviceProof::SIGNATURE_BYTES;
/// What the first frame of a client begins with.
const MAGIC: &[u8; 8] = b"STARLING";

/// What a client may say before it is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hello {
    /// The first frame: magic, version, product (such as `starling/0.1.0`).
    Hello {
        /// The protocol version of the client.
        version: u16,
        /// Name and version of the program, printable ASCII, at most [`PRODUCT_MAX`] bytes.
        product: String,
    },
    /// An attempt to log in.
    Login {
        /// Whatever was typed as a name; it need not be a possible one.
        name: LoginName,
        /// Whatever was typed as a password.
        password: Password,
        /// The letters up to here have been seen by this user on this device.
        seen: Seq,
        /// From which device, if the client has a key.
        device: Option<DeviceProof>,
    },
    /// A sign of life.
    Ping {
        /// Comes back in the answer.
        nonce: u32,
    },
    /// The answer to a ping.
    Pong {
        /// The nonce of the ping.
        nonce: u32,
    },
}

impl Hello {
    /// The frame that says it.
    ///
    /// # Panics
    /// If a product string breaks its rules.
    #[must_use]
    pub fn frame(&self) -> Frame {
        match self {
            Hello::Hello { version, product } => hello(*version, product),
            Hello::Login { name, password, seen, device } => login(name, password, *seen, device.as_ref()),
            Hello::Ping { nonce } => Frame::ping(*nonce),
            Hello::Pong { nonce } => Frame::pong(*nonce),
        }
    }

    /// Reads a frame that came before login.
    ///
    /// # Errors
    /// [`PeerFault::NotStarling`] for other magic bytes, [`PeerFault::Version`] for another version,
    /// whatever else stands in the frame; for the rest as [`Request::decode`](super::Request::decode).
    pub fn decode(raw: RawFrame) -> Result<Hello, PeerFault> {
        let mut fields = Fields::of(raw.body);
        let hello = match raw.kind {
            Kind::HELLO => {
                let version = magic_and_version(&mut fields)?;
                Hello::Hello { version, product: product(&mut fields)? }
            }
            Kind::LOGIN => Hello::Login {
                name: login_name(&mut fields)?,
                password: password(&mut fields)?,
                seen: fields.seq()?,
                device: device_proof(&mut fields)?,
            },
            Kind::PING => Hello::Ping { nonce: fields.u32()? },
            Kind::PONG => Hello::Pong { nonce: fields.u32()? },
            _ => return Err(PeerFault::OutOfState),
        };
        fields.end(hello)
    }
}

fn hello(version: u16, product: &str) -> Frame {
    let tail = Bytes::copy_from_slice(product.as_bytes());
    Start::of(Kind::HELLO).bytes(MAGIC).u16(version).u8(product_len(product)).end(tail)
}

fn login(name: &LoginName, password: &Password, seen: Seq, device: Option<&DeviceProof>) -> Frame {
    let (name, password) = (name.as_bytes(), password.reveal());
    let mut tail = Vec::with_capacity(2 + name.len() + 2 + password.len() + 8 + 1 + PROOF_BYTES);
    for field in [name, password] {
        let len = u16::try_from(field.len()).expect("what was typed has been cut");
        tail.put_u16(len);
        tail.put_slice(field);
    }
    tail.put_u64(seen.to_bits());
    tail.put_u8(u8::from(device.is_some()));
    if let Some(DeviceProof { key, signature }) = device {
        tail.put_slice(&key.0);
        tail.put_slice(signature);
    }
    Start::of(Kind::LOGIN).end(tail.into())
}

fn magic_and_version(fields: &mut Fields) -> Result<u16, PeerFault> {
    match fields.bytes(MAGIC.len()) {
        Ok(magic) if magic == MAGIC[..] => known_version(fields),
        _ => Err(PeerFault::NotStarling),
    }
}

/// The version, judged before what a version may have changed.
fn known_version(fields: &mut Fields) -> Result<u16, PeerFault> {
    match fields.u16()? {
        VERSION => Ok(VERSION),
        _ => Err(PeerFault::Version),
    }
}

fn product(fields: &mut Fields) -> Result<String, PeerFault> {
    let len = usize::from(fields.u8()?);
    if len > PRODUCT_MAX {
        return Err(PeerFault::Malformed);
    }
    let bytes = fields.bytes(len)?;
    match core::str::from_utf8(&bytes) {
        Ok(product) if is_product(product) => Ok(product.into()),
        _ => Err(PeerFault::Malformed),
    }
}

fn is_product(product: &str) -> bool {
    product.len() <= PRODUCT_MAX && product.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
}

fn product_len(product: &str) -> u8 {
    assert!(is_product(product), "a product is printable ASCII, at most {PRODUCT_MAX} bytes");
    u8::try_from(product.len()).expect("PRODUCT_MAX fits a byte")
}

fn login_name(fields: &mut Fields) -> Result<LoginName, PeerFault> {
    let len = usize::from(fields.u16()?);
    if len > LoginName::MAX {
        return Err(PeerFault::Malformed);
    }
    LoginName::cut(fields.bytes(len)?).ok_or(PeerFault::Malformed)
}

fn password(fields: &mut Fields) -> Result<Password, PeerFault> {
    let len = usize::from(fields.u16()?);
    if len > Password::MAX {
        return Err(PeerFault::Malformed);
    }
    Password::cut(fields.bytes(len)?).ok_or(PeerFault::Malformed)
}

fn device_proof(fields: &mut Fields) -> Result<Option<DeviceProof>, PeerFault> {
    if !fields.flag()? {
        return Ok(None);
    }
    Ok(Some(DeviceProof { key: DeviceKey(fields.array()?), signature: fields.array()? }))
}

/// The server's first frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The protocol version of the server.
    pub version: u16,
    /// Name and version of the program.
    pub product: String,
    /// Which data folder the server lives in.
    pub server: ServerId,
    /// Which life of it this is.
    pub epoch: Epoch,
}

impl Greeting {
    pub(super) fn frame(&self) -> Frame {
        let len = product_len(&self.product);
        let mut tail = Vec::with_capacity(2 + 1 + self.product.len() + 8 + 4);
        tail.put_u16(self.version);
        tail.put_u8(len);
        tail.put_slice(self.product.as_bytes());
        tail.put_u64(self.server.0);
        tail.put_u32(self.epoch.0);
        Start::of(Kind::GREETING).end(tail.into())
    }

    pub(super) fn read(fields: &mut Fields) -> Result<Greeting, PeerFault> {
        Ok(Greeting {
            version: known_version(fields)?,
            product: product(fields)?,
            server: ServerId(fields.u64()?),
            epoch: epoch(fields)?,
        })
    }
}

fn epoch(fields: &mut Fields) -> Result<Epoch, PeerFault> {
    match Epoch(fields.u32()?) {
        epoch if epoch <= Epoch::MAX => Ok(epoch),
        _ => Err(PeerFault::Malformed),
    }
}

/// A name as it was typed at a login: at most [`LoginName::MAX`] bytes of anything, not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginName(Bytes);

impl LoginName {
    /// The most bytes that travel. Whatever is longer is cut and stays impossible as a name.
    pub const MAX: usize = 1024;

    /// Takes what was typed, cut to [`LoginName::MAX`] bytes; nothing if it is empty.
    #[must_use]
    pub fn cut(mut typed: Bytes) -> Option<LoginName> {
        typed.truncate(LoginName::MAX);
        (!typed.is_empty()).then_some(LoginName(typed))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A password as it was typed: at most [`Password::MAX`] bytes, one more than a right one can have. Never
/// printed; a copy of its own, wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// The most bytes that travel: a longer password is cut to it and stays wrong.
    pub const MAX: usize = crate::limits::PASSWORD_MAX + 1;

    /// Takes what was typed, cut to [`Password::MAX`] bytes; nothing if it is empty.
    #[must_use]
    pub fn cut(mut typed: Bytes) -> Option<Password> {
        typed.truncate(Password::MAX);
        (!typed.is_empty()).then(|| Password(Zeroizing::new(typed.to_vec())))
    }

    /// The bytes. Nobody prints them.
    #[must_use]
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Password {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Password(..)")
    }
}
