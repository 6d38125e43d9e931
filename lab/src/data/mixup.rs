//! Rows mixed with each other, so that a model learns what is between them.

use rand::seq::SliceRandom;
use rand::{Rng, RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::DataError;
use super::augment::normal;
use crate::math::single::{ln, powf};

/// Mixes each row of a batch with another one, and their targets alike: `λ a + (1 - λ) b`, with λ drawn from
/// Beta(alpha, alpha) for the batch (Zhang et al., *mixup*, 2018). `x` holds rows of `width` numbers, `y` rows of
/// `classes`; 0.2 is a usual alpha.
///
/// # Errors
/// When the two do not have the same number of whole rows.
pub fn mixup(
    x: &mut [f32],
    width: usize,
    y: &mut [f32],
    classes: usize,
    alpha: f32,
    seed: u64,
) -> Result<(), DataError> {
    let rows = x.len() / width.max(1);
    if x.len() != rows * width || y.len() != rows * classes || rows == 0 {
        let what = format!("{} numbers in rows of {width} and {} in rows of {classes} don't pair", x.len(), y.len());
        return Err(DataError::Shape { what });
    }
    mix([x, y], rows, alpha, seed);
    Ok(())
}

/// Mixes `rows` rows of features and of targets alike; both must be whole rows.
pub(super) fn mix(both: [&mut [f32]; 2], rows: usize, alpha: f32, seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let share = beta(&mut random, alpha.max(f32::MIN_POSITIVE));
    let mut partners: Vec<usize> = (0..rows).collect();
    partners.shuffle(&mut random);
    for values in both {
        let (before, width) = (values.to_vec(), values.len() / rows.max(1));
        for (row, partner) in values.chunks_exact_mut(width.max(1)).zip(&partners) {
            let other = &before[partner * width..(partner + 1) * width];
            row.iter_mut().zip(other).for_each(|(value, other)| *value = share * *value + (1.0 - share) * other);
        }
    }
}

/// A number from Beta(a, a): of two from Gamma(a), the share of the first.
fn beta(random: &mut dyn RngCore, a: f32) -> f32 {
    let (first, second) = (gamma(random, a), gamma(random, a));
    if first + second > 0.0 { first / (first + second) } else { 0.5 }
}

/// A number from Gamma(a, 1) (Marsaglia and Tsang, 2000; below 1 by their note in section 6).
fn gamma(random: &mut dyn RngCore, a: f32) -> f32 {
    if a < 1.0 {
        let uniform: f32 = random.gen_range(f32::MIN_POSITIVE..1.0);
        return gamma(random, a + 1.0) * powf(uniform, 1.0 / a);
    }
    let d = a - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(random);
        let v = (1.0 + c * x).powi(3);
        let uniform: f32 = random.gen_range(f32::MIN_POSITIVE..1.0);
        if v > 0.0 && ln(uniform) < 0.5 * x * x + d - d * v + d * ln(v) {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixup_mixes_targets_as_features() {
        let (mut x, mut y) = (vec![0.0, 1.0, 2.0, 3.0], vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0]);
        mixup(&mut x, 1, &mut y, 2, 1.0, 3).expect("four rows");
        // Rows 0 and 1 are of the first class, so the second target is the share of rows 2 and 3.
        assert!(y.chunks(2).all(|row| (row[0] + row[1] - 1.0).abs() < 1e-6), "{y:?}");
        assert!((x.iter().sum::<f32>() - 6.0).abs() < 1e-5, "{x:?}");
        assert!(mixup(&mut [0.0; 3], 1, &mut [0.0; 4], 2, 0.2, 1).is_err());
    }

    #[test]
    fn beta_has_the_right_mean_and_spread() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for a in [0.2_f32, 1.0, 4.0] {
            let drawn: Vec<f32> = (0..20_000).map(|_| beta(&mut random, a)).collect();
            let mean = drawn.iter().sum::<f32>() / 20_000.0;
            let variance = drawn.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / 20_000.0;
            assert!((mean - 0.5).abs() < 0.01, "{a}: {mean}");
            assert!((variance - 1.0 / (4.0 * (2.0 * a + 1.0))).abs() < 0.005, "{a}: {variance}");
        }
    }
}
