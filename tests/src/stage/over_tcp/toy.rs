//! A person whose client is a toy among real programs: the pure machine and a folder in memory, in real time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use starling_core::client::Input;
use starling_core::time::Time;
use starling_sim::folder::Folder;

use super::seat::{Device, Seat};
use crate::program::PATIENCE;

/// How long it may take until a toy notices that it is to stop, or that somebody new has come.
const TURN: Duration = Duration::from_millis(10);

/// Somebody who is logged in until he [leaves](Toy::leaves).
#[derive(Debug)]
pub struct Toy {
    is_leaving: Arc<AtomicBool>,
    client: JoinHandle<Folder>,
}

impl Toy {
    /// Somebody with this folder, once he is welcome at the server.
    ///
    /// # Panics
    /// If he is not.
    #[must_use]
    pub fn login(server: SocketAddr, name: &str, password: &str, folder: Folder) -> Toy {
        let is_leaving = Arc::new(AtomicBool::new(false));
        let typed = [name, password].map(|word| Bytes::copy_from_slice(word.as_bytes()));
        let (tell, told) = channel();
        let client = {
            let is_leaving = Arc::clone(&is_leaving);
            thread::spawn(move || live(server, folder, typed, &tell, &is_leaving))
        };
        let line = told.recv_timeout(PATIENCE).expect("something is said to him");
        assert_eq!(line, format!("Welcome, {name}."));
        Toy { is_leaving, client }
    }

    /// His folder, after he has gone.
    ///
    /// # Panics
    /// If his client has failed.
    #[must_use]
    pub fn leaves(self) -> Folder {
        self.is_leaving.store(true, Ordering::Relaxed);
        self.client.join().expect("a client does not fail")
    }
}

fn live(
    server: SocketAddr,
    folder: Folder,
    typed: [Bytes; 2],
    tell: &Sender<String>,
    is_leaving: &AtomicBool,
) -> Folder {
    let began = Instant::now();
    let now = || Time::ZERO + began.elapsed();
    let mut seat = Seat::connect(server, Device::with(folder), 1, now());
    typed.into_iter().for_each(|line| seat.does(Input::Typed(line), now()));
    while !is_leaving.load(Ordering::Relaxed) {
        if !seat.pump(now()) {
            wait(&seat, now());
        }
        // Whoever has heard enough does not listen any more.
        while let Some((_, line)) = seat.seen() {
            let _ = tell.send(line);
        }
    }
    seat.into_device().folder
}

/// Waits until something can be read, or is due.
fn wait(seat: &Seat, now: Time) {
    let due = seat.deadline().map_or(TURN, |at| at.since(now).min(TURN));
    let mut fds: Vec<_> = seat.sockets().map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
    let span = Timespec::try_from(due).expect("a short span");
    // If it fails, the next turn shows why.
    let _ = poll(&mut fds, Some(&span));
}
