//! The loop of a request socket, shell or control: decode, and hand on. It waits for nothing but the next
//! message, so an interrupt or a completion is never behind a running cell.

use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::mpsc;

use super::kernel::{Kernel, Refusal, Request};
use super::requests::{comm, complete, debug, history, inspect, interrupt, is_complete, kernel_info, shutdown};
use super::transport::{Message, Router};
use crate::language::Language;

/// Serves one socket until it is closed.
pub(crate) async fn listen<L: Language>(
    name: &'static str,
    kernel: Arc<Kernel<L>>,
    socket: Router,
    mut incoming: mpsc::Receiver<Vec<Bytes>>,
) {
    while let Some(frames) = incoming.recv().await {
        match Message::decode(frames, &kernel.signer) {
            Ok(message) => dispatch(&kernel, Request { message, socket: socket.clone() }),
            Err(error) => tracing::warn!(socket = name, %error, "dropped a malformed message"),
        }
    }
}

fn dispatch<L: Language>(kernel: &Arc<Kernel<L>>, request: Request) {
    let kernel = kernel.clone();
    match request.message.header.msg_type.as_str() {
        "execute_request" => {
            let _ = kernel.executions.send(request);
        }
        "kernel_info_request" => answer(kernel, request, kernel_info::answer),
        "complete_request" => answer(kernel, request, complete::answer),
        "inspect_request" => answer(kernel, request, inspect::answer),
        "is_complete_request" => answer(kernel, request, is_complete::answer),
        "history_request" => answer(kernel, request, history::answer),
        "comm_info_request" => answer(kernel, request, comm::info),
        "interrupt_request" => answer(kernel, request, interrupt::answer),
        "debug_request" => answer(kernel, request, debug::answer),
        "shutdown_request" => {
            tokio::spawn(shutdown::answer(kernel, request));
        }
        "comm_open" | "comm_msg" | "comm_close" => comm::handle(&kernel, &request),
        msg_type if msg_type.ends_with("_request") => answer(kernel, request, unknown),
        msg_type => tracing::warn!(msg_type, "dropped a message of a type that is no request"),
    }
}

/// Answers in a task of its own, so that even a panic ends in a reply and in `idle`.
fn answer<L, H, F>(kernel: Arc<Kernel<L>>, request: Request, handler: H)
where
    L: Language,
    H: FnOnce(Arc<Kernel<L>>, Request) -> F,
    F: Future<Output = Result<Value, Refusal>> + Send + 'static,
{
    let handled = handler(kernel.clone(), request.clone());
    tokio::spawn(async move {
        let _busy = kernel.busy(&request);
        let answered =
            tokio::spawn(handled).await.unwrap_or_else(|error| Err(Refusal::Failed { reason: error.to_string() }));
        let content = answered.unwrap_or_else(|refusal| {
            tracing::warn!(msg_type = request.msg_type(), %refusal, "refused a request");
            refusal.content()
        });
        kernel.reply(&request, content);
    });
}

async fn unknown<L: Language>(_: Arc<Kernel<L>>, request: Request) -> Result<Value, Refusal> {
    Err(Refusal::Unknown { msg_type: request.msg_type().to_owned() })
}
