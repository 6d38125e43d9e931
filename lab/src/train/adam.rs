//! Adam with its loop over the weights compiled once, here, instead of in each cell that trains.
//!
//! Kingma and Ba, *Adam: A Method for Stochastic Optimization*, 2015, algorithm 1; decoupled weight decay
//! as in Loshchilov and Hutter, 2019.

use dfdx::nn::TensorCollection;
use dfdx::nn::tensor_collection::{RecursiveWalker, TensorOptions, TensorVisitor, ViewTensorMut};
use dfdx::shapes::{HasShape, Shape};
use dfdx::tensor::{Gradients, Tensor};

use crate::device::Dev;
use crate::display::{MimeBundle, Show};

/// The Adam optimizer. It keeps two numbers for each weight, found again by the order of the weights in
/// the model, so one optimizer belongs to one model.
#[derive(Debug, Clone, PartialEq)]
pub struct Adam {
    /// How far a step goes; may be changed between steps.
    pub learning_rate: f64,
    /// How much of the past the means of gradient and squared gradient keep: 0.9 and 0.999.
    pub betas: [f64; 2],
    /// Added to the root of the squared gradient: 1e-8.
    pub epsilon: f64,
    /// Decoupled weight decay (AdamW): the share of a weight, times the learning rate, taken away each step.
    pub weight_decay: f64,
    step: i32,
    moments: Vec<Moments>,
    scratch: Scratch,
}

/// A step that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The optimizer was made for a model with other weights.
    #[error(
        "the optimizer holds {expected} numbers for parameter {index}, but the model has {got}: make an optimizer for each model"
    )]
    OtherModel { index: usize, expected: usize, got: usize },

    /// A gradient is NaN or infinite; the weights have not been changed by it.
    #[error("step {step}: the gradient of parameter {index} is not finite; a lower learning rate may help")]
    NotFinite { step: i32, index: usize },
}

#[derive(Debug, Clone, PartialEq)]
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Scratch {
    weights: Vec<f32>,
    gradient: Vec<f32>,
}

impl Adam {
    /// Adam with this learning rate, betas 0.9 and 0.999, epsilon 1e-8 and no weight decay.
    pub fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.0,
            step: 0,
            moments: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// The same with decoupled weight decay.
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = weight_decay;
        self
    }

    /// Changes the model's weights by one step against the gradients.
    ///
    /// # Errors
    /// When a gradient is not finite, or the optimizer was used for another model before.
    ///
    /// # Panics
    /// When the gradients were made without `model.alloc_grads()` and the loss does not depend on a weight.
    pub fn update<M: TensorCollection<f32, Dev>>(
        &mut self,
        model: &mut M,
        gradients: &Gradients<f32, Dev>,
    ) -> Result<(), TrainError> {
        self.step += 1;
        let mut step = Step { adam: self, gradients, index: 0 };
        M::iter_tensors(&mut RecursiveWalker { m: model, f: &mut step }).map(drop)
    }

    /// Makes the step for the weights in `scratch`.
    fn apply(&mut self, index: usize) -> Result<(), TrainError> {
        let Scratch { weights, gradient } = &mut self.scratch;
        if index == self.moments.len() {
            self.moments.push(Moments { first: vec![0.0; weights.len()], second: vec![0.0; weights.len()] });
        }
        let Moments { first, second } = &mut self.moments[index];
        if first.len() != weights.len() {
            return Err(TrainError::OtherModel { index, expected: first.len(), got: weights.len() });
        }
        if !gradient.iter().all(|value| value.is_finite()) {
            return Err(TrainError::NotFinite { step: self.step, index });
        }
        let rates = Rates::new(self.learning_rate, self.betas, self.epsilon, self.weight_decay, self.step);
        rates.step(weights, gradient, first, second);
        Ok(())
    }
}

impl Show for Adam {
    fn show(&self) -> MimeBundle {
        let Self { learning_rate, betas: [beta1, beta2], weight_decay, step, .. } = self;
        MimeBundle::new().with_text(format!(
            "Adam after {step} steps: learning rate {learning_rate}, betas {beta1} and {beta2}, weight decay {weight_decay}"
        ))
    }
}

/// Visits the weights of a model; all that is compiled in a cell.
struct Step<'a> {
    adam: &'a mut Adam,
    gradients: &'a Gradients<f32, Dev>,
    index: usize,
}

impl TensorVisitor<f32, Dev> for Step<'_> {
    type Viewer = ViewTensorMut;
    type Err = TrainError;
    type E2 = f32;
    type D2 = Dev;

    fn visit<S: Shape>(
        &mut self,
        options: TensorOptions<S, f32, Dev>,
        tensor: &mut Tensor<S, f32, Dev>,
    ) -> Result<Option<Tensor<S, f32, Dev>>, TrainError> {
        if options.do_gradient_update {
            let gradient = self.gradients.get(tensor);
            let len = tensor.shape().num_elements();
            let Scratch { weights, gradient: values } = &mut self.adam.scratch;
            weights.resize(len, 0.0);
            values.resize(len, 0.0);
            tensor.copy_into(weights);
            gradient.copy_into(values);
            self.adam.apply(self.index)?;
            tensor.copy_from(&self.adam.scratch.weights);
            self.index += 1;
        }
        Ok(None)
    }
}

/// The numbers of one step, as the loop uses them.
struct Rates {
    beta: [f32; 2],
    rate: f32,
    unbias: f32,
    epsilon: f32,
    keep: f32,
}

impl Rates {
    #[allow(clippy::cast_possible_truncation)] // computed in f64, used in f32 as the weights are
    fn new(learning_rate: f64, betas: [f64; 2], epsilon: f64, weight_decay: f64, step: i32) -> Self {
        Self {
            beta: betas.map(|beta| beta as f32),
            rate: (learning_rate / (1.0 - betas[0].powi(step))) as f32,
            unbias: (1.0 / (1.0 - betas[1].powi(step))) as f32,
            epsilon: epsilon as f32,
            keep: (1.0 - learning_rate * weight_decay) as f32,
        }
    }

    fn step(&self, weights: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
        let [beta1, beta2] = self.beta;
        let moments = first.iter_mut().zip(second);
        for ((weight, &gradient), (first, second)) in weights.iter_mut().zip(gradient).zip(moments) {
            *first = beta1 * *first + (1.0 - beta1) * gradient;
            *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
            let root = (*second * self.unbias).sqrt() + self.epsilon;
            *weight = self.keep * *weight - self.rate * *first / root;
        }
    }
}

#[cfg(test)]
mod tests {
    use dfdx::nn::{DeviceBuildExt, ZeroGrads};
    use dfdx::optim::{Adam as Theirs, AdamConfig, Optimizer, WeightDecay};
    use dfdx::prelude::*;

    use super::*;

    /// The largest difference between our weights and dfdx's after some steps on the same loss.
    fn difference(weight_decay: Option<f64>) -> f32 {
        type Model = (Linear<3, 4>, ReLU, Linear<4, 2>);
        let dev = Dev::default();
        let mut ours = dev.build_module::<Model, f32>();
        let mut theirs = ours.clone();
        let mut adam = Adam::new(0.01).with_weight_decay(weight_decay.unwrap_or(0.0));
        let config =
            AdamConfig { lr: 0.01, weight_decay: weight_decay.map(WeightDecay::Decoupled), ..Default::default() };
        let mut reference = Theirs::new(&theirs, config);
        let x: Tensor<Rank2<5, 3>, f32, _> = dev.sample_normal();
        for _ in 0..20 {
            let grads = ours.forward(x.clone().trace(ours.alloc_grads())).square().mean().backward();
            adam.update(&mut ours, &grads).expect("a step");
            let grads = theirs.forward(x.clone().trace(theirs.alloc_grads())).square().mean().backward();
            reference.update(&mut theirs, &grads).expect("a step");
        }
        let pairs =
            [(ours.0.weight.as_vec(), theirs.0.weight.as_vec()), (ours.2.bias.as_vec(), theirs.2.bias.as_vec())];
        let values = pairs.into_iter().flat_map(|(a, b)| a.into_iter().zip(b));
        values.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
    }

    #[test]
    fn steps_equal_dfdx() {
        assert!(difference(None) < 1e-5, "{}", difference(None));
        assert!(difference(Some(0.1)) < 1e-5, "{}", difference(Some(0.1)));
    }

    #[test]
    fn a_gradient_that_is_not_finite_leaves_the_weights() {
        let dev = Dev::default();
        let mut model = dev.build_module::<Linear<2, 1>, f32>();
        let before = model.weight.as_vec();
        let x: Tensor<Rank2<1, 2>, f32, _> = dev.tensor([[f32::NAN, 1.0]]);
        let grads = model.forward(x.trace(model.alloc_grads())).mean().backward();
        let error = Adam::new(0.1).update(&mut model, &grads).expect_err("a NaN").to_string();
        assert!(error.contains("step 1"), "{error}");
        assert_eq!(model.weight.as_vec(), before);
    }

    #[test]
    fn another_model_is_refused() {
        let dev = Dev::default();
        let mut adam = Adam::new(0.1);
        let mut one = dev.build_module::<Linear<2, 1>, f32>();
        let grads = one.alloc_grads();
        adam.update(&mut one, &grads).expect("a step");
        let mut two = dev.build_module::<Linear<3, 1>, f32>();
        let grads = two.alloc_grads();
        assert!(matches!(adam.update(&mut two, &grads), Err(TrainError::OtherModel { .. })));
    }
}
