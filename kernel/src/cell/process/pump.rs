//! Carries what user code prints from the host's pipes to the notebook, as it comes.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe::Receiver;
use tokio::sync::{mpsc, oneshot};

use super::content::Content;
use crate::language::{Output, Stream};

/// How much is read at once: what a pipe holds.
const CHUNK: usize = 64 << 10;

/// The reading end of both pipes. Reading goes on between cells: a thread may print late.
#[derive(Debug)]
pub(crate) struct Pump {
    output: Arc<Mutex<Option<Output>>>,
    drains: mpsc::UnboundedSender<oneshot::Sender<()>>,
}

/// One pipe, and the start of a character whose rest is still to come.
struct Pipe {
    receiver: Receiver,
    stream: Stream,
    partial: Vec<u8>,
    content: Content,
    open: bool,
}

impl Pump {
    /// Starts reading.
    ///
    /// # Errors
    /// When the descriptors are no pipes.
    pub(crate) fn start(stdout: OwnedFd, stderr: OwnedFd) -> io::Result<Self> {
        let output = Arc::new(Mutex::new(None));
        let (drains, requests) = mpsc::unbounded_channel();
        let pipes = [Pipe::new(stdout, Stream::Stdout)?, Pipe::new(stderr, Stream::Stderr)?];
        tokio::spawn(carry(pipes, Arc::clone(&output), requests));
        Ok(Self { output, drains })
    }

    /// From now on, what is printed belongs to this cell.
    pub(crate) fn show_under(&self, output: Output) {
        *self.output.lock().unwrap_or_else(PoisonError::into_inner) = Some(output);
    }

    /// What the last cell shows goes here.
    pub(super) fn output(&self) -> Option<Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns once everything that is in the pipes now was handed on.
    pub(crate) async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        if self.drains.send(done).is_ok() {
            // An error means that both pipes are closed, so that nothing is left in them.
            let _ = drained.await;
        }
    }
}

async fn carry(
    [mut stdout, mut stderr]: [Pipe; 2],
    output: Arc<Mutex<Option<Output>>>,
    mut requests: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
) {
    loop {
        let current = output.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // While those who read are behind, the pipes fill and whoever prints waits.
        let caught_up = async {
            if let Some(current) = current {
                current.ready().await;
            }
        };
        tokio::select! {
            biased;
            request = requests.recv() => {
                let Some(done) = request else { return };
                stdout.read_all(&output);
                stderr.read_all(&output);
                // Whoever asked may have gone.
                let _ = done.send(());
                continue;
            }
            () = caught_up => {}
        }
        tokio::select! {
            ready = stdout.receiver.readable(), if stdout.open => stdout.read(ready, &output),
            ready = stderr.receiver.readable(), if stderr.open => stderr.read(ready, &output),
            request = requests.recv() => {
                let Some(done) = request else { return };
                stdout.read_all(&output);
                stderr.read_all(&output);
                // Whoever asked may have gone.
                let _ = done.send(());
            }
        }
    }
}

impl Pipe {
    fn new(descriptor: OwnedFd, stream: Stream) -> io::Result<Self> {
        Ok(Self {
            receiver: Receiver::from_owned_fd(descriptor)?,
            stream,
            partial: Vec::new(),
            content: Content::default(),
            open: true,
        })
    }

    /// Reads once, when the runtime says that there is something.
    fn read(&mut self, ready: io::Result<()>, output: &Mutex<Option<Output>>) {
        let mut buffer = [0; CHUNK];
        let count = ready.and_then(|()| self.receiver.try_read(&mut buffer));
        self.take(count.map(|count| &buffer[..count]), output);
    }

    /// Reads until the pipe is empty. The runtime may not know yet of what is in it, so the system is asked.
    fn read_all(&mut self, output: &Mutex<Option<Output>>) {
        let mut buffer = [0; CHUNK];
        loop {
            let count = rustix::io::read(&self.receiver, &mut buffer).map_err(io::Error::from);
            if !self.open || !self.take(count.map(|count| &buffer[..count]), output) {
                return;
            }
        }
    }

    /// Hands on what was read; whether there may be more.
    fn take(&mut self, read: io::Result<&[u8]>, output: &Mutex<Option<Output>>) -> bool {
        match read {
            Ok([]) => self.open = false,
            Ok(bytes) => {
                self.partial.extend_from_slice(bytes);
                let text = take_text(&mut self.partial);
                let output = output.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(output) = output.as_ref() {
                    self.content.pass(self.stream, &text, output);
                }
                return true;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return true,
            Err(_) => self.open = false,
        }
        false
    }
}

/// Takes whole characters off the front. Bytes that are no UTF-8 become U+FFFD, since Jupyter's messages are
/// text; the start of a character stays until its rest has come.
fn take_text(bytes: &mut Vec<u8>) -> String {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        rest += chunk.valid().len();
        let invalid = chunk.invalid();
        if !invalid.is_empty() {
            let unfinished = rest + invalid.len() == bytes.len() && could_go_on(invalid);
            if unfinished {
                break;
            }
            text.push(char::REPLACEMENT_CHARACTER);
            rest += invalid.len();
        }
    }
    bytes.drain(..rest);
    text
}

fn could_go_on(start: &[u8]) -> bool {
    std::str::from_utf8(start).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::take_text;

    #[test]
    fn a_character_in_two_reads_is_whole_and_what_is_no_text_is_marked() {
        for (reads, expected) in [
            (vec![&b"a\xc3"[..], b"\xa9b"], "aéb"),
            (vec![b"\xff\xfe", b"x"], "\u{fffd}\u{fffd}x"),
            (vec![b"\xf0\x9f", b"\x98", b"\x80"], "😀"),
            (vec![b"\xf0\x9f", b"a"], "\u{fffd}a"),
        ] {
            let mut bytes = Vec::new();
            let mut text = String::new();
            for read in reads {
                bytes.extend_from_slice(read);
                text.push_str(&take_text(&mut bytes));
            }
            assert_eq!(text, expected);
        }
    }
}
