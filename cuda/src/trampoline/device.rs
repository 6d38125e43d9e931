//! `cuInit`, devices and contexts. Callers see one device, number 0: the one in use. Nothing here waits for what was
//! asked of it before.

use std::ffi::{c_int, c_uint};

use super::{aside, give, quietly};
use crate::code::{Failure, INVALID_DEVICE, SUCCESS};
use crate::driver::Handle;

/// `CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED`: whether the `Async` forms of allocation are there. They are: ours.
const MEMORY_POOLS: c_int = 115;

pub unsafe extern "C" fn init(_flags: c_uint) -> i32 {
    aside("cuInit", |_| Ok(()))
}

pub unsafe extern "C" fn device_count(count: *mut c_int) -> i32 {
    // SAFETY: the caller's pointer.
    aside("cuDeviceGetCount", |_| unsafe { give("cuDeviceGetCount", count, 1) })
}

pub unsafe extern "C" fn device_get(device: *mut c_int, ordinal: c_int) -> i32 {
    aside("cuDeviceGet", |gpu| match ordinal {
        // SAFETY: the caller's pointer.
        0 => unsafe { give("cuDeviceGet", device, gpu.ordinal) },
        _ => Err(Failure::because(
            "cuDeviceGet",
            INVALID_DEVICE,
            format!("the device in use is number 0 here; ASSAY_DEVICE=cuda:{ordinal} would choose another"),
        )),
    })
}

pub unsafe extern "C" fn device_attribute(value: *mut c_int, attribute: c_int, device: c_int) -> i32 {
    aside("cuDeviceGetAttribute", |gpu| {
        let found = if attribute == MEMORY_POOLS { 1 } else { gpu.driver.attribute(attribute, device)? };
        // SAFETY: the caller's pointer.
        unsafe { give("cuDeviceGetAttribute", value, found) }
    })
}

pub unsafe extern "C" fn device_memory(bytes: *mut usize, device: c_int) -> i32 {
    aside("cuDeviceTotalMem_v2", |gpu| {
        let memory = gpu.driver.properties(device)?.memory;
        // SAFETY: the caller's pointer.
        unsafe { give("cuDeviceTotalMem_v2", bytes, usize::try_from(memory).unwrap_or(usize::MAX)) }
    })
}

pub unsafe extern "C" fn context_retain(context: *mut Handle, _device: c_int) -> i32 {
    aside("cuDevicePrimaryCtxRetain", |gpu| {
        let retained = gpu.context()?;
        // SAFETY: the caller's pointer.
        unsafe { give("cuDevicePrimaryCtxRetain", context, retained) }
    })
}

/// The context stays: buffers kept for reuse live in it, and the next device made needs it again.
pub unsafe extern "C" fn context_release(_device: c_int) -> i32 {
    quietly("cuDevicePrimaryCtxRelease_v2", |_| Ok(()))
}

/// Called before everything, when tensors are dropped too.
pub unsafe extern "C" fn context_set(context: Handle) -> i32 {
    // Whatever is wrong shows at the next call: see `quietly`.
    aside("cuCtxSetCurrent", |gpu| gpu.enter(context));
    SUCCESS
}

pub unsafe extern "C" fn context_get(context: *mut Handle) -> i32 {
    // SAFETY: the caller's pointer.
    aside("cuCtxGetCurrent", |gpu| unsafe { give("cuCtxGetCurrent", context, gpu.entered()) })
}

pub unsafe extern "C" fn memory_info(free: *mut usize, total: *mut usize) -> i32 {
    aside("cuMemGetInfo_v2", |gpu| {
        let (free_bytes, bytes) = gpu.driver.memory()?;
        // SAFETY: the caller's pointers.
        unsafe { give("cuMemGetInfo_v2", free, free_bytes) }?;
        // SAFETY: as above.
        unsafe { give("cuMemGetInfo_v2", total, bytes) }
    })
}
