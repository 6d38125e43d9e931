//! One piece of memory that a kernel may write to.

use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

use super::super::Address;

/// What CUDA aligns allocations to, and how many bytes lie before and after each to show writes beside it.
const GUARD: usize = 256;
/// What a guard is filled with.
const UNTOUCHED: u8 = 0xA5;
/// What new memory is filled with: floating point numbers of any size are NaN, so reading before writing shows.
const NEW: u8 = 0xFF;

/// Memory with a guard before and one behind.
pub(super) struct Block {
    /// Of the guard before it.
    start: NonNull<u8>,
    layout: Layout,
    bytes: usize,
}

// SAFETY: a block owns its memory as a `Vec<u8>` would, and is reached through the lock of `Memory`.
unsafe impl Send for Block {}

impl Block {
    /// Takes memory; `None` where the machine has none left.
    pub(super) fn new(bytes: usize) -> Option<Self> {
        let layout = Layout::from_size_align(bytes.checked_add(2 * GUARD)?, GUARD).ok()?;
        // SAFETY: the layout has at least the size of two guards, so not 0.
        let start = NonNull::new(unsafe { alloc(layout) })?;
        // SAFETY: each of the three lies within the layout.
        unsafe {
            start.write_bytes(UNTOUCHED, GUARD);
            start.add(GUARD).write_bytes(NEW, bytes);
            start.add(GUARD + bytes).write_bytes(UNTOUCHED, GUARD);
        }
        Some(Self { start, layout, bytes })
    }

    /// Its address as the device's user knows it.
    pub(super) fn address(&self) -> Address {
        self.at(0).expose_provenance() as Address
    }

    /// How many bytes it has.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// A place in it, `offset` being at most its size.
    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset <= self.bytes, "offset {offset} in a block of {} bytes", self.bytes);
        // SAFETY: checked above, and the guards belong to the same allocation.
        unsafe { self.start.add(GUARD + offset).as_ptr() }
    }

    /// Whether nothing was written beside it.
    pub(super) fn intact(&self) -> bool {
        let guards: [*const u8; 2] = [self.start.as_ptr(), self.at(self.bytes)];
        guards.iter().all(|guard| {
            // SAFETY: both guards were filled when the block was made, and nobody writes while memory is locked.
            let guard = unsafe { std::slice::from_raw_parts(*guard, GUARD) };
            guard == [UNTOUCHED; GUARD]
        })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and given back once.
        unsafe { dealloc(self.start.as_ptr(), self.layout) }
    }
}
