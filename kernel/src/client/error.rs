//! What can go wrong between a client and a kernel.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jupyter_zmq_client::RuntimeError;

/// Why a kernel could not be started, reached or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    #[error("cannot write the connection file {path}: {source}")]
    ConnectionFile { path: PathBuf, source: io::Error },
    #[error("cannot find free ports for the kernel: {source}")]
    Ports { source: io::Error },
    #[error("cannot start the kernel {program}: {source}")]
    Start { program: String, source: io::Error },
    #[error("the command that starts the kernel is empty")]
    EmptyCommand,
    #[error("cannot find our own executable: {source}")]
    OwnExecutable { source: io::Error },
    #[error("cannot connect to the kernel: {source}")]
    Connect { source: RuntimeError },
    #[error("the kernel did not answer within {} s", patience.as_secs())]
    NotReady { patience: Duration },
    #[error("the kernel is gone{}{log}", if log.is_empty() { "" } else { "; its last words were:\n" })]
    KernelGone { log: String },
}
