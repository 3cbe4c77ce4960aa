//! The fields of a body, read from the front.

use bytes::{Buf, Bytes};

use super::fault::PeerFault;
use crate::id::{MsgId, RequestId, Seq};
use crate::name::Name;
use crate::text::{NotAText, Text};

/// What is left of a body. Every number is unsigned and big endian.
///
/// Nothing is copied but numbers and names: a text stays a slice of the bytes that came in.
pub(super) struct Fields(Bytes);

impl Fields {
    pub(super) const fn of(body: Bytes) -> Fields {
        Fields(body)
    }

    pub(super) fn u8(&mut self) -> Result<u8, PeerFault> {
        self.0.try_get_u8().map_err(|_| PeerFault::Truncated)
    }

    pub(super) fn u16(&mut self) -> Result<u16, PeerFault> {
        self.0.try_get_u16().map_err(|_| PeerFault::Truncated)
    }

    pub(super) fn u32(&mut self) -> Result<u32, PeerFault> {
        self.0.try_get_u32().map_err(|_| PeerFault::Truncated)
    }

    pub(super) fn u64(&mut self) -> Result<u64, PeerFault> {
        self.0.try_get_u64().map_err(|_| PeerFault::Truncated)
    }

    /// The next `len` bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Result<Bytes, PeerFault> {
        if self.0.len() < len {
            return Err(PeerFault::Truncated);
        }
        Ok(self.0.split_to(len))
    }

    /// The next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], PeerFault> {
        let array = *self.0.first_chunk().ok_or(PeerFault::Truncated)?;
        self.0.advance(N);
        Ok(array)
    }

    /// A byte that is 0 or 1.
    pub(super) fn flag(&mut self) -> Result<bool, PeerFault> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(PeerFault::Malformed),
        }
    }

    /// A length in one byte, and so many bytes of a name.
    pub(super) fn name(&mut self) -> Result<Name, PeerFault> {
        let len = usize::from(self.u8()?);
        if !(1..=Name::MAX).contains(&len) {
            return Err(PeerFault::Malformed);
        }
        let bytes = self.0.get(..len).ok_or(PeerFault::Truncated)?;
        let name = Name::parse(bytes).map_err(|_| PeerFault::Malformed)?;
        self.0.advance(len);
        Ok(name)
    }

    pub(super) fn request(&mut self) -> Result<RequestId, PeerFault> {
        self.u32().map(RequestId)
    }

    /// A place in a mailbox: its highest bit is 0, because an epoch has 23 bits.
    pub(super) fn seq(&mut self) -> Result<Seq, PeerFault> {
        match self.u64()? {
            bits if bits <= Seq::MAX.to_bits() => Ok(Seq::from_bits(bits)),
            _ => Err(PeerFault::Malformed),
        }
    }

    /// The identity of a message: its counter begins at 1.
    pub(super) fn msg_id(&mut self) -> Result<MsgId, PeerFault> {
        let (instance, counter) = (self.u64()?, self.u64()?);
        if counter == 0 {
            return Err(PeerFault::Malformed);
        }
        Ok(MsgId { instance, counter })
    }

    /// All that is left, as a text.
    pub(super) fn text(self) -> Result<Text, PeerFault> {
        Text::parse(self.0).map_err(|why| match why {
            NotAText::TooLong => PeerFault::TooLong,
            NotAText::Blank | NotAText::NotUtf8 => PeerFault::Malformed,
        })
    }

    /// Bytes that are left.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Passes `value` on if nothing is left.
    pub(super) fn end<T>(self, value: T) -> Result<T, PeerFault> {
        if self.0.is_empty() { Ok(value) } else { Err(PeerFault::Overlong) }
    }
}
