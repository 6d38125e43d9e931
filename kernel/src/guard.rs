//! Nothing outlives the kernel, however it ends. A small process of ours waits at a pipe whose other end only
//! the kernel holds; when the kernel is gone it ends the compilers that were running, with all that they
//! started, and removes what they left half written.
//!
//! It is a process because SIGKILL leaves no time for anything in the kernel itself, and because the
//! "parent died" signal that Linux offers would end cargo and leave cargo's compilers running.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Set for all compilers of a kernel, and inherited by what they start: the guard's process id.
const MARK: &str = "ASSAY_GUARD";
/// Set for a process that runs cells, and inherited by what they start: the guard's process id and a number.
const CELLS: &str = "ASSAY_CELLS";
/// Between two looks at the processes, while some are left.
const PAUSE: Duration = Duration::from_millis(5);
/// What cannot be ended within this time waits for a device.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long the processes that run cells may take to store what was logged, once the kernel is gone.
const STORING: Duration = Duration::from_secs(30);

static GUARD: OnceLock<Option<Guard>> = OnceLock::new();

/// The guard of this process.
struct Guard {
    id: u32,
    /// Open as long as this process lives; no program that it starts inherits it.
    _alive: ChildStdin,
}

/// Starts the guard of this process, once. `program` is the `assay` binary.
pub fn start(program: &Path) {
    GUARD.get_or_init(|| match spawn(program) {
        Ok(guard) => guard,
        Err(error) => {
            tracing::warn!(%error, "no guard: a kernel that is killed may leave a compiler running");
            None
        }
    });
}

fn spawn(program: &Path) -> io::Result<Option<Guard>> {
    let mut child = Command::new(program)
        .arg("guard")
        // No folder is held busy.
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Jupyter kills the kernel's whole process group.
        .process_group(0)
        .spawn()?;
    Ok(child.stdin.take().map(|alive| Guard { id: child.id(), _alive: alive }))
}

/// Prepares a compiler: its own process group, so that it can be ended with all that it starts, and the mark
/// by which the guard knows it.
pub(crate) fn mark(command: &mut Command) {
    command.process_group(0);
    if let Some(guard) = GUARD.get().and_then(Option::as_ref) {
        command.env(MARK, guard.id.to_string());
    }
}

/// Ends a process that was marked, with all that it started.
pub(crate) fn kill(leader: u32) {
    if let Some(group) = i32::try_from(leader).ok().and_then(Pid::from_raw)
        && let Err(error) = kill_process_group(group, Signal::KILL)
    {
        tracing::debug!(%error, "a compiler that is gone already");
    }
}

/// Ends a compiler when whoever waits for it is dropped.
struct Running(Option<u32>);

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            kill(leader);
        }
    }
}

/// Runs a compiler to its end; dropped before, nothing of it is left running: neither rustc nor its linker.
pub(crate) async fn output(mut command: tokio::process::Command) -> io::Result<Output> {
    mark(command.as_std_mut());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut running = Running(child.id());
    let output = child.wait_with_output().await;
    // Its number may belong to another process from here on.
    running.0 = None;
    output
}

/// What the programs are known by that the cells of one process start.
#[derive(Debug, Clone)]
pub(crate) struct Mark(String);

impl Mark {
    /// One that no other process of cells has; `None` where this process has no guard.
    pub(crate) fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let guard = GUARD.get().and_then(Option::as_ref)?;
        Some(Self(format!("{}.{}", guard.id, COUNT.fetch_add(1, Ordering::Relaxed))))
    }

    /// Has a program and all that it starts carry the mark.
    pub(crate) fn set(&self, command: &mut tokio::process::Command) {
        command.env(CELLS, &self.0);
    }

    /// Ends all that carry it.
    pub(crate) fn end(&self) {
        let mark = format!("{CELLS}={}", self.0);
        end_marked(&|entry| entry == mark.as_bytes());
    }
}

/// The guard itself: returns once the process that started it is gone and nothing of it is left. `sweep` removes what
/// was left half written.
pub fn serve(sweep: fn()) {
    let mut buffer = [0; 64];
    loop {
        match io::stdin().read(&mut buffer) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    let guard = std::process::id();
    let compilers = format!("{MARK}={guard}");
    end_marked(&|entry| entry == compilers.as_bytes());
    let cells = format!("{CELLS}={guard}.");
    let of_cells = |entry: &[u8]| entry.starts_with(cells.as_bytes());
    // They end by themselves, and store first what was logged.
    let started = Instant::now();
    while started.elapsed() < STORING && marked(&of_cells).iter().any(|process| runs_cells(*process)) {
        std::thread::sleep(PAUSE);
    }
    end_marked(&of_cells);
    sweep();
}

/// Whether it is a process of ours that runs cells, and none that they have started.
fn runs_cells(process: Pid) -> bool {
    let path = format!("/proc/{}/cmdline", process.as_raw_nonzero());
    let line = std::fs::read(path).unwrap_or_default();
    line.split(|byte| *byte == 0).nth(1) == Some(b"cell-host")
}

/// Ends the processes that have a variable of which `is_mark` holds. One that has just been started may not show its
/// variables yet, so one look that finds nothing is not enough.
fn end_marked(is_mark: &dyn Fn(&[u8]) -> bool) {
    let started = Instant::now();
    let mut quiet = 0;
    while quiet < 2 && started.elapsed() < PATIENCE {
        let found = marked(is_mark);
        quiet = if found.is_empty() { quiet + 1 } else { 0 };
        for process in found {
            // One that is gone meanwhile is what we want.
            let _ = kill_process(process, Signal::KILL);
        }
        std::thread::sleep(PAUSE);
    }
}

/// Processes with such a variable in their environment.
fn marked(is_mark: &dyn Fn(&[u8]) -> bool) -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let number = |name: std::ffi::OsString| name.to_str()?.parse().ok().and_then(Pid::from_raw);
    let all = processes.flatten().filter_map(|entry| Some((number(entry.file_name())?, entry.path())));
    all.filter(|(_, path)| {
        let environment = std::fs::read(path.join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(is_mark)
    })
    .map(|(process, _)| process)
    .collect()
}
