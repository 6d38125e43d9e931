//! Streams, events and launches.

use std::ffi::{c_uint, c_void};
use std::sync::atomic::Ordering::Relaxed;

use super::{answer, give, quietly};
use crate::code::SUCCESS;
use crate::driver::{Grid, Handle};
use crate::gpu::asking;

pub unsafe extern "C" fn create(stream: *mut Handle, _flags: c_uint) -> i32 {
    answer("cuStreamCreate", |gpu| {
        let made = gpu.driver.stream()?;
        // SAFETY: the caller's pointer.
        unsafe { give("cuStreamCreate", stream, made) }
    })
}

pub unsafe extern "C" fn destroy(stream: Handle) -> i32 {
    // SAFETY: the caller's stream, which it no longer uses.
    quietly("cuStreamDestroy_v2", |gpu| unsafe { gpu.driver.end_stream(stream) })
}

pub unsafe extern "C" fn synchronize(stream: Handle) -> i32 {
    if asking() {
        return SUCCESS;
    }
    // SAFETY: the caller's stream.
    answer("cuStreamSynchronize", |gpu| unsafe { gpu.driver.synchronize(stream) })
}

/// Called when a stream is dropped too.
pub unsafe extern "C" fn wait(stream: Handle, event: Handle, _flags: c_uint) -> i32 {
    // SAFETY: the caller's stream and event.
    quietly("cuStreamWaitEvent", |gpu| unsafe { gpu.driver.wait(stream, event) })
}

pub unsafe extern "C" fn event_create(event: *mut Handle, flags: c_uint) -> i32 {
    answer("cuEventCreate", |gpu| {
        let made = gpu.driver.event(flags)?;
        // SAFETY: the caller's pointer.
        unsafe { give("cuEventCreate", event, made) }
    })
}

pub unsafe extern "C" fn event_destroy(event: Handle) -> i32 {
    // SAFETY: the caller's event, which it no longer uses.
    quietly("cuEventDestroy_v2", |gpu| unsafe { gpu.driver.end_event(event) })
}

/// Called when a stream is dropped too.
pub unsafe extern "C" fn event_record(event: Handle, stream: Handle) -> i32 {
    // SAFETY: the caller's event and stream.
    quietly("cuEventRecord", |gpu| unsafe { gpu.driver.record(event, stream) })
}

pub unsafe extern "C" fn event_elapsed(milliseconds: *mut f32, from: Handle, to: Handle) -> i32 {
    answer("cuEventElapsedTime", |gpu| {
        // SAFETY: the caller's events.
        let found = unsafe { gpu.driver.elapsed(from, to) }?;
        // SAFETY: the caller's pointer.
        unsafe { give("cuEventElapsedTime", milliseconds, found) }
    })
}

pub unsafe extern "C" fn launch(
    function: Handle,
    blocks_x: c_uint,
    blocks_y: c_uint,
    blocks_z: c_uint,
    threads_x: c_uint,
    threads_y: c_uint,
    threads_z: c_uint,
    shared: c_uint,
    stream: Handle,
    parameters: *mut *mut c_void,
    _extra: *mut *mut c_void,
) -> i32 {
    let grid = Grid { blocks: [blocks_x, blocks_y, blocks_z], threads: [threads_x, threads_y, threads_z], shared };
    // A launch over nothing is an error to the driver; an empty tensor is none to whoever has one.
    if grid.blocks.contains(&0) {
        return SUCCESS;
    }
    answer("cuLaunchKernel", |gpu| {
        gpu.counts.launches.fetch_add(1, Relaxed);
        // SAFETY: the caller's parameters are those of the kernel.
        unsafe { gpu.driver.launch(function, grid, stream, parameters) }
    })
}
