//! Which threads belong to the running cell: those that its code started. What an earlier cell left in the background,
//! and the threads of libraries, go on when the cell is stopped.

use std::sync::{Mutex, MutexGuard, PoisonError};

static STARTED: Mutex<Vec<usize>> = Mutex::new(Vec::new());

pub(super) fn cell_begins() {
    list().clear();
}

pub(super) fn started(thread: usize) {
    list().push(thread);
}

pub(super) fn ended(thread: usize) {
    list().retain(|other| *other != thread);
}

/// Whether the calling thread was started by the cell that runs.
pub(super) fn is_of_this_cell() -> bool {
    // SAFETY: gives the thread's own number.
    let this = unsafe { libc::pthread_self() } as usize;
    list().contains(&this)
}

fn list() -> MutexGuard<'static, Vec<usize>> {
    STARTED.lock().unwrap_or_else(PoisonError::into_inner)
}
