//! Outputs that redraw at a limited rate, and so may hold back their newest state for a moment.

use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Something that may have a newer state than what is on the page.
pub(crate) trait Pending: Send + Sync {
    /// Draws the newest state, if it is not on the page yet.
    fn flush(&self);
}

static LIVE: Mutex<Vec<Weak<dyn Pending>>> = Mutex::new(Vec::new());

/// Has `output` flushed at the end of a loop or a cell, for as long as it lives.
pub(crate) fn register(output: &Arc<impl Pending + 'static>) {
    let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
    live.retain(|other| other.strong_count() > 0);
    let output: Arc<dyn Pending> = Arc::clone(output) as _;
    live.push(Arc::downgrade(&output));
}

/// Draws whatever live outputs have held back. The engine calls it when a cell ends.
pub fn flush() {
    let live: Vec<_> = {
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        live.retain(|output| output.strong_count() > 0);
        live.iter().filter_map(Weak::upgrade).collect()
    };
    for output in live {
        output.flush();
    }
}
