//! The softmax of a row, in place, written so that the compiler makes vector instructions of it.

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
    LogSum { highest, log: f64::from(sum).ln() }
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

/// e to a power that is not above 0, within 2 units in the last place: e^x = 2^n · e^r with n the whole
/// number nearest to x / ln 2, and e^r by its Taylor series to r^7. Below -87 it is 0. NaN stays NaN.
///
/// std's is a call for each number, which no compiler can turn into vector instructions.
fn exp(x: f32) -> f32 {
    /// Adding this leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts: the first has so few bits that its product with n is exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let shifted = if x > -87.0 { x } else { -87.0 } * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let r = (x - whole * LN_2[0]) - whole * LN_2[1];
    let mut series = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * r + factor;
    }
    let power = f32::from_bits(shifted.to_bits().wrapping_sub(ROUND.to_bits()).wrapping_add(127) << 23);
    if x < -87.0 { 0.0 } else { series * power }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_right_to_the_last_places() {
        let mut worst = 0.0f64;
        for step in 0..870_000u32 {
            let x = -f64::from(step) * 1e-4;
            #[allow(clippy::cast_possible_truncation)]
            let x = x as f32;
            let exact = f64::from(x).exp();
            worst = worst.max((f64::from(exp(x)) - exact).abs() / exact);
        }
        assert!(worst < 2.0 * f64::from(f32::EPSILON), "{worst}");
        assert_eq!([exp(0.0), exp(-88.0), exp(f32::NEG_INFINITY)], [1.0, 0.0, 0.0]);
        assert!(exp(f32::NAN).is_nan());
    }

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
