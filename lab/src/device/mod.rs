//! Where tensors live. `Dev` is one type that all of a notebook's tensors and models share: the processor, or, where
//! lab is built with its feature `gpu`, a GPU.

#[cfg(not(feature = "gpu"))]
mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
mod random;
#[cfg(test)]
mod trial;

use dfdx::tensor::{CpuError, Storage};

#[cfg(not(feature = "gpu"))]
pub use cpu::{
    Dev, DevError, device, device_memory, device_name, device_seeded, matmul_precision, set_matmul_precision,
};
#[cfg(not(feature = "gpu"))]
pub(crate) use cpu::{edit, prepare};
pub use cuda::driver::Precision;
pub use cuda::memory::Usage;
#[cfg(feature = "gpu")]
pub use gpu::{
    Dev, DevError, device, device_memory, device_name, device_seeded, matmul_precision, set_matmul_precision,
};
#[cfg(feature = "gpu")]
pub(crate) use gpu::{buffer, buffer_of, edit, failed, gradient_buffer, own_buffer, prepare};
pub(crate) use random::random_key;
pub use random::seed_random;

/// The numbers of a tensor or of a gradient, as the device keeps them.
pub(crate) type Numbers = <Dev as Storage<f32>>::Vec;

/// The error for as many numbers as no shape here has.
#[cfg_attr(not(feature = "gpu"), allow(clippy::useless_conversion))] // there it is an error of the processor itself
pub(crate) fn wrong_size() -> DevError {
    CpuError::WrongNumElements.into()
}
