//! What the store costs: CPU of its thread per letter in batches of 1, 32 and 256, a page, and the time to
//! open a folder with a million letters. `cargo bench -p starling-runtime --bench store`
//!
//! The CPU time is the kernel's (`/proc/thread-self/schedstat`), file system included; the wall time is
//! mostly that of `fsync`.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use starling_core::id::{Epoch, MsgId, Seq, Ticket, UserId};
use starling_core::name::Name;
use starling_core::server::PageOrder;
use starling_core::store::{Batch, BatchKey, Snapshot, Write};
use starling_core::text::Text;
use starling_core::time::Time;
use starling_runtime::store::{Config, Moment, Store};

const MEMBERS: u64 = 1000;
const AT: Moment = Moment { now: Time::from_secs(1), wall: 1 };
const MILLION: u64 = 1_000_000;

fn main() {
    for (letters, rounds) in [(1, 4000), (32, 1000), (256, 200)] {
        measure_batches(letters, rounds);
    }
    measure_million();
}

fn measure_batches(letters: u64, rounds: u64) {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk");
    let (mut store, snapshot) = open(folder.path());
    let mut post = Post::new(&snapshot);
    // Every mark is there after the first round, as in a team that has talked before.
    (0..MEMBERS / 250).for_each(|_| store.commit(&post.batch(250), AT).expect("committed"));
    let (cpu, wall) = (cpu_time(), Instant::now());
    for _ in 0..rounds {
        store.commit(&post.batch(letters), AT).expect("committed");
        store.tidy().expect("tidied");
    }
    let (cpu, wall) = (cpu_time() - cpu, wall.elapsed());
    let count = u32::try_from(letters * rounds).expect("few");
    println!(
        "batches of {letters:3}: {:6.2} us CPU a letter, {:7.1} us CPU and {:7.1} us wall a batch",
        micros(cpu / count),
        micros(cpu / u32::try_from(rounds).expect("few")),
        micros(wall / u32::try_from(rounds).expect("few")),
    );
}

fn measure_million() {
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk");
    let (mut store, snapshot) = open(folder.path());
    let mut post = Post::new(&snapshot);
    for _ in 0..MILLION / 5000 {
        store.commit(&post.batch(5000), AT).expect("committed");
        store.tidy().expect("tidied");
    }
    let page = PageOrder {
        user: snapshot.users[7].id,
        ticket: Ticket(0),
        after: Seq::START,
        upto: Seq::from_bits(i64::MAX.cast_unsigned()),
        bytes_max: 64 * 1024,
    };
    let before = cpu_time();
    let read: usize = (0..1000).map(|_| store.load(&page).expect("loaded").len()).sum();
    let cpu = micros(cpu_time() - before);
    println!("a page of {} letters: {:.1} us CPU", read / 1000, cpu / 1000.0);
    drop(store);
    let (cpu, wall) = (cpu_time(), Instant::now());
    let (_store, snapshot) = open(folder.path());
    let (cpu, wall) = (cpu_time() - cpu, wall.elapsed());
    let letters: usize = snapshot.users.iter().map(|u| u.letters.len()).sum();
    println!("open with {letters} letters: {} ms wall, {} ms CPU", wall.as_millis(), cpu.as_millis());
}

fn open(folder: &Path) -> (Store, Snapshot) {
    let members: Vec<Name> =
        (0..MEMBERS).map(|n| Name::parse(format!("member-{n}").as_bytes()).expect("a name")).collect();
    let config = Config { block_duration: Duration::from_secs(60), boot: 1, at: AT, server: 1 };
    Store::open(folder, &members, &config).expect("opened")
}

/// Letters of 100 bytes between members, spread so that neighbours in a batch are not neighbours in the tables.
struct Post {
    epoch: Epoch,
    ids: Vec<UserId>,
    seqs: Vec<Seq>,
    batches: u64,
    letters: u64,
    text: Text,
}

impl Post {
    fn new(snapshot: &Snapshot) -> Post {
        Post {
            epoch: snapshot.epoch,
            ids: snapshot.users.iter().map(|u| u.id).collect(),
            seqs: vec![Seq::before_first(snapshot.epoch); snapshot.users.len()],
            batches: 0,
            letters: 0,
            text: Text::parse(Bytes::from(vec![b'x'; 100])).expect("a text"),
        }
    }

    fn batch(&mut self, letters: u64) -> Batch {
        self.batches += 1;
        let key = BatchKey { epoch: self.epoch, number: self.batches };
        Batch { key, writes: (0..letters).map(|_| self.letter()).collect() }
    }

    fn letter(&mut self) -> Write {
        self.letters += 1;
        let to = usize::try_from(self.letters * 617 % MEMBERS).expect("small");
        let from = (to + 1) % self.ids.len();
        self.seqs[to] = self.seqs[to].next();
        let id = MsgId { instance: self.ids[from].0.into(), counter: self.letters };
        Write::Letter {
            to: self.ids[to],
            seq: self.seqs[to],
            from: self.ids[from],
            id,
            text: self.text.clone(),
        }
    }
}

fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    Duration::from_nanos(stat.split_whitespace().next().and_then(|n| n.parse().ok()).expect("a number"))
}

fn micros(span: Duration) -> f64 {
    span.as_secs_f64() * 1e6
}
