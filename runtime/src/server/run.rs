//! The program `server`: from its arguments to its exit status.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use rustix::process::{Resource, Rlimit, setrlimit};
use starling_core::escape;
use starling_core::seed::Seed;
use starling_core::server::Config;
use tokio::runtime::Builder;

use super::args::{Args, CommandLine, complaint};
use super::descriptors::Descriptors;
use super::files::{count_plain, read_credentials, read_limits, warn_of};
use super::signals::Signals;
use super::{Ended, Options, Security, Server};
use crate::clock::Clock;

/// The exit status for whatever the operator has to correct.
const REFUSED: u8 = 2;
/// How long a server has from the first signal to its end, whatever keeps it.
const STOP_DEADLINE: Duration = Duration::from_millis(4_800);

type Failure = Box<dyn std::error::Error>;

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    main_of(env::args_os(), None)
}

/// Runs the program with the arguments of `args`, the first of which is its name; `security` overrules what
/// they say about keys. For whoever measures what TLS costs.
#[must_use]
pub fn main_of(args: impl Iterator<Item = OsString>, security: Option<Security>) -> ExitCode {
    forbid_core_dumps();
    let args: Vec<OsString> = args.collect();
    let first = args.get(1).cloned().unwrap_or_default().to_string_lossy().into_owned();
    let done = match CommandLine::try_parse_from(args) {
        Ok(CommandLine { command: Some(command), .. }) => command.run().map(|()| ExitCode::SUCCESS),
        Ok(CommandLine { serve: Some(args), .. }) => serve(&args, security),
        // Serving without arguments: clap has asked for them.
        Ok(CommandLine { command: None, serve: None }) => return ExitCode::from(REFUSED),
        Err(error) if error.use_stderr() => return refuse(&complaint(&error, &first)),
        Err(help) => {
            let _ = help.print();
            return ExitCode::SUCCESS;
        }
    };
    done.unwrap_or_else(|error| refuse(&error.to_string()))
}

/// Passwords are in this process: what it was is not left on a disk when it crashes.
fn forbid_core_dumps() {
    // Where the system refuses, it is as safe as it was.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// One line that says what, why, and what to do.
fn refuse(line: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "{}", escape::text(line));
    ExitCode::from(REFUSED)
}

fn start(args: &Args, security: Option<Security>) -> Result<Server, Failure> {
    let credentials = read_credentials(args.require_hashed)?;
    let plain = count_plain(&credentials);
    let mut config = Config::new(args.block_duration(), args.timeout());
    config.lockout_scope = args.lockout_scope();
    config.limits = read_limits(args.config.as_deref())?;
    let descriptors = Descriptors::raise();
    config.limits.greeting_max = config.limits.greeting_max.min(descriptors.greeting_max);
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)?;
    let users = credentials.len();
    let options = Options {
        addr: args.addr(),
        data_dir: args.data_dir.clone(),
        credentials,
        config,
        conns_max: descriptors.conns_max,
        seed: Seed(seed),
        security: security.unwrap_or_else(|| args.security()),
    };
    let server = Server::start(options, Clock::boot())?;
    if let Some(fingerprint) = server.fingerprint() {
        eprintln!("The key of this server is {fingerprint}");
    }
    tracing::info!(users, connections = descriptors.conns_max, "ready");
    warn_of(plain);
    Ok(server)
}

fn serve(args: &Args, security: Option<Security>) -> Result<ExitCode, Failure> {
    super::log::begin();
    let server = start(args, security)?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(until_ended(server, args.require_hashed))?;
    Ok(match ended {
        Ended::Stopped => ExitCode::SUCCESS,
        Ended::StoreBroken(why) => {
            tracing::error!(%why, "the store is broken; the server ends. Check the disk before it is started again");
            ExitCode::FAILURE
        }
    })
}

async fn until_ended(mut server: Server, require_hashed: bool) -> Result<Ended, Failure> {
    let mut signals = Signals::new(require_hashed)?;
    announce(server.local_addr())?;
    let handle = server.handle();
    tokio::select! {
        ended = server.ended() => return Ok(ended),
        () = signals.stop_wanted(&handle) => {}
    }
    tracing::info!("stopping");
    handle.stop();
    tokio::select! {
        ended = server.ended() => return Ok(ended),
        () = signals.stop_wanted(&handle) => tracing::warn!("told again: stopping at once"),
        () = tokio::time::sleep(STOP_DEADLINE) => tracing::warn!("stopping took too long"),
    }
    server.abandon();
    Ok(Ended::Stopped)
}

/// The one line on stdout.
fn announce(addr: SocketAddr) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on {addr}")?;
    stdout.flush()
}
