//! A moving average of the weights, which often predicts better than the last weights do.

#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
mod host;

use std::collections::BTreeMap;

use dfdx::nn::TensorCollection;
use serde::{Deserialize, Serialize};

#[cfg(feature = "gpu")]
use self::gpu::{exchange, follow};
#[cfg(not(feature = "gpu"))]
use self::host::{exchange, follow};
use super::TrainError;
use super::optimizer::share;
use super::slot::{self, Slot};
use crate::device::Dev;

/// The averages, by the name of the parameter.
type Averages = BTreeMap<String, Slot>;

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
    averages: Averages,
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
    pub(super) fn restored(decay: f64, updates: u64, averages: Vec<(String, Vec<f32>)>) -> Result<Self, TrainError> {
        let placed = averages.into_iter().map(|(name, numbers)| Ok((name, slot::of(numbers)?)));
        Ok(Self { decay, updates, averages: placed.collect::<Result<_, TrainError>>()? })
    }

    /// The share of an average that stays in an update.
    pub fn decay(&self) -> f64 {
        self.decay
    }

    /// How many updates were made.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// A copy of the averages, by the name of the parameter.
    pub fn averages(&self) -> BTreeMap<String, Vec<f32>> {
        self.averages.iter().map(|(name, average)| (name.clone(), slot::numbers(average))).collect()
    }

    /// Takes in the weights as they are now.
    ///
    /// # Errors
    /// When a parameter has another size than before: another model.
    #[allow(clippy::cast_possible_truncation)] // used in f32 as the weights are
    pub fn update<M: TensorCollection<f32, Dev>>(&mut self, model: &M) -> Result<(), TrainError> {
        follow(&mut self.averages, model, (1.0 - self.decay) as f32)?;
        self.updates += 1;
        Ok(())
    }

    /// Exchanges the model's weights and the averages; a second call brings both back.
    ///
    /// # Errors
    /// When there is no average of a parameter, or it has another size. Then nothing has been changed.
    pub fn swap<M: TensorCollection<f32, Dev>>(&mut self, model: &mut M) -> Result<(), TrainError> {
        exchange(&mut self.averages, model)
    }
}

/// The average of a parameter with so many weights.
fn average<'a>(averages: &'a mut Averages, name: &str, len: usize) -> Result<&'a mut Slot, TrainError> {
    let average = averages.get_mut(name).ok_or_else(|| TrainError::NotAveraged { parameter: name.to_owned() })?;
    let expected = slot::len(average);
    if expected == len {
        Ok(average)
    } else {
        Err(TrainError::OtherModel { parameter: name.to_owned(), expected, got: len })
    }
}
