//! Binds the five sockets, starts their loops, and takes them down again.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jupyter_protocol::ConnectionInfo;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use super::connection::ConnectionError;
use super::history::History;
use super::iopub::{self, IoPub};
use super::kernel::Kernel;
use super::requests::shutdown;
use super::stdin::Stdin;
use super::transport::{Endpoint, Heartbeat, Publisher, Router, Signer};
use super::{execute, shell};
use crate::language::Language;

/// How long the last messages may take to leave.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Why the kernel could not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("cannot listen on {endpoint} for {socket}: {source}")]
    Bind { socket: &'static str, endpoint: String, source: io::Error },
    #[error("cannot start the runtime: {source}")]
    Runtime { source: io::Error },
}

/// Serves `language` on the sockets of `info` until a client asks for a shutdown or `stop` completes. No
/// process of the language is left when this returns.
pub async fn run<L: Language>(
    info: ConnectionInfo,
    language: Arc<L>,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let signer = Signer::new(&info.key);
    let session = Uuid::new_v4().to_string();
    let _heartbeat = bind("heartbeat", &info, info.hb_port, async |endpoint| Heartbeat::bind(endpoint).await).await?;
    let greeting = (signer.clone(), session.clone());
    let note = greeting.clone();
    let publisher = bind("iopub", &info, info.iopub_port, async |endpoint| {
        Publisher::bind(
            endpoint,
            move |topic| iopub::welcome(topic, &greeting.0, &greeting.1),
            move |next, count| iopub::lost(next, count, &note.0, &note.1),
        )
        .await
    })
    .await?;
    let (stdin, answers) = bind("stdin", &info, info.stdin_port, async |at| Router::bind("stdin", at).await).await?;
    let (control, commands) =
        bind("control", &info, info.control_port, async |at| Router::bind("control", at).await).await?;
    let (shell, requests) = bind("shell", &info, info.shell_port, async |at| Router::bind("shell", at).await).await?;

    let iopub = IoPub::spawn(publisher.clone(), signer.clone(), session.clone());
    iopub.status("starting", &Arc::new(json!({})));
    let (executions, queue) = mpsc::unbounded_channel();
    let (stopper, mut stopped) = watch::channel(false);
    let kernel = Arc::new(Kernel {
        language,
        stdin: Stdin::spawn(stdin.clone(), answers, signer.clone(), session.clone(), iopub.clone()),
        iopub,
        history: Mutex::new(History::default()),
        executions,
        stop: stopper,
        signer,
        session,
        running: Mutex::default(),
    });
    let loops = [
        tokio::spawn(shell::listen("control", kernel.clone(), control.clone(), commands)),
        tokio::spawn(shell::listen("shell", kernel.clone(), shell.clone(), requests)),
        tokio::spawn(execute::run_all(kernel.clone(), queue)),
    ];

    let asked_to_stop = async move { stopped.wait_for(|stopped| *stopped).await.is_ok() };
    tokio::select! {
        _ = asked_to_stop => {}
        () = stop => shutdown::end_language(&kernel, false).await,
    }
    for task in loops {
        task.abort();
    }
    kernel.iopub.flush().await;
    tokio::join!(
        publisher.close(CLOSE_PATIENCE),
        control.close(CLOSE_PATIENCE),
        shell.close(CLOSE_PATIENCE),
        stdin.close(CLOSE_PATIENCE),
    );
    Ok(())
}

async fn bind<T>(
    socket: &'static str,
    info: &ConnectionInfo,
    port: u16,
    bind: impl AsyncFnOnce(&Endpoint) -> io::Result<T>,
) -> Result<T, ServeError> {
    let endpoint = Endpoint::new(info, port);
    bind(&endpoint).await.map_err(|source| ServeError::Bind { socket, endpoint: endpoint.to_string(), source })
}
