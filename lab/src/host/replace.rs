//! Leads calls of code that is loaded, and may be running, to optimised functions.

use std::ffi::c_void;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::waits;

/// The head of what the loader knows of a library; the rest is its own affair.
#[repr(C)]
struct LinkMap {
    /// What is added to the addresses in the file.
    base: usize,
}

/// Writes the addresses of functions in `library` where `of` keeps those of their plain versions.
///
/// # Errors
/// When one of the two cannot be loaded.
pub(super) fn replace(library: &str, of: &str, slots: &[(u64, u64)]) -> io::Result<()> {
    let (to, from) = (base(library)?, base(of)?);
    // Before anything runs in it.
    waits::lead();
    for &(slot, function) in slots {
        let place = from.wrapping_add(slot as usize) as *mut usize;
        // SAFETY: the kernel read from the file `of` that the loader keeps a function's address here: an
        // aligned word of its writable data (cells are linked without RELRO). The loader and calls
        // through it access such a word as a whole, and so does this store. What is stored is
        // the address of the same function: same source, compiler, symbol and signature, which was kept
        // as other objects may call it.
        unsafe { AtomicUsize::from_ptr(place) }.store(to.wrapping_add(function as usize), Ordering::Release);
    }
    Ok(())
}

/// Where a library is loaded; it stays loaded.
fn base(path: &str) -> io::Result<usize> {
    // SAFETY: as for any cell: a library that the kernel has just had compiled from one.
    let handle = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(io::Error::other)?.into_raw();
    let mut map: *const LinkMap = std::ptr::null();
    // SAFETY: `handle` is open, and for this request the loader writes one pointer to where `map` is.
    let known = unsafe { libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut map).cast::<c_void>()) };
    // SAFETY: on success `map` points to the loader's own record, which lives as long as the library, and
    // starts with the base.
    let base = if known == 0 && !map.is_null() { Some(unsafe { (*map).base }) } else { None };
    base.ok_or_else(|| io::Error::other(format!("the loader does not say where {path} is")))
}
