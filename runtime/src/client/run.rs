//! The program `client`.

use std::env;
use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use clap::error::Error as UsageError;
use starling_core::client::ExitCode as Status;
use starling_core::escape;
use starling_core::seed::Seed;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{Receiver, channel};
use tokio_rustls::client::TlsStream;

use super::args::{Args, FINGERPRINT, FORGET, ForgetArgs, complaint};
use super::device::Device;
use super::dial::{DialError, Dialled, dial};
use super::files::{Files, Stock};
use super::folder;
use super::known::{KnownServers, Place};
use super::memory::Shelf;
use super::offers::Offers;
use super::peers::Hub;
use super::session::{Ground, run};
use super::signals::Signals;
use super::trust::Trust;
use super::xdg;
use crate::clock::Clock;
use crate::face::Face;
use crate::face::plain::Plain;
use crate::face::prompt::Terminal;
use crate::share::{Folder, Settings};
use crate::tls::device::fingerprint;

/// The exit status of wrong usage.
const USAGE: u8 = 2;

/// Runs the client with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    if env::args_os().nth(1).is_some_and(|first| first == FORGET) {
        return forget();
    }
    // With a port behind it, it is a host.
    if env::args_os().skip(1).eq([FINGERPRINT]) {
        return fingerprints();
    }
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let (offers, files) = match folder::prepare(args.dir.as_deref()) {
        Ok(Some(folder)) => offer(folder),
        Ok(None) => {
            eprintln!("The folder `shared` cannot be made here: nothing is offered to others.");
            (Offers::none(), Files::none())
        }
        Err(refused) => return failed(USAGE, &refused),
    };
    let runtime = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(Status::Lost as u8, &error),
    };
    let status = runtime.block_on(talk(&args, offers, files));
    // A name that is still being looked up, or a terminal that is still being read, holds nobody up.
    runtime.shutdown_background();
    status
}

/// Begins to find out what is in the folder.
fn offer(folder: Folder) -> (Offers, Files) {
    let opened = Stock::open(folder, &Settings::usual(xdg::state()));
    let offered = opened.and_then(|stock| Ok((Offers::of(stock.clone()), Files::of(stock)?)));
    offered.unwrap_or_else(|error| {
        eprintln!("The folder cannot be looked through ({error}): nothing is offered to others.");
        (Offers::none(), Files::none())
    })
}

fn usage(error: &UsageError) -> ExitCode {
    if error.use_stderr() {
        return failed(USAGE, &complaint(error));
    }
    print!("{error}");
    ExitCode::SUCCESS
}

fn failed(status: u8, what: &dyn Display) -> ExitCode {
    // A reason may carry what somebody else wrote, a certificate say.
    eprintln!("{}", escape::text(&what.to_string()));
    ExitCode::from(status)
}

async fn reach(place: &Place, args: &Args) -> Result<Dialled, DialError> {
    dial(place, &Trust::of(args)?).await
}

/// Forgets the key of a server.
fn forget() -> ExitCode {
    let args = match ForgetArgs::try_parse_from(env::args_os().skip(1)) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match KnownServers::of_this_person().and_then(|known| known.forget(&args.place)) {
        Ok(true) => {
            println!("The key of {} is forgotten.", args.place);
            ExitCode::SUCCESS
        }
        Ok(false) => failed(USAGE, &format!("No key of {} is known.", args.place)),
        Err(error) => failed(USAGE, &format!("The known servers cannot be changed: {error}.")),
    }
}

/// Shows the keys of this device: the server, the user, and by what people know it.
fn fingerprints() -> ExitCode {
    let files = match Shelf::of_this_person().key_files() {
        Ok(files) if files.is_empty() => {
            return failed(USAGE, &"This device has no key yet: the first login to a server makes one.");
        }
        Ok(files) => files,
        Err(error) => return failed(USAGE, &format!("The keys of this device cannot be read: {error}.")),
    };
    let mut status = ExitCode::SUCCESS;
    for ((server, user), path) in files {
        match Device::public(&path) {
            Ok(Some(key)) => println!("{:016x} {user} {}", server.0, fingerprint(key)),
            Ok(None) => {}
            Err(error) => {
                status = failed(
                    USAGE,
                    &format!("Cannot use the key of this device {error}. Remove it for another."),
                );
            }
        }
    }
    status
}

/// Connects and lets the person talk.
async fn talk(args: &Args, offers: Offers, files: Files) -> ExitCode {
    let lost = |what: String| failed(Status::Lost as u8, &what);
    let mut interrupts = match interrupts() {
        Ok(interrupts) => interrupts,
        Err(error) => return lost(format!("Signals cannot be received: {error}.")),
    };
    let place = Place { host: args.host.clone(), port: args.port };
    let dialled = tokio::select! {
        dialled = reach(&place, args) => match dialled {
            Ok(dialled) => dialled,
            Err(error) => return failed(error.status(), &error),
        },
        _ = interrupts.recv() => return ExitCode::from(Status::Refused as u8),
    };
    if let Some(notice) = &dialled.notice {
        eprintln!("{notice}");
    }
    let stream = dialled.stream;
    let hub = match (stream.get_ref().0.local_addr(), stream.get_ref().0.peer_addr()) {
        (Ok(own), Ok(server)) => Hub::open(own.ip(), server.ip()).await,
        (Err(error), _) | (_, Err(error)) => return lost(format!("The connection is gone: {error}.")),
    };
    let mut seed = [0; 32];
    if let Err(error) = getrandom::fill(&mut seed) {
        return lost(format!("The system gives no random numbers: {error}."));
    }
    let ground = Ground {
        clock: Clock::boot(),
        seed: Seed(seed),
        terms: args.terms(),
        shelf: Shelf::of_this_person(),
        exported: Some(dialled.exported),
        hub,
        offers,
        files,
    };
    let plain = args.plain || !io::stdin().is_terminal() || !io::stdout().is_terminal();
    let status = if plain {
        meet(stream, ground, Plain::open(), interrupts).await
    } else {
        meet(stream, ground, Terminal::open(), interrupts).await
    };
    match status {
        Ok(status) => ExitCode::from(status as u8),
        Err(error) => lost(format!("The terminal cannot be used: {error}. Try --plain.")),
    }
}

async fn meet<F: Face>(
    stream: TlsStream<TcpStream>,
    ground: Ground,
    face: io::Result<F>,
    interrupts: Receiver<()>,
) -> io::Result<Status> {
    let mut face = face?;
    let status = run(stream, ground, &mut face, interrupts).await;
    face.close();
    Ok(status)
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
