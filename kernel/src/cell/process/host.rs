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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wire::{CHANNEL_FD, Ended, FromHost, PAGE_FD, Page, ToHost, Variable};

use super::handle::Handle;
use super::owner::Owner;
use super::pump::Pump;
use crate::environment::Environment;
use crate::guard::Mark;
use crate::language::{Event, Output};

/// How long the process may take to end in order, then by SIGTERM. Jupyter waits for five seconds in all.
const ORDERLY: Duration = Duration::from_millis(2_500);
const TERMINATION: Duration = Duration::from_secs(1);

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
    handle: Handle,
    owner: JoinHandle<io::Result<ExitStatus>>,
    answers: mpsc::UnboundedReceiver<FromHost>,
    may_ask: Arc<AtomicBool>,
    page: File,
    pump: Arc<Pump>,
    /// How many orders were given.
    orders: u64,
}

impl Host {
    /// Starts `program cell-host LIBRARY` and waits until it has loaded the environment.
    ///
    /// # Errors
    /// When the process cannot be started or ends before it is ready.
    pub(crate) async fn start(program: &Path, environment: &Environment, folder: &Path) -> Result<Self, HostError> {
        let mut host = Self::spawn(program, environment, folder).map_err(|source| HostError::Start { source })?;
        let (sender, mut said) = mpsc::unbounded_channel();
        host.pump.show_under(Output::new(move |event| {
            // Nobody listens once it is ready.
            let _ = sender.send(event);
        }));
        if let Some(FromHost::Ready) = host.answers.recv().await {
            return Ok(host);
        }
        let status = (&mut host.owner).await.map_err(io::Error::from).flatten();
        let mut text = String::new();
        while let Ok(Event::Stream(_, part)) = said.try_recv() {
            text.push_str(part.trim_end());
        }
        if text.is_empty() {
            text = status.map_or_else(|error| error.to_string(), |status| status.to_string());
        }
        Err(HostError::NotReady { said: text })
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
        let mark = Mark::new();
        if let Some(mark) = &mark {
            mark.set(&mut command);
        }
        let child = command.spawn()?;
        // Its copies of our ends of the pipes would keep them open.
        drop(command);
        let (from, to) = tokio::net::UnixStream::from_std(ours)?.into_split();
        let pump = Arc::new(Pump::start(stdout.into(), stderr.into())?);
        let (handle, may_ask) = (Handle::new(child.id(), mark, to), Arc::new(AtomicBool::new(false)));
        let (sender, answers) = mpsc::unbounded_channel();
        let owner = Owner {
            child,
            handle: handle.clone(),
            pump: Arc::clone(&pump),
            may_ask: Arc::clone(&may_ask),
            answers: sender,
        };
        let owner = tokio::spawn(owner.run(from));
        Ok(Self { handle, owner, answers, may_ask, page, pump, orders: 0 })
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Whether the process is still there: a thread may have ended it after its cell.
    pub(crate) fn is_alive(&self) -> bool {
        !self.handle.is_gone()
    }

    /// Runs one cell to its end; `order` makes the [`ToHost::Run`] of its number.
    pub(crate) async fn run(&mut self, order: impl FnOnce(u64) -> ToHost, output: &Output, allow_stdin: bool) -> End {
        self.pump.show_under(output.clone());
        self.may_ask.store(allow_stdin, Ordering::Relaxed);
        let answer = self.order(order).await;
        self.may_ask.store(false, Ordering::Relaxed);
        match answer {
            Some(FromHost::Done { ended, variables, .. }) => End::Told { ended, variables },
            _ => self.died().await,
        }
    }

    /// Drops variables in the host; returns those whose destructors panicked, and what they said. What destructors
    /// and threads show meanwhile stands under the cell.
    pub(crate) async fn forget(&mut self, names: Vec<String>, output: &Output) -> Vec<(String, String)> {
        if names.is_empty() {
            return Vec::new();
        }
        self.pump.show_under(output.clone());
        match self.order(|id| ToHost::Forget { id, names }).await {
            Some(FromHost::Forgotten { panicked, .. }) => panicked,
            // A host that died meanwhile is noticed by the next cell.
            _ => Vec::new(),
        }
    }

    /// Ends the process: it drops its variables and stores what was logged. What does not end is terminated, and
    /// killed in the end; what cells have started goes with it.
    pub(crate) async fn stop(mut self, output: &Output) {
        self.pump.show_under(output.clone());
        if let Err(error) = self.handle.send(&ToHost::End).await {
            tracing::debug!(%error, "the host is gone");
        }
        for (patience, act) in [(ORDERLY, Handle::terminate as fn(&Handle)), (TERMINATION, Handle::kill)] {
            if tokio::time::timeout(patience, &mut self.owner).await.is_ok() {
                return;
            }
            act(&self.handle);
        }
        if let Err(error) = (&mut self.owner).await {
            tracing::warn!(%error, "the end of the host was not seen");
        }
    }

    /// Gives the order that `message` makes of a new number and waits for its answer; `None`: the process is gone.
    async fn order(&mut self, message: impl FnOnce(u64) -> ToHost) -> Option<FromHost> {
        self.orders += 1;
        let order = self.orders;
        if let Err(error) = self.handle.send(&message(order)).await {
            // It may have said more before.
            tracing::debug!(%error, "the host is gone");
        }
        loop {
            let answer = self.answers.recv().await?;
            // An answer to an order that was given up is of no interest.
            if let FromHost::Done { id, .. } | FromHost::Forgotten { id, .. } = answer
                && id == order
            {
                return Some(answer);
            }
        }
    }

    async fn died(&mut self) -> End {
        let how = match (&mut self.owner).await.map_err(io::Error::from).flatten() {
            Ok(status) => describe(status, word(&self.page, Page::STACK_OVERFLOW) != 0),
            Err(error) => error.to_string(),
        };
        End::Died { how, line: word(&self.page, Page::LINE) }
    }
}

impl Drop for Host {
    /// Given up, the process is killed; one that is gone is still cleaned up after.
    fn drop(&mut self) {
        if self.is_alive() {
            self.owner.abort();
        }
    }
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
