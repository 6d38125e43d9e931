//! Jupyter only: sockets, messages, replies. It calls a `Language` and knows no cell of Rust; it must
//! import nothing of `session`, `cell`, `assist` or `environment`.
//!
//! Invariants: no message, however broken, ends a loop; every request gets exactly one reply between its
//! `busy` and its `idle`; only executions wait for one another, everything else is answered while a cell
//! runs; what a cell printed is published before its reply and its `idle`.

mod connection;
mod execute;
mod history;
mod iopub;
mod kernel;
mod lifecycle;
mod requests;
mod server;
mod shell;
mod stdin;
pub(crate) mod transport;

use std::future::{Future, ready};
use std::path::Path;
use std::sync::Arc;

pub use connection::{ConnectionError, read_connection_file};
pub use jupyter_protocol::{ConnectionInfo, Transport};
pub use server::{ServeError, run};

use crate::language::Language;

/// Serves `language` on the sockets of `connection_file` until a client asks for a shutdown, SIGTERM
/// arrives or the process that started us is gone. SIGINT interrupts the running cell.
pub fn serve<L: Language>(connection_file: &Path, language: Arc<L>) -> Result<(), ServeError> {
    serve_with(connection_file, language, |_| ready(()))
}

/// The same, with something to do in the background from the start, for example to warm up.
pub fn serve_with<L: Language, F: Future<Output = ()> + Send + 'static>(
    connection_file: &Path,
    language: Arc<L>,
    background: impl FnOnce(Arc<L>) -> F,
) -> Result<(), ServeError> {
    let info = read_connection_file(connection_file)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // More than the cores of a small machine: a language that blocks a worker must not hold up replies.
        .worker_threads(4)
        .enable_all()
        .build()
        .map_err(|source| ServeError::Runtime { source })?;
    runtime.spawn(background(language.clone()));
    let served = runtime.block_on(run(info, language.clone(), lifecycle::watch(language)));
    // A reader of a thread that never ends must not keep the process alive.
    runtime.shutdown_background();
    served
}
