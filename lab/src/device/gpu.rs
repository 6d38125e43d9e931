//! A GPU.

#[cfg(test)]
mod copies;
mod open;

pub(crate) use open::prepare;

use std::cell::RefCell;

use cuda::code::Failure;
use cuda::driver::Precision;
use cuda::gpu::{Gpu, gpu};
use cuda::math::Buffer;
use cuda::memory::Usage;
use cudarc::driver::{DevicePtrMut, DeviceSlice, DriverError, sys::CUresult};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{CudaError, Gradients, Tensor};

use super::{Numbers, seed_random};

/// The device that cells build models and tensors on.
pub type Dev = dfdx::tensor::Cuda;

/// What goes wrong on the device.
pub type DevError = CudaError;

/// The device, seeded with 0: the same cells give the same numbers. It may be asked for inside a loop: what layers
/// draw goes on.
///
/// # Panics
/// When the GPU that was chosen can't be used: why, and what to do.
pub fn device() -> Dev {
    seeded(0)
}

/// The device with a seed for whatever it draws: initial weights, random tensors. What layers draw (dropout masks)
/// starts anew from this seed too, as after [`seed_random`]`(seed, 0)`.
///
/// # Panics
/// As [`device`].
pub fn device_seeded(seed: u64) -> Dev {
    seed_random(seed, 0);
    seeded(seed)
}

fn seeded(seed: u64) -> Dev {
    prepare();
    Dev::seed_from_u64(seed)
}

/// Lets numbers be read and changed on the host: copied from the device, and back.
pub(crate) fn edit<R>(numbers: &mut Numbers, edit: impl FnOnce(&mut [f32]) -> R) -> Result<R, DevError> {
    let device = numbers.device();
    let mut copy = device.dtoh_sync_copy(numbers).map_err(CudaError::Driver)?;
    let result = edit(&mut copy);
    device.htod_sync_copy_into(&copy, &mut **numbers).map_err(CudaError::Driver)?;
    Ok(result)
}

thread_local! {
    /// What tensors seem to be copied into when they are asked where they are. Its pages are never touched.
    static NOWHERE: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Where a tensor's numbers are. They must be in row-major order, and are only to be read: others may have them too.
pub(crate) fn buffer<S: Shape, T>(tensor: &Tensor<S, f32, Dev, T>) -> Result<Buffer, DevError> {
    located(tensor.shape().num_elements(), &mut |nowhere| tensor.copy_into(nowhere))
}

/// Where a tensor's numbers are, which are nobody else's after this.
pub(crate) fn own_buffer<S: Shape, T>(tensor: &mut Tensor<S, f32, Dev, T>) -> Result<Buffer, DevError> {
    located(tensor.shape().num_elements(), &mut |nowhere| tensor.copy_from(nowhere))
}

#[inline(never)]
fn located(len: usize, copy: &mut dyn FnMut(&mut [f32])) -> Result<Buffer, DevError> {
    let address = NOWHERE.with_borrow_mut(|nowhere| {
        if nowhere.len() < len {
            *nowhere = vec![0.0; len.next_power_of_two()];
        }
        cuda::gpu::address(|| copy(&mut nowhere[..len]))
    });
    // SAFETY: dfdx copies all of a tensor's numbers from or to where they are, and there are as many as it was given
    // room for.
    address.map(|address| unsafe { Buffer::new(address, len) }).map_err(failed)
}

/// Where the gradient of a tensor is.
///
/// # Panics
/// When there is none.
pub(crate) fn gradient_buffer<S: Shape>(
    gradients: &Gradients<f32, Dev>,
    tensor: &Tensor<S, f32, Dev>,
) -> Result<Buffer, DevError> {
    // dfdx gives gradients out as copies.
    let address = cuda::gpu::source(|| drop(gradients.get(tensor))).map_err(failed)?;
    // SAFETY: a gradient has as many numbers as its tensor.
    Ok(unsafe { Buffer::new(address, tensor.shape().num_elements()) })
}

/// Where a gradient is.
pub(crate) fn buffer_of(numbers: &mut Numbers) -> Buffer {
    let (address, len) = (*numbers.device_ptr_mut(), numbers.len());
    // SAFETY: dfdx allocated it with this length.
    unsafe { Buffer::new(address, len) }
}

/// A failure as dfdx's error. Its words are those of the last failure, which dfdx asks for when it shows the error.
pub(crate) fn failed(failure: Failure) -> DevError {
    let code = match cuda::gpu::report(&failure) {
        1 => CUresult::CUDA_ERROR_INVALID_VALUE,
        2 => CUresult::CUDA_ERROR_OUT_OF_MEMORY,
        100 => CUresult::CUDA_ERROR_NO_DEVICE,
        200 => CUresult::CUDA_ERROR_INVALID_IMAGE,
        300 => CUresult::CUDA_ERROR_INVALID_SOURCE,
        500 => CUresult::CUDA_ERROR_NOT_FOUND,
        700 => CUresult::CUDA_ERROR_ILLEGAL_ADDRESS,
        719 => CUresult::CUDA_ERROR_LAUNCH_FAILED,
        801 => CUresult::CUDA_ERROR_NOT_SUPPORTED,
        _ => CUresult::CUDA_ERROR_UNKNOWN,
    };
    CudaError::Driver(DriverError(code))
}

/// How products of `f32` are computed.
pub fn matmul_precision() -> Precision {
    gpu().map(|gpu| gpu.precision()).unwrap_or_default()
}

/// How products of `f32` are computed from now on: `Fp32` as they stand, `Tf32` (the default on Ampere and newer) with
/// factors rounded to 11 bits, `Bf16` with factors rounded to 8 bits; sums are in `f32`.
pub fn set_matmul_precision(precision: Precision) {
    prepare();
    if let Ok(gpu) = gpu() {
        gpu.set_precision(precision);
        note(gpu);
    }
}

/// What computes: `CPU`, or the GPU's name.
pub fn device_name() -> String {
    match gpu() {
        Ok(gpu) => format!("{} (cuda:{})", gpu.properties.name, gpu.ordinal),
        Err(failure) => failure.to_string(),
    }
}

/// Runs say what computed them, and how.
fn note(gpu: &Gpu) {
    let (name, ordinal, precision) = (&gpu.properties.name, gpu.ordinal, gpu.precision().name());
    tracker::context::computes_on(format!("{name} (cuda:{ordinal}), products in {precision}"));
}

/// What this process uses of the GPU's memory.
pub fn device_memory() -> Usage {
    gpu().map(|gpu| gpu.memory.usage()).unwrap_or_default()
}
