//! dfdx on NVIDIA's GPUs, in one build for every machine.
//!
//! dfdx is compiled with its feature `cuda`, but nothing of NVIDIA's is linked: the functions of the driver, of NVRTC
//! and of cuBLAS that it calls are defined here ([`trampoline`]) and answered by a [`driver::Driver`]: NVIDIA's own
//! libraries, opened at run time where they are, or the processor of this machine.

pub mod choice;
pub mod code;
pub mod driver;
mod fills;
pub mod gpu;
pub mod kernels;
pub mod library;
pub mod math;
pub mod memory;
pub mod nvrtc;
pub mod probe;
mod shape;
pub mod trampoline;
