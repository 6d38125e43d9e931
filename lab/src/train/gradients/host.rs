//! What is done to gradients, on the processor.

use dfdx::nn::TensorCollection;
use dfdx::tensor::Gradients;

use super::Penalty;
use crate::device::Dev;
use crate::train::TrainError;
use crate::train::optimizer::all_finite;
use crate::train::parameters::{Source, read};

/// The sum of the squares of all gradients.
pub(super) fn squares<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
) -> Result<f64, TrainError> {
    let mut total = 0.0;
    read(model, false, Source::InPlace(gradients), &mut |name, _, gradient| {
        finite(name, gradient)?;
        total += sum_of_squares(gradient);
        Ok(())
    })?;
    Ok(total)
}

/// Limits each number to `-limit ..= limit`.
pub(super) fn clamp<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    limit: f32,
) -> Result<(), TrainError> {
    read(model, false, Source::InPlace(gradients), &mut |name, _, gradient| {
        finite(name, gradient)?;
        limit_to(gradient, limit);
        Ok(())
    })
}

/// Multiplies each number.
pub(super) fn scale<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    factor: f32,
) -> Result<(), TrainError> {
    read(model, false, Source::InPlace(gradients), &mut |_, _, gradient| {
        multiply(gradient, factor);
        Ok(())
    })
}

/// Adds the gradient of a penalty; gives the penalty over its strength.
pub(super) fn add_penalty<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    strength: f32,
    penalty: Penalty,
) -> Result<f64, TrainError> {
    let mut total = 0.0;
    read(model, true, Source::InPlace(gradients), &mut |_, weights, gradient| {
        total += match penalty {
            Penalty::L1 => add_l1(weights, gradient, strength),
            Penalty::L2 => add_l2(weights, gradient, strength),
        };
        Ok(())
    })?;
    Ok(total)
}

fn add_l1(weights: &[f32], gradient: &mut [f32], strength: f32) -> f64 {
    let mut sum = 0.0;
    for (weight, gradient) in weights.iter().zip(gradient) {
        sum += f64::from(weight.abs());
        if *weight != 0.0 {
            *gradient += strength.copysign(*weight);
        }
    }
    sum
}

fn add_l2(weights: &[f32], gradient: &mut [f32], strength: f32) -> f64 {
    for (weight, gradient) in weights.iter().zip(gradient) {
        *gradient += 2.0 * strength * weight;
    }
    sum_of_squares(weights)
}

fn limit_to(gradient: &mut [f32], limit: f32) {
    gradient.iter_mut().for_each(|value| *value = value.clamp(-limit, limit));
}

fn multiply(gradient: &mut [f32], factor: f32) {
    gradient.iter_mut().for_each(|value| *value *= factor);
}

fn sum_of_squares(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value) * f64::from(value)).sum()
}

fn finite(name: &str, gradient: &[f32]) -> Result<(), TrainError> {
    if all_finite(gradient) { Ok(()) } else { Err(TrainError::GradientNotFinite { parameter: name.to_owned() }) }
}
