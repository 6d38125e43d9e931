//! The process that runs cells, seen from the kernel. It is ours and expendable: whatever user code does to
//! it, the kernel lives on and says what happened.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::OwnedWriteHalf;
use tokio::process::{Child, Command};
use tokio::sync::{Mutex, Notify, oneshot};
use wire::{CHANNEL_FD, Ended, FromHost, PAGE_FD, Page, ToHost, Variable};

use super::pump::Pump;
use crate::environment::Environment;
use crate::language::{Event, Output};

/// How long the process may take to end in order, then by SIGTERM. Jupyter waits for five seconds in all.
const ORDERLY: Duration = Duration::from_millis(2_500);
const TERMINATION: Duration = Duration::from_secs(1);
/// How long messages are waited for that a process has sent before it ended.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Why there is no cell host.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error("cannot start the process that runs cells: {source}")]
    Start { source: io::Error },
    #[error("the process that runs cells did not start: {said}; remove the environment and run `assay env build`")]
    NotReady { said: String },
}

/// How a cell ended, the host's death included.
#[derive(Debug)]
pub(crate) enum End {
    Told {
        ended: Ended,
        variables: Vec<Variable>,
    },
    /// The process is gone; `line` is the cell's line that ran last, 0 if none did.
    Died {
        how: String,
        line: u32,
    },
}

/// A running cell host.
#[derive(Debug)]
pub(crate) struct Host {
    child: Child,
    from: OwnedReadHalf,
    to: Arc<Mutex<OwnedWriteHalf>>,
    /// A question that is open is given up.
    interrupted: Arc<Notify>,
    page: File,
    pump: Pump,
}

/// What can be done with a host while it runs a cell.
#[derive(Debug, Clone)]
pub(crate) struct Handle {
    pid: Option<Pid>,
    to: Arc<Mutex<OwnedWriteHalf>>,
    interrupted: Arc<Notify>,
}

impl Handle {
    /// The interrupt button.
    pub(crate) fn interrupt(&self) {
        self.send(Signal::INT);
        self.interrupted.notify_waiters();
    }

    pub(crate) fn kill(&self) {
        self.send(Signal::KILL);
    }

    /// Asks it to end: runs that are open are stored first.
    pub(crate) fn terminate(&self) {
        self.send(Signal::TERM);
    }

    /// Ends what cells have started, once the process itself is gone: it leads their group.
    fn kill_group(&self) {
        if let Some(group) = self.pid
            && let Err(error) = kill_process_group(group, Signal::KILL)
        {
            tracing::debug!(%error, "no program of the cells is left");
        }
    }

    /// Sends an order that is carried out beside the cell.
    ///
    /// # Errors
    /// When the host is gone.
    pub(crate) async fn order(&self, order: &ToHost) -> io::Result<()> {
        // A caller that is given up must not leave half a message behind.
        let (to, frame) = (Arc::clone(&self.to), frame(order)?);
        tokio::spawn(async move { to.lock().await.write_all(&frame).await }).await?
    }

    fn send(&self, signal: Signal) {
        if let Some(pid) = self.pid
            && let Err(error) = kill_process(pid, signal)
        {
            tracing::debug!(%error, "signal to a host that is gone");
        }
    }
}

impl Host {
    /// Starts `program cell-host LIBRARY` and waits until it has loaded the environment.
    ///
    /// # Errors
    /// When the process cannot be started or ends before it is ready.
    pub(crate) async fn start(program: &Path, environment: &Environment, folder: &Path) -> Result<Self, HostError> {
        let mut host = Self::spawn(program, environment, folder).map_err(|source| HostError::Start { source })?;
        match receive(&mut host.from).await {
            Ok(Some(FromHost::Ready)) => Ok(host),
            _ => {
                let (sender, mut said) = tokio::sync::mpsc::unbounded_channel();
                host.pump.show_under(Output::new(move |event| {
                    let _ = sender.send(event);
                }));
                let status = host.child.wait().await;
                host.pump.drain().await;
                let mut text = String::new();
                while let Ok(Event::Stream(_, part)) = said.try_recv() {
                    text.push_str(part.trim_end());
                }
                if text.is_empty() {
                    text = status.map_or_else(|error| error.to_string(), |status| status.to_string());
                }
                Err(HostError::NotReady { said: text })
            }
        }
    }

    fn spawn(program: &Path, environment: &Environment, folder: &Path) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let page = tempfile::tempfile()?;
        page.set_len(Page::SIZE as u64)?;
        let (stdout, stdout_writer) = io::pipe()?;
        let (stderr, stderr_writer) = io::pipe()?;
        let given = std::env::var_os("LD_LIBRARY_PATH");
        let mut command = Command::new(program);
        command
            .arg("cell-host")
            .arg(environment.library())
            // Where the standard library is that the environment links; the host puts back what was set.
            .env("LD_LIBRARY_PATH", library_path(environment, given.as_deref()))
            .env("ASSAY_LIBRARY_PATH", given.unwrap_or_default())
            .env("ASSAY_ENVIRONMENT", environment.hash())
            .env("ASSAY_TOOLCHAIN", environment.toolchain())
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(OwnedFd::from(stdout_writer))
            .stderr(OwnedFd::from(stderr_writer))
            // A Ctrl-C at the kernel's terminal is the kernel's to deal with.
            .process_group(0)
            .kill_on_drop(true);
        let mappings = vec![
            FdMapping { parent_fd: OwnedFd::from(theirs), child_fd: CHANNEL_FD },
            FdMapping { parent_fd: page.as_fd().try_clone_to_owned()?, child_fd: PAGE_FD },
        ];
        command.fd_mappings(mappings).map_err(|error| io::Error::other(error.to_string()))?;
        let child = command.spawn()?;
        // Its copies of our ends of the pipes would keep them open.
        drop(command);
        let (from, to) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let to = Arc::new(Mutex::new(to));
        Ok(Self {
            child,
            from,
            to,
            interrupted: Arc::default(),
            page,
            pump: Pump::start(stdout.into(), stderr.into())?,
        })
    }

    pub(crate) fn handle(&self) -> Handle {
        let pid = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        Handle { pid, to: Arc::clone(&self.to), interrupted: Arc::clone(&self.interrupted) }
    }

    /// Whether the process is still there: a thread may have ended it after its cell.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Runs one cell to its end.
    pub(crate) async fn run(&mut self, order: &ToHost, output: &Output, allow_stdin: bool) -> End {
        self.pump.show_under(output.clone());
        if let Err(error) = self.send(order).await {
            tracing::debug!(%error, "the host is gone");
            return self.died().await;
        }
        loop {
            match self.next(output, allow_stdin).await {
                Some(FromHost::Done { ended, variables }) => return End::Told { ended, variables },
                Some(_) => {}
                None => return self.died().await,
            }
        }
    }

    /// Drops variables in the host; returns those whose destructors panicked, and what they said. What destructors
    /// and threads show meanwhile stands under the cell.
    pub(crate) async fn forget(&mut self, names: Vec<String>, output: &Output) -> Vec<(String, String)> {
        if names.is_empty() || self.send(&ToHost::Forget { names }).await.is_err() {
            return Vec::new();
        }
        loop {
            match self.next(output, false).await {
                Some(FromHost::Forgotten { panicked }) => return panicked,
                Some(_) => {}
                // A host that died meanwhile is noticed by the next cell.
                None => return Vec::new(),
            }
        }
    }

    /// The next message that is for our caller; displays and questions are answered. `None`: the process is gone.
    async fn next(&mut self, output: &Output, allow_stdin: bool) -> Option<FromHost> {
        loop {
            let message = tokio::select! {
                biased;
                message = receive(&mut self.from) => message.ok()??,
                // A program that the cell has forked may hold the channel open.
                _ = self.child.wait() => {
                    let last = tokio::time::timeout(LAST_WORDS, receive(&mut self.from)).await;
                    last.ok()?.ok()??
                }
            };
            // What was printed before this message was sent is in the pipes already.
            self.pump.drain().await;
            let answer = match message {
                FromHost::Display { data, display_id, update } => {
                    output.send(Event::Display { data, metadata: Default::default(), display_id, update });
                    ToHost::Shown
                }
                FromHost::Result { data } => {
                    output.send(Event::Result { data, metadata: Default::default() });
                    ToHost::Shown
                }
                FromHost::ClearOutput { wait } => {
                    output.send(Event::ClearOutput { wait });
                    ToHost::Shown
                }
                FromHost::Input { prompt } => {
                    let line = tokio::select! {
                        line = ask(output, prompt, allow_stdin) => line,
                        () = self.interrupted.notified() => None,
                    };
                    ToHost::Input { line }
                }
                FromHost::Replaced { error } => {
                    if let Some(error) = error {
                        tracing::warn!(%error, "optimised code was not taken in");
                    }
                    continue;
                }
                message => return Some(message),
            };
            self.send(&answer).await.ok()?;
        }
    }

    /// Ends the process: it drops its variables and stores what was logged. What does not end is terminated, and
    /// killed in the end; what cells have started goes with it.
    pub(crate) async fn stop(mut self, output: &Output) {
        let handle = self.handle();
        let orderly = async {
            if self.send(&ToHost::End).await.is_ok() {
                while self.next(output, false).await.is_some() {}
            }
            self.child.wait().await
        };
        if tokio::time::timeout(ORDERLY, orderly).await.is_err() {
            handle.terminate();
            if tokio::time::timeout(TERMINATION, self.child.wait()).await.is_err()
                && let Err(error) = self.child.kill().await
            {
                tracing::debug!(%error, "the host was gone already");
            }
        }
        handle.kill_group();
        self.pump.drain().await;
    }

    async fn died(&mut self) -> End {
        let handle = self.handle();
        // A channel that is closed by a process that lives is of no more use.
        let waited = tokio::time::timeout(std::time::Duration::from_secs(2), self.child.wait()).await;
        let status = match waited {
            Ok(status) => status,
            Err(_) => {
                self.handle().kill();
                self.child.wait().await
            }
        };
        handle.kill_group();
        self.pump.drain().await;
        let how = match status {
            Ok(status) => describe(status, word(&self.page, Page::STACK_OVERFLOW) != 0),
            Err(error) => error.to_string(),
        };
        End::Died { how, line: word(&self.page, Page::LINE) }
    }

    async fn send(&mut self, message: &ToHost) -> io::Result<()> {
        let frame = frame(message)?;
        self.to.lock().await.write_all(&frame).await
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

fn frame(message: &ToHost) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    wire::write(&mut frame, message)?;
    Ok(frame)
}

fn library_path(environment: &Environment, given: Option<&OsStr>) -> OsString {
    let mut path = environment.sysroot_lib().into_os_string();
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        path.push(":");
        path.push(given);
    }
    path
}

fn word(page: &File, index: usize) -> u32 {
    let mut bytes = [0; 4];
    match page.read_exact_at(&mut bytes, index as u64 * 4) {
        Ok(()) => u32::from_ne_bytes(bytes),
        Err(_) => 0,
    }
}

async fn ask(output: &Output, prompt: String, allowed: bool) -> Option<String> {
    if !allowed {
        return None;
    }
    let (reply, answer) = oneshot::channel();
    output.send(Event::Input { prompt, password: false, reply });
    answer.await.ok()
}

fn describe(status: ExitStatus, stack_overflow: bool) -> String {
    if stack_overflow {
        return "the stack ran over (infinite recursion, or very large values on the stack)".to_owned();
    }
    match (status.signal(), status.code()) {
        (Some(6), _) => "the process aborted (SIGABRT)".to_owned(),
        (Some(9), _) => "the process was killed (SIGKILL); most likely the machine ran out of memory".to_owned(),
        (Some(11), _) => "segmentation fault (SIGSEGV)".to_owned(),
        (Some(7), _) => "bus error (SIGBUS)".to_owned(),
        (Some(8), _) => "arithmetic fault (SIGFPE)".to_owned(),
        (Some(4), _) => "illegal instruction (SIGILL)".to_owned(),
        (Some(signal), _) => format!("the process was ended by signal {signal}"),
        (None, code) => format!("the cell ended the process with exit code {}", code.unwrap_or_default()),
    }
}
