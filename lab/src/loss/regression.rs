//! Losses of numbers.

use dfdx::shapes::Shape;
use dfdx::tensor::{Tape, Tensor};

use super::LossError;
use super::error::positive;
use super::fused::{Loss, fused, rounded, target};
use crate::device::Dev;

/// The mean of the squared differences, as `torch.nn.functional.mse_loss`.
///
/// # Errors
/// When the shapes differ or are empty; shapes that the compiler knows can't.
pub fn mse_loss<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    #[cfg(feature = "gpu")]
    {
        super::gpu::distance(prediction, wanted, cuda::math::loss::Distance::Squared)
    }
    #[cfg(not(feature = "gpu"))]
    {
        let wanted = target(&prediction, wanted)?;
        fused(prediction, &mut |numbers| squared(numbers, &wanted))
    }
}

/// The mean of the absolute differences, as `torch.nn.functional.l1_loss`. Where there is no difference,
/// the gradient is 0.
///
/// # Errors
/// As [`mse_loss`].
pub fn mae_loss<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
) -> Result<Loss<T>, LossError> {
    #[cfg(feature = "gpu")]
    {
        super::gpu::distance(prediction, wanted, cuda::math::loss::Distance::Absolute)
    }
    #[cfg(not(feature = "gpu"))]
    {
        let wanted = target(&prediction, wanted)?;
        fused(prediction, &mut |numbers| absolute(numbers, &wanted))
    }
}

/// Half the squared difference up to `delta`, and a line that continues it beyond, so that outliers count
/// less; their mean. Huber, *Robust Estimation of a Location Parameter*, 1964; as
/// `torch.nn.functional.huber_loss`.
///
/// # Errors
/// As [`mse_loss`], or when `delta` is not above 0.
#[allow(clippy::cast_possible_truncation)] // used in f32 as the predictions are
pub fn huber_loss<S: Shape, T: Tape<f32, Dev>>(
    prediction: Tensor<S, f32, Dev, T>,
    wanted: Tensor<S, f32, Dev>,
    delta: impl Into<f64>,
) -> Result<Loss<T>, LossError> {
    let delta = delta.into();
    positive("delta", delta)?;
    #[cfg(feature = "gpu")]
    {
        super::gpu::distance(prediction, wanted, cuda::math::loss::Distance::Huber(delta as f32))
    }
    #[cfg(not(feature = "gpu"))]
    {
        let wanted = target(&prediction, wanted)?;
        fused(prediction, &mut |numbers| huber(numbers, &wanted, delta as f32))
    }
}

fn squared(numbers: &mut [f32], wanted: &[f32]) -> Result<f64, LossError> {
    mean(numbers, wanted, |difference| (difference * difference, 2.0 * difference))
}

fn absolute(numbers: &mut [f32], wanted: &[f32]) -> Result<f64, LossError> {
    mean(numbers, wanted, |difference| (difference.abs(), sign(difference)))
}

fn huber(numbers: &mut [f32], wanted: &[f32], delta: f32) -> Result<f64, LossError> {
    mean(numbers, wanted, |difference| {
        if difference.abs() <= delta {
            (0.5 * difference * difference, difference)
        } else {
            (delta * (difference.abs() - 0.5 * delta), delta * sign(difference))
        }
    })
}

/// The mean of a loss of each difference; `loss` gives value and derivative.
#[allow(clippy::cast_precision_loss)] // counts are far below 2^52
fn mean(numbers: &mut [f32], wanted: &[f32], loss: impl Fn(f32) -> (f32, f32)) -> Result<f64, LossError> {
    if numbers.is_empty() {
        return Err(LossError::Empty);
    }
    let count = numbers.len() as f64;
    let share = rounded(1.0 / count);
    let mut sum = 0.0;
    for (number, wanted) in numbers.iter_mut().zip(wanted) {
        let (value, derivative) = loss(*number - wanted);
        sum += f64::from(value);
        *number = derivative * share;
    }
    Ok(sum / count)
}

fn sign(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { value.signum() }
}
