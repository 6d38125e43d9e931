//! The one task that reads what the process of the cells says and waits for its end, also between cells: what a
//! thread shows or asks is answered at any time.

use std::io;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::unix::OwnedReadHalf;
use tokio::process::Child;
use tokio::sync::{mpsc, oneshot};
use wire::{FromHost, ToHost};

use super::handle::Handle;
use super::pump::Pump;
use crate::language::{Event, Output};

/// How long messages are waited for that a process has sent before it ended.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How long a process may live that has closed its channel.
const SPEECHLESS: Duration = Duration::from_secs(2);
/// So many messages are read ahead.
const AHEAD: usize = 16;

pub(super) struct Owner {
    pub(super) child: Child,
    pub(super) handle: Handle,
    pub(super) pump: Arc<Pump>,
    /// Whether the cell's front end takes questions.
    pub(super) may_ask: Arc<AtomicBool>,
    /// What orders led to.
    pub(super) answers: mpsc::UnboundedSender<FromHost>,
}

impl Owner {
    /// Serves the process to its end; how it ended.
    ///
    /// # Errors
    /// When it could not be waited for.
    pub(super) async fn run(mut self, from: OwnedReadHalf) -> io::Result<ExitStatus> {
        let (messages, mut received) = mpsc::channel(AHEAD);
        let reading = tokio::spawn(read(from, messages));
        loop {
            let message = tokio::select! {
                biased;
                message = received.recv() => message,
                // A program that the cell has forked may hold the channel open.
                _ = self.child.wait() => {
                    self.handle.ended();
                    tokio::time::timeout(LAST_WORDS, received.recv()).await.ok().flatten()
                }
            };
            match message {
                Some(message) => self.serve(message).await,
                None => break,
            }
        }
        reading.abort();
        let status = match tokio::time::timeout(SPEECHLESS, self.child.wait()).await {
            Ok(status) => status,
            Err(_) => {
                self.handle.kill();
                self.child.wait().await
            }
        };
        self.handle.ended();
        self.handle.end_started().await;
        self.pump.drain().await;
        status
    }

    async fn serve(&self, message: FromHost) {
        // What was printed before this message was sent is in the pipes already.
        self.pump.drain().await;
        let (id, event) = match message {
            FromHost::Display { id, data, display_id, update } => {
                (id, Event::Display { data, metadata: Default::default(), display_id, update })
            }
            FromHost::Result { id, data } => (id, Event::Result { data, metadata: Default::default() }),
            FromHost::ClearOutput { id, wait } => (id, Event::ClearOutput { wait }),
            FromHost::Input { id, prompt } => return self.ask(id, prompt),
            FromHost::Replaced { error } => {
                if let Some(error) = error {
                    tracing::warn!(%error, "optimised code was not taken in");
                }
                return;
            }
            answer => {
                // Whoever gave the order may have been given up.
                let _ = self.answers.send(answer);
                return;
            }
        };
        if let Some(output) = self.pump.output() {
            // While those who read are behind, whoever shows waits.
            output.ready().await;
            output.send(event);
        }
        tell(&self.handle, &ToHost::Shown { id }).await;
    }

    /// Asks the person, in the background: threads may show something meanwhile.
    fn ask(&self, id: u64, prompt: String) {
        let output = self.pump.output().filter(|_| self.may_ask.load(Ordering::Relaxed));
        let handle = self.handle.clone();
        tokio::spawn(async move {
            let line = tokio::select! {
                line = answer(output, prompt) => line,
                () = handle.interrupted() => None,
            };
            tell(&handle, &ToHost::Input { id, line }).await;
        });
    }
}

async fn tell(handle: &Handle, answer: &ToHost) {
    if let Err(error) = handle.send(answer).await {
        tracing::debug!(%error, "the host is gone");
    }
}

async fn answer(output: Option<Output>, prompt: String) -> Option<String> {
    let (reply, answer) = oneshot::channel();
    output?.send(Event::Input { prompt, password: false, reply });
    answer.await.ok()
}

/// Reads until the channel is closed, or broken, or nobody wants to know.
async fn read(mut from: OwnedReadHalf, messages: mpsc::Sender<FromHost>) {
    loop {
        match receive(&mut from).await {
            Ok(Some(message)) => {
                if messages.send(message).await.is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => return tracing::debug!(%error, "the channel broke"),
        }
    }
}

async fn receive(from: &mut OwnedReadHalf) -> io::Result<Option<FromHost>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut body).await?;
    Ok(Some(serde_json::from_slice(&body)?))
}
