//! Holds the conversations with moments with the real programs, in real time: all at once, some twenty minutes.
//!
//! ```sh
//! cargo build --release --bins && cargo run --release -p starling-tests --bin real_time -- [name…]
//! ```

use std::process::ExitCode;

use libtest_mimic::Arguments;
use starling_tests::program::Programs;
use starling_tests::runner;
use starling_tests::stage::Binaries;
use starling_tests::transcript::Reach;

/// They wait more than they work.
const AT_ONCE: usize = 64;

fn main() -> ExitCode {
    let here = std::env::current_exe().expect("a program knows where it is");
    let programs = Programs { server: here.with_file_name("server"), client: here.with_file_name("client") };
    if !programs.server.exists() || !programs.client.exists() {
        eprintln!("Build the programs first: cargo build --release --bins.");
        return ExitCode::from(2);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    runner::run_with(
        &arguments,
        |transcript| transcript.has_moments() && transcript.setup.reach == Reach::Programs,
        move |setup| Binaries::open_in_real_time(&programs, setup),
    )
}
