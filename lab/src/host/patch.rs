//! Has calls of the libraries that are loaded go to what stands in for functions of the standard library.

use super::{hooks, uses, waits};

/// Patches what was loaded since the last time; called before anything runs in it.
pub(super) fn patch() {
    let mut all = waits::hooks();
    all.extend(uses::hooks());
    hooks::patch(&all);
}
