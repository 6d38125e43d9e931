//! One cell as the client sees it: events as they arrive, then the reply.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::{mpsc, watch};

use super::error::ClientError;
use super::has_ended;
use super::inbox::{Arrived, Inbox};

/// A published message, or a request for input: `msg_type` as in the protocol, for example `stream`.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    pub msg_type: String,
    pub content: Value,
}

/// A cell that is being executed.
#[derive(Debug)]
pub struct Execution {
    msg_id: String,
    inbox: Inbox,
    events: mpsc::UnboundedReceiver<Arrived>,
    ended: watch::Receiver<bool>,
    reply: Option<Value>,
    idle: bool,
}

impl Execution {
    pub(crate) fn new(
        msg_id: String,
        inbox: Inbox,
        events: mpsc::UnboundedReceiver<Arrived>,
        ended: watch::Receiver<bool>,
    ) -> Self {
        Self { msg_id, inbox, events, ended, reply: None, idle: false }
    }

    /// The next event but status; `None` once the kernel has replied and is idle.
    pub async fn next(&mut self) -> Result<Option<Event>, ClientError> {
        while !(self.idle && self.reply.is_some()) {
            let arrived = tokio::select! {
                // What arrived before the end is still handed on.
                biased;
                arrived = self.events.recv() => arrived,
                () = has_ended(&mut self.ended) => None,
            };
            match arrived {
                Some(Arrived::Reply(content)) => self.reply = Some(content),
                Some(Arrived::Published(event)) if event.msg_type == "status" => {
                    self.idle |= event.content.get("execution_state").and_then(Value::as_str) == Some("idle");
                }
                Some(Arrived::Published(event)) => return Ok(Some(event)),
                None => return Err(ClientError::KernelGone { log: String::new() }),
            }
        }
        Ok(None)
    }

    /// The content of the `execute_reply`, once it is there.
    pub fn reply(&self) -> Option<&Value> {
        self.reply.as_ref()
    }

    /// All events to the end, and the reply.
    pub async fn finish(&mut self) -> Result<(Vec<Event>, Value), ClientError> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await? {
            events.push(event);
        }
        Ok((events, self.reply.clone().unwrap_or_default()))
    }

    /// What arrives after the end: threads that print late. `None` when nothing does for that long.
    pub async fn late(&mut self, patience: Duration) -> Option<Event> {
        match tokio::time::timeout(patience, self.events.recv()).await {
            Ok(Some(Arrived::Published(event))) => Some(event),
            _ => None,
        }
    }
}

impl Drop for Execution {
    fn drop(&mut self) {
        self.inbox.forget(&self.msg_id);
    }
}
