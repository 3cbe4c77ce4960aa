//! A download on a disk that forgets whatever was not synced, at any moment.

use std::io;

use starling_core::swarm::Bitmap;
use starling_core::swarm::resume::Subject;

use super::super::Part;
use super::super::disk::Disk;
use super::*;

/// Bytes that a disk writes whole or not at all.
const SECTOR: usize = 512;

/// One file of the model: what is safe, and what was written since.
#[derive(Default)]
struct Image {
    safe: Vec<u8>,
    written: Vec<(usize, Vec<u8>)>,
}

impl Image {
    fn of(size: usize) -> Image {
        Image { safe: vec![0; size], written: Vec::new() }
    }

    /// What may be on the disk after a power cut: of each write nothing, all, or some sectors.
    fn after_a_cut(&self, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.safe.clone();
        for (at, written) in &self.written {
            let fate = dice.below(3);
            let sectors = written.chunks(SECTOR).zip((*at..).step_by(SECTOR));
            for (sector, at) in sectors {
                if fate == 0 || fate == 1 && dice.below(2) == 0 {
                    bytes[at..at + sector.len()].copy_from_slice(sector);
                }
            }
        }
        bytes
    }

    /// What a program reads that was not interrupted by a power cut.
    fn now(&self) -> Vec<u8> {
        let mut bytes = self.safe.clone();
        self.written.iter().for_each(|(at, written)| bytes[*at..at + written.len()].copy_from_slice(written));
        bytes
    }

    fn sync(&mut self) {
        for (at, written) in self.written.drain(..) {
            self.safe[at..at + written.len()].copy_from_slice(&written);
        }
    }
}

/// Both files, and what must be true of them at any moment.
struct World {
    data: Image,
    notes: Image,
    subject: Subject,
    truth: Vec<u8>,
    /// What the download says is safe.
    promised: Bitmap,
    dice: Dice,
    cuts: u32,
}

impl World {
    /// The power goes here, in thought.
    fn cut(&mut self) {
        let [data, notes] = [&self.data, &self.notes].map(|image| image.after_a_cut(&mut self.dice));
        let note = self.subject.read(&notes);
        let held = note.map_or_else(|| Bitmap::none(self.subject.layout.count()), |note| note.held);
        for chunk in held.iter() {
            let range = self.subject.layout.range(chunk).unwrap();
            let [start, end] = [range.start, range.end].map(|at| usize::try_from(at).unwrap());
            assert!(data[start..end] == self.truth[start..end], "chunk {chunk} is believed and not there");
        }
        assert!(self.promised.iter().all(|chunk| held.contains(chunk)), "what was safe is gone");
        self.cuts += 1;
    }
}

#[derive(Clone, Copy)]
enum Which {
    Data,
    Notes,
}

struct Modelled(Arc<Mutex<World>>, Which);

impl Modelled {
    fn with<T>(&self, act: impl FnOnce(&mut Image) -> T) -> T {
        let mut world = self.0.lock().unwrap();
        world.cut();
        let done = act(match self.1 {
            Which::Data => &mut world.data,
            Which::Notes => &mut world.notes,
        });
        world.cut();
        done
    }
}

impl Disk for Modelled {
    fn write(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.with(|image| image.written.push((usize::try_from(at).unwrap(), bytes.to_vec())));
        Ok(())
    }

    fn read(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let at = usize::try_from(at).unwrap();
        self.with(|image| bytes.copy_from_slice(&image.now()[at..at + bytes.len()]));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.with(Image::sync);
        Ok(())
    }
}

/// Whatever is lost at whatever moment, a later run believes only in chunks that are there, and in all that were
/// said to be safe.
#[test]
fn no_power_cut_makes_a_chunk_believed_that_is_not_there() {
    const SIZE: usize = 20_000;
    let mut cuts = 0;
    for seed in 0..60 {
        let truth = content(SIZE, u8::try_from(seed).unwrap().wrapping_add(1));
        let (subject, manifest) =
            (Subject { content: id(&truth), layout: layout(SIZE) }, manifest_of(&truth));
        let mut dice = dice(seed);
        let mut images = (Image::of(SIZE), Image::of(usize::try_from(subject.file_bytes()).unwrap()));
        loop {
            let note = subject.read(&images.1.safe);
            let promised =
                note.as_ref().map_or_else(|| Bitmap::none(subject.layout.count()), |note| note.held.clone());
            let (truth, dice_of_cuts) = (truth.clone(), Dice::public(Seed::from(dice.below(1 << 40))));
            let world = World {
                data: images.0,
                notes: images.1,
                subject,
                truth,
                promised,
                dice: dice_of_cuts,
                cuts: 0,
            };
            let world = Arc::new(Mutex::new(world));
            let disk = |which| Box::new(Modelled(Arc::clone(&world), which));
            let part = Arc::new(Part::over(name("a"), subject, disk(Which::Data), disk(Which::Notes), note));
            for chunk in part.held().iter() {
                let is_here = read_all(part.reader(chunk).unwrap()).unwrap();
                assert_eq!(is_here, chunk_of(&world.lock().unwrap().truth, chunk), "chunk {chunk}");
            }
            let lives_on = run(&part, &manifest, &world, &mut dice);
            drop(part);
            let mut world = Arc::into_inner(world).unwrap().into_inner().unwrap();
            cuts += world.cuts;
            if lives_on {
                assert_eq!(world.data.after_a_cut(&mut dice), world.truth, "what is complete is right");
                break;
            }
            let survived = [&world.data, &world.notes].map(|image| image.after_a_cut(&mut world.dice));
            let [data, notes] = survived.map(|safe| Image { safe, written: Vec::new() });
            images = (data, notes);
        }
    }
    assert!(cuts > 5000, "{cuts} cuts");
}

/// Fetches, syncs and lies for a while; true if it is complete and safe, false if the power went.
fn run(part: &Arc<Part>, manifest: &Manifest, world: &Mutex<World>, dice: &mut Dice) -> bool {
    let count = manifest.layout().count();
    for _ in 0..below(dice, 60) {
        if dice.below(4) == 0 {
            part.sync().unwrap();
            world.lock().unwrap().promised = part.safe();
        } else {
            let chunk = u32::try_from(dice.below(count.into())).unwrap();
            let Some(mut writer) = part.writer(chunk, manifest.hash(chunk).unwrap()) else { continue };
            let truth = world.lock().unwrap().truth.clone();
            let mut bytes = chunk_of(&truth, chunk).to_vec();
            if dice.below(5) == 0 {
                bytes[0] ^= 1;
            }
            for piece in bytes.chunks(1 + below(dice, 3000)) {
                assert!(writer.write(piece).unwrap());
            }
            writer.finish().unwrap();
        }
    }
    part.sync().unwrap();
    part.held().is_complete()
}
