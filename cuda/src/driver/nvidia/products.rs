//! Products by cuBLAS: always through its `Ex` functions, which are told how exactly to multiply.

use std::ffi::{c_int, c_void};

use parking_lot::Mutex;

use super::table::Blas;
use crate::code::{Failure, INVALID_VALUE, LAUNCH_FAILED, NOT_SUPPORTED, OUT_OF_MEMORY, Outcome};
use crate::driver::{Element, Handle, Precision, Product};

/// `CUDA_R_32F`, `CUDA_R_64F`.
const SINGLE: c_int = 0;
const DOUBLE: c_int = 1;

/// `CUBLAS_GEMM_DEFAULT`.
const DEFAULT_ALGORITHM: c_int = -1;

/// cuBLAS on one device.
pub(super) struct Products {
    calls: Blas,
    /// The handle, and the stream that it is set to. One product is begun at a time.
    state: Mutex<Option<(Handle, Handle)>>,
}

impl Products {
    pub(super) fn new(calls: Blas) -> Self {
        Self { calls, state: Mutex::new(None) }
    }

    /// # Safety
    /// As [`crate::driver::Driver::multiply`]; the device's context is this thread's.
    pub(super) unsafe fn multiply(&self, product: &Product) -> Outcome<()> {
        let mut state = self.state.lock();
        let handle = self.ready(&mut state, product.stream)?;
        let (alpha, beta) = (factor(product, product.alpha), factor(product, product.beta));
        let (alpha, beta) = (alpha.as_ptr().cast::<c_void>(), beta.as_ptr().cast::<c_void>());
        let kind = if product.element == Element::F32 { SINGLE } else { DOUBLE };
        let Product { m, n, k, a, b, c, batch, .. } = *product;
        let operation = |transposed: bool| c_int::from(transposed);
        // SAFETY: the factors live until the call is done, and cuBLAS reads them there; the rest is the caller's word.
        let status = unsafe {
            if batch == 1 {
                (self.calls.multiply)(
                    handle,
                    operation(a.transposed),
                    operation(b.transposed),
                    m,
                    n,
                    k,
                    alpha,
                    a.address,
                    kind,
                    a.leading,
                    b.address,
                    kind,
                    b.leading,
                    beta,
                    c.address,
                    kind,
                    c.leading,
                    compute(product),
                    DEFAULT_ALGORITHM,
                )
            } else {
                (self.calls.multiply_batch)(
                    handle,
                    operation(a.transposed),
                    operation(b.transposed),
                    m,
                    n,
                    k,
                    alpha,
                    a.address,
                    kind,
                    a.leading,
                    a.stride,
                    b.address,
                    kind,
                    b.leading,
                    b.stride,
                    beta,
                    c.address,
                    kind,
                    c.leading,
                    c.stride,
                    batch,
                    compute(product),
                    DEFAULT_ALGORITHM,
                )
            }
        };
        outcome("cublasGemmEx", status)
    }

    /// The handle, made at the first product, and set to a stream.
    fn ready(&self, state: &mut Option<(Handle, Handle)>, stream: Handle) -> Outcome<Handle> {
        let (handle, current) = match *state {
            Some(known) => known,
            None => {
                let mut handle = 0;
                // SAFETY: it writes one handle.
                outcome("cublasCreate_v2", unsafe { (self.calls.create)(&raw mut handle) })?;
                // A new handle works on the default stream.
                *state.insert((handle, crate::driver::DEFAULT_STREAM))
            }
        };
        if current != stream {
            // SAFETY: the handle is ours, the stream the caller's.
            outcome("cublasSetStream_v2", unsafe { (self.calls.set_stream)(handle, stream) })?;
            *state = Some((handle, stream));
        }
        Ok(handle)
    }
}

/// `cublasComputeType_t`: `CUBLAS_COMPUTE_32F`, `_32F_FAST_TF32`, `_32F_FAST_16BF`, `_64F`.
fn compute(product: &Product) -> c_int {
    match (product.element, product.precision) {
        (Element::F64, _) => 70,
        (Element::F32, Precision::Fp32) => 68,
        (Element::F32, Precision::Tf32) => 77,
        (Element::F32, Precision::Bf16) => 75,
    }
}

/// The bytes of a factor, as wide as the elements.
#[allow(clippy::cast_possible_truncation)] // it came as an f32
fn factor(product: &Product, value: f64) -> [u64; 1] {
    match product.element {
        // The first four bytes, where cuBLAS reads a float.
        Element::F32 => [u64::from_ne_bytes({
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&(value as f32).to_ne_bytes());
            bytes
        })],
        Element::F64 => [value.to_bits()],
    }
}

/// `cublasStatus_t` as a failure of the device.
fn outcome(call: &'static str, status: c_int) -> Outcome<()> {
    let (code, reason) = match status {
        0 => return Ok(()),
        1 => (crate::code::UNKNOWN, "cuBLAS could not start: its libraries and the driver may not fit together"),
        3 => (OUT_OF_MEMORY, "no room on the GPU for cuBLAS's workspace: free some, or use a smaller batch"),
        7 => (INVALID_VALUE, "a shape or a stride that cuBLAS refuses"),
        8 | 15 => (NOT_SUPPORTED, "this GPU or this cuBLAS does not offer the product at this precision"),
        _ => (LAUNCH_FAILED, "the product failed on the GPU"),
    };
    Err(Failure::because(call, code, reason))
}
