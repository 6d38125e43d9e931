//! Adam and AdamW.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::TrainError;
use super::optimizer::{Memory, Optimizer, nonnegative, share};
use crate::display::{MimeBundle, Show};

/// The Adam optimizer: Kingma and Ba, *Adam: A Method for Stochastic Optimization*, 2015, algorithm 1.
///
/// Steps as `torch.optim.Adam`; with [`Adam::with_weight_decay`] as `torch.optim.AdamW`, with
/// [`Adam::with_l2`] as `torch.optim.Adam(weight_decay=...)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// How far a step goes; may be changed between steps.
    pub learning_rate: f64,
    /// How much of the past the means of gradient and squared gradient keep: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the squared gradient: 1e-8.
    pub epsilon: f64,
    /// Decoupled weight decay (AdamW): the share of a weight, times the learning rate, taken away each step.
    pub weight_decay: f64,
    /// The share of a weight that is added to its gradient (L2).
    pub l2: f64,
    #[serde(skip)]
    memory: Memory,
}

impl Adam {
    /// Adam with this learning rate, betas 0.9 and 0.999, epsilon 1e-8 and no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.0,
            l2: 0.0,
            memory: Memory::default(),
        }
    }

    /// The same with other betas.
    pub fn with_betas(self, first: f64, second: f64) -> Self {
        Self { betas: [first, second], ..self }
    }

    /// The same with another epsilon.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// The same with decoupled weight decay: Loshchilov and Hutter, *Decoupled Weight Decay
    /// Regularization*, 2019.
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// The same with `l2` times the weight added to its gradient. What `torch.optim.Adam` calls weight decay.
    pub fn with_l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }
}

impl Optimizer for Adam {
    super::optimizer::fields!("Adam");

    fn buffers(&self) -> &'static [&'static str] {
        &["exp_avg", "exp_avg_sq"]
    }

    fn check(&self) -> Result<(), TrainError> {
        nonnegative("the learning rate", self.learning_rate)?;
        nonnegative("epsilon", self.epsilon)?;
        nonnegative("the weight decay", self.weight_decay)?;
        nonnegative("the L2 factor", self.l2)?;
        share("the first beta", self.betas[0])?;
        share("the second beta", self.betas[1])
    }

    fn step(&self, steps: u64, weights: &mut [f32], gradient: &[f32], buffers: &mut [Vec<f32>]) {
        let [first, second] = buffers else { return };
        Rates::new(self, steps).step(weights, gradient, first, second);
    }

    #[cfg(feature = "gpu")]
    fn step_on_gpu(&self, steps: u64, parameters: &super::optimizer::gpu::Parameters) -> cuda::code::Outcome<()> {
        let Rates { beta, rest, rate, unbias, epsilon, keep, l2 } = Rates::new(self, steps);
        let step = cuda::math::optimizer::Adam { beta, rest, rate, unbias, epsilon, keep, l2 };
        step.step(parameters.list())
    }
}

impl Adam {
    fn described(&self, name: &str) -> MimeBundle {
        let Self { learning_rate, betas: [beta1, beta2], weight_decay, memory, .. } = self;
        let step = memory.step();
        MimeBundle::new().with_text(format!(
            "{name} after {step} steps: learning rate {learning_rate}, betas {beta1} and {beta2}, weight decay {weight_decay}"
        ))
    }
}

impl Show for Adam {
    fn show(&self) -> MimeBundle {
        self.described(self.name())
    }
}

/// The numbers of one step, as the loop uses them.
struct Rates {
    beta: [f32; 2],
    /// 1 - beta, taken before rounding: of 0.999, f32 would leave four digits.
    rest: [f32; 2],
    rate: f32,
    unbias: f32,
    epsilon: f32,
    keep: f32,
    l2: f32,
}

impl Rates {
    #[allow(clippy::cast_possible_truncation)] // computed in f64, used in f32 as the weights are
    fn new(adam: &Adam, steps: u64) -> Self {
        let &Adam { learning_rate, betas, epsilon, weight_decay, l2, .. } = adam;
        // Past 2^31 steps the powers are 0 in any case.
        let steps = i32::try_from(steps).unwrap_or(i32::MAX);
        Self {
            beta: betas.map(|beta| beta as f32),
            rest: betas.map(|beta| (1.0 - beta) as f32),
            rate: (learning_rate / (1.0 - betas[0].powi(steps))) as f32,
            unbias: (1.0 / (1.0 - betas[1].powi(steps))) as f32,
            epsilon: epsilon as f32,
            keep: (1.0 - learning_rate * weight_decay) as f32,
            l2: l2 as f32,
        }
    }

    fn step(&self, weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let ([beta1, beta2], [rest1, rest2]) = (self.beta, self.rest);
        let moments = first.iter_mut().zip(second);
        for ((weight, &gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(moments) {
            let gradient = gradient + self.l2 * *weight;
            *first = beta1 * *first + rest1 * gradient;
            *second = beta2 * *second + rest2 * gradient * gradient;
            let root = (*second * self.unbias).sqrt() + self.epsilon;
            *weight = self.keep * *weight - self.rate * *first / root;
        }
    }
}

/// Adam with decoupled weight decay: Loshchilov and Hutter, *Decoupled Weight Decay Regularization*, 2019.
/// The same as [`Adam`] but that weight decay is on from the start. Steps as `torch.optim.AdamW`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AdamW(Adam);

impl AdamW {
    /// AdamW with this learning rate, betas 0.9 and 0.999, epsilon 1e-8 and weight decay 0.01.
    pub fn new(learning_rate: f64) -> Self {
        Self(Adam::new(learning_rate).with_weight_decay(0.01))
    }

    /// The same with other betas.
    pub fn with_betas(self, first: f64, second: f64) -> Self {
        Self(self.0.with_betas(first, second))
    }

    /// The same with another epsilon.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self(self.0.with_epsilon(epsilon))
    }

    /// The same with another weight decay.
    pub fn with_weight_decay(self, weight_decay: f64) -> Self {
        Self(self.0.with_weight_decay(weight_decay))
    }
}

impl Optimizer for AdamW {
    fn learning_rate(&self) -> f64 {
        self.0.learning_rate
    }

    fn set_learning_rate(&mut self, learning_rate: f64) {
        self.0.learning_rate = learning_rate;
    }

    fn name(&self) -> &'static str {
        "AdamW"
    }

    fn settings(&self) -> Value {
        self.0.settings()
    }

    fn set_settings(&mut self, settings: &Value) -> Result<(), serde_json::Error> {
        self.0.set_settings(settings)
    }

    fn buffers(&self) -> &'static [&'static str] {
        self.0.buffers()
    }

    fn check(&self) -> Result<(), TrainError> {
        self.0.check()
    }

    fn step(&self, steps: u64, weights: &mut [f32], gradient: &[f32], buffers: &mut [Vec<f32>]) {
        self.0.step(steps, weights, gradient, buffers);
    }

    fn memory(&self) -> &Memory {
        self.0.memory()
    }

    fn memory_mut(&mut self) -> &mut Memory {
        self.0.memory_mut()
    }

    #[cfg(feature = "gpu")]
    fn step_on_gpu(&self, steps: u64, parameters: &super::optimizer::gpu::Parameters) -> cuda::code::Outcome<()> {
        self.0.step_on_gpu(steps, parameters)
    }
}

impl Show for AdamW {
    fn show(&self) -> MimeBundle {
        self.0.described(self.name())
    }
}
