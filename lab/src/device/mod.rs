//! Where tensors live. `Dev` is one type that all of a notebook's tensors and models share.

/// The device that cells build models and tensors on.
pub type Dev = dfdx::tensor::Cpu;

/// The device, seeded with 0: the same cells give the same numbers.
pub fn device() -> Dev {
    device_seeded(0)
}

/// The device with a seed for whatever it draws: initial weights, dropout masks, random tensors.
pub fn device_seeded(seed: u64) -> Dev {
    Dev::seed_from_u64(seed)
}

/// (to come)
pub fn seed_random(_seed: u64, _step: u64) {}
