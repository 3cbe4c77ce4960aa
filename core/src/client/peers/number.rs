//! The safety number of two people: what they read to each other to know that nobody sits between them.
//!
//! As Signal has it (Marlinspike, "Safety number updates", 2016): thirty digits for each of the two keys, made by a
//! hash that is slow enough to make a number that looks alike costly, in an order that is the same on both sides.

use core::fmt;

use crate::device::DeviceKey;
use crate::name::Name;

/// How often the hash is made.
const ROUNDS: u32 = 5_200;
/// What the hash is for, so that it means nothing else (BLAKE3 specification, §2.3).
const CONTEXT: &str = "starling/1 2026-11-24 safety number";
/// Groups of five digits for each key.
const GROUPS: usize = 6;

/// Twelve groups of five digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SafetyNumber([u32; 2 * GROUPS]);

impl SafetyNumber {
    /// The number of two people, whoever of them is asked.
    #[must_use]
    pub fn of(one: (Name, DeviceKey), other: (Name, DeviceKey)) -> SafetyNumber {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        let mut groups = [0; 2 * GROUPS];
        groups[..GROUPS].copy_from_slice(&half(first));
        groups[GROUPS..].copy_from_slice(&half(second));
        SafetyNumber(groups)
    }
}

fn half((name, key): (Name, DeviceKey)) -> [u32; GROUPS] {
    let mut hash = blake3::derive_key(CONTEXT, name.as_bytes());
    for _ in 0..ROUNDS {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&hash).update(&key.0);
        hash = *hasher.finalize().as_bytes();
    }
    core::array::from_fn(|group| {
        let bytes = &hash[5 * group..5 * group + 5];
        let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        u32::try_from(number % 100_000).expect("five digits")
    })
}

impl fmt::Display for SafetyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().enumerate().try_for_each(|(place, group)| {
            let gap = if place == 0 { "" } else { " " };
            write!(f, "{gap}{group:05}")
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn somebody(name: &str, byte: u8) -> (Name, DeviceKey) {
        (Name::parse(name.as_bytes()).expect("a name"), DeviceKey([byte; DeviceKey::BYTES]))
    }

    #[test]
    fn both_see_the_same_and_others_another() {
        let (hans, luke) = (somebody("hans", 1), somebody("luke", 2));
        let number = SafetyNumber::of(hans, luke);
        assert_eq!(number, SafetyNumber::of(luke, hans));
        for other in [somebody("luke", 3), somebody("lukas", 2)] {
            assert_ne!(number, SafetyNumber::of(hans, other));
        }
        let text = number.to_string();
        assert_eq!(text.len(), 12 * 5 + 11);
        assert!(
            text.split(' ')
                .all(|group| group.len() == 5 && group.bytes().all(|digit| digit.is_ascii_digit()))
        );
    }
}
