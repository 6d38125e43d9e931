//! `execute_request`: the only requests that wait for one another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::iopub::Parent;
use super::kernel::{Kernel, Request};
use super::stdin::Question;
use crate::language::{Event, Execute, Language, Outcome, Output};

/// How long a failed cell's reply is held back so that requests already under way are aborted with the
/// queued ones. What a client sends after it saw the reply is never aborted.
const ABORT_WINDOW: Duration = Duration::from_millis(20);

#[derive(Deserialize)]
struct Content {
    code: String,
    #[serde(default)]
    silent: bool,
    #[serde(default = "yes")]
    store_history: bool,
    #[serde(default)]
    allow_stdin: bool,
    #[serde(default = "yes")]
    stop_on_error: bool,
    #[serde(default)]
    user_expressions: Option<Map<String, Value>>,
}

fn yes() -> bool {
    true
}

/// Runs executions one after another, until the kernel ends.
pub(crate) async fn run_all<L: Language>(kernel: Arc<Kernel<L>>, mut queue: mpsc::UnboundedReceiver<Request>) {
    let mut count: u32 = 1;
    while let Some(request) = queue.recv().await {
        for aborted in execute(&kernel, &request, &mut count, &mut queue).await {
            let _busy = kernel.busy(&aborted);
            kernel.reply(&aborted, not_run());
        }
    }
}

/// Runs one cell and answers; returns the requests that its failure aborts.
async fn execute<L: Language>(
    kernel: &Arc<Kernel<L>>,
    request: &Request,
    count: &mut u32,
    queue: &mut mpsc::UnboundedReceiver<Request>,
) -> Vec<Request> {
    let _busy = kernel.busy_executing(request);
    let content: Content = match request.content() {
        Ok(content) => content,
        Err(refusal) => {
            kernel.reply(request, failure("BadRequest", &refusal.to_string(), &[], *count));
            return Vec::new();
        }
    };
    let stop_on_error = content.stop_on_error;
    let cell = cell(content, request, *count);
    if !cell.silent {
        let input = json!({ "code": cell.code, "execution_count": cell.execution_count });
        kernel.iopub.publish("execute_input", request.parent(), input);
    }
    if cell.store_history {
        kernel.history.lock().push(cell.execution_count, &cell.code);
        *count = count.saturating_add(1);
    }
    let (number, silent) = (cell.execution_count, cell.silent);
    let outcome = run(kernel, request, cell).await;
    kernel.stdin.cancel();
    match outcome {
        Outcome::Ok { payload, user_expressions } => {
            kernel.iopub.flush().await;
            let reply = json!({
                "status": "ok",
                "execution_count": number,
                "payload": payload,
                "user_expressions": user_expressions,
            });
            kernel.reply(request, reply);
            Vec::new()
        }
        Outcome::Error { ename, evalue, traceback } => {
            if !silent {
                let error = json!({ "ename": ename, "evalue": evalue, "traceback": traceback });
                kernel.iopub.publish("error", request.parent(), error);
            }
            kernel.iopub.flush().await;
            let aborted = if stop_on_error { queued(queue).await } else { Vec::new() };
            kernel.reply(request, failure(&ename, &evalue, &traceback, number));
            aborted
        }
    }
}

fn cell(content: Content, request: &Request, execution_count: u32) -> Execute {
    let expressions = content.user_expressions.unwrap_or_default();
    let user_expressions: BTreeMap<String, String> = expressions
        .into_iter()
        .filter_map(|(name, expression)| Some((name, expression.as_str()?.to_owned())))
        .collect();
    Execute {
        code: content.code,
        silent: content.silent,
        store_history: content.store_history && !content.silent,
        allow_stdin: content.allow_stdin,
        execution_count,
        user_expressions,
        cell_id: request.message.metadata.get("cellId").and_then(Value::as_str).map(str::to_owned),
    }
}

/// Runs the language in a task of its own: a panic in it is this cell's error, and not our end.
async fn run<L: Language>(kernel: &Arc<Kernel<L>>, request: &Request, cell: Execute) -> Outcome {
    let sink = Sink {
        kernel: kernel.clone(),
        request: request.clone(),
        parent: request.parent().clone(),
        number: cell.execution_count,
        silent: cell.silent,
        allow_stdin: cell.allow_stdin,
    };
    let iopub = kernel.iopub.clone();
    let output = Output::new(move |event| sink.take(event)).paced(move || {
        let iopub = iopub.clone();
        Box::pin(async move { iopub.ready().await })
    });
    let language = kernel.language.clone();
    tokio::spawn(async move { language.execute(cell, output).await }).await.unwrap_or_else(|error| {
        tracing::error!(%error, "the language failed while it executed a cell");
        Outcome::Error {
            ename: "KernelFailure".to_owned(),
            evalue: "the kernel itself failed while it ran this cell; its log says where".to_owned(),
            traceback: vec![error.to_string()],
        }
    })
}

/// What is queued now, and what arrives within the abort window.
async fn queued(queue: &mut mpsc::UnboundedReceiver<Request>) -> Vec<Request> {
    let mut requests = Vec::new();
    let collect = async {
        while let Some(request) = queue.recv().await {
            requests.push(request);
        }
    };
    let _ = tokio::time::timeout(ABORT_WINDOW, collect).await;
    requests
}

fn failure(ename: &str, evalue: &str, traceback: &[String], count: u32) -> Value {
    json!({
        "status": "error",
        "ename": ename,
        "evalue": evalue,
        "traceback": traceback,
        "execution_count": count,
        "payload": [],
        "user_expressions": {},
    })
}

/// The answer to a cell that is not run since an earlier one failed. It has no number: front ends would show it.
fn not_run() -> Value {
    json!({ "status": "aborted", "ename": "Aborted", "evalue": "an earlier cell failed", "traceback": [] })
}

/// Where one cell's events go; it may outlive the cell.
struct Sink<L> {
    kernel: Arc<Kernel<L>>,
    request: Request,
    parent: Parent,
    number: u32,
    silent: bool,
    allow_stdin: bool,
}

impl<L: Language> Sink<L> {
    fn take(&self, event: Event) {
        let iopub = &self.kernel.iopub;
        match event {
            Event::Input { prompt, password, reply } => self.ask(prompt, password, reply),
            // "As quietly as possible": nothing of a silent cell is shown.
            _ if self.silent => {}
            Event::Stream(stream, text) => iopub.stream(stream, &self.parent, text),
            Event::Display { data, metadata, display_id, update } => {
                let msg_type = if update { "update_display_data" } else { "display_data" };
                let transient = display_id.map_or_else(|| json!({}), |id| json!({ "display_id": id }));
                let content = json!({ "data": data, "metadata": metadata, "transient": transient });
                iopub.publish(msg_type, &self.parent, content);
            }
            Event::Result { data, metadata } => {
                if let Some(text) = data.get("text/plain").and_then(Value::as_str) {
                    self.kernel.history.lock().set_output(self.number, text);
                }
                let content = json!({ "execution_count": self.number, "data": data, "metadata": metadata });
                iopub.publish("execute_result", &self.parent, content);
            }
            Event::ClearOutput { wait } => iopub.publish("clear_output", &self.parent, json!({ "wait": wait })),
        }
    }

    fn ask(&self, prompt: String, password: bool, reply: tokio::sync::oneshot::Sender<String>) {
        let running = self.kernel.running.lock().as_ref().is_some_and(|running| Arc::ptr_eq(running, &self.parent));
        // Nobody answers for a cell that has ended, or where the front end has no prompt.
        if self.allow_stdin && running {
            self.kernel.stdin.ask(Question {
                identities: self.request.message.identities.clone(),
                parent: self.parent.clone(),
                prompt,
                password,
                reply,
            });
        }
    }
}
