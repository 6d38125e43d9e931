//! Sorts what arrives: replies to whoever asked, published messages to the execution they belong to.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::execution::Event;
use crate::protocol::transport::Message;

/// Messages that nobody waits for are kept up to this many.
const UNCLAIMED_LIMIT: usize = 1024;

/// Shared by the reading tasks and the client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inbox {
    waiting: Arc<Mutex<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    replies: HashMap<String, oneshot::Sender<Value>>,
    executions: HashMap<String, mpsc::UnboundedSender<Arrived>>,
    unclaimed: VecDeque<Event>,
}

/// One message for an execution.
#[derive(Debug)]
pub(crate) enum Arrived {
    Published(Event),
    Reply(Value),
}

impl Inbox {
    pub(crate) fn expect_reply(&self, msg_id: &str) -> oneshot::Receiver<Value> {
        let (reply, receiver) = oneshot::channel();
        self.waiting.lock().replies.insert(msg_id.to_owned(), reply);
        receiver
    }

    pub(crate) fn expect_events(&self, msg_id: &str) -> mpsc::UnboundedReceiver<Arrived> {
        let (events, receiver) = mpsc::unbounded_channel();
        self.waiting.lock().executions.insert(msg_id.to_owned(), events);
        receiver
    }

    /// The execution is of no interest any more.
    pub(crate) fn forget(&self, msg_id: &str) {
        self.waiting.lock().executions.remove(msg_id);
    }

    pub(crate) fn unclaimed(&self) -> Option<Event> {
        self.waiting.lock().unclaimed.pop_front()
    }

    /// A message from shell or control.
    pub(crate) fn reply(&self, message: Message) {
        let parent = parent_id(&message);
        let mut waiting = self.waiting.lock();
        if let Some(reply) = waiting.replies.remove(&parent) {
            let _ = reply.send(message.content);
        } else if let Some(execution) = waiting.executions.get(&parent) {
            let _ = execution.send(Arrived::Reply(message.content));
        }
    }

    /// A message from IOPub or stdin.
    pub(crate) fn published(&self, message: Message) {
        let parent = parent_id(&message);
        let event = Event { msg_type: message.header.msg_type, content: message.content };
        let mut waiting = self.waiting.lock();
        if let Some(execution) = waiting.executions.get(&parent) {
            let _ = execution.send(Arrived::Published(event));
        } else {
            if waiting.unclaimed.len() >= UNCLAIMED_LIMIT {
                waiting.unclaimed.pop_front();
            }
            waiting.unclaimed.push_back(event);
        }
    }
}

fn parent_id(message: &Message) -> String {
    message.parent.get("msg_id").and_then(Value::as_str).unwrap_or_default().to_owned()
}
