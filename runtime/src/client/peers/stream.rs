//! One connection to another client: a task that reads and writes.

use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use starling_core::id::ConnId;
use starling_core::wire::Frame;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, split};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{News, Stream};

/// Room for one read.
const READ_BYTES: usize = 64 * 1024;
/// How long the last bytes may take to leave.
const LINGER_MAX: Duration = Duration::from_secs(2);

/// What is written to a connection. Dropped, it lets the connection end once everything is out.
#[derive(Debug)]
pub(super) struct Outbox {
    frames: mpsc::UnboundedSender<Frame>,
    task: JoinHandle<()>,
}

impl Outbox {
    /// A private session holds no more than its commands under way, so nothing here need be bounded.
    pub(super) fn put(&self, frame: &Frame) {
        // A task that has ended has told so, or will.
        let _ = self.frames.send(frame.clone());
    }

    /// Waits for the end of the connection, now that nothing more is written.
    pub(super) async fn finish(self) {
        drop(self.frames);
        let _ = self.task.await;
    }
}

/// Begins to read and to write.
pub(super) fn begin(stream: Stream, peer: ConnId, tell: mpsc::Sender<News>) -> Outbox {
    let (frames, written) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        // Whoever closed it does not listen any more.
        if run(stream, peer, written, &tell).await.is_none() {
            let _ = tell.send(News::Closed { peer }).await;
        }
    });
    Outbox { frames, task }
}

/// Until one side closes: this one, or nothing if it was the other.
async fn run(
    stream: Stream,
    peer: ConnId,
    mut frames: mpsc::UnboundedReceiver<Frame>,
    tell: &mpsc::Sender<News>,
) -> Option<()> {
    let (mut reader, mut writer) = split(stream);
    let (mut inbox, mut out) = (BytesMut::new(), BytesMut::new());
    loop {
        inbox.reserve(READ_BYTES);
        tokio::select! {
            read = reader.read_buf(&mut inbox) => match read {
                Ok(1..) => tell.send(News::Received { peer, bytes: inbox.split().freeze() }).await.ok()?,
                Ok(0) | Err(_) => return None,
            },
            frame = frames.recv() => match frame {
                Some(frame) => {
                    frame.encode_into(&mut out);
                    while let Ok(frame) = frames.try_recv() {
                        frame.encode_into(&mut out);
                    }
                }
                None => break,
            },
            written = writer.write(&out), if !out.is_empty() => match written {
                Ok(1..) => {
                    let count = written.unwrap_or_default();
                    out.advance(count);
                    writer.flush().await.ok()?;
                }
                Ok(0) | Err(_) => return None,
            },
        }
    }
    let rest = async {
        writer.write_all(&out).await?;
        writer.shutdown().await?;
        // The other side has read everything once it closes, too.
        while reader.read_buf(&mut inbox).await? > 0 {
            inbox.clear();
        }
        std::io::Result::Ok(())
    };
    let _ = timeout(LINGER_MAX, rest).await;
    Some(())
}
