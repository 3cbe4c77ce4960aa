//! `USER.peers`: the keys of others, as this device has met them.
//!
//! A line each: the name, the key, and the key that the person has compared, or `-`. A line that is damaged says
//! nothing: that person is met as for the first time, which the person is told by nothing but a missing warning, so a
//! file that cannot be read as a whole is an error and is never replaced.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use starling_core::client::KnownKey;
use starling_core::device::DeviceKey;
use starling_core::name::Name;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct KnownPeers(PathBuf);

/// No key was compared.
const NONE: &str = "-";

impl KnownPeers {
    /// Those of the user whose files begin with `stem`.
    pub(super) fn of(stem: &Path) -> KnownPeers {
        KnownPeers(stem.with_added_extension("peers"))
    }

    /// All of them.
    ///
    /// # Errors
    /// If the file cannot be read or understood.
    pub(super) fn read(&self) -> io::Result<Vec<(Name, KnownKey)>> {
        let text = match fs::read_to_string(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read?,
        };
        let damaged = |number: usize| io::Error::other(format!("line {number} of {:?} is damaged", self.0));
        (1..).zip(text.lines()).map(|(number, line)| entry(line).ok_or_else(|| damaged(number))).collect()
    }

    /// This is known of `user` now.
    ///
    /// # Errors
    /// If the file cannot be read, understood or written.
    pub(super) fn note(&self, user: Name, known: KnownKey) -> io::Result<()> {
        let folder = self.0.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let lock = self.0.with_added_extension("lock");
        let lock = OpenOptions::new().append(true).create(true).mode(0o600).open(lock)?;
        lock.lock()?;
        let mut entries = self.read()?;
        entries.retain(|(name, _)| *name != user);
        entries.push((user, known));
        let text: String = entries.iter().map(line).collect();
        let fresh = self.0.with_added_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.0)?;
        File::open(folder)?.sync_all()
    }
}

fn line((name, known): &(Name, KnownKey)) -> String {
    let hex = |key: DeviceKey| HEXLOWER.encode(&key.0);
    format!("{name} {} {}\n", hex(known.key), known.verified.map_or(NONE.to_owned(), hex))
}

fn entry(line: &str) -> Option<(Name, KnownKey)> {
    let mut words = line.split(' ');
    let (name, key, verified) = (words.next()?, words.next()?, words.next()?);
    let key_of = |word: &str| {
        let bytes = HEXLOWER.decode(word.as_bytes()).ok()?;
        bytes.try_into().ok().map(DeviceKey)
    };
    let verified = if verified == NONE { None } else { Some(key_of(verified)?) };
    let known = KnownKey { key: key_of(key)?, verified };
    words.next().is_none().then_some((Name::parse(name.as_bytes()).ok()?, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text.as_bytes()).unwrap()
    }

    fn key(byte: u8) -> DeviceKey {
        DeviceKey([byte; DeviceKey::BYTES])
    }

    #[test]
    fn what_is_noted_is_read() {
        let place = tempfile::tempdir().unwrap();
        let peers = KnownPeers::of(&place.path().join("server/yoda"));
        assert_eq!(peers.read().unwrap(), []);
        let (luke, hans) =
            (KnownKey { key: key(1), verified: None }, KnownKey { key: key(2), verified: Some(key(3)) });
        peers.note(name("luke"), KnownKey { key: key(9), verified: None }).unwrap();
        peers.note(name("hans"), hans).unwrap();
        peers.note(name("luke"), luke).unwrap();
        assert_eq!(peers.read().unwrap(), [(name("hans"), hans), (name("luke"), luke)]);
    }

    #[test]
    fn a_damaged_file_is_an_error_and_stays() {
        let place = tempfile::tempdir().unwrap();
        let stem = place.path().join("yoda");
        let peers = KnownPeers::of(&stem);
        for text in ["luke", "luke 00 -\n", "lu/ke 00 -", &format!("luke {} - x\n", "0".repeat(64))] {
            fs::write(stem.with_added_extension("peers"), text).unwrap();
            assert!(peers.read().is_err(), "{text}");
            assert!(peers.note(name("hans"), KnownKey { key: key(1), verified: None }).is_err());
            assert_eq!(fs::read_to_string(stem.with_added_extension("peers")).unwrap(), text);
        }
    }
}
