//! Stops a build from another thread.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use super::EnvironmentError;
use crate::guard;

/// Shared by who builds and who may want the build to stop.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    /// The cargo that is running.
    running: Option<u32>,
}

/// While it lives, cancelling ends a process with all that it started.
pub(super) struct Watched<'a>(&'a Cancel);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.0.state.lock().running = None;
    }
}

impl Cancel {
    /// Ends the build; it returns [`EnvironmentError::Cancelled`] soon.
    pub fn cancel(&self) {
        let mut state = self.0.state.lock();
        state.cancelled = true;
        if let Some(leader) = state.running {
            guard::kill(leader);
        }
        self.0.changed.notify_all();
    }

    pub(super) fn check(&self) -> Result<(), EnvironmentError> {
        if self.0.state.lock().cancelled { Err(EnvironmentError::Cancelled) } else { Ok(()) }
    }

    /// Waits, but no longer than until the build is cancelled.
    pub(super) fn pause(&self, time: Duration) -> Result<(), EnvironmentError> {
        let mut state = self.0.state.lock();
        if !state.cancelled {
            self.0.changed.wait_for(&mut state, time);
        }
        drop(state);
        self.check()
    }

    pub(super) fn watch(&self, leader: u32) -> Watched<'_> {
        let mut state = self.0.state.lock();
        state.running = Some(leader);
        if state.cancelled {
            guard::kill(leader);
        }
        Watched(self)
    }
}
