//! Stochastic gradient descent.

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::optimizer::{Memory, Optimizer, nonnegative, share};
use crate::display::{MimeBundle, Show};

/// Stochastic gradient descent, with momentum if wanted. Steps as `torch.optim.SGD` without dampening;
/// Nesterov's momentum as in Sutskever et al., *On the importance of initialization and momentum in deep
/// learning*, 2013, in the form that takes the gradient at the current weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sgd {
    /// How far a step goes; may be changed between steps.
    pub learning_rate: f64,
    /// The share of the last step's direction that is kept: 0 if not set, often 0.9.
    pub momentum: f64,
    /// Whether the direction is looked up one step ahead.
    pub nesterov: bool,
    /// The share of a weight that is added to its gradient (L2).
    pub weight_decay: f64,
    #[serde(skip)]
    memory: Memory,
}

impl Sgd {
    /// Plain descent: no momentum and no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, nesterov: false, weight_decay: 0.0, memory: Memory::default() }
    }

    /// The same with momentum.
    pub fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, nesterov: false, ..self }
    }

    /// The same with Nesterov's momentum.
    pub fn with_nesterov(self, momentum: f64) -> Self {
        Self { momentum, nesterov: true, ..self }
    }

    /// The same with weight decay: `weight_decay` times the weight is added to its gradient.
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Sgd {
    super::optimizer::fields!("SGD");

    fn buffers(&self) -> &'static [&'static str] {
        &["momentum_buffer"]
    }

    fn check(&self) -> Result<(), TrainError> {
        nonnegative("the learning rate", self.learning_rate)?;
        nonnegative("the weight decay", self.weight_decay)?;
        share("the momentum", self.momentum)
    }

    #[allow(clippy::cast_possible_truncation)] // used in f32 as the weights are
    fn step(&self, _: u64, weights: &mut [f32], gradient: &[f32], buffers: &mut [Vec<f32>]) {
        let [rate, momentum, decay] = [self.learning_rate, self.momentum, self.weight_decay].map(|value| value as f32);
        let nesterov = self.nesterov;
        for ((weight, &gradient), direction) in weights.iter_mut().zip(gradient).zip(&mut buffers[0]) {
            let gradient = gradient + decay * *weight;
            *direction = momentum * *direction + gradient;
            *weight -= rate * if nesterov { gradient + momentum * *direction } else { *direction };
        }
    }

    #[cfg(feature = "gpu")]
    #[allow(clippy::cast_possible_truncation)]
    fn step_on_gpu(&self, _: u64, parameters: &super::optimizer::gpu::Parameters) -> cuda::code::Outcome<()> {
        let [rate, momentum, decay] = [self.learning_rate, self.momentum, self.weight_decay].map(|value| value as f32);
        let step = cuda::math::optimizer::Sgd { rate, momentum, decay, nesterov: self.nesterov };
        step.step(parameters.list())
    }
}

impl Show for Sgd {
    fn show(&self) -> MimeBundle {
        let Self { learning_rate, momentum, weight_decay, memory, .. } = self;
        let kind = if self.nesterov { "Nesterov momentum" } else { "momentum" };
        let step = memory.step();
        MimeBundle::new().with_text(format!(
            "SGD after {step} steps: learning rate {learning_rate}, {kind} {momentum}, weight decay {weight_decay}"
        ))
    }
}
