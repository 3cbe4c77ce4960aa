//! A peer who sends wrong bytes, met by the real programs.

use std::fs;

use bytes::Bytes;
use starling_core::filename::FileName;
use starling_sim::folder::Folder;
use starling_tests::stage::Toy;

use crate::support::place::{Place, until_offered};
use crate::support::{dice, noise};

const FILE: &str = "film.bin";
const FILE_BYTES: usize = 8 << 20;

/// T29: of two owners one sends something wrong in every chunk. Whoever fetches takes one chunk from him, throws it
/// away, and has the file from the other one.
#[test]
fn t29_a_liar_is_asked_for_one_chunk() {
    let place = Place::with("hans falcon\nluke lightsaber\nvader sith\n", "");
    let server = place.serve();
    let film = Bytes::from(noise(&mut dice(29), FILE_BYTES));
    let name = FileName::parse(FILE.as_bytes()).expect("a good name");
    let mut folder = Folder::default();
    folder.put(name, film.clone());
    folder.set_false();
    let liar = Toy::login(server.addr, "vader", "sith", folder);
    fs::write(place.shared("luke").join(FILE), &film).expect("a file");
    let mut luke = place.login("luke", "lightsaber", server.port());
    until_offered(&mut luke, FILE, "luke, vader");
    let mut hans = place.login("hans", "falcon", server.port());
    hans.write(format!("p2pDownload {FILE}\n").as_bytes());
    let begin = hans.line();
    assert!(begin.starts_with("Downloading ") && begin.ends_with(" chunks from 2 owners."), "{begin}");
    let end = hans.line();
    assert!(end.starts_with("Downloaded ") && end.ends_with(" chunks from luke."), "{end}");
    let found = fs::read(place.shared("hans").join(FILE)).expect("it is there");
    assert!(found == film, "hans has something else");
    assert_eq!(liar.leaves().lies(), 1, "one chunk and no more");
}
