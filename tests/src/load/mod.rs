//! The load generator: one scenario a run, one line of JSON a scenario.
//!
//! One thread holds all people over one `epoll`. Where people talk, each is the client machine of the core,
//! as it sits in the real client; a crowd that only logs in and stays is read with the core's wire codec, so
//! that ten thousand people can be told of each other without the generator becoming what is measured.
//! The server is another process; what it spends is read from the operating system.

mod args;
mod bed;
mod caller;
mod client;
mod crowd;
mod descriptors;
mod error;
mod flow;
mod gauge;
mod host;
mod people;
mod percentile;
mod proc;
mod raw;
mod report;
mod scenario;
mod scribe;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use starling_runtime::server::Security;
use starling_tests::line::Secrecy;

use args::{Args, Transport};
use bed::Bed;
use error::Error;
use people::Setup;
use report::Report;

/// Runs the scenario that the command line names.
pub(crate) fn main() -> ExitCode {
    let args = Args::parse();
    if let args::Scenario::Serve(serve) = args.scenario {
        let args = [OsString::from("server")].into_iter().chain(serve.args);
        return starling_runtime::server::run::main_of(args, Some(Security::Plain));
    }
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Error> {
    if let args::Scenario::Folder(folder) = &args.scenario {
        return Ok(people::write_folder(&folder.path, Setup::of(folder.people), people::PASSWORD)?);
    }
    descriptors::raise();
    if let args::Scenario::Swarm(swarm) = &args.scenario {
        let report = Report::begin(&args.scenario, Secrecy::Tls);
        let figures = scenario::swarm::run(swarm, args)?;
        writeln!(io::stdout(), "{}", report.end(figures))?;
        return Ok(());
    }
    let securities: &[Secrecy] = match args.transport {
        Transport::Tls => &[Secrecy::Tls],
        Transport::Plain => &[Secrecy::Plain],
        Transport::Both => &[Secrecy::Tls, Secrecy::Plain],
    };
    for secrecy in securities {
        let report = Report::begin(&args.scenario, *secrecy);
        let mut bed = Bed::make(args, *secrecy)?;
        let figures = scenario::run(&args.scenario, &mut bed)?;
        drop(bed);
        writeln!(io::stdout(), "{}", report.end(figures))?;
    }
    Ok(())
}
