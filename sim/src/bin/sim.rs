//! The simulator's command: runs seeds, replays one, shrinks one, shows the trace of one.

use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use starling_sim::fault::FaultKind;
use starling_sim::mark::Mark;
use starling_sim::options::Scenario;
use starling_sim::outcome::{Outcome, Plan, run_as};
use starling_sim::shrink::shrink;
use starling_sim::swarm::command::SwarmArguments;
use starling_sim::sweep::Sweep;
use starling_sim::tape::Tape;

/// Runs simulated worlds of Starling.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a range of seeds and prints what it adds up to.
    Run {
        /// First seed and the one after the last, as in 0..1000.
        #[arg(long, value_parser = range, default_value = "0..1000")]
        seeds: Range<u64>,
        /// What kind of world.
        #[arg(long, value_parser = scenario, default_value = "default")]
        scenario: Scenario,
        /// How many threads share the seeds.
        #[arg(long, default_value_t = 1)]
        threads: u64,
    },
    /// Runs one seed twice, compares the two, and tells its story.
    Replay {
        /// The seed.
        seed: u64,
        /// What kind of world.
        #[arg(long, value_parser = scenario, default_value = "default")]
        scenario: Scenario,
    },
    /// Makes the run of a failing seed as small as it goes, and tells its story.
    Shrink {
        /// The seed.
        seed: u64,
        /// What kind of world.
        #[arg(long, value_parser = scenario, default_value = "default")]
        scenario: Scenario,
    },
    /// Prints every event of the run of a seed.
    Trace {
        /// The seed.
        seed: u64,
        /// What kind of world.
        #[arg(long, value_parser = scenario, default_value = "default")]
        scenario: Scenario,
    },
    /// Simulates many people who download one file, and tells how long they take.
    Swarm(SwarmArguments),
}

/// Failing seeds that a sweep names.
const FAILURES_SHOWN: usize = 12;

fn range(text: &str) -> Result<Range<u64>, String> {
    let (from, to) = text.split_once("..").ok_or("write a range as 0..1000")?;
    let number = |part: &str| part.parse().map_err(|_| format!("{part} is not a number"));
    Ok(number(from)?..number(to)?)
}

fn scenario(text: &str) -> Result<Scenario, String> {
    let named = Scenario::ALL.iter().find(|(name, _)| *name == text);
    named.map(|(_, scenario)| *scenario).ok_or_else(|| {
        let names: Vec<&str> = Scenario::ALL.iter().map(|(name, _)| *name).collect();
        format!("the scenarios are {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run { seeds, scenario, threads } => run(plan(scenario), &seeds, threads.max(1)),
        Command::Replay { seed, scenario } => replay(plan(scenario), seed),
        Command::Shrink { seed, scenario } => small(plan(scenario), seed),
        Command::Trace { seed, scenario } => trace(plan(scenario), seed),
        Command::Swarm(arguments) => arguments.run(),
    }
}

fn plan(scenario: Scenario) -> Plan {
    Plan { scenario, planted: None }
}

fn run(plan: Plan, seeds: &Range<u64>, threads: u64) -> ExitCode {
    // A machine's panic is a finding and is printed as such.
    std::panic::set_hook(Box::new(|_| {}));
    let (began, cpu_began) = (Instant::now(), cpu_seconds());
    let sweep = std::thread::scope(|scope| {
        let part = |thread: u64| {
            let mut sweep = Sweep::default();
            seeds.clone().filter(|seed| seed % threads == thread).for_each(|seed| sweep.run(plan, seed));
            sweep
        };
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        let mut all = Sweep::default();
        workers.into_iter().for_each(|worker| all.add(worker.join().expect("a sweep does not panic")));
        all
    });
    report(&sweep, began.elapsed().as_secs_f64(), cpu_seconds() - cpu_began, plan.scenario);
    match sweep.failed.first() {
        None => ExitCode::SUCCESS,
        Some((seed, violation)) => {
            println!("the first: {}", violation.story);
            println!(
                "shrink it with: cargo run --release --bin sim -- shrink {seed}{}",
                option(plan.scenario)
            );
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(sweep: &Sweep, seconds: f64, cpu: f64, scenario: Scenario) {
    println!("runs {}, sessions {}, events {}", sweep.runs, sweep.sessions, sweep.events);
    println!(
        "time {seconds:.2} s, CPU {cpu:.2} s, {:.0} events per CPU second",
        sweep.events as f64 / cpu.max(1e-9)
    );
    let simulated = sweep.micros as f64 / 1e6;
    println!("simulated {simulated:.0} s, {:.0} simulated seconds per CPU second", simulated / cpu.max(1e-9));
    if matches!(scenario, Scenario::Storm) {
        println!("faults:");
        for kind in FaultKind::ALL {
            println!("  {kind:<28} {}", sweep.faults.of(*kind));
        }
        println!("marks:");
        for mark in Mark::ALL {
            println!("  {mark:<40} {}", sweep.marks.of(*mark));
        }
        let missing: Vec<&str> = sweep.marks.missing().map(Mark::text).collect();
        println!(
            "marks not reached: {}",
            if missing.is_empty() { "none".to_owned() } else { missing.join(", ") }
        );
    }
    println!("violations {}", sweep.failed.len());
    for (seed, violation) in sweep.failed.iter().take(FAILURES_SHOWN) {
        println!("  seed {seed} at {}: {}: {}", violation.at, violation.checker, violation.story);
    }
    println!("hash {:016x}", sweep.hash);
}

fn option(scenario: Scenario) -> String {
    match Scenario::ALL.iter().find(|(_, other)| *other == scenario) {
        Some((name, _)) if *name != "default" => format!(" --scenario {name}"),
        _ => String::new(),
    }
}

fn replay(plan: Plan, seed: u64) -> ExitCode {
    let tape = Tape::seeded(seed);
    let (first, second) = (run_as(plan, &tape, false), run_as(plan, &tape, false));
    print!("{}", first.story);
    println!("events {}, until {}, hash {:016x}", first.events, first.until, first.hash);
    if first.hash != second.hash {
        println!("the second run differs:");
        difference(plan, &tape);
        return ExitCode::FAILURE;
    }
    verdict(&first)
}

/// The first line in which two traces of one tape differ.
fn difference(plan: Plan, tape: &Tape) {
    let (first, second) = (run_as(plan, tape, true), run_as(plan, tape, true));
    let differs = first.trace.iter().zip(&second.trace).find(|(one, other)| one != other);
    if let Some((one, other)) = differs {
        println!("  {one}\n  {other}");
    }
}

fn small(plan: Plan, seed: u64) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let Some(shrunk) = shrink(plan, &Tape::seeded(seed)) else {
        println!("seed {seed} does not fail");
        return ExitCode::SUCCESS;
    };
    print!("{}", shrunk.outcome.story);
    println!("{} steps, after {} runs", shrunk.outcome.steps.len(), shrunk.runs);
    let tape: Vec<String> = shrunk.tape.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    println!("tape {}", tape.concat());
    verdict(&shrunk.outcome)
}

fn trace(plan: Plan, seed: u64) -> ExitCode {
    let outcome = run_as(plan, &Tape::seeded(seed), true);
    outcome.trace.iter().for_each(|line| println!("{line}"));
    verdict(&outcome)
}

fn verdict(outcome: &Outcome) -> ExitCode {
    match &outcome.violation {
        None => {
            println!("no violation");
            ExitCode::SUCCESS
        }
        Some(violation) => {
            println!("VIOLATION at {}: {}: {}", violation.at, violation.checker, violation.story);
            ExitCode::FAILURE
        }
    }
}

/// CPU seconds that this process has used, as Linux tells; elsewhere wall-clock seconds.
fn cpu_seconds() -> f64 {
    // Fields 14 and 15 of proc(5), in hundredths of a second; the name in field 2 may hold spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => (user + system) / 100.0,
        _ => 0.0,
    }
}
