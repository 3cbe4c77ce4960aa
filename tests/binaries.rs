//! All conversations without moments, held with the real programs.

use std::process::ExitCode;

use starling_tests::program::Programs;
use starling_tests::runner;
use starling_tests::stage::Binaries;
use starling_tests::transcript::Reach;

fn main() -> ExitCode {
    let programs =
        Programs { server: env!("CARGO_BIN_EXE_server").into(), client: env!("CARGO_BIN_EXE_client").into() };
    runner::run(
        |transcript| !transcript.has_moments() && transcript.setup.reach == Reach::Programs,
        move |setup| Binaries::open(&programs, setup),
    )
}
