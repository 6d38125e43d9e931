//! RMSprop.

use serde::{Deserialize, Serialize};

use super::TrainError;
use super::optimizer::{Memory, Optimizer, nonnegative, share};
use crate::display::{MimeBundle, Show};

/// RMSprop: steps divided by the root of a running mean of the squared gradient. Hinton, lecture 6e of
/// *Neural Networks for Machine Learning*, 2012; steps as `torch.optim.RMSprop`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RMSprop {
    /// How far a step goes; may be changed between steps.
    pub learning_rate: f64,
    /// How much of the past the mean of the squared gradient keeps: 0.99.
    pub alpha: f64,
    /// Added to the root of that mean: 1e-8.
    pub epsilon: f64,
    /// The share of the last step's direction that is kept: 0 if not set.
    pub momentum: f64,
    /// Whether the mean of the gradient is taken out of that of its square, which leaves its variance.
    pub centered: bool,
    /// The share of a weight that is added to its gradient (L2).
    pub weight_decay: f64,
    #[serde(skip)]
    memory: Memory,
}

impl RMSprop {
    /// RMSprop with this learning rate, alpha 0.99 and epsilon 1e-8; no momentum, not centered, no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            alpha: 0.99,
            epsilon: 1e-8,
            momentum: 0.0,
            centered: false,
            weight_decay: 0.0,
            memory: Memory::default(),
        }
    }

    /// The same with momentum.
    pub fn with_momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// The same, divided by the root of the gradient's variance instead of its mean square.
    pub fn centered(self) -> Self {
        Self { centered: true, ..self }
    }

    /// The same with weight decay: `weight_decay` times the weight is added to its gradient.
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for RMSprop {
    super::optimizer::fields!("RMSprop");

    fn buffers(&self) -> &'static [&'static str] {
        &["square_avg", "grad_avg", "momentum_buffer"]
    }

    fn check(&self) -> Result<(), TrainError> {
        nonnegative("the learning rate", self.learning_rate)?;
        nonnegative("epsilon", self.epsilon)?;
        nonnegative("the weight decay", self.weight_decay)?;
        share("alpha", self.alpha)?;
        share("the momentum", self.momentum)
    }

    #[allow(clippy::cast_possible_truncation)] // used in f32 as the weights are
    fn step(&self, _: u64, weights: &mut [f32], gradient: &[f32], buffers: &mut [Vec<f32>]) {
        let [rate, alpha, epsilon, momentum, decay] =
            [self.learning_rate, self.alpha, self.epsilon, self.momentum, self.weight_decay].map(|value| value as f32);
        let [squares, means, directions] = buffers else { return };
        let rest = (1.0 - self.alpha) as f32;
        let centered = if self.centered { 1.0 } else { 0.0 };
        let kept = squares.iter_mut().zip(means).zip(directions);
        for ((weight, &gradient), ((square, mean), direction)) in weights.iter_mut().zip(gradient).zip(kept) {
            let gradient = gradient + decay * *weight;
            *square = alpha * *square + rest * gradient * gradient;
            *mean = alpha * *mean + rest * gradient;
            // Rounding can leave a variance just below zero.
            let root = (*square - centered * *mean * *mean).max(0.0).sqrt() + epsilon;
            *direction = momentum * *direction + gradient / root;
            *weight -= rate * *direction;
        }
    }

    #[cfg(feature = "gpu")]
    #[allow(clippy::cast_possible_truncation)]
    fn step_on_gpu(&self, _: u64, parameters: &super::optimizer::gpu::Parameters) -> cuda::code::Outcome<()> {
        let [rate, alpha, epsilon, momentum, decay] =
            [self.learning_rate, self.alpha, self.epsilon, self.momentum, self.weight_decay].map(|value| value as f32);
        let (rest, centered) = ((1.0 - self.alpha) as f32, self.centered);
        let step = cuda::math::optimizer::RmsProp { rate, alpha, rest, epsilon, momentum, decay, centered };
        step.step(parameters.list())
    }
}

impl Show for RMSprop {
    fn show(&self) -> MimeBundle {
        let Self { learning_rate, alpha, momentum, weight_decay, memory, .. } = self;
        let step = memory.step();
        MimeBundle::new().with_text(format!(
            "RMSprop after {step} steps: learning rate {learning_rate}, alpha {alpha}, momentum {momentum}, weight decay {weight_decay}"
        ))
    }
}
