//! Functions of the standard library that wait, replaced by ones that can be interrupted ([`super::waits`]). Only calls
//! that cells make themselves: libraries keep theirs, since they may not be ready to be unwound there.
//!
//! A cell reaches such a function through an address that the loader keeps for the cell's library. What is written
//! there instead is a function of the same signature, compiled by the same compiler.

use std::collections::HashSet;
use std::ffi::CString;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::elf::{each_slot, write};

/// How often what waits looks whether the person asked to stop.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// A function of the standard library, by the end of its symbol, and what takes its place.
pub(super) struct Hook {
    /// From `_3std` on: what comes before holds the library's hash.
    pub(super) symbol: &'static str,
    pub(super) with: *const (),
    /// The function itself, once it is known.
    pub(super) original: &'static AtomicUsize,
    /// A sibling that what takes its place calls, by the end of its symbol: where the loader keeps it.
    pub(super) needs: Option<(&'static str, &'static AtomicUsize)>,
    /// Whether calls of libraries are patched as well.
    pub(super) everywhere: bool,
}

/// Patches the calls of all libraries that are loaded and were not seen before.
pub(super) fn patch(hooks: &[Hook]) {
    static SEEN: Mutex<Option<HashSet<usize>>> = Mutex::new(None);
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let seen = seen.get_or_insert_default();
    let mut found = Vec::new();
    let mut new = |path: &str, base: usize| !path.is_empty() && !path.contains("/libstd-") && seen.insert(base);
    each_slot(&mut new, &mut |path, symbol, at| {
        let Some((_, name)) = symbol.split_once("_3std") else { return };
        let is_cell = path.rsplit('/').next().is_some_and(|file| file.starts_with("libcell_"));
        if let Some(hook) = hooks.iter().find(|hook| hook.symbol == name && (is_cell || hook.everywhere)) {
            found.push((hook, path.to_owned(), symbol.to_owned(), at, is_cell));
        }
    });
    // Not while the loader goes through its libraries: it is asked for the originals, and would wait for a thread
    // that loads a library, which waits for us.
    for (hook, path, symbol, at, is_cell) in found {
        if known(&path, &symbol, hook) {
            write(at, hook.with, is_cell);
        }
    }
}

/// Whether the originals that a hook calls are known.
fn known(path: &str, symbol: &str, hook: &Hook) -> bool {
    let is_known =
        |symbol: &str, original: &AtomicUsize| original.load(Ordering::Relaxed) != 0 || find(path, symbol, original);
    is_known(symbol, hook.original)
        && hook.needs.is_none_or(|(sibling, original)| {
            symbol.strip_suffix(hook.symbol).is_some_and(|start| is_known(&format!("{start}{sibling}"), original))
        })
}

/// Asks the loader for a function that a library calls.
fn find(path: &str, symbol: &str, original: &AtomicUsize) -> bool {
    let (Ok(path), Ok(symbol)) = (CString::new(path), CString::new(symbol)) else { return false };
    // SAFETY: the library is loaded already; the handle is not closed, as the library stays.
    let address = unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOLOAD | libc::RTLD_LAZY);
        if handle.is_null() { std::ptr::null_mut() } else { libc::dlsym(handle, symbol.as_ptr()) }
    };
    original.store(address as usize, Ordering::Relaxed);
    !address.is_null()
}

/// The address of an original, as the function that it is.
///
/// # Safety
/// `F` is its type.
pub(super) unsafe fn original<F: Copy>(of: &AtomicUsize) -> F {
    const { assert!(size_of::<F>() == size_of::<usize>()) };
    let address = of.load(Ordering::Relaxed);
    // SAFETY: a hook is in place only once its original is known; the caller says that this is its type.
    unsafe { std::mem::transmute_copy(&address) }
}
