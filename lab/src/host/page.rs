//! The page shared with the kernel. What a process knew when it was killed can be read nowhere else.

use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use wire::{PAGE_FD, Page};

use super::interrupt;

/// Stands in where no kernel gave a page (a program that links lab outside a notebook).
static ALONE: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];
static SHARED: AtomicPtr<AtomicU32> = AtomicPtr::new(std::ptr::null_mut());

/// Notes the cell's line that runs now, unless the person asked to stop. Called before each statement at the top
/// level of a cell.
pub fn at(line: u32) {
    word(Page::LINE).store(line, Ordering::Relaxed);
    interrupt::statement();
}

/// No statement runs yet.
pub(super) fn clear() {
    word(Page::LINE).store(0, Ordering::Relaxed);
}

/// The line that runs now.
pub(super) fn line() -> u32 {
    word(Page::LINE).load(Ordering::Relaxed)
}

/// One word of the page; safe to use from a signal handler.
pub(super) fn word(index: usize) -> &'static AtomicU32 {
    let shared = SHARED.load(Ordering::Acquire);
    if shared.is_null() {
        return &ALONE[index];
    }
    // SAFETY: `shared` is a mapping of `Page::SIZE` bytes that is never unmapped, aligned to a page;
    // `index` is one of `Page`'s constants, all far below `Page::SIZE / 4`; any bits are a valid word.
    unsafe { &*shared.add(index) }
}

/// Maps the kernel's page.
///
/// # Errors
/// When the descriptor was not handed over.
pub(super) fn attach() -> std::io::Result<()> {
    // SAFETY: a new shared mapping of a descriptor, at an address that the system picks.
    let mapped = unsafe {
        libc::mmap(std::ptr::null_mut(), Page::SIZE, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, PAGE_FD, 0)
    };
    if mapped == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error());
    }
    // SAFETY: the kernel opened this descriptor for us; the mapping stays. Programs that cells start must not have it.
    unsafe { libc::close(PAGE_FD) };
    SHARED.store(mapped.cast(), Ordering::Release);
    Ok(())
}
