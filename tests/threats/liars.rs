//! Peers who send wrong bytes, nothing at all, or want everything, met by the real programs.

use std::fs;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_core::swarm::{Content, ContentId};
use starling_sim::folder::Folder;
use starling_tests::program::Program;
use starling_tests::stage::Toy;

use crate::support::flooder::Flooder;
use crate::support::place::{Place, Serving, until_offered};
use crate::support::{dice, noise};

const FILE: &str = "film.bin";
const FILE_BYTES: usize = 8 << 20;
const USERS: &str = "hans falcon\nluke lightsaber\nvader sith\nmaul sith\ndooku sith\n";

/// A server, and luke, who offers a film.
struct Evening {
    place: Place,
    server: Serving,
    luke: Program,
    film: Bytes,
}

impl Evening {
    fn new() -> Evening {
        let place = Place::with(USERS, "");
        let server = place.serve();
        let film = Bytes::from(noise(&mut dice(29), FILE_BYTES));
        fs::write(place.shared("luke").join(FILE), &film).expect("a file");
        let mut luke = place.login("luke", "lightsaber", server.port());
        until_offered(&mut luke, FILE, "luke");
        Evening { place, server, luke, film }
    }

    /// The same film, as somebody else has it.
    fn folder(&self) -> Folder {
        let mut folder = Folder::default();
        folder.put(FileName::parse(FILE.as_bytes()).expect("a good name"), self.film.clone());
        folder
    }

    /// vader comes, and says that he has it, too.
    fn vader(&mut self, folder: Folder) -> Toy {
        let vader = Toy::login(self.server.addr, "vader", "sith", folder);
        assert_eq!(self.luke.line(), "vader logged in");
        until_offered(&mut self.luke, FILE, "luke, vader");
        vader
    }

    /// hans begins to fetch it from so many owners.
    fn hans_begins(&self, owners: &str) -> Program {
        let mut hans = self.place.login("hans", "falcon", self.server.port());
        hans.write(format!("p2pDownload {FILE}\n").as_bytes());
        let begin = hans.line();
        assert!(begin.starts_with("Downloading ") && begin.ends_with(owners), "{begin}");
        hans
    }

    /// He has all of it, and all from luke.
    fn hans_ends(&self, hans: &Program) {
        let end = hans.line();
        assert!(end.starts_with("Downloaded ") && end.ends_with(" chunks from luke."), "{end}");
        let found = fs::read(self.place.shared("hans").join(FILE)).expect("it is there");
        assert!(found == self.film, "hans has something else");
    }
}

/// T29: of two owners one sends something wrong in every chunk. Whoever fetches takes one chunk from him, throws it
/// away, and has the file from the other one.
#[test]
fn t29_a_liar_is_asked_for_one_chunk() {
    let mut evening = Evening::new();
    let mut folder = evening.folder();
    folder.set_false();
    let liar = evening.vader(folder);
    let hans = evening.hans_begins(" chunks from 2 owners.");
    evening.hans_ends(&hans);
    assert_eq!(liar.leaves().lies(), 1, "one chunk and no more");
}

/// T32: of two owners one grants and never sends. What was asked of him is asked of the other one.
#[test]
fn t32_what_a_staller_does_not_send_comes_from_another() {
    let mut evening = Evening::new();
    let mut folder = evening.folder();
    folder.set_silent();
    let staller = evening.vader(folder);
    let hans = evening.hans_begins(" chunks from 2 owners.");
    evening.hans_ends(&hans);
    assert_eq!(
        staller.leaves().silences(),
        1,
        "until he has sent something right, he is asked for one at a time"
    );
}

/// T33: three bid for everything and choose without end, as fast as they are answered. Whoever fetches has all of it in
/// the end. (How large his share is can only be said where nothing but the owner is slow: `swarms.rs`.)
#[test]
fn t33_who_floods_does_not_keep_others_from_the_end() {
    let mut evening = Evening::new();
    // Whoever was asked for it by its name gives it to anybody who takes part.
    evening.luke.write(format!("files {FILE}\n").as_bytes());
    assert!(evening.luke.line().ends_with(&format!(" {FILE}, owners: luke")));
    let content = Content { id: ContentId(*blake3::hash(&evening.film).as_bytes()), size: FILE_BYTES as u64 };
    let begin = |who| Flooder::begin(evening.server.addr, who, "sith", "luke", content);
    let flooders = ["vader", "maul", "dooku"].map(begin);
    let hans = evening.hans_begins(" chunks from 1 owner.");
    evening.hans_ends(&hans);
    for flooder in flooders {
        assert!(flooder.ends() > 0, "what is granted is taken by those who flood, too");
    }
}
