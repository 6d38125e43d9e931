//! Calls that block, over a library that does not.

use tokio::runtime::{Builder, Handle, Runtime};

use crate::{Error, Result};

pub(crate) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread().enable_all().build().map_err(|source| Error::Thread { source })
}

/// Runs blocking work, on a thread of its own when this one drives an async runtime, which forbids it.
pub(super) fn blocking<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    if Handle::try_current().is_err() {
        return work();
    }
    std::thread::scope(|scope| match scope.spawn(work).join() {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}
