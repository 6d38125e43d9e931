//! The functions that dfdx calls, under the names and with the prototypes that CUDA's headers give them. Each only
//! turns its arguments into a call of the [`crate::driver::Driver`] and the outcome into a number.
//!
//! Whoever calls them has CUDA's contract to keep: pointers valid, handles ours. That is what the `unsafe` blocks in
//! here rest on, and what dfdx and cudarc are written for.
#![allow(clippy::missing_safety_doc, clippy::too_many_arguments)]

pub mod blas;
pub mod device;
pub mod error;
pub mod memory;
pub mod module;
pub mod nvrtc;
pub mod stream;
mod symbols;
pub mod unused;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::code::{Failure, INVALID_VALUE, Outcome, SUCCESS, UNKNOWN, known};
use crate::gpu::{Gpu, gpu, remember};

pub use symbols::keep;

/// Answers a call: 0, or the number of what went wrong, which is remembered with its words. A panic must not leave
/// a function that C's rules hold for: it would end the process.
fn answer(call: &'static str, work: impl FnOnce(&Gpu) -> Outcome<()>) -> i32 {
    coded(call, || gpu().and_then(|gpu| gpu.attempt(work)))
}

/// The same for what asks nothing of the device now.
fn aside(call: &'static str, work: impl FnOnce(&Gpu) -> Outcome<()>) -> i32 {
    coded(call, || gpu().and_then(|gpu| gpu.attempt_aside(work)))
}

fn coded(call: &'static str, attempt: impl FnOnce() -> Outcome<()>) -> i32 {
    let outcome = catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
        Err(Failure::because(call, UNKNOWN, "assay itself failed: see the message before this one"))
    });
    match outcome {
        Ok(()) => SUCCESS,
        Err(failure) => {
            remember(&Failure { call, ..failure.clone() });
            known(failure.code)
        }
    }
}

/// As [`answer`], for what is called while something is dropped: cudarc panics where such a call fails, and a panic
/// during another one ends the process. Whatever is wrong shows at the next call.
fn quietly(call: &'static str, work: impl FnOnce(&Gpu) -> Outcome<()>) -> i32 {
    answer(call, work);
    SUCCESS
}

/// Writes what a call gives back where its caller wants it.
///
/// # Safety
/// `to` is null or may be written to.
unsafe fn give<T>(call: &'static str, to: *mut T, value: T) -> Outcome<()> {
    if to.is_null() {
        return Err(Failure::because(call, INVALID_VALUE, "nowhere to write the result to"));
    }
    // SAFETY: not null, and the caller says that it may be written to.
    unsafe { to.write(value) };
    Ok(())
}
