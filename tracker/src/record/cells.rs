//! Where cells meet runs: files are told when a cell begins and how it ended, and a run that was dropped because its cell
//! fails is failed.

use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

use super::hub::Control;
use super::registry;
use super::verdict::Verdict;
use crate::context::Listener;
use crate::session::Outcome;
use crate::{Status, context};

/// How long a cell waits for its beginning or end to be stored. It is stored later if a file is busy.
const PATIENCE: Duration = Duration::from_millis(50);

/// How long it waits for the end of a run to be put right.
const AMENDING: Duration = Duration::from_secs(5);

/// Runs that have not ended, in the order in which they began.
static OPEN: Mutex<Vec<Open>> = Mutex::new(Vec::new());

/// Runs that a cell's thread has dropped, maybe by an error that the cell is going to end with.
static DROPPED: Mutex<Vec<Dropped>> = Mutex::new(Vec::new());

struct Open {
    began_on: ThreadId,
    run: i64,
    path: PathBuf,
}

struct Dropped {
    run: i64,
    path: PathBuf,
    line: Option<i64>,
}

/// From the first run on, what cells do is told.
pub(super) fn listen() {
    context::listen(Listener { begins: cell_begins, ends: cell_ends });
}

/// A run has begun on this thread: what was dropped before was dropped by no error that is still on its way.
pub(super) fn run_begins(run: i64, path: &Path) {
    if context::is_in_cell() {
        locked(&DROPPED).clear();
    }
    locked(&OPEN).push(Open { began_on: std::thread::current().id(), run, path: path.to_owned() });
}

/// A run has ended, in any way.
pub(super) fn run_ends(run: i64, path: &Path) {
    locked(&OPEN).retain(|open| open.run != run || open.path != path);
}

/// A run is being dropped. An error drops what began last first: a run that is outlived by one that began after it was
/// dropped by something else.
pub(super) fn run_drops(run: i64, path: &Path) {
    if !context::is_in_cell() {
        return;
    }
    let here = std::thread::current().id();
    let is_last = {
        let open = locked(&OPEN);
        open.iter().rfind(|open| open.began_on == here).is_some_and(|open| open.run == run && open.path == path)
    };
    if is_last {
        locked(&DROPPED).push(Dropped { run, path: path.to_owned(), line: context::line() });
    }
}

/// A cell begins on this thread.
fn cell_begins() {
    locked(&DROPPED).clear();
    registry::tell_all(Verdict::Begins, PATIENCE);
}

/// A cell has ended on this thread, at a line.
fn cell_ends(outcome: Outcome, message: Option<String>, line: Option<i64>) {
    let dropped = std::mem::take(&mut *locked(&DROPPED));
    let status = match outcome {
        Outcome::Ok => None,
        Outcome::Error | Outcome::Panicked => Some(Status::Failed),
        Outcome::Interrupted => Some(Status::Stopped),
    };
    if let Some(status) = status {
        // A statement that began after it was dropped shows that it was not by this error.
        for dropped in dropped.into_iter().filter(|dropped| dropped.line == line) {
            let (reply, amended) = sync_channel(1);
            let amend = Control::Amend(dropped.run, status, message.clone(), reply);
            if registry::ask(&dropped.path, amend).is_ok() {
                let _ = amended.recv_timeout(AMENDING);
            }
        }
    }
    registry::tell_all(Verdict::Ended(status.map(|status| (status, message))), PATIENCE);
}

/// Whole between any two statements, so a panic elsewhere does not spoil it.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
