//! The processor.

use super::{Numbers, seed_random};

/// The device that cells build models and tensors on.
pub type Dev = dfdx::tensor::Cpu;

/// What goes wrong on the device.
pub type DevError = dfdx::tensor::CpuError;

/// The device, seeded with 0: the same cells give the same numbers. It may be asked for inside a loop: what layers
/// draw goes on.
pub fn device() -> Dev {
    Dev::seed_from_u64(0)
}

/// The device with a seed for whatever it draws: initial weights, random tensors. What layers draw (dropout masks)
/// starts anew from this seed too, as after [`seed_random`]`(seed, 0)`.
pub fn device_seeded(seed: u64) -> Dev {
    seed_random(seed, 0);
    Dev::seed_from_u64(seed)
}

/// Lets numbers be read and changed where they are.
#[allow(clippy::unnecessary_wraps)] // a GPU may fail
pub(crate) fn edit<R>(numbers: &mut Numbers, edit: impl FnOnce(&mut [f32]) -> R) -> Result<R, DevError> {
    Ok(edit(numbers))
}
