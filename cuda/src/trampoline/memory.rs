//! Memory: taking and giving back, filling, copying.

use std::ffi::{c_uchar, c_void};
use std::sync::atomic::Ordering::Relaxed;

use super::{answer, aside, give};
use crate::code::SUCCESS;
use crate::driver::{Address, DEFAULT_STREAM, Handle};
use crate::gpu::{asked, asked_within, fills};

pub unsafe extern "C" fn allocate(address: *mut Address, bytes: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { allocate_async(address, bytes, DEFAULT_STREAM) }
}

pub unsafe extern "C" fn allocate_async(address: *mut Address, bytes: usize, _stream: Handle) -> i32 {
    aside("cuMemAllocAsync", |gpu| {
        gpu.counts.allocations.fetch_add(1, Relaxed);
        let found = gpu.memory.allocate(&*gpu.driver, "cuMemAllocAsync", bytes)?;
        // SAFETY: the caller's pointer.
        unsafe { give("cuMemAllocAsync", address, found) }
    })
}

pub unsafe extern "C" fn free(address: Address) -> i32 {
    // SAFETY: the same contract.
    unsafe { free_async(address, DEFAULT_STREAM) }
}

pub unsafe extern "C" fn free_async(address: Address, _stream: Handle) -> i32 {
    // Whatever is wrong shows at the next call: see `quietly`.
    aside("cuMemFreeAsync", |gpu| {
        gpu.free(address);
        Ok(())
    });
    SUCCESS
}

pub unsafe extern "C" fn fill(to: Address, byte: c_uchar, bytes: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { fill_async(to, byte, bytes, DEFAULT_STREAM) }
}

pub unsafe extern "C" fn fill_async(to: Address, byte: c_uchar, bytes: usize, stream: Handle) -> i32 {
    if bytes == 0 || !fills() {
        return SUCCESS;
    }
    if byte == 0 && stream == DEFAULT_STREAM {
        // SAFETY: the caller's buffer has so many bytes.
        return aside("cuMemsetD8Async", |gpu| unsafe { gpu.fills.add(gpu, to, bytes) });
    }
    answer("cuMemsetD8Async", |gpu| {
        gpu.counts.fills.fetch_add(1, Relaxed);
        // SAFETY: the caller's buffer has so many bytes.
        unsafe { gpu.driver.fill(to, byte, bytes, stream) }
    })
}

pub unsafe extern "C" fn upload(to: Address, from: *const c_void, bytes: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { upload_async(to, from, bytes, DEFAULT_STREAM) }
}

pub unsafe extern "C" fn upload_async(to: Address, from: *const c_void, bytes: usize, stream: Handle) -> i32 {
    if bytes == 0 || asked(to) {
        return SUCCESS;
    }
    answer("cuMemcpyHtoDAsync_v2", |gpu| {
        gpu.counts.upload(bytes);
        // SAFETY: both buffers are the caller's and have so many bytes.
        unsafe { gpu.driver.upload(to, from, bytes, stream) }
    })
}

pub unsafe extern "C" fn download(to: *mut c_void, from: Address, bytes: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { download_async(to, from, bytes, DEFAULT_STREAM) }
}

pub unsafe extern "C" fn download_async(to: *mut c_void, from: Address, bytes: usize, stream: Handle) -> i32 {
    if bytes == 0 || asked(from) {
        return SUCCESS;
    }
    answer("cuMemcpyDtoHAsync_v2", |gpu| {
        gpu.counts.download(bytes);
        // SAFETY: both buffers are the caller's and have so many bytes.
        unsafe { gpu.driver.download(to, from, bytes, stream) }
    })
}

pub unsafe extern "C" fn copy(to: Address, from: Address, bytes: usize) -> i32 {
    // SAFETY: the same contract.
    unsafe { copy_async(to, from, bytes, DEFAULT_STREAM) }
}

pub unsafe extern "C" fn copy_async(to: Address, from: Address, bytes: usize, stream: Handle) -> i32 {
    if bytes == 0 || asked_within(from) {
        return SUCCESS;
    }
    answer("cuMemcpyDtoDAsync_v2", |gpu| {
        gpu.counts.copies.fetch_add(1, Relaxed);
        // SAFETY: both buffers are the caller's and have so many bytes.
        unsafe { gpu.driver.copy(to, from, bytes, stream) }
    })
}
