//! The threads that store, one for each file, and what becomes of them when the process ends.
//!
//! The second piece of process-wide state in this crate: runs of one process share a connection, and the end of a
//! process, by SIGTERM or by itself, finds them all here.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::hub::{self, Control};
use super::signal;
use super::verdict::{Reason, Verdict};
use crate::{Error, Result, Status};

struct Entry {
    path: PathBuf,
    /// Tells this thread from an earlier one of the same file.
    token: Arc<()>,
    control: Sender<Control>,
    thread: JoinHandle<()>,
}

/// What is said of a run that was open when its session ended.
pub(super) const LEFT_OPEN: &str = "left open: the session ended";

static SESSION_ENDS: AtomicBool = AtomicBool::new(false);

static HUBS: Mutex<Vec<Entry>> = Mutex::new(Vec::new());

/// Files that hold a cell without its end.
static OPEN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Says whether a file holds a cell without its end, so that it is told of it when no run is left.
pub(super) fn holds_open_cell(path: &Path, is_open: bool) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|other| other != path);
    if is_open {
        open.push(path.to_owned());
    }
}

/// Tells all files that are recorded in that a cell begins or has ended, and waits for a moment until they have it.
pub(super) fn tell_all(verdict: Verdict, patience: Duration) {
    let (reply, told) = sync_channel(16);
    let look = || Control::Cell(verdict.clone(), reply.clone());
    for path in OPEN.lock().unwrap_or_else(PoisonError::into_inner).clone() {
        // One that has been removed is not made again.
        if path.exists() && !hubs().iter().any(|entry| entry.path == path) {
            let _ = ask(&path, look());
        }
    }
    hubs().iter().for_each(|entry| drop(entry.control.send(look())));
    drop(reply);
    let give_up = Instant::now() + patience;
    // Until all have dropped their ends.
    while told.recv_timeout(give_up.saturating_duration_since(Instant::now())).is_ok() {}
}

/// Asks the thread that stores in this file, which is started if there is none.
pub(super) fn ask(path: &Path, message: Control) -> Result<Sender<Control>> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    signal::watch();
    let mut hubs = hubs();
    // A thread whose channel is closed has ended by a panic.
    hubs.retain(|entry| !entry.thread.is_finished());
    let control = match hubs.iter().find(|entry| entry.path == path) {
        Some(entry) => entry.control.clone(),
        None => {
            let entry = start(path)?;
            let control = entry.control.clone();
            hubs.push(entry);
            control
        }
    };
    // Whoever waits for an answer sees that there is none. Sent before the lock is released: a thread leaves
    // only when nobody has asked for anything.
    let _ = control.send(message);
    Ok(control)
}

fn start(path: PathBuf) -> Result<Entry> {
    let (control, asked) = channel();
    let token = Arc::new(());
    let (place, own) = (path.clone(), token.clone());
    let thread = std::thread::Builder::new()
        .name("assay-writer".to_owned())
        .spawn(move || hub::serve(place, asked, |asked| leave(&own, asked)))
        .map_err(|source| Error::Thread { source })?;
    Ok(Entry { path, token, control, thread })
}

/// Takes a thread off the list. What was asked meanwhile is given back, and the thread stays.
fn leave(own: &Arc<()>, asked: &std::sync::mpsc::Receiver<Control>) -> Option<Control> {
    let mut hubs = hubs();
    if let Ok(control) = asked.try_recv() {
        return Some(control);
    }
    hubs.retain(|entry| !Arc::ptr_eq(&entry.token, own));
    None
}

/// From now on a run that is dropped is one that was left open.
pub fn begin_session_end() {
    SESSION_ENDS.store(true, Ordering::Relaxed);
}

/// The session of this process is over: stores everything. Runs that are still open end as finished, and say that
/// they were left open. To be called before a notebook's process exits.
pub fn end_session() {
    begin_session_end();
    close_all(Some((Status::Finished, LEFT_OPEN)));
}

pub(super) fn is_session_ending() -> bool {
    SESSION_ENDS.load(Ordering::Relaxed)
}

/// Stores everything and closes all files. Runs that go on end in this way, if one is given.
pub(super) fn close_all(reason: Option<Reason>) {
    let entries = std::mem::take(&mut *hubs());
    for entry in &entries {
        let _ = entry.control.send(Control::Close(reason));
    }
    for entry in entries {
        let _ = entry.thread.join();
    }
}

/// The list is whole between any two statements, so a panic elsewhere does not spoil it.
fn hubs() -> MutexGuard<'static, Vec<Entry>> {
    HUBS.lock().unwrap_or_else(PoisonError::into_inner)
}
