//! Losses of numbers.

use cuda::math::loss::Distance;
use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::fused::{against, anything, rounded};
use crate::device::Dev;
use crate::loss::LossError;
use crate::loss::shape::Loss;

/// The mean distance of a prediction from what was wanted.
pub(in crate::loss) fn distance<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    distance: Distance,
) -> Result<Loss<T>, LossError> {
    against(prediction, wanted, anything, &mut |numbers, wanted| compute(numbers, wanted, distance))
}

fn compute(numbers: &mut [f32], wanted: &[f32], distance: Distance) -> f64 {
    match distance {
        Distance::Squared => mean(numbers, wanted, |difference| (difference * difference, 2.0 * difference)),
        Distance::Absolute => mean(numbers, wanted, |difference| (difference.abs(), sign(difference))),
        Distance::Huber(delta) => mean(numbers, wanted, |difference| {
            if difference.abs() <= delta {
                (0.5 * difference * difference, difference)
            } else {
                (delta * (difference.abs() - 0.5 * delta), delta * sign(difference))
            }
        }),
    }
}

/// The mean of a loss of each difference; `loss` gives value and derivative.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn mean(numbers: &mut [f32], wanted: &[f32], loss: impl Fn(f32) -> (f32, f32)) -> f64 {
    let count = numbers.len() as f64;
    let share = rounded(1.0 / count);
    let mut sum = 0.0;
    for (number, wanted) in numbers.iter_mut().zip(wanted) {
        let (value, derivative) = loss(*number - wanted);
        sum += f64::from(value);
        *number = derivative * share;
    }
    sum / count
}

fn sign(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { value.signum() }
}
