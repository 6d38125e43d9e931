//! What can be said of a loss that is not a number: where it shows in the model.

use dfdx::nn::TensorCollection;
use dfdx::tensor::Gradients;

use super::TrainerError;
use crate::device::Dev;
use crate::train::TrainError;
use crate::train::optimizer::all_finite;
use crate::train::parameters::{Source, read};

/// The error for a loss that is not finite. Weights that are not finite say most; then the first gradient, in the
/// order of the model, that is not; the largest weight tells a model that has run away.
pub(super) fn not_finite<M: TensorCollection<f32, Dev>>(
    model: &M,
    gradients: &mut Gradients<f32, Dev>,
    step: u64,
    loss: f64,
) -> Result<TrainerError, TrainError> {
    let mut seen = Seen::default();
    read(model, true, Source::InPlace(gradients), &mut |name, weights, gradient| {
        seen.look(name, weights, gradient);
        Ok(())
    })?;
    Ok(TrainerError::NotFinite { step, loss, evidence: seen.said() })
}

#[derive(Debug, Default)]
struct Seen {
    weight: Option<String>,
    gradient: Option<String>,
    largest: f32,
    largest_in: String,
}

impl Seen {
    fn look(&mut self, name: &str, weights: &[f32], gradient: &[f32]) {
        if self.weight.is_none() && !all_finite(weights) {
            self.weight = Some(name.to_owned());
        }
        if self.gradient.is_none() && !all_finite(gradient) {
            self.gradient = Some(name.to_owned());
        }
        let largest = weights.iter().fold(0.0, |largest: f32, weight| largest.max(weight.abs()));
        if largest >= self.largest {
            (self.largest, self.largest_in) = (largest, name.to_owned());
        }
    }

    fn said(&self) -> String {
        let largest = format!("the largest weight is {:.3e}, in {}", self.largest, self.largest_in);
        match (&self.weight, &self.gradient) {
            (Some(weight), _) => format!("the weights of {weight} are not finite"),
            (None, Some(gradient)) => {
                format!("of the layers, {gradient} is the first whose gradient is not finite, and {largest}")
            }
            (None, None) => format!("all weights and gradients are finite, and {largest}"),
        }
    }
}
