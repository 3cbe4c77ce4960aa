//! The program `client`.

use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use clap::error::Error as UsageError;
use starling_core::client::ExitCode as Status;
use starling_core::seed::Seed;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::timeout;

use super::args::{Args, complaint};
use super::folder;
use super::memory::Shelf;
use super::session::{Ground, run};
use super::signals::Signals;
use crate::clock::Clock;
use crate::face::Face;
use crate::face::plain::Plain;
use crate::face::prompt::Terminal;

/// The exit status of wrong usage.
const USAGE: u8 = 2;
/// How long to try to connect.
const CONNECT_MAX: Duration = Duration::from_secs(20);

/// Runs the client with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match folder::prepare(args.dir.as_deref()) {
        Ok(Some(_)) => {}
        Ok(None) => eprintln!("The folder `shared` cannot be made here: nothing is offered to others."),
        Err(refused) => return failed(USAGE, &refused),
    }
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(Status::Lost as u8, &error),
    };
    let status = runtime.block_on(talk(&args));
    // A name that is still being looked up, or a terminal that is still being read, holds nobody up.
    runtime.shutdown_background();
    status
}

fn usage(error: &UsageError) -> ExitCode {
    if error.use_stderr() {
        return failed(USAGE, &complaint(error));
    }
    print!("{error}");
    ExitCode::SUCCESS
}

fn failed(status: u8, what: &dyn Display) -> ExitCode {
    eprintln!("{what}");
    ExitCode::from(status)
}

/// Connects and lets the person talk.
async fn talk(args: &Args) -> ExitCode {
    let lost = |what: String| failed(Status::Lost as u8, &what);
    let mut interrupts = match interrupts() {
        Ok(interrupts) => interrupts,
        Err(error) => return lost(format!("Signals cannot be received: {error}.")),
    };
    let stream = tokio::select! {
        connected = connect(&args.host, args.port) => match connected {
            Ok(stream) => stream,
            Err(why) => return lost(why),
        },
        _ = interrupts.recv() => return ExitCode::from(Status::Refused as u8),
    };
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        return lost(format!("The system gives no random numbers: {error}."));
    }
    let ground = Ground { clock: Clock::boot(), seed: Seed(seed), shelf: Shelf::of_this_person() };
    let plain = args.plain || !io::stdin().is_terminal() || !io::stdout().is_terminal();
    let status = if plain {
        meet(stream, ground, Plain::new(io::stdin(), io::stdout()), interrupts).await
    } else {
        meet(stream, ground, Terminal::open(), interrupts).await
    };
    match status {
        Ok(status) => ExitCode::from(status as u8),
        Err(error) => lost(format!("The terminal cannot be used: {error}. Try --plain.")),
    }
}

async fn meet<F: Face>(
    stream: TcpStream,
    ground: Ground,
    face: io::Result<F>,
    interrupts: Receiver<()>,
) -> io::Result<Status> {
    let mut face = face?;
    let status = run(stream, ground, &mut face, interrupts).await;
    face.close();
    Ok(status)
}

/// A connection, or why there is none, in one line.
async fn connect(host: &str, port: u16) -> Result<TcpStream, String> {
    let why = match timeout(CONNECT_MAX, TcpStream::connect((host, port))).await {
        Ok(Ok(stream)) => {
            // Only a little slower without it.
            let _ = stream.set_nodelay(true);
            return Ok(stream);
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {} seconds", CONNECT_MAX.as_secs()),
    };
    Err(format!("Cannot connect to {host}, port {port}: {why}. Is the server running there?"))
}

/// Passes on the signals that act as a `logout`.
fn interrupts() -> io::Result<Receiver<()>> {
    let mut signals = Signals::new()?;
    let (sender, receiver) = channel(1);
    tokio::spawn(async move {
        loop {
            signals.any().await;
            if sender.send(()).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}
