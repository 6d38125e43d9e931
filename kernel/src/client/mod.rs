//! A Jupyter client over ZeroMQ: starts a kernel, executes code and hands on what it publishes. It is what
//! `assay run` and the tests use; it uses the `zeromq` crate, and none of the server's sockets.

mod connect;
mod error;
mod execution;
mod inbox;
mod launch;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};

pub use error::ClientError;
pub use execution::{Event, Execution};
use inbox::Inbox;
pub use launch::{Kernel, Launch};

use crate::protocol::transport::Message;

/// Which of the two request sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    Shell,
    Control,
}

/// How a cell is executed.
#[derive(Debug, Clone)]
pub struct ExecuteOptions {
    pub silent: bool,
    pub store_history: bool,
    pub allow_stdin: bool,
    pub stop_on_error: bool,
    pub user_expressions: Value,
    /// The notebook's cell id, which the kernel may name the cell by.
    pub cell_id: Option<String>,
}

impl Default for ExecuteOptions {
    fn default() -> Self {
        Self {
            silent: false,
            store_history: true,
            allow_stdin: false,
            stop_on_error: true,
            user_expressions: json!({}),
            cell_id: None,
        }
    }
}

/// A connection to one kernel. Requests may overlap.
#[derive(Debug)]
pub struct Client {
    session: String,
    shell: mpsc::UnboundedSender<Message>,
    control: mpsc::UnboundedSender<Message>,
    stdin: mpsc::UnboundedSender<Message>,
    inbox: Inbox,
    /// True once the kernel's process is gone.
    ended: watch::Receiver<bool>,
    /// Keeps `ended` open where we did not start the process.
    _attached: Option<watch::Sender<bool>>,
    tasks: Vec<tokio::task::AbortHandle>,
}

impl Client {
    /// Sends a request and waits for the content of its reply.
    pub async fn request(&self, channel: Channel, msg_type: &str, content: Value) -> Result<Value, ClientError> {
        let message = Message::new(msg_type, &self.session, content);
        let reply = self.inbox.expect_reply(&message.header.msg_id);
        self.send(channel, message)?;
        self.wait(reply).await
    }

    /// Starts to execute `code`.
    pub fn execute(&self, code: &str, options: ExecuteOptions) -> Result<Execution, ClientError> {
        let content = json!({
            "code": code,
            "silent": options.silent,
            "store_history": options.store_history,
            "user_expressions": options.user_expressions,
            "allow_stdin": options.allow_stdin,
            "stop_on_error": options.stop_on_error,
        });
        let mut message = Message::new("execute_request", &self.session, content);
        if let Some(id) = options.cell_id {
            message.metadata = json!({ "cellId": id });
        }
        let events = self.inbox.expect_events(&message.header.msg_id);
        let execution = Execution::new(message.header.msg_id.clone(), self.inbox.clone(), events, self.ended.clone());
        self.send(Channel::Shell, message)?;
        Ok(execution)
    }

    /// Answers an `input_request`.
    pub fn answer_input(&self, value: &str) -> Result<(), ClientError> {
        let message = Message::new("input_reply", &self.session, json!({ "value": value }));
        self.stdin.send(message).map_err(|_| ClientError::KernelGone { log: String::new() })
    }

    /// Asks the running cell to stop.
    pub async fn interrupt(&self) -> Result<(), ClientError> {
        self.request(Channel::Control, "interrupt_request", json!({})).await.map(drop)
    }

    /// Waits until the kernel answers `kernel_info_request`, and returns what it says.
    pub async fn wait_ready(&self, patience: Duration) -> Result<Value, ClientError> {
        let asked = self.request(Channel::Shell, "kernel_info_request", json!({}));
        tokio::time::timeout(patience, asked).await.map_err(|_| ClientError::NotReady { patience })?
    }

    /// A message on IOPub that belongs to no execution of ours, if one is waiting.
    pub fn try_unclaimed(&self) -> Option<Event> {
        self.inbox.unclaimed()
    }

    fn send(&self, channel: Channel, message: Message) -> Result<(), ClientError> {
        let queue = match channel {
            Channel::Shell => &self.shell,
            Channel::Control => &self.control,
        };
        queue.send(message).map_err(|_| ClientError::KernelGone { log: String::new() })
    }

    async fn wait(&self, reply: oneshot::Receiver<Value>) -> Result<Value, ClientError> {
        let mut ended = self.ended.clone();
        tokio::select! {
            // A reply that came before the end still counts.
            biased;
            reply = reply => reply.map_err(|_| ClientError::KernelGone { log: String::new() }),
            () = has_ended(&mut ended) => Err(ClientError::KernelGone { log: String::new() }),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Returns once the kernel's process is gone.
async fn has_ended(ended: &mut watch::Receiver<bool>) {
    // An error says that nobody can tell any more, which is the same.
    let _ = ended.wait_for(|ended| *ended).await;
}
