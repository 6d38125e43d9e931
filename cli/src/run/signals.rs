//! Ctrl-C and SIGTERM while cells run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

/// What signals ask for.
#[derive(Clone, Default)]
pub(crate) struct Signals {
    pub(crate) interrupt: Arc<Notify>,
    pub(crate) end: Arc<Notify>,
    code: Arc<AtomicI32>,
}

impl Signals {
    /// The exit code of a run that was ended.
    pub(crate) fn code(&self) -> i32 {
        self.code.load(Ordering::Relaxed)
    }

    /// Passes the first Ctrl-C on to the running cell; a second one, or SIGTERM, ends the run.
    pub(crate) async fn pass_on(self) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut pressed = false;
        loop {
            let code = tokio::select! {
                pressed = tokio::signal::ctrl_c() => pressed.map(|()| 130)?,
                _ = terminate.recv() => 143,
            };
            if pressed || code == 143 {
                self.code.store(code, Ordering::Relaxed);
                self.end.notify_one();
            } else {
                pressed = true;
                self.interrupt.notify_one();
            }
        }
    }
}
