//! Load for a real server over loopback TCP: what a message, a login and an idle connection cost it.

use std::process::ExitCode;

#[path = "../load/mod.rs"]
mod load;

fn main() -> ExitCode {
    load::main()
}
