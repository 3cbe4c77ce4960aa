//! One connection to another client: a task that reads and writes, neither of which waits for the other.

use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use starling_core::client::FileEvent;
use starling_core::id::ConnId;
use starling_core::wire::Frame;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::sync::mpsc::{self, error::TryRecvError};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::inbox::{Inbox, Rooms};
use super::orders::{Giver, Order, Taker, channel};
use super::socket::limit;
use super::source::{Source, Spare};
use super::turns::{Reads, Turns};
use super::windows::Window;
use super::{News, Stream};

/// How long the last bytes may take to leave.
const LINGER_MAX: Duration = Duration::from_secs(2);
/// Room for what is read only to be thrown away.
const REST_BYTES: usize = 4096;
/// Bytes of frames that are put together before they are written. The last frame may reach beyond.
const GATHERED_MAX: usize = 256 * 1024;

/// What all connections use, so that it does not grow with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    rooms: Rooms,
    spare: Spare,
    reads: Reads,
}

/// What is written to a connection. Dropped, it lets the connection end once every frame is out, or
/// could have been.
#[derive(Debug)]
pub(super) struct Outbox {
    orders: Giver,
    task: JoinHandle<()>,
}

impl Outbox {
    /// Writes a frame: before the rest of any chunk. If too much waits, the connection ends instead, as if the other
    /// side had closed it.
    pub(super) fn put(&self, frame: &Frame) {
        self.orders.give(Order::Frame(frame.clone()));
    }

    /// Sends a chunk.
    pub(super) fn upload(&self, transfer: u32, source: Source) {
        self.orders.give(Order::Upload(transfer, source));
    }

    /// Sends no more of a chunk.
    pub(super) fn stop(&self, transfer: u32) {
        self.orders.give(Order::Stop(transfer));
    }

    /// Waits for the end of the connection, now that nothing more is written.
    pub(super) async fn finish(self) {
        drop(self.orders);
        let _ = self.task.await;
    }
}

/// Begins to read and to write.
pub(super) fn begin(
    stream: Stream,
    memory: Memory,
    window: Option<Window>,
    peer: ConnId,
    tell: mpsc::Sender<News>,
) -> Outbox {
    let (orders, received) = channel();
    let task = tokio::spawn(async move {
        // Whoever closed it does not listen any more.
        if run(stream, memory, window, peer, received, &tell).await.is_none() {
            let _ = tell.send(News::Closed { peer }).await;
        }
    });
    Outbox { orders, task }
}

/// Until one side closes: this one, or nothing if it was the other.
async fn run(
    stream: Stream,
    memory: Memory,
    window: Option<Window>,
    peer: ConnId,
    orders: Taker,
    tell: &mpsc::Sender<News>,
) -> Option<()> {
    let limited = window.map(|window| (stream.get_ref().0.get_ref().as_raw_fd(), window));
    let (mut reader, mut writer) = split(stream);
    let given_up = orders.given_up();
    tokio::select! {
        () = read(&mut reader, memory.rooms, limited, peer, tell) => return None,
        // He does not read.
        () = given_up => return None,
        written = write(&mut writer, (memory.reads, memory.spare), peer, orders, tell) => written.ok()?,
    }
    let rest = async {
        writer.shutdown().await?;
        // The other side has read everything once it closes, too.
        let mut rest = [0; REST_BYTES];
        while reader.read(&mut rest).await? > 0 {}
        io::Result::Ok(())
    };
    let _ = timeout(LINGER_MAX, rest).await;
    Some(())
}

/// Passes on what comes, until the end; not more is to be on its way than the window of the socket says.
async fn read<R: AsyncRead + Unpin>(
    reader: &mut R,
    rooms: Rooms,
    mut limited: Option<(RawFd, Window)>,
    peer: ConnId,
    tell: &mpsc::Sender<News>,
) {
    let mut inbox = Inbox::new(rooms);
    while let Ok(Some(bytes)) = inbox.next(reader).await {
        if let Some((socket, window)) = &mut limited
            && let Some(size) = window.came(bytes.len(), Instant::now())
        {
            limit(*socket, size);
        }
        if tell.send(News::Received { peer, bytes }).await.is_err() {
            return;
        }
    }
}

/// Writes what is ordered, until no more will be: frames first, then one piece of one chunk.
async fn write<W: AsyncWrite + Unpin>(
    writer: &mut W,
    (reads, spare): (Reads, Spare),
    peer: ConnId,
    mut orders: Taker,
    tell: &mpsc::Sender<News>,
) -> io::Result<()> {
    let (read, mut pieces) = mpsc::unbounded_channel();
    let (mut turns, mut out) = (Turns::new(reads.clone(), read, spare), BytesMut::new());
    loop {
        let is_over = loop {
            if out.len() >= GATHERED_MAX {
                break false;
            }
            match orders.try_next() {
                Ok(order) => take(order, &mut turns, &mut out),
                Err(TryRecvError::Empty) => break false,
                Err(TryRecvError::Disconnected) => break true,
            }
        };
        if !out.is_empty() {
            // It does not stay as large as it once had to be.
            writer.write_all(&std::mem::take(&mut out)).await?;
            writer.flush().await?;
            continue;
        }
        if is_over {
            return Ok(());
        }
        while let Ok(read) = pieces.try_recv() {
            turns.take(read);
        }
        while let Some(ended) = turns.ended() {
            let (transfer, bytes, whole) = (ended.transfer, ended.bytes, ended.whole);
            let uploaded = News::Uploaded(FileEvent::Uploaded { peer, transfer, bytes, whole });
            tell.send(uploaded).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        }
        if let Some(frame) = turns.frame() {
            writer.write_all(frame).await?;
            writer.flush().await?;
            turns.sent();
            continue;
        }
        tokio::select! {
            order = orders.next() => match order {
                Some(order) => take(order, &mut turns, &mut out),
                None => return Ok(()),
            },
            Some(read) = pieces.recv() => turns.take(read),
            permit = reads.next(), if turns.wants_permit() => turns.read_on(Some(permit)),
        }
    }
}

fn take(order: Order, turns: &mut Turns, out: &mut BytesMut) {
    match order {
        Order::Frame(frame) => frame.encode_into(out),
        Order::Upload(transfer, source) => turns.begin(transfer, source),
        Order::Stop(transfer) => turns.stop(transfer),
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use bytes::Bytes;
    use starling_core::text::Text;
    use starling_core::wire::PeerFrame;

    use super::*;

    /// How much it was given at once, and altogether.
    #[derive(Default)]
    struct Scale {
        most: usize,
        all: usize,
    }

    impl AsyncWrite for Scale {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.most = self.most.max(bytes.len());
            self.all += bytes.len();
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn little_of_what_waits_is_put_together() {
        let text = Text::parse(Bytes::from(vec![b'x'; 10_000])).expect("a text");
        let frame = PeerFrame::Whisper { text }.frame();
        let ((give, orders), (tell, _told)) = (channel(), mpsc::channel(1));
        (0..400).for_each(|_| give.give(Order::Frame(frame.clone())));
        drop(give);
        let (mut scale, peer) = (Scale::default(), ConnId { slot: 1, generation: 1 });
        write(&mut scale, Default::default(), peer, orders, &tell).await.expect("it takes everything");
        assert_eq!(scale.all, 400 * frame.len());
        assert!(scale.most < GATHERED_MAX + frame.len(), "{}", scale.most);
    }
}
