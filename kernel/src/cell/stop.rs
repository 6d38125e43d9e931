//! The interrupt button.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Tells the cell that is being worked on that the person wants it to stop.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    working: AtomicBool,
    last: AtomicBool,
    notify: Notify,
}

impl Stop {
    /// From here on an interrupt is meant for this cell; one that came before is forgotten.
    pub(crate) async fn begin(&self) {
        self.working.store(true, Ordering::SeqCst);
        // A permit that a late interrupt of the cell before has left.
        let _ = tokio::time::timeout(std::time::Duration::ZERO, self.notify.notified()).await;
    }

    pub(crate) fn end(&self) {
        self.working.store(false, Ordering::SeqCst);
    }

    /// Called by whoever is told of the button.
    pub(crate) fn press(&self) {
        if self.working.load(Ordering::SeqCst) {
            self.notify.notify_one();
        }
    }

    /// Called at shutdown: whatever runs is ended.
    pub(crate) fn press_for_good(&self) {
        self.last.store(true, Ordering::SeqCst);
        self.press();
    }

    /// Whether nothing is waited for any more.
    pub(crate) fn is_last(&self) -> bool {
        self.last.load(Ordering::SeqCst)
    }

    /// Waits for the button.
    pub(crate) async fn asked(&self) {
        self.notify.notified().await;
    }
}
