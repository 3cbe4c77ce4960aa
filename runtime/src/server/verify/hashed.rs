//! Hashed passwords: Argon2id in PHC form, what one may cost, and the work of checking one.

use std::fmt;
use std::io;

use argon2::password_hash::phc::{Output, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, PasswordHasher, Version};
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// Memory that a hash may take, in KiB: more, times the cores, is more than a small server has.
pub(crate) const MEMORY_KIB_MAX: u32 = 256 * 1024;
/// Passes that a hash may take.
pub(crate) const PASSES_MAX: u32 = 16;
/// Bytes of a salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// What a new hash costs: 19 MiB, two passes, one lane, the least that OWASP's Password Storage Cheat Sheet
/// recommends.
pub(crate) const STANDARD: Params = Params::DEFAULT;

/// A hash that passwords can be tried on.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hashed {
    version: Version,
    params: Params,
    salt: Salt,
    digest: Output,
}

/// Why a text is not a usable hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashFault {
    /// It is no Argon2id hash in PHC form.
    Malformed,
    /// It needs more than [`MEMORY_KIB_MAX`] or [`PASSES_MAX`].
    TooCostly,
}

impl Hashed {
    /// Reads `$argon2id$v=19$m=…,t=…,p=…$salt$digest`.
    ///
    /// Without a version it is the older one, 1.0, as in the reference implementation.
    pub(crate) fn parse(text: &str) -> Result<Hashed, HashFault> {
        let hash = PasswordHash::new(text).map_err(|_| HashFault::Malformed)?;
        let complete = ["m", "t", "p"].iter().all(|name| hash.params.get(*name).is_some());
        let params = Params::try_from(&hash).map_err(|_| HashFault::Malformed)?;
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from);
        match (version, hash.salt, hash.hash) {
            (Ok(version), Some(salt), Some(digest)) if complete && hash.algorithm == ARGON2ID_IDENT => {
                let costly = params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX;
                if costly { Err(HashFault::TooCostly) } else { Ok(Hashed { version, params, salt, digest }) }
            }
            _ => Err(HashFault::Malformed),
        }
    }

    /// A hash that costs as much as this one, and that no password fits.
    pub(crate) fn decoy(&self, key: &[u8; 32]) -> Hashed {
        let mut bytes = [0; SALT_BYTES + Output::MAX_LENGTH];
        blake3::Hasher::new_keyed(key).update(b"decoy").finalize_xof().fill(&mut bytes);
        let (salt, digest) = bytes.split_at(SALT_BYTES);
        Hashed {
            salt: Salt::new(salt).expect("it is long enough"),
            digest: Output::new(&digest[..self.digest.len()]).expect("it is as long as another"),
            ..self.clone()
        }
    }

    /// What a check costs: KiB, passes, lanes.
    pub(crate) fn cost(&self) -> (u32, u32, u32) {
        (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
    }
}

impl fmt::Debug for Hashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hashed(..)")
    }
}

impl fmt::Display for HashFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashFault::Malformed => f.write_str("begins as an Argon2id hash and is none"),
            HashFault::TooCostly => {
                let mib = MEMORY_KIB_MAX / 1024;
                write!(f, "is a hash that takes more than {mib} MiB or {PASSES_MAX} passes")
            }
        }
    }
}

/// A new hash of `password`, with a salt of its own.
///
/// # Errors
/// If the system has no chance or no memory to give.
pub(crate) fn hash(password: &[u8], params: &Params) -> io::Result<String> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|error| io::Error::other(error.to_string()))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
    let hash = argon2.hash_password_with_salt(password, &salt);
    hash.map(|hash| hash.to_string()).map_err(|_| io::ErrorKind::OutOfMemory.into())
}

/// Computes hashes, in memory that it keeps from one to the next, and wipes at its end.
#[derive(Default)]
pub(crate) struct Hasher {
    blocks: Zeroizing<Vec<Block>>,
    /// Blocks that were filled, of 1 KiB each: all the work that was ever done.
    #[cfg(test)]
    pub(crate) work_blocks: usize,
}

impl Hasher {
    /// Whether `password` is the one that was hashed. The digests are compared in constant time.
    pub(crate) fn fits(&mut self, hashed: &Hashed, password: &[u8]) -> Choice {
        let needed = hashed.params.block_count();
        if self.blocks.len() < needed {
            // A new one, because what grows leaves its old memory behind unwiped.
            self.blocks = Zeroizing::new(vec![Block::new(); needed]);
        }
        #[cfg(test)]
        {
            self.work_blocks += needed * hashed.params.t_cost() as usize;
        }
        let mut bytes = Zeroizing::new([0; Output::MAX_LENGTH]);
        let digest = &mut bytes[..hashed.digest.len()];
        let argon2 = Argon2::new(Algorithm::Argon2id, hashed.version, hashed.params.clone());
        let blocks = &mut self.blocks[..needed];
        let done = argon2.hash_password_into_with_memory(password, &hashed.salt, digest, blocks);
        let fits = digest.ct_eq(hashed.digest.as_bytes());
        fits & Choice::from(u8::from(done.is_ok()))
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({} KiB)", self.blocks.len())
    }
}
