//! How weights start.

use dfdx::shapes::Shape;
use dfdx::tensor::{CpuError, Tensor};
use rand::distributions::Uniform;

use crate::device::Dev;

/// Uniform in ±1/√`fan_in`, with the device's own generator: what `build_module` does, as in PyTorch.
#[allow(clippy::cast_precision_loss)] // sizes of layers are far below 2^24
pub(crate) fn reset_uniform<S: Shape>(tensor: &mut Tensor<S, f32, Dev>, fan_in: usize) -> Result<(), CpuError> {
    let bound = 1.0 / (fan_in.max(1) as f32).sqrt();
    tensor.try_fill_with_distr(Uniform::new_inclusive(-bound, bound))
}
