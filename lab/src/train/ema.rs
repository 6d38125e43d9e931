//! A moving average of the weights, which often predicts better than the last weights do.

use std::collections::BTreeMap;

use dfdx::nn::TensorCollection;
use serde::{Deserialize, Serialize};

use super::TrainError;
use super::optimizer::share;
use super::parameters::{Numbers, Source, change, read};
use crate::device::Dev;

/// The exponential moving average of a model's trainable weights: after each step,
/// `average = decay · average + (1 - decay) · weight`. Polyak and Juditsky, 1992; as
/// `torch.optim.swa_utils.get_ema_multi_avg_fn`, so the first update takes the weights as they are.
///
/// ```ignore
/// let mut ema = Ema::new(0.999)?;
/// // after each step
/// ema.update(&model)?;
/// // to evaluate: the averages go into the model, and back
/// ema.swap(&mut model)?;
/// let tested = test.evaluate(&model, &dev)?;
/// ema.swap(&mut model)?;
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ema {
    decay: f64,
    updates: u64,
    averages: BTreeMap<String, Vec<f32>>,
}

impl Ema {
    /// An average of nothing yet.
    ///
    /// # Errors
    /// When the decay is not from 0 to below 1.
    pub fn new(decay: f64) -> Result<Self, TrainError> {
        share("the decay", decay)?;
        Ok(Self { decay, updates: 0, averages: BTreeMap::new() })
    }

    /// An average as it was saved.
    pub(super) fn restored(decay: f64, updates: u64, averages: Vec<(String, Vec<f32>)>) -> Self {
        Self { decay, updates, averages: averages.into_iter().collect() }
    }

    /// The share of an average that stays in an update.
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// How many updates were made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The averages, by the name of the parameter.
    pub fn averages(&self) -> &BTreeMap<String, Vec<f32>> {
        &self.averages
    }

    /// Takes in the weights as they are now.
    ///
    /// # Errors
    /// When a parameter has another size than before: another model.
    pub fn update<M: TensorCollection<f32, Dev>>(&mut self, model: &M) -> Result<(), TrainError> {
        read(model, true, Source::Nowhere, &mut |name, weights, _| self.take(name, weights))?;
        self.updates += 1;
        Ok(())
    }

    /// Exchanges the model's weights and the averages; a second call brings both back.
    ///
    /// # Errors
    /// When there is no average of a parameter, or it has another size. Then nothing has been changed.
    pub fn swap<M: TensorCollection<f32, Dev>>(&mut self, model: &mut M) -> Result<(), TrainError> {
        let mut order = Vec::new();
        read(model, true, Source::Nowhere, &mut |name, weights, _| {
            order.push(name.to_owned());
            self.fits(name, weights.len())
        })?;
        let mut names = order.iter();
        change(model, &mut Numbers::default(), &mut |weights| self.exchange(names.next(), weights))
    }

    fn fits(&self, name: &str, len: usize) -> Result<(), TrainError> {
        let average = self.averages.get(name);
        let average = average.ok_or_else(|| TrainError::NotAveraged { parameter: name.to_owned() })?;
        same_size(name, average.len(), len)
    }

    fn exchange(&mut self, name: Option<&String>, weights: &mut [f32]) {
        if let Some(average) = name.and_then(|name| self.averages.get_mut(name)) {
            average.swap_with_slice(weights);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // used in f32 as the weights are
    fn take(&mut self, name: &str, weights: &[f32]) -> Result<(), TrainError> {
        let Some(average) = self.averages.get_mut(name) else {
            self.averages.insert(name.to_owned(), weights.to_vec());
            return Ok(());
        };
        same_size(name, average.len(), weights.len())?;
        let share = (1.0 - self.decay) as f32;
        for (average, weight) in average.iter_mut().zip(weights) {
            *average += share * (weight - *average);
        }
        Ok(())
    }
}

fn same_size(name: &str, expected: usize, got: usize) -> Result<(), TrainError> {
    if expected == got { Ok(()) } else { Err(TrainError::OtherModel { parameter: name.to_owned(), expected, got }) }
}
