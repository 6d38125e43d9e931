//! A ROUTER socket: reads from all peers into one queue, sends to a peer by its identity.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::endpoint::Endpoint;
use super::peer::{self, Peer};

/// Messages read but not handled yet; a peer that floods us then waits in its own TCP buffers.
const INCOMING_LIMIT: usize = 64;

/// The sending side; cheap to clone, and sending never waits.
#[derive(Clone, Debug)]
pub(crate) struct Router {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    peers: Mutex<HashMap<Bytes, (u32, Peer)>>,
    connections: AtomicU32,
    accepting: Mutex<Option<AbortHandle>>,
}

impl Router {
    /// Binds, and returns what the peers send: their identity first.
    pub(crate) async fn bind(
        name: &'static str,
        endpoint: &Endpoint,
    ) -> io::Result<(Self, mpsc::Receiver<Vec<Bytes>>)> {
        let shared = Arc::new(Shared {
            name,
            peers: Mutex::default(),
            connections: AtomicU32::new(0),
            accepting: Mutex::default(),
        });
        let (incoming, messages) = mpsc::channel(INCOMING_LIMIT);
        let router = Self { shared };
        let accepted = router.clone();
        let accepting = peer::listen(endpoint, "ROUTER", move |info, peer, reader| {
            accepted.clone().serve(info.identity, peer, reader, incoming.clone())
        })
        .await?;
        *router.shared.accepting.lock() = Some(accepting.abort_handle());
        Ok((router, messages))
    }

    /// Sends to the peer named by the first frame; says whether such a peer took it.
    pub(crate) fn send(&self, frames: Vec<Bytes>) -> bool {
        let Some((identity, rest)) = frames.split_first() else {
            return false;
        };
        let peer = self.shared.peers.lock().get(identity).map(|(_, peer)| peer.clone());
        let sent = peer.is_some_and(|peer| peer.send(rest.into()));
        if !sent {
            tracing::debug!(socket = self.shared.name, "dropped a message for a peer that is not there");
        }
        sent
    }

    /// Stops accepting and waits a moment until what was sent is written.
    pub(crate) async fn close(&self, patience: Duration) {
        if let Some(accepting) = self.shared.accepting.lock().take() {
            accepting.abort();
        }
        let drained = async {
            while !self.shared.peers.lock().values().all(|(_, peer)| peer.is_drained()) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(patience, drained).await;
        self.shared.peers.lock().clear();
    }

    async fn serve(self, identity: Bytes, peer: Peer, mut reader: peer::Reader, incoming: mpsc::Sender<Vec<Bytes>>) {
        let connection = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let identity = if identity.is_empty() { own_identity(connection) } else { identity };
        // A client that reconnects may be here before its old connection is known to be dead: the new
        // one takes over.
        self.shared.peers.lock().insert(identity.clone(), (connection, peer));
        while let Some(mut frames) = peer::next_message(&mut reader, self.shared.name).await {
            frames.insert(0, identity.clone());
            if incoming.send(frames).await.is_err() {
                break;
            }
        }
        let mut peers = self.shared.peers.lock();
        if peers.get(&identity).is_some_and(|(current, _)| *current == connection) {
            peers.remove(&identity);
        }
    }
}

/// As libzmq does: a zero byte, which no client may begin with, and a number.
fn own_identity(connection: u32) -> Bytes {
    let mut identity = BytesMut::with_capacity(5);
    identity.put_u8(0);
    identity.put_u32(connection);
    identity.freeze()
}
