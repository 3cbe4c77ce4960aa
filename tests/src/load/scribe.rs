//! A person who only logs in and stays, straight on the wire codec.
//!
//! A client machine names each change of presence; among ten thousand people that are fifty million lines,
//! and the generator would be what is measured. A scribe counts them without reading the names.

use bytes::Bytes;
use starling_core::id::Seq;
use starling_core::wire::{Frame, Hello, Kind, LoginName, Password, Phase, RawFrame, Reader, VERSION};

use super::crowd::{Ear, Heard, Voice};
use super::people;

/// Silence after which a sign of life is sent, nanoseconds: as the client machine does.
const KEEP_ALIVE_NANOS: u64 = 25_000_000_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Scribe {
    name: Bytes,
    reader: Reader,
    said_at: u64,
}

impl Scribe {
    /// The person with this number. He logs in by himself.
    pub(crate) fn new(number: usize) -> Scribe {
        Scribe { name: people::name(number).into(), reader: Reader::new(), said_at: 0 }
    }

    fn say(&mut self, frame: &Frame, ear: &mut Ear<'_>) {
        self.said_at = ear.at;
        frame.encode_into(ear.out);
    }

    fn frame(&mut self, raw: &RawFrame, ear: &mut Ear<'_>) {
        match raw.kind {
            Kind::GREETING => self.log_in(ear),
            Kind::WELCOME => ear.hears(Heard::Welcome),
            Kind::PRESENCE => ear.hears(presence(&raw.body)),
            Kind::PING => {
                let nonce = raw.body.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
                self.say(&Frame::pong(nonce), ear);
            }
            Kind::PONG => {}
            _ => ear.hears(Heard::Trouble("a frame that nothing asked for")),
        }
    }

    fn log_in(&mut self, ear: &mut Ear<'_>) {
        let password = Bytes::from_static(people::PASSWORD.as_bytes());
        let (name, password) = (LoginName::cut(self.name.clone()), Password::cut(password));
        if let (Some(name), Some(password)) = (name, password) {
            self.say(&Hello::Login { name, password, seen: Seq::START, device: None }.frame(), ear);
        }
    }
}

impl Voice for Scribe {
    fn opened(&mut self, ear: &mut Ear<'_>) {
        self.say(&Hello::Hello { version: VERSION, product: "load".to_owned() }.frame(), ear);
    }

    fn received(&mut self, bytes: Bytes, ear: &mut Ear<'_>) {
        self.reader.feed(bytes);
        loop {
            match self.reader.next(Phase::FromServer) {
                Ok(Some(raw)) => self.frame(&raw, ear),
                Ok(None) => return,
                Err(_) => return ear.hears(Heard::Trouble("a frame that is none")),
            }
        }
    }

    fn looked_at(&mut self, ear: &mut Ear<'_>) {
        if ear.at.saturating_sub(self.said_at) > KEEP_ALIVE_NANOS {
            self.say(&Frame::ping(0), ear);
        }
    }

    fn closed(&mut self, ear: &mut Ear<'_>) {
        ear.hears(Heard::Gone { planned: false });
    }
}

/// Counts the items of a PRESENCE body: a version of eight bytes, then a flag, a length and a name each.
fn presence(body: &[u8]) -> Heard {
    let (version, mut items) = body.split_at(body.len().min(8));
    let version = version.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    let mut changes = 0;
    while let [_flag, len, rest @ ..] = items {
        changes += 1;
        items = rest.get(usize::from(*len)..).unwrap_or_default();
    }
    Heard::Presence { changes, version }
}

#[cfg(test)]
mod tests {
    use starling_core::name::Name;
    use starling_core::wire::{Presence, PresenceList, ServerFrame};

    use super::*;

    #[test]
    fn a_scribe_counts_what_the_codec_reads() {
        for count in [0, 1, 5] {
            let change = |n: usize| Presence {
                name: Name::parse(b"yoda").expect("a name"),
                online: n.is_multiple_of(2),
            };
            let list = PresenceList { version: 77, changes: (0..count).map(change).collect() };
            let mut bytes = Vec::new();
            ServerFrame::Presence(list).frame().encode_into(&mut bytes);
            assert_eq!(presence(&bytes[4..]), Heard::Presence { changes: count, version: 77 });
        }
        assert_eq!(presence(&[1, 2]), Heard::Presence { changes: 0, version: 0 });
    }
}
