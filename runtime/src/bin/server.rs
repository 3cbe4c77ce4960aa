//! The server of Starling.

use std::process::ExitCode;

fn main() -> ExitCode {
    starling_runtime::server::run::main()
}
