//! cuBLAS: products of matrices. All of its functions here are one [`Product`]; how exactly an `f32` is multiplied is
//! the [`crate::driver::Precision`] of the device.

use std::ffi::{c_int, c_longlong};
use std::sync::atomic::Ordering::Relaxed;

use super::{answer, give};
use crate::code::{Failure, INVALID_VALUE, OUT_OF_MEMORY, Outcome};
use crate::driver::{Address, DEFAULT_STREAM, Element, Handle, Matrix, Product};

/// `cublasStatus_t`.
const NOT_INITIALIZED: i32 = 1;
const ALLOC_FAILED: i32 = 3;
const INVALID: i32 = 7;
const EXECUTION_FAILED: i32 = 13;
const NOT_SUPPORTED: i32 = 15;

/// What callers hold: on which stream products run.
#[derive(Debug)]
pub struct Blas {
    stream: Handle,
}

/// A handle as callers hold it.
pub type BlasPointer = *mut Blas;

pub unsafe extern "C" fn create(handle: *mut BlasPointer) -> i32 {
    let made = Box::into_raw(Box::new(Blas { stream: DEFAULT_STREAM }));
    // SAFETY: the caller's pointer.
    unsafe { give("cublasCreate_v2", handle, made) }.map_or(NOT_INITIALIZED, |()| 0)
}

pub unsafe extern "C" fn destroy(handle: BlasPointer) -> i32 {
    if !handle.is_null() {
        // SAFETY: `create` made it, and the caller no longer uses it.
        drop(unsafe { Box::from_raw(handle) });
    }
    0
}

pub unsafe extern "C" fn set_stream(handle: BlasPointer, stream: Handle) -> i32 {
    // SAFETY: null, or `create` made it; callers use a handle from one thread at a time.
    match unsafe { handle.as_mut() } {
        Some(handle) => {
            handle.stream = stream;
            0
        }
        None => NOT_INITIALIZED,
    }
}

/// Multiplies, and answers with a status of cuBLAS's.
///
/// # Safety
/// What cuBLAS demands of a handle and matrices.
unsafe fn multiply(call: &'static str, handle: BlasPointer, product: impl FnOnce() -> Outcome<Product>) -> i32 {
    // SAFETY: null, or `create` made it.
    let Some(stream) = (unsafe { handle.as_ref() }).map(|handle| handle.stream) else { return NOT_INITIALIZED };
    let code = answer(call, |gpu| {
        let product = Product { stream, precision: gpu.precision(), ..product()? };
        if product.m == 0 || product.n == 0 || product.batch == 0 {
            return Ok(());
        }
        gpu.counts.products.fetch_add(1, Relaxed);
        // SAFETY: the caller's matrices are as large as it says.
        unsafe { gpu.driver.multiply(&product) }
    });
    match code {
        0 => 0,
        OUT_OF_MEMORY => ALLOC_FAILED,
        INVALID_VALUE => INVALID,
        _ => EXECUTION_FAILED,
    }
}

/// # Safety
/// `number` is null or may be read.
unsafe fn read<T: Copy + Into<f64>>(number: *const T) -> Outcome<f64> {
    // SAFETY: the caller's word.
    unsafe { number.as_ref() }
        .map(|number| (*number).into())
        .ok_or_else(|| Failure::because("cublas", INVALID_VALUE, "no factor before the product"))
}

/// `CUBLAS_OP_N` is 0; a conjugate transpose is a transpose where numbers are real.
fn matrix(address: Address, leading: c_int, stride: c_longlong, operation: c_int) -> Matrix {
    Matrix { address, leading, stride, transposed: operation != 0 }
}

macro_rules! products {
    ($element:ident, $number:ty, $one:ident $one_name:literal, $batched:ident $batched_name:literal, $vector:ident $vector_name:literal) => {
        pub unsafe extern "C" fn $batched(
            handle: BlasPointer,
            operation_a: c_int,
            operation_b: c_int,
            m: c_int,
            n: c_int,
            k: c_int,
            alpha: *const $number,
            a: Address,
            leading_a: c_int,
            stride_a: c_longlong,
            b: Address,
            leading_b: c_int,
            stride_b: c_longlong,
            beta: *const $number,
            c: Address,
            leading_c: c_int,
            stride_c: c_longlong,
            batch: c_int,
        ) -> i32 {
            let product = || {
                Ok(Product {
                    element: Element::$element,
                    m,
                    n,
                    k,
                    // SAFETY: the caller's pointers; cuBLAS reads them on the host unless told otherwise.
                    alpha: unsafe { read(alpha) }?,
                    // SAFETY: as above.
                    beta: unsafe { read(beta) }?,
                    a: matrix(a, leading_a, stride_a, operation_a),
                    b: matrix(b, leading_b, stride_b, operation_b),
                    c: matrix(c, leading_c, stride_c, 0),
                    batch,
                    precision: Default::default(),
                    stream: DEFAULT_STREAM,
                })
            };
            // SAFETY: the same contract.
            unsafe { multiply($batched_name, handle, product) }
        }

        pub unsafe extern "C" fn $one(
            handle: BlasPointer,
            operation_a: c_int,
            operation_b: c_int,
            m: c_int,
            n: c_int,
            k: c_int,
            alpha: *const $number,
            a: Address,
            leading_a: c_int,
            b: Address,
            leading_b: c_int,
            beta: *const $number,
            c: Address,
            leading_c: c_int,
        ) -> i32 {
            // SAFETY: the same contract.
            unsafe {
                $batched(
                    handle,
                    operation_a,
                    operation_b,
                    m,
                    n,
                    k,
                    alpha,
                    a,
                    leading_a,
                    0,
                    b,
                    leading_b,
                    0,
                    beta,
                    c,
                    leading_c,
                    0,
                    1,
                )
            }
        }

        /// A matrix times a vector is a product with one column.
        pub unsafe extern "C" fn $vector(
            handle: BlasPointer,
            operation: c_int,
            m: c_int,
            n: c_int,
            alpha: *const $number,
            a: Address,
            leading: c_int,
            x: Address,
            step_x: c_int,
            beta: *const $number,
            y: Address,
            step_y: c_int,
        ) -> i32 {
            if step_x != 1 || step_y != 1 {
                return NOT_SUPPORTED;
            }
            let (rows, inner) = if operation == 0 { (m, n) } else { (n, m) };
            // SAFETY: the same contract.
            unsafe { $one(handle, operation, 0, rows, 1, inner, alpha, a, leading, x, inner, beta, y, rows) }
        }
    };
}

products!(F32, f32, sgemm "cublasSgemm_v2", sgemm_batched "cublasSgemmStridedBatched", sgemv "cublasSgemv_v2");
products!(F64, f64, dgemm "cublasDgemm_v2", dgemm_batched "cublasDgemmStridedBatched", dgemv "cublasDgemv_v2");
