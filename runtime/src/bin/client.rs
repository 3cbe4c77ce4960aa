//! The client of Starling.

use std::process::ExitCode;

fn main() -> ExitCode {
    starling_runtime::client::run::main()
}
