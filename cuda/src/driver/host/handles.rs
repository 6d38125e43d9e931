//! What was given out: contexts, modules, functions, streams and events.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;

use super::module::{Kernel, Module};
use crate::code::{Failure, INVALID_HANDLE, Outcome};
use crate::driver::{DEFAULT_STREAM, Handle};

/// `CUDA_ERROR_INVALID_CONTEXT`.
const INVALID_CONTEXT: i32 = 201;

thread_local! {
    /// The context that this thread entered.
    static CONTEXT: Cell<Handle> = const { Cell::new(0) };
}

/// A handle that no device has given out yet.
fn next() -> Handle {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    NEXT.fetch_add(1, Relaxed)
}

/// Things of one kind by handle.
pub(super) struct Table<T> {
    kind: &'static str,
    entries: BTreeMap<Handle, T>,
}

impl<T> Table<T> {
    fn of(kind: &'static str) -> Self {
        Self { kind, entries: BTreeMap::new() }
    }

    /// Gives out a handle.
    pub(super) fn add(&mut self, entry: T) -> Handle {
        let handle = next();
        self.entries.insert(handle, entry);
        handle
    }

    /// What a handle stands for.
    pub(super) fn get(&mut self, call: &'static str, handle: Handle) -> Outcome<&mut T> {
        self.entries.get_mut(&handle).ok_or_else(|| unknown(call, self.kind, handle))
    }

    /// Takes a handle back.
    pub(super) fn remove(&mut self, call: &'static str, handle: Handle) -> Outcome<T> {
        self.entries.remove(&handle).ok_or_else(|| unknown(call, self.kind, handle))
    }
}

fn unknown(call: &'static str, kind: &str, handle: Handle) -> Failure {
    Failure::because(call, INVALID_HANDLE, format!("no {kind} has the handle {handle:#x}, or it was ended before"))
}

/// All handles of a device.
pub(super) struct Handles {
    context: Handle,
    users: usize,
    pub(super) modules: Table<Arc<Module>>,
    pub(super) functions: Table<Arc<Kernel>>,
    pub(super) streams: Table<()>,
    /// When an event came, if it did.
    pub(super) events: Table<Option<Instant>>,
}

impl Default for Handles {
    fn default() -> Self {
        Self {
            context: next(),
            users: 0,
            modules: Table::of("module"),
            functions: Table::of("function"),
            streams: Table::of("stream"),
            events: Table::of("event"),
        }
    }
}

impl Handles {
    /// The primary context, with one more user.
    pub(super) fn retain(&mut self) -> Handle {
        self.users += 1;
        self.context
    }

    /// One user of the primary context less.
    pub(super) fn release(&mut self, call: &'static str) -> Outcome<()> {
        self.users = self.users.checked_sub(1).ok_or_else(|| Failure::of(call, INVALID_CONTEXT))?;
        Ok(())
    }

    /// Makes a context this thread's; 0 is none.
    pub(super) fn enter(&self, call: &'static str, context: Handle) -> Outcome<()> {
        if context != 0 && (context != self.context || self.users == 0) {
            return Err(unknown(call, "context", context));
        }
        CONTEXT.set(context);
        Ok(())
    }

    /// Fails where this thread is in no context of the device.
    pub(super) fn entered(&self, call: &'static str) -> Outcome<()> {
        let inside = self.users > 0 && CONTEXT.get() == self.context;
        inside.then_some(()).ok_or_else(|| Failure::of(call, INVALID_CONTEXT))
    }

    /// Fails where a stream is unknown.
    pub(super) fn stream(&mut self, call: &'static str, stream: Handle) -> Outcome<()> {
        if stream == DEFAULT_STREAM { Ok(()) } else { self.streams.get(call, stream).copied() }
    }
}
