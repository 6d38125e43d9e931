//! The numbers that layers draw while they train. A generator's place can be said in two numbers, so training that
//! goes on from a checkpoint draws what it would have drawn.

use std::cell::RefCell;

use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

thread_local! {
    static GENERATOR: RefCell<ChaCha8Rng> = RefCell::new(place(0, 0));
}

/// Places the generator that layers on this thread draw from (dropout masks) where it depends on the seed and the
/// step only. A training loop that calls it at the start of each step draws the same when it is resumed at any step.
pub fn seed_random(seed: u64, step: u64) {
    GENERATOR.set(place(seed, step));
}

/// Each step is a stream of its own, so steps draw nothing in common.
fn place(seed: u64, step: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(step);
    generator
}

/// A seed for what one operation draws.
pub(crate) fn random_key() -> u64 {
    GENERATOR.with_borrow_mut(RngCore::next_u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::device_seeded;

    #[test]
    fn keys_depend_on_the_seed_and_the_step_only() {
        let keys = || [random_key(), random_key()];
        seed_random(3, 7);
        let first = keys();
        assert_ne!(first[0], first[1]);
        for (seed, step) in [(3, 8), (4, 7), (3, 0)] {
            seed_random(seed, step);
            assert_ne!(keys(), first, "{seed}, {step}");
        }
        seed_random(3, 7);
        assert_eq!(keys(), first);
        device_seeded(5);
        let of_device = keys();
        seed_random(5, 0);
        assert_eq!(keys(), of_device);
    }
}
