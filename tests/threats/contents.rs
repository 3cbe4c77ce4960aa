//! Files that are none, lists of hashes that lie, files that change while they are sent, and content that unpacks.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, symlink};
use std::time::Duration;

use starling_core::seed::Dice;
use starling_core::swarm::{ChunkHasher, ContentId, Layout, Manifest};
use starling_runtime::share::Found;
use starling_tests::traps;

use crate::support::offers::{Offers, SECRET, SMALL, content, file_name, manifest_of};
use crate::support::openings::Openings;
use crate::support::{dice, one_of, pick, tenth_of};

/// T27: links, pipes, sockets, devices and folders are not offered, and looking at them holds nobody up: none of them is
/// even opened. A second name of a file is a file.
#[test]
fn t27_only_files_are_offered() {
    let offers = Offers::new();
    let secret = offers.secret();
    traps::lay(offers.folder.path(), &secret);
    let openings = Openings::of(offers.folder.path(), &[&secret]);
    let watched = offers.index(Duration::from_millis(1));
    for name in traps::FILES {
        watched.until_offered(name, traps::CONTENT);
    }
    assert_eq!(watched.names(), traps::FILES);
    assert_eq!(Vec::from_iter(openings.names()), traps::FILES, "nothing else was opened");
    for name in traps::TRAPS {
        assert_eq!(watched.index.find(&file_name(name)), Found::Nothing, "{name}");
        assert!(offers.folder.open_offered(&file_name(name)).expect("no error").is_none(), "{name}");
    }
    assert!(watched.index.manifest(&ContentId(*blake3::hash(SECRET).as_bytes())).is_none());
    assert!(!openings.names().contains(secret.to_str().expect("a path of text")), "no link was followed");
}

/// T27: what takes the place of a file that is offered is not sent in its stead.
#[test]
fn t27_what_takes_the_place_of_a_file_is_not_sent() {
    for kind in ["link", "pipe", "folder"] {
        let offers = Offers::new();
        let size = SECRET.len();
        offers.put("file", &content(size, 1));
        let watched = offers.index(Duration::from_millis(1));
        let offer = watched.until_offered("file", &content(size, 1));
        fs::remove_file(offers.path("file")).expect("it was there");
        match kind {
            "link" => symlink(offers.secret(), offers.path("file")).expect("a link"),
            "pipe" => traps::lay_pipe(&offers.path("file")),
            _ => fs::create_dir(offers.path("file")).expect("a folder"),
        }
        assert!(watched.index.chunk(&offer.content, 0).is_none(), "{kind}");
        assert!(watched.index.manifest(&offer.content).is_none(), "{kind}");
    }
}

/// T35: a list of hashes is the one list of its file, and a chunk the one content of its hash.
#[test]
fn t35_no_list_but_the_right_one_is_taken() {
    let file = content(5000, 1);
    let right = manifest_of(&file);
    let (id, layout, list) = (right.content(), right.layout(), right.list().to_vec());
    assert_eq!((layout.count(), list.len()), (5, 160));
    let of_size = |size| Layout::new(size, SMALL).expect("it is small");
    let swapped: Vec<u8> = [&list[32..64], &list[..32], &list[64..]].concat();
    let doubled: Vec<u8> = [&list[..], &list[128..]].concat();
    let doubled_instead: Vec<u8> = [&list[..128], &list[96..128]].concat();
    let mut flipped = list.clone();
    flipped[159] ^= 1;
    // The hashes of leaves where those of the whole subtree belong, and the other way round.
    let leaves: Vec<u8> = file.chunks(1024).flat_map(|leaf| *blake3::hash(leaf).as_bytes()).collect();
    let whole: Vec<u8> = [&id.0[..]; 5].concat();
    let halves = {
        let merge = blake3::hazmat::merge_subtrees_non_root;
        let hash = |chunk| right.hash(chunk).expect("there is one");
        let [left, other] =
            [(0, 1), (2, 3)].map(|(one, two)| merge(&hash(one), &hash(two), blake3::hazmat::Mode::Hash));
        [&left[..], &other, &list[128..]].concat()
    };
    let vectors: [(&str, Layout, &[u8]); 16] = [
        ("two swapped", layout, &swapped),
        ("the last one twice", layout, &doubled),
        ("the last one twice, for a size that has so many", of_size(5130), &doubled),
        ("the last but one in place of the last", layout, &doubled_instead),
        ("a bit flipped", layout, &flipped),
        ("one missing", layout, &list[..128]),
        ("a byte missing", layout, &list[..159]),
        ("one missing, for a size that has so few", of_size(4096), &list[..128]),
        ("nothing", layout, &[]),
        ("nothing, for the empty file", of_size(0), &[]),
        ("hashes of leaves as of files", layout, &leaves),
        ("the whole in place of its parts", layout, &whole),
        ("inner nodes", layout, &halves),
        ("inner nodes, for a size that has another shape", of_size(2048), &halves[..64]),
        ("the list as one chunk", of_size(160), &list[..32]),
        ("zeros", layout, &[0; 160]),
    ];
    for (what, layout, list) in vectors {
        assert_eq!(Manifest::check(id, layout, list), None, "{what}");
    }
    assert_eq!(Manifest::check(id, layout, &list), Some(right));
}

/// T35: what is hashed into an inner node is not the content of a chunk, and a chunk has one place and one length.
#[test]
fn t35_no_content_but_the_right_one_is_taken() {
    let file = content(4096, 1);
    let manifest = manifest_of(&file);
    let hash_of = |layout, chunk, content: &[u8]| {
        let mut hasher = ChunkHasher::new(layout, chunk)?;
        if hasher.update(content) { hasher.finish() } else { None }
    };
    let layout = manifest.layout();
    let right = |chunk: u32| manifest.hash(chunk).expect("there is one");
    assert_eq!(hash_of(layout, 1, &file[1024..2048]), Some(right(1)));
    assert_ne!(hash_of(layout, 0, &file[1024..2048]), Some(right(1)), "at another place");
    assert_eq!(hash_of(layout, 1, &file[1024..2047]), None, "too short");
    assert_eq!(hash_of(layout, 1, &file[1024..2049]), None, "too long");
    // The file of 64 bytes that reads like the root's two children: another size, another id.
    let merge = blake3::hazmat::merge_subtrees_non_root;
    let children: Vec<u8> = [(0, 1), (2, 3)]
        .iter()
        .flat_map(|(one, two)| merge(&right(*one), &right(*two), blake3::hazmat::Mode::Hash))
        .collect();
    let of_children = hash_of(Layout::new(64, SMALL).expect("it is small"), 0, &children);
    assert_ne!(of_children, Some(manifest.content().0));
    // Whoever claims that the file is half as large has a list that seems right, and no bytes for it.
    let halved = Layout::new(2048, SMALL).expect("it is small");
    let claimed = Manifest::check(manifest.content(), halved, &children).expect("two inner nodes");
    for chunk in 0..2 {
        for part in file.chunks(1024).chain(children.chunks(64)) {
            assert_ne!(hash_of(halved, chunk, part), claimed.hash(chunk));
        }
    }
}

/// What may happen to a file while it is sent.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    Overwritten,
    Cut,
    Replaced,
    Appended,
}

const MUTATIONS: [Mutation; 4] =
    [Mutation::Overwritten, Mutation::Cut, Mutation::Replaced, Mutation::Appended];
const SIZE: usize = 20_000;

/// T52: whatever happens to a file while it is sent, whoever gets a whole chunk has got the right one: nobody has a
/// reason to ban the sender.
#[test]
fn t52_nobody_gets_a_mixture() {
    let mut dice = dice(52);
    // Hashed at once, when a stamp says nothing yet, and hashed when it does.
    for quiet in [1, 60].map(Duration::from_millis) {
        let offers = Offers::new();
        let watched = offers.index(quiet);
        let (mut whole, mut broken_off) = (0, 0);
        let rounds = tenth_of(1000) / 2;
        for round in 0..rounds {
            let old = content(SIZE, u8::try_from(round % 251).expect("a byte"));
            offers.put("file", &old);
            let offer = watched.until_offered("file", &old);
            let (moment, mutation) = (pick(&mut dice, SIZE), *one_of(&mut dice, &MUTATIONS));
            let mut sent = 0;
            for chunk in 0..offer.layout.count() {
                let mut hasher = ChunkHasher::new(offer.layout, chunk).expect("there is one");
                let mut reader = watched.index.chunk(&offer.content, chunk);
                let mut piece = vec![0; 1 + pick(&mut dice, 2000)];
                while let Some(Ok(read @ 1..)) = reader.as_mut().map(|reader| reader.read(&mut piece)) {
                    assert!(hasher.update(&piece[..read]));
                    if (sent..sent + read).contains(&moment) {
                        mutate(&offers, mutation, &mut dice);
                    }
                    sent += read;
                }
                match hasher.finish() {
                    Some(hash) => {
                        assert_eq!(Some(hash), manifest_of(&old).hash(chunk), "{mutation:?}");
                        whole += 1;
                    }
                    None => broken_off += 1,
                }
            }
        }
        assert!(whole > rounds && broken_off > rounds, "{whole} and {broken_off}: both happen");
    }
}

fn mutate(offers: &Offers, mutation: Mutation, dice: &mut Dice) {
    let path = offers.path("file");
    let mut options = OpenOptions::new();
    match mutation {
        Mutation::Overwritten => {
            let file = options.write(true).open(path).expect("it is there");
            file.write_all_at(b"other", pick(dice, SIZE - 5) as u64).expect("it is written");
        }
        Mutation::Cut => {
            let file = options.write(true).open(path).expect("it is there");
            file.set_len(pick(dice, SIZE) as u64).expect("it is cut");
        }
        Mutation::Replaced => {
            offers.put(".new", &content(SIZE, 255));
            fs::rename(offers.path(".new"), path).expect("it is replaced");
        }
        Mutation::Appended => {
            let mut file = options.append(true).open(path).expect("it is there");
            file.write_all(b"more").expect("it is written");
        }
    }
}

/// T55: no program of ours contains anything that could unpack: what is small on the line is small in memory.
#[test]
fn t55_nothing_can_be_unpacked() {
    let packers = [
        "async-compression",
        "brotli",
        "bzip2",
        "flate2",
        "libdeflater",
        "lz4_flex",
        "lzma-rs",
        "miniz_oxide",
        "ruzstd",
        "snap",
        "xz2",
        "zip",
        "zlib-rs",
        "zstd",
    ];
    let lock = include_str!("../../Cargo.lock");
    assert!(lock.contains("name = \"rustls\"\n"), "it lists what we are built on");
    for packer in packers {
        assert!(!lock.contains(&format!("name = \"{packer}\"\n")), "{packer}");
    }
    let deny = include_str!("../../deny.toml");
    for packer in ["bzip2", "flate2", "zstd"] {
        assert!(deny.contains(&format!("crate = \"{packer}\"")), "{packer} could come unseen");
    }
}
