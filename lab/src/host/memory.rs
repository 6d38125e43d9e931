//! How the allocator deals with large tensors.

/// Freed memory that is kept for the next tensors, in bytes. A training step allocates and frees the same sizes
/// again and again.
#[cfg(target_env = "gnu")]
const KEPT: libc::c_int = 256 << 20;
/// What is larger is mapped and given back at once: a frame, say. glibc takes no more than this.
#[cfg(target_env = "gnu")]
const MAPPED: libc::c_int = 32 << 20;

/// Keeps freed memory in the process. By default glibc gives it back when 128 KiB are free at the end of the heap,
/// and the system clears each page of the next tensor: a third of a convolution's step.
pub(super) fn keep() {
    #[cfg(target_env = "gnu")]
    // SAFETY: `mallopt` only sets numbers of the allocator; that it does not know one is no error for us.
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED);
    }
}
