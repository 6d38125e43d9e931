//! A GPU.

mod open;

use std::cell::RefCell;

use cuda::code::Failure;
use cuda::math::Buffer;
use cudarc::driver::{DevicePtrMut, DeviceSlice, DriverError, sys::CUresult};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{CudaError, Tensor};

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
    open::open();
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
