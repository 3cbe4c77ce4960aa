//! Bytes as a list of choices; past their end everything is 0.

use bytes::Bytes;

/// What is left of a fuzzer's input.
pub(super) struct Data<'a>(&'a [u8]);

impl<'a> Data<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Data<'a> {
        Data(bytes)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    /// A byte below `bound`.
    pub(super) fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    pub(super) fn number(&mut self) -> u32 {
        u32::from_be_bytes([0; 4].map(|_: u8| self.byte()))
    }

    /// As many bytes as the next byte says, or, if it is 255, all that are left.
    pub(super) fn bytes(&mut self) -> Bytes {
        let len = match usize::from(self.byte()) {
            255 => self.0.len(),
            len => len.min(self.0.len()),
        };
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        Bytes::copy_from_slice(taken)
    }
}
