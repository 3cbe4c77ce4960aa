//! All conversations in the simulator's world.

use std::process::ExitCode;

use starling_tests::runner;
use starling_tests::stage::Simulated;

fn main() -> ExitCode {
    runner::run(|_| true, Simulated::open)
}
