//! Averages on the processor.

use dfdx::nn::TensorCollection;

use super::{Averages, average};
use crate::device::Dev;
use crate::train::TrainError;
use crate::train::parameters::{Numbers, Source, change, read};

/// Moves each average by this share of what is between it and the weights.
pub(super) fn follow<M: TensorCollection<f32, Dev>>(
    averages: &mut Averages,
    model: &M,
    share: f32,
) -> Result<(), TrainError> {
    read(model, true, Source::Nowhere, &mut |name, weights, _| take(averages, name, weights, share))
}

fn take(averages: &mut Averages, name: &str, weights: &[f32], share: f32) -> Result<(), TrainError> {
    if !averages.contains_key(name) {
        averages.insert(name.to_owned(), weights.to_vec());
        return Ok(());
    }
    for (average, weight) in average(averages, name, weights.len())?.iter_mut().zip(weights) {
        *average += share * (weight - *average);
    }
    Ok(())
}

/// Exchanges weights and averages, once all of them are found to fit.
pub(super) fn exchange<M: TensorCollection<f32, Dev>>(
    averages: &mut Averages,
    model: &mut M,
) -> Result<(), TrainError> {
    let mut order = Vec::new();
    read(model, true, Source::Nowhere, &mut |name, weights, _| {
        order.push(name.to_owned());
        average(averages, name, weights.len()).map(drop)
    })?;
    let mut names = order.iter();
    change(model, &mut Numbers::default(), &mut |weights| {
        if let Some(average) = names.next().and_then(|name| averages.get_mut(name)) {
            average.swap_with_slice(weights);
        }
    })
}
