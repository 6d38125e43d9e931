//! The softmax of a row, in place, written so that the compiler makes vector instructions of it.

use crate::math::{double, exp};

/// How many numbers are summed side by side.
const LANES: usize = 8;

/// Turns a row of scores into probabilities, and returns the logarithm of the sum of the exponentials of
/// the scores less the highest, and the highest.
pub(super) fn softmax(row: &mut [f32]) -> LogSum {
    let highest = highest(row);
    for score in row.iter_mut() {
        *score = exp(*score - highest);
    }
    let sum = sum(row);
    let scale = 1.0 / sum;
    for share in row.iter_mut() {
        *share *= scale;
    }
    LogSum { highest, log: double::ln(f64::from(sum)) }
}

/// The logarithm of a sum of exponentials.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogSum {
    highest: f32,
    log: f64,
}

impl LogSum {
    /// The negative logarithm of the probability of a score.
    pub(super) fn surprise(&self, score: f32) -> f64 {
        // The difference of two f32 of similar size is exact, so it is taken first.
        self.log - f64::from(score - self.highest)
    }
}

fn highest(row: &[f32]) -> f32 {
    let mut best = [f32::NEG_INFINITY; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (best, &value) in best.iter_mut().zip(chunk) {
            *best = if value > *best { value } else { *best };
        }
    }
    best.iter().chain(rest).fold(f32::NEG_INFINITY, |best, &value| if value > best { value } else { best })
}

fn sum(row: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum()
}

/// The scalar product.
pub(super) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (left, left_rest) = left.as_chunks::<LANES>();
    let (right, right_rest) = right.as_chunks::<LANES>();
    for (left, right) in left.iter().zip(right) {
        for ((sum, left), right) in sums.iter_mut().zip(left).zip(right) {
            *sum += left * right;
        }
    }
    let rest: f32 = left_rest.iter().zip(right_rest).map(|(left, right)| left * right).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_of_any_size_become_probabilities() {
        let mut row: Vec<f32> = (0..21).map(|score| 1e4 + score as f32).collect();
        let log = softmax(&mut row);
        assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        assert!((f64::from(row[20]).ln() + log.surprise(1e4 + 20.0)).abs() < 1e-6);
        let mut row = [0.0, f32::NAN, 1.0];
        softmax(&mut row);
        assert!(row.iter().all(|share| share.is_nan()));
    }
}
