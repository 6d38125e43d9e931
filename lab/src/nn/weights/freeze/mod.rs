//! Weights that stay as they are while the others train.

#[cfg(feature = "gpu")]
mod gpu;

use dfdx::nn::TensorCollection;

use super::{Weights, WeightsError};
use crate::device::Dev;

/// Weights of a model that are not to be changed, chosen by the start of their names. It holds their numbers and
/// puts them back after a step, so it works with any optimizer, weight decay and momentum included:
///
/// ```no_run
/// # use lab::prelude::*;
/// # let mut model = device().build_module::<(Linear<2, 2>, Linear<2, 1>), f32>();
/// # let (mut adam, gradients) = (Adam::new(0.1), model.alloc_grads());
/// let frozen = Frozen::new(&model, &["0"])?;
/// adam.update(&mut model, &gradients)?;
/// frozen.restore(&mut model);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Frozen {
    weights: Weights,
    #[cfg(feature = "gpu")]
    kept: gpu::Kept,
}

impl Frozen {
    /// Holds the weights that are called one of these names, or whose names go on after one of them with a
    /// full stop: `0` is `0.weight` and `0.bias`, but not `01.weight`.
    ///
    /// # Errors
    /// When a name is not that of any weight.
    pub fn new<M: TensorCollection<f32, Dev>, P: AsRef<str>>(model: &M, prefixes: &[P]) -> Result<Self, WeightsError> {
        let all = Weights::of(model);
        if let Some(prefix) =
            prefixes.iter().find(|prefix| !all.names().iter().any(|name| starts(name, prefix.as_ref())))
        {
            let (prefix, names) = (prefix.as_ref().to_owned(), all.names().join(", "));
            return Err(WeightsError::NoSuchWeight { prefix, names });
        }
        let frozen = |name: &str| prefixes.iter().any(|prefix| starts(name, prefix.as_ref()));
        Ok(Self {
            #[cfg(feature = "gpu")]
            kept: gpu::Kept::of(model, &all.names().iter().map(|name| frozen(name)).collect::<Vec<_>>()),
            weights: all.renamed(|name| frozen(name).then(|| name.to_owned())),
        })
    }

    /// Gives the model these weights back.
    pub fn restore<M: TensorCollection<f32, Dev>>(&self, model: &mut M) {
        #[cfg(feature = "gpu")]
        if self.kept.put_back(model) {
            return;
        }
        self.weights.load_into(model);
    }

    /// Whether a weight is frozen, by its name.
    pub fn contains(&self, name: &str) -> bool {
        self.weights.get(name).is_some()
    }

    /// The names of the frozen weights.
    pub fn names(&self) -> Vec<&str> {
        self.weights.names()
    }
}

fn starts(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
