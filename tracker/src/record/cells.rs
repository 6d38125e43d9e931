//! Where cells meet runs: files are told when a cell begins and how it ended, and a run that was dropped because its cell
//! fails is failed.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
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

thread_local! {
    static HERE: RefCell<Here> = const { RefCell::new(Here { open: Vec::new(), dropped: Vec::new() }) };
}

/// Runs of the thread that runs a cell.
struct Here {
    /// Those that began on it and have not ended, in this order.
    open: Vec<(i64, PathBuf)>,
    /// Those that were dropped and may have been by an error that the cell is going to end with.
    dropped: Vec<Dropped>,
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
    let _ = HERE.try_with_borrow_mut(|here| {
        here.dropped.clear();
        here.open.push((run, path.to_owned()));
    });
}

/// A run has ended, in any way.
pub(super) fn run_ends(run: i64, path: &Path) {
    let _ = HERE.try_with_borrow_mut(|here| here.open.retain(|(id, place)| *id != run || place != path));
}

/// A run is being dropped. An error drops what began last first: a run that is outlived by one that began after it was
/// dropped by something else.
pub(super) fn run_drops(run: i64, path: &Path) {
    if !context::is_in_cell() {
        return;
    }
    let _ = HERE.try_with_borrow_mut(|here| {
        if here.open.last().is_some_and(|(id, place)| *id == run && place == path) {
            here.dropped.push(Dropped { run, path: path.to_owned(), line: context::line() });
        }
    });
}

/// A cell begins on this thread.
fn cell_begins() {
    let _ = HERE.try_with_borrow_mut(|here| here.dropped.clear());
    registry::tell_all(Verdict::Begins, PATIENCE);
}

/// A cell has ended on this thread, at a line.
fn cell_ends(outcome: Outcome, message: Option<String>, line: Option<i64>) {
    let dropped = HERE.try_with_borrow_mut(|here| std::mem::take(&mut here.dropped)).unwrap_or_default();
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

trait TryBorrow<T> {
    /// Works on it, unless the thread is ending or is already at work on it.
    fn try_with_borrow_mut<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> Option<R>;
}

impl<T> TryBorrow<T> for std::thread::LocalKey<RefCell<T>> {
    fn try_with_borrow_mut<R>(&'static self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.try_with(|cell| cell.try_borrow_mut().ok().map(|mut value| work(&mut value))).ok().flatten()
    }
}
