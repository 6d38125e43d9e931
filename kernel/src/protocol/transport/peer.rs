//! One connected peer: a queue towards it that never blocks the sender, and the accept loop that all
//! sockets share.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncWrite, AsyncWriteExt, BufReader, BufWriter, ReadHalf};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::endpoint::{Endpoint, Listener, Stream};
use super::progress::{Progress, Watched};
use super::zmtp::{self, Incoming, PeerInfo};

/// A peer that has stalled and leaves more than this unread loses what comes until it reads again.
const PENDING_LIMIT: usize = 256 << 20;
/// A peer with something to read that has read nothing for this long has stalled.
pub(crate) const STALLED: Duration = Duration::from_secs(15);
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
const READ_BUFFER: usize = 64 << 10;

/// What is read from a peer after the handshake.
pub(crate) type Reader = BufReader<ReadHalf<Box<dyn Stream>>>;

/// The sending side of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    queue: mpsc::UnboundedSender<Arc<[Bytes]>>,
    pending: Arc<AtomicUsize>,
    progress: Arc<Progress>,
}

impl Peer {
    fn spawn(writer: impl AsyncWrite + Send + Unpin + 'static) -> Self {
        let (queue, messages) = mpsc::unbounded_channel();
        let pending = Arc::new(AtomicUsize::new(0));
        let progress = Arc::new(Progress::new());
        let writer = Watched { writer, progress: progress.clone() };
        tokio::spawn(write_queue(writer, messages, pending.clone()));
        Self { queue, pending, progress }
    }

    /// Queues a message; says whether it was taken. A peer that reads, however slowly, loses nothing.
    pub(crate) fn send(&self, frames: Arc<[Bytes]>) -> bool {
        let size = size_of(&frames);
        let before = self.pending.fetch_add(size, Ordering::Relaxed);
        if before == 0 {
            self.progress.made();
        }
        if before > PENDING_LIMIT && self.idle() > STALLED {
            self.pending.fetch_sub(size, Ordering::Relaxed);
            return false;
        }
        self.queue.send(frames).is_ok()
    }

    /// How much it has still to read.
    pub(crate) fn pending(&self) -> usize {
        if self.queue.is_closed() { 0 } else { self.pending.load(Ordering::Relaxed) }
    }

    /// How long it has read nothing.
    pub(crate) fn idle(&self) -> Duration {
        self.progress.idle()
    }

    /// Whether everything queued was written, or nobody is there to write it to.
    pub(crate) fn is_drained(&self) -> bool {
        self.queue.is_closed() || self.pending.load(Ordering::Relaxed) == 0
    }
}

/// Binds `endpoint` and runs `serve` for every peer that completes the handshake.
pub(crate) async fn listen<F, S>(endpoint: &Endpoint, socket_type: &'static str, serve: F) -> io::Result<JoinHandle<()>>
where
    F: Fn(PeerInfo, Peer, Reader) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    let listener = endpoint.bind().await?;
    let serve = Arc::new(serve);
    Ok(tokio::spawn(async move { accept_all(listener, socket_type, serve).await }))
}

/// Reads the next message, skipping what is none; `None` when the peer is gone.
pub(crate) async fn next_message(reader: &mut Reader, socket: &str) -> Option<Vec<Bytes>> {
    loop {
        match zmtp::read(reader).await {
            Ok(Incoming::Message(frames)) => return Some(frames),
            Ok(Incoming::Command) => {}
            Ok(Incoming::Oversized { bytes }) => {
                tracing::warn!(socket, bytes, "dropped an oversized message")
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return None,
            Err(error) => {
                tracing::warn!(socket, %error, "closed the connection of a peer");
                return None;
            }
        }
    }
}

async fn accept_all<F, S>(listener: Listener, socket_type: &'static str, serve: Arc<F>)
where
    F: Fn(PeerInfo, Peer, Reader) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    loop {
        let mut stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file handles, most likely: it passes, and spinning would not help it.
                tracing::warn!(socket = socket_type, %error, "could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let serve = serve.clone();
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_LIMIT, zmtp::handshake(&mut stream, socket_type)).await {
                Ok(Ok(info)) => {
                    let (reader, writer) = tokio::io::split(stream);
                    let peer = Peer::spawn(writer);
                    serve(info, peer, BufReader::with_capacity(READ_BUFFER, reader)).await;
                }
                Ok(Err(error)) => {
                    tracing::debug!(socket = socket_type, %error, "a handshake failed")
                }
                Err(_) => tracing::debug!(socket = socket_type, "a handshake took too long"),
            }
        });
    }
}

async fn write_queue(
    writer: impl AsyncWrite + Send + Unpin,
    mut messages: mpsc::UnboundedReceiver<Arc<[Bytes]>>,
    pending: Arc<AtomicUsize>,
) {
    let mut writer = BufWriter::with_capacity(READ_BUFFER, writer);
    let mut unflushed = 0;
    while let Some(frames) = messages.recv().await {
        unflushed += size_of(&frames);
        let mut written = zmtp::write(&mut writer, &frames).await;
        if written.is_ok() && messages.is_empty() {
            written = writer.flush().await;
        } else if written.is_ok() && unflushed < READ_BUFFER {
            continue;
        }
        pending.fetch_sub(unflushed, Ordering::Relaxed);
        unflushed = 0;
        if let Err(error) = written {
            tracing::debug!(%error, "a peer went away while it was written to");
            return;
        }
    }
}

fn size_of(frames: &[Bytes]) -> usize {
    frames.iter().map(|frame| frame.len() + 1).sum()
}
