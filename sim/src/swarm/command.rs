//! The words of `sim swarm`, and what it prints.

use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use starling_core::swarm::{Layout, POLICIES, Policy, policy};
use starling_core::time::Time;

use super::figures::Figures;
use super::plot;
use super::setup::{Nature, Setup};
use super::small::verdict;
use super::world::run;

/// What swarm to simulate.
#[derive(Args, Clone, Debug)]
pub struct SwarmArguments {
    /// Downloaders, beside the seeders.
    #[arg(long, default_value_t = 20)]
    peers: usize,
    /// Chunks of the file.
    #[arg(long, default_value_t = 1_024)]
    chunks: u32,
    /// Bytes of a chunk, as in 64k.
    #[arg(long, value_parser = bytes, default_value = "64k")]
    chunk_size: u64,
    /// Bytes of the file, as in 256M, cut as a real one; instead of --chunks.
    #[arg(long, value_parser = bytes)]
    size: Option<u64>,
    /// How chunks are chosen: rarest or random; both if it is not said.
    #[arg(long, value_parser = known_policy)]
    policy: Option<Choosing>,
    /// Bits a second from each downloader, as in 10M.
    #[arg(long, value_parser = bits, default_value = "10M")]
    up: u64,
    /// Bits a second to each downloader.
    #[arg(long, value_parser = bits, default_value = "10M")]
    down: u64,
    /// Bits a second from each seeder; as --up if it is not said.
    #[arg(long, value_parser = bits)]
    seed_up: Option<u64>,
    /// Microseconds from a word to its answer.
    #[arg(long, default_value_t = 1_000)]
    rtt: u64,
    /// Of a million pieces, how many are lost.
    #[arg(long, default_value_t = 0)]
    loss: u32,
    /// How many have the file from the start.
    #[arg(long, default_value_t = 1)]
    seeders: usize,
    /// How many more say they have it and send what is wrong.
    #[arg(long, default_value_t = 0)]
    liars: usize,
    /// How many more say they have it and refuse.
    #[arg(long, default_value_t = 0)]
    deniers: usize,
    /// How many more say they have it and never send.
    #[arg(long, default_value_t = 0)]
    stallers: usize,
    /// How many more say of everybody that he gives nothing.
    #[arg(long, default_value_t = 0)]
    framers: usize,
    /// How many more bid ten thousand times a second.
    #[arg(long, default_value_t = 0)]
    flooders: usize,
    /// One downloader is killed at a third of the least time, the seeder after 1.05 copies.
    #[arg(long)]
    churn: bool,
    /// Where chance comes from.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draws completion curves of the policies into this file, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// Instead of one swarm, small ones with liars and churn: first seed and the one after the last, as in 0..1000.
    #[arg(long, value_parser = range)]
    seeds: Option<Range<u64>>,
}

/// A policy, as a word.
#[derive(Clone, Copy, Debug)]
pub struct Choosing(&'static dyn Policy);

/// Failing seeds that are named.
const FAILURES_SHOWN: usize = 12;

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("write a range as 0..1000")?;
    let number = |part: &str| part.parse().map_err(|_| format!("{part} is not a number"));
    Ok(number(from)?..number(to)?)
}

fn known_policy(text: &str) -> Result<Choosing, String> {
    policy(text).map(Choosing).ok_or_else(|| "the policies are rarest and random".to_owned())
}

fn scaled(text: &str, thousand: u64) -> Result<u64, String> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" => 1,
        "k" | "K" => thousand,
        "m" | "M" => thousand.pow(2),
        "g" | "G" => thousand.pow(3),
        _ => return Err("write it as 500k, 64M or 1G".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| format!("{digits} is not a number"))?;
    number.checked_mul(factor).ok_or_else(|| "that is too much".to_owned())
}

fn bytes(text: &str) -> Result<u64, String> {
    scaled(text, 1_024)
}

fn bits(text: &str) -> Result<u64, String> {
    scaled(text, 1_000)
}

impl SwarmArguments {
    /// The swarm they speak of.
    #[must_use]
    pub fn setup(&self, policy: &'static dyn Policy) -> Setup {
        let layout = match self.size {
            Some(size) => Layout::new(size, starling_core::swarm::ChunkBounds::USUAL)
                .unwrap_or_else(|| Setup::layout_of(1, 1)),
            None => Setup::layout_of(self.chunks, self.chunk_size),
        };
        let mut setup = Setup::equal(self.seeders, self.peers, layout, self.up / 8);
        for peer in &mut setup.peers {
            peer.down = self.down / 8;
            if peer.seeds {
                peer.up = self.seed_up.unwrap_or(self.up) / 8;
            }
        }
        setup.until = Time::ZERO + setup.bound() * 20 + Duration::from_secs(300);
        if self.churn {
            setup = setup.with_churn();
        }
        let others = [
            (Nature::Poisoner, self.liars),
            (Nature::Denier, self.deniers),
            (Nature::Staller, self.stallers),
            (Nature::Framer, self.framers),
            (Nature::Flooder, self.flooders),
        ];
        for (nature, count) in others {
            setup = setup.and(nature, count);
        }
        setup.seed = self.seed;
        setup.policy = policy;
        setup.rtt = Duration::from_micros(self.rtt);
        setup.loss_ppm = self.loss;
        setup
    }

    /// Simulates it and prints what came of it.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let policies: Vec<&'static dyn Policy> =
            self.policy.map_or_else(|| POLICIES.to_vec(), |choosing| vec![choosing.0]);
        if let Some(seeds) = &self.seeds {
            return many(seeds.clone());
        }
        let mut runs = Vec::new();
        for policy in policies {
            let began = Instant::now();
            let figures = run(self.setup(policy));
            report(policy.name(), &figures, began.elapsed());
            runs.push((policy.name(), figures));
        }
        if let Some(path) = &self.plot
            && let Err(error) = std::fs::write(path, plot::svg(&runs))
        {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
        let all_complete = runs.iter().all(|(_, figures)| figures.is_complete());
        if all_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// Runs small swarms and tells which of them were not as promised.
fn many(seeds: Range<u64>) -> ExitCode {
    let (began, count) = (Instant::now(), seeds.end.saturating_sub(seeds.start));
    let failed: Vec<(u64, String)> =
        seeds.filter_map(|seed| verdict(seed).err().map(|story| (seed, story))).collect();
    println!("swarms {count}, complete {}", count - failed.len() as u64);
    failed.iter().take(FAILURES_SHOWN).for_each(|(seed, story)| println!("  seed {seed}: {story}"));
    println!("simulated in {:.2} s", began.elapsed().as_secs_f64());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(policy: &str, figures: &Figures, took: Duration) {
    let parts = |number: u64, of: f64| number as f64 / of;
    println!("{policy}:");
    println!(
        "  last done after {:.3} s = {:.4} x D (D = {:.3} s){}",
        figures.last().as_secs_f64(),
        parts(figures.ratio(), 10_000.0),
        figures.bound.as_secs_f64(),
        if figures.is_complete() { "" } else { "; NOT ALL ARE DONE" },
    );
    let seeded = figures
        .copies_seeded()
        .map_or_else(|| "-".to_owned(), |copies| format!("{:.3}", parts(copies, 1_000.0)));
    println!(
        "  up-links busy {:.1} %, sent twice {:.2} %, wrong chunks {}, seeder sent {seeded} copies before it was dispensable",
        parts(figures.uplinks_permille, 10.0),
        parts(figures.twice(), 100.0),
        figures.courses.iter().map(|course| course.wrong).sum::<u32>(),
    );
    let [neighbour, tracker] = figures.ages;
    let ms = |span: Duration| span.as_secs_f64() * 1_000.0;
    println!(
        "  knowledge is old: neighbours' {:.0} ms (at most {:.0}), the tracker's {:.0} ms (at most {:.0})",
        ms(neighbour.mean()),
        ms(neighbour.max()),
        ms(tracker.mean()),
        ms(tracker.max()),
    );
    println!("  the last 1 % takes {:.1} % of the time", parts(figures.last_hundredth(), 10.0));
    let traffic = figures.traffic;
    let per_chunk = |count: u64| count as f64 / traffic.choices.max(1) as f64;
    println!(
        "  for each chunk: {:.2} bids, {:.2} returned, {:.3} cancelled, {:.2} batches to neighbours, {:.2} reports, {:.2} notices with {:.1} numbers",
        per_chunk(traffic.bids),
        per_chunk(traffic.returns),
        per_chunk(traffic.cancels),
        per_chunk(traffic.haves),
        per_chunk(traffic.reports),
        per_chunk(traffic.notices),
        per_chunk(traffic.notice_entries),
    );
    println!("  simulated in {:.2} s", took.as_secs_f64());
}
