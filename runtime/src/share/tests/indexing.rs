use super::*;

#[test]
fn what_is_in_the_folder_is_offered() {
    let bed = Bed::new();
    let files =
        [("empty", content(0, 0)), ("small.txt", content(5, 1)), ("naïve 🦀.bin", content(70_001, 2))];
    files.iter().for_each(|(name, content)| bed.put(name, content));
    let watched = bed.index();
    for (name, content) in &files {
        let offer = watched.until_offered(name, content);
        assert_eq!(offer.layout, layout(content.len()));
        assert_eq!(watched.index.manifest(&offer.content), Some(manifest_of(content)));
        for chunk in 0..offer.layout.count() {
            let reader = watched.index.chunk(&offer.content, chunk).unwrap();
            assert_eq!(read_all(reader).unwrap(), chunk_of(content, chunk));
        }
        assert!(watched.index.chunk(&offer.content, offer.layout.count()).is_none());
    }
    let offered: Vec<String> =
        watched.index.offers().into_iter().map(|(name, _)| name.as_str().to_owned()).collect();
    assert_eq!(offered, ["empty", "naïve 🦀.bin", "small.txt"]);
    assert_eq!(watched.index.find(&name("other")), Found::Nothing);
}

#[test]
fn a_file_that_waits_is_being_indexed() {
    let bed = Bed::new();
    bed.put("a", b"content");
    let (blocked, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let tell = move |changes: Vec<Change>| {
        // Whoever offers something is held up here until the end.
        if changes.iter().any(|change| matches!(change.found, Found::Offered(_))) {
            let _ = gate.lock().unwrap().recv();
        }
    };
    let settings = Settings { threads: 1, ..bed.settings() };
    let index = Index::start(Arc::clone(&bed.folder), &settings, tell).unwrap();
    assert_ne!(index.find(&name("a")), Found::Nothing, "it was noticed before the index is there");
    drop(blocked);
}

#[test]
fn changes_are_noticed() {
    let bed = Bed::new();
    let watched = bed.index();
    bed.put("a", b"first");
    let first = watched.until_offered("a", b"first");
    bed.put("a", b"second, and longer");
    watched.until_offered("a", b"second, and longer");
    assert!(watched.index.manifest(&first.content).is_none(), "the old content is not offered");
    fs::rename(bed.path("a"), bed.path("b")).unwrap();
    watched.until_offered("b", b"second, and longer");
    watched.until("a", |found| found == Found::Nothing);
    fs::remove_file(bed.path("b")).unwrap();
    watched.until("b", |found| found == Found::Nothing);
    assert!(watched.index.offers().is_empty());
}

#[test]
fn the_same_content_is_offered_until_its_last_name_goes() {
    let bed = Bed::new();
    bed.put("a", b"same");
    bed.put("b", b"same");
    let watched = bed.index();
    let offer = watched.until_offered("a", b"same");
    watched.until_offered("b", b"same");
    fs::remove_file(bed.path("a")).unwrap();
    watched.until("a", |found| found == Found::Nothing);
    assert_eq!(read_all(watched.index.chunk(&offer.content, 0).unwrap()).unwrap(), b"same");
    fs::remove_file(bed.path("b")).unwrap();
    watched.until("b", |found| found == Found::Nothing);
    assert!(watched.index.chunk(&offer.content, 0).is_none());
}

#[test]
fn many_files_are_offered() {
    let bed = Bed::new();
    for number in 0..500_u16 {
        bed.put(&format!("file {number}"), &number.to_be_bytes());
    }
    bed.put("large", &content(5 << 20, 1));
    let watched = bed.index();
    for number in 0..500_u16 {
        watched.until_offered(&format!("file {number}"), &number.to_be_bytes());
    }
    watched.until_offered("large", &content(5 << 20, 1));
    assert_eq!(watched.index.offers().len(), 501);
}

#[test]
fn a_completed_download_is_offered_without_being_read() {
    let bed = Bed::new();
    let watched = bed.index();
    let manifest = manifest_of(&content(10_000, 1));
    assert!(!watched.index.adopt(&name("a"), &manifest), "it is not there");
    // Other bytes of the same size: had they been read, this would not be offered.
    bed.put("a", &content(10_000, 2));
    assert!(watched.index.adopt(&name("a"), &manifest));
    let Found::Offered(offer) = watched.index.find(&name("a")) else { panic!("it is offered") };
    assert_eq!(offer.content, manifest.content());
    assert_eq!(watched.index.manifest(&offer.content), Some(manifest));
}
