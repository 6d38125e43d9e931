//! What all requests share: the language, the sockets to answer on, and the one wrapper that puts `busy`
//! and `idle` around a request.

use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use super::history::History;
use super::iopub::{IoPub, Parent};
use super::stdin::Stdin;
use super::transport::{Message, Router, Signer};

/// The state behind the sockets.
pub(crate) struct Kernel<L> {
    pub(crate) language: Arc<L>,
    pub(crate) iopub: IoPub,
    pub(crate) stdin: Stdin,
    pub(crate) history: Mutex<History>,
    pub(crate) executions: mpsc::UnboundedSender<Request>,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) signer: Signer,
    pub(crate) session: String,
    /// The request whose cell is running.
    pub(crate) running: Mutex<Option<Parent>>,
}

/// A request and the socket that it came from.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) message: Message,
    pub(crate) socket: Router,
}

/// Why a request is not answered with what it asks for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{source}")]
    Content { source: serde_json::Error },
    #[error("this kernel does not know {msg_type}")]
    Unknown { msg_type: String },
    #[error("the kernel failed while it answered: {reason}")]
    Failed { reason: String },
}

impl Request {
    pub(crate) fn parent(&self) -> &Parent {
        &self.message.header.raw
    }

    pub(crate) fn msg_type(&self) -> &str {
        &self.message.header.msg_type
    }

    /// The request's content in the form that its handler wants.
    pub(crate) fn content<T: serde::de::DeserializeOwned>(&self) -> Result<T, Refusal> {
        T::deserialize(&self.message.content).map_err(|source| Refusal::Content { source })
    }
}

impl Refusal {
    /// The content of an error reply.
    pub(crate) fn content(&self) -> Value {
        let ename = match self {
            Self::Content { .. } => "BadRequest",
            Self::Unknown { .. } => "UnknownRequest",
            Self::Failed { .. } => "KernelFailure",
        };
        json!({ "status": "error", "ename": ename, "evalue": self.to_string(), "traceback": [] })
    }
}

impl<L> Kernel<L> {
    /// Sends the reply to `request`.
    pub(crate) fn reply(&self, request: &Request, content: Value) {
        let msg_type = request.msg_type();
        let reply_type = match msg_type.strip_suffix("_request") {
            Some(name) => format!("{name}_reply"),
            None => format!("{msg_type}_reply"),
        };
        let mut message = Message::new(&reply_type, &self.session, content);
        message.identities.clone_from(&request.message.identities);
        message.parent = request.parent().clone();
        request.socket.send(message.encode(&self.signer));
    }

    /// Publishes `busy` now and `idle` when the result is dropped.
    pub(crate) fn busy(&self, request: &Request) -> Busy<'_, L> {
        let _order = self.running.lock();
        self.iopub.status("busy", request.parent());
        Busy { kernel: self, parent: request.parent().clone(), executes: false }
    }

    /// The same for the one request that executes.
    pub(crate) fn busy_executing(&self, request: &Request) -> Busy<'_, L> {
        let mut running = self.running.lock();
        *running = Some(request.parent().clone());
        self.iopub.status("busy", request.parent());
        Busy { kernel: self, parent: request.parent().clone(), executes: true }
    }
}

/// A request between its `busy` and its `idle`.
pub(crate) struct Busy<'kernel, L> {
    kernel: &'kernel Kernel<L>,
    parent: Parent,
    executes: bool,
}

impl<L> Drop for Busy<'_, L> {
    fn drop(&mut self) {
        let mut running = self.kernel.running.lock();
        if self.executes {
            *running = None;
        }
        self.kernel.iopub.status("idle", &self.parent);
        // Front ends show the last status that they saw. A completion answered while a cell runs must not
        // leave them at idle.
        if let Some(cell) = &*running {
            self.kernel.iopub.status("busy", cell);
        }
    }
}
