//! Stdin: a running cell asks the person for a line, and the answer comes back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::iopub::{IoPub, Parent};
use super::transport::{Message, Router, Signer};

/// How often, and how many times, a client is looked for that has not connected its stdin socket.
const CONNECT_POLL: Duration = Duration::from_millis(20);
const CONNECT_TRIES: u32 = 50;

/// The asking end; cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Stdin {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    router: Router,
    signer: Signer,
    session: String,
    iopub: IoPub,
    waiting: Mutex<HashMap<Bytes, Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    msg_id: String,
    reply: oneshot::Sender<String>,
}

/// A question for the client that sent a request.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) identities: Vec<Bytes>,
    pub(crate) parent: Parent,
    pub(crate) prompt: String,
    pub(crate) password: bool,
    pub(crate) reply: oneshot::Sender<String>,
}

impl Shared {
    /// The client's stdin socket may still be connecting when its first cell asks.
    async fn deliver(&self, message: Message) -> bool {
        let frames = message.encode(&self.signer);
        for _ in 0..CONNECT_TRIES {
            if self.router.send(frames.clone()) {
                return true;
            }
            tokio::time::sleep(CONNECT_POLL).await;
        }
        false
    }
}

impl Stdin {
    /// Takes the bound socket and starts to listen for answers.
    pub(crate) fn spawn(
        router: Router,
        answers: mpsc::Receiver<Vec<Bytes>>,
        signer: Signer,
        session: String,
        iopub: IoPub,
    ) -> Self {
        let shared = Arc::new(Shared { router, signer, session, iopub, waiting: Mutex::default() });
        let stdin = Self { shared };
        tokio::spawn(stdin.clone().listen(answers));
        stdin
    }

    /// Asks, after what was printed before is out. When the client has no stdin socket, `reply` is
    /// dropped at once.
    pub(crate) fn ask(&self, question: Question) {
        let shared = self.shared.clone();
        tokio::spawn(async move {
            shared.iopub.flush().await;
            let Question { identities, parent, prompt, password, reply } = question;
            let Some(identity) = identities.first().cloned() else {
                return;
            };
            let content = json!({ "prompt": prompt, "password": password });
            let mut message = Message::new("input_request", &shared.session, content);
            message.identities = identities;
            message.parent = parent;
            let waiting = Waiting { msg_id: message.header.msg_id.clone(), reply };
            // A second question to the same client replaces the first, whose reply is dropped.
            shared.waiting.lock().insert(identity.clone(), waiting);
            if !shared.deliver(message).await {
                shared.waiting.lock().remove(&identity);
            }
        });
    }

    /// Gives up on all open questions: the cell was interrupted or has ended.
    pub(crate) fn cancel(&self) {
        self.shared.waiting.lock().clear();
    }

    async fn listen(self, mut answers: mpsc::Receiver<Vec<Bytes>>) {
        while let Some(frames) = answers.recv().await {
            match Message::decode(frames, &self.shared.signer) {
                Ok(message) if message.header.msg_type == "input_reply" => self.answer(&message),
                Ok(message) => {
                    tracing::warn!(socket = "stdin", msg_type = message.header.msg_type, "dropped a message");
                }
                Err(error) => {
                    tracing::warn!(socket = "stdin", %error, "dropped a malformed message")
                }
            }
        }
    }

    fn answer(&self, message: &Message) {
        let Some(identity) = message.identities.first() else {
            return;
        };
        let mut waiting = self.shared.waiting.lock();
        let Some(open) = waiting.get(identity) else {
            return;
        };
        // An answer to an earlier question that was given up must not answer this one. Some clients name
        // no parent, or the request's.
        let answered = message.parent.get("msg_type").and_then(Value::as_str) == Some("input_request");
        if answered && message.parent.get("msg_id").and_then(Value::as_str) != Some(open.msg_id.as_str()) {
            return;
        }
        let value = message.content.get("value").and_then(Value::as_str).unwrap_or_default();
        if let Some(open) = waiting.remove(identity) {
            let _ = open.reply.send(value.to_owned());
        }
    }
}
