//! Has calls of code that is loaded, and may be running, go to optimised functions.

use std::ffi::c_void;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use libc::{PF_W, PF_X, PT_GNU_RELRO, PT_LOAD};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};

use super::patch;

/// The head of what the loader knows of a library; the rest is its own affair.
#[repr(C)]
struct LinkMap {
    /// What is added to the addresses in the file.
    base: usize,
}

/// What is loaded of a library, from its program headers; addresses count from its base.
#[derive(Default)]
struct Segments {
    base: usize,
    /// Start and end of what can be written, and of what can be executed.
    writable: Vec<(usize, usize)>,
    executable: Vec<(usize, usize)>,
}

/// Writes the addresses of functions in `library` where `of` keeps those of their plain versions: all of them
/// or, where one cannot be right, none.
///
/// # Errors
/// When one of the two cannot be loaded, or an address is not one of a slot or a function.
pub(super) fn replace(library: &str, of: &str, slots: &[(u64, u64)]) -> io::Result<()> {
    let (to, from) = (Segments::of(base(library)?), Segments::of(base(of)?));
    let wrong = slots.iter().find(|(slot, function)| !from.has_slot(*slot) || !to.has_function(*function));
    if let Some((slot, function)) = wrong {
        return Err(io::Error::other(format!("{slot:#x} of {of} cannot hold {function:#x} of {library}")));
    }
    // Before anything runs in it.
    patch::patch();
    for &(slot, function) in slots {
        let slot = from.base.wrapping_add(slot as usize) as *mut usize;
        // SAFETY: an aligned word in a writable segment of a library that stays loaded (`has_slot`), where the
        // loader keeps a function's address, as the kernel read from its relocations. The loader and calls
        // through it access such a word as a whole, and so does this store. What is stored is the address of
        // the same function: same source, compiler, symbol and signature, which was kept as other
        // objects may call it.
        unsafe { AtomicUsize::from_ptr(slot) }.store(to.base.wrapping_add(function as usize), Ordering::Release);
    }
    Ok(())
}

impl Segments {
    fn of(base: usize) -> Self {
        let mut found = Self { base, ..Self::default() };
        // SAFETY: the callback is called before this returns, each time with `found`, which outlives it.
        unsafe { libc::dl_iterate_phdr(Some(collect), (&raw mut found).cast::<c_void>()) };
        found
    }

    fn has_slot(&self, slot: u64) -> bool {
        let Ok(slot) = usize::try_from(slot) else { return false };
        let aligned = self.base.wrapping_add(slot).is_multiple_of(align_of::<AtomicUsize>());
        aligned && self.writable.iter().any(|(start, end)| *start <= slot && end - slot.min(*end) >= size_of::<usize>())
    }

    fn has_function(&self, function: u64) -> bool {
        let Ok(function) = usize::try_from(function) else { return false };
        self.executable.iter().any(|(start, end)| (*start..*end).contains(&function))
    }
}

/// Called by the loader for each library, with `found`.
unsafe extern "C" fn collect(info: *mut libc::dl_phdr_info, _size: usize, found: *mut c_void) -> libc::c_int {
    // SAFETY: the loader passes its record of a library and what `Segments::of` gave it, both alive and
    // used by no one else during the call.
    let (info, found) = unsafe { (&*info, &mut *found.cast::<Segments>()) };
    if info.dlpi_addr as usize != found.base || info.dlpi_phdr.is_null() {
        return 0;
    }
    // SAFETY: the loader's record has that many headers there.
    let headers = unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
    for header in headers {
        let range = (header.p_vaddr as usize, header.p_vaddr.saturating_add(header.p_memsz) as usize);
        match header.p_type {
            PT_LOAD if header.p_flags & PF_W != 0 => found.writable.push(range),
            PT_LOAD if header.p_flags & PF_X != 0 => found.executable.push(range),
            _ => {}
        }
    }
    // What the loader has made read-only again cannot be written, whatever its segment says.
    if headers.iter().any(|header| header.p_type == PT_GNU_RELRO && header.p_memsz > 0) {
        found.writable.clear();
    }
    1
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
