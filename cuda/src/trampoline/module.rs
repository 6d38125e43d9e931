//! Modules and their kernels. dfdx was built without machine code: the image it gives is empty, and its kernels are
//! found by their names. What [`super::nvrtc`] compiled is found by the number in its image.

use std::ffi::{CStr, c_char, c_void};

use super::nvrtc::IMAGE;
use super::{answer, give, quietly};
use crate::code::{Failure, INVALID_IMAGE, INVALID_VALUE};
use crate::driver::Handle;

/// The module of all of dfdx's kernels, and ours.
const BUILT_IN: Handle = usize::MAX;

pub unsafe extern "C" fn load(_module: *mut Handle, _file: *const c_char) -> i32 {
    answer("cuModuleLoad", |_| Err(not_source("cuModuleLoad")))
}

pub unsafe extern "C" fn load_data(module: *mut Handle, image: *const c_void) -> i32 {
    answer("cuModuleLoadData", |gpu| {
        // SAFETY: the image is text that ends with a zero, as both dfdx's and NVRTC's are.
        let text = unsafe { text("cuModuleLoadData", image.cast()) }?;
        let found = match text.strip_prefix(IMAGE).map(str::parse) {
            _ if text.is_empty() => BUILT_IN,
            Some(Ok(handle)) if gpu.has_module(handle) => handle,
            _ => return Err(not_source("cuModuleLoadData")),
        };
        // SAFETY: the caller's pointer.
        unsafe { give("cuModuleLoadData", module, found) }
    })
}

/// A compiled file stays loaded: the next one to ask for it has it at once.
pub unsafe extern "C" fn unload(_module: Handle) -> i32 {
    quietly("cuModuleUnload", |_| Ok(()))
}

pub unsafe extern "C" fn function(function: *mut Handle, module: Handle, name: *const c_char) -> i32 {
    answer("cuModuleGetFunction", |gpu| {
        // SAFETY: the caller's text, which ends with a zero.
        let name = unsafe { text("cuModuleGetFunction", name) }?;
        let found = if module == BUILT_IN { gpu.kernel(name)? } else { gpu.driver.function(module, name)? };
        // SAFETY: the caller's pointer.
        unsafe { give("cuModuleGetFunction", function, found) }
    })
}

fn not_source(call: &'static str) -> Failure {
    Failure::because(call, INVALID_IMAGE, "kernels are loaded from CUDA C++ (compile_ptx), not from a file or from PTX")
}

/// # Safety
/// `text` is null, or ends with a zero and lives as long as the result.
unsafe fn text<'a>(call: &'static str, text: *const c_char) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::because(call, INVALID_VALUE, "no text"));
    }
    // SAFETY: not null, and the rest is the caller's word.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Failure::because(call, INVALID_IMAGE, "not text"))
}
