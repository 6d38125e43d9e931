//! Where a socket listens: TCP or a Unix socket, as the connection file says.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use jupyter_protocol::{ConnectionInfo, Transport};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// An address to bind.
#[derive(Debug, Clone)]
pub(crate) enum Endpoint {
    Tcp { ip: String, port: u16 },
    Ipc { path: PathBuf },
}

/// A bound address that hands out connections. A Unix socket's file goes when this is dropped.
pub(crate) enum Listener {
    Tcp(TcpListener),
    Ipc(UnixListener, PathBuf),
}

/// Any connection.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Endpoint {
    pub(crate) fn new(info: &ConnectionInfo, port: u16) -> Self {
        match info.transport {
            Transport::TCP => Self::Tcp { ip: info.ip.replace('*', "0.0.0.0"), port },
            Transport::IPC => Self::Ipc { path: PathBuf::from(format!("{}-{port}", info.ip)) },
        }
    }

    pub(crate) async fn bind(&self) -> io::Result<Listener> {
        match self {
            Self::Tcp { ip, port } => Ok(Listener::Tcp(TcpListener::bind((ip.as_str(), *port)).await?)),
            Self::Ipc { path } => {
                let bound = match UnixListener::bind(path) {
                    Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path).await => {
                        std::fs::remove_file(path)?;
                        UnixListener::bind(path)?
                    }
                    bound => bound?,
                };
                Ok(Listener::Ipc(bound, path.clone()))
            }
        }
    }
}

/// Whether the socket was left by a kernel that was killed: nobody listens any more.
async fn is_abandoned(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_socket());
    let refused = UnixStream::connect(path).await.is_err_and(|it| it.kind() == io::ErrorKind::ConnectionRefused);
    is_socket && refused
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { ip, port } => write!(f, "tcp://{ip}:{port}"),
            Self::Ipc { path } => write!(f, "ipc://{}", path.display()),
        }
    }
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                // Replies are small and waited for.
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Ipc(listener, _) => Ok(Box::new(listener.accept().await?.0)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Ipc(_, path) = self {
            let _ = std::fs::remove_file(path);
        }
    }
}
