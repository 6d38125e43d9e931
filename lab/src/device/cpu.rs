//! The processor.

use cuda::driver::Precision;
use cuda::memory::Usage;

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

/// There is nothing to open.
pub(crate) fn prepare() {
    tracker::context::computes_on("CPU".to_owned());
}

/// How products of `f32` are computed: on the processor always as they stand.
pub fn matmul_precision() -> Precision {
    Precision::Fp32
}

/// How products of `f32` are computed from now on. On the processor it changes nothing.
pub fn set_matmul_precision(_: Precision) {}

/// What computes: `CPU`, or the GPU's name.
pub fn device_name() -> String {
    "CPU".to_owned()
}

/// What this process uses of a GPU's memory; of the processor's, see the system metrics of a run.
pub fn device_memory() -> Usage {
    Usage::default()
}
