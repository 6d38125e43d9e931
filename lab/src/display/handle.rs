//! One output that can be redrawn in place.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{MimeBundle, Show, send};

/// An output under a cell that can be replaced, while its cell runs or from a later one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisplayHandle {
    id: String,
}

impl DisplayHandle {
    /// Shows a value, and keeps the place where it is.
    pub fn new(value: &impl Show) -> Self {
        Self::with(value.show())
    }

    /// Puts another value in the place of what is shown.
    pub fn update(&self, value: &impl Show) {
        self.replace(value.show());
    }

    /// The display id that the notebook knows this output by.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn with(bundle: MimeBundle) -> Self {
        let id = next_id();
        send(bundle, Some(&id), false);
        Self { id }
    }

    pub(crate) fn replace(&self, bundle: MimeBundle) {
        send(bundle, Some(&self.id), true);
    }
}

/// An id that no other output of this or another session of the notebook has.
fn next_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_micros());
    format!("assay-{}-{since:x}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}
