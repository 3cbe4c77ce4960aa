//! Somebody who takes part in a content only to bid for it and to choose of it, as fast as he is answered.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use starling_core::direct::{Purpose, Reach, Role};
use starling_core::id::RequestId;
use starling_core::swarm::{Bitmap, ChunkBounds, Content, Layout};
use starling_core::wire::{PeerFrame, Request, ServerFrame, Transfer};

use super::house::name_of;
use super::street::{Caller, Device};
use super::visitor::Visitor;

/// He says each so often before he waits for an answer to the last.
const BATCH: u32 = 64;
/// So many words he says in any case.
const WORDS_MIN: u64 = 10_000;

/// See the module. He stops when he is told to, but says [`WORDS_MIN`] before.
pub(crate) struct Flooder {
    is_enough: Arc<AtomicBool>,
    flood: JoinHandle<Flood>,
}

/// His side of the connection.
struct Flood {
    owner: Caller,
    content: Content,
    chunks: u32,
    /// The number of the last transfer.
    transfer: u32,
    /// Bytes that he was given.
    got: u64,
}

impl Flooder {
    /// Logs in, calls the owner, and has begun when he has been answered. Those who have met need no server any more,
    /// and he leaves it.
    pub(crate) fn begin(
        server: SocketAddr,
        who: &str,
        password: &str,
        owner: &str,
        content: Content,
    ) -> Flooder {
        let device = Device::new();
        let mut visitor = device.logs_in(Ipv4Addr::LOCALHOST, server, who, password);
        // Nobody is introduced who does not say where he is; there he answers nobody.
        let place = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = place.local_addr().expect("an address").port();
        visitor.asks(&Request::Reach(Reach { port, hosts: Vec::new() }));
        let owner = meet(&mut visitor, &device, owner);
        let chunks = Layout::new(content.size, ChunkBounds::USUAL).expect("it is small").count();
        let mut flood = Flood { owner, content, chunks, transfer: 0, got: 0 };
        flood.says(&[Transfer::Has { content, held: Bitmap::none(chunks) }]);
        flood.bids_and_chooses();
        let is_enough = Arc::new(AtomicBool::new(false));
        let flood = {
            let is_enough = Arc::clone(&is_enough);
            thread::spawn(move || {
                while !is_enough.load(Ordering::Relaxed) || flood.words() < WORDS_MIN {
                    flood.bids_and_chooses();
                }
                flood
            })
        };
        Flooder { is_enough, flood }
    }

    /// He stops: how many bytes he was given.
    pub(crate) fn ends(self) -> u64 {
        self.is_enough.store(true, Ordering::Relaxed);
        self.flood.join().expect("he is answered to the end").got
    }
}

/// Calls somebody for files: the connection on which he has agreed.
fn meet(visitor: &mut Visitor, device: &Device, whom: &str) -> Caller {
    visitor.asks(&Request::Call { request: RequestId(1), purpose: Purpose::Fetch, whom: name_of(whom) });
    let vouch = visitor.until(|frame| match frame {
        ServerFrame::Vouch(vouch) => Some(vouch),
        _ => None,
    });
    let mut caller = device.calls(vouch.candidates[0].port());
    caller.says(&[PeerFrame::meet(vouch.pass, Role::Caller), PeerFrame::Open]);
    assert!(matches!(caller.hears(), PeerFrame::Meet { role: Role::Called, .. }));
    assert_eq!(caller.hears(), PeerFrame::Opened);
    caller
}

impl Flood {
    fn says(&mut self, words: &[Transfer]) {
        let frames: Vec<PeerFrame> = words.iter().cloned().map(PeerFrame::Transfer).collect();
        self.owner.says(&frames);
    }

    /// Bids for as much as can be said, and chooses whether or not anything is granted; until he is answered.
    fn bids_and_chooses(&mut self) {
        let content = self.content;
        let mut words = Vec::new();
        for _ in 0..BATCH {
            self.transfer += 1;
            let (transfer, chunk) = (self.transfer, self.transfer % self.chunks);
            words.push(Transfer::Bid { content, wants: u8::MAX, has: 0, later: false });
            words.push(Transfer::Choose { content, transfer, chunk });
        }
        self.says(&words);
        while !self.hears_of(self.transfer) {}
    }

    /// Whether the next word is about that transfer.
    fn hears_of(&mut self, last: u32) -> bool {
        match self.owner.hears() {
            PeerFrame::Transfer(Transfer::Piece { transfer, bytes }) => {
                self.got += bytes.len() as u64;
                transfer == last
            }
            PeerFrame::Transfer(Transfer::Refuse { transfer, .. }) => transfer == last,
            _ => false,
        }
    }

    fn words(&self) -> u64 {
        u64::from(self.transfer) * 2
    }
}
