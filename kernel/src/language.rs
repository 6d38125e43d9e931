//! The seam between Jupyter and a language: the protocol loop calls this trait and knows nothing else
//! of what a cell is; a language knows nothing of sockets and message headers.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::sync::oneshot;

/// A MIME bundle: type to content, as Jupyter's `data` field.
pub type MimeBundle = Map<String, Value>;

/// What a language says of itself in `kernel_info_reply`.
#[derive(Debug, Clone)]
pub struct LanguageInfo {
    pub implementation: String,
    pub implementation_version: String,
    /// Jupyter's name of the language, for example `rust`.
    pub name: String,
    pub version: String,
    pub mimetype: String,
    /// With the dot, for example `.rs`.
    pub file_extension: String,
    pub pygments_lexer: String,
    pub codemirror_mode: String,
    pub banner: String,
    /// Label and address of each entry of the front end's help menu.
    pub help_links: Vec<(String, String)>,
}

/// One `execute_request`, already counted.
#[derive(Debug, Clone)]
pub struct Execute {
    pub code: String,
    pub silent: bool,
    pub store_history: bool,
    pub allow_stdin: bool,
    /// The number in the cell's `In [ ]`; 1 for the first.
    pub execution_count: u32,
    pub user_expressions: BTreeMap<String, String>,
    /// The notebook's cell id where the front end sends one (`metadata.cellId`).
    pub cell_id: Option<String>,
}

/// How a cell ended. Whatever it was, exactly one of these.
#[derive(Debug, Clone)]
pub enum Outcome {
    Ok {
        /// Jupyter payloads, for example `{"source": "page", "data": {..}, "start": 0}`.
        payload: Vec<Value>,
        /// One entry per requested user expression, in the protocol's form.
        user_expressions: Map<String, Value>,
    },
    /// The one `error` message of the cell; `traceback` may hold ANSI colours.
    Error { ename: String, evalue: String, traceback: Vec<String> },
}

/// Which of the two streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

/// What a cell shows while it runs.
#[derive(Debug)]
pub enum Event {
    Stream(Stream, String),
    Display {
        data: MimeBundle,
        metadata: Map<String, Value>,
        display_id: Option<String>,
        update: bool,
    },
    /// The value of the cell's last expression.
    Result {
        data: MimeBundle,
        metadata: Map<String, Value>,
    },
    ClearOutput {
        wait: bool,
    },
    /// Asks the person for a line; the answer arrives on `reply`. The protocol drops `reply` when the
    /// front end does not allow input.
    Input {
        prompt: String,
        password: bool,
        reply: oneshot::Sender<String>,
    },
}

/// Where a cell's events go. It stays valid after the cell has ended: a thread that prints late is shown
/// under the cell that started it.
#[derive(Clone)]
pub struct Output {
    sink: Arc<dyn Fn(Event) + Send + Sync>,
    ready: Option<Arc<dyn Fn() -> Ready + Send + Sync>>,
}

/// Completes when there is room for more.
pub type Ready = Pin<Box<dyn Future<Output = ()> + Send>>;

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Output")
    }
}

impl Output {
    /// An output that hands every event to `sink`, which must not block.
    pub fn new(sink: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self { sink: Arc::new(sink), ready: None }
    }

    /// The same, to a sink for which large output has to wait until `ready` completes.
    #[must_use]
    pub fn paced(mut self, ready: impl Fn() -> Ready + Send + Sync + 'static) -> Self {
        self.ready = Some(Arc::new(ready));
        self
    }

    /// Waits until those who read have caught up so far that more may be sent.
    pub async fn ready(&self) {
        if let Some(ready) = &self.ready {
            ready().await;
        }
    }

    /// Queues one event.
    pub fn send(&self, event: Event) {
        (self.sink)(event);
    }
}

/// Candidates for the word at the cursor; offsets are in unicode code points, as Jupyter counts.
#[derive(Debug, Clone, Default)]
pub struct Completions {
    pub matches: Vec<String>,
    pub cursor_start: usize,
    pub cursor_end: usize,
    pub metadata: Map<String, Value>,
}

/// Whether a cell could be run as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    Complete,
    Incomplete { indent: String },
    Invalid,
}

/// A language behind the protocol loop. All methods take `&self`: completion must be answered while a
/// cell runs.
pub trait Language: Send + Sync + 'static {
    fn info(&self) -> LanguageInfo;

    /// Runs one cell to its end; events go to `output` as they happen, all of them before it returns.
    fn execute(&self, request: Execute, output: Output) -> impl Future<Output = Outcome> + Send;

    /// `cursor` counts unicode code points.
    fn complete(&self, code: &str, cursor: usize) -> impl Future<Output = Completions> + Send;

    /// What is known of the name at `cursor`; `None` when nothing is.
    fn inspect(&self, code: &str, cursor: usize, detail: u8) -> impl Future<Output = Option<MimeBundle>> + Send;

    fn is_complete(&self, code: &str) -> Completeness;

    /// Asks the running cell to stop; returns at once.
    fn interrupt(&self);

    /// Ends everything that belongs to the language. No process of it is left when this returns.
    fn shutdown(&self, restart: bool) -> impl Future<Output = ()> + Send;
}
