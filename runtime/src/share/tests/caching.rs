use std::fs::File;
use std::time::SystemTime;

use super::super::cache::Cache;
use super::super::record::{self, Known};
use super::super::stamp::Stamp;
use super::*;
use proptest::prelude::*;

impl Bed {
    fn cache_path(&self) -> PathBuf {
        let entries = fs::read_dir(self.place.path().join("state")).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths.find(|path| path.extension().is_none()).expect("a cache")
    }
}

#[test]
fn nothing_is_hashed_twice() {
    let bed = Bed::new();
    bed.put("a", &content(9000, 1));
    let watched = bed.index();
    watched.until_offered("a", &content(9000, 1));
    watched.until_settled("a");
    drop(watched);
    // What the cache says is believed: here it says something else.
    let other = manifest_of(&content(9000, 2));
    let stamp = Stamp::of(&File::open(bed.path("a")).unwrap()).unwrap();
    let mut cache = Cache::open(&bed.cache_path(), SMALL).unwrap();
    assert_eq!(cache.get(&name("a")).unwrap().stamp, stamp);
    cache.put(&name("a"), Known::new(stamp, &other, true), other.list());
    cache.flush();
    drop(cache);
    let watched = bed.index();
    let offer = watched.until_offered("a", &content(9000, 2));
    assert_eq!(watched.index.manifest(&offer.content), Some(other));
}

#[test]
fn a_cache_that_another_program_has_is_left_alone() {
    let bed = Bed::new();
    bed.put("a", b"content");
    let (one, other) = (bed.index(), bed.index());
    one.until_offered("a", b"content");
    other.until_offered("a", b"content");
}

#[test]
fn damage_costs_only_time() {
    let bed = Bed::new();
    let files: Vec<(String, Vec<u8>)> =
        (0..5).map(|n| (format!("file {n}"), content(5000 + usize::from(n), n))).collect();
    files.iter().for_each(|(name, content)| bed.put(name, content));
    let offered = |watched: Watched| {
        for (name, content) in &files {
            let offer = watched.until_offered(name, content);
            assert_eq!(watched.index.manifest(&offer.content), Some(manifest_of(content)));
        }
    };
    offered(bed.index());
    let whole = fs::read(bed.cache_path()).unwrap();
    let mut dice = dice(1);
    for round in 0..20 {
        let mut damaged = whole.clone();
        match round {
            0 => damaged.clear(),
            1 => damaged.truncate(5),
            2..10 => damaged.truncate(below(&mut dice, whole.len())),
            _ => damaged[below(&mut dice, whole.len())] ^= 1 << below(&mut dice, 8),
        }
        fs::write(bed.cache_path(), damaged).unwrap();
        offered(bed.index());
    }
}

#[test]
fn a_list_that_is_damaged_later_is_hashed_again() {
    let bed = Bed::new();
    bed.put("a", &content(9000, 1));
    let watched = bed.index();
    let offer = watched.until_offered("a", &content(9000, 1));
    watched.until_settled("a");
    drop(watched);
    let watched = bed.index();
    watched.until_offered("a", &content(9000, 1));
    let whole = fs::read(bed.cache_path()).unwrap();
    fs::write(bed.cache_path(), vec![0; whole.len()]).unwrap();
    assert_eq!(watched.index.manifest(&offer.content), None);
    watched.until_offered("a", &content(9000, 1));
    assert_eq!(watched.index.manifest(&offer.content), Some(manifest_of(&content(9000, 1))));
}

#[test]
fn a_cache_does_not_grow_for_ever() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("index");
    let file = tempfile::tempfile().unwrap();
    let stamp = Stamp::of(&file).unwrap();
    let manifests: Vec<Manifest> = (0..4).map(|seed| manifest_of(&content(1 << 20, seed))).collect();
    let mut cache = Cache::open(&path, SMALL).unwrap();
    let stamp = Stamp { size: 1 << 20, ..stamp };
    for round in 0..400 {
        let manifest = &manifests[round % 4];
        cache.put(&name(&format!("file {}", round % 7)), Known::new(stamp, manifest, true), manifest.list());
    }
    cache.flush();
    assert!(fs::metadata(&path).unwrap().len() < 3 << 20, "400 lists of 8 KiB or more were written");
    for round in 393..400 {
        let list = cache.list(&name(&format!("file {}", round % 7))).unwrap();
        assert_eq!(list.read().as_ref(), Some(&manifests[round % 4]));
    }
    drop(cache);
    let cache = Cache::open(&path, SMALL).unwrap();
    for round in 393..400 {
        let list = cache.list(&name(&format!("file {}", round % 7))).unwrap();
        assert_eq!(list.read().as_ref(), Some(&manifests[round % 4]));
    }
}

#[test]
fn what_was_just_written_is_not_believed_to_be_unchanged() {
    let file = tempfile::tempfile().unwrap();
    let now = SystemTime::now();
    let mut stamp = Stamp::of(&file).unwrap();
    let soon = now + Duration::from_secs(5);
    stamp.changed.1 = 999_999_999;
    assert!(stamp.is_settled(soon) && !stamp.is_settled(now - Duration::from_secs(1)));
    stamp.changed = (i64::MAX, 5);
    assert!(!stamp.is_settled(soon));
    stamp.changed = (-5, 5);
    assert!(!stamp.is_settled(soon));
    let coarse = Stamp { changed: (1000, 0), ..stamp };
    let at = |secs: f64| SystemTime::UNIX_EPOCH + Duration::from_secs_f64(secs);
    assert!(!coarse.is_settled(at(1002.4)) && coarse.is_settled(at(1002.6)), "it counts in seconds");
    let fine = Stamp { changed: (1000, 1), ..stamp };
    assert!(!fine.is_settled(at(1000.04)) && fine.is_settled(at(1000.06)));
}

proptest! {
    /// Whatever stands in the file, it is read without harm, and what was read is written the same way.
    #[test]
    fn any_bytes_are_a_record_or_none(mut body in prop::collection::vec(any::<u8>(), 0..400), fix in any::<bool>()) {
        if fix && body.len() >= 16 {
            let at = body.len() - 16;
            let sum = *blake3::hash(&body[..at]).as_bytes();
            body[at..].copy_from_slice(&sum[..16]);
        }
        if let Some((name, known)) = record::read(&body, SMALL) {
            let (list_at, end) = known.extent(&name);
            let mut out = Vec::new();
            record::write(&mut out, &name, &known, &body[list_at - 4..]);
            prop_assert_eq!(out.len(), end);
            prop_assert_eq!(&out[4..], &body[..]);
        }
    }

    #[test]
    fn a_record_is_read_as_it_was_written(size in 0_usize..20_000, text in "[a-z]{1,40}", times in any::<[i64; 4]>(), ids in any::<[u64; 2]>(), is_settled in any::<bool>()) {
        let manifest = manifest_of(&content(size, 1));
        let stamp = Stamp { size: size as u64, written: (times[0], times[1]), changed: (times[2], times[3]), inode: ids[0], device: ids[1] };
        let known = Known::new(stamp, &manifest, is_settled);
        let mut out = Vec::new();
        if let Some(name) = FileName::parse(text.as_bytes()) {
            record::write(&mut out, &name, &known, manifest.list());
            prop_assert_eq!(record::read(&out[4..], SMALL), Some((name, known)));
            prop_assert_eq!(record::read(&out[4..], ChunkBounds::USUAL).is_some(), size == 0 && SMALL == ChunkBounds::USUAL);
        }
    }
}
