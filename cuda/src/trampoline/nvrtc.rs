//! NVRTC: some of dfdx's kernels are text with a type to be filled in, compiled when they are first needed. They go
//! the way of all others, through [`crate::driver::Driver::load`]; the "PTX" that callers get is the module's number.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;

use super::{answer, give};
use crate::code::{Failure, INVALID_VALUE, Outcome};
use crate::driver::Handle;
use crate::gpu::last_failure;
use crate::kernels::{self, Unit};

/// What an image begins with that names a module.
pub(super) const IMAGE: &str = "assay:";

/// `NVRTC_ERROR_INVALID_PROGRAM`, `NVRTC_ERROR_COMPILATION`.
const INVALID_PROGRAM: i32 = 4;
const COMPILATION: i32 = 6;

/// A text on its way to a module.
#[derive(Debug)]
pub struct Program {
    unit: Unit,
    module: Option<Handle>,
    log: String,
}

/// A program as callers hold it.
pub type ProgramPointer = *mut Program;

pub unsafe extern "C" fn create(
    program: *mut ProgramPointer,
    source: *const c_char,
    _name: *const c_char,
    _headers: c_int,
    _texts: *const *const c_char,
    _names: *const *const c_char,
) -> i32 {
    if source.is_null() {
        return INVALID_PROGRAM;
    }
    // SAFETY: not null, and the caller's text ends with a zero.
    let text = unsafe { CStr::from_ptr(source) }.to_string_lossy().into_owned();
    let unit = kernels::unit("a kernel made at run time", text);
    let made = Box::into_raw(Box::new(Program { unit, module: None, log: String::new() }));
    // SAFETY: the caller's pointer.
    unsafe { give("nvrtcCreateProgram", program, made) }.map_or(INVALID_PROGRAM, |()| 0)
}

pub unsafe extern "C" fn destroy(program: *mut ProgramPointer) -> i32 {
    // SAFETY: the caller's pointer to a program that `create` made, which it no longer uses.
    unsafe {
        if !program.is_null() && !(*program).is_null() {
            drop(Box::from_raw(*program));
        }
    }
    0
}

/// Options say for which architecture, and where to look for headers: both are known here.
pub unsafe extern "C" fn compile(program: ProgramPointer, _count: c_int, _options: *const *const c_char) -> i32 {
    // SAFETY: a program that `create` made, used by nobody else meanwhile.
    let Some(program) = (unsafe { program.as_mut() }) else { return INVALID_PROGRAM };
    let code = answer("nvrtcCompileProgram", |gpu| {
        program.module = Some(gpu.module(&program.unit)?);
        Ok(())
    });
    program.log = last_failure().filter(|_| code != 0).map_or_else(String::new, |failure| failure.to_string());
    if code == 0 { 0 } else { COMPILATION }
}

pub unsafe extern "C" fn image_size(program: ProgramPointer, size: *mut usize) -> i32 {
    // SAFETY: a program that `create` made.
    let image = unsafe { image(program) };
    // SAFETY: the caller's pointer.
    status(image.and_then(|image| unsafe { give("nvrtcGetPTXSize", size, image.len() + 1) }))
}

pub unsafe extern "C" fn get_image(program: ProgramPointer, to: *mut c_char) -> i32 {
    // SAFETY: a program that `create` made, and room for as many bytes as `image_size` said.
    status(unsafe { image(program).and_then(|image| write("nvrtcGetPTX", &image, to)) })
}

pub unsafe extern "C" fn log_size(program: ProgramPointer, size: *mut usize) -> i32 {
    // SAFETY: a program that `create` made, and the caller's pointer.
    status(unsafe { log(program).and_then(|log| give("nvrtcGetProgramLogSize", size, log.len() + 1)) })
}

pub unsafe extern "C" fn get_log(program: ProgramPointer, to: *mut c_char) -> i32 {
    // SAFETY: a program that `create` made, and room for as many bytes as `log_size` said.
    status(unsafe { log(program).and_then(|log| write("nvrtcGetProgramLog", log, to)) })
}

fn status(outcome: Outcome<()>) -> i32 {
    if outcome.is_ok() { 0 } else { INVALID_PROGRAM }
}

/// # Safety
/// `program` is null or one that `create` made.
unsafe fn image(program: ProgramPointer) -> Outcome<String> {
    // SAFETY: the caller's word.
    let module = unsafe { program.as_ref() }.and_then(|program| program.module);
    module.map(|module| format!("{IMAGE}{module}")).ok_or_else(|| no_program("nvrtcGetPTX"))
}

/// # Safety
/// `program` is null or one that `create` made and that lives as long as the result.
unsafe fn log<'a>(program: ProgramPointer) -> Outcome<&'a str> {
    // SAFETY: the caller's word.
    unsafe { program.as_ref() }.map(|program| program.log.as_str()).ok_or_else(|| no_program("nvrtcGetProgramLog"))
}

fn no_program(call: &'static str) -> Failure {
    Failure::because(call, INVALID_VALUE, "no program, or it is not compiled")
}

/// # Safety
/// `to` is null or has room for the text and a zero.
unsafe fn write(call: &'static str, text: &str, to: *mut c_char) -> Outcome<()> {
    if to.is_null() {
        return Err(no_program(call));
    }
    // SAFETY: not null, and the caller says that there is room.
    unsafe {
        ptr::copy_nonoverlapping(text.as_ptr().cast(), to, text.len());
        to.add(text.len()).write(0);
    }
    Ok(())
}
