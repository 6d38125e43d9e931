//! Averages on a GPU: weights and averages stay there.

use cuda::math::Buffer;
use cuda::math::optimizer::{self, List};
use dfdx::nn::TensorCollection;

use super::{Averages, average};
use crate::device::Dev;
use crate::train::TrainError;
use crate::train::located::{own_weights, weights};
use crate::train::slot::{copied, failed};

/// Moves each average by this share of what is between it and the weights.
pub(super) fn follow<M: TensorCollection<f32, Dev>>(
    averages: &mut Averages,
    model: &M,
    share: f32,
) -> Result<(), TrainError> {
    take(averages, &weights(model)?, share)
}

fn take(averages: &mut Averages, weights: &[(String, Buffer)], share: f32) -> Result<(), TrainError> {
    let mut pairs = (Vec::new(), Vec::new());
    for (name, weights) in weights {
        if averages.contains_key(name) {
            pairs.0.push(*weights);
            pairs.1.push(average(averages, name, weights.len())?.0.buffer());
        } else {
            averages.insert(name.clone(), copied(*weights)?);
        }
    }
    List::new(&[&pairs.0, &pairs.1]).and_then(|list| optimizer::average(&list, share)).map_err(failed)
}

/// Exchanges weights and averages, once all of them are found to fit.
pub(super) fn exchange<M: TensorCollection<f32, Dev>>(
    averages: &mut Averages,
    model: &mut M,
) -> Result<(), TrainError> {
    let places = places(averages, &weights(model)?)?;
    let list = List::new(&[&own_weights(model)?, &places]).map_err(failed)?;
    optimizer::exchange(&list).map_err(failed)
}

/// Where the averages of these weights are.
fn places(averages: &mut Averages, weights: &[(String, Buffer)]) -> Result<Vec<Buffer>, TrainError> {
    weights.iter().map(|(name, weights)| Ok(average(averages, name, weights.len())?.0.buffer())).collect()
}
