//! The key of a device, and the proof that a login comes from it.
//!
//! A client installation has one key for each server and user. Its proof signs what TLS exports for the
//! connection (RFC 8446 §7.5; RFC 9266 has the idea), so it is good for that connection alone: whoever
//! relays or repeats it has another one. The cryptography is the drivers'; here is only what is signed.

use core::fmt;

/// The label under which both ends of a connection export from TLS what a proof signs; without a context.
pub const EXPORTER_LABEL: &[u8] = b"EXPORTER-starling-device";
/// What stands before it, so that a signature can never mean anything else.
const CONTEXT: &[u8; 17] = b"starling/1 device";

/// What TLS exports for a connection: the same at both ends, and another one on every connection.
pub type Exported = [u8; 32];

/// A public key of a device: Ed25519 (RFC 8032), as it stands there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(pub [u8; DeviceKey::BYTES]);

impl DeviceKey {
    /// Bytes of a key.
    pub const BYTES: usize = 32;
}

impl fmt::Debug for DeviceKey {
    /// Enough to tell keys apart.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "DeviceKey({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A device's word that it is at the other end of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DeviceProof {
    /// Which device it is said to be.
    pub key: DeviceKey,
    /// Its signature of [`signed`]. Whether it holds is for a driver to say.
    pub signature: [u8; DeviceProof::SIGNATURE_BYTES],
}

impl DeviceProof {
    /// Bytes of a signature.
    pub const SIGNATURE_BYTES: usize = 64;
}

impl fmt::Debug for DeviceProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceProof({:?})", self.key)
    }
}

/// What a device signs on the connection for which TLS exports `exported`.
#[must_use]
pub fn signed(exported: &Exported) -> [u8; CONTEXT.len() + size_of::<Exported>()] {
    let mut message = [0; CONTEXT.len() + size_of::<Exported>()];
    let (context, rest) = message.split_at_mut(CONTEXT.len());
    context.copy_from_slice(CONTEXT);
    rest.copy_from_slice(exported);
    message
}
