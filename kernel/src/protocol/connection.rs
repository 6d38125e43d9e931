//! The connection file: where the client wants the sockets, and the key that signs messages.

use std::io;
use std::path::{Path, PathBuf};

use jupyter_protocol::ConnectionInfo;

/// Why a connection file is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionError {
    #[error("cannot read the connection file {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path} is not a Jupyter connection file: {source}")]
    Parse { path: PathBuf, source: serde_json::Error },
    #[error("{path} asks for the signature scheme {scheme}; only hmac-sha256 is known")]
    Scheme { path: PathBuf, scheme: String },
}

/// Reads a connection file as Jupyter writes it.
pub fn read_connection_file(path: &Path) -> Result<ConnectionInfo, ConnectionError> {
    let text = std::fs::read(path).map_err(|source| ConnectionError::Read { path: path.to_owned(), source })?;
    let info: ConnectionInfo =
        serde_json::from_slice(&text).map_err(|source| ConnectionError::Parse { path: path.to_owned(), source })?;
    if !info.key.is_empty() && info.signature_scheme != "hmac-sha256" {
        return Err(ConnectionError::Scheme { path: path.to_owned(), scheme: info.signature_scheme });
    }
    Ok(info)
}
