//! The cells of this process's session, and what it was seen to use. Each run of the session refers to them.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;

use sha2::{Digest, Sha256};

use crate::capture::now_ms;
use crate::record::sha256;
use crate::session::{Outcome, Spot, Use};

/// What the process that runs cells can be asked about the cell that runs. All of it is asked often: it must be cheap.
#[derive(Clone, Copy)]
pub struct Observer {
    /// The line of the cell's statement that is being run, from 1; 0 before the first.
    pub line: fn() -> u32,
    /// Whether the cell's own code runs, and not what gives back its variables.
    pub is_active: fn() -> bool,
    /// Whether this thread is being unwound by the interrupt button.
    pub is_interrupted: fn() -> bool,
}

/// A cell that has run, is running, or was told of.
#[derive(Clone)]
pub(crate) struct Ran {
    pub(crate) execution_count: i64,
    pub(crate) source: Arc<str>,
    pub(crate) hash: Arc<str>,
    pub(crate) began_ms: Option<i64>,
    pub(crate) ended: Option<Ended>,
    pub(crate) line: Option<i64>,
    pub(crate) is_earlier: bool,
}

/// How a cell ended.
#[derive(Clone)]
pub(crate) struct Ended {
    pub(crate) ms: Option<i64>,
    pub(crate) outcome: Outcome,
    pub(crate) message: Option<String>,
}

/// A cell that has run before this process was told of it.
#[derive(Debug, Clone)]
pub struct Past {
    /// As the notebook shows it.
    pub execution_count: i64,
    /// As the person wrote it.
    pub source: String,
    /// `None`: its process died in it.
    pub outcome: Option<Outcome>,
    /// At which it ended.
    pub line: Option<u32>,
    /// Of the error or the panic.
    pub message: Option<String>,
    /// Whether it ran in an earlier process of the notebook.
    pub is_earlier: bool,
}

#[derive(Default)]
struct Notebook {
    cells: Vec<Ran>,
    /// Whether the last of the cells is running, and on which thread.
    running: Option<ThreadId>,
    uses: Vec<Use>,
    known: HashSet<Use>,
    observer: Option<Observer>,
}

static NOTEBOOK: Mutex<Option<Notebook>> = Mutex::new(None);

/// Counts what changes, so that nobody need look at what has not.
static CHANGES: AtomicU64 = AtomicU64::new(0);

/// Who is to know of cells: there is nobody before the first run.
pub(crate) struct Listener {
    pub(crate) begins: fn(),
    /// How it ended, the message of its error or panic, and at which line.
    pub(crate) ends: fn(Outcome, Option<String>, Option<i64>),
}

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Says who is to know of cells from now on.
pub(crate) fn listen(listener: Listener) {
    let _ = LISTENER.set(listener);
}

/// Says how to find out where a cell stands.
pub fn observe(by: Observer) {
    with(|notebook| notebook.observer = Some(by));
}

/// Notes a cell that has run already.
pub fn add_cell(cell: Past) {
    let Past { execution_count, source, outcome, line, message, is_earlier } = cell;
    let ended = outcome.map(|outcome| Ended { ms: None, outcome, message });
    let hash = sha256(source.as_bytes()).into();
    let (source, line) = (source.into(), line.map(i64::from));
    changing(|notebook| {
        notebook.cells.push(Ran { execution_count, source, hash, began_ms: None, ended, line, is_earlier });
    });
}

/// A cell begins, on this thread. It is stored with the runs that are open before this returns, or a moment later.
pub fn begin_cell(execution_count: i64, source: impl Into<String>) {
    let source: String = source.into();
    let (hash, began_ms) = (sha256(source.as_bytes()).into(), Some(now_ms()));
    let source = source.into();
    changing(|notebook| {
        notebook.cells.push(Ran {
            execution_count,
            source,
            hash,
            began_ms,
            ended: None,
            line: None,
            is_earlier: false,
        });
        notebook.running = Some(std::thread::current().id());
    });
    if let Some(listener) = LISTENER.get() {
        (listener.begins)();
    }
}

/// The cell that was begun has ended; with the message of its error or panic.
pub fn end_cell(outcome: Outcome, message: Option<String>) {
    let ended = Ended { ms: Some(now_ms()), outcome, message: message.clone() };
    let line = changing(|notebook| {
        let line = notebook.line();
        notebook.running = None;
        if let Some(cell) = notebook.cells.last_mut().filter(|cell| cell.ended.is_none() && !cell.is_earlier) {
            (cell.ended, cell.line) = (Some(ended), line);
        }
        line
    });
    if let Some(listener) = LISTENER.get() {
        (listener.ends)(outcome, message, line);
    }
}

/// Reads a file, for [`read_file`]: its size in bytes and the sha256 of its content.
///
/// # Errors
/// When it cannot be read.
pub fn hash_file(path: &Path) -> io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let size = io::copy(&mut BufReader::with_capacity(1 << 20, File::open(path)?), &mut hash)?;
    Ok((size, format!("{:x}", hash.finalize())))
}

/// A file was read: where it is, its bytes, and the sha256 of its content.
pub fn read_file(path: impl AsRef<Path>, size: u64, sha256: &str) {
    let size = i64::try_from(size).unwrap_or(i64::MAX);
    used("file", &path.as_ref().to_string_lossy(), Some(sha256.to_owned()), Some(size));
}

/// Something that draws was given a seed: what, such as `split` or `device`.
pub fn seed(what: &str, value: u64) {
    used("seed", what, Some(value.to_string()), None);
}

/// Something cannot be repeated: what drew without a seed, or read the clock.
pub fn unseeded(what: &str) {
    used("unseeded", what, None, None);
}

/// The person answered a question of the cell.
pub fn answered(question: &str, answer: &str) {
    used("answer", question, Some(answer.to_owned()), None);
}

/// The same twice is noted once, whatever the cell, but for answers: each is one.
fn used(kind: &str, name: &str, value: Option<String>, size: Option<i64>) {
    let used = Use { kind: kind.to_owned(), name: name.to_owned(), value, size, cell: None };
    with(|notebook| {
        if kind != "answer" && !notebook.known.insert(used.clone()) {
            return;
        }
        let cell = notebook.spot().map(|spot| spot.cell);
        notebook.uses.push(Use { cell, ..used });
        CHANGES.fetch_add(1, Ordering::Release);
    });
}

/// How often anything has changed so far.
pub(crate) fn changes() -> u64 {
    CHANGES.load(Ordering::Acquire)
}

/// The cells and uses from these numbers on. Of a cell that is running, the line at which it is.
pub(crate) fn since(cells: usize, uses: usize) -> (Vec<Ran>, Vec<Use>) {
    with(|notebook| {
        let mut new = notebook.cells.get(cells..).unwrap_or_default().to_vec();
        if let (Some(last), Some(_)) = (new.last_mut(), notebook.running) {
            last.line = notebook.line();
        }
        (new, notebook.uses.get(uses..).unwrap_or_default().to_vec())
    })
}

/// The line of the cell that is running; `None` when none is, or nobody can say.
pub(crate) fn line() -> Option<i64> {
    with(|notebook| notebook.running.and_then(|_| notebook.line()))
}

/// Where the notebook is: in the cell that is running, or at the end of the last one.
pub(crate) fn spot() -> Option<Spot> {
    with(|notebook| notebook.spot())
}

/// How many uses there are.
pub(crate) fn uses() -> usize {
    with(|notebook| notebook.uses.len())
}

/// Whether a cell's own code runs on this thread.
pub(crate) fn is_in_cell() -> bool {
    with(|notebook| {
        let is_here = notebook.running.is_some_and(|thread| thread == std::thread::current().id());
        is_here && notebook.observer.is_none_or(|observer| (observer.is_active)())
    })
}

/// Whether this thread is being unwound by the interrupt button.
pub(crate) fn is_interrupted() -> bool {
    with(|notebook| notebook.observer.is_some_and(|observer| (observer.is_interrupted)()))
}

impl Notebook {
    fn line(&self) -> Option<i64> {
        self.observer.map(|observer| i64::from((observer.line)()))
    }

    fn spot(&self) -> Option<Spot> {
        let last = self.cells.last()?;
        let line = if self.running.is_some() { self.line() } else { last.line };
        Some(Spot { cell: i64::try_from(self.cells.len() - 1).unwrap_or(i64::MAX), line })
    }
}

fn changing<T>(change: impl FnOnce(&mut Notebook) -> T) -> T {
    let changed = with(change);
    CHANGES.fetch_add(1, Ordering::Release);
    changed
}

/// The state is whole between any two statements, so a panic elsewhere does not spoil it.
fn with<T>(work: impl FnOnce(&mut Notebook) -> T) -> T {
    let mut notebook: MutexGuard<'_, Option<Notebook>> = NOTEBOOK.lock().unwrap_or_else(PoisonError::into_inner);
    work(notebook.get_or_insert_default())
}
