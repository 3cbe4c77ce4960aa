use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;

use super::*;

/// What may happen to a file while it is sent.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    Overwritten,
    Cut,
    Replaced,
    Appended,
}

fn mutate(bed: &Bed, mutation: Mutation, size: usize, dice: &mut Dice) {
    let path = bed.path("a");
    match mutation {
        Mutation::Overwritten => {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.write_all_at(b"other", below(dice, size - 5) as u64).unwrap();
        }
        Mutation::Cut => {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(below(dice, size) as u64).unwrap();
        }
        Mutation::Replaced => {
            bed.put(".new", &content(size, 99));
            fs::rename(bed.path(".new"), path).unwrap();
        }
        Mutation::Appended => {
            let mut file = OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b"more").unwrap();
        }
    }
}

#[test]
fn a_file_that_was_only_touched_is_sent() {
    let bed = Bed::new();
    let old = content(20_000, 1);
    bed.put("a", &old);
    let watched = bed.index();
    let offer = watched.until_offered("a", &old);
    watched.until_settled("a");
    let mut reader = watched.index.chunk(&offer.content, 2).unwrap();
    let later = std::time::SystemTime::now() + Duration::from_secs(10);
    let file = OpenOptions::new().write(true).open(bed.path("a")).unwrap();
    file.set_modified(later).unwrap();
    // What was begun with the old stamp breaks off at its end; then the file is looked at again.
    let mut piece = vec![0; 4096];
    assert!(reader.read(&mut piece).is_err());
    watched.until_offered("a", &old);
    assert_eq!(read_all(watched.index.chunk(&offer.content, 2).unwrap()).unwrap(), chunk_of(&old, 2));
}

/// T52: a file that is not there as it was is withdrawn at once, not only when the watcher has noticed.
#[test]
fn t52_what_cannot_be_sent_is_withdrawn() {
    for mutation in [Mutation::Overwritten, Mutation::Cut, Mutation::Replaced, Mutation::Appended] {
        let bed = Bed::new();
        let old = content(20_000, 1);
        bed.put("a", &old);
        let watched = bed.index();
        let offer = watched.until_offered("a", &old);
        mutate(&bed, mutation, 20_000, &mut dice(7));
        let all_right = (0..offer.layout.count())
            .all(|chunk| watched.index.chunk(&offer.content, chunk).and_then(read_all).is_some());
        assert!(!all_right, "{mutation:?}");
        watched.until("a", |found| !matches!(found, Found::Offered(now) if now == offer));
        assert!(watched.index.manifest(&offer.content).is_none());
    }
}
