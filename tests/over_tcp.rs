//! All conversations over loopback TCP, with a clock that the test moves, but for those that need keys: here nothing
//! is encrypted.

use std::process::ExitCode;

use starling_tests::runner;
use starling_tests::stage::OverTcp;
use starling_tests::transcript::Reach;

fn main() -> ExitCode {
    runner::run(
        |transcript| transcript.setup.reach <= Reach::InProcess && !transcript.setup.keys,
        OverTcp::open,
    )
}
