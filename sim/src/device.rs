//! A model of the keys of devices: who has the key can sign for a connection, and nobody else.

use starling_core::device::{DeviceKey, DeviceProof};

/// The proof that the client of a user gives on a link. One of his devices has a key, the other has none.
#[must_use]
pub fn proof(user: u16, device: u8, link: u32) -> Option<DeviceProof> {
    key(user, device).map(|key| DeviceProof { key, signature: signature(key, link) })
}

/// The key of a device of a user, if it has one.
#[must_use]
pub fn key(user: u16, device: u8) -> Option<DeviceKey> {
    (device == 0).then(|| DeviceKey(noise(u64::from(user) << 8 | u64::from(device))))
}

/// Whether a proof that came on a link is good for it.
#[must_use]
pub fn holds(proof: &DeviceProof, link: u32) -> bool {
    proof.signature == signature(proof.key, link)
}

fn signature(key: DeviceKey, link: u32) -> [u8; DeviceProof::SIGNATURE_BYTES] {
    let seed = key.0.iter().fold(u64::from(link), |seed, byte| mix(seed ^ u64::from(*byte)));
    noise(seed)
}

fn noise<const N: usize>(seed: u64) -> [u8; N] {
    let mut state = seed;
    std::array::from_fn(|_| {
        state = mix(state);
        state.to_be_bytes()[0]
    })
}

/// A step of SplitMix64 (Steele, Lea and Flood, 2014).
fn mix(seed: u64) -> u64 {
    let z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_good_for_one_link() {
        let proof = proof(3, 0, 7).expect("this device has a key");
        assert!(holds(&proof, 7));
        assert!(!holds(&proof, 8));
        assert_eq!(super::proof(3, 1, 7), None);
        let other = super::proof(4, 0, 7).expect("this device has a key");
        assert!(!holds(&DeviceProof { key: other.key, ..proof }, 7));
    }
}
