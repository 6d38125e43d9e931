//! Random numbers by a seed.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::math::double::{cos, ln, sin};

pub(super) fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Uniform in ±`bound`.
#[allow(clippy::cast_possible_truncation)] // drawn in f64, used in f32
pub(super) fn uniform(generator: &mut ChaCha8Rng, len: usize, bound: f64) -> Vec<f32> {
    (0..len).map(|_| ((generator.r#gen::<f64>() * 2.0 - 1.0) * bound) as f32).collect()
}

/// Normal around 0: Box and Muller, *A Note on the Generation of Random Normal Deviates*, 1958.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn normal(generator: &mut ChaCha8Rng, len: usize, deviation: f64) -> Vec<f32> {
    let mut numbers = Vec::with_capacity(len + 1);
    while numbers.len() < len {
        // 1 - [0, 1) is never 0, so the logarithm is finite.
        let radius = (-2.0 * ln(1.0 - generator.r#gen::<f64>())).sqrt() * deviation;
        let angle = generator.r#gen::<f64>() * std::f64::consts::TAU;
        numbers.extend([(radius * cos(angle)) as f32, (radius * sin(angle)) as f32]);
    }
    numbers.truncate(len);
    numbers
}
