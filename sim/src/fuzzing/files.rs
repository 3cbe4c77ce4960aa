//! Files that somebody asks for, or offers.

use starling_core::filename::FileName;
use starling_core::name::Name;
use starling_core::pattern::Pattern;
use starling_core::swarm::ContentId;
use starling_core::wire::{Finding, Offer, Offers};

use super::data::Data;

const PATTERNS: [&str; 4] = ["*", "*.pdf", "?", "no such file"];
/// The last one deceives.
const FILES: [&str; 3] = ["a.pdf", "b", "\u{202e}fdp.exe"];

pub(super) fn pattern(data: &mut Data<'_>) -> Pattern {
    let pattern = PATTERNS[usize::from(data.byte()) % PATTERNS.len()];
    Pattern::parse(pattern.as_bytes()).expect("a good pattern")
}

/// A page of an answer, up to a full one.
pub(super) fn offers(data: &mut Data<'_>) -> Offers {
    let (question, last) = (data.below(8).into(), data.below(2) == 0);
    Offers { question, last, indexing: data.below(2) == 0, offers: some(data) }
}

/// Files of which some are alike.
pub(super) fn some(data: &mut Data<'_>) -> Vec<Offer> {
    let (count, kinds) = (data.byte() % 200, data.byte().max(1));
    (0..count).map(|number| offer(number % kinds)).collect()
}

/// The same, of somebody.
pub(super) fn findings(owner: Name, data: &mut Data<'_>) -> Vec<Finding> {
    some(data).into_iter().map(|offer| Finding { offer, owner }).collect()
}

fn offer(kind: u8) -> Offer {
    let name = FILES[usize::from(kind) % FILES.len()];
    Offer {
        name: FileName::parse(name.as_bytes()).expect("a good name"),
        content: ContentId([kind / 2; ContentId::BYTES]),
        size: kind.into(),
    }
}
