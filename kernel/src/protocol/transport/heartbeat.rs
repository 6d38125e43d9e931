//! The heartbeat socket: what comes in goes back, frame by frame.

use std::io;

use bytes::Bytes;
use tokio::task::AbortHandle;

use super::endpoint::Endpoint;
use super::peer::{self, Peer, Reader};

/// The bound heartbeat; echoing ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    accepting: AbortHandle,
}

impl Heartbeat {
    pub(crate) async fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        let accepting = peer::listen(endpoint, "REP", |_, peer, reader| echo(peer, reader)).await?;
        Ok(Self { accepting: accepting.abort_handle() })
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn echo(peer: Peer, mut reader: Reader) {
    while let Some(frames) = peer::next_message(&mut reader, "heartbeat").await {
        let frames: Vec<Bytes> = frames;
        peer.send(frames.into());
    }
}
