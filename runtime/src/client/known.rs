//! The keys of servers that this person has met, and trusts.
//!
//! One line a server: `host:port spki SHA256:… 2026-01-31T12:00:00Z`. The file is replaced as a whole, under a
//! lock, so two clients at once lose nothing; lines that are not understood stay as they are.

use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::xdg;
use crate::tls::fingerprint::Fingerprint;

/// What of a key is compared: its `SubjectPublicKeyInfo`.
const KEY_TYPE: &str = "spki";

/// A server as a person names it. Another name for the same computer is another server here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A name or an address, as it was typed.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

impl std::str::FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Place, &'static str> {
        const FORM: &str = "a server is HOST:PORT";
        let (host, port) = text.rsplit_once(':').ok_or(FORM)?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = bare.unwrap_or(host);
        let port = port.parse().ok().filter(|port| *port > 0).ok_or(FORM)?;
        if host.is_empty() || (bare.is_none() && host.contains(':')) {
            return Err(FORM);
        }
        Ok(Place { host: host.to_owned(), port })
    }
}

/// The file.
#[derive(Clone, Debug)]
pub struct KnownServers {
    path: PathBuf,
}

impl KnownServers {
    /// `known_servers` in the XDG data folder: `$XDG_DATA_HOME/starling`, by default `~/.local/share/starling`.
    ///
    /// # Errors
    /// If there is no home folder.
    pub fn of_this_person() -> io::Result<KnownServers> {
        let data = xdg::data().ok_or_else(|| io::Error::other("there is no home folder"))?;
        Ok(KnownServers::at(&data.join("known_servers")))
    }

    /// A file of one's own.
    #[must_use]
    pub fn at(path: &Path) -> KnownServers {
        KnownServers { path: path.to_path_buf() }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key that is trusted for `place`, if it was met.
    ///
    /// # Errors
    /// If the file cannot be read, or what it says of `place` cannot be understood.
    pub fn find(&self, place: &Place) -> io::Result<Option<Fingerprint>> {
        find_in(&self.read()?, place)
    }

    /// Trusts `key` at `place` from now on, unless another client was faster: then what that one trusts is
    /// returned.
    ///
    /// # Errors
    /// If the file cannot be written, or what it says of `place` cannot be understood.
    pub fn pin(&self, place: &Place, key: Fingerprint, now: OffsetDateTime) -> io::Result<Fingerprint> {
        let _alone = self.lock()?;
        let mut text = self.read()?;
        if let Some(known) = find_in(&text, place)? {
            return Ok(known);
        }
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let seen = now.replace_nanosecond(0).unwrap_or(now).format(&Rfc3339).map_err(io::Error::other)?;
        text.push_str(&format!("{place} {KEY_TYPE} {key} {seen}\n"));
        self.replace(&text)?;
        Ok(key)
    }

    /// Trusts no key at `place` any more; whether there was one.
    ///
    /// # Errors
    /// If the file cannot be read or written.
    pub fn forget(&self, place: &Place) -> io::Result<bool> {
        if !self.path.try_exists()? {
            return Ok(false);
        }
        let _alone = self.lock()?;
        let text = self.read()?;
        let kept: String = text.split_inclusive('\n').filter(|line| !is_of(line, place)).collect();
        let found = kept.len() < text.len();
        if found {
            self.replace(&kept)?;
        }
        Ok(found)
    }

    fn read(&self) -> io::Result<String> {
        match fs::read_to_string(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
            read => read,
        }
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// As long as the file is there, nobody else changes what is known.
    fn lock(&self) -> io::Result<File> {
        DirBuilder::new().recursive(true).mode(0o700).create(self.folder())?;
        let path = self.path.with_added_extension("lock");
        let lock = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        lock.lock()?;
        Ok(lock)
    }

    /// The lock is held, so the name of the new file is free for us.
    fn replace(&self, text: &str) -> io::Result<()> {
        let fresh = self.path.with_added_extension("new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        File::open(self.folder())?.sync_all()
    }
}

fn is_of(line: &str, place: &Place) -> bool {
    line.split_whitespace().next().is_some_and(|first| first == place.to_string())
}

fn find_in(text: &str, place: &Place) -> io::Result<Option<Fingerprint>> {
    let Some((number, line)) = (1..).zip(text.lines()).find(|(_, line)| is_of(line, place)) else {
        return Ok(None);
    };
    let mut words = line.split_whitespace().skip(1);
    let key = match (words.next(), words.next()) {
        (Some(KEY_TYPE), Some(key)) => key.parse().ok(),
        _ => None,
    };
    key.map(Some).ok_or_else(|| io::Error::other(format!("line {number} is damaged")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse().unwrap()
    }

    fn key(n: u8) -> Fingerprint {
        Fingerprint::of_public_key(&[n])
    }

    #[test]
    fn a_place_is_read_as_it_is_shown() {
        for text in ["localhost:4000", "10.0.0.1:1", "[::1]:65535"] {
            assert_eq!(place(text).to_string(), text);
        }
        for wrong in ["", "localhost", "localhost:", ":4000", "localhost:0", "::1:4000", "h:65536"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_pinned_is_found_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let known = KnownServers::at(&folder.path().join("deep/known_servers"));
        let now = OffsetDateTime::UNIX_EPOCH;
        let (here, there) = (place("localhost:4000"), place("[::1]:4000"));
        assert_eq!(known.find(&here).unwrap(), None);
        assert!(!known.forget(&here).unwrap());
        assert_eq!(known.pin(&here, key(1), now).unwrap(), key(1));
        assert_eq!(known.pin(&there, key(2), now).unwrap(), key(2));
        assert_eq!(known.pin(&here, key(3), now).unwrap(), key(1), "the first one stays");
        assert_eq!(known.find(&here).unwrap(), Some(key(1)));
        assert_eq!(known.find(&place("localhost:4001")).unwrap(), None);
        assert!(known.forget(&here).unwrap());
        assert_eq!(known.find(&here).unwrap(), None);
        assert_eq!(known.find(&there).unwrap(), Some(key(2)));
        let text = fs::read_to_string(folder.path().join("deep/known_servers")).unwrap();
        assert_eq!(text, format!("[::1]:4000 spki {} 1970-01-01T00:00:00Z\n", key(2)));
    }

    #[test]
    fn what_is_not_understood_is_kept_and_never_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("known_servers");
        let known = KnownServers::at(&path);
        let text = "# a comment\nlocalhost:4000 spki SHA256:short\nother:1 new-type abc";
        fs::write(&path, text).unwrap();
        assert!(known.find(&place("localhost:4000")).is_err());
        assert!(known.pin(&place("other:1"), key(1), OffsetDateTime::UNIX_EPOCH).is_err());
        known.pin(&place("third:1"), key(3), OffsetDateTime::UNIX_EPOCH).unwrap();
        assert!(fs::read_to_string(&path).unwrap().starts_with(&format!("{text}\n")));
    }
}
