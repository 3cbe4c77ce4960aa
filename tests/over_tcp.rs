//! All conversations over loopback TCP, with a clock that the test moves.

use std::process::ExitCode;

use starling_tests::runner;
use starling_tests::stage::OverTcp;
use starling_tests::transcript::Reach;

fn main() -> ExitCode {
    runner::run(|transcript| transcript.setup.reach <= Reach::InProcess, OverTcp::open)
}
