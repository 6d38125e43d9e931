//! An XPUB socket: every subscriber has its own queue, so a stalled one delays nobody, and a new
//! subscription is greeted.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::endpoint::Endpoint;
use super::peer::{self, Peer, Reader};

/// More topics than any client needs; the rest of them is ignored.
const TOPIC_LIMIT: usize = 1024;

/// The longest that a kernel that ends waits for slow subscribers.
const CLOSE_LIMIT: Duration = Duration::from_secs(10);

/// Makes the greeting for a topic.
type Welcome = Box<dyn Fn(&Bytes) -> Vec<Bytes> + Send + Sync>;

/// Makes the note for a subscriber that did not get so many messages before the one with these frames.
type Lost = Box<dyn Fn(&[Bytes], usize) -> Vec<Bytes> + Send + Sync>;

/// The bound socket; cheap to clone, and publishing never waits.
#[derive(Clone)]
pub(crate) struct Publisher {
    shared: Arc<Shared>,
}

struct Shared {
    subscribers: Mutex<HashMap<u64, Subscriber>>,
    connections: AtomicU64,
    welcome: Welcome,
    lost: Lost,
    accepting: Mutex<Option<AbortHandle>>,
}

struct Subscriber {
    peer: Peer,
    topics: Vec<Bytes>,
    /// Messages that it did not get since it has stalled.
    lost: usize,
}

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Publisher")
    }
}

impl Publisher {
    /// Binds; `welcome` makes what a new subscriber gets first.
    pub(crate) async fn bind(
        endpoint: &Endpoint,
        welcome: impl Fn(&Bytes) -> Vec<Bytes> + Send + Sync + 'static,
        lost: impl Fn(&[Bytes], usize) -> Vec<Bytes> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let publisher = Self {
            shared: Arc::new(Shared {
                subscribers: Mutex::default(),
                connections: AtomicU64::new(0),
                welcome: Box::new(welcome),
                lost: Box::new(lost),
                accepting: Mutex::default(),
            }),
        };
        let accepted = publisher.clone();
        let accepting =
            peer::listen(endpoint, "XPUB", move |_, peer, reader| accepted.clone().serve(peer, reader)).await?;
        *publisher.shared.accepting.lock() = Some(accepting.abort_handle());
        Ok(publisher)
    }

    /// Sends to everyone who subscribed to a prefix of the first frame.
    pub(crate) fn publish(&self, frames: Vec<Bytes>) {
        let frames: Arc<[Bytes]> = frames.into();
        let Some(topic) = frames.first() else { return };
        for subscriber in self.shared.subscribers.lock().values_mut() {
            if !subscriber.topics.iter().any(|prefix| topic.starts_with(prefix)) {
                continue;
            }
            if subscriber.lost > 0 && subscriber.peer.send((self.shared.lost)(&frames, subscriber.lost).into()) {
                subscriber.lost = 0;
            }
            if subscriber.lost == 0 && subscriber.peer.send(frames.clone()) {
                continue;
            }
            if subscriber.lost == 0 {
                tracing::warn!("a subscriber of IOPub does not read; it loses messages until it does");
            }
            subscriber.lost += 1;
        }
    }

    /// How much the slowest subscriber that still reads has before it.
    pub(crate) fn backlog(&self) -> usize {
        let subscribers = self.shared.subscribers.lock();
        let reading = subscribers.values().filter(|it| it.peer.idle() <= peer::STALLED);
        reading.map(|it| it.peer.pending()).max().unwrap_or(0)
    }

    /// Stops accepting and waits until what was published is written, as long as each subscriber reads something
    /// within `patience`.
    pub(crate) async fn close(&self, patience: Duration) {
        if let Some(accepting) = self.shared.accepting.lock().take() {
            accepting.abort();
        }
        let drained = async {
            let done = |it: &Subscriber| it.peer.is_drained() || it.peer.idle() > patience;
            while !self.shared.subscribers.lock().values().all(done) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(CLOSE_LIMIT, drained).await;
        self.shared.subscribers.lock().clear();
    }

    async fn serve(self, peer: Peer, mut reader: Reader) {
        let connection = self.shared.connections.fetch_add(1, Ordering::Relaxed);
        let subscriber = Subscriber { peer, topics: Vec::new(), lost: 0 };
        self.shared.subscribers.lock().insert(connection, subscriber);
        while let Some(frames) = peer::next_message(&mut reader, "iopub").await {
            self.subscription(connection, &frames);
        }
        self.shared.subscribers.lock().remove(&connection);
    }

    /// A subscription is one frame: 1 or 0, then the topic. Anything else is ignored.
    fn subscription(&self, connection: u64, frames: &[Bytes]) {
        let [frame] = frames else { return };
        let mut subscribers = self.shared.subscribers.lock();
        let Some(subscriber) = subscribers.get_mut(&connection) else {
            return;
        };
        match frame.first() {
            Some(1) if subscriber.topics.len() < TOPIC_LIMIT => {
                let topic = frame.slice(1..);
                // The greeting goes into the queue under the lock, before anything published after it.
                subscriber.peer.send((self.shared.welcome)(&topic).into());
                subscriber.topics.push(topic);
            }
            Some(0) => {
                if let Some(index) = subscriber.topics.iter().position(|topic| *topic == frame[1..]) {
                    subscriber.topics.swap_remove(index);
                }
            }
            _ => {}
        }
    }
}
