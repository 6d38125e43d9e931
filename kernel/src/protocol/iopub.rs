//! IOPub: a queue that anyone may feed without waiting, and the one task that publishes from it. Streams
//! are joined for a moment, so that 200,000 lines become a few dozen messages; whatever comes next sends
//! the joined text first, so nothing overtakes it.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::transport::{Message, Publisher, Signer};
use crate::language::Stream;

/// The longest that printed text waits for more.
const STREAM_DELAY: Duration = Duration::from_millis(50);
/// Text over this goes out without waiting.
const STREAM_LIMIT: usize = 256 << 10;

/// What may be printed before it is published, and published before it is read.
const QUEUE_LIMIT: usize = 16 << 20;
const BACKLOG_LIMIT: usize = 32 << 20;
/// How often whoever waits for a slow subscriber looks again.
const PAUSE: Duration = Duration::from_millis(2);

/// The header of the request that a message answers.
pub(crate) type Parent = Arc<Value>;

/// The feeding end of the queue.
#[derive(Clone, Debug)]
pub(crate) struct IoPub {
    queue: mpsc::UnboundedSender<Item>,
    /// Bytes of text in the queue.
    queued: Arc<AtomicUsize>,
    publisher: Publisher,
}

#[derive(Debug)]
enum Item {
    Message { msg_type: &'static str, parent: Parent, content: Value },
    Stream { stream: Stream, parent: Parent, text: String },
    Flush(oneshot::Sender<()>),
}

impl IoPub {
    /// Starts the task that owns `publisher`.
    pub(crate) fn spawn(publisher: Publisher, signer: Signer, session: String) -> Self {
        let (queue, items) = mpsc::unbounded_channel();
        let queued = Arc::<AtomicUsize>::default();
        let (topic, queue_of_task) = (format!("kernel.{session}"), queued.clone());
        let task = Task { publisher: publisher.clone(), signer, topic, session, joined: None, queued: queue_of_task };
        tokio::spawn(task.run(items));
        Self { queue, queued, publisher }
    }

    pub(crate) fn publish(&self, msg_type: &'static str, parent: &Parent, content: Value) {
        let _ = self.queue.send(Item::Message { msg_type, parent: parent.clone(), content });
    }

    pub(crate) fn stream(&self, stream: Stream, parent: &Parent, text: String) {
        if !text.is_empty() {
            self.queued.fetch_add(text.len(), Ordering::Relaxed);
            let _ = self.queue.send(Item::Stream { stream, parent: parent.clone(), text });
        }
    }

    pub(crate) fn status(&self, state: &str, parent: &Parent) {
        self.publish("status", parent, json!({ "execution_state": state }));
    }

    /// Returns once there is room for more: whoever prints faster than the slowest subscriber reads waits here.
    pub(crate) async fn ready(&self) {
        while self.queued.load(Ordering::Relaxed) > QUEUE_LIMIT || self.publisher.backlog() > BACKLOG_LIMIT {
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Returns when everything queued before is on its way to the subscribers.
    pub(crate) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        if self.queue.send(Item::Flush(done)).is_ok() {
            let _ = flushed.await;
        }
    }
}

/// The greeting of a new subscriber, under the topic it asked for.
pub(crate) fn welcome(topic: &Bytes, signer: &Signer, session: &str) -> Vec<Bytes> {
    let subscription = String::from_utf8_lossy(topic);
    let mut message = Message::new("iopub_welcome", session, json!({ "subscription": subscription }));
    message.identities = vec![topic.clone()];
    message.encode(signer)
}

/// The note for a subscriber that did not get `count` messages, under the cell of the first that it gets again.
pub(crate) fn lost(next: &[Bytes], count: usize, signer: &Signer, session: &str) -> Vec<Bytes> {
    let text = format!("\nnote: {count} messages were not delivered here, since they were not read; the cell ran on\n");
    let mut message = Message::new("stream", session, json!({ "name": "stderr", "text": text }));
    if let Some(parent) = next.get(4).and_then(|frame| serde_json::from_slice(frame).ok()) {
        message.parent = Arc::new(parent);
    }
    message.identities = next.first().cloned().into_iter().collect();
    message.encode(signer)
}

struct Task {
    publisher: Publisher,
    signer: Signer,
    session: String,
    topic: String,
    joined: Option<Joined>,
    queued: Arc<AtomicUsize>,
}

/// Text of one stream of one cell that has not been sent yet.
struct Joined {
    stream: Stream,
    parent: Parent,
    text: String,
    due: Instant,
}

impl Task {
    async fn run(mut self, mut items: mpsc::UnboundedReceiver<Item>) {
        loop {
            let item = match &self.joined {
                None => items.recv().await,
                Some(joined) => tokio::select! {
                    // In this order, or a cell that never stops printing would never be shown.
                    biased;
                    () = tokio::time::sleep_until(joined.due) => {
                        self.send_joined();
                        continue;
                    }
                    item = items.recv() => item,
                },
            };
            match item {
                Some(Item::Stream { stream, parent, text }) => self.join(stream, parent, text),
                Some(Item::Message { msg_type, parent, content }) => {
                    self.send_joined();
                    self.send(msg_type, parent, content);
                }
                Some(Item::Flush(done)) => {
                    self.send_joined();
                    let _ = done.send(());
                }
                None => return self.send_joined(),
            }
        }
    }

    fn join(&mut self, stream: Stream, parent: Parent, text: String) {
        self.queued.fetch_sub(text.len(), Ordering::Relaxed);
        match &mut self.joined {
            Some(joined) if joined.stream == stream && Arc::ptr_eq(&joined.parent, &parent) => {
                joined.text.push_str(&text);
            }
            _ => {
                self.send_joined();
                self.joined = Some(Joined { stream, parent, text, due: Instant::now() + STREAM_DELAY });
            }
        }
        if self.joined.as_ref().is_some_and(|joined| joined.text.len() >= STREAM_LIMIT) {
            self.send_joined();
        }
    }

    fn send_joined(&mut self) {
        let Some(joined) = mem::take(&mut self.joined) else {
            return;
        };
        let name = match joined.stream {
            Stream::Stdout => "stdout",
            Stream::Stderr => "stderr",
        };
        self.send("stream", joined.parent, json!({ "name": name, "text": joined.text }));
    }

    fn send(&self, msg_type: &'static str, parent: Parent, content: Value) {
        let mut message = Message::new(msg_type, &self.session, content);
        message.parent = parent;
        message.identities = vec![Bytes::from(format!("{}.{msg_type}", self.topic))];
        self.publisher.publish(message.encode(&self.signer));
    }
}
