//! How many events a second the simulator lives through, with the real codec and all checkers.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use starling_sim::options::Scenario;
use starling_sim::shrink::shrink;
use starling_sim::{Plan, Tape, run_as};

/// Whole worlds: the events of one run are the elements of the throughput.
fn worlds(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("world");
    group.sample_size(10);
    for (name, scenario) in [("storm", Scenario::Storm), ("busy", Scenario::Busy)] {
        let plan = Plan { scenario, ..Plan::default() };
        let tape = Tape::seeded(1);
        group.throughput(Throughput::Elements(run_as(plan, &tape, false).events));
        group.bench_function(name, |bencher| bencher.iter(|| run_as(plan, &tape, false)));
    }
    group.finish();
}

/// Making a failing run small: what a person waits for after a red test.
fn shrinking(criterion: &mut Criterion) {
    let planted = starling_sim::options::Planted::Server(starling_core::server::Fault::BlockNotStored);
    let plan = Plan { planted: Some(planted), ..Plan::default() };
    let mut group = criterion.benchmark_group("shrink");
    group.sample_size(10);
    group.bench_function("a block that is not stored", |bencher| {
        bencher.iter(|| shrink(plan, &Tape::seeded(0)))
    });
    group.finish();
}

criterion_group!(benches, worlds, shrinking);
criterion_main!(benches);
