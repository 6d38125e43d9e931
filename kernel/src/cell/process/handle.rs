//! What can be done with a process that runs cells from anywhere: messages and signals.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{Mutex, Notify};
use wire::ToHost;

use crate::guard::Mark;

/// Cheap to clone; all clones stand for the same process.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    process: Arc<Process>,
}

#[derive(Debug)]
struct Process {
    pid: Option<Pid>,
    /// What the programs that its cells start are known by.
    mark: Option<Mark>,
    to: Mutex<OwnedWriteHalf>,
    /// Its number may belong to another process by now.
    gone: AtomicBool,
    /// A question that is open is given up.
    interrupted: Notify,
}

impl Handle {
    pub(super) fn new(id: Option<u32>, mark: Option<Mark>, to: OwnedWriteHalf) -> Self {
        let pid = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let process =
            Process { pid, mark, to: Mutex::new(to), gone: AtomicBool::new(false), interrupted: Notify::new() };
        Self { process: Arc::new(process) }
    }

    /// The interrupt button.
    pub(crate) fn interrupt(&self) {
        self.signal(Signal::INT);
        self.process.interrupted.notify_waiters();
    }

    /// Waits for the interrupt button.
    pub(super) async fn interrupted(&self) {
        self.process.interrupted.notified().await;
    }

    pub(crate) fn kill(&self) {
        self.signal(Signal::KILL);
    }

    /// Asks it to end: runs that are open are stored first.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends a message; it may come while a cell runs.
    ///
    /// # Errors
    /// When the process is gone.
    pub(crate) async fn send(&self, message: &ToHost) -> io::Result<()> {
        let mut frame = Vec::new();
        wire::write(&mut frame, message)?;
        let process = Arc::clone(&self.process);
        // A caller that is given up must not leave half a message behind.
        tokio::spawn(async move { process.to.lock().await.write_all(&frame).await }).await?
    }

    pub(super) fn is_gone(&self) -> bool {
        self.process.gone.load(Ordering::Acquire)
    }

    /// The process has ended: nothing is sent to its number any more.
    pub(super) fn ended(&self) {
        self.process.gone.store(true, Ordering::Release);
    }

    /// Ends what the cells of the process have started, once it has ended itself.
    pub(super) async fn end_started(&self) {
        if let Some(group) = self.process.pid
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "no program of the cells is left in their group");
        }
        if let Some(mark) = self.process.mark.clone()
            && let Err(error) = tokio::task::spawn_blocking(move || mark.end()).await
        {
            tracing::warn!(%error, "programs that cells started may be left");
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.process.pid.filter(|_| !self.is_gone())
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::debug!(%error, "signal to a host that is gone");
        }
    }
}
